"""A slow, careful way over an xlsx sheet, element by element: for sheets that are written otherwise than most (no places of cells, other quotes, spaces)."""

import re
from typing import IO, NamedTuple
from xml.parsers import expat

CHUNK = 1024**2
PLACE = re.compile(r"([A-Za-z]{1,9})(\d+)")


class Walked(NamedTuple):
    """Cells that would get lost (row from 1 → column from 0 → text), how many cells the filled part spans, and how many there are."""

    lost: dict[int, dict[int, str]]
    area: int
    cells: int


def walk(stream: IO[bytes]) -> Walked:
    """What the sheet's XML tells; of a damaged one what could be read."""
    walker = _Walker()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = walker.start, walker.end, walker.text
    parser.EntityDeclHandler = _refuse_entity
    try:
        while piece := stream.read(CHUNK):
            parser.Parse(piece, False)
    except (expat.ExpatError, ValueError):
        pass  # the library that loads the sheet says what is wrong with it
    return Walked(walker.lost, walker.area, walker.cells)


def _refuse_entity(*_: object) -> None:
    raise ValueError("A sheet defines no entities.")


def column_number(letters: str) -> int:
    """A column's letters as a number from 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


class _Walker:
    def __init__(self) -> None:
        self.lost: dict[int, dict[int, str]] = {}
        self.row, self.column, self.cells = 0, -1, 0
        self.rows: tuple[int, int] | None = None
        self.columns: tuple[int, int] | None = None
        self.kind, self.inside = "", ""
        self.parts: dict[str, str] = {}

    @property
    def area(self) -> int:
        return (self.rows[1] - self.rows[0] + 1) * (self.columns[1] - self.columns[0] + 1) if self.rows else 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "row":
            number = attributes.get("r", "")
            self.row, self.column = int(number) if number.isdecimal() else self.row + 1, -1
        elif local == "c":
            place = PLACE.fullmatch(attributes.get("r", ""))
            self.column = column_number(place[1]) if place else self.column + 1
            self.row = int(place[2]) if place else max(1, self.row)
            self.kind, self.parts = attributes.get("t", ""), {}
        elif local in ("v", "f", "is"):
            self.inside = local
            self.parts[local] = ""

    def text(self, text: str) -> None:
        if self.inside:
            self.parts[self.inside] += text

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == self.inside:
            self.inside = ""
        elif local == "c" and self.parts:
            self._note()

    def _note(self) -> None:
        self.cells += 1
        self.rows = _widened(self.rows, self.row)
        self.columns = _widened(self.columns, self.column)
        value, formula = self.parts.get("v", ""), self.parts.get("f")
        if value and self.kind == "e":
            self._lose(value)
        elif not value and formula is not None and "is" not in self.parts and self.kind != "str":
            self._lose(f"={formula}" if formula else "=(a formula without a stored value)")

    def _lose(self, text: str) -> None:
        self.lost.setdefault(self.row, {})[self.column] = text


def _widened(span: tuple[int, int] | None, number: int) -> tuple[int, int]:
    return (min(span[0], number), max(span[1], number)) if span else (number, number)
