"""Columns that come and go: what billed and is gone stops a source; what would bill now is asked about, or taken along where the source says so; nothing else stops it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import pulling, push
from ingest.billing import BillingClient
from ingest.imports import set_match
from ingest.store import accounts, open_rows, runs
from ingest.store import imports as records
from ingest.store import sources as stored
from ingest.whole_check import check
from schemas.event_type import EventType, Field
from schemas.pull_run import PullRun
from tests.pull_table import change, fill, known
from tests.test_pulling import row, run, send, source
from tests.test_push import account

COMPUTE = EventType(name="Compute", slug="compute", fields=(Field(name="cpu_hours", type="Decimal"), Field(name="region", type="String"), Field(name="event_id", type="String"), Field(name="import_id", type="String")))
COMES = "alter table usage add column region varchar default 'eu'"


@pytest.fixture
def table(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with known(monkeypatch), account(home, event_type=COMPUTE):
        fill(tmp_path / "usage.duckdb", [row(1), row(2)])
        yield tmp_path / "usage.duckdb"


def regions() -> list[str | None]:
    """The region of every event in the account, by time."""
    with BillingClient(accounts.account("Test")) as client:
        return [each["data"].get("region") for each in sorted((each for page in client.row_pages("compute") for each in page), key=lambda each: each["timestamp"])]


def said(found: PullRun) -> str:
    return " ".join(line.text for line in found.log)


def drifted(name: str) -> list[str]:
    return [alarm.text for alarm in stored.open_alarms(name) if alarm.kind == "drift"]


def test_a_column_that_would_fill_a_field_is_asked_about(table: Path):
    name = source(table)
    run(name)
    change(table, COMES)
    fill(table, [(*row(3), "us")])
    waiting = run(name)
    assert (waiting.state, drifted(name) != []) == ("waiting", True)
    assert "The column 'region' is new and would fill the field region" in waiting.message
    assert "region: region" in waiting.message
    assert regions() == [None, None]


@pytest.mark.parametrize(("changes", "wanted"), [({"drift": "take"}, [None, None, "us"]), ({"match": {"customer_id": "customer", "timestamp": "at", "cpu_hours": "hours", "region": "region"}}, [None, None, "us"])], ids=["take", "said"])
def test_it_is_taken_along_where_the_source_says_so(table: Path, changes: dict[str, object], wanted: list[str | None]):
    name = source(table, lookback="1d")
    run(name)
    change(table, COMES)
    fill(table, [(*row(3), "us")])
    source(table, lookback="1d", **changes)
    taken = run(name)
    assert (taken.state, taken.sent, taken.rows.changed, taken.rows.rejected) == ("done", 1, 0, 0)
    assert regions() == wanted
    assert open_rows.all_open() == []


def test_without_a_key_nothing_is_taken_along_since_rows_would_be_sent_twice(table: Path):
    name = source(table, drift="take", read={"key": None})
    run(name)
    change(table, COMES)
    fill(table, [(*row(3), "us")])
    left = run(name)
    assert (left.state, left.sent) == ("done", 1)
    assert "New and left aside: 'region'." in said(left)
    again = run(name, "backfill", since="2026-10-01", until="2026-10-01")
    assert (again.sent, again.rows.duplicate, regions()) == (0, 3, [None, None, None])


def test_a_column_that_is_no_field_is_left_aside_and_told_once(table: Path):
    name = source(table)
    run(name)
    change(table, "alter table usage add column note varchar default 'x'")
    told = []
    for number in (3, 4):
        fill(table, [(*row(number), "y")])
        found = run(name)
        told.append(("New and left aside: 'note'." in said(found), found.state, found.rows.read, found.rows.duplicate, found.sent))
    assert told == [(True, "done", 2, 1, 1), (False, "done", 2, 1, 1)]
    assert drifted(name) == []


def test_what_a_person_leaves_out_stays_left_out(table: Path):
    name = source(table)
    run(name)
    change(table, COMES)
    fill(table, [(*row(3), "us")])
    record = records.get(run(name).imports[0])
    first = records.last_of(f"source {name}", "compute").match
    set_match(record.id, first.model_copy(update={"ignored": (*first.ignored, "region")}), "Test", "anna")
    check(record.id)
    send(push.begin(record.id, "anna"))
    waiting = runs.open_run(name)
    while pulling.settle(waiting.id) != "done":
        pass
    fill(table, [(*row(4), "us")])
    assert (run(name).state, regions(), drifted(name)) == ("done", [None] * 4, [])


def test_a_field_that_came_from_a_column_which_is_gone_stops_the_run(table: Path):
    """The source never named it: its name was the field's."""
    change(table, COMES)
    name = source(table, drift="take")
    run(name)
    change(table, "alter table usage rename column region to regions")
    fill(table, [(*row(3), "us")])
    waiting = run(name)
    assert (waiting.state, regions()) == ("waiting", ["eu", "eu"])
    assert "no column 'region' any more, from which region came until now. It may be called 'regions' now." in waiting.message
    pulling.stop(waiting.id, "anna")
    source(table, match={"customer_id": "customer", "timestamp": "at", "cpu_hours": "hours", "region": "regions"})
    assert (run(name).state, regions(), drifted(name)) == ("done", ["eu", "eu", "us"], [])


def test_a_column_that_tells_rows_apart_and_is_gone_stops_the_run(table: Path):
    name = source(table, read={"cursor": None})
    run(name)
    change(table, "alter table usage rename column id to number")
    fill(table, [row(3)])
    waiting = run(name)
    assert (waiting.state, regions(), "'id'" in waiting.message) == ("waiting", [None, None], True)
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["drift"]


def test_a_new_column_makes_no_row_of_a_compared_table_another(table: Path):
    name = source(table, read={"cursor": None}, drift="take")
    run(name)
    change(table, COMES)
    fill(table, [(*row(3), "us")])
    taken = run(name)
    assert (taken.state, taken.rows.new, taken.rows.duplicate, taken.rows.removed, regions()) == ("done", 1, 2, 0, [None, None, "us"])
    change(table, "alter table usage drop column region")
    assert (run(name).state, stored.open_alarms(name)[0].kind) == ("waiting", "drift")


