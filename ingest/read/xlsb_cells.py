"""What the library doesn't tell of an xlsb sheet: error cells, and how far the sheet reaches."""

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ingest.read.xls_cells import ERRORS
from ingest.read.xlsx_cells import Look, Lost

ROW, CELL_ERROR, FORMULA_ERROR, SHEET = 0, 3, 11, 156
FILLED = range(2, 12)
RELATION = re.compile(r"""<(?:\w+:)?Relationship\s(?=[^>]*\bId="([^"]+)")(?=[^>]*\bTarget="([^"]+)")[^>]*>""")
MAX_PART = 1024**3


def look_at(path: Path, sheet: str) -> Look:
    """A look at one sheet before it is loaded; an empty one where the sheet isn't found."""
    try:
        with zipfile.ZipFile(path) as archive:
            part = _part(archive, sheet)
            return _look(archive.read(part)) if part and archive.getinfo(part).file_size < MAX_PART else Look({})
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError, IndexError, struct.error):
        return Look({})


def _part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    relations = dict(RELATION.findall(archive.read(names["xl/_rels/workbook.bin.rels"]).decode("utf-8", errors="replace")))
    data = archive.read(names["xl/workbook.bin"])
    for kind, at, _ in _records(data):
        if kind == SHEET:
            relation, after = _wide(data, at + 8)
            if _wide(data, after)[0] == sheet:
                return names.get(posixpath.normpath(posixpath.join("/xl", relations.get(relation, ""))).lstrip("/").lower())
    return None


def _wide(data: bytes, at: int) -> tuple[str, int]:
    """A text and where it ends."""
    count = struct.unpack_from("<I", data, at)[0]
    count = 0 if count == 0xFFFFFFFF else count
    return data[at + 4 : at + 4 + 2 * count].decode("utf-16-le", errors="replace"), at + 4 + 2 * count


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, where the content begins, how long it is."""
    at, end = 0, len(data)
    while at < end:
        kind, at = data[at], at + 1
        if kind & 0x80:
            kind, at = kind & 0x7F | (data[at] & 0x7F) << 7, at + 1
        size = shift = 0
        while True:
            byte, at = data[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift >= 28:
                break
        yield kind, at, size
        at += size


def _look(data: bytes) -> Look:
    lost: Lost = {}
    rows: set[int] = set()
    columns: set[int] = set()
    row, cells = 0, 0
    for kind, at, size in _records(data):
        if kind == ROW and size >= 4:
            row = struct.unpack_from("<I", data, at)[0]
        elif kind in FILLED and size >= 8:
            column = struct.unpack_from("<I", data, at)[0]
            rows.add(row)
            columns.add(column)
            cells += 1
            if (kind in (CELL_ERROR, FORMULA_ERROR)) and size >= 9:
                lost.setdefault(row + 1, {})[column] = ERRORS.get(data[at + 8], "#ERROR")
    area = (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1) if rows else 0
    return Look(lost, area, cells)
