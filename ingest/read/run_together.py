"""Two rows of a text in one line, where the line end between them was lost."""

from collections.abc import Iterator

from ingest.read.cutter import Dialect, Record
from ingest.read.limits import MAX_LENIENT_CHARS, MAX_QUOTES_TRIED
from ingest.read.ragged import MAX_SPLIT_CHARS, SURE, Fitter
from ingest.read.records import records

LINE_STEP = 1_000_000_000
"""By so much the number of a line's second row is larger than that of its first."""
MIN_WIDTH = 3
"""In a narrower table a delimiter that wasn't quoted is likelier than a lost line end."""
SAID = "Two rows stand in this line, as where the line end between them was lost; they were taken apart."

Halves = tuple[list[str], list[str]]


def parted(record: Record, fitter: Fitter, dialect: Dialect) -> Halves | None:
    """The two rows, where there is one way only to part a record so that both look like rows of the table."""
    width, cells = fitter.width, record.cells
    if width < MIN_WIDTH or fitter.usual != width or not fitter.profiles or (len(cells) not in (2 * width - 1, 2 * width) and not record.repair):
        return None
    ways = _ways(cells, fitter) if len(cells) >= 2 * width - 1 and not record.repair else _ways_at_quotes(record.raw, dialect)
    found = [(fitter.cost(left) + fitter.cost(right), left, right) for left, right in ways if _is_row(left, fitter) and _is_row(right, fitter)]
    found.sort()
    return found[0][1:] if found and (len(found) == 1 or found[1][0] >= found[0][0] + SURE) else None


def _is_row(cells: list[str], fitter: Fitter) -> bool:
    return len(cells) == fitter.width and sum(bool(cell.strip()) for cell in cells) > 1 and fitter.belongs(cells)


def _ways(cells: list[str], fitter: Fitter) -> Iterator[Halves]:
    """The cells parted behind the table's width; where the last cell of one row ran into the first of the next, wherever the latter then looks like the others of its column."""
    width = fitter.width
    if len(cells) == 2 * width:
        yield cells[:width], cells[width:]
        return
    joint, last = cells[width - 1], fitter.profiles[-1]
    for place in range(min(len(joint), MAX_SPLIT_CHARS)):
        if fitter.is_at_home(0, joint[place:]) and (last.knows(joint[:place]) or last.is_text):
            yield [*cells[: width - 1], joint[:place]], [joint[place:], *cells[width:]]


def _ways_at_quotes(raw: str, dialect: Dialect) -> Iterator[Halves]:
    """A record whose quotes don't fit, parted behind each of them where both parts are whole then."""
    if not dialect.quote or len(raw) > MAX_LENIENT_CHARS or raw.count(dialect.quote) > MAX_QUOTES_TRIED:
        return
    for place in (place for place, mark in enumerate(raw) if mark == dialect.quote):
        halves = [list(records([part], dialect)) for part in (raw[: place + 1], raw[place + 1 :])]
        if all(len(found) == 1 and not found[0].repair for found in halves):
            yield halves[0][0].cells, halves[1][0].cells
