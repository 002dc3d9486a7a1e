"""Correcting an import: undoing gives the first state back, a corrected file changes only the rows it names, nothing that came is touched."""

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest import fixing, imports, recipes
from ingest.__main__ import main
from ingest.errors import BadInput, NotReady
from ingest.store import customer_names
from ingest.store import imports as records
from schemas.correcting import Condition, Convert, Correction, DropRows, Edit, FillDown, Join, MapValues, ReplacePattern, SetCells, Split, Test, Tidy
from schemas.matching import FieldMatch
from schemas.reading import ReadSpec
from tests.test_imports import HEADER, MATCH, imported

ROWS = ("cus_1,2026-10-01T00:00:00Z,1.5,eu", ",2026-10-02T00:00:00Z,2,eu", "cus_2,2026-10-03T00:00:00Z,many,us", "cus_2,2026-10-04T00:00:00Z,4,us")
FILE = "\n".join([HEADER, *ROWS]) + "\n"


@pytest.fixture
def import_id(home: Path, tmp_path: Path) -> str:
    return imported(tmp_path / "usage.csv", FILE)


def counts(import_id: str) -> tuple[int, int, int]:
    rows = imports.check(import_id).check.rows
    return rows.accepted, rows.rejected, rows.excluded


def total(import_id: str) -> Decimal:
    return duckdb.sql(f"select sum(quantity) from '{imports.check_folder(import_id)}/events.parquet'").fetchone()[0]


def test_corrections_change_the_check_and_undoing_them_gives_the_first_one_back(import_id: str):
    assert counts(import_id) == (2, 2, 0)
    first = imports.check_folder(import_id)
    before = {path.name: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    fixing.correct(import_id, [FillDown(column="customer_id"), SetCells(edits=(Edit(row=4, column="quantity", value="3"),))], "anna")
    assert counts(import_id) == (4, 0, 0)
    assert total(import_id) == Decimal("10.5")
    fixing.correct(import_id, [DropRows(where=Condition(tests=(Test(column="region", operator="equals", value="us"),)), reason="Not billed here")], "ben")
    assert counts(import_id) == (2, 0, 2)
    assert imports.left_out_rows(import_id, "excluded").to_pylist() == [{"_row": row, "outcome": "excluded", "reason": "Not billed here", "event_id": None} for row in (4, 5)]
    fixing.undo(import_id, "anna", everything=True)
    assert counts(import_id) == (2, 2, 0)
    assert imports.check_folder(import_id) == first
    assert {path.name: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


def test_what_was_undone_can_be_done_again_until_something_new_is_done(import_id: str):
    for value in ("3", "5", "7"):
        fixing.correct(import_id, [SetCells(edits=(Edit(row=4, column="quantity", value=value),))], "anna")
    assert cell(import_id) == "7"
    fixing.undo(import_id, "anna")
    fixing.undo(import_id, "anna")
    assert (cell(import_id), [each.undone for each in fixing.listed(import_id)]) == ("3", [False, True, True])
    fixing.redo(import_id, "anna")
    assert cell(import_id) == "5"
    fixing.correct(import_id, [Tidy(column="region")], "anna")
    with pytest.raises(BadInput, match="no undone correction"):
        fixing.redo(import_id, "anna")
    fixing.undo(import_id, "anna", everything=True)
    assert cell(import_id) == "many"
    with pytest.raises(BadInput, match="no correction to undo"):
        fixing.undo(import_id, "anna")


def cell(import_id: str) -> str:
    return imports.raw_rows(import_id).to_pylist()[2]["quantity"]


def test_numbers_are_converted_and_compared_by_the_mark_of_their_column(home: Path, tmp_path: Path):
    comma = "\n".join(["customer_id;timestamp;quantity;region", "cus_1;2026-10-01T00:00:00Z;12,500;7,25", "cus_2;2026-10-02T00:00:00Z;3,5;1.000,5"]) + "\n"
    comma_import = imported(tmp_path / "comma.csv", comma)
    marks = {column: fixing.decimal_mark(comma_import, column) for column in ("quantity", "region", "customer_id")}
    assert marks == {"quantity": "comma", "region": "comma", "customer_id": "point"}
    above = Test(column="quantity", operator="greater", value="12", mark=marks["quantity"])
    assert fixing.effect(comma_import, DropRows(where=Condition(tests=(above,)), reason="large"))[1][0]["row"] == 2
    fixing.correct(comma_import, [Convert(column="quantity", factor="1024", mark=marks["quantity"])], "anna")
    assert [row["quantity"] for row in imports.raw_rows(comma_import).to_pylist()] == ["12800", "3584"]


def test_corrections_hold_when_the_file_is_read_in_another_way(import_id: str):
    fixing.correct(import_id, [SetCells(edits=(Edit(row=4, column="quantity", value="3"),))], "anna")
    imports.read(import_id, ReadSpec(delimiter=",", header_rows=(1,)))
    imports.set_match(import_id, MATCH, "Practice", "anna") if records.get(import_id).match is None else None
    assert cell(import_id) == "3"


def test_new_columns_can_be_matched_and_are_missed_when_they_are_undone(import_id: str):
    fixing.correct(import_id, [Join(columns=("region", "customer_id"), separator=":", into="both"), Split(column="both", separator=":", into=("area", "who"))], "anna")
    assert imports.read_record(import_id).report.columns[-3:] == ("both", "area", "who")
    matches = tuple(match if match.field != "region" else FieldMatch(field="region", column="area") for match in MATCH.matches)
    imports.set_match(import_id, MATCH.model_copy(update={"matches": matches}), records.get(import_id).account, "anna")
    assert counts(import_id) == (2, 2, 0)
    fixing.undo(import_id, "anna")
    with pytest.raises(BadInput, match="no column 'area'"):
        imports.check(import_id)


@pytest.mark.parametrize(("correction", "words"), [
    (Tidy(column="Region"), "no column 'Region'"),
    (Join(columns=("region", "customer_id"), into="Quantity"), "can't be called 'Quantity'"),
    (Split(column="region", separator="-", into=("a", "a")), "can't be called 'a'"),
    (Join(columns=("region", "customer_id"), into="_row"), "can't be called '_row'"),
    (ReplacePattern(column="region", pattern="(", replacement=""), "can't be read"),
    (DropRows(where=Condition(tests=(Test(column="region", operator="matches", value="[")  ,)), reason="r"), "can't be read"),
])
def test_a_correction_that_cannot_be_done_is_refused_with_a_sentence(import_id: str, correction: Correction, words: str):
    with pytest.raises(BadInput, match=words):
        fixing.correct(import_id, [correction], "anna")
    assert fixing.listed(import_id) == []


def test_the_effect_is_shown_before_anything_is_changed(import_id: str):
    assert fixing.effect(import_id, MapValues(column="region", values={"us": "us-east-1"})) == (2, [{"row": row, "before": {"region": "us"}, "after": {"region": "us-east-1"}} for row in (4, 5)])
    assert fixing.effect(import_id, DropRows(where=Condition(rows=(3,)), reason="r")) == (1, [{"row": 3, "before": {"customer_id": None, "timestamp": "2026-10-02T00:00:00Z", "quantity": "2", "region": "eu"}, "after": None}])
    assert fixing.effect(import_id, MapValues(column="region", values={"xx": "y"})) == (0, [])
    assert fixing.listed(import_id) == []


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rejected_rows_go_out_are_corrected_and_come_back(import_id: str, tmp_path: Path, ending: str):
    imports.check(import_id)
    out = imports.write_rejected(import_id, tmp_path / f"rejected.{ending}")
    assert fixing.bring_back(import_id, out, out.name, "anna") == 0, "an untouched file corrects nothing"
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(csv_of(out).replace("many", "3").replace(",2026-10-02", "cus_9,2026-10-02", 1))
    assert fixing.bring_back(import_id, corrected, corrected.name, "anna") == 2
    assert counts(import_id) == (4, 0, 0)
    assert [(each.row, each.column, each.value) for each in fixing.listed(import_id)[0].correction.edits] == [(3, "customer_id", "cus_9"), (4, "quantity", "3")]


def csv_of(path: Path) -> str:
    if path.suffix == ".csv":
        return path.read_text(encoding="utf-8-sig")
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return "\n".join(",".join(str(int(cell)) if isinstance(cell, float) else str(cell) for cell in row) for row in rows)


@pytest.mark.parametrize(("text", "words"), [
    ("customer_id,quantity\ncus_1,3\n", "no column 'Row in the original file'"),
    ("Row in the original file,Problem\n3,x\n", "none of the import's columns"),
    ("quantity,Row in the original file\n3,77\n", "1 the number of a row that isn't in this import"),
    ("quantity,Row in the original file\n3,4\n5,4\n", "1 a number that another row has"),
    ("quantity,Row in the original file\n3,four\n5,4\n", "1 rows have no number"),
])
def test_a_file_that_does_not_say_which_rows_it_corrects_changes_nothing(import_id: str, tmp_path: Path, text: str, words: str):
    path = tmp_path / "back.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=words):
        fixing.bring_back(import_id, path, path.name, "anna")
    assert fixing.listed(import_id) == []


def test_nothing_is_corrected_while_it_is_being_sent(import_id: str):
    records.change(import_id, state="pushing")
    with pytest.raises(NotReady, match="being sent"):
        fixing.correct(import_id, [Tidy(column="region")], "anna")


def test_the_command_corrects_checks_and_undoes(import_id: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    def run(*arguments: str) -> tuple[int, dict]:
        code = main(["correct", import_id, *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    code, document = run("--set", "4:quantity=3", "--replace", "region:us=us=1", "--fill-down", "customer_id", "--drop", "5", "--reason", "A test")
    assert (code, [each["correction"]["kind"] for each in document["corrections"]]) == (0, ["set_cells", "map_values", "fill_down", "drop_rows"])
    assert document["check"]["rows"] == {"read": 4, "accepted": 3, "rejected": 0, "duplicate": 0, "excluded": 1}
    code, document = run("--undo-all")
    assert (code, document["check"]["rows"]["rejected"], {each["undone"] for each in document["corrections"]}) == (1, 2, {True})
    code, document = run("--add", json.dumps({"kind": "convert", "column": "quantity", "factor": "60"}))
    assert [each["correction"]["kind"] for each in document["corrections"]] == ["convert"]


@pytest.mark.parametrize(("arguments", "words"), [
    (["--set", "x:quantity=3"], "row number"), (["--set", "4"], "has no ':'"), (["--replace", "region:us"], "has no '='"), (["--drop", "4"], "--reason"), (["--undo"], "no correction to undo"),
    (["--add", '{"kind": "sing"}'], "can't be used"), (["--add", "{"], "can't be used"), (["--add", '{"kind": "tidy", "column": "Region"}'], "no column 'Region'"), (["--bring-back", "/nowhere"], ""),
])
def test_a_command_that_cannot_be_carried_out_is_a_sentence(import_id: str, capsys: pytest.CaptureFixture, arguments: list[str], words: str):
    assert main(["correct", import_id, *arguments]) == 2
    assert words in capsys.readouterr().err
    assert fixing.listed(import_id) == []


def test_names_of_an_account_hold_for_every_import_and_nothing_is_kept_in_recipes(import_id: str):
    account = records.get(import_id).account
    customer_names.say(account, "cus_2", "cus_17", "anna")
    customer_names.say(account, "cus_1", None, "anna")
    assert counts(import_id) == (1, 2, 1)
    assert imports.left_out_rows(import_id, "excluded").column("reason").to_pylist() == [imports.NEVER_BILLED]
    assert duckdb.sql(f"select customer_id from '{imports.check_folder(import_id)}/events.parquet'").fetchall() == [("cus_17",)]
    assert recipes.save_from(import_id, "Calls", "anna").recipe.corrections == ()
    customer_names.forget(account, "cus_1", "anna")
    customer_names.say(account, "cus_2", "cus_18", "ben")
    assert counts(import_id) == (2, 2, 0)
    assert [(each.name, each.customer_id, each.who) for each in customer_names.of_account(account)] == [("cus_2", "cus_18", "ben")]


@pytest.mark.parametrize(("name", "meant"), [("", "cus_1"), ("ACME", " "), ("cus_1", "cus_1"), ("x" * 500, "cus_1")])
def test_a_name_that_says_nothing_is_refused(home: Path, name: str, meant: str):
    with pytest.raises(BadInput):
        customer_names.say("Practice", name, meant, "anna")
    with pytest.raises(BadInput, match="not on the list"):
        customer_names.forget("Practice", "ACME", "anna")


def test_the_command_lists_and_changes_names(home: Path, capsys: pytest.CaptureFixture):
    for arguments in (["name", "ACME Inc.", "cus_17"], ["never-billed", "Internal"], ["list"]):
        assert main(["customers", *arguments, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["customer_id"]) for each in document["names"]] == [("ACME Inc.", "cus_17"), ("Internal", None)]
    assert main(["customers", "forget", "Nobody"]) == 2
