"""Text lines → records, with quotes respected. One bad quote never costs another row."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from ingest.errors import Unreadable
from ingest.read.limits import MAX_JOINED_LINES, MAX_LENIENT_CHARS, MAX_RECORD_CHARS


class Dialect(NamedTuple):
    """How cells stand in a line. No delimiter: one column; no quote: quotes are ordinary characters."""

    delimiter: str | None = ","
    quote: str | None = '"'


class Record(NamedTuple):
    """One record: its cells, its text with the line end, and what had to be repaired."""

    cells: list[str]
    raw: str
    repair: str = ""


def lines_of(stream: TextIO) -> Iterator[str]:
    """The lines of a text opened with newline=''. Raises Unreadable for one that is too long to be a row."""
    while line := stream.readline(MAX_RECORD_CHARS):
        if len(line) == MAX_RECORD_CHARS:
            raise Unreadable("This file has a line of more than 16 million characters, so it is no table.", "Check the export.")
        yield line


def records(lines: Iterable[str], dialect: Dialect, width: int | None = None) -> Iterator[Record]:
    """The records of some lines. Where a quote can be understood in two ways, the reading with `width` cells is taken."""
    cutter = _Cutter(dialect, width)
    ahead: deque[str] = deque()
    source = iter(lines)
    while (line := ahead.popleft() if ahead else next(source, None)) is not None:
        if cutter.is_simple(line):
            yield Record(cutter.plain(line), line)
        else:
            yield cutter.quoted(line, source, ahead)


class _Cut(NamedTuple):
    cells: list[str]
    state: str
    """`whole`; `open`: the last cell's quote isn't closed; `stray`: a quote stands where none may."""


class _Cutter:
    def __init__(self, dialect: Dialect, width: int | None) -> None:
        self.delimiter, self.quote, self.width = dialect.delimiter, dialect.quote, width
        q = re.escape(dialect.quote or "\x00")
        end = rf"(?={re.escape(dialect.delimiter)}|\Z)" if dialect.delimiter else r"\Z"
        space = "[ \t]*".replace(dialect.delimiter if dialect.delimiter in (" ", "\t") else "\x00", "")
        self.opening = re.compile(rf"{space}{q}")
        self.body = re.compile(rf"(?:[^{q}]+|{q}{q})*+")
        self.closed = re.compile(rf"{space}{q}((?:[^{q}]+|{q}{q})*+){q}{space}{end}")
        self.lenient = re.compile(rf"{space}{q}([^\r\n]*?){q}{space}{end}")

    def is_simple(self, line: str) -> bool:
        return self.quote is None or self.quote not in line

    def plain(self, line: str) -> list[str]:
        text = line.rstrip("\r\n")
        return text.split(self.delimiter) if self.delimiter else [text]

    def quoted(self, line: str, source: Iterator[str], ahead: deque[str]) -> Record:
        """The record that begins with this line, which holds a quote: more lines are taken while a quoted cell goes on."""
        cut = self.cut(line)
        if cut.state == "whole":
            return Record(cut.cells, line)
        if cut.state == "open" and (joined := self._joined(line, source, ahead)):
            return joined
        return self._damaged(line)

    def cut(self, line: str) -> _Cut:
        """Cells of a text that may run over several lines."""
        text, cells, place = line.rstrip("\r\n"), [], 0
        while True:
            if match := self.closed.match(text, place):
                cells.append(match[1].replace(self.quote * 2, self.quote))
                place = match.end()
            elif match := self.opening.match(text, place):
                return _Cut(cells, "open" if self.body.match(text, match.end()).end() == len(text) else "stray")
            else:
                place = self._append_plain(text, place, cells)
            if place >= len(text):
                return _Cut(cells, "whole")
            place += len(self.delimiter)
            if place >= len(text):
                return _Cut([*cells, ""], "whole")

    def _append_plain(self, text: str, place: int, cells: list[str]) -> int:
        end = text.find(self.delimiter, place) if self.delimiter else -1
        end = len(text) if end < 0 else end
        cells.append(text[place:end])
        return end

    def _joined(self, line: str, source: Iterator[str], ahead: deque[str]) -> Record | None:
        """The record over several lines, or None; then the lines that were looked at are put back."""
        taken, size, quotes = [line], len(line), line.count(self.quote)
        while len(taken) <= MAX_JOINED_LINES and size < MAX_RECORD_CHARS:
            following = ahead.popleft() if ahead else next(source, None)
            if following is None:
                break
            taken.append(following)
            size += len(following)
            quotes += following.count(self.quote)
            if quotes % 2 or self.quote not in following:
                continue
            cut = self.cut("".join(taken))
            if cut.state == "whole" and self._believable(cut.cells, line):
                return Record(cut.cells, "".join(taken))
            if cut.state != "open":
                break
        ahead.extendleft(reversed(taken[1:]))
        return None

    def _believable(self, cells: list[str], first_line: str) -> bool:
        return self.width is None or len(cells) == self.width or len(self.plain(first_line)) != self.width

    def _damaged(self, line: str) -> Record:
        """A line whose quotes don't fit: the reading that has the table's width, quotes staying in the cells."""
        plain = self.plain(line)
        lenient = self._lenient(line)
        if lenient != plain and len(lenient) == (self.width or len(plain)):
            return Record(lenient, line, "A quote inside a quoted cell wasn't doubled; the cell was read up to the quote that ends it.")
        return Record(plain, line, "A quote that is never closed, or stands inside a cell, was read as an ordinary character.")

    def _lenient(self, line: str) -> list[str]:
        text, cells, place = line.rstrip("\r\n"), [], 0
        if len(text) > MAX_LENIENT_CHARS:
            return self.plain(line)
        while place <= len(text):
            if match := self.lenient.match(text, place):
                cells.append(match[1].replace(self.quote * 2, self.quote))
                place = match.end()
            else:
                place = self._append_plain(text, place, cells)
            place += len(self.delimiter or " ")
        return cells
