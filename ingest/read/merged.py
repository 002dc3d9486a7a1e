"""Merged cells: a spreadsheet shows one value over several cells, and stores it in the first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ingest.read.rawfile import Cells

Range = tuple[tuple[int, int], tuple[int, int]]
"""Row and column (from 0) of the first and of the last cell."""
Fills = Mapping[int, Sequence[tuple[int, int, int]]]
"""Row number (from 1) → the cells to fill: column, and row number and column of the cell that holds the value; columns count from the used part's left."""
MAX_FILLS = 1_000_000
GROUPS_WITHIN = 30
"""Among how many rows at the beginning a merged cell over several columns may be a heading over column names."""


def fills_of(ranges: Sequence[Range], head: Sequence[tuple[int, Cells]], left: int, last_row: int) -> Fills:
    """What to fill: downwards in the first column of a range, and to the right where a heading stands over column names."""
    by_number = dict(head)
    found: dict[int, list[tuple[int, int, int]]] = {}
    count = 0
    for (top, first), (bottom, last) in ranges:
        bottom, column = min(bottom, last_row), first - left
        count += bottom - top
        if column < 0 or bottom < top or count > MAX_FILLS:
            continue
        for row in range(top + 1, bottom + 1):
            found.setdefault(row + 1, []).append((column, top + 1, column))
        if _is_heading(by_number, top + 1, bottom + 1, range(column, last - left + 1)):
            for row in range(top, bottom + 1):
                found.setdefault(row + 1, []).extend((other, top + 1, column) for other in range(column + 1, last - left + 1))
    return found


def _is_heading(rows: Mapping[int, Cells], top: int, bottom: int, columns: range) -> bool:
    """Whether a merged cell stands over one different name for each of its columns, in a row that holds more than it."""
    below = rows.get(bottom + 1)
    if len(columns) < 2 or below is None or bottom > min(rows) + GROUPS_WITHIN or len(below) < columns.stop:
        return False
    names = [below[column] for column in columns]
    beside = any(cell not in ("", None) for index, cell in enumerate(below) if index not in columns)
    return beside and all(type(name) is str and name.strip() for name in names) and len(set(names)) == len(names)


def filled(rows: Iterable[tuple[int, Cells]], fills: Fills) -> Iterator[tuple[int, Cells]]:
    """The rows with their merged cells filled. Numbers are never repeated: they would be counted twice."""
    sources = {(row, column) for cells in fills.values() for _, row, column in cells}
    of_row: dict[int, list[int]] = {}
    for row, column in sources:
        of_row.setdefault(row, []).append(column)
    seen: dict[tuple[int, int], object] = {}
    for number, cells in rows:
        for column in of_row.get(number, ()):
            if column < len(cells):
                seen[number, column] = cells[column]
        yield number, _with_fills(cells, fills[number], seen) if number in fills else cells


def _with_fills(cells: Cells, wanted: Sequence[tuple[int, int, int]], seen: Mapping[tuple[int, int], object]) -> Cells:
    copy = list(cells)
    for column, row, source in wanted:
        value = seen.get((row, source), "")
        if column < len(copy) and copy[column] == "" and type(value) not in (int, float, bool):
            copy[column] = value
    return copy


def merged_numbers(ranges: Sequence[Range], head: Sequence[tuple[int, Cells]], left: int, first_row: int) -> int:
    """How many merged cells below the header hold one number for several rows, as far as the first rows show."""
    by_number = dict(head)
    return sum(top + 1 >= first_row and bottom > top and type(_at(by_number.get(top + 1, ()), first - left)) in (int, float) for (top, first), (bottom, _) in ranges)


def _at(cells: Cells, column: int) -> object:
    return cells[column] if 0 <= column < len(cells) else None
