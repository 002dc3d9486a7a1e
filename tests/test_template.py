"""The workbook to fill in: what is written into it is read, matched with certainty and checked without an issue."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from ingest import imports
from ingest.check.template import HELP_SHEET, ROWS_SHEET, write_template
from ingest.read import read_file
from schemas.event_type import FIELD_TYPES, EventType, Field
from schemas.reading import ReadSpec

EVERY_TYPE = EventType(name="Everything", slug="everything", fields=(*(Field(name=f"a_{kind.lower()}", type=kind) for kind in FIELD_TYPES), Field(name="event_id", type="String")))
NAMES = ["customer_id", "timestamp", *(f"a_{kind.lower()}" for kind in FIELD_TYPES)]


def test_the_template_has_the_headers_and_explains_each(tmp_path: Path):
    book = CalamineWorkbook.from_path(write_template(EVERY_TYPE, tmp_path / "t.xlsx"))
    assert book.sheet_names == [ROWS_SHEET, HELP_SHEET]
    assert book.get_sheet_by_name(ROWS_SHEET).to_python() == [NAMES]
    assert [row[0] for row in book.get_sheet_by_name(HELP_SHEET).to_python()[3:]] == NAMES


def test_an_unfilled_template_is_no_usage(tmp_path: Path):
    report = read_file(write_template(EVERY_TYPE, tmp_path / "t.xlsx"), "t.xlsx", ReadSpec(sheet=ROWS_SHEET), tmp_path)
    assert (report.rows, list(report.columns)) == (0, NAMES)


@pytest.mark.parametrize("row", [["0017", datetime(2026, 10, 3, 14, 5), "eu", 42, 2.5, 1234.5, "true", datetime(2026, 10, 3), datetime(2026, 10, 3, 1), "123e4567-e89b-12d3-a456-426614174000"]])
def test_a_filled_template_matches_with_certainty(home: Path, tmp_path: Path, row: list):
    path = write_template(EVERY_TYPE, tmp_path / "usage.xlsx")
    book = openpyxl.load_workbook(path)
    book[ROWS_SHEET].append(row)
    book.save(path)
    import_id = imports.read(imports.start(path, path.name, "anna").id).id
    assert {(each.field, each.column, each.confidence) for each in imports.suggestions(import_id, EVERY_TYPE)} == {(name, name, "certain") for name in NAMES}
    assert imports.raw_rows(import_id).column("customer_id").to_pylist() == ["0017"]
