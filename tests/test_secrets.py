"""Secrets at rest: sealed for their owner, renewed without a break, and never said."""

import io
import logging
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from ingest import source_secrets
from ingest.__main__ import main
from ingest.errors import BadInput
from ingest.settings import settings
from ingest.store import accounts, secrets
from ingest.store import sources as stored
from schemas.account import Account
from schemas.source import Source

OWNER = "source:usage-db:password"
SECRET = 'pa:ss "wörd" {"owner": 1}'


def keys(monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    monkeypatch.setenv("INTAKE_SECRET_KEYS", ",".join(given))
    settings.cache_clear()


def test_a_secret_opens_for_its_owner_alone(home: Path):
    sealed = secrets.seal(SECRET, OWNER)
    assert SECRET not in sealed
    assert secrets.unseal(sealed, OWNER) == SECRET
    for other in ("source:other:password", "source:usage-db:token", "account:usage-db", ""):
        with pytest.raises(BadInput, match="sealed for something else"):
            secrets.unseal(sealed, other)


def test_the_first_key_is_made_with_a_warning_and_only_its_owner_may_read_it(home: Path, caplog: pytest.LogCaptureFixture):
    secrets.seal("x", OWNER)
    secrets.seal("x", OWNER)
    assert [record.levelname for record in caplog.records if "action=secret-key-made" in record.getMessage()] == ["WARNING"]
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert "secret.key" in secrets.key_warning()
    assert [path.name for path in home.glob("secret.key*")] == ["secret.key"]


def test_keys_of_the_environment_the_first_seals_and_all_open(home: Path, monkeypatch: pytest.MonkeyPatch):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keys(monkeypatch, old)
    sealed = secrets.seal(SECRET, OWNER)
    keys(monkeypatch, new, old)
    assert secrets.unseal(sealed, OWNER) == SECRET
    fresh = secrets.seal(SECRET, OWNER)
    keys(monkeypatch, new)
    assert secrets.unseal(fresh, OWNER) == SECRET
    with pytest.raises(BadInput, match="can't be opened"):
        secrets.unseal(sealed, OWNER)
    assert secrets.key_warning() is None
    assert not (home / "secret.key").exists()
    keys(monkeypatch, "tooshort")
    with pytest.raises(BadInput, match="INTAKE_SECRET_KEYS can't be used") as raised:
        secrets.seal(SECRET, OWNER)
    assert "tooshort" not in str(raised.value)


def test_rotation_seals_everything_again(home: Path, capsys: pytest.CaptureFixture[str]):
    accounts.add(Account(name="mine", kind="sandbox", base_url="http://127.0.0.1:9", organisation="o", api_key=SecretStr("account-key")), "me")
    connection = source_secrets.store_away({"host": "h", "password": SECRET}, ["password"], "source:usage-db")
    stored.save(Source(name="usage-db", connector="postgresql", connection=connection), "me")
    stored.change("usage-db", call_key=secrets.seal("call", "source:usage-db:call"))
    old = (home / "secret.key").read_bytes()
    assert main(["secrets", "rotate", "--json"]) == 0
    assert '"sealed_again": 3' in capsys.readouterr().out
    lines = (home / "secret.key").read_bytes().split()
    assert lines[1:] == [old] and lines[0] != old
    (home / "secret.key").write_bytes(lines[0])  # the old key isn't needed any more
    assert accounts.account("mine").api_key.get_secret_value() == "account-key"
    assert source_secrets.resolve(stored.get("usage-db").source.connection["password"], OWNER) == SECRET
    assert secrets.unseal(stored.call_key("usage-db"), "source:usage-db:call") == "call"


def test_accounts_that_were_stored_before_go_on_working(home: Path):
    key = Fernet.generate_key()
    (home / "secret.key").write_bytes(key)
    sealed = Fernet(key).encrypt(b"old-key").decode()
    assert secrets.unseal(sealed, "account:mine") == "old-key"
    with pytest.raises(BadInput, match="something else"):
        secrets.unseal(sealed, OWNER)


@pytest.mark.parametrize(("value", "expected"), [("plain", "plain"), ("a:b", "a:b"), ("env:PG_SECRET", "from env"), ("file:{folder}/key", "of file ")])
def test_what_a_reference_stands_for(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: str):
    monkeypatch.setenv("PG_SECRET", "from env")
    (tmp_path / "key").write_text("of file \n")
    assert source_secrets.resolve(value.format(folder=tmp_path), OWNER) == expected


@pytest.mark.parametrize(("value", "said"), [
    ("env:NOT_THERE", "no variable NOT_THERE"),
    ("env:INTAKE_SECRET_KEYS", "belongs to this program"),
    ("file:{folder}/missing", "No such file"),
    ("file:{folder}/empty", "it is empty"),
    ("file:{folder}/bytes", "no text"),
    ("file:{folder}/home/secret.key", "own data folder"),
    ("sealed:verysecret", "can't be opened"),
])
def test_a_reference_that_leads_nowhere(home: Path, tmp_path: Path, value: str, said: str):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xffverysecret")
    with pytest.raises(BadInput) as raised:
        source_secrets.resolve(value.format(folder=tmp_path), OWNER)
    assert said in str(raised.value)
    assert "verysecret" not in str(raised.value)


def test_a_connection_is_stored_and_shown_without_its_secrets(home: Path, monkeypatch: pytest.MonkeyPatch):
    given = {"host": "h", "port": 5, "password": SECRET, "token": "env:TOKEN", "key": None, "headers": {"X-Api-Key": "of header", "X-Other": "env:OTHER"}}
    names = ("password", "token", "key", "headers", "absent")
    kept = source_secrets.store_away(given, names, "source:usage-db")
    assert kept | {"password": "", "headers": ""} == given | {"password": "", "headers": ""}
    assert "of header" not in str(kept["headers"]) and kept["headers"]["X-Other"] == "env:OTHER"
    monkeypatch.setenv("OTHER", "other")
    assert source_secrets.resolve_each(kept["headers"], "source:usage-db:headers") == {"X-Api-Key": "of header", "X-Other": "other"}
    assert source_secrets.resolve(kept["password"], OWNER) == SECRET
    assert source_secrets.store_away(kept, names, "source:usage-db") == kept
    assert source_secrets.without_secrets(kept, names) == source_secrets.without_secrets(given, names) == given | {"password": "***", "headers": "***"}
    assert source_secrets.without_secrets({"headers": {"X": "env:OTHER"}}, names) == {"headers": {"X": "env:OTHER"}}


def test_the_log_masks_what_was_looked_up(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PG_SECRET", "s3cr/et value")
    source_secrets.resolve("env:PG_SECRET", OWNER)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(source_secrets.Masked())
    log = logging.Logger("masked")
    log.addHandler(handler)
    try:
        raise ValueError("password=s3cr/et value")
    except ValueError:
        log.exception("%s at %s", "s3cr/et value", "db://s3cr%2Fet%20value@h")
    assert "s3cr" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 3
