"""The store: its migrations, and the constraints that make doing a thing twice impossible."""

import sqlite3
import stat
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ingest.errors import BadInput, places
from ingest.settings import read_settings
from ingest.store import accounts, audit, imports, metrics, open_rows
from ingest.store.database import HEAD, MIGRATIONS, store
from ingest.store.schema import metadata, pushes
from schemas.account import Account, AccountSettings
from schemas.checking import IssueExample, IssueGroup
from schemas.metric import Metric


def test_the_migrations_make_exactly_the_tables_of_the_schema(home: Path):
    with store().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []


def test_head_names_the_newest_migration():
    assert max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4] == HEAD


def test_sqlite_is_in_wal_mode_and_syncs_every_commit(home: Path):
    with store().connect() as connection:
        assert [connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "synchronous", "busy_timeout")] == ["wal", 2, 30000]


def test_one_check_of_an_import_is_pushed_once(home: Path):
    import_id = imports.add("a.csv", "0" * 64, 1, "anna")
    values = {"import_id": import_id, "check_key": "k", "account": "Practice", "ledger_name": "l", "event_type": "t", "state": "queued", "pushed_by": "anna", "started_at": "x"}
    with store().begin() as connection:
        connection.execute(insert(pushes).values(id="psh_1", **values))
    with pytest.raises(IntegrityError), store().begin() as connection:
        connection.execute(insert(pushes).values(id="psh_2", **values))


def test_a_stored_key_is_sealed_and_its_key_is_the_owners_alone(home: Path):
    accounts.add(Account(name="Live", kind="production", base_url="https://api.example.com/", organisation="o", api_key=SecretStr("first")), "anna")
    accounts.replace_key("Live", SecretStr("very-secret"), "anna")
    assert accounts.account("Live").api_key.get_secret_value() == "very-secret"
    assert b"very-secret" not in (home / "state.db").read_bytes()
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert "very-secret" not in repr(accounts.account("Live"))


@pytest.mark.parametrize("url", ["https://anna:hunter2@api.example.com/v1", "https://hunter2@api.example.com", "https://anna:hun/ter2@api.example.com", "https://anna:hunter2@api.example.com:badport"])
def test_a_password_in_an_address_is_shown_nowhere_and_not_stored(home: Path, url: str):
    given = Account(name="Live", kind="production", base_url=url, organisation="o", api_key=SecretStr("very-secret"))
    assert [each for each in ("hunter2", "ter2", "anna", "very-secret") if each in f"{given!r} {given} {given.shown_url}"] == []
    assert given.shown_url.startswith("https://api.example.com")
    with pytest.raises(BadInput, match="user name or a password") as refused:
        accounts.add(given, "anna")
    assert "ter2" not in str(refused.value)


def test_the_log_of_a_failure_holds_places_and_no_messages():
    try:
        try:
            int("4111 1111")
        except ValueError as error:
            raise KeyError("secret") from error
    except KeyError as error:
        said = places(error)
    assert "KeyError at test_store.py" in said and "after ValueError at test_store.py" in said
    assert "4111" not in said and "secret" not in said


def test_an_error_of_the_store_holds_no_values(home: Path):
    with pytest.raises(IntegrityError) as broken, store().begin() as connection:
        connection.execute(insert(pushes).values(id="psh_1", import_id="a customer's name"))
    assert "a customer" not in str(broken.value)


def test_a_changed_secret_key_is_a_sentence(home: Path):
    accounts.add(Account(name="Live", kind="sandbox", base_url="https://api.example.com", organisation="o", api_key=SecretStr("s")), "anna")
    (home / "secret.key").unlink()
    with pytest.raises(BadInput, match="The stored secret of the account 'Live' can't be opened"):
        accounts.account("Live")


@pytest.mark.parametrize("invoice_day, period, on", [
    (None, "2026-10", None), (5, "2026-10", date(2026, 11, 5)), (1, "2026-12", date(2027, 1, 1)), (31, "2026-11", date(2026, 12, 31)), (31, "2026-10", date(2026, 11, 30)), (30, "2027-01", date(2027, 2, 28)), (29, "2028-01", date(2028, 2, 29)),
])
def test_the_day_on_which_invoices_are_made(invoice_day: int | None, period: str, on: date | None):
    assert AccountSettings(invoice_day=invoice_day).invoices_on(period) == on


def test_what_people_say_about_an_account_is_kept_and_goes_with_it(home: Path):
    assert accounts.settings_of("Practice") == AccountSettings()
    for said in (AccountSettings(invoice_day=3), AccountSettings(invoice_day=31)):
        accounts.change_settings("Practice", said, "anna")
        assert accounts.settings_of("Practice") == said
    assert [(entry.action, entry.note) for entry in audit.entries("Practice")][-1] == ("account-settings", '{"invoice_day":31}')
    accounts.remove("Practice", "anna")
    assert accounts.settings_of("Practice") == AccountSettings()


def test_an_unknown_account_lists_the_known_ones(home: Path):
    with pytest.raises(BadInput, match="Known accounts: Practice"):
        accounts.account("Nope")


def test_the_environments_account_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch):
    from ingest.settings import settings

    monkeypatch.setenv("INTAKE_API_URL", "http://127.0.0.1:1/")
    settings.cache_clear()
    assert [each.name for each in accounts.all_accounts()] == ["environment", "Practice"]


@pytest.mark.parametrize(
    "environment, file, expected",
    [({}, "", 8501), ({}, "portal_port = 9000", 9000), ({"INTAKE_PORTAL_PORT": "9100"}, "portal_port = 9000", 9100)],
)
def test_the_environment_beats_the_settings_file(tmp_path: Path, environment: dict, file: str, expected: int):
    (tmp_path / "settings.toml").write_text(file)
    assert read_settings({"INTAKE_HOME": str(tmp_path), **environment}).portal_port == expected


@pytest.mark.parametrize("environment, file, words", [({"INTAKE_PORTAL_PORT": "eight"}, "", "portal_port"), ({}, "colour = 1", "colour"), ({}, "= 1", "settings file")])
def test_a_setting_that_cant_be_read_is_named(tmp_path: Path, environment: dict, file: str, words: str):
    (tmp_path / "settings.toml").write_text(file)
    with pytest.raises(BadInput, match=words):
        read_settings({"INTAKE_HOME": str(tmp_path), **environment})


def group(code: str, count: int) -> IssueGroup:
    return IssueGroup(code=code, severity="error", column="Quantity", count=count, examples=(IssueExample(row=5, value="x"),), todo="")


def test_open_rows_stay_until_they_are_settled_with_a_reason(home: Path):
    import_id = imports.add("a.csv", "0" * 64, 1, "anna")
    with store().begin() as connection:
        open_rows.keep_open(connection, import_id, (group("not_a_number", 3), group("missing_value", 2)), "anna")
    first, second = open_rows.all_open()
    with pytest.raises(BadInput):
        open_rows.settle(first.id, "dismissed", "  ", "anna")
    open_rows.settle(first.id, "dismissed", "test rows", "anna")
    assert [(each.code, each.owner, open_rows.count_open()) for each in open_rows.all_open()] == [(second.code, "anna", second.count)]
    with store().begin() as connection:
        open_rows.keep_open(connection, import_id, (group(first.code, 3),), "ben")
    assert open_rows.all_open() == [], "a dismissed entry came back"
    assert [entry.action for entry in audit.entries(import_id)] == ["import", "rows-dismissed"]
    with store().begin() as connection:
        open_rows.keep_open(connection, import_id, (group(first.code, 4),), "ben")
    assert [(each.code, each.count, each.owner) for each in open_rows.all_open()] == [(first.code, 4, "ben")], "more rows than were dismissed are open again"
    assert "rows-reopen" in [entry.action for entry in audit.entries(import_id)]


def test_the_store_survives_a_killed_writer(home: Path):
    imports.add("a.csv", "0" * 64, 1, "anna")
    other = sqlite3.connect(home / "state.db", isolation_level=None)
    other.execute("begin immediate")
    other.execute("update imports set state = 'lost'")
    other.close()
    assert imports.search()[0][0].state == "reading"


def test_a_state_nobody_knows_is_refused(home: Path):
    import_id = imports.add("a.csv", "0" * 64, 1, "anna")
    with pytest.raises(IntegrityError), store().begin() as connection:
        connection.execute(insert(metadata.tables["open_rows"]).values(import_id=import_id, code="c", column="", count=1, owner="a", since="x", state="perhaps"))


def test_a_metric_keeps_its_versions_and_what_is_registered_of_it(home: Path):
    first, second = (Metric(name="CPU hours", event_type="compute", function="sum", field=field) for field in ("cpu_hours", "gpu_hours"))
    assert [metrics.save("Practice", each, "anna").version for each in (first, first, second)] == [1, 1, 2]
    registered = metrics.mark_registered("Practice", first, "agg-1", "anna")
    assert (registered.metric, registered.registered, registered.aggregate_id) == (second, first, "agg-1")
    assert [each.metric.name for each in metrics.listed("Practice")] == ["CPU hours"]
    assert metrics.listed("Live") == []
    with pytest.raises(BadInput, match="There are: CPU hours"):
        metrics.get("Practice", "GPU hours")
    metrics.forget_registration("Practice", "CPU hours", "anna")
    assert metrics.get("Practice", "CPU hours").aggregate_id is None
    metrics.remove("Practice", "CPU hours", "anna")
    assert [each.action for each in audit.entries("CPU hours")] == ["metric", "metric", "register-metric", "unregister-metric", "remove-metric"]
    with pytest.raises(BadInput, match="none yet"):
        metrics.get("Practice", "CPU hours")


def test_one_aggregate_is_never_two_metrics(home: Path):
    for name in ("a", "b"):
        metrics.save("Practice", Metric(name=name, event_type="compute", function="count"), "anna")
    metrics.mark_registered("Practice", Metric(name="a", event_type="compute", function="count"), "agg-1", "anna")
    with pytest.raises(IntegrityError):
        metrics.mark_registered("Practice", Metric(name="b", event_type="compute", function="count"), "agg-1", "anna")
