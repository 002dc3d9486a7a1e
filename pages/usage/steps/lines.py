"""What step Columns shows, a line a field, each with its doubt; and the answer that comes of the lines.

    suggestions + draft ──▶ lines ──▶ MatchSpec
"""

from collections.abc import Sequence
from datetime import date, timedelta

from ingest.errors import BadInput
from pages.usage.steps.draft import Choice, Draft, period_of
from pages.usage.steps.typed import count_of, total_of
from schemas.base import Frozen
from schemas.event_type import EventType, Field, FieldType
from schemas.matching import ColumnProfile, FieldMatch, MatchSpec, Period, Suggestion
from schemas.reading import Confidence

ROOT_WORDS = {"customer_id": "the customer", "timestamp": "the time"}
DATE_TYPES = ("DateTime64", "Date32")


class Line(Frozen):
    """One field as step Columns shows it. `doubt` says what a person has to settle first; empty when there is nothing."""

    field: str
    type: FieldType
    choice: Choice
    why: str
    confidence: Confidence = "certain"
    doubt: str = ""
    proposed: bool = True


def lines(event_type: EventType, suggestions: Sequence[Suggestion], draft: Draft, profiles: Sequence[ColumnProfile]) -> tuple[Line, ...]:
    """One line a field of the event type: the two root fields first."""
    proposed = {each.field: each for each in suggestions}
    dated = any(profile.proposed_type in DATE_TYPES for profile in profiles)
    columns = {profile.column for profile in profiles}
    fields = (Field(name="customer_id", type="String"), Field(name="timestamp", type="DateTime64"), *event_type.usage_fields)
    return tuple(_line(field, proposed.get(field.name), draft, columns, dated) for field in fields)


def said(field: str) -> str:
    """A field's name inside a sentence."""
    return ROOT_WORDS.get(field, field)


def _line(field: Field, proposed: Suggestion | None, draft: Draft, columns: set[str], dated: bool) -> Line:
    made = draft.choices.get(field.name)
    if made is not None:
        return Line(field=field.name, type=field.type, choice=made, why="you said so", doubt=_doubt_about_choice(field.name, made, columns), proposed=False)
    if proposed is not None:
        sure = proposed.confidence == "certain" or field.name in draft.confirmed
        doubt = "" if sure else f"Please confirm that {proposed.column} is {said(field.name)}."
        return Line(field=field.name, type=field.type, choice=Choice(kind="column", value=proposed.column), why=proposed.why, confidence=proposed.confidence, doubt=doubt)
    return _line_without_proposal(field, field.name in draft.confirmed, dated)


def _line_without_proposal(field: Field, confirmed: bool, dated: bool) -> Line:
    if field.name == "customer_id":
        return Line(field=field.name, type=field.type, choice=Choice(kind="open"), why="no column looks like a customer", confidence="possible", doubt="Choose the column that says which customer, or one customer for all rows.")
    if field.name == "timestamp" and dated:
        return Line(field=field.name, type=field.type, choice=Choice(kind="open"), why="several columns could be the time", confidence="possible", doubt="Choose the column that says when it was used.")
    if field.name == "timestamp":
        doubt = "" if confirmed else "Please confirm the period of these rows."
        return Line(field=field.name, type=field.type, choice=Choice(kind="period"), why="no column looks like a date, so all rows belong to one period", confidence="likely", doubt=doubt)
    doubt = "" if confirmed else f"Please confirm that {said(field.name)} stays empty, or choose where it comes from."
    return Line(field=field.name, type=field.type, choice=Choice(kind="empty"), why="no column of this file looks like it, so it would be empty in every row", confidence="possible", doubt=doubt)


def _doubt_about_choice(field: str, choice: Choice, columns: set[str]) -> str:
    if choice.kind == "open":
        return f"Choose where {said(field)} comes from."
    if choice.kind == "column" and choice.value not in columns:
        return f"The column chosen for {said(field)} isn't in this file any more. Choose another one."
    if choice.kind == "constant" and not choice.value.strip():
        return f"Type the value of {said(field)} that every row gets."
    return ""


def used_columns(made: Sequence[Line]) -> set[str]:
    """The file's columns that some field comes from."""
    return {line.choice.value for line in made if line.choice.kind == "column"}


def match_spec(event_type: EventType, made: Sequence[Line], draft: Draft, columns: Sequence[str], today: date, *, key: tuple[str, ...] | None, before: MatchSpec | None = None) -> MatchSpec:
    """The answer to "What is this usage?". Answers to questions of an earlier check of the same event type are kept."""
    period = None
    if any(line.choice.kind == "period" for line in made):
        first, last = period_of(draft, today)
        if last < first:
            raise BadInput("The period ends before it begins.", "Change its first or last day.")
        period = Period(start=first.isoformat(), end=(last + timedelta(days=1)).isoformat(), zone=draft.zone)
    used = used_columns(made)
    return MatchSpec(
        event_type=event_type, matches=tuple(_field_match(line) for line in made if line.choice.kind in ("column", "constant")),
        ignored=tuple(column for column in columns if column not in used), key=key, period=period,
        answers={**_still_true(before, event_type, made), **draft.answers},
        control_count=count_of(draft.control_count), control_sums={field: str(total) for field, text in draft.control_sums.items() if (total := total_of(text)) is not None},
    )


def _still_true(before: MatchSpec | None, event_type: EventType, made: Sequence[Line]) -> dict[str, str]:
    """The answers of an earlier match that speak of no field whose column is another one now."""
    if before is None or before.event_type.slug != event_type.slug:
        return {}
    moved = {line.field for line in made if (known := before.of(line.field)) and line.choice.kind == "column" and known.column != line.choice.value}
    return {name: value for name, value in before.answers.items() if name.partition(".")[2] not in moved}


def _field_match(line: Line) -> FieldMatch:
    if line.choice.kind == "constant":
        return FieldMatch(field=line.field, constant=line.choice.value.strip(), why="the same in every row")
    return FieldMatch(field=line.field, column=line.choice.value, why=line.why if line.confidence == "certain" else f"{line.why}; confirmed")
