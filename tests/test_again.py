"""A check that builds upon an earlier one comes to the same, row by row, as one made in full."""

import shutil
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as few
from hypothesis import strategies as st

from ingest import files, fixing, imports
from ingest.check import again
from ingest.store import accounts, customer_names
from schemas.correcting import Condition, Convert, DropRows, Edit, FillDown, Join, MapValues, ReplacePattern, SetCells, SetWhere, Test, Tidy
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
    folder = imports.check_folder(import_id)
    return {path.name: duckdb.sql(f"from '{path}'").fetchall() for path in sorted(folder.glob("*.parquet"))} | {path.name + " columns": duckdb.sql(f"describe from '{path}'").fetchall() for path in folder.glob("*.parquet")}


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
    (CORRECTIONS[0], {"empty.quantity": "above"}, False), (Convert(column="quantity", factor="2"), {}, False),
], ids=["a cell", "a text", "wider decimals", "filled from above", "every row"])
def test_only_what_must_come_to_the_same_is_taken_over(import_id: str, monkeypatch: pytest.MonkeyPatch, correction: object, answers: dict[str, str], shortened: bool):
    taken = []
    write = again._write
    monkeypatch.setattr(again, "_write", lambda *given: taken.append(write(*given)) or taken[-1])
    imports.set_match(import_id, MATCH.model_copy(update={"answers": answers}), accounts.account().name, "anna")
    imports.check(import_id)
    fixing.correct(import_id, [correction], "anna")
    found = checked(import_id)
    assert bool(taken) == shortened
    assert found == checked_in_full(import_id)


def test_names_of_the_account_come_after_what_was_corrected_and_a_column_made_of_others_changes_with_them(import_id: str):
    customer_names.say(accounts.account().name, "cus_1", "cus_9", "anna")
    fixing.correct(import_id, [SetWhere(column="region", value="odd", where=Condition(tests=(Test(column="quantity", operator="equals", value="8"),)))], "anna")
    imports.check(import_id)
    fixing.correct(import_id, [CORRECTIONS[0], SetCells(edits=(Edit(row=11, column="customer_id", value="cus_1"),))], "anna")
    assert checked(import_id) == checked_in_full(import_id)
