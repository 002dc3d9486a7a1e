"""What stands between the rows of a table and is none of it: headers repeated on every page, subtotals, comments, a second table below."""

import re
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, dropwhile, islice, takewhile
from operator import itemgetter
from typing import NamedTuple

from ingest.read.kinds import column_kind, kind_of
from ingest.read.layout import ABOVE, Layout, TextRow, is_totals
from ingest.read.limits import MAX_LISTED_REPAIRS
from ingest.read.rawfile import Cells
from ingest.values.labels import GROUP_TOTAL, says_total
from schemas.reading import ExcludedRow

REPEATED = "repeated header"
REPEATED_TITLE = "repeated from above the table"
SUBTOTALS = "subtotals row"
COMMENT = "comment"
LOOKED_BACK = 200
NOTHING = ("", None)
MOST_REMEMBERED = 20_000
"""Texts."""
COMMENT_MARKS = ("#", "//", "--", "%")
OF_A_GROUP = re.compile(GROUP_TOTAL, re.IGNORECASE)
HELD_ROWS = 12
"""How many rows of totals and notes wait for what comes after them."""
LOOK_AHEAD = 12
Numbered = tuple[int, Cells]
AsText = Callable[[Cells], Sequence[str]]


class SecondTable(NamedTuple):
    """A table below the first: where its header stands, and its last row."""

    first: int
    header: int
    last: int


class Inside:
    """Passes a table's rows on, and keeps a list of those between them that are none. `as_text`: for cells that aren't text yet."""

    def __init__(self, layout: Layout, head: Sequence[TextRow], keep: frozenset[int] = frozenset(), as_text: AsText | None = None) -> None:
        self.layout, self.keep, self.as_text = layout, keep, as_text
        self.headers = {_key(row.cells) for row in head if row.number in layout.header_rows}
        above = {each.row for each in layout.excluded if each.reason == ABOVE}
        self.titles = {_key(row.cells) for row in head if row.number in above}
        self.begins = {next((cell for cell in key if cell), "") for key in self.headers | self.titles}
        body = [row for row in head if row.number >= layout.first_row and not row.is_blank]
        self.commented = any(row.cells[0].startswith(COMMENT_MARKS) and row.filled > 1 for row in body)
        plain = [row.cells for row in body if not is_totals(row, layout.kinds)]
        self.usually_filled = [_filled_share(plain, index) > 0.9 for index in range(layout.width)]
        self.body = [(row.number, _trimmed(row.cells)) for row in body][:LOOKED_BACK]
        self.measured: dict[tuple[int, int], bool] = {}
        self.plain: dict[str, str] = {}
        self.lengths: dict[int, Counter[int]] = {}
        self.excluded: list[ExcludedRow] = []
        self.second: SecondTable | None = None
        self.held: list[Numbered] = []
        self.gap = False
        self.group = ""

    def rows(self, rows: Iterator[Numbered]) -> Iterator[Numbered]:
        """The rows, without those that are no part of the table; a second table ends them."""
        ahead: deque[Numbered] = deque()
        rows = iter(rows)
        while (row := ahead.popleft() if ahead else next(rows, None)) is not None:
            number, cells = row
            if number < self.layout.first_row or number in self.keep or self._is_plain(cells):
                yield row
                continue
            texts = self._texts(cells)
            if reason := self._reason(texts) or self._stands_over_header(texts, ahead, rows):
                self._leave_out(number, texts, reason)
            elif not any(map(str.strip, texts)):
                self.gap = True
                yield from self._hold_or_pass(row)
            elif (self.gap or len(texts) != self.layout.usual) and (header := self._begins_table(number, texts, ahead, rows)):
                yield from self._let_go(is_end=True)
                self._leave_rest_out(header, chain((row,), ahead, rows))
                return
            else:
                yield from self._pass(row)
                self.gap = False
        yield from self._let_go(is_end=True)

    def _texts(self, cells: Cells) -> Sequence[str]:
        return self.as_text(cells) if self.as_text else cells

    def _is_plain(self, cells: Cells) -> bool:
        """Whether a row of a sheet is like most, seen at a glance: it doesn't begin as a header, a comment or a total does."""
        if self.as_text is None or self.gap or self.held or len(cells) != self.layout.width:
            return False
        first, second = cells[0], cells[1] if len(cells) > 1 else True
        if first in NOTHING or second in NOTHING:
            first, second, *_ = (*islice((cell for cell in cells if cell not in NOTHING), 2), None, None)
            if second is None:
                return False
        if type(first) is not str:
            return True
        plain = self.plain.get(first)
        if plain is None:
            plain = self._plain_name(first)
        if not plain:
            return False
        self.group = plain
        return True

    def _plain_name(self, cell: str) -> str:
        """A text that says nothing of what its row is, trimmed; else nothing. Remembered, since tables name the same customers again and again."""
        text = cell.strip()
        name = "" if text.casefold() in self.begins or text.startswith(COMMENT_MARKS) or says_total(text) or OF_A_GROUP.fullmatch(text) else text
        if len(self.plain) < MOST_REMEMBERED:
            self.plain[cell] = name
        return name

    def _reason(self, cells: Sequence[str]) -> str | None:
        if self.headers or self.titles:
            key = _key(cells)
            if key in self.headers:
                return REPEATED
            if key in self.titles and key:
                return REPEATED_TITLE
        if self._is_group_total(cells):
            return SUBTOTALS
        if self.layout.width > 1 and not self.commented and cells[0].lstrip().startswith(COMMENT_MARKS) and (len(cells) != self.layout.usual or not any(map(str.strip, cells[1:]))):
            return COMMENT
        return None

    def _is_group_total(self, cells: Sequence[str]) -> bool:
        """Whether a row is the total of the rows above, by their own name: `Total IT` or `IT Total` below rows of IT."""
        filled = [cell.strip() for cell in cells if cell.strip()]
        match = OF_A_GROUP.fullmatch(filled[0]) if len(filled) > 1 and self.group else None
        return bool(match) and (match[1] or match[2]).casefold() == self.group.casefold() and all(kind_of(cell) == "number" for cell in filled[1:])

    def _stands_over_header(self, cells: Sequence[str], ahead: deque[Numbered], rows: Iterator[Numbered]) -> str | None:
        """Says that a row of one cell is a title or a page's number, where the header comes again right below it."""
        if not self.headers or self.layout.width < 2 or sum(bool(cell.strip()) for cell in cells) != 1:
            return None
        while len(ahead) < 3 and (following := next(rows, None)) is not None:
            ahead.append(following)
        below = next((key for _, each in ahead if (key := _key(self._texts(each)))), ())
        return REPEATED_TITLE if below in self.headers else None

    def _leave_out(self, number: int, cells: Sequence[str], reason: str) -> None:
        self.excluded.append(ExcludedRow(row=number, reason=reason, text=TextRow(number, list(cells)).text))

    def _pass(self, row: Numbered) -> Iterator[Numbered]:
        """A row that isn't blank: totals and notes wait, since they may be the end of the table; others let them go."""
        texts = self._texts(row[1])
        first = next((cell for cell in texts if cell.strip()), "").strip()
        self.group = first if not says_total(first) else self.group
        if says_total(first) and self._is_subtotal(row) or self.held and len(self.held) < HELD_ROWS and TextRow(row[0], list(texts)).filled <= max(1, self.layout.width // 3):
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
                self._leave_out(number, self._texts(cells), SUBTOTALS)
            else:
                yield number, cells

    def _is_subtotal(self, row: Numbered) -> bool:
        text = TextRow(row[0], list(self._texts(row[1])))
        return is_totals(text, self.layout.kinds) and any(filled and not "".join(text.cells[index : index + 1]).strip() for index, filled in enumerate(self.usually_filled))

    def _begins_table(self, number: int, texts: Sequence[str], ahead: deque[Numbered], rows: Iterator[Numbered]) -> int | None:
        """The header's row number, where this row begins another table."""
        cells = _trimmed(texts)
        is_title = len(cells) == 1 and (self.gap or len(texts) == 1)
        if not is_title and (not _are_names(cells) or not self._is_header(number, cells, gap=self.gap)):
            return None
        while len(ahead) < LOOK_AHEAD and (following := next(rows, None)) is not None:
            ahead.append(following)
        later = [(each, _trimmed(self._texts(cells))) for each, cells in ahead]
        if not is_title:
            return number if self._is_body(number, cells, [each for _, each in later]) else None
        for index, (place, each) in enumerate(later[:4]):
            if len(each) > 1:
                return place if _are_names(each) and self._is_header(number, each, gap=True) and self._is_body(number, each, [cells for _, cells in later[index + 1 :]]) else None
        return None

    def _is_header(self, number: int, cells: list[str], *, gap: bool) -> bool:
        if self._is_foreign(number, len(cells)):
            return True
        return gap and any(self._is_measured(self._rows_before(number), index) for index in range(len(cells)))

    def _rows_before(self, number: int) -> int:
        return bisect_left(self.body, number, key=itemgetter(0))

    def _is_measured(self, rows: int, index: int) -> bool:
        """Whether a column held numbers or dates in the first rows; counted once, since a file can have a gap before every row."""
        if (rows, index) not in self.measured:
            self.measured[rows, index] = column_kind(each[index] for _, each in self.body[:rows] if index < len(each)) in ("number", "date")
        return self.measured[rows, index]

    def _is_foreign(self, number: int, length: int) -> bool:
        """Whether hardly a row further up ends where this one does."""
        rows = self._rows_before(number)
        if rows not in self.lengths:
            self.lengths[rows] = Counter(len(each) for _, each in self.body[:rows])
        return length != self.layout.width and self.lengths[rows][length] <= 0.1 * rows

    def _is_body(self, number: int, header: list[str], following: list[list[str]]) -> bool:
        """Whether the rows after a header are a table of its own: as wide as it, and not as wide, or not of the same kinds, as the first."""
        body = list(takewhile(bool, dropwhile(lambda cells: not cells, following)))
        alike = [cells for cells in body if len(cells) == len(header)]
        if not body or len(alike) < 0.6 * len(body):
            return False
        if self._is_foreign(number, len(header)):
            return len(alike) > 1 or len(body) == 1
        return any(kind_of(cell) in ("number", "date") for cells in alike for cell in cells)

    def _leave_rest_out(self, header: int, rest: Iterator[Numbered]) -> None:
        """Lists the rows of the tables below; of very many the last entry stands for all that follow."""
        first, last, more = 0, 0, 0
        for number, cells in rest:
            texts = self._texts(cells)
            if not any(map(str.strip, texts)):
                continue
            first, last = first or number, number
            if number - first < MAX_LISTED_REPAIRS:
                self._leave_out(number, texts, "second table")
            else:
                more += 1
        if more:
            self.excluded.append(ExcludedRow(row=last, reason=f"second table, with {more - 1:,} rows before this one"))
        self.second = SecondTable(first, header, last)


def _are_names(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and len(set(cells)) == len(cells) and all(kind_of(cell) == "text" for cell in cells)


def _key(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.casefold() for cell in _trimmed(cells))


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Cells without the blanks around them and without empty ones at the end."""
    if cells.count("") == len(cells):  # most cells of a vast sheet: looking at each would take long
        return []
    found = [cell.strip() for cell in cells]
    while found and not found[-1]:
        found.pop()
    return found


def _filled_share(rows: list[list[str]], index: int) -> float:
    return sum(len(cells) > index and bool(cells[index].strip()) for cells in rows) / max(len(rows), 1)
