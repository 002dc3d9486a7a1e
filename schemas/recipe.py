"""Recipes: what was learnt about one kind of file, so that the next one of its kind goes through by itself."""

from pydantic import Field

from schemas.base import Frozen
from schemas.check_setting import CheckSetting
from schemas.correcting import Correction
from schemas.matching import FieldMatch
from schemas.reading import ReadSpec


class Part(Frozen):
    """How rows of one kind of usage are matched, corrected and checked."""

    event_type: str
    """The event type's slug."""
    values: tuple[str, ...] = ()
    """Where a file holds several kinds of usage: the texts in the column `by`, or the sheet, that say so of a row."""
    matches: tuple[FieldMatch, ...] = ()
    ignored: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None
    answers: dict[str, str] = {}
    corrections: tuple[Correction, ...] = ()
    checks: dict[str, CheckSetting] = {}
    """Severities and parameters of checks, by name or name.field."""
    has_period: bool = False
    """Whether rows carry no date, so that each file has a period of its own: the one that its name or the month before lets expect, or one that is said."""
    period_zone: str = "UTC"
    """The time zone in which that period ends."""


class Recipe(Part):
    """How files of one kind are read, matched, corrected and checked. Nothing in it belongs to one file: no single cells, no row numbers, no period, no control totals."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")
    columns: tuple[str, ...]
    """The columns that the file had when the recipe was made."""
    read: ReadSpec = ReadSpec()
    by: str | None = None
    """The column that says which kind of usage a row is; None where there is one kind, or a sheet decides."""
    others: tuple[Part, ...] = ()
    """The kinds of usage in the same file beside this one."""
    left_out: tuple[str, ...] = ()
    """What is no usage, as somebody said."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All kinds of usage in the file, this one first."""
        return (self, *self.others)

    @property
    def is_divided(self) -> bool:
        """Whether a file is taken apart into kinds of usage."""
        return bool(self.values)

    @property
    def is_by_sheet(self) -> bool:
        """Whether its sheets say what they are."""
        return self.is_divided and self.by is None


class StoredRecipe(Frozen):
    """One version of a recipe, with who made it and when."""

    recipe: Recipe
    version: int
    who: str
    at: str


class Drift(Frozen):
    """How a file's columns differ from those of the recipe: `gone` and `new`, and which new one probably is which gone one."""

    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
