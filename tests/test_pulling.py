"""Runs of sources: whatever happens on the way, the account ends equal to the source, row for row."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingest import pulling, push, sources
from ingest.billing import BillingClient
from ingest.errors import IngestError, NotReady
from ingest.store import accounts, open_rows, pushes, runs
from ingest.store import imports as records
from ingest.store import sources as stored
from schemas.event_type import EventType, Field
from schemas.pull_run import PullRun
from tests.pull_table import PullTable, change, fill, known
from tests.test_push import account

COMPUTE = EventType(name="Compute", slug="compute", fields=(Field(name="cpu_hours", type="Decimal"), Field(name="event_id", type="String"), Field(name="import_id", type="String")))
DAY = "2026-10-01T{:02d}:00:00+00:00"


@pytest.fixture
def table(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A table that can be pulled from, and an account to send to."""
    with known(monkeypatch), account(home, event_type=COMPUTE):
        yield tmp_path / "usage.duckdb"


def source(path: Path, name: str = "usage-db", **more: object) -> str:
    """Registers the table; its name."""
    read = {"table": "usage", "cursor": "updated_at", "key": ["id"], **more.pop("read", {})}
    given = {"name": name, "connector": "table", "connection": {"path": str(path)}, "read": {key: value for key, value in read.items() if value is not None}, "event_type": "compute", "match": {"customer_id": "customer", "timestamp": "at", "cpu_hours": "hours"}, "push": "automatic", "account": "Test", **more}
    return sources.add(sources.from_document(given), "anna").source.name


def run(name: str, kind: str = "by hand", **window: str) -> PullRun:
    """One run to where it ends or waits, as the jobs do it."""
    begun = pulling.begin(name, kind, "anna", **window)
    try:
        for import_id in pulling.try_rejected_again(begun.id):
            send(push.begin(import_id, "anna"))
        pulling.fetch(begun.id)
        pulling.take_in(begun.id)
        for push_id in pulling.decide(begun.id):
            send(push_id)
    except IngestError as error:
        return pulling.fail(begun.id, str(error), error.exit_code)
    pulling.settle(begun.id)
    return runs.get(begun.id)


def send(push_id: str) -> None:
    push.plan(push_id)
    push.remember_before(push_id)
    with BillingClient(accounts.account("Test")) as client:
        for part in pushes.open_parts(push_id):
            push.send_part(push_id, part, client)
    push.end(push_id, "finished", sleep=lambda _: None)


def held() -> Counter:
    """What the account holds: customer, time and quantity of every event."""
    with BillingClient(accounts.account("Test")) as client:
        return Counter((each["customer_id"], each["timestamp"][:19], Decimal(str(each["data"]["cpu_hours"]))) for page in client.row_pages("compute") for each in page)


def row(number: int, hours: str = "1.5", customer: str = "acme", updated: str | None = None) -> tuple:
    """A row of the table, whose usage is in hour `number` of the day, and which was written then unless it is said otherwise."""
    return number, updated or DAY.format(number % 24), customer, DAY.format(number % 24), Decimal(hours)


def test_only_what_is_new_is_sent(table: Path):
    fill(table, [row(1), row(2)])
    name = source(table)
    first = run(name)
    assert (first.state, first.rows.read, first.rows.new, first.sent, first.proven) == ("done", 2, 2, 2, 2)
    assert stored.get(name).mark == "2026-10-01T02:00:00Z"
    again = run(name)
    assert (again.state, again.message, again.rows.new, again.sent, again.imports) == ("done", "Nothing new.", 0, 0, ())
    fill(table, [row(3)])
    third = run(name)
    assert (third.rows.read, third.rows.new, third.rows.duplicate, third.sent) == (2, 1, 1, 1)
    assert held() == Counter({("acme", f"2026-10-01T0{hour}:00:00", Decimal("1.5")): 1 for hour in (1, 2, 3)})


def test_rows_with_an_equal_cursor_that_come_later_are_not_lost(table: Path):
    fill(table, [row(1, updated=DAY.format(5))])
    name = source(table)
    run(name)
    fill(table, [row(2, updated=DAY.format(5)), row(3, updated=DAY.format(5))])
    assert run(name).sent == 2
    assert held().total() == 3


def test_two_rows_of_one_content_are_two_events(table: Path):
    fill(table, [(1, DAY.format(1), "acme", DAY.format(1), Decimal(1)), (2, DAY.format(1), "acme", DAY.format(1), Decimal(1))])
    name = source(table)
    run(name)
    fill(table, [(3, DAY.format(2), "acme", DAY.format(1), Decimal(1))])
    run(name)
    assert held() == Counter({("acme", "2026-10-01T01:00:00", Decimal(1)): 3})


@pytest.mark.parametrize(("lookback", "sent"), [("0", 0), ("3h", 1)])
def test_late_rows_are_found_within_the_look_back(table: Path, lookback: str, sent: int):
    fill(table, [row(1), row(6)])
    name = source(table, lookback=lookback)
    run(name)
    fill(table, [row(4)])
    assert run(name).sent == sent


def test_a_wall_clock_that_goes_back_over_the_mark_loses_no_row(table: Path):
    """02:40 in summer, then 02:10 in winter: half an hour later, and less."""
    columns = "id bigint, updated_at timestamp, customer varchar, \"at\" timestamptz, hours decimal(18,4)"
    fill(table, [row(1, updated="2025-10-26 02:40:00")], columns)
    name = source(table, read={"cursor_zone": "Europe/Berlin"})
    run(name)
    fill(table, [row(2, updated="2025-10-26 02:10:00")])
    assert (run(name).sent, stored.get(name).mark) == (1, "2025-10-26T02:40:00")


def test_rows_younger_than_the_safety_lag_wait(table: Path):
    fill(table, [row(1), (2, "2999-01-01T00:00:00+00:00", "acme", DAY.format(2), Decimal(1))])
    name = source(table, safety_lag="1h")
    assert run(name).sent == 1
    assert stored.get(name).mark == "2026-10-01T01:00:00Z"


def test_a_changed_row_is_never_sent_beside_the_sent_one(table: Path):
    fill(table, [row(1), row(2)])
    name = source(table)
    run(name)
    change(table, "update usage set hours = 9, updated_at = '2026-10-01T07:00:00Z' where id = 1")
    changed = run(name)
    assert (changed.state, changed.rows.changed, changed.rows.new, changed.rows.rejected, changed.sent) == ("done", 1, 0, 1, 0)
    assert [entry.code for entry in open_rows.all_open()] == ["already_sent_other_content"]
    assert held().total() == 2


def test_a_server_that_goes_away_fails_the_run_and_moves_nothing(table: Path):
    fill(table, [row(1)])
    name = source(table, schedule={"every": "1h"})
    PullTable.broken = 2
    failed = [run(name), run(name)]
    assert [(each.state, each.message, each.exit_code) for each in failed] == [("failed", "The database went away in the middle. Nothing was lost; the next run tries again.", 3)] * 2
    assert (stored.get(name).failures, stored.get(name).mark, [alarm.kind for alarm in stored.open_alarms(name)]) == (2, None, ["failed"])
    assert run(name).sent == 1
    assert (stored.get(name).failures, stored.open_alarms(name)) == (0, [])


def test_after_ten_failures_the_source_is_paused_and_said_so(table: Path):
    fill(table, [row(1)])
    name = source(table)
    PullTable.broken = 10
    for _ in range(10):
        run(name)
    found = stored.get(name)
    assert (found.state, found.paused_why.startswith("Paused after 10 failures")) == ("paused", True)
    assert {alarm.kind for alarm in stored.open_alarms(name)} == {"failed", "paused"}


def test_every_step_can_be_done_again(table: Path):
    fill(table, [row(1), row(2)])
    begun = pulling.begin(source(table), "by hand", "anna")
    for _ in range(2):
        pulling.fetch(begun.id)
    for _ in range(2):
        pulling.take_in(begun.id)
    first, second = pulling.decide(begun.id), pulling.decide(begun.id)
    assert first == second or second == []
    send(first[0])
    assert [pulling.settle(begun.id), pulling.settle(begun.id)] == ["done", "done"]
    assert (PullTable.fetches, len(records.of_run(begun.id)), held().total()) == (1, 1, 2)


def test_a_source_has_one_run_at_a_time(table: Path):
    fill(table, [row(1)])
    name = source(table)
    pulling.begin(name, "by hand", "anna")
    with pytest.raises(NotReady, match="on its way already"):
        pulling.begin(name, "scheduled", "worker")


def test_a_source_that_asks_waits_until_somebody_sends_it(table: Path):
    fill(table, [row(1)])
    name = source(table, push="ask")
    waiting = run(name)
    assert (waiting.state, waiting.message, waiting.sent, stored.get(name).mark) == ("waiting", "1 event wait for somebody to send them.", 0, None)
    send(push.begin(waiting.imports[0], "anna"))
    assert pulling.settle(waiting.id) == "pushing" or pulling.settle(waiting.id) == "done"
    assert pulling.settle(waiting.id) == "done"
    assert stored.get(name).mark == "2026-10-01T01:00:00Z"


def test_a_run_that_is_given_up_leaves_its_rows_for_the_next(table: Path):
    fill(table, [row(1)])
    name = source(table, push="ask")
    pulling.stop(run(name).id, "anna")
    assert (stored.get(name).mark, run(name).rows.new) == (None, 1)


def test_rows_that_need_fixing_stay_open_and_the_others_go(table: Path):
    columns = "id bigint, updated_at timestamptz, customer varchar, \"at\" varchar, hours varchar"
    rows = [(number, DAY.format(number), "acme", DAY.format(number), "1") for number in range(1, 20)]
    fill(table, [*rows, (20, DAY.format(20), "acme", DAY.format(20), "many")], columns)
    name = source(table)
    done = run(name)
    assert (done.state, done.rows.accepted, done.rows.rejected, done.sent) == ("done", 19, 1, 19)
    assert [(entry.code, entry.count) for entry in open_rows.all_open()] == [("not_a_number", 1)]
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["rejected"]
    assert run(name).message == "Nothing new."


@pytest.mark.parametrize(("more", "state"), [({}, "waiting"), ({"rejected_share": 0.5}, "done"), ({"rejected": "wait", "rejected_share": 0.5}, "waiting")])
def test_what_happens_to_rows_that_need_fixing_is_the_sources_to_say(table: Path, more: dict, state: str):
    columns = "id bigint, updated_at timestamptz, customer varchar, \"at\" varchar, hours varchar"
    fill(table, [(number, DAY.format(number), "acme", DAY.format(number), "1" if number > 10 else "many") for number in range(1, 24)], columns)
    assert run(source(table, **more)).state == state


def test_far_more_rows_than_usual_wait_for_a_person(table: Path):
    fill(table, [])
    name = source(table)
    for number in range(1, 5):
        fill(table, [row(number)])
        assert run(name).state == "done"
    fill(table, [row(number, updated=DAY.format(9), customer=f"c{number}") for number in range(100, 111)])
    waiting = run(name)
    assert (waiting.state, waiting.message) == ("waiting", "11 new rows, where 1 are usual: outside what this source may send without asking.")
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["volume"]


def test_a_column_that_bills_and_is_gone_stops_the_run_and_asks(table: Path):
    fill(table, [row(1)])
    name = source(table)
    run(name)
    change(table, "alter table usage rename column hours to cpu_time")
    fill(table, [row(2)])
    waiting = run(name)
    assert waiting.state == "waiting"
    assert "no column 'hours'" in waiting.message
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["drift"]
    assert held().total() == 1


def test_a_new_column_is_taken_along_and_sends_nothing_twice(table: Path):
    fill(table, [row(1), row(2)])
    name = source(table, lookback="1d")
    run(name)
    change(table, "alter table usage add column note varchar default 'x'")
    assert (run(name).sent, held().total()) == (0, 2)


def test_without_a_cursor_everything_is_compared(table: Path):
    fill(table, [row(1), row(2), row(3)])
    name = source(table, read={"cursor": None})
    assert run(name).sent == 3
    assert (run(name).rows.duplicate, held().total()) == (3, 3)
    change(table, "delete from usage where id = 3")
    fill(table, [row(4)])
    compared = run(name)
    assert (compared.rows.read, compared.rows.new, compared.rows.removed, compared.sent) == (3, 1, 1, 1)
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["removed"]


def test_a_dry_run_says_what_would_come_of_it_and_keeps_nothing(table: Path):
    fill(table, [row(1), row(2)])
    name = source(table)
    dry = run(name, "dry")
    assert (dry.state, dry.rows.accepted, dry.sent, stored.get(name).mark) == ("done", 2, 0, None)
    assert "2 rows read: 2 would be sent" in dry.message
    assert (held().total(), records.search()[1]) == (0, 0)
    assert run(name).sent == 2


def test_a_back_fill_sends_what_was_missed_and_leaves_the_mark(table: Path):
    fill(table, [row(number) for number in range(1, 10)])
    name = source(table, read={"start": "2026-10-01T06:00:00Z"})
    assert run(name).sent == 4
    mark = stored.get(name).mark
    back = run(name, "backfill", since="2026-10-01", until="2026-10-01")
    assert (back.rows.read, back.sent, back.rows.duplicate, stored.get(name).mark) == (9, 5, 4, mark)
    assert held().total() == 9


def test_a_back_fill_is_taken_in_bounded_parts(table: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ingest.pulling.fetching.PART_ROWS", 10)
    fill(table, [row(number) for number in range(1, 20)])
    name = source(table)
    back = run(name, "backfill", since="2026-10-01", until="2026-10-01")
    assert len(back.imports) > 1
    assert (back.rows.read, back.sent, held().total()) == (19, 19, 19)


def test_two_sources_number_their_own_rows(table: Path, tmp_path: Path):
    fill(table, [row(1, customer="acme")])
    fill(tmp_path / "other.duckdb", [row(1, customer="globex")])
    run(source(table))
    assert run(source(tmp_path / "other.duckdb", "other-db")).sent == 1
    assert held().total() == 2


# Ticks.

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)


def tick(moment: datetime) -> list[PullRun]:
    return pulling.begin_due(moment)


def test_a_tick_has_one_run_and_a_restart_makes_no_second_one(table: Path):
    name = source(table, schedule={"every": "1h"})
    stored.change(name, next_at=NOON.isoformat(timespec="microseconds"))
    first = tick(NOON + timedelta(seconds=3))
    assert [(run.kind, run.due_at) for run in first] == [("scheduled", "2026-10-05T12:00:00.000000+00:00")]
    assert stored.get(name).next_at == "2026-10-05T13:00:00.000000+00:00"
    stored.change(name, next_at=NOON.isoformat(timespec="microseconds"))
    assert tick(NOON + timedelta(seconds=4)) == []


@pytest.mark.parametrize(("down", "made"), [(timedelta(hours=5), 1), (timedelta(days=3), 1)])
def test_after_a_downtime_there_is_one_run_for_all_that_was_missed(table: Path, down: timedelta, made: int):
    name = source(table, schedule={"every": "1h"})
    stored.change(name, next_at=NOON.isoformat(timespec="microseconds"))
    assert len(tick(NOON + down)) == made
    assert datetime.fromisoformat(stored.get(name).next_at) > NOON + down


def test_a_tick_while_a_run_waits_for_a_person_makes_none(table: Path):
    fill(table, [row(1)])
    name = source(table, push="ask", schedule={"every": "1h"})
    run(name)
    stored.change(name, next_at=NOON.isoformat(timespec="microseconds"))
    assert tick(NOON) == []
    pulling.look_around(datetime.now(UTC) + timedelta(hours=3))
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["late"]


def test_a_paused_source_and_one_that_is_not_switched_on_have_no_ticks(table: Path):
    paused, waiting = source(table, schedule={"every": "1h"}), source(table, "other", schedule={"every": "1h"})
    sources.enable(paused, "anna", on=False)
    stored.change(waiting, enabled=0)
    for name in (paused, waiting):
        stored.change(name, next_at=NOON.isoformat(timespec="microseconds"))
    assert tick(NOON + timedelta(minutes=1)) == []


def test_a_failed_run_is_tried_again_soon(table: Path):
    name = source(table, schedule={"every": "6h"})
    fill(table, [])
    PullTable.broken = 1
    run(name)
    soon = datetime.fromisoformat(stored.get(name).next_at)
    assert timedelta(0) < soon - datetime.now(UTC) <= timedelta(minutes=1)
    again = tick(soon + timedelta(seconds=1))
    assert len(again) == 1


def test_a_source_that_gives_nothing_any_more_raises_an_alarm_and_takes_it_back(table: Path):
    fill(table, [row(1)])
    name = source(table, silent_after="1d")
    run(name)
    pulling.look_around(datetime.now(UTC) + timedelta(days=2))
    assert [alarm.kind for alarm in stored.open_alarms(name)] == ["silent"]
    fill(table, [row(2)])
    run(name)
    assert stored.open_alarms(name) == []
