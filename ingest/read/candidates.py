"""Which row holds the names of the columns: the one that reads like names over what stands below it."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.read.header import TextRow, is_rule
from ingest.read.kinds import YEAR, Kind, column_kind, kind_of, shape_of
from schemas.reading import Confidence

HEADER_WITHIN = 30
"""Among how many filled rows at the beginning the header is looked for."""
LOOKED_AT_CELLS = 200_000
MIN_CODES = 3
STRONG = 0.9
"""From this score on a row has text over numbers or dates, or over codes that are all built alike."""
HOURS = 6
"""So many columns numbered one after the other have numbers for names: hours, days, weeks."""
CODE = re.compile(r"[^\sa]")


class Found(NamedTuple):
    """The best row and why; no row where the file has no header."""

    row: TextRow | None
    why: str
    confidence: Confidence


class Below:
    """What one column holds below a row."""

    def __init__(self) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.seen: set[str] = set()
        self.shapes: Counter[str] = Counter()
        self.years = 0

    def add(self, cell: str) -> None:
        """One more cell, further up."""
        text = cell.strip()
        self.seen.add(text)
        if (kind := kind_of(text)) != "empty":
            self.kinds[kind] += 1
            if kind == "text":
                self.shapes[shape_of(text)] += 1
            self.years += len(text) < 10 and bool(YEAR.fullmatch(text))

    @property
    def kind(self) -> Kind:
        """The kind that at least seven in ten cells have, else text."""
        if not self.kinds:
            return "empty"
        kind, most = self.kinds.most_common(1)[0]
        return kind if most >= 0.7 * self.kinds.total() else "text"

    @property
    def code(self) -> str | None:
        """The shape of codes, where all cells have it: E01, E02."""
        if self.kinds.total() < MIN_CODES:
            return None
        shape, most = self.shapes.most_common(1)[0] if self.shapes else ("", 0)
        return shape if most >= 0.95 * self.kinds.total() and "9" in shape else None

    @property
    def holds_years(self) -> bool:
        """Whether years stand here often enough for a year above them to be one of them."""
        return self.years >= 0.3 * max(self.kinds.total(), 1)


def find_header(rows: list[TextRow], width: int) -> Found:
    """The header, scored from the bottom up, so that each row is held against all rows after it."""
    rows = _without_repeated(rows)
    below = [Below() for _ in range(width)]
    scores: dict[int, float] = {}
    looks_like_data: list[int] = []
    need = needed(len({index for row in rows for index, cell in enumerate(row.cells[:width]) if cell.strip()}))
    for index in range(min(len(rows), looked_at(width)) - 1, -1, -1):
        row = rows[index]
        if index < HEADER_WITHIN and row.filled >= need and not is_key_value(row) and not is_rule(row):
            kinds = [column.kind for column in below]
            scores[index] = _score(row, kinds, below)
            if scores[index] <= 0 and _is_like_below(row, kinds, below):
                looks_like_data.append(index)
        for cell, column in zip(row.cells, below, strict=False):
            column.add(cell)
    full = next((index for index in sorted(scores) if scores[index] > 0 and len(rows[index].cells) >= width), len(rows))
    scores = {index: score for index, score in scores.items() if index < full or len(rows[index].cells) >= width}  # a row cut short is damaged where a full one stands above it
    found = _decide(rows, scores, min(looks_like_data, default=len(rows)))
    return found if found.row or not _is_unlike_below(rows, width, need) else Found(rows[0], "it holds no values as they stand below it, and only a few names or the columns' numbers", "possible")


def _is_unlike_below(rows: Sequence[TextRow], width: int, need: int) -> bool:
    """Whether the first row, right above a full one, has names for some of the columns only, or their numbers one after the other, as none of the rows below could hold them."""
    if len(rows) < 3 or rows[1].number != rows[0].number + 1 or rows[1].filled < need or is_key_value(rows[0]):
        return False
    below = [column_kind(row.cells[index] for row in rows[1:HEADER_WITHIN] if index < len(row.cells)) for index in range(width)]
    cells = [cell.strip() for cell in rows[0].cells[:width]]
    if len(cells) == width > 2 and cells in ([str(number + first) for number in range(width)] for first in (0, 1)):
        return any(kind in ("text", "date") for kind in below)
    filled = [cell for cell in cells if cell]
    enough = len(filled) > 1 or (width == 2 and len(filled[0].split()) == 1)
    again = any(cell and index < len(row.cells) and row.cells[index].strip() == cell for row in rows[1:] for index, cell in enumerate(cells))
    return enough and not again and any(kind in ("number", "date") for kind in below) and all(kind_of(cell) == "text" for cell in filled) and len(set(filled)) == len(filled)


def needed(width: int) -> int:
    """How many cells a row has to fill to be a header or the first row of a table."""
    return 1 if width == 1 else max(2, (width + 1) // 2)


def looked_at(width: int) -> int:
    """At how many rows detection looks."""
    return max(20, LOOKED_AT_CELLS // width)


def is_key_value(row: TextRow) -> bool:
    """Whether a row is a name with its value, as above a table: `Customer:` and who it is."""
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    return len(filled) > 1 and filled[0].endswith(":") and not all(cell.endswith(":") for cell in filled[1:])


def _without_repeated(rows: list[TextRow]) -> list[TextRow]:
    """The rows without later copies of a row of texts near the beginning, which is how a header looks that stands on every page; only above numbers or dates, or where the first row alone comes again."""
    texts = {tuple(row.cells) for row in rows[:HEADER_WITHIN] if row.filled >= min(2, len(row.cells)) and all(kind_of(cell) in ("text", "empty") for cell in row.cells)}
    if len(texts) in (0, len(rows)):
        return rows
    seen: set[tuple[str, ...]] = set()
    found = []
    for row in rows:
        cells = tuple(row.cells)
        if cells not in seen and cells[: len(rows[0].cells)] not in seen:
            found.append(row)
        if cells in texts:
            seen.add(cells)
    return found if any(kind_of(cell) in ("number", "date") for row in found[:100] for cell in row.cells) or _only_first_again(rows) else rows


def _only_first_again(rows: list[TextRow]) -> bool:
    """Whether the first row comes again and no other does, or all of them do in the same order, as where a table was pasted twice."""
    first = tuple(rows[0].cells)
    cells = [tuple(row.cells) for row, below in zip(rows, [*rows[1:], None], strict=True) if row.filled > 1 or len(row.cells) == 1 == len(first) or below is None or tuple(below.cells) != first]
    counts = Counter(cells)
    if counts[cells[0]] < 2 or len(counts) < 3:
        return False
    again = cells.index(cells[0], 1)
    return counts.total() - counts[cells[0]] == len(counts) - 1 or (again > 2 and all(before == after for before, after in zip(cells, cells[again:], strict=False)))


def _is_like_below(row: TextRow, kinds: list[Kind], below: list[Below]) -> bool:
    """Whether a row shares a value, or the kind of a column of numbers or dates, or the way its codes are built, with the rows below it."""
    return any(_fits(cell.strip(), kind, column) for cell, kind, column in zip(row.cells, kinds, below, strict=False))


def _fits(cell: str, kind: Kind, column: Below) -> bool:
    if kind in ("number", "date"):
        return kind_of(cell) == kind
    return kind == "text" and bool(cell) and (cell in column.seen or column.code == shape_of(cell))


def _decide(rows: list[TextRow], scores: dict[int, float], first_data: int) -> Found:
    below = _below_key_values(rows, scores)
    candidates = {index: score for index, score in scores.items() if index < first_data} if below is None else {below: scores[below]}
    best = _best(rows, candidates)
    if len(rows) == 1:
        return _only_row(rows[0])
    if best is None or candidates[best] <= 0:
        return Found(None, "the first row looks like the rows below it, so the columns are numbered", "likely")
    if candidates[best] >= STRONG:
        return Found(rows[best], "it names what stands below: text over numbers or dates", "certain")
    return Found(rows[best], "it is the first full row, and nothing in it comes again below", "likely" if len(rows) > 3 else "possible")


def _below_key_values(rows: list[TextRow], scores: dict[int, float]) -> int | None:
    """A row of names over all columns below rows that hold a name and a value each, where there are such."""
    width = max((row.filled for row in rows), default=0)
    for index, score in sorted(scores.items()):
        row, above = rows[index], rows[:index]
        if row.filled < width or score < STRONG or len(above) < 2 or len(rows) - index <= len(above):
            continue
        if any(each.filled > 2 for each in above) or sum(each.filled == 2 for each in above) < 2:
            return None
        return index if width > 2 or (row.number > above[-1].number + 1 and score >= 1.5 and _values_differ(above)) else None
    return None


def _values_differ(rows: Sequence[TextRow]) -> bool:
    """Whether the values below the first are of several kinds, as they are in no column; of one there is no telling."""
    kinds = {kind_of(next(cell for cell in reversed(row.cells) if cell.strip())) for row in rows[1:]}
    return len(rows) == 2 or len(kinds) > 1


def _best(rows: list[TextRow], scores: dict[int, float]) -> int | None:
    """The first row that is nearly as good as the best: a row far down has little below it to be wrong about. Of blocks with blank rows between them, all of names and values, the last."""
    top = max(scores.values(), default=0)
    good = [index for index in sorted(scores) if scores[index] > 0 and (scores[index] >= 0.6 * top or top - scores[index] < 0.5)]
    if not good:
        return None
    strong = [index for index in good if scores[index] >= max(STRONG, 0.75 * top)]
    begins = [index for index, (before, after) in zip(strong[1:], pairwise(strong), strict=True) if any(rows[place + 1].number > rows[place].number + 1 for place in range(before, after))]
    return begins[-1] if begins and strong[0] == good[0] else good[0]


def _only_row(row: TextRow) -> Found:
    if any(kind_of(cell) in ("number", "date") for cell in row.cells):
        return Found(None, "the only row holds numbers or dates, so the columns are numbered", "possible")
    return Found(row, "it is the only row", "likely")


def _score(row: TextRow, kinds: list[Kind], below: list[Below]) -> float:
    """How much a row speaks for being names: the sum over its cells."""
    named = _numbered_names(row, below)
    found = []
    for index, (kind, column) in enumerate(zip(kinds, below, strict=True)):
        cell = row.cells[index].strip() if index < len(row.cells) else ""
        found.append(1.0 if index in named else _cell_score(cell, kind, column))
    if max(found, default=0) >= 1:
        return sum(max(score, -0.5) if kind == "text" else score for score, kind in zip(found, kinds, strict=True))
    return sum(found)


def _cell_score(cell: str, below: Kind, column: Below) -> float:
    """How much one cell speaks for being a column's name, given what stands below it."""
    kind = kind_of(cell)
    if kind == "empty":
        return -0.5 if below != "empty" else 0.0
    if below in ("number", "date"):
        return 1.0 if kind == "text" and cell not in column.seen else -1.0 if kind == below else 0.25
    if below == "empty":
        return (0.2 if column.seen else 0.05) if kind == "text" else 0.0
    if kind != "text" or cell in column.seen:
        return -0.5 if cell not in column.seen else -1.0
    return 0.1 if column.code is None else -0.6 if shape_of(cell) == column.code else STRONG


def _numbered_names(row: TextRow, below: list[Below]) -> set[int]:
    """The cells of a row that are years, or numbers one after the other, over columns of other numbers."""
    cells = list(enumerate(cell.strip() for cell in row.cells[: len(below)]))
    years = [index for index, cell in cells if YEAR.fullmatch(cell) and below[index].kind in ("number", "empty", "text") and not below[index].holds_years]
    named = any(kind_of(cell) == "text" for _, cell in cells)
    if (named or len(years) > 2) and _steps_on([int(row.cells[index].strip()[:4]) for index in years]):
        return set(years)
    numbers = [index for index, cell in cells if cell.isdecimal() and len(cell) < 3]
    values = [int(row.cells[index].strip()) for index in numbers]
    return set(numbers) if named and len(values) >= HOURS and values == list(range(values[0], values[0] + len(values))) and values[0] < 2 else set()


def _steps_on(years: Sequence[int]) -> bool:
    """Whether years go up or down one after the other, the same ones perhaps several times."""
    if not years:
        return False
    steps = {after - before for before, after in pairwise(years)} - {0}
    return all(step > 0 for step in steps) or all(step < 0 for step in steps) or len(set(years)) < len(years) / 2 + 1
