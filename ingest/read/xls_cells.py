"""What the library doesn't tell of an xls sheet: error cells, how far the sheet reaches, and whether the workbook is protected."""

import struct
from collections.abc import Iterator
from pathlib import Path

from ingest.read.ole import ole_stream
from ingest.read.xlsx_cells import Look, Lost

STREAMS = ("Workbook", "Book")
BEGIN, PROTECTED, SHEET, END = 0x809, 0x2F, 0x85, 0x0A
FORMULA, ERROR = 0x06, 0x205
CELLS = frozenset((0xFD, 0x204, 0x203, 0x27E, 0xBD, 0xD6, FORMULA, ERROR))
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"}

Record = tuple[int, int, int]
"""Kind, where its content begins, how long it is."""


def look_at(path: Path, sheet: str) -> Look:
    """A look at one sheet before it is loaded; an empty one where the sheet isn't found."""
    data = ole_stream(path, STREAMS)
    start = next((begin for name, begin in _sheets(data) if name == sheet), None)
    return _look(data, start) if start is not None else Look({})


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


def _look(data: bytes, start: int) -> Look:
    lost: Lost = {}
    rows: set[int] = set()
    columns: set[int] = set()
    cells, depth = 0, 0
    for kind, at, size in _records(data, start):
        if kind in CELLS and size >= 6 and at + size <= len(data):
            row, column = struct.unpack_from("<HH", data, at)
            rows.add(row)
            columns.add(column)
            cells += 1 if kind != 0xBD else size // 6
            if (kind in (ERROR, FORMULA)) and (text := _error(kind, data[at : at + size])):
                lost.setdefault(row + 1, {})[column] = text
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 0:
            break
    area = (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1) if rows else 0
    return Look(lost, area, cells)


def _error(kind: int, content: bytes) -> str | None:
    if kind == ERROR:
        return ERRORS.get(content[6], "#ERROR") if len(content) >= 8 and content[7] == 1 else None
    return ERRORS.get(content[8], "#ERROR") if len(content) >= 14 and content[12:14] == b"\xff\xff" and content[6] == 2 else None
