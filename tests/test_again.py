"""A check that builds upon an earlier one comes to the same, row by row, as one made in full."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as few
from hypothesis import strategies as st

from ingest import files, fixing, imports
from ingest.check import again, forms
from ingest.check.columns import read_columns
from ingest.store import accounts, customer_names
from schemas.account import AccountProfile
from schemas.correcting import Condition, Convert, DropRows, Edit, FillDown, Join, MapValues, ReplacePattern, SetCells, SetWhere, Test, Tidy
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch
from tests.test_imports import HEADER, MATCH, imported

CUSTOMERS, NUMBERS, REGIONS = ("cus_1", "Cus_1", "cus_3", "cus_2"), ("1", "2.50", "n/a", "-3", "", "12345678901234.5"), ("eu", " eu", "us", "", "ap", "eu", "eu")
ROWS = "".join(f"{'' if i % 16 == 3 else CUSTOMERS[i % 4]},2026-10-{i % 27 + 1:02d}T{i % 5:02d}:00:00Z,{NUMBERS[i // 7 % 6] if i % 7 == 1 else i},{REGIONS[i // 2 % 7]}\n" for i in range(48))
US = Condition(tests=(Test(column="region", operator="equals", value="us"),))
CORRECTIONS = (
    SetCells(edits=(Edit(row=7, column="quantity", value="8"),)), SetCells(edits=(Edit(row=3, column="customer_id", value="cus_2"), Edit(row=9, column="quantity", value="bad"))), SetCells(edits=(Edit(row=4, column="quantity", value="0.123456789"),)),
    MapValues(column="quantity", values={"n/a": "0"}), MapValues(column="region", values={"us": "us-east"}), FillDown(column="customer_id"), Tidy(column="region"), ReplacePattern(column="quantity", pattern="^1,5$", replacement="1.5"),
    SetWhere(column="quantity", value="5", where=US), Convert(column="quantity", factor="2"), DropRows(where=US, reason="r"), Join(columns=("region", "quantity"), separator="-", into="both"),
)


def tables(import_id: str) -> dict[str, object]:
    """What a check wrote, with what later ones build upon: its rows with errors, the hashes of several rows, and how many cells have which form."""
    folder = imports.check_folder(import_id)
    kept = {"forms": """select "column", form, n from '{}' order by all""", "bad": "from '{}' order by _row", "alike": "from '{}' order by h"}
    basis = {name: duckdb.sql(sql.format(folder / again.KEPT / f"{name}.parquet")).fetchall() for name, sql in kept.items()}
    return basis | {path.name: duckdb.sql(f"from '{path}'{' order by _row' if path.name == 'events.parquet' else ''}").fetchall() for path in sorted(folder.glob("*.parquet"))} | {path.name + " columns": duckdb.sql(f"describe from '{path}'").fetchall() for path in folder.glob("*.parquet")}


def checked(import_id: str) -> tuple[object, dict[str, object]]:
    return imports.check(import_id).check, tables(import_id)


def checked_in_full(import_id: str) -> tuple[object, dict[str, object]]:
    """The same with no earlier check to build upon."""
    for folder in files.stages_made(import_id, "check"):
        shutil.rmtree(folder)
    return checked(import_id)


@pytest.fixture
def import_id(home: Path, tmp_path: Path) -> str:
    return imported(tmp_path / "usage.csv", f"{HEADER}\n{ROWS}")


@given(key=st.sampled_from([None, ("customer_id", "timestamp")]), chosen=st.lists(st.sampled_from(CORRECTIONS), min_size=1, max_size=4, unique_by=repr), first=st.integers(0, 2))
@few(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_shortened_check_comes_to_the_same(home: Path, tmp_path: Path, key: tuple[str, ...] | None, chosen: list, first: int):
    import_id = imported(tmp_path / "usage.csv", f"{HEADER}\n{ROWS}")
    imports.set_match(import_id, MATCH.model_copy(update={"key": key}), accounts.account().name, "anna")
    fixing.correct(import_id, chosen[:first], "anna")
    imports.check(import_id)
    fixing.correct(import_id, chosen[first:], "anna")
    assert checked(import_id) == checked_in_full(import_id)


@pytest.mark.parametrize(("correction", "answers", "shortened"), [
    (CORRECTIONS[0], {}, True), (MapValues(column="quantity", values={"n/a": "0", "": "7"}), {}, True), (CORRECTIONS[2], {}, True),
    (SetCells(edits=(Edit(row=3, column="customer_id", value="cus_1"), Edit(row=3, column="timestamp", value="2026-10-01T00:00:00Z"))), {}, True),
    (CORRECTIONS[0], {"empty.quantity": "above"}, False), (Convert(column="quantity", factor="2"), {}, False),
], ids=["a cell", "a text", "wider decimals", "a repeat", "filled from above", "every row"])
def test_only_what_must_come_to_the_same_is_taken_over(import_id: str, monkeypatch: pytest.MonkeyPatch, correction: object, answers: dict[str, str], shortened: bool):
    taken = []
    write = again._write
    monkeypatch.setattr(again, "_write", lambda *given, **named: taken.append(write(*given, **named)) or taken[-1])
    imports.set_match(import_id, MATCH.model_copy(update={"answers": answers}), accounts.account().name, "anna")
    imports.check(import_id)
    fixing.correct(import_id, [correction], "anna")
    found = checked(import_id)
    assert bool(taken) == shortened
    assert found == checked_in_full(import_id)


PIECES = (None, "", "1", "90", "-4", "+7", "0.5", "007", "1.50", "2.500", "1,234", "1.234", "12,5", "1.234,5", "1'000", "1e3", "n/a", " 3", "\u22122", "12345678901234567890.25", "3:20")
ONLY_IN_ONE_CELL = (("1", "12"), ("n/a", "1.50", "1.25"), ("n/a", "0000000000000000001", "1234567890123456789"), ("n/a", "01", "-1"), ("0", "00000000000000000000"), ("n/a", "12.5", "1.25"), ("12,50", "12,25"), ("5", ""))
"""Columns in which one cell of a form that must not be taken for another's decides."""


@pytest.mark.parametrize("kind", ["Decimal", "Int64"])
def test_what_one_cell_alone_shows_is_seen(kind: str):
    _read_alike_by_forms(ONLY_IN_ONE_CELL, kind, None)


@given(columns=st.lists(st.lists(st.sampled_from(PIECES), min_size=2, max_size=6), min_size=2, max_size=2), kind=st.sampled_from(["Decimal", "Int64", "Float64"]), mark=st.sampled_from([None, "point", "comma"]))
@few(max_examples=5, deadline=None)
def test_one_cell_of_each_form_says_how_a_column_of_numbers_is_read(columns: list, kind: str, mark: str | None):
    _read_alike_by_forms(columns, kind, mark)


def _read_alike_by_forms(columns: Sequence[Sequence[str | None]], kind: str, mark: str | None) -> None:
    names = [f"x{place}" for place in range(len(columns))]
    event_type = EventType(name="Big", slug="big", fields=tuple(Field(name=name, type=kind) for name in names))
    spec = MATCH.model_copy(update={"event_type": event_type, "matches": tuple(FieldMatch(field=name, column=name) for name in names), "answers": {f"decimal_mark.{name}": mark for name in names if mark}})
    longest = max(map(len, columns))
    rows = [(row, *(column[row % len(column)] for column in columns)) for row in range(2 * longest)]
    plans = []
    for few_forms in (forms.FEW, -1):
        with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
            patch.setattr(forms, "FEW", few_forms)
            connection.execute(f"create table raw (_row bigint, {', '.join(f'{name} varchar' for name in names)})")
            connection.executemany(f"insert into raw values (?{', ?' * len(names)})", rows)
            plans.append([plan for _, plan in read_columns(connection, spec, AccountProfile())])
    assert plans[0] == plans[1]


def test_one_cell_can_change_how_all_others_are_read(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "usage.csv", f"{HEADER}\n" + "".join(f'cus_1,2026-10-{day:02d}T00:00:00Z,"{number}",eu\n' for day, number in enumerate(["1.234"] * 8 + ["12,5"], 1)))
    imports.check(import_id)
    fixing.correct(import_id, [SetCells(edits=(Edit(row=10, column="quantity", value="12.5"),))], "anna")
    assert checked(import_id) == checked_in_full(import_id)


def test_names_of_the_account_come_after_what_was_corrected_and_a_column_made_of_others_changes_with_them(import_id: str):
    customer_names.say(accounts.account().name, "cus_1", "cus_9", "anna")
    fixing.correct(import_id, [SetWhere(column="region", value="odd", where=Condition(tests=(Test(column="quantity", operator="equals", value="8"),)))], "anna")
    imports.check(import_id)
    fixing.correct(import_id, [CORRECTIONS[0], SetCells(edits=(Edit(row=11, column="customer_id", value="cus_1"),))], "anna")
    assert checked(import_id) == checked_in_full(import_id)
