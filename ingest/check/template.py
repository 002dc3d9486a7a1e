"""An Excel workbook to fill in for one event type: a sheet for the rows, whose file then matches with certainty, and a sheet that explains every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.check.rejected import add_lists
from schemas.event_type import EventType, FieldType

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

Column = tuple[str, FieldType, str, str]
"""Name, type, example, and what it is."""
ROWS_SHEET, HELP_SHEET = "Usage", "How to fill it in"
LISTED_ROWS = 5_000
MOST_SAID = 500
"""Rows that get the drop-down lists and input hints."""
FORMATS: dict[FieldType, str] = {"DateTime64": "yyyy-mm-dd hh:mm:ss", "Date32": "yyyy-mm-dd", "Int64": "0", "String": "@", "UUID": "@", "Bool": "@"}
"""Excel's format of each column; texts stay texts, so that ids keep their zeros in front."""
EXPLAINED: dict[FieldType, tuple[str, str]] = {
    "String": ("eu-west-1", "Any text."),
    "Int64": ("42", "A whole number."),
    "Float64": ("3.14", "A number."),
    "Decimal": ("1234.5", "A number; it is sent digit for digit as it stands in the cell."),
    "Bool": ("true", "true or false."),
    "Date32": ("2026-10-03", "A date, year first."),
    "DateTime64": ("2026-10-03 14:05:00", "Date and time, year first. Without a zone you are asked which one it is."),
    "UUID": ("123e4567-e89b-12d3-a456-426614174000", "A UUID."),
}
"""An example and a sentence for each type."""
ROOTS: dict[str, tuple[FieldType, str, str]] = {
    "customer_id": ("String", "cus_17", "Which customer the usage is for: the account's id, or your own if the account knows it."),
    "timestamp": ("DateTime64", "2026-10-03 14:05:00", "When the usage was. Date and time, year first; without a zone you are asked which one it is."),
}


def write_template(event_type: EventType, path: Path, allowed: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Writes the workbook; `allowed` has the values to choose from, by field. The example row stands on the sheet of explanations, where it can't be taken for usage."""
    import xlsxwriter

    columns = [(name, kind, example, words) for name, (kind, example, words) in ROOTS.items()]
    columns += [(field.name, field.type, *EXPLAINED[field.type]) for field in event_type.usage_fields]
    columns = [(name, kind, (allowed or {}).get(name, (example,))[0], words) for name, kind, example, words in columns]
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = _rows_sheet(book, columns)
        _help_sheet(book, event_type, columns, allowed or {})
        add_lists(book, sheet, {place: allowed[name] for place, (name, *_) in enumerate(columns) if name in (allowed or {})}, LISTED_ROWS)
    return path


def _rows_sheet(book: Workbook, columns: list[Column]) -> Worksheet:
    sheet, head = book.add_worksheet(ROWS_SHEET), book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF2F6"})
    sheet.freeze_panes(1, 0)
    for place, (name, kind, example, words) in enumerate(columns):
        sheet.write_string(0, place, name, head)
        sheet.write_comment(0, place, f"{words}\nFor example: {example}")
        sheet.set_column(place, place, max(14, len(name) + 2, len(example) + 2), book.add_format({"num_format": FORMATS[kind]}) if kind in FORMATS else None)
        if kind == "Int64":
            sheet.data_validation(1, place, LISTED_ROWS, place, {"validate": "integer", "criteria": ">=", "value": -(10**15), "error_title": name[:32], "error_message": words})
    return sheet


def _help_sheet(book: Workbook, event_type: EventType, columns: list[Column], allowed: Mapping[str, Sequence[str]]) -> None:
    sheet, bold = book.add_worksheet(HELP_SHEET), book.add_format({"bold": True})
    sheet.write_string(0, 0, f"Rows of {event_type.name} go on the sheet {ROWS_SHEET}, one event a row, under the headers as they are.", bold)
    rows = [("Column", "Needed", "Example", "What it is")]
    rows += [(name, "yes" if name in ROOTS else "no", example, f"One of: {', '.join(allowed[name])}"[:MOST_SAID] if name in allowed else words) for name, _, example, words in columns]
    rows += [(), (f"An example row: {' | '.join(example for _, _, example, _ in columns)}",)]  # in one cell: as a table it would look like usage
    for line, texts in enumerate(rows, start=2):
        for place, text in enumerate(texts):
            sheet.write_string(line, place, text, bold if line == 2 else None)
    sheet.set_column(0, 2, 24)
    sheet.set_column(3, 3, 90)
