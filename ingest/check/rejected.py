"""The rows that need fixing as a file for a person: corrected in a spreadsheet, it comes back to the same import. Text stays text and nothing in it is ever run."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ingest.check.issues import ISSUES
from ingest.check.run import LEFT_OUT
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from ingest.files import full_disk_is_a_sentence
from ingest.raw import ORIGINAL_ROW, PROBLEM, added_columns, raw_query, row_label
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType
from schemas.matching import MatchSpec
from schemas.reading import ReadReport

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet takes for a formula at the start of a cell; also behind apostrophes, so that taking one off gives the cell as it was."""
PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,]*")
EXCEL_ROWS = 1_048_575
EXCEL_CELL = 32_767
COMMENTED = 5_000
"""Rows whose bad cells get a comment: more of them make Excel open slowly; the colour and the column Problem are there for all."""
BATCH = 10_000
ROWS_SHEET, LISTS_SHEET = "Rows to fix", "Allowed values"
TRUTHS = ("true", "false")
WIDEST = 40
PROBLEM_WIDTH = 60

Rows = Iterator[tuple[object, ...]]


def write_rejected(check_folder: Path, raw_folder: Path, report: ReadReport, path: Path, match: MatchSpec | None = None) -> Path:
    """The rejected rows as CSV or Excel, by the ending of `path`: the file's columns as they were, then the problem and the row's number.

    `match` says which columns have allowed values; in Excel they get a list to choose from.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise BadInput(f"Rejected rows can be written as .csv or .xlsx, not as {path.suffix or 'a file without an ending'!r}.")
    part = path.with_name(f"{path.name}.part")
    added = added_columns(report.columns)
    names = [name for name in report.columns if name not in added]
    try:
        with engine() as connection, full_disk_is_a_sentence():
            columns = "".join(f"{identifier(name)}, " for name in names)
            marks = f"""select _row, list(struct_pack("column" := "column", todo := todo)) as marks from read_parquet({literal(check_folder / ISSUES)}) where severity = 'error' group by _row"""
            batches = connection.execute(f"""
                select {columns} reason, {row_label('_row', report.row_step)} as place, marks from (select _row, reason from read_parquet({literal(check_folder / LEFT_OUT)}) where outcome = 'rejected')
                join ({raw_query(raw_folder, report)}) using (_row) left join ({marks}) using (_row) order by _row""").to_arrow_reader(BATCH)
            rows = (row for batch in batches for row in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True))
            write(part, [*names, PROBLEM, ORIGINAL_ROW], rows, _lists(names, match))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def harmless(cell: object) -> object:
    """The cell so that a spreadsheet shows it and never runs it; plain numbers stay as they are."""
    if isinstance(cell, str) and DANGEROUS.match(cell) and not PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _lists(names: Sequence[str], match: MatchSpec | None) -> dict[str, tuple[str, ...]]:
    """By column, the values it may have, where there are only so many."""
    found = allowed_values(match.event_type, match.checks) if match else {}
    return {each.column: found[each.field] for each in (match.matches if match else ()) if each.column in names and each.field in found}


def allowed_values(event_type: EventType, checks: Mapping[str, CheckSetting]) -> dict[str, tuple[str, ...]]:
    """By field, the values it may have: true and false, and those that its check `allowed` names."""
    truths = {field.name: TRUTHS for field in event_type.usage_fields if field.type == "Bool"}
    return truths | {name.partition(".")[2]: setting.values for name, setting in checks.items() if name.startswith("allowed.") and setting.values}


def _write_csv(path: Path, header: Sequence[str], rows: Rows, _: Mapping[str, Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([harmless(name) for name in header])
        writer.writerows([harmless(cell) for cell in row[:-1]] for row in rows)


class _Looks(NamedTuple):
    """How cells look. All that belongs to the person's file is text, so that what is typed there stays as typed."""

    head: Format
    text: Format
    bad: Format
    problem: Format


def _write_excel(path: Path, header: Sequence[str], rows: Rows, lists: Mapping[str, Sequence[str]]) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "tmpdir": tempfile.gettempdir()}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet(ROWS_SHEET)
        looks = _Looks(book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF2F6"}), book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bg_color": "#FFD9D9", "border": 1}), book.add_format({"text_wrap": True, "valign": "top"}))
        _lay_out(sheet, header, looks)
        last = 0
        for last, row in enumerate(rows, start=1):
            if last > EXCEL_ROWS:
                raise BadInput(f"More than {EXCEL_ROWS:,} rows don't fit into an Excel sheet.", "Download them as CSV.")
            _fill_line(sheet, last, header, row, looks)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
        sheet.autofilter(0, 0, last, len(header) - 1)
        add_lists(book, sheet, {header.index(name): values for name, values in lists.items()}, max(last, 1))


def _lay_out(sheet: Worksheet, header: Sequence[str], looks: _Looks) -> None:
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(header):
        own = place >= len(header) - 2
        sheet.set_column(place, place, PROBLEM_WIDTH if name == PROBLEM and own else min(WIDEST, max(14, len(name) + 4)), None if own else looks.text)
        sheet.write_string(0, place, name, looks.head)


def _fill_line(sheet: Worksheet, line: int, header: Sequence[str], row: tuple[object, ...], looks: _Looks) -> None:
    *cells, problem, number, marks = row
    todo = {mark["column"]: mark["todo"] for mark in marks or ()}
    for place, cell in enumerate(cells):
        wrong, text = header[place] in todo, _guarded(cell or "")
        if len(text) > EXCEL_CELL:
            raise BadInput(f"Row {number:,} has a cell of more than {EXCEL_CELL:,} letters, which Excel can't hold.", "Download the rows as CSV.")
        sheet.write_string(line, place, text, looks.bad if wrong else looks.text)
        if wrong and line <= COMMENTED:
            sheet.write_comment(line, place, todo[header[place]])
    sheet.write_string(line, len(cells), problem or "", looks.problem)
    sheet.write(line, len(cells) + 1, number)


def _guarded(cell: str) -> str:
    """Excel needs no apostrophe before texts; a cell that has one already gets another, as one is taken off when the file comes back."""
    return f"'{cell}" if cell.startswith("'") and DANGEROUS.match(cell) else cell


def add_lists(book: Workbook, sheet: Worksheet, lists: Mapping[int, Sequence[str]], last: int) -> None:
    """Lists to choose from in columns of a sheet, down to row `last` (counted from 0). The values stand on a hidden sheet: in the cell's own rule only 255 letters have room, and no comma."""
    from xlsxwriter.utility import xl_col_to_name

    if not lists:
        return
    values = book.add_worksheet(LISTS_SHEET)
    values.hide()
    columns = list(lists.items())
    for line in range(max(len(texts) for _, texts in columns)):
        for place, (_, texts) in enumerate(columns):
            if line < len(texts):
                values.write_string(line, place, texts[line])
    for place, (column, texts) in enumerate(columns):
        letter = xl_col_to_name(place, True)
        sheet.data_validation(1, column, last, column, {
            "validate": "list", "source": f"='{LISTS_SHEET}'!{letter}$1:{letter}${len(texts)}", "error_type": "warning",
            "error_title": "Not one of the known values", "error_message": "Choose one of the list. Another value will probably need fixing again.",
        })


WRITERS = {".csv": _write_csv, ".xlsx": _write_excel}
