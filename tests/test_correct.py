"""Corrections: each does what it says, undoing is leaving out, and no row is ever lost."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import correct
from ingest.correct import columns_after, corrected, dropped, fitting
from schemas.correcting import Condition, Convert, Correction, DropRows, Edit, FillDown, Join, MapValues, ReplacePattern, SetCells, SetWhere, Split, Test, Tidy

TABLE = [(2, "acme", "us east", "1.5", "a-b-c"), (3, "", "us-east-1", "n/a", "x"), (4, " Globex ", "US  East", "1,234.50", ""), (5, None, None, "-3", "p-q"), (6, "o'neill", "eu", "0.001", "--")]
COLUMNS = ("Customer", "Region", "Quantity", "Code")


def read() -> str:
    """The table as reading leaves it."""
    rows = ", ".join("(" + ", ".join("null" if cell is None else f"{cell}" if isinstance(cell, int) else "'" + cell.replace("'", "''") + "'" for cell in row) + ")" for row in TABLE)
    return f"select * from (values {rows}) t(_row, {', '.join(COLUMNS)})"


def after(*corrections: Correction) -> dict[int, dict[str, str | None]]:
    """The rows by their number after corrections."""
    result = duckdb.connect().execute(f"select * from ({corrected(read(), corrections)}) order by _row").to_arrow_table().to_pylist()
    return {row.pop("_row"): row for row in result}


def column(name: str, *corrections: Correction) -> list[str | None]:
    return [row[name] for row in after(*corrections).values()]


@pytest.mark.parametrize(("correction", "name", "cells"), [
    (SetCells(edits=(Edit(row=3, column="Quantity", value="7"), Edit(row=3, column="Customer", value="it's"))), "Quantity", ["1.5", "7", "1,234.50", "-3", "0.001"]),
    (SetCells(edits=(Edit(row=3, column="Quantity", value="7"), Edit(row=3, column="Customer", value="it's"))), "Customer", ["acme", "it's", " Globex ", None, "o'neill"]),
    (SetCells(edits=(Edit(row=2, column="Region", value=""),)), "Region", ["", "us-east-1", "US  East", None, "eu"]),
    (SetCells(edits=(Edit(row=99, column="Region", value="?"),)), "Region", ["us east", "us-east-1", "US  East", None, "eu"]),
    (MapValues(column="Customer", values={"Globex": "cus_2", "o'neill": "cus_3", "": "nobody"}), "Customer", ["acme", "nobody", "cus_2", "nobody", "cus_3"]),
    (MapValues(column="Customer", values={}), "Customer", ["acme", "", " Globex ", None, "o'neill"]),
    (FillDown(column="Customer"), "Customer", ["acme", "acme", "Globex", "Globex", "o'neill"]),
    (Tidy(column="Region"), "Region", ["us east", "us-east-1", "US East", None, "eu"]),
    (Tidy(column="Region", manner="lower"), "Region", ["us east", "us-east-1", "us  east", None, "eu"]),
    (ReplacePattern(column="Region", pattern=r"(?i)^us\s+(\w+)$", replacement=r"us-\1"), "Region", ["us-east", "us-east-1", "us-East", None, "eu"]),
    (Split(column="Code", separator="-", into=("First", "Rest")), "First", ["a", "x", "", "p", ""]),
    (Split(column="Code", separator="-", into=("First", "Rest")), "Rest", ["b-c", "", "", "q", "-"]),
    (Join(columns=("Customer", "Region"), separator="/", into="Both"), "Both", ["acme/us east", "us-east-1", "Globex/US  East", "", "o'neill/eu"]),
    (SetWhere(column="Region", value="none", where=Condition(tests=(Test(column="Region", operator="is_empty"),))), "Region", ["us east", "us-east-1", "US  East", "none", "eu"]),
    (Convert(column="Quantity", factor="1024"), "Quantity", ["1536", "n/a (not converted)", "1264128", "-3072", "1.024"]),
    (Convert(column="Quantity", factor="0.001", mark="comma"), "Quantity", ["1.5 (not converted)", "n/a (not converted)", "1,234.50 (not converted)", "-0,003", "0.001 (not converted)"]),
    (Convert(column="Quantity", factor="100000000000.000000001"), "Quantity", ["150000000000.0000000015", "n/a (not converted)", "123450000000000.0000012345", "-300000000000.000000003", "100000000.000000000001"]),
])
def test_a_correction_changes_what_it_names(correction: Correction, name: str, cells: list[str | None]):
    assert column(name, correction) == cells


def test_many_edits_do_what_few_do(monkeypatch: pytest.MonkeyPatch):
    edits = SetCells(edits=tuple(Edit(row=row, column=name, value=f"{row}{name}") for row in (6, 2, 4, 99) for name in ("Region", "Code") if (row, name) != (4, "Code")))
    chosen = duckdb.connect().execute(corrected(read(), [edits])).fetchall()
    monkeypatch.setattr(correct, "CHOSEN", 0)
    assert duckdb.connect().execute(corrected(read(), [edits])).fetchall() == chosen == [
        (2, "acme", "2Region", "1.5", "2Code"), TABLE[1], (4, " Globex ", "4Region", "1,234.50", ""), TABLE[3], (6, "o'neill", "6Region", "0.001", "6Code")]


@pytest.mark.parametrize(("test", "rows"), [
    (Test(column="Region", operator="equals", value="eu"), [6]),
    (Test(column="Region", operator="not_equals", value="eu"), [2, 3, 4, 5]),
    (Test(column="Region", operator="contains", value="east"), [2, 3]),
    (Test(column="Customer", operator="begins_with", value="G"), [4]),
    (Test(column="Customer", operator="ends_with", value="x"), [4]),
    (Test(column="Code", operator="matches", value="^[a-z]-"), [2, 5]),
    (Test(column="Customer", operator="is_empty"), [3, 5]),
    (Test(column="Customer", operator="is_not_empty"), [2, 4, 6]),
    (Test(column="Quantity", operator="less", value="0"), [5]),
    (Test(column="Quantity", operator="greater_or_equal", value="1.5"), [2, 4]),
    (Test(column="Customer", operator="one_of", values=("acme", "Globex")), [2, 4]),
])
def test_rows_are_dropped_where_a_condition_holds(test: Test, rows: list[int]):
    correction = DropRows(where=Condition(tests=(test,)), reason="a test account")
    assert duckdb.connect().execute(dropped(read(), [correction])).fetchall() == [(row, "a test account") for row in rows]
    assert list(after(correction)) == [row[0] for row in TABLE if row[0] not in rows]


def test_dropped_rows_stay_dropped_for_the_first_reason_whatever_comes_after():
    corrections = [DropRows(where=Condition(rows=(3, 3)), reason="one"), Tidy(column="Region"), DropRows(where=Condition(rows=(3, 4)), reason="two")]
    assert duckdb.connect().execute(dropped(read(), corrections)).fetchall() == [(3, "one"), (4, "two")]


def test_later_corrections_see_what_earlier_ones_made():
    assert column("Both", Split(column="Code", separator="-", into=("First", "Rest")), Join(columns=("Rest", "First"), separator="+", into="Both")) == ["b-c+a", "x", "", "q+p", "-"]
    assert column("Region", SetCells(edits=(Edit(row=6, column="Region", value="us  east"),)), Tidy(column="Region"), MapValues(column="Region", values={"us east": "use"})) == ["use", "us-east-1", "US East", None, "use"]


def test_a_correction_whose_column_is_gone_is_left_out_with_what_stands_on_it():
    split, join, tidy = Split(column="Gone", separator="-", into=("First", "Rest")), Join(columns=("First", "Region"), into="Both"), Tidy(column="Region")
    assert fitting(COLUMNS, [split, join, tidy]) == (tidy,)
    assert columns_after(COLUMNS, fitting(COLUMNS, [Join(columns=("Code", "Region"), into="Both")])) == (*COLUMNS, "Both")


CELL = st.text(max_size=6).filter(lambda text: "\x00" not in text)
NAME = st.sampled_from(COLUMNS)
CORRECTIONS = st.lists(st.one_of(
    st.builds(SetCells, edits=st.lists(st.builds(Edit, row=st.integers(1, 7), column=NAME, value=CELL), min_size=1, max_size=3).map(tuple)),
    st.builds(MapValues, column=NAME, values=st.dictionaries(CELL, CELL, max_size=3)), st.builds(FillDown, column=NAME), st.builds(Tidy, column=NAME),
    st.builds(SetWhere, column=NAME, value=CELL, where=st.builds(Condition, tests=st.lists(st.builds(Test, column=NAME, operator=st.sampled_from(["equals", "contains", "less", "is_empty"]), value=CELL), max_size=2).map(tuple))),
    st.builds(DropRows, where=st.builds(Condition, rows=st.lists(st.integers(1, 7), max_size=3).map(tuple), tests=st.lists(st.builds(Test, column=NAME, operator=st.just("is_empty")), max_size=1).map(tuple)), reason=st.just("r")),
), max_size=5)


@settings(max_examples=40, deadline=None)
@given(corrections=CORRECTIONS)
def test_no_row_is_lost_and_none_is_made(corrections: list[Correction]):
    gone = [row for row, _ in duckdb.connect().execute(dropped(read(), corrections)).fetchall()]
    assert sorted([*after(*corrections), *gone]) == [row[0] for row in TABLE]
