"""How the columns of a file become the fields of an event type."""

from typing import Literal

from schemas.base import Frozen
from schemas.event_type import EventType, FieldType
from schemas.reading import Confidence

DecimalMark = Literal["point", "comma"]


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


class MatchSpec(Frozen):
    """The answer to "What is this usage?": everything needed to turn raw.parquet into events of one type."""

    event_type: EventType
    matches: tuple[FieldMatch, ...]
    ignored: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None
    """The fields that make a row the same row; None means all of them."""
    period: Period | None = None
    answers: dict[str, str] = {}
    """Answers to open questions by their name, such as `date_order.timestamp: day_first`, `decimal_mark.quantity: comma`, `zone.timestamp: Europe/Berlin`."""
    control_count: int | None = None
    control_sums: dict[str, str] = {}
    """Control totals the sender gave, as text: field -> sum."""

    def of(self, field: str) -> FieldMatch | None:
        """The match of a field, or None."""
        return next((match for match in self.matches if match.field == field), None)
