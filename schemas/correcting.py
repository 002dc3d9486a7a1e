"""Corrections: what a person changed in the table that was read, as a list that is replayed and never edits what came."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, field_validator

from schemas.base import Frozen

Operator = Literal["equals", "not_equals", "contains", "begins_with", "ends_with", "matches", "is_empty", "is_not_empty", "less", "less_or_equal", "greater", "greater_or_equal", "one_of", "none_of"]
Manner = Literal["trim", "upper", "lower"]


class Test(Frozen):
    """One test of a cell. Texts are compared without spaces at their edges; `less` and its kin compare numbers, and speak for no cell that isn't one."""

    __test__ = False  # no test of pytest's

    column: str
    operator: Operator
    value: str = ""
    values: tuple[str, ...] = ()
    """What `one_of` and `none_of` compare with."""
    mark: Literal["point", "comma"] = "point"
    """What separates the decimals of the numbers that `less` and its kin compare."""


class Condition(Frozen):
    """Which rows: all tests hold, and the row is among `rows` where those are given."""

    tests: tuple[Test, ...] = ()
    rows: tuple[int, ...] = ()

    @field_validator("rows")
    @classmethod
    def _in_order(cls, rows: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(rows)))


class Edit(Frozen):
    """The new text of one cell."""

    row: int
    column: str
    value: str


class SetCells(Frozen):
    """Single cells, each with its new text."""

    kind: Literal["set_cells"] = "set_cells"
    edits: tuple[Edit, ...]


class MapValues(Frozen):
    """One text for another, wherever it is the whole cell."""

    kind: Literal["map_values"] = "map_values"
    column: str
    values: dict[str, str]


class FillDown(Frozen):
    """An empty cell gets the text of the nearest one above that isn't."""

    kind: Literal["fill_down"] = "fill_down"
    column: str


class Tidy(Frozen):
    """Spaces made single and taken off the edges, or letters made small or capital."""

    kind: Literal["tidy"] = "tidy"
    column: str
    manner: Manner = "trim"


class ReplacePattern(Frozen):
    """What a regular expression (RE2) finds, replaced; `\\1` is the first group."""

    kind: Literal["replace_pattern"] = "replace_pattern"
    column: str
    pattern: str = Field(min_length=1, max_length=1000)
    replacement: str
    of_this_file: bool = False
    """Whether it says something that the next file of the kind must not take over, such as a year."""


class Split(Frozen):
    """New columns from the pieces of one; the last gets all that is left."""

    kind: Literal["split"] = "split"
    column: str
    separator: str = Field(min_length=1)
    into: tuple[str, ...] = Field(min_length=2)


class Join(Frozen):
    """A new column from the texts of several; empty ones leave no separator behind."""

    kind: Literal["join"] = "join"
    columns: tuple[str, ...] = Field(min_length=2)
    separator: str = ""
    into: str = Field(min_length=1)


class SetWhere(Frozen):
    """One text for a column's cells where a condition holds."""

    kind: Literal["set_where"] = "set_where"
    column: str
    value: str
    where: Condition


class Convert(Frozen):
    """Numbers multiplied, exactly: 1024 turns KiB into bytes. Cells that are no plain number stay as they are, and so need fixing."""

    kind: Literal["convert"] = "convert"
    column: str
    factor: str = Field(pattern=r"^\d{1,12}(\.\d{1,9})?$")
    mark: Literal["point", "comma"] = "point"


class WithUnit(Frozen):
    """Numbers get the unit that stands beside them in another column, and are converted like any that came with one. A cell that has something beside its number already stays as it is."""

    kind: Literal["with_unit"] = "with_unit"
    column: str
    unit: str


class DropRows(Frozen):
    """Rows left out, with the reason that is shown for them."""

    kind: Literal["drop_rows"] = "drop_rows"
    where: Condition
    reason: str = Field(min_length=1)
    of_recipe: bool = False
    """Whether a recipe brought it: nobody has seen yet which rows of this file it leaves out."""


Correction = Annotated[SetCells | MapValues | FillDown | Tidy | ReplacePattern | Split | Join | SetWhere | Convert | WithUnit | DropRows, Field(discriminator="kind")]
CORRECTION: TypeAdapter[Correction] = TypeAdapter(Correction)


class CorrectionOffer(Frozen):
    """Corrections that would make something of the table, with the question whether they shall."""

    text: str
    corrections: tuple[Correction, ...]


class StoredCorrection(Frozen):
    """One correction of an import, as it is listed. `undone` ones can be done again."""

    id: int
    correction: Correction
    who: str
    at: str
    undone: bool = False


def creates(correction: Correction) -> tuple[str, ...]:
    """The columns that a correction adds to the table."""
    if isinstance(correction, Split):
        return correction.into
    return (correction.into,) if isinstance(correction, Join) else ()


def joined(corrections: Iterable[Correction]) -> tuple[str, ...]:
    """The columns whose texts stand in another one now."""
    return tuple(column for each in corrections if isinstance(each, Join) for column in each.columns)


def needs(correction: Correction) -> tuple[str, ...]:
    """The columns that a correction looks at or changes."""
    if isinstance(correction, SetCells):
        return tuple(dict.fromkeys(edit.column for edit in correction.edits))
    if isinstance(correction, Join):
        return correction.columns
    if isinstance(correction, WithUnit):
        return correction.column, correction.unit
    where = tuple(test.column for test in correction.where.tests) if isinstance(correction, SetWhere | DropRows) else ()
    return where if isinstance(correction, DropRows) else (correction.column, *where)
