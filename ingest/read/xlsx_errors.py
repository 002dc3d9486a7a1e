"""Cells of an xlsx sheet that its reader would hand over as empty: errors such as #DIV/0!, and formulas without a stored value."""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import IO

CHUNK = 4 * 1024**2
MAX_CELL = 512 * 1024
NAMESPACE = rb"(?:\w+:)?"
CELL = re.compile(rb"<" + NAMESPACE + rb"c\s([^>]*?[^/])>(.*?)</" + NAMESPACE + rb"c>", re.DOTALL)
REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
VALUE = re.compile(rb"<" + NAMESPACE + rb"v[^>]*>([^<]+)</" + NAMESPACE + rb"v>")
FORMULA = re.compile(rb"<" + NAMESPACE + rb"f[^>]*?(?:/>|>([^<]*)</" + NAMESPACE + rb"f>)")
ERROR = b't="e"'
SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")

Lost = dict[int, dict[int, str]]
"""Row number (from 1) → column (from 0) → the text to show in that cell."""


def lost_cells(path: Path, sheet: str) -> Lost:
    """The cells of one sheet that would silently become empty, with `#DIV/0!` or `=B2*C2` as their text. A damaged part yields what could be read."""
    found: Lost = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _search(archive, sheet, found)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return found
    return found


def _search(archive: zipfile.ZipFile, sheet: str, found: Lost) -> None:
    part = _sheet_part(archive, sheet)
    if part is None:
        return
    with archive.open(part) as stream:
        for attributes, content in _suspects(stream):
            _note(attributes, content, found)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name inside the zip of a sheet's own file."""
    names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return None
    book = archive.read(names["xl/workbook.xml"]).decode("utf-8", errors="replace")
    relations = archive.read(names["xl/_rels/workbook.xml.rels"]).decode("utf-8", errors="replace")
    wanted = next((tag for tag in SHEET.findall(book) if unescape(_attribute(tag, "name") or "") == sheet), "")
    target = next((_attribute(tag, "Target") for tag in RELATION.findall(relations) if _attribute(tag, "Id") == _attribute(wanted, r"(?:\w+:)?id")), None)
    return names.get(posixpath.normpath(posixpath.join("/xl", target)).lstrip("/").lower()) if target else None


def _attribute(tag: str, name: str) -> str | None:
    match = re.search(rf"""\s{name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
    return (match[1] if match[1] is not None else match[2]) if match else None


def _suspects(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Attributes and content of cells in pieces of XML that hold an error or a formula at all; the others cost one search each."""
    rest = b""
    while piece := stream.read(CHUNK):
        piece = rest + piece
        end = max(piece.rfind(b"</c>") + 4, piece.rfind(b":c>") + 3)
        whole, rest = (piece[:end], piece[end:]) if end > 3 else (b"", piece[-MAX_CELL:])
        if ERROR in whole or b"<f" in whole or b":f" in whole:
            yield from ((match[1], match[2]) for match in CELL.finditer(whole))


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
