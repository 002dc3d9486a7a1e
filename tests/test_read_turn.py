"""Tables that stand the wrong way: offered to be turned, and when they are, no cell and no row number is lost."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as some

from ingest.check import check_raw, write_rejected
from ingest.errors import Unreadable
from ingest.raw import raw_query, row_in_file
from ingest.read import read_file
from ingest.read.periods import MONTHS, period_of, periods_of
from schemas.reading import ReadReport, ReadSpec, Turned
from tests.raw_tables import ACCOUNT, spec
from tests.test_read_layout import WRITERS

Read = Callable[..., tuple[ReadReport, list[tuple]]]


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Reads lines of cells (cut by vertical bars) as a file of a name; rows with their numbers first."""
    def work(lines: str, name: str = "usage.csv", **spec: object) -> tuple[ReadReport, list[tuple]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "out").mkdir()
        WRITERS[name](folder / name, [line.split("|") if line else [] for line in lines.strip("\n").split("\n")])
        report = read_file(folder / name, name, ReadSpec(**spec), folder / "out")
        rows = duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(folder / 'out', report)})").fetchall()
        assert report.rows == len(rows) == len({row[0] for row in rows})
        return report, rows

    return work


@pytest.mark.parametrize("name, period", [
    ("Jan", ("month", None, 1)), ("FEB.", ("month", None, 2)), ("März", ("month", None, 3)), ("avril", ("month", None, 4)), ("Mayo", ("month", None, 5)), ("giugno", ("month", None, 6)), ("août", ("month", None, 8)),
    ("Okt 26", ("month", 2026, 10)), ("Dez. 2026", ("month", 2026, 12)), ("diciembre-2026", ("month", 2026, 12)), ("2026 Jan", ("month", 2026, 1)), ("nov/26", ("month", 2026, 11)), ("Dec '26", ("month", 2026, 12)),
    ("2026-10", ("month", 2026, 10)), ("202610", ("month", 2026, 10)), ("10/2026", ("month", 2026, 10)), ("2026M07", ("month", 2026, 7)), ("2026/7", ("month", 2026, 7)),
    ("2026-10-05", ("day", 2026, 10)), ("05.10.2026", ("day", 2026, 10)), ("Q3 2026", ("quarter", 2026, 7)), ("2026-Q3", ("quarter", 2026, 7)), ("2026", ("year", 2026, 1)),
    ("jui", None), ("Market", None), ("2026-13", None), ("calls", None), ("13/2026", None), ("Ma", None), ("26-Jan", None),
])
def test_names_of_periods(name: str, period: tuple | None) -> None:
    found = period_of(name)
    assert (found and (found.kind, found.year, found.month)) == period


def test_every_name_of_a_month_is_known() -> None:
    assert [number for number, names in enumerate(MONTHS, 1) for name in names.split()] == [period_of(name.title()).month for names in MONTHS for name in names.split()]


@pytest.mark.parametrize("names, turned", [
    (["customer", "Jan", "Feb", "Mar"], 3), (["customer", "Jan", "Feb"], 0), (["customer", "calls", "storage", "seats"], 0), (["customer", "usage 2026-10", "usage 2026-11", "usage 2026-12"], 3),
    (["Jan (kWh)", "Feb (kWh)", "Mar (kWh)", "id"], 3), (["id", "Jan", "Feb", "Mar 2026"], 0), (["id", "2026-10", "2026-11", "2026-12", "Q4"], 3), (["id", "Jan", "Feb", "January"], 0),
])
def test_columns_that_are_periods(names: list[str], turned: int) -> None:
    assert len(periods_of(names)) == turned


BY_MONTH = """
Usage 2026

customer|plan|Jan|Feb|März|Total
acme|pro|1|2||3
globex|basic|4||6|10
hooli|basic||||
initech|pro|7|8|9|24
Total||12|10|15|37
"""


@pytest.mark.parametrize("name", WRITERS)
def test_months_are_turned_only_when_the_person_says_so(read: Read, name: str) -> None:
    report, rows = read(BY_MONTH, name)
    question, = report.questions
    assert (report.columns[2:5], len(rows), question["answer"], [option["spec"] for option in question["options"]]) == (("Jan", "Feb", "März"), 4, "no", [{"turn": "no"}, {"turn": "months"}])
    assert read(BY_MONTH, name, turn="no")[0].questions == ()


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_for_each_month_becomes_a_row_for_each(read: Read, name: str) -> None:
    report, rows = read(BY_MONTH, name, turn="months")
    assert report.columns == ("customer", "plan", "month", "quantity") and report.questions == ()
    assert [(row_in_file(row[0], report), *row[1:]) for row in rows] == [
        (4, "acme", "pro", "2026-01", "1"), (4, "acme", "pro", "2026-02", "2"), (5, "globex", "basic", "2026-01", "4"), (5, "globex", "basic", "2026-03", "6"),
        (7, "initech", "pro", "2026-01", "7"), (7, "initech", "pro", "2026-02", "8"), (7, "initech", "pro", "2026-03", "9"),
    ]
    assert report.turned == Turned(rows=4, columns=("Jan", "Feb", "März"), empty=5, bare=1)
    said = {finding.what: f"{finding.value}: {finding.why}" for finding in report.findings}
    assert "2026" in said["turn"] and said["sums left out"].startswith("Total") and said["empty cells"].startswith("5: ") and "row 6" in said["empty cells"]
    assert [total.values for total in report.totals] == [{"customer": "Total", "quantity": "37"}]


@pytest.mark.parametrize("header, months", [
    ("customer|2026-10|2026-11|2026-12", ["2026-10", "2026-11", "2026-12"]),
    ("customer|okt 26|nov 26|dez 26", ["2026-10", "2026-11", "2026-12"]),
    ("customer|2026-10-01|2026-11-01|2026-12-01", ["2026-10", "2026-11", "2026-12"]),
    ("customer|2026-10-01|2026-10-02|2026-10-03", ["2026-10-01", "2026-10-02", "2026-10-03"]),
    ("customer|Nov|Dec|Jan", ["Nov", "Dec", "Jan"]),
    ("customer|Q1 2026|Q2 2026|Q3 2026", ["2026-Q1", "2026-Q2", "2026-Q3"]),
    ("customer|2024|2025|2026", ["2024-01-01", "2025-01-01", "2026-01-01"]),
])
@pytest.mark.parametrize("name", WRITERS)
def test_periods_are_written_so_that_their_end_can_be_taken(read: Read, name: str, header: str, months: list[str]) -> None:
    _, rows = read(f"{header}\nacme|1|2|3\nglobex|4|5|6", name, turn="months")
    assert [row[1:] for row in rows] == [(customer, month, str(3 * line + place)) for line, customer in enumerate(("acme", "globex")) for place, month in enumerate(months, 1)]


def test_a_table_without_months_is_not_turned(read: Read) -> None:
    with pytest.raises(Unreadable, match="no columns that are named after months"):
        read("customer|calls|storage|seats\nacme|1|2|3\nglobex|4|5|6", turn="months")


def test_columns_of_the_file_keep_their_names_beside_the_new_ones(read: Read) -> None:
    report, rows = read("Month|quantity|2026-10|2026-11|2026-12\nx|y|1|2|3\nz|w|4|5|6", turn="months")
    assert (report.columns, rows[1][1:]) == (("Month", "quantity", "month (2)", "quantity (2)"), ("x", "y", "2026-11", "2"))


@checked(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=some.lists(some.lists(some.sampled_from(["", "1", "2.5", "-3", "1,000"]), min_size=4, max_size=4), min_size=1, max_size=8))
def test_turning_loses_no_cell(read: Read, cells: list[list[str]]) -> None:
    lines = "\n".join("|".join([f"c{number}", *row]) for number, row in enumerate([["7"] * 4, *cells]))
    report, rows = read(f"customer|2026-01|2026-02|2026-03|2026-04\n{lines}", turn="months")
    wanted = [(number + 2, f"c{number}", f"2026-0{month}", cell) for number, row in enumerate([["7"] * 4, *cells]) for month, cell in enumerate(row, 1) if cell]
    assert [(row_in_file(row[0], report), *row[1:]) for row in rows] == wanted


MEASURES = "customer|day|calls|storage GB|seats\nacme|2026-10-01|5|1.5|\nglobex|2026-10-01||2|3\nhooli|2026-10-02|||"


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_for_each_kind_of_usage_becomes_a_row_for_each(read: Read, name: str) -> None:
    report, rows = read(MEASURES, name, turn="measures", measures=("seats", "calls", "storage GB"))
    assert report.columns == ("customer", "day", "kind", "quantity") and report.turned == Turned(rows=3, columns=("calls", "storage GB", "seats"), empty=5, bare=1)
    assert [(row_in_file(row[0], report), row[1], *row[3:]) for row in rows] == [(2, "acme", "calls", "5"), (2, "acme", "storage GB", "1.5"), (3, "globex", "storage GB", "2"), (3, "globex", "seats", "3")]


@pytest.mark.parametrize("measures, sentence", [(("calls", "seets"), "no column 'seets'"), (("calls",), "two columns at least"), (("customer", "day", "calls", "storage GB", "seats"), "whose usage")])
def test_measures_that_cannot_be_turned_are_named(read: Read, measures: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(MEASURES, turn="measures", measures=measures)


TRANSPOSED = "customer|acme|globex|hooli\nplan|pro|basic|pro\ncalls|100|200|300\nsince|2026-10-01|2026-10-02|2026-10-03"


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("above", ["", "Our customers\n\n"])
def test_rows_and_columns_change_places(read: Read, name: str, above: str) -> None:
    report, rows = read(above + TRANSPOSED, name)
    assert [option["spec"] for question in report.questions for option in question["options"]] == [{"turn": "no"}, {"turn": "transposed"}] and len(rows) == 3
    turned, rows = read(above + TRANSPOSED, name, turn="transposed")
    assert (turned.columns, rows) == (("customer", "plan", "calls", "since"), [
        (2, "acme", "pro", "100", "2026-10-01"), (3, "globex", "basic", "200", "2026-10-02"), (4, "hooli", "pro", "300", "2026-10-03")])


@pytest.mark.parametrize("lines", [
    "customer|day|n\nacme|2026-10-01|5\nglobex|2026-10-02|6\nhooli|2026-10-03|7",
    "region|north|south|west\napples|1|2|3\npears|4|5|6\nplums|7|8|9",
    "name|city|country\nAnna|Berlin|Germany\nBob|Paris|France\nCarl|Rome|Italy",
    "a|b|c\nx|1|\ny|2|z\nw|3|v",
])
def test_usual_tables_raise_no_question(read: Read, lines: str) -> None:
    assert read(lines)[0].questions == ()


def test_rows_of_a_turned_table_keep_numbers_of_their_own_through_checking(read: Read, home: Path, tmp_path: Path) -> None:
    report, _ = read("Customer|2026-10|2026-11|2026-12\nacme|1|many|3\nglobex|4|5|6\nhooli|x|8|9", turn="months")
    raw, out = next(tmp_path.glob("*/out")), tmp_path / "checked"
    out.mkdir()
    fields = spec({"quantity": "Decimal"}, {"customer_id": "Customer", "timestamp": "month", "quantity": "quantity"}, answers={"zone.timestamp": "UTC"})
    result = check_raw(raw, report, fields, ACCOUNT, import_id="1", sha256="a" * 64, out=out, at="2027-01-01T00:00:00+00:00")
    assert (result.rows.accepted, result.rows.rejected) == (7, 2)
    bad = duckdb.sql(f"select _row, value from '{out}/issues.parquet' where severity = 'error' order by 1").fetchall()
    assert [(row_in_file(row, report), value) for row, value in bad] == [(4, "x"), (2, "many")]
    lines = write_rejected(out, raw, report, tmp_path / "rejected.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Customer,month,quantity,Problem,Row in the original file"
    assert [(line.split(",")[0], line.split(",")[2], line.rsplit(",", 1)[1]) for line in lines[1:]] == [("hooli", "x", "4"), ("acme", "many", "2 (2)")]
