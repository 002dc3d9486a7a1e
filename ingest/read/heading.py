"""The header of a text, damaged: cut by another character than the rows, quoted otherwise, or with a delimiter too many or too few."""

from collections.abc import Sequence

from ingest.read.cutter import FIXED, Dialect, Record
from ingest.read.header import TextRow
from ingest.read.kinds import kind_of
from ingest.read.layout import Layout
from ingest.read.mend import ODD_QUOTES, QUOTES, SURPLUS, is_quoted, other_dialects
from ingest.read.ragged import Fitter
from ingest.read.records import marks_in, records

PLAIN_DELIMITERS = (",", ";", "\t", "|")
"""Characters that stand in names so seldom that a line of names cut by them needs no numbers below it."""
NEAR_THE_TOP = 30
LONGEST_NAME = 80
TOO_MANY = "The header has a delimiter too many; the empty name was left out, so that the others stand over their columns."


def with_mended_header(found: list[Record], dialect: Dialect, width: int) -> list[Record]:
    """The first records of a text; the one right above the first full one is mended where that makes a header of it."""
    if width < 2 or dialect.delimiter in (None, FIXED):
        return _without_delimiters(found) if dialect.delimiter is None else found
    index = next((index for index, record in enumerate(found[:NEAR_THE_TOP]) if len(record.cells) == width and any(map(str.strip, record.cells))), 0)
    place = index - 1 if index else 0
    header = found[place] if index else None
    if header is None or not header.raw.strip():
        return _with_own_quotes(found, index, dialect)
    mended = _cut_otherwise(header, found[index], dialect, width) or _without_surplus(header, found, index, width) or _cut_between_names(header, dialect, width)
    return _with_own_quotes([*found[:place], mended or header, *found[index:]], index, dialect)


def _without_delimiters(found: list[Record]) -> list[Record]:
    """A single column whose first row alone begins or ends with delimiters, without those."""
    place = next((place for place, record in enumerate(found) if record.raw.strip()), 0)
    name = found[place].cells[0].strip(SURPLUS) if found else ""
    if not name or name == found[place].cells[0] or any(each.cells[0].strip(SURPLUS) != each.cells[0] for each in found[place + 1 :]):
        return found
    return [*found[:place], found[place]._replace(cells=[name], repair="Delimiters before or after the only name of the header were left out."), *found[place + 1 :]]


def _cut_otherwise(header: Record, below: Record, dialect: Dialect, width: int) -> Record | None:
    measured = any(kind_of(cell) in ("number", "date") for cell in below.cells)
    for other in (*(Dialect(mark, dialect.quote) for mark in marks_in(header.raw, width)), *other_dialects(dialect)):
        if other.delimiter == dialect.delimiter or other.delimiter not in header.raw or not (measured or (other.delimiter in PLAIN_DELIMITERS and width > 2)):
            continue
        cut = list(records([header.raw], other))
        if len(cut) == 1 and not cut[0].repair and len(cut[0].cells) == width and _are_names(cut[0].cells):
            return Record(cut[0].cells, header.raw, f"The header is cut by {other.delimiter!r} where the rows are cut by another character; it was read so.")
    return None


def _without_surplus(header: Record, found: list[Record], index: int, width: int) -> Record | None:
    """A header with one name more than any row has cells, and that one empty."""
    cells = header.cells
    empty = [place for place, cell in enumerate(cells) if not cell.strip()]
    rows = [record for record in found[index:] if record.raw.strip()]
    if len(cells) != width + 1 or len(empty) != 1 or empty[0] == width or sum(len(record.cells) != width for record in rows) > 0.05 * len(rows):
        return None
    names = [cell for place, cell in enumerate(cells) if place != empty[0]]
    return Record(names, header.raw, TOO_MANY) if _are_names(names) else None


def _cut_between_names(header: Record, dialect: Dialect, width: int) -> Record | None:
    """A header in which the delimiter between two names is missing, and only a quote, or another character that cuts cells, stands between them."""
    marks = [mark for mark in (dialect.quote, *PLAIN_DELIMITERS) if mark and mark not in dialect.delimiter]
    joined = [(place, mark) for place, cell in enumerate(header.cells) for mark in marks if cell.count(mark) == 1]
    if len(header.cells) != width - 1 or len(joined) != 1 or header.repair:
        return None
    place, mark = joined[0]
    names = [*header.cells[:place], *header.cells[place].split(mark), *header.cells[place + 1 :]]
    return Record(names, header.raw, "A delimiter is missing between two names of the header; they were taken apart.") if _are_names(names) else None


def _are_names(cells: Sequence[str]) -> bool:
    names = {cell.strip() for cell in cells}
    return len(names) == len(cells) and all(name and len(name) <= LONGEST_NAME and kind_of(name) == "text" for name in names)


def _with_own_quotes(found: list[Record], index: int, dialect: Dialect) -> list[Record]:
    """The first full rows; one whose cells are all quoted otherwise than those of the others is read without these quotes, so that it isn't taken for a part of the header."""
    for place, record in enumerate(found[index : index + 3], index):
        for quote in (quote for quote in (*QUOTES, *ODD_QUOTES.intersection(record.raw[:1])) if quote != dialect.quote and dialect.quote):
            filled = [cell for cell in record.cells if cell.strip()]
            if len(filled) > 1 and all(is_quoted(cell, quote) for cell in filled) and sum(each.raw.lstrip()[:1] == quote for each in found) <= 1 + 0.05 * len(found):
                found = [*found[:place], record._replace(cells=[cell.strip()[1:-1] if cell.strip() else cell for cell in record.cells]), *found[place + 1 :]]
    return found


def note_header(head: Sequence[Record], rows: Sequence[TextRow], layout: Layout, fitter: Fitter) -> None:
    """Says what had to be mended in the header, and where its names may stand over the wrong columns."""
    for number in layout.header_rows:
        if head[number - 1].repair:
            fitter.note(number, head[number - 1].repair, doubtful=head[number - 1].repair == TOO_MANY)
    named = max((len(rows[number - 1].cells) for number in layout.header_rows), default=layout.width)
    if named < layout.width:
        fitter.note(layout.header_rows[0], f"The header has {named} names, but the rows have {layout.width} cells; the names were taken from the left. Check that they stand over the right columns.", doubtful=True)
    elif layout.header_rows and named > layout.usual and any(cell.strip() for row in layout.header_rows for cell in rows[row - 1].cells[layout.usual :]):
        fitter.note(layout.header_rows[0], f"The header has {named} names, but most rows have {layout.usual} cells. Check that the names stand over the right columns.", doubtful=True)
