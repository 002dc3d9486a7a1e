"""Workbooks: xlsx, xlsm, xlsb, xls and ods, by way of python-calamine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape, assemble
from ingest.read.cells import SAFE_INTEGER, cell_text, column_texts
from ingest.read.layout import Layout, TextRow, find_layout
from ingest.read.limits import HEAD_RECORDS, MAX_COLUMNS
from ingest.read.rawfile import Cells, RawFile
from ingest.read.xlsx_errors import Lost, lost_cells
from schemas.reading import Finding, ReadReport, ReadSpec

Progress = Callable[[int], None] | None
DAMAGED = "This workbook is damaged or of a kind that can't be read."
SAVE_AGAIN = "Open it in Excel, save it again as xlsx, and upload that."


class _Sheet(NamedTuple):
    name: str
    sheet: CalamineSheet
    head: list[tuple[int, Cells]]
    layout: Layout
    lost: Lost


def read_workbook(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None, *, format_name: str) -> ReadReport:
    """Reads one sheet of a workbook into `out`/raw.parquet."""
    with open_workbook(source) as book:
        names = [meta.name for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
        hidden = [meta.name for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet and meta.visible != SheetVisibleEnum.Visible]
        found, finding = _choose(book, source, names, hidden, spec, format_name)
        outcome = _read_sheet(found, spec, file_name, out, progress)
    findings = (finding, *_hidden_finding(hidden), *found.layout.findings)
    return ReadReport(
        file=file_name, format=format_name, sheet=found.name, sheets=tuple(names), header_rows=found.layout.header_rows, columns=found.layout.names, rows=outcome.rows,
        excluded=outcome.excluded, findings=findings, totals=outcome.totals, spans=outcome.spans, warnings=(*_lost_warning(found.lost), *_long_number_warning(found)))


@contextmanager
def open_workbook(source: Path) -> Iterator[CalamineWorkbook]:
    """An open workbook, whatever its file is called. Raises Unreadable where it is damaged or protected, also for what is found out later."""
    try:
        with source.open("rb") as stream, CalamineWorkbook.from_filelike(stream) as book:
            yield book
    except python_calamine.PasswordError:
        raise Unreadable("This workbook is protected with a password.", "Save it without the password and upload that.") from None
    except python_calamine.CalamineError:
        raise Unreadable("This workbook is damaged, or of a kind that can't be read.", "Open it in Excel, save it again as xlsx, and upload that.") from None


def _choose(book: CalamineWorkbook, source: Path, names: list[str], hidden: list[str], spec: ReadSpec, format_name: str) -> tuple[_Sheet, Finding]:
    if spec.sheet is not None:
        if spec.sheet not in names:
            raise Unreadable(f"This workbook has no sheet {spec.sheet!r}.", f"It has: {', '.join(names)}.")
        return _load(book, source, spec.sheet, spec, format_name), Finding(what="sheet", value=spec.sheet, why="you chose it")
    visible = [name for name in names if name not in hidden]
    best = _best(book, source, visible, spec, format_name)
    others = [name for name in visible if name != best.name]
    why = f"the first visible sheet that holds a table; there are also {', '.join(others)}" if others else "the only visible sheet"
    return best, Finding(what="sheet", value=best.name, why=why, confidence="likely" if others else "certain")


def _best(book: CalamineWorkbook, source: Path, visible: list[str], spec: ReadSpec, format_name: str) -> _Sheet:
    """The first sheet with names over numbers or dates; one without that gives way to a later one that has it and is as long."""
    best: _Sheet | None = None
    failure = Unreadable("This workbook has no visible sheet with a table.")
    for name in visible:
        try:
            found = _load(book, source, name, spec, format_name)
        except Unreadable as error:
            failure = error if len(visible) == 1 else failure
            continue
        if best is None or (_is_certain(found) and found.sheet.height >= best.sheet.height):
            best = found
        if _is_certain(best):
            break
    if best is None:
        raise failure
    return best


def _is_certain(found: _Sheet) -> bool:
    return found.layout.width > 1 and found.layout.findings[0].confidence == "certain"


def _load(book: CalamineWorkbook, source: Path, name: str, spec: ReadSpec, format_name: str) -> _Sheet:
    sheet = book.get_sheet_by_name(name)
    if sheet.start is None:
        raise Unreadable(f"The sheet {name!r} is empty.")
    if sheet.width > MAX_COLUMNS:
        raise Unreadable(f"The sheet {name!r} has {sheet.width:,} columns; {MAX_COLUMNS:,} can be read.")
    lost = lost_cells(source, name) if format_name in ("xlsx", "xlsm") else {}
    count = max(HEAD_RECORDS, max(spec.header_rows or (0,)) + 20 - sheet.start[0])
    head = list(islice(_rows(sheet, lost), count))
    layout = find_layout([TextRow(number, [cell_text(cell) for cell in cells]) for number, cells in head], spec.header_rows, width=sheet.width)
    return _Sheet(name, sheet, head, layout, lost)


def _rows(sheet: CalamineSheet, lost: Lost) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet's used part, each with its own number in the sheet; cells that got lost are put back as text."""
    top, left = sheet.start
    rows = enumerate(islice(sheet.iter_rows(), top, None), top + 1)
    return ((number, _with_lost(cells, lost[number], left) if number in lost else cells) for number, cells in rows) if lost else rows


def _with_lost(cells: list[object], lost: dict[int, str], left: int) -> list[object]:
    return [lost.get(index + left, cell) if cell == "" else cell for index, cell in enumerate(cells)]


def _read_sheet(found: _Sheet, spec: ReadSpec, file_name: str, out: Path, progress: Progress) -> Outcome:
    shape = Shape(_is_blank, lambda cells: [cell_text(cell) for cell in cells], lambda _number, cells: cells)
    body = [cells for number, cells in found.head if number >= found.layout.first_row]
    with RawFile(out, file_name, found.name, found.layout.names, column_texts(body, found.layout.width), progress) as raw:
        return assemble(_rows(found.sheet, found.lost), found.layout, frozenset(spec.keep_rows), shape, raw)


def _is_blank(cells: Cells) -> bool:
    first = cells[0]
    if type(first) is not str or first.strip():
        return False
    return not any(type(cell) is not str or cell.strip() for cell in cells)


def _hidden_finding(hidden: list[str]) -> tuple[Finding, ...]:
    return (Finding(what="hidden sheets", value=", ".join(hidden), why="hidden sheets are read only when they are chosen"),) if hidden else ()


def _lost_warning(lost: Lost) -> tuple[str, ...]:
    if not lost:
        return ()
    row = min(lost)
    return (f"{sum(map(len, lost.values())):,} cells hold an error or a formula without a stored value; they are shown as such. The first is in row {row}: {next(iter(lost[row].values()))}",)


def _long_number_warning(found: _Sheet) -> tuple[str, ...]:
    rows = [cells for number, cells in found.head if number >= found.layout.first_row]
    long = [name for index, name in enumerate(found.layout.names) if any(type(cells[index]) in (int, float) and abs(cells[index]) >= SAFE_INTEGER for cells in rows)]
    return tuple(f"The column {name!r} holds numbers of more than 15 digits. Excel keeps only 15, so ids may have changed before they came here; store them as text." for name in long)
