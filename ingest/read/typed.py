"""Which cells of a workbook hold a number, a date or a truth instead of text: programs that save a workbook again may turn text into those."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ingest.read.cells import cell_text
from ingest.read.sheets import open_workbook, sheet_of, used_rows


def typed_cells(source: Path, sheet: str, header_row: int, columns: Collection[str]) -> Iterator[tuple[int, str]]:
    """Row and column of every such cell below the header, of the columns named."""
    with open_workbook(source) as book:
        places: dict[int, str] = {}
        for number, cells in used_rows(sheet_of(book, sheet)):
            if number == header_row:
                places = {place: name for place, cell in enumerate(cells) if (name := cell_text(cell)) in columns}
            elif number > header_row:
                yield from ((number, name) for place, name in places.items() if type(cells[place]) is not str)
