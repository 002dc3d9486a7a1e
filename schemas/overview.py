"""What the columns of a checked file hold."""

from typing import Literal

from schemas.base import Frozen

CellState = Literal["valid", "corrected", "invalid", "empty"]
STATES: tuple[CellState, ...] = ("valid", "corrected", "invalid", "empty")
Kind = Literal["text", "number", "time"]


class ColumnOverview(Frozen):
    """One column: every cell counts once. `invalid` has an error (a required cell that is empty among them), `corrected` reads otherwise than in the file."""

    column: str
    field: str | None
    rows: int
    valid: int
    corrected: int
    invalid: int
    empty: int
    distinct: int
    distinct_is_exact: bool


class Frequent(Frozen):
    """One text, and how many cells have it."""

    value: str
    count: int


class Bin(Frozen):
    """One bar of a histogram: from `start` up to `end`, both as text; times have no `end`."""

    start: str
    end: str | None
    count: int


class ColumnValues(Frozen):
    """What stands in one column: its most frequent texts, its range (exact, as text), how its numbers or times spread, and the first cells."""

    column: str
    kind: Kind
    frequent: tuple[Frequent, ...]
    smallest: str | None
    largest: str | None
    histogram: tuple[Bin, ...]
    examples: tuple[str, ...]
