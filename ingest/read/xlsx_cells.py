"""What the library doesn't tell of an xlsx sheet: errors such as #DIV/0!, formulas without a stored value, how far the sheet reaches, how numbers are shown."""

import lzma
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from ingest.read.xlsx_styles import attribute, format_codes, shown, shows_dates, undated
from ingest.read.xlsx_walk import walk

CHUNK = 4 * 1024**2
MAX_CELL = 512 * 1024
FIRST = 256 * 1024
NAMESPACE = rb"(?:\w+:)?"
CELL = re.compile(rb"<" + NAMESPACE + rb"c\s([^>]*?[^/])>(.*?)</" + NAMESPACE + rb"c>", re.DOTALL)
REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
VALUE = re.compile(rb"<" + NAMESPACE + rb"v[^>]*>([^<]+)</" + NAMESPACE + rb"v>")
FORMULA = re.compile(rb"<" + NAMESPACE + rb"f[^>]*?(?:/>|>([^<]*)</" + NAMESPACE + rb"f>)")
ERROR = b't="e"'
HIDDEN = re.compile(rb'<(?:\w+:)?row\s[^>/]*hidden="(?:1|true)"[^>/]*>')
SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")

FAR = re.compile(rb"""["'][A-Z]{0,3}([2-9]\d{5}|\d{7,})["']""")
WIDE = re.compile(rb"""["']([A-Z]{2,9})\d""")
USUALLY_WIDE = re.compile(rb'r="([A-Z]{2,9})\d')
LAST_ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^>]*?\s)?r="(\d{1,9})"')
FILLED = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Z]{1,9})(\d+)["'](?:[^>]*[^/])?>(?!</)""")
BARE = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*?\s)?r\s*=\s*["'](\d+)["'][^>]*>\s*<(?:\w+:)?c(?:>|\s(?![^>]*\br\s*=))""")
"""A row whose cells say no place of their own."""
UNUSUAL = re.compile(rb"""<(?:\w+:)?c(?:>|/>|\s(?:[^>]*(?:='|\s=|=\s)|(?![^>]*\br=")))""")
"""A cell without its place, or with its attributes written otherwise than `name="value"`."""
NEAR_ROWS, NEAR_COLUMNS = 200_000, 26
CLOSE_LOOK_FROM = NEAR_ROWS * NEAR_COLUMNS
AREA_PER_CELL = 50
"""How much of a sheet may be empty for each cell that isn't: of a sheet that is fuller than that, the area needn't be known exactly."""

Lost = dict[int, dict[int, str]]
"""Row number (from 1) → column (from 0) → the text to show in that cell."""


class Look(NamedTuple):
    """What was found out about a sheet before it is loaded. `area` is how many cells its filled part spans, `cells` how many there are; `shown`: column → number formats; `instead`: what to read in place of what the library tells; `merged`: cells it doesn't tell are merged; `hidden`: how many rows with cells are hidden; `undated`: negative numbers that are shown as dates or times."""

    lost: Lost
    area: int = 0
    cells: int = 0
    shown: dict[int, set[str]] = {}
    instead: Lost = {}
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = []
    hidden: int = 0
    undated: Lost = {}

    @property
    def texts(self) -> Lost:
        """All cells whose text is known here."""
        if not self.instead and not self.undated:
            return self.lost
        return {row: {**self.instead.get(row, {}), **self.undated.get(row, {}), **self.lost.get(row, {})} for row in self.lost.keys() | self.instead.keys() | self.undated.keys()}


def look_at(path: Path, sheet: str) -> Look:
    """A look at one sheet: cells that would silently become empty, with `#DIV/0!` or `=B2*C2` as their text, and more. A damaged part yields what could be read."""
    found: Lost = {}
    try:
        with zipfile.ZipFile(path) as archive:
            part = _sheet_part(archive, sheet)
            return _look(archive, part, found) if part else Look(found)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        return Look(found)


def _look(archive: zipfile.ZipFile, part: str, found: Lost) -> Look:
    rows, columns, cells, hidden, first = NEAR_ROWS, NEAR_COLUMNS, 0, 0, b""
    codes, negative = format_codes(archive), {}
    dated = {style for style, code in enumerate(codes) if shows_dates(code)}
    with archive.open(part) as stream:
        for piece in _pieces(stream):
            if not first and UNUSUAL.search(piece[:FIRST]):
                return _walked(archive, part)
            first = first or piece[:FIRST]
            letters = np.frombuffer(piece, np.uint8)
            cells += _count(letters, b"<c ") + piece.count(b":c ")
            hidden += len(HIDDEN.findall(piece)) if b' hidden="' in piece else 0
            rows, columns = _reach(piece, letters, rows, columns)
            for attributes, content in _suspects(piece, letters):
                _note(attributes, content, found)
            for row, column, text in undated(piece, dated) if dated else ():
                negative.setdefault(row, {})[_column(column)] = text
    area = rows * columns
    return Look(found, _exact_area(archive, part) if area > CLOSE_LOOK_FROM + AREA_PER_CELL * cells else area, cells, {_column(column): own for column, own in shown(first, codes).items()}, hidden=hidden, undated=negative)


def _count(letters: np.ndarray, text: bytes) -> int:
    """How often a short text stands in a piece. Its letters are common there, where looking for each at once is several times as fast as looking for the text."""
    last = len(letters) - len(text) + 1
    if last <= 0:
        return 0
    found = letters[:last] == text[0]
    for place, letter in enumerate(text[1:], 1):
        found &= letters[place : place + last] == letter
    return int(np.count_nonzero(found))


def _reach(piece: bytes, letters: np.ndarray, rows: int, columns: int) -> tuple[int, int]:
    """How far the sheet reaches, with one more piece. Rows nearly always ascend: then one look for a number beyond that of the last one is enough."""
    usual = not (_count(letters, b" =") or _count(letters, b"= ") or (b"'" in piece and b"='" in piece))
    wide = (USUALLY_WIDE if usual else WIDE).findall(piece)
    last = LAST_ROW.search(piece, max(piece.rfind(b"<row "), piece.rfind(b":row "), 1) - 1) if usual else None
    if last and not re.search(rb'r="[A-Z]{0,3}' + _beyond(int(last[1])) + b'"', piece):
        rows = max(rows, int(last[1]))
    else:
        rows = max(rows, max(map(int, set(FAR.findall(piece))), default=0))
    return rows, max(columns, max(map(_column, set(wide)), default=0) + 1)


def _beyond(number: int) -> bytes:
    """A pattern for the whole numbers that are larger."""
    digits = str(number)
    larger = [f"{digits[:place]}[{int(digit) + 1}-9]\\d{{{len(digits) - place - 1}}}" for place, digit in enumerate(digits) if digit != "9"]
    return f"(?:\\d{{{len(digits) + 1},}}|{'|'.join(larger) or '(?!)'})".encode()


def _walked(archive: zipfile.ZipFile, part: str) -> Look:
    with archive.open(part) as stream:
        walked = walk(stream)
    return Look(walked.lost, walked.area, walked.cells)


def _exact_area(archive: zipfile.ZipFile, part: str) -> int:
    """The area that the cells which hold something span; empty ones may be formatted as far as they like."""
    rows: list[int] = []
    columns: list[int] = []
    with archive.open(part) as stream:
        for piece in _pieces(stream):
            places = FILLED.findall(piece)
            numbers, letters = {int(row) for _, row in places} | set(map(int, BARE.findall(piece))), {_column(column) for column, _ in places}
            rows += [min(numbers), max(numbers)] if numbers else []
            columns += [min(letters), max(letters)] if letters else []
    return (max(rows) - min(rows) + 1) * (max(columns, default=0) - min(columns, default=0) + 1) if rows else 0


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name inside the zip of a sheet's own file."""
    names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    folder, _, own = _book_part(archive, names).rpartition("/")
    if f"{folder}/{own}" not in names or f"{folder}/_rels/{own}.rels" not in names:
        return None
    book = archive.read(names[f"{folder}/{own}"]).decode("utf-8", errors="replace")
    relations = archive.read(names[f"{folder}/_rels/{own}.rels"]).decode("utf-8", errors="replace")
    wanted = next((tag for tag in SHEET.findall(book) if unescape(attribute(tag, "name") or "") == sheet), "")
    target = next((attribute(tag, "Target") for tag in RELATION.findall(relations) if attribute(tag, "Id") == attribute(wanted, r"(?:\w+:)?id")), None)
    return names.get(posixpath.normpath(posixpath.join(f"/{folder}", target)).lstrip("/").lower()) if target else None


def _book_part(archive: zipfile.ZipFile, names: dict[str, str]) -> str:
    """The name of the workbook's own part, in small letters: most writers call it the same."""
    relations = archive.read(names["_rels/.rels"]).decode("utf-8", errors="replace") if "_rels/.rels" in names else ""
    tag = next((tag for tag in RELATION.findall(relations) if (attribute(tag, "Type") or "").endswith("/officeDocument")), "")
    return posixpath.normpath(posixpath.join("/", (attribute(tag, "Target") or "xl/workbook.xml").replace("\\", "/"))).lstrip("/").lower()


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The sheet in pieces that end where a cell ends."""
    rest = b""
    while piece := stream.read(CHUNK):
        piece = rest + piece
        end = max(piece.rfind(b"</c>") + 4, piece.rfind(b":c>") + 3)
        whole, rest = (piece[:end], piece[end:]) if end > 3 else (b"", piece[-MAX_CELL:])
        yield whole
    yield rest


def _suspects(piece: bytes, letters: np.ndarray) -> Iterator[tuple[bytes, bytes]]:
    """Attributes and content of cells, where there is an error or a formula at all; other pieces cost one search each."""
    if ERROR in piece or _count(letters, b"<f") or b":f" in piece:
        yield from ((match[1], match[2]) for match in CELL.finditer(piece))


def _note(attributes: bytes, content: bytes, found: Lost) -> None:
    value, formula = VALUE.search(content), FORMULA.search(content)
    place = REFERENCE.search(attributes)
    if place is None or (value and ERROR not in attributes) or (not value and not formula):
        return
    if not value and (b"<is>" in content or b't="str"' in attributes):
        return
    text = value[1].decode("utf-8", errors="replace") if value else "=" + unescape((formula[1] or b"").decode("utf-8", errors="replace")) if formula[1] else "=(a formula without a stored value)"
    found.setdefault(int(place[2]), {})[_column(place[1])] = text


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
