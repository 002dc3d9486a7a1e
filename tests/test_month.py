"""What the home page says: expected, arrived, missing, quiet customers; lists without large documents; questions asked in another process."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import files, month, query
from ingest.errors import BadInput, NotReady, Refused
from ingest.store import imports
from ingest.store.database import store
from ingest.store.schema import imports as table
from schemas.checking import CheckResult, RowCounts
from schemas.reading import ExcludedRow, ReadReport

ACCOUNT = "Practice"


def have(file_name: str, state: str = "proven", period: str | None = "2026-09", event_type: str | None = "api-calls", customers: dict[str, int] | None = None, account: str | None = ACCOUNT, **values: object) -> str:
    """An import in the store, with a check folder where customers are named."""
    import_id = imports.add(file_name, file_name, 10, "ana", account=account)
    key = "0" * 24 if customers else None
    imports.change(import_id, state=state, period=period, event_type=event_type, check_key=key, **values)
    if customers:
        folder = files.stage_folder(import_id, "check", key)
        folder.mkdir(parents=True)
        names = [name for name, events in customers.items() for _ in range(events)]
        pq.write_table(pa.table({"customer_id": names}), folder / "events.parquet")
    return import_id


def seen(period: str = "2026-10") -> dict[str, str | None]:
    """What is expected in a month, and the file that came for it."""
    return {each.last_file: each.arrived and each.arrived.file_name for each in month.month(period, ACCOUNT).expected}


@pytest.mark.parametrize(("earlier", "now", "expected"), [
    ([], [], {}),
    ([("calls_2026-09.csv", "2026-09")], [], {"calls_2026-09.csv": None}),
    ([("calls_2026-09.csv", "2026-09")], [("calls_2026-10.csv", "2026-10")], {"calls_2026-09.csv": "calls_2026-10.csv"}),
    ([("Calls September 2026.xlsx", "2026-09")], [("Calls October 2026.xlsx", "2026-10")], {"Calls September 2026.xlsx": "Calls October 2026.xlsx"}),
    ([("eu_09.csv", "2026-09"), ("us_09.csv", "2026-09")], [("us_10.csv", "2026-10")], {"eu_09.csv": None, "us_09.csv": "us_10.csv"}),
    ([("calls_09.csv", "2026-09")], [("renamed.csv", "2026-10")], {"calls_09.csv": "renamed.csv"}),
    ([("once.csv", "2026-07")], [], {}),
    ([("often 7.csv", "2026-07"), ("often 8.csv", "2026-08")], [], {"often 8.csv": None}),
    ([("old.csv", "2026-05"), ("old.csv", "2026-06")], [], {}),
])
def test_what_is_expected(home: Path, earlier: list, now: list, expected: dict):
    for name, period in earlier:
        have(name, period=period)
    for name, period in now:
        have(name, "checked", period)
    assert seen() == expected


def test_one_file_stands_for_one_expected_file_only(home: Path):
    have("eu_09.csv")
    have("us_09.csv")
    have("calls.csv", "checked", "2026-10")
    assert sorted(map(str, seen().values())) == ["None", "calls.csv"]


def test_what_waits_in_other_months_is_counted(home: Path):
    have("sep.csv", "checked", "2026-09")
    have("oct.csv", "checked", "2026-10")
    have("sep_sent.csv", "proven", "2026-09")
    assert month.month("2026-10", ACCOUNT).waiting_elsewhere == 1


def test_another_account_expects_nothing(home: Path):
    have("calls_09.csv", account="Production")
    assert month.month("2026-10", ACCOUNT).expected == ()


def test_a_file_without_a_month_waits_in_every_month(home: Path):
    import_id = have("new.csv", "read", None, None)
    have("sent.csv", "proven", "2026-08")
    assert [each.id for each in month.month("2026-10", ACCOUNT).imports] == [import_id]


@pytest.mark.parametrize(("file_name", "same"), [
    ("api_calls_2026-09.csv", "API calls 2026-10.csv"),
    ("Usage Sep 2026.xlsx", "Usage Oct 2026.xlsx"),
    ("export-20260930T1200.csv", "export-20261031T0815.csv"),
    ("usage september.csv", "usage october.csv"),
    ("usage 2026-10.csv", "usage 2026-10 corrected.csv"), ("usage_2026-10.csv.gz", "usage_2026-10_v2.csv.gz"), ("Verbrauch Oktober.xlsx", "Verbrauch Oktober (korrigiert 2).xlsx"), ("usage.csv", "usage - Copy (1).csv"),
    ("october.csv", "october final.csv"), ("usage.csv", "usage corrected final.csv"),
])
def test_the_shape_of_a_name_lasts(file_name: str, same: str):
    assert month.shape(file_name) == month.shape(same)


def test_the_shape_of_a_name_tells_files_apart():
    assert len({month.shape(name) for name in ("eu_2026-09.csv", "us_2026-09.csv", "new customers.csv", "customers.csv", "final.csv", "corrected.csv", "rev.csv", "revenue.csv")}) == 8


@pytest.mark.parametrize(("period", "months", "expected"), [("2026-10", 1, "2026-09"), ("2026-01", 1, "2025-12"), ("2026-03", 15, "2024-12"), ("2026-12", 12, "2025-12")])
def test_earlier_periods(period: str, months: int, expected: str):
    assert month.earlier_period(period, months) == expected


def test_quiet_customers(home: Path):
    have("calls_09.csv", customers={"acme": 2, "beta": 5, "gamma": 1})
    have("storage_09.csv", event_type="storage", customers={"beta": 1, "delta": 1})
    have("calls_10.csv", "checked", "2026-10", customers={"acme": 1})
    quiet = [(each.customer_id, each.event_types, each.events) for each in month.quiet_customers("2026-10", ACCOUNT)]
    assert quiet == [("beta", ("api-calls", "storage"), 6), ("delta", ("storage",), 1), ("gamma", ("api-calls",), 1)]


def test_nobody_is_quiet_before_anything_came(home: Path):
    have("calls_09.csv", customers={"acme": 2})
    assert month.quiet_customers("2026-10", ACCOUNT) == []


def test_customers_are_counted_once(home: Path):
    import_id = have("calls_09.csv", customers={"acme": 2})
    assert month.customers_of([(import_id, "0" * 24)]) == {import_id: {"acme": 2}}
    (files.stage_folder(import_id, "check", "0" * 24) / "events.parquet").unlink()
    assert month.customers_of([(import_id, "0" * 24)]) == {import_id: {"acme": 2}}


def test_lists_say_the_row_equation(home: Path):
    rows = RowCounts(read=10, accepted=5, rejected=2, duplicate=2, excluded=1)
    have("checked.csv", "checked", check=CheckResult(rows=rows, matches=(), issues=()), report=ReadReport(file="checked.csv", rows=9))
    have("read.csv", "read", None, None, report=ReadReport(file="read.csv", rows=7, excluded=(ExcludedRow(row=1, reason="blank row"),)))
    have("new.csv", "reading", None, None)
    found, total = month.listed()
    assert total == 3
    assert {each.file_name: (each.rows, each.accepted, each.rejected, each.duplicate, each.excluded) for each in found} == {"checked.csv": (10, 5, 2, 2, 1), "read.csv": (8, None, None, None, 1), "new.csv": (None,) * 5}


BOTH = ["100%.csv", "october.csv"]


@pytest.mark.parametrize(("text", "found"), [("OCT", ["october.csv"]), ("2026-09", BOTH), ("100%", ["100%.csv"]), ("%", ["100%.csv"]), ("_", []), ("ana", BOTH), ("nothing", []), ("  ", BOTH)])
def test_searching(home: Path, text: str, found: list[str]):
    have("october.csv")
    have("100%.csv")
    have("gone.csv", "discarded")
    with store().begin() as connection:  # ids are random, and an underscore is in each
        connection.execute(table.update().values(id=table.c.file_name))
    assert sorted(each.file_name for each in month.listed(text)[0]) == found


def test_pages_of_a_list(home: Path):
    for number in range(5):
        have(f"{number}.csv")
    pages = [month.listed(limit=2, offset=offset)[0] for offset in (0, 2, 4)]
    assert [each.file_name for page in pages for each in page] == ["4.csv", "3.csv", "2.csv", "1.csv", "0.csv"]


def test_following_an_import_that_is_not_there(home: Path):
    with pytest.raises(BadInput):
        month.stage("imp_nothing")


def test_a_stage_without_a_job(home: Path):
    import_id = have("a.csv", "read", progress="0.5")
    assert month.stage(import_id) == month.Stage(state="read", progress=0.5)


def refuse(sentence: str) -> None:
    raise Refused(sentence, "Do this.", status=401)


def not_ready() -> None:
    raise NotReady("Not yet.")


def broken(secret: str) -> None:
    raise ValueError(secret)


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.fixture
def questions(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Query processes that know this file's functions."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    yield query
    query.end()


def test_questions_are_answered_elsewhere(questions):
    assert questions.ask(os.getpid) != os.getpid()
    assert questions.ask(month.earlier_period, ("2026-10",), {"months": 2}) == "2026-08"


def test_errors_come_back_as_themselves(questions):
    with pytest.raises(Refused) as caught:
        questions.ask(refuse, ("No.",))
    assert (caught.value.sentence, caught.value.todo, caught.value.status) == ("No.", "Do this.", 401)
    with pytest.raises(NotReady):
        questions.ask(not_ready)


def test_what_breaks_elsewhere_is_named_without_its_data(questions):
    with pytest.raises(query.Failed) as caught:
        questions.ask(broken, ("acme pays 100",))
    assert "acme" not in str(caught.value) + caught.value.where
    assert "ValueError" in caught.value.where and "broken" in caught.value.where


def test_a_slow_question_is_killed_and_the_next_one_answered(questions):
    with pytest.raises(query.TooSlow):
        questions.ask(wait, (60,), seconds=2)
    assert questions.ask(wait, (0,)) == 0


def test_a_process_that_dies_is_replaced(questions):
    with pytest.raises(query.TooSlow):
        questions.ask(os._exit, (1,))
    assert questions.ask(wait, (0,)) == 0
