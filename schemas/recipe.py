"""Recipes: what was learnt about one kind of file, so that the next one of its kind goes through by itself."""

from pydantic import Field

from schemas.base import Frozen
from schemas.check_setting import CheckSetting
from schemas.correcting import Correction
from schemas.matching import FieldMatch
from schemas.reading import ReadSpec


class Recipe(Frozen):
    """How files of one kind are read, matched, corrected and checked. Nothing in it belongs to one file: no single cells, no row numbers, no period, no control totals."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")
    event_type: str
    """The event type's slug."""
    columns: tuple[str, ...]
    """The columns that the file had when the recipe was made."""
    read: ReadSpec = ReadSpec()
    matches: tuple[FieldMatch, ...] = ()
    ignored: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None
    answers: dict[str, str] = {}
    corrections: tuple[Correction, ...] = ()
    checks: dict[str, CheckSetting] = {}
    """Severities and parameters of checks, by name or name.field."""
    has_period: bool = False
    """Whether rows carry no date, so that each file's period has to be said."""


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
