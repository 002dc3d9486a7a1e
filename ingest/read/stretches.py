"""Where a large text is regular: the lines that aren't a record of the table's width each, found over the bytes, with as many lines around them as it takes to understand them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ingest.read.limits import MAX_JOINED_LINES

CHUNK = 8 * 1024**2
LF, CR = 10, 13
AROUND, FAR_AROUND = 20, MAX_JOINED_LINES + 20
"""How many lines after one that is irregular are looked at with it; far more where a quote may be open."""
MOST_OF_FILE, ALWAYS = 0.1, 2 * 1024**2
"""How large the irregular parts may be, beside the file and in any case."""


class Window(NamedTuple):
    """Some lines to be looked at one by one: their bytes, and how many regular lines stand between them and the window before."""

    start: int
    end: int
    regular: int


class Marks(NamedTuple):
    """What cuts the lines: single bytes, and the number of cells; `headers`: lines that are no rows."""

    delimiter: int
    quote: int
    width: int
    crlf: bool
    headers: tuple[bytes, ...] = ()


def windows(path: Path, start: int, end: int, marks: Marks) -> Iterator[Window]:
    """The windows between two places of a file at which lines begin; the last one ends at `end` and may be empty. An irregular file gives one that holds more than may be looked at."""
    with path.open("rb") as stream:
        begin, regular = start, 0
        while begin < end:
            stream.seek(begin)
            piece = stream.read(min(CHUNK, end - begin))
            piece = piece[: piece.rfind(b"\n") + 1] if begin + len(piece) < end else piece
            if not piece:
                yield Window(begin, end, regular)
                return
            lines = _Lines(piece, marks)
            done = 0
            for first, after in lines.irregular(is_last=begin + len(piece) >= end):
                if after > lines.count:  # it goes on beyond this piece, which the next one begins with
                    break
                yield Window(begin + lines.start(first), begin + lines.start(after), regular + first - done)
                regular, done = 0, after
            else:
                first = lines.count
            if first == 0:
                yield Window(begin, end, regular)
                return
            regular += first - done
            begin += lines.start(first)
        yield Window(end, end, regular)


class _Lines:
    """The lines of a piece of a file, the last one perhaps without an end."""

    def __init__(self, piece: bytes, marks: Marks) -> None:
        self.piece, self.marks = piece, marks
        self.bytes = np.frombuffer(piece, dtype=np.uint8)
        breaks = np.flatnonzero(self.bytes == LF)
        self.ends = breaks if piece.endswith(b"\n") else np.append(breaks, len(piece))
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))
        self.count = len(self.ends)

    def start(self, line: int) -> int:
        """Where a line begins; the end of the piece for the one after the last."""
        return int(self.starts[line]) if line < self.count else len(self.piece)

    def irregular(self, *, is_last: bool) -> Iterator[tuple[int, int]]:
        """The first line of each window and the one after its last, which lies beyond the piece where the window does."""
        odd, far = self._odd_lines()
        first = last = -1
        for line in map(int, np.flatnonzero(odd)):
            after = line + (FAR_AROUND if far[line] else AROUND)
            if first >= 0 and line - 1 > last:
                yield first, min(last, self.count) if is_last else last
                first = -1
            first, last = (max(line - 1, 0), after) if first < 0 else (first, max(last, after))
        if first >= 0:
            yield first, min(last, self.count) if is_last else last

    def _odd_lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Which lines aren't regular, and in which of them a quote may be open."""
        marks = self.marks
        delimiters = np.flatnonzero(self.bytes == marks.delimiter)
        far = np.zeros(self.count, dtype=bool)
        if marks.quote in self.piece:
            quotes = np.flatnonzero(self.bytes == marks.quote)
            before = np.searchsorted(quotes, self.starts)
            far = self._stray_quotes(quotes, before)
            delimiters = delimiters[(np.searchsorted(quotes, delimiters) - before[np.searchsorted(self.ends, delimiters)]) % 2 == 0]
        cells = np.diff(np.searchsorted(delimiters, self.ends), prepend=0) + 1
        odd = far | (cells != marks.width) | (self.ends - self.starts < marks.width + marks.crlf)
        for header in marks.headers:
            odd[np.searchsorted(self.ends, [match.start() for match in re.finditer(b"^" + re.escape(header), self.piece, re.MULTILINE)])] = True
        return odd | self._other_ends() | self._lines_with(0), far

    def _stray_quotes(self, quotes: np.ndarray, before: np.ndarray) -> np.ndarray:
        """In which lines the quotes don't stand in pairs around cells."""
        line = np.searchsorted(self.ends, quotes)
        opening = (np.arange(len(quotes)) - before[line]) % 2 == 0
        beside = np.zeros(256, dtype=bool)
        beside[[self.marks.delimiter, self.marks.quote, LF, CR]] = True
        padded = np.concatenate(([LF], self.bytes, [LF]))
        stray = np.where(opening, ~beside[padded[quotes]], ~beside[padded[quotes + 2]])
        found = np.bincount(line, minlength=self.count) % 2 == 1
        found[line[stray]] = True
        return found

    def _other_ends(self) -> np.ndarray:
        """Which lines end otherwise than the file's do, or hold a carriage return."""
        if not self.marks.crlf:
            return self._lines_with(CR)
        ended = self.bytes[np.maximum(self.ends - 1, 0)] == CR
        returns = np.flatnonzero(self.bytes == CR)
        return ~ended | (np.bincount(np.searchsorted(self.ends, returns), minlength=self.count)[: self.count] > 1)

    def _lines_with(self, byte: int) -> np.ndarray:
        found = np.zeros(self.count, dtype=bool)
        if byte in self.piece:
            found[np.searchsorted(self.ends, np.flatnonzero(self.bytes == byte))] = True
        return found
