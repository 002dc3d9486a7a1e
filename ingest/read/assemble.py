"""A stream of rows → raw.parquet: leaves out what is no part of the table, and accounts for every row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ingest.errors import Broken
from ingest.read.inside import Inside, SecondTable
from ingest.read.layout import BLANK, TOTALS, EndRow, Layout, NoRows, TextRow, find_end
from ingest.read.limits import MAX_LISTED_BLANKS, MAX_LISTED_END_BLANKS, TAIL_RECORDS
from ingest.read.rawfile import Cells, Fit, RawFile
from schemas.reading import ExcludedRow, RowSpan, TotalsRow

BLOCK = 4_000


class Shape(NamedTuple):
    """What a family of formats knows about its rows: when one is blank, how it reads as text, how one of another width is made to fit."""

    is_blank: Callable[[Cells], bool]
    as_text: Callable[[Cells], list[str]]
    fit: Fit


class Outcome(NamedTuple):
    """What became of the rows."""

    rows: int
    excluded: tuple[ExcludedRow, ...]
    totals: tuple[TotalsRow, ...]
    spans: tuple[RowSpan, ...] = ()
    """Only where the rows' numbers don't stand in the file itself."""
    second: SecondTable | None = None
    """A table below the first, which was left out."""
    warnings: tuple[str, ...] = ()


def assemble_all(rows: Iterable[tuple[int, Cells]], inside: Inside, layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile) -> Outcome:
    """Writes the table's own rows, after leaving out what stands between them and what stands below it."""
    outcome = assemble(inside.rows(iter(rows)), layout, keep, shape, raw)
    return outcome._replace(excluded=tuple(sorted((*outcome.excluded, *inside.excluded), key=lambda row: row.row)), second=inside.second)


def assemble(rows: Iterable[tuple[int, Cells]], layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile) -> Outcome:
    """Writes the table's own rows. Raises Broken should a row be neither kept nor listed."""
    blanks = _Blanks()
    pending: list[tuple[int, Cells]] = []
    count, before = 0, raw.rows
    for number, cells in rows:
        count += 1
        if number < layout.first_row:
            if number in keep and number not in layout.header_rows:
                raw.add([(number, cells)], shape.fit)
        elif shape.is_blank(cells) and number not in keep:
            blanks.add(number)
        else:
            pending.append((number, cells))
            if len(pending) >= BLOCK:
                raw.add(pending[:-TAIL_RECORDS], shape.fit)
                del pending[:-TAIL_RECORDS]
    ended = _end(pending, layout, keep, shape, raw, before)
    excluded = [row for row in layout.excluded if row.row not in keep] + ended.excluded
    written = raw.rows - before
    if written == 0:
        raise NoRows(layout.names)
    if count != written + len(excluded) + blanks.count + len(layout.header_rows):
        raise Broken(f"Rows are not conserved in reading: the file has {count}, the table {written}, left out are {len(excluded) + blanks.count}.")
    return Outcome(written, tuple(sorted([*excluded, *blanks.listed(ended.last_row)], key=lambda row: row.row)), tuple(ended.totals))


class _Ended(NamedTuple):
    excluded: list[ExcludedRow]
    totals: list[TotalsRow]
    last_row: int


def _end(pending: Iterable[tuple[int, Cells]], layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile, before: int) -> _Ended:
    pending = list(pending)
    raw.add(pending[:-TAIL_RECORDS], shape.fit)
    last = [(number, cells, TextRow(number, shape.as_text(cells))) for number, cells in pending[-TAIL_RECORDS:]]
    reasons = {row.number: row for row in find_end([text for _, _, text in last], layout.kinds, rest_is_table=raw.rows > before, keep=keep)}
    for number, cells, _ in last:
        if number not in reasons:
            raw.add([(number, cells)], shape.fit)
    left_out = [(reasons[number], text) for number, _, text in last if number in reasons]
    return _Ended([excluded_row(*row) for row in left_out], [totals_row(text, layout.names) for end, text in left_out if end.reason == TOTALS], max((number for number, _, _ in last), default=0))


def excluded_row(end: EndRow, row: TextRow) -> ExcludedRow:
    """A row below the table, for the list of what was left out."""
    return ExcludedRow(row=row.number, reason=end.reason, text=row.text)


def totals_row(row: TextRow, names: Sequence[str]) -> TotalsRow:
    """The texts of a totals row by column; empty ones, and formulas without a value, are left out."""
    return TotalsRow(row=row.number, values={name: cell.strip() for name, cell in zip(names, row.cells, strict=False) if cell.strip() and not cell.startswith("=")})


class _Blanks:
    """The blank rows of a file; beyond the first ten thousand, or in a long run at its end, they become one entry."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.count = 0
        self.first_unlisted = 0

    def add(self, number: int) -> None:
        self.count += 1
        if len(self.numbers) < MAX_LISTED_BLANKS:
            self.numbers.append(number)
        elif not self.first_unlisted:
            self.first_unlisted = number

    def listed(self, last_row: int) -> Iterator[ExcludedRow]:
        after = sum(number > last_row for number in self.numbers) if not self.first_unlisted else 0
        shown = self.numbers[: len(self.numbers) - after] if after > MAX_LISTED_END_BLANKS else self.numbers
        yield from (ExcludedRow(row=number, reason=BLANK) for number in shown)
        if self.first_unlisted:
            yield ExcludedRow(row=self.first_unlisted, reason=f"{self.count - len(self.numbers):,} more blank rows from here on")
        elif shown is not self.numbers:
            yield ExcludedRow(row=self.numbers[-after], reason=f"{after:,} blank rows at the end")
