"""Tables in HTML pages and SpreadsheetML 2003, which programs like to call `.xls` → raw.parquet."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from ingest.errors import Unreadable
from ingest.read.encoding import Encoding, as_utf8, find_encoding
from ingest.read.grid import read_texts
from ingest.read.layout import TextRow
from ingest.read.limits import MAX_COLUMNS, MAX_DOCUMENT_BYTES
from ingest.read.merged import Range, filled, fills_of
from ingest.read.questions import which_sheet
from ingest.read.rawfile import RawFile
from ingest.read.tables import table_question
from ingest.read.xml_events import Handlers, local, parse
from schemas.reading import Finding, ReadReport, ReadSpec

Progress = Callable[[int], None] | None
MAX_TABLES = 1_000
MAX_CELLS = 2_000_000
CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
SPACE = re.compile(r"\s+")
MIDNIGHT = "T00:00:00"


class Table(NamedTuple):
    """A grid of texts with its name, row numbers and merged cells."""

    name: str
    rows: list[TextRow]
    merged: list[Range]


def read_html(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads one table of an HTML page: the largest, or the chosen one."""
    if source.stat().st_size > MAX_DOCUMENT_BYTES:
        raise Unreadable(f"This web page is larger than {MAX_DOCUMENT_BYTES // 1024**2} MB, which is more than can be read in one piece.", "Save it as CSV or Excel and upload that.")
    encoding = _encoding(source, spec)
    with as_utf8(source, encoding, out.parent) as path:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if sum(map(text.count, ("<td", "<TD", "<th", "<TH"))) > MAX_CELLS:
            _refuse_cells()
        parser = _Tables()
        parser.feed(text)
        parser.close()
    return _read(parser.finished(), max, "html", ReadReport(file=file_name, encoding=encoding.name, findings=(encoding.finding,)), spec, out, progress)


def _refuse_cells() -> None:
    raise Unreadable(f"This page has more than {MAX_CELLS:,} cells, which is more than can be read safely.", "Export it as CSV.")


def _encoding(source: Path, spec: ReadSpec) -> Encoding:
    found = find_encoding(source, spec.encoding)
    if spec.encoding or found.confidence == "certain":
        return found
    with source.open("rb") as stream:
        said = CHARSET.search(stream.read(4096))
    try:
        return found if said is None else Encoding(find_encoding(source, said[1].decode()).name, "the page says so", "likely")
    except Unreadable:
        return found


def read_spreadsheetml(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads one sheet of an Excel 2003 XML workbook: the first that holds a table, or the chosen one."""
    sheets = _Sheets()
    for _ in parse(source, Handlers(sheets.start, sheets.end, sheets.text)):
        pass
    return _read(sheets.tables, lambda tables, key: next(iter(tables)), "spreadsheetml", ReadReport(file=file_name), spec, out, progress)


def _read(tables: list[Table], pick: Callable, kind: str, report: ReadReport, spec: ReadSpec, out: Path, progress: Progress) -> ReadReport:
    names = tuple(table.name for table in tables)
    full = [table for table in tables if any(not row.is_blank for row in table.rows)]
    if spec.sheet is not None and spec.sheet not in names:
        raise Unreadable(f"This file has no table {spec.sheet!r}.", f"It has: {', '.join(names) or 'none'}.")
    if not full:
        raise Unreadable("This file holds no table." if kind == "html" else "This workbook is empty.", "Export it as CSV or Excel and upload that.")
    real = [table for table in full if len(table.rows) > 1 and max(row.filled for row in table.rows) > 1] or full
    best = next(table for table in tables if table.name == spec.sheet) if spec.sheet else pick(real, key=lambda table: sum(row.filled for row in table.rows))
    others = [table.name for table in full if table is not best]
    layout, outcome = read_texts(_filled(best), spec, lambda names: RawFile(out, report.file, best.name, names, progress=progress))
    why = "you chose it" if spec.sheet else f"it holds most; there are also {', '.join(others)[:200]}" if others else "the only one that holds anything"
    finding = Finding(what="sheet", value=best.name, why=why, confidence="likely" if others and not spec.sheet else "certain")
    return report.model_copy(update={
        "format": kind, "sheet": best.name, "sheets": names, "header_rows": layout.header_rows, "columns": layout.names, "rows": outcome.rows, "excluded": outcome.excluded, "totals": outcome.totals,
        "spans": outcome.spans, "findings": (*report.findings, finding, *layout.findings), "warnings": layout.warnings, "questions": (*_question(best.name, [] if spec.sheet else [table.name for table in real if table is not best]), *layout.questions, *table_question(outcome.second, spec.table))})


def _question(best: str, others: list[str]) -> tuple[dict[str, object], ...]:
    if not others:
        return ()
    return (which_sheet(f"This file holds {len(others) + 1} tables; {best!r} was read. Is that the one?", (best, *others)),)


def _filled(table: Table) -> list[TextRow]:
    """The rows with their merged cells filled, all of one width."""
    width = max(len(row.cells) for row in table.rows)
    rows = [TextRow(row.number, [*row.cells, *[""] * (width - len(row.cells))]) for row in table.rows]
    fills = fills_of(table.merged, [(row.number, row.cells) for row in rows[:200]], 0, rows[-1].number - 1)
    return [TextRow(number, list(cells)) for number, cells in filled(((row.number, row.cells) for row in rows), fills)] if fills else rows


class _Open:
    """A table while its end has not come."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.merged: list[Range] = []
        self.reach: dict[int, int] = {}
        self.text: list[str] | None = None
        self.spans = (1, 1)

    def end_cell(self) -> int:
        """Closes a cell that is open; how many cells it takes."""
        if self.text is None or not self.rows:
            return 0
        row, cells = len(self.rows) - 1, self.rows[-1]
        self._skip_taken()
        down, across = self.spans
        first = len(cells)
        cells += [SPACE.sub(" ", "".join(self.text)).strip(), *[""] * (across - 1)]
        if down > 1 or across > 1:
            self.merged.append(((row, first), (row + down - 1, first + across - 1)))
            self.reach.update((column, row + down - 1) for column in range(first, first + across))
        self.text = None
        if len(cells) > MAX_COLUMNS:
            raise Unreadable(f"This table has more than {MAX_COLUMNS:,} columns.")
        return across

    def end_row(self) -> None:
        """Leaves room for what reaches down into the row's end."""
        if self.rows:
            self._skip_taken()

    def _skip_taken(self) -> None:
        cells = self.rows[-1]
        while self.reach.get(len(cells), -1) >= len(self.rows) - 1:
            cells.append("")


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Open] = []
        self.done: list[_Open] = []
        self.cells = 0
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.silent += 1
        elif tag == "table" and len(self.open) + len(self.done) < MAX_TABLES:
            self.open.append(_Open())
        elif self.open and tag == "tr":
            self._end_cell()
            self.open[-1].end_row()
            self.open[-1].rows.append([])
        elif self.open and tag in ("td", "th"):
            self._end_cell()
            self._begin_cell(dict(attrs))
        elif self.open and tag in ("br", "p", "div", "li") and self.open[-1].text is not None:
            self.open[-1].text.append(" ")

    def _begin_cell(self, attributes: dict[str, str | None]) -> None:
        table = self.open[-1]
        if not table.rows:
            table.rows.append([])
        table.text = []
        table.spans = (_span(attributes.get("rowspan")), _span(attributes.get("colspan")))

    def _end_cell(self) -> None:
        self.cells += self.open[-1].end_cell()
        if self.cells > MAX_CELLS:
            _refuse_cells()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.silent = max(0, self.silent - 1)
        elif self.open and tag in ("td", "th"):
            self._end_cell()
        elif self.open and tag == "tr":
            self._end_cell()
            self.open[-1].end_row()
        elif self.open and tag == "table":
            self._end_cell()
            self.open[-1].end_row()
            self.done.append(self.open.pop())

    def handle_data(self, data: str) -> None:
        if self.open and not self.silent and self.open[-1].text is not None:
            self.open[-1].text.append(data)

    def finished(self) -> list[Table]:
        """The tables of the page; those that were never closed too."""
        while self.open:
            self.handle_endtag("table")
        return [Table(f"table {index}", [TextRow(number, cells) for number, cells in enumerate(table.rows, 1)], table.merged) for index, table in enumerate(self.done, 1)]


def _span(text: str | None) -> int:
    """A colspan or rowspan, never so large that it would cost much."""
    return max(1, min(int(text), 1_000)) if text and text.strip().isdecimal() and len(text) < 9 else 1


class _Sheets:
    """Takes the sheets out of SpreadsheetML."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.row, self.column, self.next_column, self.cells = 0, 0, 0, 0
        self.type, self.text_parts = "", None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind, given = local(name), {local(key): value for key, value in attributes.items()}
        if kind == "Worksheet":
            self.tables.append(Table(given.get("Name", f"Sheet{len(self.tables) + 1}"), [], []))
            self.row = 0
        elif kind == "Row" and self.tables:
            self.row = max(self.row + 1, _index(given.get("Index"), 0, 10_000_000))
            self.column = 0
            self.tables[-1].rows.append(TextRow(self.row, []))
        elif kind == "Cell" and self.tables and self.tables[-1].rows:
            self._begin_cell(given)
        elif kind == "Data":
            self.type, self.text_parts = given.get("Type", "String"), []

    def _begin_cell(self, given: dict[str, str]) -> None:
        self.column = _index(given.get("Index"), self.column + 1, MAX_COLUMNS)
        cells = self.tables[-1].rows[-1].cells
        self.cells += max(1, self.column - len(cells))
        cells += [""] * (self.column - len(cells))
        across, down = _index(given.get("MergeAcross"), 0, MAX_COLUMNS), _index(given.get("MergeDown"), 0, 1_000_000)
        if across or down:
            self.tables[-1].merged.append(((self.row - 1, self.column - 1), (self.row - 1 + down, self.column - 1 + across)))
        self.next_column = self.column + across
        if self.cells > MAX_CELLS:
            raise Unreadable(f"This workbook has more than {MAX_CELLS:,} cells, which is more than can be read in this format.", "Save it as xlsx and upload that.")

    def end(self, name: str) -> None:
        kind = local(name)
        if kind == "Data" and self.text_parts is not None:
            if self.tables and self.tables[-1].rows and self.tables[-1].rows[-1].cells:
                self.tables[-1].rows[-1].cells[-1] = _typed("".join(self.text_parts), self.type)
            self.text_parts = None
        elif kind == "Cell" and self.tables and self.tables[-1].rows:
            self.column = self.next_column

    def text(self, text: str) -> None:
        if self.text_parts is not None:
            self.text_parts.append(text)


def _index(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 9 or int(text) > most:
        raise Unreadable("This workbook names a row or column that no spreadsheet has, so it is damaged.", "Open it in Excel, save it again as xlsx, and upload that.")
    return int(text)


def _typed(text: str, kind: str) -> str:
    if kind == "Boolean":
        return {"1": "true", "0": "false"}.get(text.strip(), text)
    if kind == "DateTime":
        return text.strip().removesuffix(".000").removesuffix(MIDNIGHT)
    return text
