"""Large texts that are regular but for some rows: those are looked at one by one and written anew, all others go the fast way."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape, assemble_all
from ingest.read.cutter import Dialect, Record
from ingest.read.fast import Body, copy_regular, holds_other_rows, mark_size
from ingest.read.inside import Inside
from ingest.read.layout import BLANK, Layout, NoRows
from ingest.read.limits import MAX_LISTED_BLANKS, MAX_RECORD_CHARS, TAIL_BYTES
from ingest.read.mend import Mender, other_dialects
from ingest.read.ragged import Fitter
from ingest.read.rawfile import Cells, Fit
from ingest.read.records import Others, lines_of, not_too_wide, records
from ingest.read.stretches import ALWAYS, CHUNK, MOST_OF_FILE, Marks, Window, windows
from schemas.reading import ExcludedRow, RowSpan

NO_DELIMITER = "\x1f"
"""Stands for the delimiter of a single column: no text has it."""


class Rules(NamedTuple):
    """How the rows of one file are cut, mended and told from what is none."""

    dialect: Dialect
    layout: Layout
    fitter: Fitter
    inside: Inside
    shape: Shape


def read_nearly_regular(path: Path, head: Sequence[Record], rules: Rules, folder: Path, file: str, progress: Callable[[int], None] | None = None) -> Outcome | None:
    """The table, or None where too much of the file is irregular or it holds more than one table."""
    layout, dialect = rules.layout, rules.dialect
    above = head[: layout.first_row - 1]
    if not _is_plain(dialect, layout) or any(record.repair for record in above):
        return None
    start = mark_size(path) + sum(len(record.raw.encode()) for record in above)
    headers = tuple(head[row - 1].raw.rstrip("\r\n").encode() for row in layout.header_rows)
    found = _windows(path, start, rules, headers)
    if found is None:
        return None
    with tempfile.NamedTemporaryFile("w+b", prefix="body-", dir=folder.parent) as copy:
        rewritten = _Rewritten(rules, copy)
        if not rewritten.take(path, start, found):
            return None
        rows = copy_regular(Path(copy.name), 0, dialect, layout, folder, file, (lambda share: progress(int(share * rewritten.rows))) if progress else None)
        if rows != rewritten.rows or holds_other_rows(Path(copy.name), head, Body(0, copy.tell()), layout, folder):
            return None
    return rewritten.outcome()


def _is_plain(dialect: Dialect, layout: Layout) -> bool:
    marks = (dialect.delimiter or NO_DELIMITER, dialect.quote)
    return layout.usual == layout.width and not (dialect.escape or dialect.starts) and all(mark and len(mark.encode()) == 1 for mark in marks)


def _windows(path: Path, start: int, rules: Rules, headers: tuple[bytes, ...]) -> list[Window] | None:
    """What has to be looked at, the end of the file always being a part of it; None where that is too much."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(start)
        first = stream.readline()
        stream.seek(max(start, size - TAIL_BYTES, 1) - 1)
        stream.readline()
        tail = stream.tell()
    found, looked_at = [], 0
    marks = Marks(ord(rules.dialect.delimiter or NO_DELIMITER), ord(rules.dialect.quote), rules.layout.width, first.endswith(b"\r\n"), headers)
    for window in windows(path, start, tail, marks):
        found.append(window)
        looked_at += window.end - window.start
        if looked_at > ALWAYS + MOST_OF_FILE * size:
            _refuse_endless_cell(path, window, rules.dialect)
            return None
    last = found.pop()
    if last.regular == 0 and found:  # the window before reaches to the end
        last = found.pop()
    return [*found, last._replace(end=size)]


def _refuse_endless_cell(path: Path, window: Window, dialect: Dialect) -> None:
    """Raises Unreadable where a quote opens a cell and so much follows without another one that it can't be a cell of a table, nor are the lines rows of it."""
    begins = tuple(f"{before}{dialect.quote}".encode() for before in (dialect.delimiter or "\n", "\n"))
    with path.open("rb") as stream:
        stream.seek(max(window.start - 1, 0))
        opened, place = -1, stream.tell()
        while piece := stream.read(CHUNK):
            last = piece.rfind(dialect.quote.encode())
            if last >= 0:
                opened = place + last if piece[max(last - 1, 0) : last + 1] in begins else -1
            place += len(piece)
            if 0 <= opened < place - MAX_RECORD_CHARS:
                raise Unreadable("A quote opens a cell that goes on for more than 16 million characters, so this is no table.", "Check the export.")


class _Rewritten:
    """The text while it is written anew; `rows` of the table so far, and what became of the others."""

    def __init__(self, rules: Rules, copy: BinaryIO) -> None:
        self.rules, self.copy = rules, copy
        self.rows, self.number = 0, rules.layout.first_row
        self.spans: list[RowSpan] = []
        self.blanks: list[int] = []
        self.below: Outcome | None = None

    def take(self, path: Path, start: int, found: Sequence[Window]) -> bool:
        """Whether the whole file is one table."""
        with path.open("rb") as stream:
            for window in found:
                self._copy_regular(stream, start, window)
                stream.seek(window.start)
                if not self._mend(stream.read(window.end - window.start), is_last=window is found[-1]):
                    return False
                start = window.end
        self.copy.flush()
        return True

    def _copy_regular(self, stream: BinaryIO, start: int, window: Window) -> None:
        if window.regular:
            self._span(self.number)
        stream.seek(start)
        left = window.start - start
        while left > 0 and (piece := stream.read(min(CHUNK, left))):
            self.copy.write(piece)
            left -= len(piece)
        self.rows, self.number = self.rows + window.regular, self.number + window.regular

    def _mend(self, content: bytes, *, is_last: bool) -> bool:
        """Writes the rows of a window as they should have been."""
        counted = _Counted(content, self.rules)
        mender = Mender(self.rules.fitter, self.rules.layout, self.rules.dialect)
        rows = mender.rows(counted.records(), lambda cells: cells, self.number)
        kept = self._at_the_end(rows) if is_last else self._amid(rows)
        if kept is None or self.rules.inside.second or len(self.blanks) > MAX_LISTED_BLANKS:
            return False
        self._write(kept, b"\r\n" if b"\r\n" in content else b"\n")
        self.number += counted.count
        return True

    def _amid(self, rows: Iterator[tuple[int, Cells]]) -> list[tuple[int, Cells]]:
        found = []
        for number, cells in self.rules.inside.rows(rows):
            if self.rules.shape.is_blank(cells):
                self.blanks.append(number)
            else:
                found.append((number, cells))
        return found

    def _at_the_end(self, rows: Iterator[tuple[int, Cells]]) -> list[tuple[int, Cells]] | None:
        kept = _Listed()
        try:
            self.below = assemble_all(rows, self.rules.inside, self.rules.layout._replace(header_rows=(), excluded=()), frozenset(), self.rules.shape, kept)
        except NoRows:
            return None
        return kept.found

    def _write(self, rows: Sequence[tuple[int, Cells]], end: bytes) -> None:
        layout, dialect = self.rules.layout, self.rules.dialect
        stream = TextIOWrapper(self.copy, encoding="utf-8", errors="replace", newline="", write_through=True)
        writer = csv.writer(stream, delimiter=dialect.delimiter or NO_DELIMITER, quotechar=dialect.quote, lineterminator=end.decode())
        for number, cells in rows:
            self._span(number)
            writer.writerow(cells if len(cells) == layout.width else self.rules.shape.fit(number, cells))
            self.rows += 1
        stream.detach()

    def _span(self, number: int) -> None:
        """From the next row on, rows are numbered from here."""
        if not self.spans or self.spans[-1].shift != number - self.rows:
            self.spans.append(RowSpan(first=self.rows, shift=number - self.rows))

    def outcome(self) -> Outcome:
        """What became of the rows."""
        amid = (ExcludedRow(row=number, reason=BLANK) for number in self.blanks)
        excluded = sorted((*self.rules.layout.excluded, *amid, *self.below.excluded), key=lambda row: row.row)
        return Outcome(self.rows, tuple(excluded), self.below.totals, tuple(self.spans))


class _Counted:
    """The records of a window, counted as they are taken."""

    def __init__(self, content: bytes, rules: Rules) -> None:
        self.content, self.rules, self.count = content, rules, 0

    def records(self) -> Iterator[Record]:
        lines = lines_of(StringIO(self.content.decode("utf-8", errors="replace"), newline=""))
        others = Others(other_dialects(self.rules.dialect), self.rules.fitter.belongs)
        for record in not_too_wide(records(lines, self.rules.dialect, self.rules.layout.width, others)):
            self.count += 1
            yield record


class _Listed:
    """Takes the rows that would be written."""

    def __init__(self) -> None:
        self.found: list[tuple[int, Cells]] = []

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.found)

    def add(self, rows: Sequence[tuple[int, Cells]], fit: Fit) -> None:
        """The next rows; they are made to fit when they are written."""
        self.found += rows
