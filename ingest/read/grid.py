"""Rows of a grid (a sheet, an HTML table) → raw.parquet, by the same layout as everything else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ingest.read.assemble import Outcome, Shape, assemble, assemble_all
from ingest.read.inside import AsText, Inside
from ingest.read.layout import BLANK, Layout, NoRows, TextRow, find_layout
from ingest.read.limits import HEAD_RECORDS, MAX_LISTED_END_BLANKS
from ingest.read.rawfile import Cells, RawFile
from ingest.read.tables import Columns, Narrowed, columns_of, first_of, rows_above, start_of
from schemas.reading import ExcludedRow, ReadSpec


def laid_out(rows: Callable[[], Iterable[tuple[int, Cells]]], spec: ReadSpec, width: int, as_text: AsText, count: int = HEAD_RECORDS) -> tuple[list[tuple[int, Cells]], Layout]:
    """The first rows of the chosen table of a grid, cut to its columns, and its layout. Raises Unreadable for a grid in which nothing stands."""
    start, header = start_of(rows, spec.table or 1, as_text, lambda texts, header: find_layout(texts, _with_header(ReadSpec(), header).header_rows, width=width))
    above = tuple(rows_above(rows(), start, as_text)) if start else ()
    spec = _with_header(spec, header)
    head = list(islice(((number, cells) for number, cells in rows() if number >= start), count))
    texts = first_of(texts_of(head, as_text))
    layout, columns = None, None
    for _ in range(2):  # first by all rows, then by those from the header on
        known = columns
        columns = columns_of(texts, min(layout.header_rows, default=layout.first_row) if layout else 0, lambda empty: _filled_in_table(rows, texts, empty, spec, width, as_text), spec)
        if known is None or columns.places != known.places:
            layout = _narrow_layout(texts, columns, spec, width)
    layout = layout._replace(start=start, above=above, places=columns.places, ends=columns.ends, findings=(*layout.findings, *columns.findings), questions=(*layout.questions, *columns.questions))
    return [(number, cells[: layout.width]) for number, cells in Narrowed(layout, as_text).rows(head)], layout


def _filled_in_table(rows: Callable[[], Iterable[tuple[int, Cells]]], head: Sequence[TextRow], empty: set[int], spec: ReadSpec, width: int, as_text: AsText) -> set[int]:
    """Which of the columns that are empty at the beginning hold something further down, in rows of this table."""
    places = tuple(index for index in range(width) if index not in empty)
    layout = _narrow_layout(head, Columns(places), spec, width)._replace(places=places, start=head[0].number)
    texts = [TextRow(row.number, [row.cells[index] if index < len(row.cells) else "" for index in places]) for row in head]
    longer = {number for number, cells in Inside(layout, texts, as_text=as_text).rows(Narrowed(layout, as_text).rows(rows())) if len(cells) > len(places) and number >= layout.first_row}
    return {index for number, cells in rows() if number in longer for index in empty if index < len(cells) and cells[index] not in ("", None)} if longer else set()


def _narrow_layout(rows: Sequence[TextRow], columns: Columns, spec: ReadSpec, width: int) -> Layout:
    """The layout of some columns; what stands beside them is told as that."""
    if not columns.places:
        return find_layout(rows, spec.header_rows, width=width)
    narrowed = Narrowed(Layout((), (), 0, (), 0, places=columns.places, ends=True), list)
    layout = find_layout([TextRow(number, list(cells)) for number, cells in narrowed.rows(rows)], spec.header_rows, width=len(columns.places))
    return layout._replace(excluded=narrowed.named(layout.excluded))


def joined_end(cells: Cells, width: int, between: str) -> Cells:
    """A row taken back in that has more cells than the table: what is beyond it is joined to its end."""
    return [*cells[: width - 1], between.join(str(cell) for cell in cells[width - 1 :] if cell not in ("", None))]


def _with_header(spec: ReadSpec, header: int) -> ReadSpec:
    """The specification with the header's row where that is known, as it is of a further table."""
    return spec.model_copy(update={"header_rows": (header,)}) if header and spec.header_rows is None else spec


def texts_of(rows: Iterable[tuple[int, Cells]], as_text: AsText) -> list[TextRow]:
    """Rows as detection sees them."""
    return [TextRow(number, list(as_text(cells))) for number, cells in rows]


def write_grid(rows: Callable[[], Iterable[tuple[int, Cells]]], head: Sequence[tuple[int, Cells]], layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile) -> Outcome:
    """Writes a grid's own rows. Where all there is below the header looks like totals and notes, that is the table."""
    narrowed = Narrowed(layout, shape.as_text)
    outcome = _written(lambda: narrowed.rows(rows()), texts_of(head, shape.as_text), layout, keep, shape, raw)
    return outcome._replace(excluded=(*layout.above, *narrowed.named(outcome.excluded)))


def _written(rows: Callable[[], Iterable[tuple[int, Cells]]], head: Sequence[TextRow], layout: Layout, keep: frozenset[int], shape: Shape, raw: RawFile) -> Outcome:
    try:
        return assemble_all(rows(), Inside(layout, head, keep, shape.as_text), layout, keep, shape, raw)
    except NoRows:
        below = [(number, shape.is_blank(cells)) for number, cells in rows() if number >= layout.first_row]
    if full := frozenset(number for number, blank in below if not blank):
        return assemble(rows(), layout, keep | full, shape, raw)
    blank = [ExcludedRow(row=number, reason=BLANK) for number, _ in below]
    blank = blank if len(blank) <= MAX_LISTED_END_BLANKS else [ExcludedRow(row=blank[0].row, reason=f"{len(blank):,} blank rows at the end")]
    return Outcome(0, (*layout.excluded, *blank), ())


def read_texts(rows: Sequence[TextRow], spec: ReadSpec, raw_of: Callable[[Sequence[str]], RawFile]) -> tuple[Layout, Outcome]:
    """Reads a grid that is text already and fits into memory."""
    width = max((len(row.cells) for row in rows), default=0)
    return read_rows(lambda: rows, width, spec, raw_of)


def read_rows(rows: Callable[[], Iterable[tuple[int, list[str]]]], width: int, spec: ReadSpec, raw_of: Callable[[Sequence[str]], RawFile]) -> tuple[Layout, Outcome]:
    """Reads a grid that is text already, going over its rows as often as needed."""
    def level() -> Iterator[tuple[int, list[str]]]:
        return ((number, [*cells, *[""] * (width - len(cells))]) for number, cells in rows())

    head, layout = laid_out(level, spec, width, list)
    shape = Shape(lambda cells: not any(map(str.strip, cells)), list, lambda _number, cells: joined_end(cells, layout.width, " "))
    with raw_of(layout.names) as raw:
        outcome = write_grid(level, head, layout, frozenset(spec.keep_rows), shape, raw)
    return layout, outcome
