"""Secrets at rest: sealed with keys from the environment or from the data folder, each for what it belongs to, so that it opens nowhere else."""

import json
import logging
import os
import re
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Table, select, update

from ingest.errors import BadInput
from ingest.settings import settings
from ingest.store import audit
from ingest.store.database import store
from ingest.store.schema import accounts, sources

log = logging.getLogger("intake.secrets")
ACCOUNT = "account:"
SEALED = re.compile(r"gAAAA[\w-]+={0,2}")
"""How every sealed text begins: with the version of its format and the first bytes of the time."""
STORED = ((accounts, accounts.c.name, accounts.c.sealed_key), (sources, sources.c.name, sources.c.source), (sources, sources.c.name, sources.c.call_key))


def seal(secret: str, owner: str) -> str:
    """The secret as text that is safe to store, and that opens for this owner only."""
    return _keys().encrypt(json.dumps({"owner": owner, "secret": secret}).encode()).decode()


def unseal(sealed: str, owner: str) -> str:
    """The secret again. Raises BadInput where no key opens it, or where it belongs to somebody else."""
    try:
        opened = _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise BadInput(f"The stored secret of {_named(owner)} can't be opened: the keys it was sealed with are gone.", "Enter it again, or bring the old secret.key or INTAKE_SECRET_KEYS back.") from None
    belongs_to, secret = _payload(opened, owner)
    if belongs_to != owner:
        raise BadInput(f"The stored secret of {_named(owner)} was sealed for something else.", "Enter it again.")
    return secret


def rotate(who: str) -> dict[str, object]:
    """Makes a new key that seals from now on, and seals again everything that is stored. Keys of the environment are changed there; then only the sealing is done."""
    made = not settings().secret_keys.get_secret_value()
    if made:
        _keys()
        _write(_path(), b"\n".join([Fernet.generate_key(), _path().read_bytes()]))
    keys = _keys()
    with store().begin() as connection:
        count = sum(_seal_again(connection, keys, *each) for each in STORED)
        audit.record(connection, who, "rotate-secrets", "secrets", f"{count} sealed again")
    return {"new_key": made, "sealed_again": count}


def key_warning() -> str | None:
    """What whoever runs this installation should know about its keys; None where they come from the environment."""
    if settings().secret_keys.get_secret_value():
        return None
    return f"The key of the stored passwords lies beside them, in {_path()}. Keep a copy of it in another place, or set INTAKE_SECRET_KEYS: without it nobody can open them again."


def _payload(opened: str, owner: str) -> tuple[str, str]:
    """Whom a secret belongs to, and the secret. Keys of accounts were once sealed without an owner."""
    try:
        payload = json.loads(opened)
        return payload["owner"], payload["secret"]
    except (ValueError, TypeError, KeyError):
        return (owner if owner.startswith(ACCOUNT) else ""), opened


def _named(owner: str) -> str:
    """`source:usage-db:password` as people say it."""
    kind, _, rest = owner.partition(":")
    return f"the {kind} {rest.partition(':')[0]!r}"


def _seal_again(connection, keys: MultiFernet, table: Table, key, column) -> int:  # noqa: ANN001
    """Seals again what is sealed in one column; in how many rows."""
    changed = 0
    for name, text in connection.execute(select(key, column).where(column.is_not(None))).all():
        fresh = SEALED.sub(lambda found: _again(keys, found[0]), text)
        changed += fresh != text
        connection.execute(update(table).where(key == name).values({column: fresh}))
    return changed


def _again(keys: MultiFernet, sealed: str) -> str:
    try:
        return keys.rotate(sealed.encode()).decode()
    except InvalidToken:
        return sealed  # of a key that is gone: it can't get worse


def _keys() -> MultiFernet:
    """The keys: the first seals, every one opens."""
    given = settings().secret_keys.get_secret_value()
    texts = given.split(",") if given else _file_keys().decode().split()
    try:
        return MultiFernet([Fernet(text.strip()) for text in texts if text.strip()])
    except ValueError:
        place = "INTAKE_SECRET_KEYS" if given else str(_path())
        raise BadInput(f"A key in {place} can't be used: each is 44 letters that stand for 32 bytes.", "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' makes one.") from None


def _file_keys() -> bytes:
    """The keys of the data folder; made the first time."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"secret.key.{os.getpid()}")
        _write(fresh, Fernet.generate_key())
        try:
            os.link(fresh, path)  # whole or not at all, and never over another's
            log.warning("A key for stored passwords was made. Keep a copy of it in another place, or set INTAKE_SECRET_KEYS. action=secret-key-made path=%s", path)
        except FileExistsError:
            pass
        fresh.unlink(missing_ok=True)
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
        os.fsync(stream.fileno())
    fresh.replace(path)


def _path() -> Path:
    return Path(settings().home) / "secret.key"
