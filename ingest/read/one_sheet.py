"""One sheet of a workbook, loaded: its rows with what the library doesn't tell of them, and where the table in it is."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineSheet, CalamineWorkbook

from ingest.errors import Unreadable
from ingest.read.cells import cell_text
from ingest.read.grid import laid_out
from ingest.read.layout import Layout
from ingest.read.limits import HEAD_RECORDS, MAX_COLUMNS
from ingest.read.merged import Fills, filled, fills_of
from ingest.read.ods_cells import look_at as look_at_ods
from ingest.read.rawfile import Cells
from ingest.read.sheets import sheet_of, used_rows
from ingest.read.xls_cells import look_at as look_at_xls
from ingest.read.xlsb_cells import look_at as look_at_xlsb
from ingest.read.xlsx_cells import AREA_PER_CELL, Look, Lost
from ingest.read.xlsx_cells import look_at as look_at_xlsx
from schemas.reading import ReadSpec

LOOKS: dict[str, Callable[[Path, str], Look]] = {"xlsx": look_at_xlsx, "xlsm": look_at_xlsx, "xlsb": look_at_xlsb, "xls": look_at_xls, "ods": look_at_ods}
MAX_EMPTY_AREA = {"xls": 256 * 65_536}
USUAL_EMPTY_AREA = 8_000_000
"""How many empty cells a sheet may span before it counts as a bomb; a filled one may have 50 times as many around it."""


class Sheet(NamedTuple):
    """A sheet with its first rows and its layout; `left` is the first column that is used."""

    name: str
    sheet: CalamineSheet
    head: list[tuple[int, Cells]]
    layout: Layout
    look: Look
    fills: Fills
    left: int

    @property
    def is_certain(self) -> bool:
        """Whether it has names over numbers or dates, side by side."""
        return self.has_rows and self.layout.width > 1 and self.layout.findings[0].confidence == "certain"

    def place_of(self, column: int) -> int | None:
        """Where a column of the sheet, counted from 0, stands in the table."""
        place = column - self.left
        if self.layout.places:
            return self.layout.places.index(place) if place in self.layout.places else None
        return place if 0 <= place < self.layout.width else None

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """All its rows, each with its own number."""
        return _whole(self.sheet, self.look, self.fills)

    @property
    def has_rows(self) -> bool:
        """Whether anything stands below its header."""
        return any(number >= self.layout.first_row and not is_blank(cells) for number, cells in self.head)


class Loader(NamedTuple):
    """Loads one sheet by its name."""

    book: CalamineWorkbook
    source: Path
    spec: ReadSpec
    format_name: str

    def load(self, name: str) -> Sheet:
        """A sheet with its layout. Raises Unreadable where it is empty, or too large to be loaded safely."""
        look = LOOKS[self.format_name](self.source, name) if self.format_name in LOOKS else Look({})
        if look.area > MAX_EMPTY_AREA.get(self.format_name, USUAL_EMPTY_AREA) + AREA_PER_CELL * look.cells:
            raise Unreadable(f"The sheet {name!r} holds a few cells scattered over {look.area:,}, which is more than can be read safely.", "Delete what stands far away from the table, save it again, and upload that.")
        sheet = sheet_of(self.book, name)
        if sheet.start is None and not look.lost:
            raise Unreadable(f"The sheet {name!r} is empty.")
        left, width = _span(sheet, look.texts)
        if width > MAX_COLUMNS:
            raise Unreadable(f"The sheet {name!r} has {width:,} columns; {MAX_COLUMNS:,} can be read.")
        return self._laid_out(name, sheet, look, left, width)

    def _laid_out(self, name: str, sheet: CalamineSheet, look: Look, left: int, width: int) -> Sheet:
        count = max(HEAD_RECORDS, max(self.spec.header_rows or (0,)) + 20 - (sheet.start or (0, 0))[0])
        head = list(islice(_rows(sheet, look.texts), count))
        last_row = sheet.end[0] if sheet.end else 0
        fills = fills_of(look.merged or sheet.merged_cell_ranges or (), head, left, last_row)
        if all(is_blank(cells) for _, cells in head):
            raise Unreadable(f"The sheet {name!r} is empty.")
        head, layout = laid_out(lambda: _whole(sheet, look, fills), self.spec, width, as_text, count)
        return Sheet(name, sheet, head, layout, look, fills, left)


def as_text(cells: Cells) -> list[str]:
    """A row as text."""
    return [cell_text(cell) for cell in cells]


def _span(sheet: CalamineSheet, lost: Lost) -> tuple[int, int]:
    """The first column and the number of columns of what a sheet holds, with the cells the library doesn't tell of."""
    columns = [column for cells in lost.values() for column in (min(cells), max(cells))]
    if sheet.start is not None:
        columns += [sheet.start[1], sheet.end[1]]
    return min(columns), max(columns) - min(columns) + 1


def _rows(sheet: CalamineSheet, lost: Lost) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet, each with its own number; cells that got lost are put back as text, also where they stand outside of what the library took for the used part."""
    if not lost:
        yield from used_rows(sheet)
        return
    left, width = _span(sheet, lost)
    first, last, indent = (sheet.start[0], sheet.end[0], sheet.start[1] - left) if sheet.start else (0, -1, 0)
    yield from ((number, _with_lost([""] * width, lost[number], left)) for number in sorted(lost) if number <= first and sheet.start)
    for number, cells in used_rows(sheet):
        level = [*[""] * indent, *cells, *[""] * (width - indent - len(cells))]
        yield number, _with_lost(level, lost[number], left) if number in lost else level
    yield from ((number, _with_lost([""] * width, lost[number], left)) for number in sorted(lost) if number > last + 1)


def _with_lost(cells: list[object], lost: Mapping[int, str], left: int) -> list[object]:
    return [lost.get(index + left, cell) for index, cell in enumerate(cells)]


def _whole(sheet: CalamineSheet, look: Look, fills: Fills) -> Iterator[tuple[int, Cells]]:
    rows = _rows(sheet, look.texts)
    return filled(rows, fills) if fills else rows


def is_blank(cells: Cells) -> bool:
    """Whether nothing stands in a row."""
    if not cells:
        return True
    first = cells[0]
    if type(first) is not str or first.strip():
        return False
    return cells.count("") == len(cells) or not any(type(cell) is not str or cell.strip() for cell in cells)
