"""Rows of a grid (a sheet, an HTML table) → raw.parquet, by the same layout as everything else."""

from collections.abc import Callable, Iterable, Sequence

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape, assemble, assemble_all
from ingest.read.inside import Inside
from ingest.read.layout import ABOVE, BLANK, NO_ROWS, Layout, TextRow, find_layout
from ingest.read.limits import HEAD_RECORDS, MAX_LISTED_END_BLANKS
from ingest.read.names import column_names
from ingest.read.rawfile import Cells, RawFile
from schemas.reading import ExcludedRow, Finding, ReadSpec

ONLY_NAMES = "This table has names of columns but no rows below them. If that row is data, say that the file has no header."


def layout_of(rows: Sequence[TextRow], spec: ReadSpec, width: int) -> Layout:
    """The layout of a grid's first rows. A single row of text is a header without rows: nothing is wrong with an empty month, and it is said."""
    try:
        return find_layout(rows, spec.header_rows, width=width)
    except Unreadable as error:
        if error.sentence != NO_ROWS or spec.header_rows is not None:
            raise
        return _only_names(rows, width)


def _only_names(rows: Sequence[TextRow], width: int) -> Layout:
    header = max((row for row in rows if not row.is_blank), key=lambda row: row.number)
    others = tuple(ExcludedRow(row=row.number, reason=BLANK if row.is_blank else ABOVE, text=row.text) for row in rows if row.number < header.number)
    finding = Finding(what="header", value=f"row {header.number}", why="it is the last row that holds anything, so it was taken for the names", confidence="possible")
    return Layout((header.number,), column_names(header.cells, width), header.number + 1, ("empty",) * width, width, others, (finding,), (ONLY_NAMES,))


def write_grid(rows: Callable[[], Iterable[tuple[int, Cells]]], layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile, head: Sequence[TextRow]) -> Outcome:
    """Writes a grid's own rows. Where all there is below the header looks like totals and notes, that is the table."""
    try:
        return assemble_all(rows(), Inside(layout, head, keep, shape.as_text), layout, keep, shape, raw)
    except Unreadable as error:
        if error.sentence != NO_ROWS:
            raise
    below = [(number, shape.is_blank(cells)) for number, cells in rows() if number >= layout.first_row]
    if full := frozenset(number for number, blank in below if not blank):
        return assemble(rows(), layout, keep | full, shape, raw)
    return Outcome(0, (*layout.excluded, *(ExcludedRow(row=number, reason=BLANK) for number, _ in below[:MAX_LISTED_END_BLANKS])), ())


def read_texts(rows: Sequence[TextRow], spec: ReadSpec, raw_of: Callable[[Sequence[str]], RawFile]) -> tuple[Layout, Outcome]:
    """Reads a grid that is text already and fits into memory."""
    width = max((len(row.cells) for row in rows), default=0)
    level = [TextRow(row.number, [*row.cells, *[""] * (width - len(row.cells))]) for row in rows]
    layout = layout_of(level[:HEAD_RECORDS], spec, width)
    shape = Shape(lambda cells: not any(map(str.strip, cells)), list, lambda _number, cells: cells)
    with raw_of(layout.names) as raw:
        return layout, write_grid(lambda: level, layout, frozenset(spec.keep_rows), shape, raw, level[:HEAD_RECORDS])
