"""What is said about the cells of a sheet: hidden, lost, long, merged, or shown otherwise than they are stored."""

import re
from collections.abc import Iterator
from datetime import date

from ingest.read.cells import SAFE_INTEGER, cell_text
from ingest.read.limits import MAX_LISTED_REPAIRS
from ingest.read.merged import merged_numbers
from ingest.read.one_sheet import Sheet
from ingest.read.xlsx_cells import Lost
from schemas.reading import Repair

PADDED = re.compile(r"0{2,}(?:;.*)?")
PERCENT = re.compile(r"0%")
FIRST_YEAR = 1900


def repairs_of(found: Sheet, step: int) -> Iterator[Repair]:
    """What had to be read otherwise than the sheet shows it; the first row is numbered `step` + 1."""
    for row, cells in sorted(found.look.undated.items())[:MAX_LISTED_REPAIRS]:
        for column, text in cells.items():
            if (place := found.place_of(column)) is not None and row >= found.layout.first_row:
                yield Repair(row=row + step, what=f"The number {text} in column {found.layout.names[place]!r} is shown as a date or a time, which no negative number is; the number was read.", doubtful=True)


def warnings_of(found: Sheet) -> tuple[str, ...]:
    """What may be wrong with its cells, in sentences."""
    hidden = (f"Rows of the sheet {found.name!r} that are hidden, perhaps by a filter, were read like the others: {found.look.hidden:,}.",) if found.look.hidden else ()
    return (*hidden, *_lost_warning(found.look.lost), *_long_number_warning(found), *_shown_warning(found), *_first_days_warning(found), *_merged_warning(found))


def _lost_warning(lost: Lost) -> tuple[str, ...]:
    if not lost:
        return ()
    row = min(lost)
    return (f"{sum(map(len, lost.values())):,} cells hold an error or a formula without a stored value; they are shown as such. The first is in row {row}: {next(iter(lost[row].values()))}",)


def _long_number_warning(found: Sheet) -> tuple[str, ...]:
    rows = [cells for number, cells in found.head if number >= found.layout.first_row]
    long = [name for index, name in enumerate(found.layout.names) if any(type(cells[index]) in (int, float) and abs(cells[index]) >= SAFE_INTEGER for cells in rows)]
    return tuple(f"The column {name!r} holds numbers of more than 15 digits. Excel keeps only 15, so ids may have changed before they came here; store them as text." for name in long)


def _shown_warning(found: Sheet) -> tuple[str, ...]:
    """Numbers that a person sees otherwise than they are stored: the stored value is what is read."""
    texts = []
    for column, codes in sorted(found.look.shown.items()):
        place = found.place_of(column)
        name = None if place is None else found.layout.names[place]
        code = next((code for code in sorted(codes) if PADDED.fullmatch(code) or PERCENT.search(code)), None)
        if name and code and PADDED.fullmatch(code):
            texts.append(f"The column {name!r} shows leading zeros (format {code}) that are not stored, so they are missing here. If they belong to an id, store it as text.")
        elif name and code:
            texts.append(f"The column {name!r} is shown as percent; what is stored, and read, is the fraction (0.15 for 15 %).")
    return tuple(texts)


def _first_days_warning(found: Sheet) -> tuple[str, ...]:
    """Small numbers that were formatted as dates by mistake come as days of the year 1900."""
    rows = [cells for number, cells in found.head if number >= found.layout.first_row]
    odd = {name: cell for index, name in enumerate(found.layout.names) for cells in reversed(rows) if isinstance(cell := cells[index], date) and cell.year <= FIRST_YEAR}
    return tuple(f"The column {name!r} holds days such as {cell_text(cell)}, which is how a small number looks that is formatted as a date. If numbers are meant, give the column a number format, save it again, and upload that." for name, cell in odd.items())


def _merged_warning(found: Sheet) -> tuple[str, ...]:
    ranges = [((top, place), (bottom, last)) for (top, first), (bottom, last) in found.look.merged or found.sheet.merged_cell_ranges or () if (place := found.place_of(first)) is not None]
    count = merged_numbers(ranges, found.head, 0, found.layout.first_row)
    return (f"{count:,} merged cells hold one number for several rows; it was read in the first of them only, so that nothing is counted twice.",) if count else ()
