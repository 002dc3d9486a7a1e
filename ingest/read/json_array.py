"""A JSON array, element by element: however long it is, no more than one element is held."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ingest.errors import Unreadable
from ingest.read.limits import MAX_RECORD_CHARS

CHUNK = 256 * 1024
SPACE = " \t\r\n"
NO_JSON = "This JSON is damaged or cut off"
EXPORT_AGAIN = "Export it again, or as CSV."


class Number(str):
    """A number as it is written: exact, whatever its length."""


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def begins_array_of_objects(path: Path) -> bool:
    """Whether a text is an array whose first element is an object."""
    with path.open(encoding="utf-8-sig") as stream:
        return stream.read(CHUNK).translate(str.maketrans("", "", SPACE)).startswith("[{")


def elements(path: Path) -> Iterator[object]:
    """The elements of the array that a text is. Raises Unreadable where it is damaged, and says where."""
    with path.open(encoding="utf-8-sig") as stream:
        yield from _Array(stream).elements()


class _Array:
    def __init__(self, stream: TextIO) -> None:
        self.stream, self.buffer, self.place, self.lines = stream, "", 0, 0

    def elements(self) -> Iterator[object]:
        self._take("[")
        if self._next() != "]":
            yield self._element()
            while self._next() == ",":
                self.place += 1
                yield self._element()
        self._take("]")
        if self._next():
            self._damaged(self.place)

    def _element(self) -> object:
        self._next()
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.place)
            except json.JSONDecodeError as error:
                if not self._more():
                    self._damaged(error.pos)
            except RecursionError:
                raise Unreadable("This JSON is nested too deeply to be a table.", EXPORT_AGAIN) from None
            else:
                if end < len(self.buffer) or not self._more():  # a number at the end may go on
                    self.place = end
                    return value

    def _next(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            rest = self.buffer[self.place : self.place + 1]
            if rest and rest not in SPACE:
                return rest
            self.place += bool(rest)
            if not rest and not self._more():
                return ""

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            self._damaged(self.place)
        self.place += 1

    def _more(self) -> bool:
        """Reads on, as much again as is held; what was decoded is let go."""
        held = self.buffer[self.place :]
        if len(held) > MAX_RECORD_CHARS:
            raise Unreadable(f"This JSON has a record of more than {MAX_RECORD_CHARS // 1024**2} million characters, so it is no table.", "Check the export.")
        piece = self.stream.read(max(CHUNK, len(held)))
        if piece:
            self.lines += self.buffer.count("\n", 0, self.place)
            self.buffer, self.place = held + piece, 0
        return bool(piece)

    def _damaged(self, at: int) -> None:
        line, column = self.lines + self.buffer.count("\n", 0, at) + 1, at - self.buffer.rfind("\n", 0, at)
        raise Unreadable(f"{NO_JSON}: line {line}, character {column}.", EXPORT_AGAIN)
