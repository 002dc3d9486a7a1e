"""How the columns of a file become the fields of an event type."""

from typing import Literal

from schemas.base import Frozen
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType, FieldType
from schemas.reading import Confidence

DecimalMark = Literal["point", "comma"]
ACKNOWLEDGED = "ack."
"""Answers that acknowledge a warning are called by this, its code and, where it has one, its column."""
UNIT_BESIDE, NO_UNIT = "unit_beside.", "none"
"""Answers that name the column in which the numbers of a field have their unit are called by this and the field; or that they are in one unit already."""


class Suggestion(Frozen):
    """A column proposed for a field, with the reason in words. Only `certain` ones are applied without asking."""

    field: str
    column: str
    why: str
    confidence: Confidence


class ColumnProfile(Frozen):
    """What one column of raw.parquet looks like; `distinct` is approximate."""

    column: str
    rows: int
    empty: int
    distinct: int
    examples: tuple[str, ...] = ()
    proposed_type: FieldType = "String"
    why: str = ""


class FieldMatch(Frozen):
    """Where one field's values come from: a column, or a constant for every row. Exactly one of the two is set."""

    field: str
    column: str | None = None
    constant: str | None = None
    why: str = "you said so"
    confidence: Confidence = "certain"


class Period(Frozen):
    """The period of rows that carry no date of their own; they get its last microsecond. Dates are ISO, `end` is exclusive."""

    start: str
    end: str
    zone: str = "UTC"


class ProposedPeriod(Frozen):
    """A period that nobody said, with the reason for it in words."""

    period: Period
    why: str


class EarlierKey(Frozen):
    """What made a row the same row when usage of this kind was last sent to the account: the fields, none for all of them."""

    fields: tuple[str, ...]
    import_id: str
    file_name: str
    sent_at: str


class KeyCandidate(Frozen):
    """One answer to "which columns make a row the same row?", with what it would do to the rows of this file."""

    fields: tuple[str, ...]
    """The key; none means all columns."""
    why: str
    repeated: int = 0
    """Rows that are the same row as an earlier one of this file and the same throughout: counted once, or asked about where all columns are the key."""
    differing: int = 0
    """Rows that are the same row as another one but differ from it: they would need fixing."""
    empty: int = 0
    """Rows without this key: they would need fixing."""
    before: bool = False
    """Whether usage of this kind was last sent under this key."""

    @property
    def clean(self) -> bool:
        """Whether no row would need fixing because of it."""
        return not self.differing and not self.empty


class MatchSpec(Frozen):
    """The answer to "What is this usage?": everything needed to turn raw.parquet into events of one type."""

    event_type: EventType
    matches: tuple[FieldMatch, ...]
    ignored: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None
    """The fields that make a row the same row; None means all of them."""
    key_columns: tuple[str, ...] = ()
    """Columns beside the fields that tell rows apart, such as the number a source's table gives each row. They aren't sent; numbers are those of `key_space`."""
    key_space: str = ""
    """Where such numbers come from: a source's name."""
    period: Period | None = None
    answers: dict[str, str] = {}
    """Answers to open questions by their name, such as `date_order.timestamp: day_first`, `decimal_mark.quantity: comma`, `zone.timestamp: Europe/Berlin`."""
    control_count: int | None = None
    control_sums: dict[str, str] = {}
    """Control totals the sender gave, as text: field -> sum."""
    checks: dict[str, CheckSetting] = {}
    """How checks are set for this kind of usage: `name`, or `name.field` for a check of one field, such as `range.quantity`."""

    @property
    def without_acknowledgements(self) -> "MatchSpec":
        """What checking depends on: a warning that was acknowledged changes no row."""
        return self.model_copy(update={"answers": {name: value for name, value in self.answers.items() if not name.startswith(ACKNOWLEDGED)}})

    @property
    def chosen_key(self) -> tuple[str, ...]:
        """The fields of the key, none for all of them: naming every field is no other answer than naming none. Columns beside them stand last."""
        if self.key_columns:
            return (*(self.key or ()), *self.key_columns)
        matched = {match.field for match in self.matches} | ({"timestamp"} if self.period else set())
        return () if not self.key or matched <= set(self.key) else self.key

    def of(self, field: str) -> FieldMatch | None:
        """The match of a field, or None."""
        return next((match for match in self.matches if match.field == field), None)
