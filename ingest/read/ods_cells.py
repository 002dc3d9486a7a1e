"""What the library doesn't tell of an ods sheet: error cells, formulas without a stored value, durations beyond a day, merged cells."""

import lzma
import re
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import IO
from xml.parsers import expat

from ingest.errors import Unreadable
from ingest.read.limits import MAX_COLUMNS
from ingest.read.xlsx_cells import Look

CHUNK = 1024**2
MAX_NOTED = 200_000
"""How many cells of one sheet are noted; a repeated cell may stand for millions."""
ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|ERR\w*)|Err:\d+", re.IGNORECASE)
DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)([.,]\d+)?S)?")
CELLS = ("table-cell", "covered-table-cell")


def look_at(path: Path, sheet: str) -> Look:
    """A look at one sheet before it is loaded; an empty one where the sheet isn't found."""
    found = path.stat()
    return _looks(path, found.st_ino, found.st_size, found.st_mtime_ns).get(sheet, Look({}))


@lru_cache(maxsize=1)
def _looks(path: Path, *_identity: int) -> dict[str, Look]:
    """All sheets at once: they stand in one part, one after the other."""
    walker = _Walker()
    try:
        with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
            _parse(stream, walker)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError, KeyError, ValueError, expat.ExpatError):
        pass  # the library that loads the sheets says what is wrong with them
    return walker.looks


def _parse(stream: IO[bytes], walker: "_Walker") -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = walker.start, walker.end, walker.text
    parser.EntityDeclHandler = _refuse_entity
    while piece := stream.read(CHUNK):
        parser.Parse(piece, False)


def _refuse_entity(*_: object) -> None:
    raise ValueError("A sheet defines no entities.")


class _Walker:
    def __init__(self) -> None:
        self.looks: dict[str, Look] = {}
        self.look = Look({})
        self.row, self.column, self.rows, self.columns, self.noted = 0, 0, 1, 1, 0
        self.given: dict[str, str] = {}
        self.shown: list[str] | None = None
        self.beside = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        given = {key.rpartition(":")[2] if not key.startswith("calcext:") else key: value for key, value in attributes.items()}
        if kind == "table":
            self.look = self.looks.setdefault(given.get("name", ""), Look({}, instead={}, merged=[]))
            self.row, self.rows, self.noted = 0, 0, 0
        elif kind == "table-row":
            self.row, self.column, self.columns = self.row + self.rows, 0, 0
            self.rows = _count(given.get("number-rows-repeated"))
        elif kind in CELLS:
            self.column += self.columns
            self.columns, self.given, self.shown = _count(given.get("number-columns-repeated")), given, []
        elif kind == "annotation":
            self.beside += 1

    def text(self, text: str) -> None:
        if self.shown is not None and not self.beside:
            self.shown.append(text)

    def end(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        if kind == "annotation":
            self.beside -= 1
        elif kind in CELLS and self.shown is not None:
            self._note("".join(self.shown).strip(), kind)
            self.shown = None

    def _note(self, shown: str, kind: str) -> None:
        given = self.given
        down, across = _count(given.get("number-rows-spanned")), _count(given.get("number-columns-spanned"))
        if (down > 1 or across > 1) and len(self.look.merged) < MAX_NOTED:
            self.look.merged.append(((self.row, self.column), (self.row + down - 1, self.column + across - 1)))
        value = given.get("value-type")
        if value and self.column + self.columns > MAX_COLUMNS:
            raise Unreadable(f"This workbook has a sheet of {self.column + self.columns:,} columns; {MAX_COLUMNS:,} can be read.", "Split the sheet.")
        if given.get("calcext:value-type") == "error" or "formula" in given and ERROR.fullmatch(shown):
            self._put(self.look.lost, shown or "#ERROR")
        elif "formula" in given and value is None and kind == CELLS[0]:
            self._put(self.look.lost, shown or f"={given['formula'].partition(':=')[2] or given['formula']}")
        elif value == "time" and (text := _duration(given.get("time-value", ""))):
            self._put(self.look.instead, text)

    def _put(self, into: dict[int, dict[int, str]], text: str) -> None:
        for row in range(self.row, self.row + self.rows):
            for column in range(self.column, self.column + self.columns):
                self.noted += 1
                if self.noted > MAX_NOTED:
                    return
                into.setdefault(row + 1, {})[column] = text


def _count(text: str | None) -> int:
    return max(1, int(text)) if text and text.isdecimal() and len(text) < 10 else 1


def _duration(text: str) -> str | None:
    """A duration of a day or more as hours, minutes and seconds; shorter ones the library tells by itself."""
    match = DURATION.fullmatch(text)
    if match is None:
        return None
    hours = int(match[2] or 0) * 24 + int(match[3] or 0)
    minutes, seconds = int(match[4] or 0), int(match[5] or 0)
    hours, minutes = hours + (minutes + seconds // 60) // 60, (minutes + seconds // 60) % 60
    rest = (match[6] or "").replace(",", ".").rstrip("0").rstrip(".")
    return f"{match[1]}{hours:02}:{minutes:02}:{seconds % 60:02}{rest}" if hours >= 24 or match[1] else None
