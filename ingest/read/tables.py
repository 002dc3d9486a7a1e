"""Several tables in one grid: those side by side, with empty columns between them; those one below the other. Which one is read, and what that leaves out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from ingest.errors import Unreadable
from ingest.read.candidates import find_header, is_key_value
from ingest.read.header import TextRow
from ingest.read.inside import AsText, Inside, SecondTable
from ingest.read.kinds import kind_of
from ingest.read.layout import Layout
from ingest.read.limits import HEAD_RECORDS, MAX_LISTED_REPAIRS
from ingest.read.questions import Option, question
from ingest.read.rawfile import Cells
from schemas.reading import ExcludedRow, Finding, ReadSpec

ABOVE_TABLE = "table above"
BESIDE = "beside the table"
MIN_ROWS = 3
LOOKED_AT = 50
DENSE = 0.7
"""How full the rows of a table are that stands beside another one."""
Numbered = tuple[int, Cells]
Rows = Callable[[], Iterable[Numbered]]


class Columns(NamedTuple):
    """The columns of a grid that belong to the table; none are named where all do."""

    places: tuple[int, ...] = ()
    ends: bool = False
    findings: tuple[Finding, ...] = ()
    questions: tuple[dict[str, object], ...] = ()


class Block(NamedTuple):
    """Columns without an empty one between them, and the rows in which a table stands there."""

    columns: range
    first: int
    last: int
    names: frozenset[str]


def start_of(rows: Rows, number: int, as_text: AsText, layout_of: Callable[[Sequence[TextRow], int], Layout]) -> tuple[int, int]:
    """The row from which on the table of this number is to be looked for, and its header's row; zeros for the first. Raises Unreadable where there are fewer tables."""
    start, header = 0, 0
    for read in range(1, number):
        rest = ((place, cells) for place, cells in rows() if place >= start)
        head = list(islice(rest, HEAD_RECORDS))
        texts = first_of([TextRow(place, list(as_text(cells))) for place, cells in head])
        inside = Inside(layout_of(texts, header), texts, as_text=as_text)
        for _ in inside.rows(chain(head, rest)):
            pass
        if inside.second is None:
            raise Unreadable(f"There {'is one table' if read == 1 else f'are {read:,} tables'} one below the other, so table {number:,} can't be read.", "Choose another one.")
        start, header = inside.second.first, inside.second.header
    return start, header


def table_question(below: SecondTable | None, chosen: int | None = None) -> tuple[dict[str, object], ...]:
    """Whether the table that was read is the one, where another one stands below it and none was chosen."""
    if below is None or chosen is not None:
        return ()
    text = f"There is another table in rows {below.first:,} to {below.last:,}. Which one is to be read?"
    return (question("table", text, [Option("1", "the first table", {"table": 1}), Option("2", f"the table below it, whose header is in row {below.header:,}", {"table": 2})]),)


def has_several(rows: Sequence[TextRow]) -> bool:
    """Whether more than one table is seen in some rows: side by side, or one below the other."""
    return bool(side_by_side(rows)) or len(first_of(rows)) < len(rows)


def first_of(rows: Sequence[TextRow]) -> Sequence[TextRow]:
    """The rows up to where a second table begins, seen by blank rows before it and names of its own: what stands in that one says nothing about the first."""
    headed: Segment | None = None
    segments = list(_segments(rows))
    for segment in segments if len(segments) > 1 else []:
        found = _headed(segment)
        if headed is None:
            headed = found
        elif found and (found.width != headed.width or not found.names & headed.names):
            return [row for row in rows if row.number < found.first]
    return rows


class Segment(NamedTuple):
    """Rows without a blank one between them that are a table by themselves: their first, how wide it is, and its names."""

    first: int
    width: int
    names: frozenset[str]


def _segments(rows: Sequence[TextRow]) -> Iterator[list[TextRow]]:
    segment: list[TextRow] = []
    for row in rows:
        if not row.is_blank:
            segment.append(row)
        elif segment:
            yield segment
            segment = []
    if segment:
        yield segment


def _headed(rows: list[TextRow]) -> Segment | None:
    """A segment whose first or second row names columns of numbers or dates, one below the other; not the names and values above a table."""
    widths = [len(_trimmed(row.cells)) for row in rows]
    place = 1 if len(rows) > MIN_ROWS and widths[0] == 1 else 0
    width = widths[place]
    body = rows[place + 1 : place + 1 + LOOKED_AT]
    if width < 2 or len(body) < MIN_ROWS - 1 or max(widths[place:]) > width or sum(each == width for each in widths[place + 1 : place + 1 + LOOKED_AT]) < DENSE * len(body):
        return None
    names = [cell.strip().casefold() for cell in rows[place].cells[:width]]
    kinds = [{kind_of(row.cells[index]) for row in body if index < len(row.cells)} - {"empty"} for index in range(width)]
    measured = [kind for kind in kinds if kind in ({"number"}, {"date"})]
    if not measured or not all(kind_of(name) == "text" for name in names) or len(set(names)) < width or is_key_value(rows[place]):
        return None
    return Segment(rows[0].number, width, frozenset(names))


def _trimmed(cells: Sequence[str]) -> list[str]:
    found = list(cells)
    while found and not found[-1].strip():
        found.pop()
    return found


def rows_above(rows: Iterable[Numbered], start: int, as_text: AsText) -> Iterator[ExcludedRow]:
    """The rows of the tables above, for the list of what was left out."""
    more = 0
    for place, cells in rows:
        if place >= start:
            break
        row = TextRow(place, list(as_text(cells)))
        if not row.is_blank and place <= MAX_LISTED_REPAIRS:
            yield ExcludedRow(row=place, reason=ABOVE_TABLE, text=row.text)
        elif not row.is_blank:
            more += 1
    if more:
        yield ExcludedRow(row=MAX_LISTED_REPAIRS + 1, reason=f"{more:,} more rows of the table above")


def side_by_side(rows: Sequence[TextRow]) -> list[Block]:
    """The tables that stand side by side; none where all is one table, with empty columns in it perhaps."""
    width = max((len(row.cells) for row in rows), default=0)
    used = [any(index < len(row.cells) and row.cells[index].strip() for row in rows) for index in range(width)]
    runs = _runs(used)
    if len(runs) < 2 or any(len(run) < 2 for run in runs):
        return []
    blocks = [_block(rows, run) for run in runs]
    return [block for block in blocks if block] if None not in blocks and _differ(blocks) else []


def _runs(used: Sequence[bool]) -> list[range]:
    found: list[range] = []
    begin = 0
    for index in range(len(used) + 1):
        if index == len(used) or not used[index]:
            if index > begin:
                found.append(range(begin, index))
            begin = index + 1
    return found


def _block(rows: Sequence[TextRow], columns: range) -> Block | None:
    """The table in some columns: full rows under one another, the first of them names."""
    parts = [TextRow(row.number, row.cells[columns.start : columns.stop]) for row in rows]
    full = [row for row in parts if row.filled > 1 and row.filled >= DENSE * len(columns)]
    if len(full) < MIN_ROWS:
        return None
    within = [row for row in parts if full[0].number <= row.number <= full[-1].number]
    header = find_header(full, len(columns)).row
    if len(full) < DENSE * len(within) or header is None:
        return None
    return Block(columns, header.number, full[-1].number, frozenset(cell.strip().casefold() for cell in header.cells if cell.strip()))


def _differ(blocks: Sequence[Block]) -> bool:
    """Whether blocks are tables of their own: they have the same names, or begin or end in different rows."""
    first, *others = blocks
    return any((each.first, each.last) != (first.first, first.last) or 2 * len(each.names & first.names) >= len(each.names) for each in others)


def columns_of(head: Sequence[TextRow], header: int, further: Callable[[set[int]], set[int]], spec: ReadSpec) -> Columns:
    """The columns of the chosen one of several tables side by side, else those in which something stands from the header's row on. `further`: which of some columns hold something further down."""
    blocks = side_by_side(head)
    if blocks or (spec.beside or 1) > 1:
        return _chosen(blocks, spec.beside)
    width = max((len(row.cells) for row in head), default=0)
    empty = empty_columns([row for row in head if row.number >= header], width)
    if not empty:
        return Columns()
    empty -= further(empty)
    numbers = ", ".join(f"column {letters(index)}" for index in sorted(empty))
    finding = Finding(what="empty columns", value=numbers, why="nothing stands in them, so they were left out")
    return Columns(tuple(index for index in range(width) if index not in empty), findings=(finding,)) if empty else Columns()


def empty_columns(rows: Sequence[TextRow], width: int) -> set[int]:
    """The columns in which nothing stands, but for a title above the table and notes below it."""
    full = [row.number for row in rows if row.filled > 1]
    if len(full) < 2:
        return set()
    within = [row.cells for row in rows if full[0] <= row.number <= full[-1]]
    return {index for index in range(width) if not any(index < len(cells) and cells[index].strip() for cells in within)}


def _chosen(blocks: list[Block], number: int | None) -> Columns:
    if number is not None and not 1 <= number <= max(len(blocks), 1):
        raise Unreadable(f"There are {len(blocks)} tables side by side, so table {number:,} of them can't be read." if blocks else "There are no tables side by side.", "Choose another one.")
    if not blocks:
        return Columns()
    labels = [f"columns {letters(block.columns[0])} to {letters(block.columns[-1])}, rows {block.first:,} to {block.last:,}" for block in blocks]
    read = (number or 1) - 1
    others = "; ".join(label for place, label in enumerate(labels) if place != read)
    finding = Finding(what="table", value=labels[read], why="you chose it" if number else f"the leftmost of {len(blocks)} tables side by side; there are also {others}", confidence="certain" if number else "likely")
    options = [Option(str(place), label, {"beside": place}) for place, label in enumerate(labels, 1)]
    asked = () if number else (question("beside", f"{len(blocks)} tables stand side by side. Which one is to be read?", options),)
    return Columns(tuple(blocks[read].columns), True, (finding,), asked)


def letters(index: int) -> str:
    """A column as a spreadsheet names it: A, B, … Z, AA."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(65 + rest) + found
    return found


class Narrowed:
    """The rows of one table out of a grid, with a list of those that belong to a table beside it."""

    def __init__(self, layout: Layout, as_text: AsText) -> None:
        self.start, self.places, self.ends, self.as_text = layout.start, layout.places, layout.ends, as_text
        self.beside: dict[int, str] = {}

    def rows(self, rows: Iterable[Numbered]) -> Iterable[Numbered]:
        """Rows from the table's first on, cut to its columns. Where no other table stands beside it, a row that has more than it keeps that at its end."""
        found = ((number, cells) for number, cells in rows if number >= self.start) if self.start else rows
        return self._cut(found) if self.places else found

    def _cut(self, rows: Iterable[Numbered]) -> Iterator[Numbered]:
        inside = set(self.places)
        for number, cells in rows:
            own = [cells[index] if index < len(cells) else "" for index in self.places]
            more = [cell for index, cell in enumerate(cells) if index not in inside and cell not in ("", None)]
            if more and all(cell in ("", None) for cell in own):
                self.beside[number] = TextRow(number, list(self.as_text(cells))).text
            yield number, own if self.ends or not more or number in self.beside else [*own, *more]

    def named(self, excluded: Iterable[ExcludedRow]) -> tuple[ExcludedRow, ...]:
        """Left-out rows, told as what they are where they only look blank."""
        return tuple(row.model_copy(update={"reason": BESIDE, "text": self.beside[row.row]}) if row.row in self.beside and not row.text else row for row in excluded)
