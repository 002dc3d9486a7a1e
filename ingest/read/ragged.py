"""Rows with a cell too many or too few → the table's width, by what each column usually holds. Says what it did, and where that is doubtful."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log
from typing import NamedTuple

from ingest.read.cutter import RUNS, Dialect
from ingest.read.kinds import kind_of
from ingest.read.layout import Layout
from ingest.read.limits import MAX_ALIGNED_ROWS, MAX_LISTED_REPAIRS
from schemas.reading import Repair

DIGITS, LETTERS = re.compile(r"\d"), re.compile(r"[^\W\d_]+")
SHAPE_CHARS = 24
FEW_VALUES = 12
FEW_SHAPES, ROWS_FOR_SHAPES = 5, 10
MAX_SPLIT_ROWS, MAX_SPLIT_CHARS = 500, 200
ROWS_FOR_QUOTES = 200
ROWS_FOR_VALUES = 20
ROWS_TO_COMPARE = 15
"""From so many rows on a row can be called unlike the others."""
OTHER_MARKS = ",;\t|: "
"""What may stand for the delimiter at one place of a row."""
SURE = 1.5
"""How many times likelier (as a logarithm) the best place must be than the next one."""
LEFT_OUT, MERGED, SKIPPED = 1.0, 1.5, 1.5
"""What it counts against a reading to leave a cell out, to join two, to leave a column empty amid a row."""


class _Profile:
    """What one column holds: how likely a cell is to stand in it."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.rows = len(cells)
        self.kinds = Counter(map(kind_of, cells))
        self.shapes = Counter(map(_shape, cells))
        values = Counter(cell.strip() for cell in cells if cell.strip())
        self.values = values if len(values) <= FEW_VALUES and self.rows >= ROWS_FOR_VALUES and self.kinds["text"] > 0.5 * self.rows else None
        self.forms = Counter(map(_form, cells))
        self.known: dict[str, float] = {}

    def cost(self, cell: str) -> float:
        """How little a cell looks like this column's: a negative logarithm."""
        if cell not in self.known:
            if len(self.known) > 2_000:
                self.known.clear()
            self.known[cell] = self._cost(cell)
        return self.known[cell]

    def knows(self, cell: str) -> bool:
        """Whether such a cell stands in this column more than once: this very text where the column has few, else one of its shape."""
        return self.values[cell.strip()] > 1 if self.values is not None else self.shapes[_shape(cell)] > 1

    @property
    def is_text(self) -> bool:
        """Whether most of what stands in this column is text."""
        return self.kinds["text"] > 0.5 * self.rows

    def is_unlike(self, cell: str) -> bool:
        """Whether a cell has a shape that this column, of few shapes, never has, or a value that one of few values hasn't, or is empty where none is."""
        odd_shape = (len(self.shapes) <= FEW_SHAPES or not cell.strip()) and self.shapes[_shape(cell)] <= 1
        return self.rows > ROWS_FOR_SHAPES and (odd_shape or (self.values is not None and bool(cell.strip()) and self.values[cell.strip()] <= 1))

    def _cost(self, cell: str) -> float:
        shape, kind = (count / (self.rows + 1) for count in (self.shapes[_shape(cell)], self.kinds[kind_of(cell)]))
        strange = 2.0 if self.values is not None and cell.strip() and cell.strip() not in self.values else 0.0
        return strange - log(0.5 * shape + 0.45 * kind + 0.05 / (self.rows + 1) ** 0.5)


def _form(cell: str) -> str:
    """The cell with its letters as they are: codes that begin alike, and the marks of a time, have one form."""
    return DIGITS.sub("9", cell.strip()[:SHAPE_CHARS])


def _shape(cell: str) -> str:
    return LETTERS.sub("a", DIGITS.sub("9", cell.strip()[:SHAPE_CHARS]))


class _Reading(NamedTuple):
    cost: float
    cells: list[str]
    what: str


class Fitter:
    """Gives every row the table's width, and keeps a list of what that took."""

    def __init__(self, layout: Layout, dialect: Dialect, rows: Sequence[Sequence[str]]) -> None:
        self.width, self.usual, self.names = layout.width, layout.usual, layout.names
        self.delimiter = " " if dialect.delimiter == RUNS else dialect.delimiter or ""
        regular = [list(row) for row in rows if len(row) == self.width]
        self.profiles = [_Profile(column) for column in zip(*regular, strict=True)] if len(regular) > 2 else []
        self.quote = dialect.quote if dialect.quote and sum(self._odd_quotes(row, dialect.quote) for row in regular) <= 1 + 0.02 * len(regular) else None
        self.spaced = dialect.delimiter in (",", ";", "|") and sum(len(row) > 1 and row[1][:1] == " " for row in regular) <= 0.05 * len(regular) + 1
        self.padded = self.spaced and len(regular) >= ROWS_TO_COMPARE and sum(any(cell != cell.strip(" \t") for cell in row) for row in regular) <= 1 + 0.01 * len(regular)
        self.mark = dialect.quote
        self.measured = [index for index, kind in enumerate(layout.kinds) if kind in ("number", "date")]
        self.regular = regular[:ROWS_FOR_QUOTES]
        self.can_rejoin = bool(self.profiles) and self.width > 1 and len(regular) >= 0.8 * len(rows)
        self.repairs: list[Repair] = []
        self.unlisted = 0
        self.row_step = 0
        self.aligned = 0

    def note(self, number: int, what: str, *, doubtful: bool = False) -> None:
        if len(self.repairs) < MAX_LISTED_REPAIRS:
            self.repairs.append(Repair(row=number, what=what, doubtful=doubtful))
        else:
            self.unlisted += 1

    def belongs(self, cells: list[str]) -> bool:
        """Whether cells of the table's width look like a row of it: not much less likely than a usual row."""
        if not self.profiles:
            return True
        return sum(profile.cost(cell) for profile, cell in zip(self.profiles, cells, strict=False)) <= SURE * self.width

    def cost(self, cells: Sequence[str]) -> float:
        """How little cells of the table's width look like a row of it."""
        return sum(profile.cost(cell) for profile, cell in zip(self.profiles, cells, strict=True))

    def holds_names(self, cells: Sequence[str]) -> bool:
        """Whether texts, each another one, stand in all columns, also in those of numbers or dates, of which there are two at least."""
        if len(self.measured) < 2 or len(cells) != self.width or kind_of(cells[self.measured[0]]) != "text":
            return False
        is_header = [cell.strip().casefold() for cell in cells] == [name.casefold() for name in self.names]  # that one comes again, and is left out
        return not is_header and len({cell.strip() for cell in cells}) == self.width and all(kind_of(cell) == "text" for cell in cells)

    def is_at_home(self, index: int, cell: str) -> bool:
        """Whether cells of the same letters, with any digits, stand in a column."""
        return self.profiles[index].forms[_form(cell)] > 1

    def is_unlike(self, index: int, cell: str) -> bool:
        """Whether no cell of a column looks like this one."""
        return bool(self.profiles) and self.profiles[index].is_unlike(cell)

    def is_quoted(self, quote: str) -> bool:
        """Whether cells that begin and end with a quote are nothing special in this table."""
        return sum(any(len(cell) > 1 and cell[0] == cell[-1] == quote for cell in cells) for cells in self.regular) > 0.05 * len(self.regular) + 1

    def name(self, index: int) -> str:
        """A column as it is called in a sentence."""
        return f"column {self.names[index]!r}" if index < self.width else f"cell {index + 1}"

    def look_at_the_end(self, number: int, cells: Sequence[str]) -> None:
        """Points out that the file ends in the midst of a row, where its last cell is unlike the others of its column."""
        if self.is_unlike(self.width - 1, cells[-1]):
            self.note(number, f"The file ends here without a line end, and the last cell is unlike the others in {self.name(self.width - 1)}: the row may be cut off.", doubtful=True)
        elif len(self.regular) < ROWS_FOR_SHAPES and not cells[-1].strip() and any(map(str.strip, cells)):
            self.note(number, f"The file ends here after a delimiter and without a line end: the row may be cut off, and {self.name(self.width - 1)} isn't filled.", doubtful=True)

    @staticmethod
    def _odd_quotes(cells: Sequence[str], quote: str) -> bool:
        return any(cell.count(quote) % 2 for cell in cells)

    def look_for_quotes(self, number: int, cells: Sequence[str], raw: str) -> Sequence[str]:
        """Points out a cell with a single quote in it that isn't quoted, where that isn't usual; a cell that runs into the quoted one beside it is cut off."""
        odd = [index for index, cell in enumerate(cells) if cell.count(self.quote) % 2 and self.quote + cell.replace(self.quote, self.quote * 2) + self.quote not in raw]
        if odd and (apart := self._before_quote(list(cells), odd)):
            self.note(number, f"A delimiter is missing before the quotes of {self.name(odd[0] + 1)}; the row was read as if it were there.")
            return apart
        for index in odd:
            self.note(number, f"A single quote stands in {self.name(index)}; it was kept.", doubtful=True)
        return cells

    def _before_quote(self, cells: list[str], odd: list[int]) -> list[str] | None:
        first, last = odd[0], odd[-1]
        if len(odd) != 2 or not cells[last].rstrip().endswith(self.quote) or cells[first].startswith(self.quote) or not self.profiles:
            return None
        left, _, right = cells[first].partition(self.quote)
        text = self.delimiter.join([right, *cells[first + 1 : last + 1]]).rstrip()[:-1]
        apart = [*cells[:first], left, text, *cells[last + 1 :]]
        return apart if len(apart) == self.width and self.belongs(apart) else None

    def fit(self, number: int, cells: Sequence[str]) -> Sequence[str]:
        """The cells of a row, cut or filled to the table's width."""
        cells = list(cells)
        if len(cells) == self.usual:
            return self._usual(number, cells)
        if len(cells) < self.width:
            return self._short(number, cells)
        if not any(map(str.strip, cells[self.width :])) and not self._is_shifted(cells):
            self.note(number, f"The row has {len(cells) - self.width} empty cells too many; they were left out.")
            return cells[: self.width]
        return self._long(number, cells)

    def _usual(self, number: int, cells: list[str]) -> list[str]:
        surplus = cells[self.width :]
        if any(map(str.strip, surplus)):
            self.note(number, f"The row has {len(cells)} cells where the table has {self.width}; the surplus was joined to the last column.", doubtful=True)
            return [*cells[: self.width - 1], self.delimiter.join(cells[self.width - 1 :]).rstrip(self.delimiter)]
        return [*cells[: self.width], *[""] * (self.width - len(cells))]

    def _can_align(self) -> bool:
        self.aligned += 1
        return bool(self.profiles) and self.aligned <= MAX_ALIGNED_ROWS

    def _is_shifted(self, cells: list[str]) -> bool:
        """Whether a row that ends with an empty cell too many fits better without an empty cell further left."""
        if len(cells) != self.width + 1 or not self._can_align():
            return False
        best, *_ = sorted(self._without_empty(cells))
        return best.cells != cells[: self.width] and best.cost + SURE < self.cost(cells[: self.width])

    def _short(self, number: int, cells: list[str]) -> list[str]:
        missing = self.width - len(cells)
        filled = [*cells, *[""] * missing]
        what = f"The row has {len(cells)} of {self.width} cells; the rest were left empty."
        if missing == 1 and self._can_align():
            if split := self._split(cells):
                self.note(number, split.what, doubtful=True)
                return split.cells
            best = min(self._with_a_gap(cells))
            if len(cells) > 1 and best.cost + SKIPPED + SURE < self.cost(filled):
                self.note(number, best.what, doubtful=True)
                return best.cells
        self.note(number, what, doubtful=True)
        return filled

    def _with_a_gap(self, cells: list[str]) -> list[_Reading]:
        before, after = self._sums(cells, 0), self._sums(cells, 1)
        return [
            _Reading(before[place] + self.profiles[place].cost("") + after[-1] - after[place], [*cells[:place], "", *cells[place:]],
                     f"The row has {len(cells)} of {self.width} cells; by what stands in the others, {self.names[place]!r} is the one that is missing or stands in {self.names[max(place - 1, 0)]!r}.")
            for place in range(len(cells))
        ]

    def _split(self, cells: list[str]) -> _Reading | None:
        """A row in which two cells run into one another, where there is one place only at which both are cells as their columns have them."""
        if self.aligned > MAX_SPLIT_ROWS:
            return None
        before, after = self._sums(cells, 0), self._sums(cells, 1)
        found = [
            _Reading(before[place] + self.profiles[place].cost(left) + self._strange(place, left) + self.profiles[place + 1].cost(right) + self._strange(place + 1, right) + after[-1] - after[place + 1], [*cells[:place], left, right, *cells[place + 1 :]],
                     f"A delimiter is missing between {self.names[place]!r} and {self.names[place + 1]!r}, or is another character; the cell was cut where both parts look like the others in their columns.")
            for place, cell in enumerate(cells) if not self.profiles[place].knows(cell) for left, right in self._halves(cell)
            if left.strip() and right.strip() and self.profiles[place].knows(left) and self.profiles[place + 1].knows(right)
        ]
        found = sorted(reading for reading in found if self.belongs(reading.cells))
        return found[0] if found and (len(found) == 1 or found[1].cost >= found[0].cost + SURE) else None

    def _strange(self, index: int, cell: str) -> float:
        return 0.0 if self.profiles[index].forms[_form(cell)] else 1.0

    def _halves(self, cell: str) -> Iterator[tuple[str, str]]:
        """The cell cut in two at each place, and at marks that may stand there for the delimiter; only between its quotes where a quoted cell ends and another begins."""
        if self.mark and self.mark in cell:
            places = [(place, place + 1) for place, mark in enumerate(cell) if mark == self.mark]
        else:
            places = [(place, place) for place in range(1, min(len(cell), MAX_SPLIT_CHARS))]
            places += [(place, place + 1) for place, mark in enumerate(cell[:MAX_SPLIT_CHARS]) if mark in OTHER_MARKS and mark != self.delimiter]
        return ((cell[:end], cell[begin:]) for end, begin in places)

    def _sums(self, cells: list[str], shift: int) -> list[float]:
        """The costs of the first cells, each `shift` columns to the right of its place, summed up; a place outside the table costs nothing."""
        costs = (self.profiles[index + shift].cost(cell) if 0 <= index + shift < self.width else 0.0 for index, cell in enumerate(cells))
        return list(accumulate(costs, initial=0.0))

    def _long(self, number: int, cells: list[str]) -> list[str]:
        if len(cells) - self.width <= 3 and self._can_align():
            readings = sorted([*self._merged(cells), *self._without_empty(cells)])
            best = readings[0] if readings else None
            next_best = next((reading for reading in readings if reading.cells != best.cells), None)
            if best:
                sure = next_best is None or next_best.cost - best.cost >= SURE
                self.note(number, best.what if sure else f"{best.what} There are other ways to read it.", doubtful=not sure)
                return best.cells
        self.note(number, f"The row has {len(cells)} cells where the table has {self.width}; the surplus was joined to the last column. Check which cell holds a delimiter.", doubtful=True)
        return [*cells[: self.width - 1], self.delimiter.join(cells[self.width - 1 :])]

    def _without_empty(self, cells: list[str]) -> list[_Reading]:
        """Readings without as many empty cells, side by side, as there are too many."""
        surplus = len(cells) - self.width
        before, after = self._sums(cells, 0), self._sums(cells, -surplus)
        what = "a delimiter" if surplus == 1 else f"{surplus} delimiters"
        return [
            _Reading(before[place] + after[-1] - after[place + surplus] + LEFT_OUT, [*cells[:place], *cells[place + surplus :]], f"The row has {what} too many; empty cells were left out where the others then fit.")
            for place in range(self.width + 1) if not any(map(str.strip, cells[place : place + surplus]))
        ]

    def _merged(self, cells: list[str]) -> list[_Reading]:
        surplus = len(cells) - self.width
        before, after = self._sums(cells, 0), self._sums(cells, -surplus)
        found = []
        for place in range(self.width):
            if not cells[place].strip() or not cells[place + surplus].strip():
                continue
            joined = self.delimiter.join(cells[place : place + surplus + 1])
            cost = before[place] + self.profiles[place].cost(joined) + after[-1] - after[place + surplus + 1] + MERGED
            found.append(_Reading(cost, [*cells[:place], joined, *cells[place + surplus + 1 :]], f"The row has {len(cells)} cells where the table has {self.width}; a delimiter in {self.names[place]!r} wasn't quoted."))
        return found
