"""What the library doesn't tell of an xls sheet: error cells, formulas without a stored value, how far the sheet reaches, how numbers are shown, and whether the workbook is protected."""

import struct
from collections.abc import Iterator
from pathlib import Path

from ingest.read.cells import number_text
from ingest.read.ole import ole_stream
from ingest.read.xlsx_cells import Look
from ingest.read.xlsx_styles import BUILT_IN, shows_dates

STREAMS = ("Workbook", "Book")
BEGIN, PROTECTED, SHEET, END = 0x809, 0x2F, 0x85, 0x0A
FORMULA, ERROR, TEXT = 0x06, 0x205, 0x207
BETWEEN = (0x4BC, 0x221, 0x236)
"""What may stand between a formula and the text that is its value."""
FORMAT, CELL_FORMAT = 0x41E, 0xE0
SHOWN_ROWS = 500
"""How many rows tell how a column's numbers are shown."""
NEVER = "=(a formula without a stored value)"
MANY_NUMBERS = 0xBD
NUMBER, SHORT_NUMBER = 0x203, 0x27E
NUMBERS = (NUMBER, SHORT_NUMBER, MANY_NUMBERS, FORMULA)
CELLS = frozenset((0xFD, 0x204, 0x203, 0x27E, 0xBD, 0xD6, FORMULA, ERROR))
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"}

Record = tuple[int, int, int]
"""Kind, where its content begins, how long it is."""


def look_at(path: Path, sheet: str) -> Look:
    """A look at one sheet before it is loaded; an empty one where the sheet isn't found."""
    data = ole_stream(path, STREAMS)
    start = next((begin for name, begin in _sheets(data) if name == sheet), None)
    return _look(data, start, _format_codes(data)) if start is not None else Look({})


def is_protected(path: Path) -> bool:
    """Whether an xls workbook is protected with a password."""
    data = ole_stream(path, STREAMS)
    for index, (kind, _, _) in enumerate(_records(data, 0)):
        if kind == PROTECTED or index > 50:
            return kind == PROTECTED
    return False


def _records(data: bytes, at: int) -> Iterator[Record]:
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield kind, at + 4, size
        at += 4 + size


def _sheets(data: bytes) -> Iterator[tuple[str, int]]:
    """Every sheet's name and where it begins."""
    modern = True
    for kind, at, size in _records(data, 0):
        if kind == BEGIN and size >= 2:
            modern = data[at : at + 2] == b"\x00\x06"
        elif kind == SHEET and size >= 8:
            yield _name(data[at + 6 : at + size], modern), struct.unpack_from("<I", data, at)[0]
        elif kind == END:
            return


def _name(data: bytes, modern: bool) -> str:
    count = data[0]
    if not modern:
        return data[1 : 1 + count].decode("cp1252", errors="replace")
    return data[2 : 2 + 2 * count].decode("utf-16-le", errors="replace") if data[1] & 1 else data[2 : 2 + count].decode("latin-1")


def _format_codes(data: bytes) -> list[str]:
    """The number format of each cell format, in their order; empty for those that need no word."""
    own: dict[int, str] = {}
    found: list[str] = []
    for kind, at, size in _records(data, 0):
        if kind == FORMAT and size >= 5:
            own[struct.unpack_from("<H", data, at)[0]] = _format_code(data[at + 2 : at + size])
        elif kind == CELL_FORMAT and size >= 4:
            number = struct.unpack_from("<H", data, at + 2)[0]
            found.append(own.get(number) or BUILT_IN.get(str(number), ""))
        elif kind == END:
            break
    return found


def _format_code(text: bytes) -> str:
    count = struct.unpack_from("<H", text, 0)[0]
    if count + 3 > len(text):  # the old kind: one byte for its length
        return text[1 : 1 + text[0]].decode("cp1252", errors="replace")
    return text[3 : 3 + 2 * count].decode("utf-16-le", errors="replace") if text[2] & 1 else text[3 : 3 + count].decode("latin-1")


class _Sheet:
    """What the records of one sheet tell, one after the other."""

    def __init__(self, codes: list[str]) -> None:
        self.codes, self.lost, self.shown, self.undated = codes, {}, {}, {}
        self.dated = {style for style, code in enumerate(codes) if shows_dates(code)}
        self.rows: set[int] = set()
        self.columns: set[int] = set()
        self.cells, self.formulas = 0, 0
        self.open: tuple[int, int] | None = None
        self.blank: list[tuple[int, int]] = []

    def take(self, kind: int, content: bytes) -> None:
        """The next record."""
        if self.open and kind not in BETWEEN:
            if kind != TEXT:
                self._lose(self.open, NEVER)
            self.open = None
        if kind in CELLS and len(content) >= 6:
            place = struct.unpack_from("<HH", content, 0)
            self.rows.add(place[0])
            self.columns.add(place[1])
            self.cells += 1 if kind != MANY_NUMBERS else len(content) // 6
            self._take_cell(kind, place, content)

    def _take_cell(self, kind: int, place: tuple[int, int], content: bytes) -> None:
        if kind in (ERROR, FORMULA) and (text := _error(kind, content)):
            self._lose(place, text)
        if kind in NUMBERS and len(self.rows) < SHOWN_ROWS:
            step = 6 if kind == MANY_NUMBERS else len(content)
            for number, at in enumerate(range(4, len(content) - 2, step)):
                style = struct.unpack_from("<H", content, at)[0]
                self.shown.setdefault(place[1] + number, set()).add(self.codes[style] if style < len(self.codes) else "")
        if kind in (NUMBER, SHORT_NUMBER) and (value := _number(kind, content)) < 0 and struct.unpack_from("<H", content, 4)[0] in self.dated:
            self.undated.setdefault(place[0] + 1, {})[place[1]] = number_text(value)
        if kind == FORMULA and len(content) >= 14:
            self.formulas += 1
            if content[12:14] == b"\xff\xff":
                self.open = place if content[6] == 0 else self.open
                self.blank += [place] if content[6] == 3 else []

    def _lose(self, place: tuple[int, int], text: str) -> None:
        self.lost.setdefault(place[0] + 1, {})[place[1]] = text

    def look(self) -> Look:
        """All of it. Where every formula's value is an empty text, the program that wrote the sheet calculated none."""
        if len(self.blank) == self.formulas:
            for place in self.blank:
                self._lose(place, NEVER)
        area = (max(self.rows) - min(self.rows) + 1) * (max(self.columns) - min(self.columns) + 1) if self.rows else 0
        return Look(self.lost, area, self.cells, self.shown, undated=self.undated)


def _look(data: bytes, start: int, codes: list[str]) -> Look:
    sheet, depth = _Sheet(codes), 0
    for kind, at, size in _records(data, start):
        if at + size <= len(data):
            sheet.take(kind, data[at : at + size])
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 0:
            break
    return sheet.look()


def _number(kind: int, content: bytes) -> float:
    """The value of a cell; a short one is an integer of 30 bits or the upper half of a float, perhaps in hundredths."""
    if kind == NUMBER:
        return struct.unpack_from("<d", content, 6)[0] if len(content) >= 14 else 0.0
    short = struct.unpack_from("<i", content, 6)[0] if len(content) >= 10 else 0
    value = float(short >> 2) if short & 2 else struct.unpack("<d", b"\0\0\0\0" + struct.pack("<i", short & ~3))[0]
    return value / 100 if short & 1 else value


def _error(kind: int, content: bytes) -> str | None:
    if kind == ERROR:
        return ERRORS.get(content[6], "#ERROR") if len(content) >= 8 and content[7] == 1 else None
    return ERRORS.get(content[8], "#ERROR") if len(content) >= 14 and content[12:14] == b"\xff\xff" and content[6] == 2 else None
