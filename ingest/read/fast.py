"""The fast way for clean text files: DuckDB reads, after a count of our own has found every record regular; its result must agree with that count."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from ingest.engine import engine, identifier, literal
from ingest.raw import RAW
from ingest.read.assemble import Outcome, excluded_row, totals_row
from ingest.read.cutter import Dialect, Record
from ingest.read.layout import BLANK, TOTALS, EndRow, Layout, TextRow, find_end
from ingest.read.limits import TAIL_BYTES, TAIL_RECORDS
from ingest.read.mend import TWICE
from ingest.read.records import records
from ingest.values.labels import TOTALS_START, says_total
from schemas.reading import ExcludedRow, RowSpan

CHUNK = 2 * 1024**2
"""Small enough for its memory to be used again and again: asking the system for more of it took longer than counting."""
GROUP_CELLS = 6_000_000
DICTIONARY = 5000
"""A column with more values than that in a row group isn't worth the search for those that repeat."""
LF, CR = 10, 13
TWICE_BEGINS = (b"\xc3\x83", b"\xc3\xa2\xe2\x82\xac")
"""How letters begin that were encoded twice, as bytes: hardly a file holds one."""
ENCODED_TWICE = "Letters look as if they were encoded twice: 'Ã¼' for 'ü'. They were kept; export the file again if names are wrong."
LOOK_EVERY, SOON = 0.5, 0.05
"""Seconds."""
Told = Callable[[float], None] | None
"""Hears which share is done."""
TAIL_TRIES = 20
"""How many lines of the file's end are tried as the beginning of a record: the first ones may lie inside a quoted cell."""


class Body(NamedTuple):
    """The bytes of the table's own rows, and the records below it, which were left out."""

    start: int
    end: int
    below: tuple[Record, ...] = ()
    reasons: dict[int, EndRow] = {}
    """Index in `below` → why; the others are blank."""


def read_fast(path: Path, head: Sequence[Record], dialect: Dialect, layout: Layout, folder: Path, file: str, progress: Callable[[int], None] | None = None) -> Outcome | None:
    """The table written by DuckDB, or None where the file isn't perfectly regular: then nothing is lost but the time. A file whose beginning is regular is copied while the rest is counted."""
    body = _body(path, head, dialect, layout)
    if body is None or not _countable(dialect):
        return None
    with path.open("rb") as stream:
        count = _Count(stream.fileno(), body.start, body.end, dialect, layout.width)
        if not count.reach(body.start + CHUNK):
            return None
        with _only_body(path, body, folder.parent, layout) as (source, skip), _copying(source, skip, dialect, layout, folder, file) as copied:
            expected = count.records()
            if not expected or _header_again(path, head, body, layout):
                return None
            rows = copied((lambda share: progress(int(share * expected))) if progress else None)
    if rows != expected or _holds_subtotals(layout, folder):
        return None
    return _outcome(body, layout, rows)._replace(warnings=(ENCODED_TWICE,) if count.is_twice else ())


def _body(path: Path, head: Sequence[Record], dialect: Dialect, layout: Layout) -> Body | None:
    size = path.stat().st_size
    above = head[: layout.first_row - 1]
    if any(len(record.cells) != layout.width or record.repair for record in head[layout.first_row - 1 :]) or any(record.repair for record in above):
        return None
    start = mark_size(path) + sum(len(record.raw.encode()) for record in above)
    tail = _tail(path, start, size, dialect, layout.width)
    if not tail:
        return None
    rows = [TextRow(number, record.cells) for number, record in enumerate(tail)]
    filled = [row for row in rows if not row.is_blank]
    found = {end.number: end for end in find_end(filled[-TAIL_RECORDS:], layout.kinds)}
    last = max((row.number for row in filled if row.number not in found), default=-1)
    if last < 0 or any(len(record.cells) != layout.width for record in tail[: last + 1]):
        return None
    below = tuple(tail[last + 1 :])
    return Body(start, size - sum(len(record.raw.encode()) for record in below), below, {number - last - 1: end for number, end in found.items()})


def holds_other_rows(path: Path, head: Sequence[Record], body: Body, layout: Layout, folder: Path) -> bool:
    """Whether a header stands again between the rows, or a subtotal may: then every row has to be looked at."""
    return _header_again(path, head, body, layout) or _holds_subtotals(layout, folder)


def _header_again(path: Path, head: Sequence[Record], body: Body, layout: Layout) -> bool:
    return any(_holds(path, b"\n" + head[row - 1].raw.rstrip("\r\n").encode(), body.start, body.end) for row in layout.header_rows)


def _holds_subtotals(layout: Layout, folder: Path) -> bool:
    if "number" not in layout.kinds:
        return False
    empties = " or ".join(f"{identifier(name)} is null" for name in layout.names)
    label = f"coalesce({', '.join(map(identifier, layout.names[:2]))})"
    with engine() as connection:
        found = connection.execute(f"select {label} from read_parquet({literal(folder / RAW)}) where regexp_matches({label}, {literal(TOTALS_START)}) and ({empties}) limit 1000").fetchall()
    return any(says_total(cell.strip()) for (cell,) in found)


def _holds(path: Path, mark: bytes, start: int, end: int) -> bool:
    """Whether some bytes stand between two places of a file."""
    with path.open("rb") as stream:
        return any(mark in os.pread(stream.fileno(), min(CHUNK + len(mark), end - begin), begin) for begin in range(start, end, CHUNK))


def mark_size(path: Path) -> int:
    """How many bytes mark the encoding at a file's beginning."""
    with path.open("rb") as stream:
        return 3 if stream.read(3) == b"\xef\xbb\xbf" else 0


def _tail(path: Path, start: int, size: int, dialect: Dialect, width: int) -> list[Record]:
    """The last records of the file; empty where they can't be told apart."""
    begin = max(start, size - TAIL_BYTES)
    with path.open("rb") as stream:
        stream.seek(begin)
        content = stream.read()
    if b"\r" in content.replace(b"\r\n", b""):
        return []
    for _ in range(TAIL_TRIES if begin > start else 1):
        if begin > start:
            content = content[content.find(b"\n") + 1 :]
        found = list(records(StringIO(content.decode("utf-8", errors="replace"), newline="\n"), dialect, width))
        if not any(record.repair for record in found):
            return found
    return []


def _countable(dialect: Dialect) -> bool:
    """Whether records can be told apart by single bytes."""
    return max(len(mark.encode()) for mark in (dialect.delimiter or "", dialect.quote or "")) <= 1 and not dialect.escape


class _Count:
    """How many records lie between two places of a file, counted over its bytes, in pieces that end at a line break, so that it needs little memory whatever the size.

    Each must end the same way, none may be blank, and every quote must stand where a quote may. That every record has `width` cells is DuckDB's part: it refuses a file where
    one hasn't. Read, not mapped: a mapped file that is cut off meanwhile ends the process.
    """

    def __init__(self, file: int, start: int, end: int, dialect: Dialect, width: int) -> None:
        delimiter, self.quote = ((mark or "").encode() for mark in (dialect.delimiter, dialect.quote))
        self.file, self.at, self.end = file, start, end
        self.may_stand_beside = np.zeros(256, dtype=bool)
        self.may_stand_beside[[*delimiter, *self.quote, LF, CR]] = True
        self.crlf = b"\r\n" in self._bytes(start, min(end, start + CHUNK))
        self.empty = len(delimiter) * (width - 1) + 1 + self.crlf
        self.is_twice = False
        self.found, self.open, self.inside = 0, 0, False
        """How many records have ended, how many bytes there are of one that hasn't, and whether it stopped between quotes."""

    def _bytes(self, begin: int, end: int) -> bytes:
        return os.pread(self.file, end - begin, begin)

    def reach(self, place: int) -> bool:
        """Whether all is regular as far as this place, or a little further; False if there is nothing."""
        while self.at < min(place, self.end):
            piece = self._bytes(self.at, min(self.at + CHUNK, self.end))
            if self.at + len(piece) < self.end:
                piece = piece[: piece.rfind(b"\n") + 1]
            if not piece or not self._piece(piece):
                return False
            self.is_twice = self.is_twice or _is_twice(piece)
            self.at += len(piece)
        return bool(self.found or self.open)

    def records(self) -> int:
        """All of them; 0 where not all of it is regular."""
        if not self.reach(self.end) or self.inside or 0 < self.open < self.empty - self.crlf:
            return 0
        return self.found + bool(self.open)

    def _piece(self, piece: bytes) -> bool:
        """Counts the line breaks outside quotes, unless lines end differently, a quote stands amid a cell or a record is so short that nothing can stand in it."""
        around = np.frombuffer(b"\n" + piece + b"\n", dtype=np.uint8)
        breaks = np.flatnonzero(around[1:-1] == LF)
        if b"\0" in piece or not self._end_alike(piece, around[breaks]):
            return False
        if self.quote and (self.inside or self.quote in piece):
            quotes = np.flatnonzero(around[1:-1] == self.quote[0])
            opening = (np.arange(len(quotes)) + self.inside) % 2 == 0
            if not (self.may_stand_beside[around[quotes[opening]]].all() and self.may_stand_beside[around[quotes[~opening] + 2]].all()):
                return False
            breaks = breaks[(np.searchsorted(quotes, breaks) + self.inside) % 2 == 0]
            self.inside ^= len(quotes) % 2 == 1
        lengths = np.diff(breaks, prepend=-1 - self.open)
        self.found += len(breaks)
        self.open = len(piece) - 1 - int(breaks[-1]) if len(breaks) else self.open + len(piece)
        return not len(lengths) or int(lengths.min()) > self.empty

    def _end_alike(self, piece: bytes, before: np.ndarray) -> bool:
        """Whether every line ends as the first one of the file does, all LF or all CR LF: `before` is what stands before each LF."""
        return bool((before == CR).all()) and piece.count(b"\r") == len(before) if self.crlf else b"\r" not in piece


def _is_twice(piece: bytes) -> bool:
    return not piece.isascii() and any(mark in piece for mark in TWICE_BEGINS) and bool(TWICE.search(piece.decode(errors="replace")))


@contextmanager
def _only_body(path: Path, body: Body, folder: Path, layout: Layout) -> Iterator[tuple[Path, int]]:
    """The file with the number of lines to skip, or a copy that holds the table's own rows only."""
    if not body.below and layout.header_rows == (1,) and layout.first_row == 2:
        yield path, 1
        return
    with tempfile.NamedTemporaryFile(prefix="body-", dir=folder) as copy:
        with path.open("rb") as stream:
            stream.seek(body.start)
            left = body.end - body.start
            while left > 0 and (piece := stream.read(min(CHUNK, left))):
                copy.write(piece)
                left -= len(piece)
        copy.flush()
        yield Path(copy.name), 0


def copy_regular(source: Path, skip: int, dialect: Dialect, layout: Layout, folder: Path, file: str, told: Told) -> int:
    """How many rows DuckDB wrote; -1 where it refused the file."""
    with _copying(source, skip, dialect, layout, folder, file) as copied:
        return copied(told)


@contextmanager
def _copying(source: Path, skip: int, dialect: Dialect, layout: Layout, folder: Path, file: str) -> Iterator[Callable[[Told], int]]:
    """DuckDB at work beside: ask for the rows that it wrote, -1 where it refused the file. Whoever leaves without asking stops it."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.names)
    delimiter, quote = dialect.delimiter or "\x1f", dialect.quote or ""
    constant = f"enum({literal(file)})"  # one byte a row on its way into the file, where it is a text again
    group = max(2048, min(122_880, GROUP_CELLS // layout.width))
    statement = f"""
        copy (select {literal(file)}::{constant} as _file, null::{constant} as _sheet, * from read_csv({literal(source)},
            auto_detect=false, header=false, skip={skip}, delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, columns={{{columns}}}, strict_mode=true, null_padding=false))
        to {literal(folder / RAW)} (format parquet, compression snappy, row_group_size {group}, dictionary_size_limit {DICTIONARY})"""
    with engine() as connection, ThreadPoolExecutor(1) as beside:
        connection.execute("set enable_progress_bar = true")
        connection.execute("set enable_progress_bar_print = false")
        running = beside.submit(lambda: connection.execute(statement).fetchone()[0])
        try:
            yield lambda told: _followed(connection, running, told)
        finally:
            while not running.done():
                connection.interrupt()
                wait([running], SOON)


def _followed(connection: duckdb.DuckDBPyConnection, running: Future[int], told: Told) -> int:
    """What the work beside comes to. Whoever wants to hear is told now and then which share of it is done."""
    while told and not wait([running], LOOK_EVERY).done:
        told(max(0.0, connection.query_progress()) / 100)
    try:
        rows = running.result()
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfMemoryException, duckdb.BinderException):
        return -1
    if told:
        told(1.0)
    return rows


def _outcome(body: Body, layout: Layout, rows: int) -> Outcome:
    texts = [TextRow(layout.first_row + rows + index, record.cells) for index, record in enumerate(body.below)]
    below = [excluded_row(body.reasons[index], row) if index in body.reasons else ExcludedRow(row=row.number, reason=BLANK) for index, row in enumerate(texts)]
    totals = [totals_row(row, layout.names) for index, row in enumerate(texts) if index in body.reasons and body.reasons[index].reason == TOTALS]
    return Outcome(rows, (*layout.excluded, *below), tuple(totals), (RowSpan(first=0, shift=layout.first_row),))
