"""What stands between the rows of a table and is none of it: headers repeated on every page, subtotals, comments, a second table below."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ingest.read.kinds import kind_of
from ingest.read.layout import ABOVE, Layout, TextRow, is_totals
from ingest.values.labels import says_total
from schemas.reading import ExcludedRow

REPEATED = "repeated header"
REPEATED_TITLE = "repeated from above the table"
SUBTOTALS = "subtotals row"
COMMENT = "comment"
COMMENT_MARKS = ("#", "//", "--", "%")
HELD_ROWS = 12
"""How many rows of totals and notes wait for what comes after them."""
LOOK_AHEAD = 12
Numbered = tuple[int, Sequence[str]]


class SecondTable(NamedTuple):
    """A table below the first: where its header stands, and its last row."""

    first: int
    header: int
    last: int


class Inside:
    """Passes a table's rows on, and keeps a list of those between them that are none."""

    def __init__(self, layout: Layout, head: Sequence[TextRow], keep: frozenset[int] = frozenset()) -> None:
        self.layout, self.keep = layout, keep
        self.headers = {_key(row.cells) for row in head if row.number in layout.header_rows}
        above = {each.row for each in layout.excluded if each.reason == ABOVE}
        self.titles = {_key(row.cells) for row in head if row.number in above}
        body = [row.cells for row in head if row.number >= layout.first_row]
        self.commented = any(cells[0].startswith(COMMENT_MARKS) for cells in body if len(cells) == layout.usual)
        self.usually_filled = [_filled_share(body, index) > 0.9 for index in range(layout.width)]
        self.excluded: list[ExcludedRow] = []
        self.second: SecondTable | None = None
        self.held: list[Numbered] = []
        self.gap = False

    def rows(self, rows: Iterator[Numbered]) -> Iterator[Numbered]:
        """The rows, without those that are no part of the table; a second table ends them."""
        ahead: deque[Numbered] = deque()
        while (row := ahead.popleft() if ahead else next(rows, None)) is not None:
            number, cells = row
            if number < self.layout.first_row or number in self.keep:
                yield row
            elif reason := self._reason(cells):
                self._leave_out(number, cells, reason)
            elif not any(map(str.strip, cells)):
                self.gap = True
                yield from self._hold_or_pass(row)
            elif (self.gap or len(cells) != self.layout.usual) and (header := self._begins_table(row, ahead, rows)):
                yield from self._let_go(is_end=True)
                self._leave_rest_out(row, header, ahead, rows)
                return
            else:
                yield from self._pass(row)
                self.gap = False
        yield from self._let_go(is_end=True)

    def _reason(self, cells: Sequence[str]) -> str | None:
        if self.headers or self.titles:
            key = _key(cells)
            if key in self.headers:
                return REPEATED
            if key in self.titles and key:
                return REPEATED_TITLE
        if len(cells) != self.layout.usual and self.layout.width > 1 and not self.commented and cells[0].lstrip().startswith(COMMENT_MARKS):
            return COMMENT
        return None

    def _leave_out(self, number: int, cells: Sequence[str], reason: str) -> None:
        self.excluded.append(ExcludedRow(row=number, reason=reason, text=TextRow(number, list(cells)).text))

    def _pass(self, row: Numbered) -> Iterator[Numbered]:
        """A row that isn't blank: totals and notes wait, since they may be the end of the table; others let them go."""
        first = next((cell for cell in row[1] if cell.strip()), "").strip()
        if says_total(first) and self._is_subtotal(row) or self.held and len(self.held) < HELD_ROWS and TextRow(row[0], list(row[1])).filled <= max(1, self.layout.width // 3):
            self.held.append(row)
        else:
            yield from self._let_go(is_end=False)
            yield row

    def _hold_or_pass(self, row: Numbered) -> Iterator[Numbered]:
        if self.held:
            self.held.append(row)
        else:
            yield row

    def _let_go(self, *, is_end: bool) -> Iterator[Numbered]:
        held, self.held = self.held, []
        for number, cells in held:
            if not is_end and self._is_subtotal((number, cells)):
                self._leave_out(number, cells, SUBTOTALS)
            else:
                yield number, cells

    def _is_subtotal(self, row: Numbered) -> bool:
        text = TextRow(row[0], list(row[1]))
        return is_totals(text, self.layout.kinds) and any(filled and not "".join(text.cells[index : index + 1]).strip() for index, filled in enumerate(self.usually_filled))

    def _begins_table(self, row: Numbered, ahead: deque[Numbered], rows: Iterator[Numbered]) -> int | None:
        """The header's row number, where this row begins another table."""
        cells = _trimmed(row[1])
        is_title = len(cells) == 1 and (self.gap or len(row[1]) == 1)
        if not is_title and not self._is_header(cells, gap=self.gap):
            return None
        while len(ahead) < LOOK_AHEAD and (following := next(rows, None)) is not None:
            ahead.append(following)
        if not is_title:
            return row[0] if self._is_body(cells, [_trimmed(cells) for _, cells in ahead]) else None
        later = [(number, _trimmed(each)) for number, each in ahead]
        for index, (number, each) in enumerate(later[:4]):
            if len(each) > 1:
                return number if self._is_header(each, gap=True) and self._is_body(each, [cells for _, cells in later[index + 1 :]]) else None
        return None

    def _is_header(self, cells: list[str], *, gap: bool) -> bool:
        if len(cells) < 2 or any(kind_of(cell) != "text" for cell in cells) or len(set(cells)) < len(cells):
            return False
        if len(cells) != self.layout.width:
            return True
        return gap and any(kind in ("number", "date") for kind in self.layout.kinds)

    def _is_body(self, header: list[str], following: list[list[str]]) -> bool:
        """Whether the rows after a header are a table of its own: as wide as it, and not as wide, or not of the same kinds, as the first."""
        body = list(islice((cells for cells in following if cells), LOOK_AHEAD))
        alike = [cells for cells in body if len(cells) == len(header)]
        if not body or len(alike) < 0.6 * len(body):
            return False
        if len(header) != self.layout.width:
            return len(alike) > 1 or len(body) == 1
        return any(kind_of(cell) in ("number", "date") for cells in alike for cell in cells)

    def _leave_rest_out(self, row: Numbered, header: int, ahead: deque[Numbered], rows: Iterator[Numbered]) -> None:
        last = row[0]
        for number, cells in (*ahead, *()):
            last = number if any(map(str.strip, cells)) else last
        for number, cells in rows:
            last = number if any(map(str.strip, cells)) else last
        self.second = SecondTable(row[0], header, last)
        self._leave_out(row[0], row[1], f"second table, rows {row[0]:,} to {last:,}")


def _key(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(_trimmed(cells))


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Cells without the blanks around them and without empty ones at the end."""
    found = [cell.strip() for cell in cells]
    while found and not found[-1]:
        found.pop()
    return found


def _filled_share(rows: list[list[str]], index: int) -> float:
    return sum(len(cells) > index and bool(cells[index].strip()) for cells in rows) / max(len(rows), 1)
