"""Text lines → records, with quotes respected, each row in the file's own way or, where only that makes sense, in one of its own."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TextIO

from ingest.errors import Unreadable
from ingest.read.cutter import Cutter, Dialect, Record
from ingest.read.kinds import kind_of
from ingest.read.limits import JOIN_EFFORT, MAX_COLUMNS, MAX_RECORD_CHARS

QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
ZEROS = "Zero bytes inside cells were left out."
CURLED = "Cells of this row stand in curly quotes, as a word processor writes them; they were read as plain quotes."
WRAPPED = "The whole row stands in quotes, as one cell; it was taken apart."
MARKS = re.compile(r" ?(?:[^\w\s\"'.,+()\[\]{}-]|[\x1c-\x1f]|,,|\t)+ ?| {2}|, ")
"""What a single row may be cut by, beside the usual delimiters: marks of any kind, with spaces around them."""

MAX_MARKED_CHARS = 10_000
CURLY = re.compile("[“„]([^“”„]*)[”“]")

Fits = Callable[[list[str]], bool]


class Others(NamedTuple):
    """Dialects that a single row may have in place of the file's own, and whether cells found so belong into the table."""

    dialects: tuple[Dialect, ...] = ()
    fit: Fits = lambda _cells: True


NO_OTHERS = Others()


def lines_of(stream: TextIO) -> Iterator[str]:
    """The lines of a text opened with newline=''. Raises Unreadable for one that is too long to be a row."""
    while line := stream.readline(MAX_RECORD_CHARS):
        if len(line) == MAX_RECORD_CHARS:
            raise Unreadable("This file has a line of more than 16 million characters, so it is no table.", "Check the export.")
        yield line


def records(lines: Iterable[str], dialect: Dialect, width: int | None = None, others: Others = NO_OTHERS, effort: int = JOIN_EFFORT) -> Iterator[Record]:
    """The records of some lines. Where a quote can be understood in two ways, the reading with `width` cells is taken."""
    if dialect.wrapped:
        lines = _unframed(lines) if dialect.wrapped == dialect.delimiter else _unwrapped(lines, dialect)
    cutter = Cutter(dialect, width, effort)
    foreign = _Foreign(cutter, others, effort) if others.dialects and width and width > 1 else None
    ahead: deque[str] = deque()
    source = iter(lines)
    while (line := ahead.popleft() if ahead else next(source, None)) is not None:
        if "\0" in line and dialect.escape != "\0":
            line = line.replace("\0", "")
            found = cutter.record(line, source, ahead)
            yield found._replace(repair=f"{ZEROS} {found.repair}".strip())
            continue
        found = cutter.record(line, source, ahead)
        if foreign and (len(found.cells) != width or found.repair) and len(found.cells) <= MAX_COLUMNS and (other := foreign.reading(found, source, ahead)):
            found = other
        yield found


def not_too_wide(found: Iterable[Record]) -> Iterator[Record]:
    """The same records. Raises Unreadable at the first that has more cells than a table may have columns, before anything is done with it."""
    for record in found:
        if len(record.cells) > MAX_COLUMNS:
            raise Unreadable(f"This file has {len(record.cells):,} columns; {MAX_COLUMNS:,} can be read.", "Check the delimiter, or split the file.")
        yield record


def _unframed(lines: Iterable[str]) -> Iterator[str]:
    """Rows drawn between bars, without those at their ends and without the spaces beside all of them."""
    for line in lines:
        inner = line.strip()
        inner = inner.removeprefix("|").removesuffix("|") if inner[:1] == "|" else inner
        yield "|".join(cell.strip() for cell in inner.split("|")) + (line[len(line.rstrip("\r\n")) :] or "\n")


def _unwrapped(lines: Iterable[str], dialect: Dialect) -> Iterator[str]:
    """Lines that each stand in quotes as a whole, without them."""
    for record in records(lines, Dialect(None, dialect.quote)):
        yield record.cells[0] + (record.raw[len(record.raw.rstrip("\r\n")) :] or "\n")


class _Foreign:
    """Reads a row that the file's own way to cut doesn't fit."""

    def __init__(self, own: Cutter, others: Others, effort: int) -> None:
        self.own, self.others, self.effort = own, others, effort // 20
        self.known: dict[Dialect, Cutter] = {}

    def reading(self, found: Record, source: Iterator[str], ahead: deque[str]) -> Record | None:
        """A row that has the table's width only with another delimiter, or whose quotes make sense only with another quote or escape, or that is quoted as a whole."""
        if other := self._unwrapped(found) or self._curly(found):
            return other
        for dialect in (*self._by_its_marks(found), *self.others.dialects):
            if not self._may_be(dialect, found):
                continue
            cutter = self._cutter(dialect)
            first = cutter.cut(found.raw)
            cells, raw = first.cells, found.raw
            if first.state == "open" and (joined := cutter.joined(found.raw, source, ahead, exact=True)):
                cells, raw = joined.cells, "".join(joined.lines)
            elif first.state != "whole":
                continue
            if len(cells) == self.own.width and self.others.fit(cells):
                return Record(cells, raw, self._said(dialect))
        return None

    def _unwrapped(self, found: Record) -> Record | None:
        if len(found.cells) != 1 or not self.own.quote or found.raw[:1] != self.own.quote or found.repair:
            return None
        inner = self.own.cut(found.cells[0])
        return Record(inner.cells, found.raw, WRAPPED) if inner.state == "whole" and len(inner.cells) == self.own.width and self.others.fit(inner.cells) else None

    def _curly(self, found: Record) -> Record | None:
        """A row in which quotes as a word processor writes them stand around cells."""
        if not self.own.quote or not CURLY.search(found.raw):
            return None
        cut = self.own.cut(CURLY.sub(lambda match: self.own.quote + match[1].replace(self.own.quote, self.own.quote * 2) + self.own.quote, found.raw))
        return Record(cut.cells, found.raw, CURLED) if cut.state == "whole" and len(cut.cells) == self.own.width and self.others.fit(cut.cells) else None

    def _cutter(self, dialect: Dialect) -> Cutter:
        if dialect not in self.known:
            self.known[dialect] = Cutter(dialect, self.own.width, self.effort)
        return self.known[dialect]

    def _by_its_marks(self, found: Record) -> list[Dialect]:
        """What else might cut a row: marks that stand in it often enough."""
        if len(found.cells) == self.own.width or len(found.raw) > MAX_MARKED_CHARS or self.effort <= 0:
            return []
        self.effort -= len(found.raw)
        return [Dialect(mark, self.own.quote) for mark in marks_in(found.raw, self.own.width) if mark != self.own.delimiter and found.raw[0] != mark[-1]]

    def _may_be(self, dialect: Dialect, found: Record) -> bool:
        """Whether this way to cut could be the right one for a row that the file's own way doesn't cut well."""
        if dialect.delimiter != self.own.delimiter:
            return len(found.cells) != self.own.width and dialect.delimiter in found.raw and not (dialect.delimiter == " " and _is_prose(found.raw))
        if dialect.quote != self.own.quote:
            return len(found.cells) != self.own.width and found.raw.count(dialect.quote) > 1
        return dialect.escape + dialect.quote in found.raw

    def _said(self, dialect: Dialect) -> str:
        """What to say of a row that is cut in this way."""
        if dialect.delimiter != self.own.delimiter:
            return f"This row is cut by {dialect.delimiter!r} where the others are cut by another character; it was read so."
        if dialect.quote != self.own.quote:
            return f"The cells of this row are quoted with {dialect.quote}, those of the others aren't; it was read so."
        return f"In this row {dialect.escape} stands before quotes inside cells, where the others double them; it was read so."


def marks_in(line: str, width: int) -> list[str]:
    """Marks that may cut a line into so many cells, the longest first: those that stand in it outside quotes at least half as often as delimiters would, since several may stand side by side."""
    counts = Counter(MARKS.findall(QUOTED.sub("q", line.rstrip("\r\n"))))
    return sorted((mark for mark, count in counts.items() if 2 * count >= width - 1 and count > 1), key=lambda mark: (-len(mark), mark))


def _is_prose(line: str) -> bool:
    """Whether words stand between spaces rather than cells: most of them no numbers or dates."""
    words = QUOTED.sub(" ", line).split()
    return len(words) < 3 or sum(kind_of(word) in ("number", "date") for word in words) < 0.5 * len(words)
