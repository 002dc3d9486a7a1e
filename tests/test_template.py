"""The workbook to fill in: what is written into it is read, matched with certainty and checked without an issue."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from ingest import imports
from ingest.check.rejected import LISTS_SHEET
from ingest.check.template import HELP_SHEET, ROWS_SHEET, write_template
from ingest.read import read_file
from schemas.event_type import FIELD_TYPES, EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.reading import ReadSpec

EVERY_TYPE = EventType(name="Everything", slug="everything", fields=(*(Field(name=f"a_{kind.lower()}", type=kind) for kind in FIELD_TYPES), Field(name="event_id", type="String")))
WORDS_ONLY = EventType(name="Words", slug="words", fields=(Field(name="region", type="String"), Field(name="event_id", type="String")))
NAMES = ["customer_id", "timestamp", *(f"a_{kind.lower()}" for kind in FIELD_TYPES)]
ALLOWED = {"a_bool": ("true", "false"), "a_string": ("eu", "us, east")}


def test_the_template_has_the_headers_explains_each_and_shows_a_row(tmp_path: Path):
    book = CalamineWorkbook.from_path(write_template(EVERY_TYPE, tmp_path / "t.xlsx", ALLOWED))
    assert book.sheet_names == [ROWS_SHEET, HELP_SHEET, LISTS_SHEET]
    assert book.get_sheet_by_name(ROWS_SHEET).to_python() == [NAMES]
    explained = book.get_sheet_by_name(HELP_SHEET).to_python()
    assert [row[0] for row in explained[3 : 3 + len(NAMES)]] == NAMES
    assert explained[-1][0].startswith("An example row: cus_17 | 2026-10-03 14:05:00 | eu | 42 | ")
    assert "One of: eu, us, east" in [row[3] for row in explained]


def test_the_template_offers_what_may_be_chosen(tmp_path: Path):
    book = openpyxl.load_workbook(write_template(EVERY_TYPE, tmp_path / "t.xlsx", ALLOWED))
    lists = {str(each.sqref): each.formula1 for each in book[ROWS_SHEET].data_validations.dataValidation if each.type == "list"}
    assert lists == {"C2:C5001": f"'{LISTS_SHEET}'!$A$1:$A$2", "G2:G5001": f"'{LISTS_SHEET}'!$B$1:$B$2"}
    assert book[LISTS_SHEET].sheet_state == "hidden"


def test_an_unfilled_template_is_no_usage(tmp_path: Path):
    report = read_file(write_template(EVERY_TYPE, tmp_path / "t.xlsx"), "t.xlsx", ReadSpec(sheet=ROWS_SHEET), tmp_path)
    assert (report.rows, list(report.columns)) == (0, NAMES)


ROW = ["0017", datetime(2026, 10, 3, 14, 5), "eu", 42, 2.5, 1234.5, "true", datetime(2026, 10, 3), datetime(2026, 10, 3, 1), "123e4567-e89b-12d3-a456-426614174000"]


@pytest.mark.parametrize(("event_type", "row"), [(EVERY_TYPE, ROW), (EVERY_TYPE, ["=1+1", "2026-10-03T14:05:00Z", "-x", "42", "2.5", "1234.5", "false", "2026-10-03", "2026-10-03T14:05:00Z", ROW[-1]]), (WORDS_ONLY, ["cus_1", datetime(2026, 10, 3, 14, 5), "eu"])])
def test_a_filled_template_matches_with_certainty_and_without_an_issue(home: Path, tmp_path: Path, event_type: EventType, row: list):
    path = write_template(event_type, tmp_path / "usage.xlsx", ALLOWED if event_type is EVERY_TYPE else None)
    book = openpyxl.load_workbook(path)
    book[ROWS_SHEET].append(row)
    book.save(path)
    record = imports.read(imports.start(path, path.name, "anna").id)
    names = ["customer_id", "timestamp", *(field.name for field in event_type.usage_fields)]
    assert (record.report.sheet, record.report.questions) == (ROWS_SHEET, ())
    assert {(each.field, each.column, each.confidence) for each in imports.suggestions(record.id, event_type)} == {(name, name, "certain") for name in names}
    assert imports.raw_rows(record.id).column("customer_id").to_pylist() == [row[0]]
    answers = {"zone.timestamp": "UTC", "zone.a_datetime64": "UTC"}
    imports.set_match(record.id, MatchSpec(event_type=event_type, matches=tuple(FieldMatch(field=name, column=name) for name in names), answers=answers), "Practice", "anna")
    checked = imports.check(record.id).check
    assert (checked.rows.accepted, [group.code for group in checked.issues if group.severity == "error"]) == (1, [])
