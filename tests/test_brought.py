"""Rejected rows as a workbook that goes out, is opened, changed and saved by other programs, and comes back: only what a person changed is changed."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest import fixing, imports
from ingest.check.rejected import LISTS_SHEET, ROWS_SHEET
from ingest.errors import BadInput
from ingest.raw import ORIGINAL_ROW
from ingest.store import accounts
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.reading import ReadSpec

HEADER = ("customer_id", "timestamp", "quantity", "region", "paid")
USAGE = EventType(name="Usage", slug="usage", fields=(Field(name="quantity", type="Decimal"), Field(name="region", type="String"), Field(name="paid", type="Bool")))
MATCH = MatchSpec(event_type=USAGE, matches=tuple(FieldMatch(field=name, column=name) for name in HEADER), checks={"allowed.region": CheckSetting(values=("eu", "us, east", "x" * 300))})
ROWS = (
    ("0017", "03.10.2026 14:05", "1,5", "eu", "true"), ("0018", "yesterday", "2,25", "eu", "true"), ("0019", "05.10.2026 00:00", "=1+1", "moon", "TRUE"),
    ("12345678901234567890", "23.10.2026 00:00", "+7,x", "eu", "maybe"), ("-cus", "24.10.2026 00:00", "@x", "us, east", ""),
)


def rejected(tmp_path: Path, rows: tuple[tuple[str, ...], ...] = ROWS) -> tuple[str, Path]:
    """A checked import of these rows, separated by tabs, and its workbook of rejected rows."""
    path = tmp_path / "usage.tsv"
    path.write_text("\n".join("\t".join(row) for row in (HEADER, *rows)) + "\n", encoding="utf-8")
    import_id = imports.read(imports.start(path, path.name, "anna").id, ReadSpec(delimiter="\t", header_rows=(1,), quote="")).id
    imports.set_match(import_id, MATCH, accounts.account().name, "anna")
    imports.check(import_id)
    return import_id, imports.write_rejected(import_id, tmp_path / "rejected.xlsx")


def edits(import_id: str) -> list[tuple[int, str, str]]:
    return [(edit.row, edit.column, edit.value) for each in fixing.listed(import_id) for edit in each.correction.edits]


def test_the_workbook_marks_explains_and_offers(home: Path, tmp_path: Path):
    _, path = rejected(tmp_path)
    book = openpyxl.load_workbook(path)
    sheet, lists = book[ROWS_SHEET], book[LISTS_SHEET]
    assert [cell.value for cell in sheet[1]] == [*HEADER, "Problem", "Row in the original file"]
    assert [(row[6].value, row[5].value) for row in sheet.iter_rows(min_row=2)][1] == (4, "Not a number (quantity); Not one of the allowed values (region)")
    bad = {cell.coordinate: cell.comment and cell.comment.text for row in sheet.iter_rows(min_row=2) for cell in row[:5] if cell.fill.fgColor.rgb == "FFFFD9D9"}
    assert sorted(bad) == ["B2", "C3", "C4", "C5", "D3", "E4"] and all(bad.values())
    assert {cell.number_format for row in sheet.iter_rows(min_row=2) for cell in row[:5]} == {"@"}
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row[:5] if cell.value is not None} == {"s"}, "nothing is a formula"
    assert {str(each.sqref): each.formula1 for each in sheet.data_validations.dataValidation} == {"D2:D5": f"'{LISTS_SHEET}'!$A$1:$A$3", "E2:E5": f"'{LISTS_SHEET}'!$B$1:$B$2"}
    assert (lists.sheet_state, [cell.value for cell in lists["A"]]) == ("hidden", ["eu", "us, east", "x" * 300])


CHANGES: tuple[dict[str, tuple[object, str | None]], ...] = (
    {
        "B2": (datetime(2026, 10, 4, 5, 6), "2026-10-04T05:06:00"), "C3": (1.234, "1,234"), "D3": ("eu", "eu"), "C4": (-7, "-7"), "E4": (False, "false"), "C5": (None, ""),
        "A2": (18, None), "A4": (12345678901234567890, None), "E3": (True, None), "C2": (2.25, None),
    },
    {"B2": ("04.10.2026 00:00", "04.10.2026 00:00"), "A2": ("18", "18"), "C3": ("=1+1", None), "D3": ("us, east", "us, east"), "C4": ("7", "7"), "C5": (0.125, "0,125"), "E4": (False, "false")},
)
"""By cell of the workbook: what is put there, and the correction that comes of it. A program that saves the file again may make numbers and truths of texts."""


@pytest.mark.parametrize("changes", CHANGES, ids=["by a program", "by a person"])
def test_what_was_changed_comes_back_and_what_only_looks_otherwise_does_not(home: Path, tmp_path: Path, changes: dict[str, tuple[object, str | None]]):
    import_id, path = rejected(tmp_path)
    book = openpyxl.load_workbook(path)
    for cell, (value, _) in changes.items():
        book[ROWS_SHEET][cell] = value
    book.save(path)
    fixing.bring_back(import_id, path, path.name, "anna")
    assert edits(import_id) == sorted((int(cell[1:]) + 1, HEADER["ABCDE".index(cell[0])], said) for cell, (_, said) in changes.items() if said is not None)
    rows = imports.check(import_id).check.rows
    assert (rows.read, rows.rejected) == (5, sum(value == "=1+1" for value, _ in changes.values()))


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), max_size=12) | st.sampled_from(["=1+1", "'=x", "''-1", "+4", "@a", "-", "007", "1e5", "_x0041_", "TRUE", " a ", "2026-10-01", "http://x.y", "#N/A"])


@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=4, max_size=12))
def test_untouched_or_merely_saved_again_it_changes_nothing(home: Path, tmp_path: Path, rows: list[tuple[str, ...]]):
    import_id, path = rejected(tmp_path, (ROWS[1], *((customer, "no time", quantity, region, "") for customer, quantity, region in rows)))
    assert fixing.bring_back(import_id, path, path.name, "anna") == 0
    openpyxl.load_workbook(path).save(path)
    assert fixing.bring_back(import_id, path, path.name, "anna") == 0


def test_what_excel_cannot_hold_is_said_and_nothing_is_cut(home: Path, tmp_path: Path):
    with pytest.raises(BadInput, match="Row 2 has a cell of more than 32,767 letters"):
        rejected(tmp_path, (("x" * 32_768, "never", "1", "eu", ""),))
    assert [each.name for each in tmp_path.iterdir() if "rejected" in each.name] == []


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_of_a_turned_table_come_back_by_the_row_of_the_person_s_file(home: Path, tmp_path: Path, ending: str):
    """Three rows come out of each row of the file: the second of row 3 is `3 (2)`."""
    path = tmp_path / "turned.csv"
    path.write_text("customer_id,Jan 2026,Feb 2026,Mar 2026\ncus_1,1,2,3\ncus_2,4,n/a,6\ncus_3,x,8,9\n")
    import_id = imports.read(imports.start(path, path.name, "anna").id, ReadSpec(turn="months")).id
    names = {"customer_id": "customer_id", "timestamp": "month", "quantity": "quantity"}
    event_type = EventType(name="Usage", slug="usage", fields=(Field(name="quantity", type="Decimal"),))
    imports.set_match(import_id, MatchSpec(event_type=event_type, matches=tuple(FieldMatch(field=field, column=column) for field, column in names.items())), accounts.account().name, "anna")
    imports.check(import_id)
    path = imports.write_rejected(import_id, tmp_path / f"rejected.{ending}")
    back = imports.read(imports.start(path, path.name, "anna").id).id
    said = {row[ORIGINAL_ROW]: row["quantity"] for row in imports.raw_rows(back).to_pylist()}
    assert {label: cell for label, cell in said.items() if cell in ("n/a", "x")} == {"3 (2)": "n/a", "4": "x"}
    fixed = tmp_path / "fixed.csv"
    fixed.write_text(f"quantity,Problem,{ORIGINAL_ROW}\n5,,3 (2)\n7,,4\n")
    assert fixing.bring_back(import_id, fixed, fixed.name, "anna") == 2
    assert [row["quantity"] for row in imports.raw_rows(import_id).to_pylist()] == ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
