"""What somebody has answered in step Columns so far. It lies in the import's folder, so that a reload or a colleague goes on where it was left.

    suggestions + draft ──▶ lines (one a field, with its doubt) ──▶ MatchSpec
"""

import re
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Literal

from pydantic import ValidationError

from ingest import files
from ingest.errors import BadInput
from ingest.store import imports
from schemas.base import Frozen
from schemas.event_type import OUR_FIELDS, EventType, Field, FieldType
from schemas.matching import ColumnProfile, FieldMatch, MatchSpec, Period, Suggestion
from schemas.reading import Confidence
from schemas.records import ImportRecord

NEW = "*"
"""Stands for "create a new event type from this file"; no slug looks like this."""

ROOT_WORDS = {"customer_id": "the customer", "timestamp": "the time"}
DATE_TYPES = ("DateTime64", "Date32")


class Choice(Frozen):
    """Where one field's values come from, as it stands on the screen."""

    kind: Literal["column", "constant", "period", "empty", "open"]
    value: str = ""


class NewField(Frozen):
    """A column as a field of the event type that is about to be created."""

    name: str
    type: FieldType
    included: bool = True


class Draft(Frozen):
    """Only what a person said; everything else is proposed afresh from the file."""

    raw_key: str
    event_type: str | None = None
    choices: dict[str, Choice] = {}
    confirmed: tuple[str, ...] = ()
    name: str | None = None
    slug: str | None = None
    columns: dict[str, NewField] = {}
    with_ids: bool = True
    first_day: str | None = None
    last_day: str | None = None
    zone: str = "UTC"
    identity: Literal["proposed", "all", "own"] = "proposed"
    key: tuple[str, ...] = ()
    control_count: str = ""
    control_sums: dict[str, str] = {}

    def with_choice(self, field: str, choice: Choice) -> "Draft":
        """The draft after somebody chose where a field comes from."""
        return self.model_copy(update={"choices": {**self.choices, field: choice}})

    def with_confirmed(self, field: str, yes: bool) -> "Draft":
        """The draft after somebody confirmed a proposal, or took that back."""
        rest = tuple(name for name in self.confirmed if name != field)
        return self.model_copy(update={"confirmed": (*rest, field) if yes else rest})

    def with_event_type(self, slug: str) -> "Draft":
        """The draft after somebody chose another event type: answers about the fields of the earlier one go."""
        if slug == self.event_type:
            return self
        return self.model_copy(update={"event_type": slug, "choices": {}, "confirmed": (), "identity": "proposed", "key": (), "control_sums": {}})


class Line(Frozen):
    """One field as step Columns shows it. `doubt` says what a person has to settle first; empty when there is nothing."""

    field: str
    type: FieldType
    choice: Choice
    why: str
    confidence: Confidence = "certain"
    doubt: str = ""
    proposed: bool = True


def load(import_id: str, raw_key: str, match: MatchSpec | None) -> Draft:
    """The draft of an import; from the stored match where nobody has begun anew. A draft for another reading of the file doesn't count."""
    path = files.import_folder(import_id) / "columns-draft.json"
    try:
        draft = Draft.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        draft = None
    if draft is not None and draft.raw_key == raw_key:
        return draft
    return Draft(raw_key=raw_key) if match is None else from_match(raw_key, match)


def save(import_id: str, draft: Draft) -> None:
    """Keeps a draft."""
    files.write_whole(files.import_folder(import_id) / "columns-draft.json", draft.model_dump_json().encode())


def from_match(raw_key: str, match: MatchSpec) -> Draft:
    """The draft that would lead to a stored match."""
    choices = {each.field: Choice(kind="column", value=each.column) if each.column is not None else Choice(kind="constant", value=each.constant or "") for each in match.matches}
    for field in match.event_type.usage_fields:
        choices.setdefault(field.name, Choice(kind="empty"))
    draft = Draft(
        raw_key=raw_key, event_type=match.event_type.slug, choices=choices, identity="all" if match.key is None else "own", key=match.key or (),
        control_count="" if match.control_count is None else str(match.control_count), control_sums=match.control_sums,
    )
    if match.period is None:
        return draft
    last = date.fromisoformat(match.period.end) - timedelta(days=1)
    period = {"first_day": match.period.start, "last_day": last.isoformat(), "zone": match.period.zone}
    return draft.model_copy(update=period).with_choice("timestamp", Choice(kind="period"))


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
    return Line(field=field.name, type=field.type, choice=Choice(kind="empty"), why="no column looks like it", confidence="possible", doubt=doubt)


def _doubt_about_choice(field: str, choice: Choice, columns: set[str]) -> str:
    if choice.kind == "open":
        return f"Choose where {said(field)} comes from."
    if choice.kind == "column" and choice.value not in columns:
        return f"The column chosen for {said(field)} isn't in this file any more. Choose another one."
    if choice.kind == "constant" and not choice.value.strip():
        return f"Type the value of {said(field)} that every row gets."
    return ""


def proposed_columns(proposal: EventType, suggestions: Sequence[Suggestion], profiles: Sequence[ColumnProfile], roots: set[str], draft: Draft) -> dict[str, NewField]:
    """Every column that is no root field, as a field of a new event type: as a person changed it, as proposed, or left out."""
    fields = {field.name: field for field in proposal.usage_fields}
    by_column = {each.column: fields[each.field] for each in suggestions if each.field in fields}
    result = {}
    for profile in profiles:
        if profile.column in roots:
            continue
        found = by_column.get(profile.column)
        default = NewField(name=found.name, type=found.type) if found else NewField(name=field_name(profile.column), type=profile.proposed_type, included=False)
        result[profile.column] = draft.columns.get(profile.column, default)
    return result


def field_name(column: str) -> str:
    """A column's heading as a field name."""
    name = re.sub(r"\W+", "_", column.strip().lower(), flags=re.ASCII).strip("_") or "column"
    return name if name[0].isalpha() else f"f_{name}"


def new_event_type(draft: Draft, proposal: EventType, columns: dict[str, NewField], taken: Collection[str] = ()) -> EventType:
    """The event type to create; `taken` are the slugs the account has. Raises BadInput where two fields have one name or a name is taken by the billing system."""
    fields = [Field(name=each.name.strip(), type=each.type) for each in columns.values() if each.included]
    if draft.with_ids:
        fields += [Field(name=name, type="String") for name in OUR_FIELDS if name not in {field.name for field in fields}]
    if not (draft.name if draft.name is not None else proposal.name).strip():
        raise BadInput("The new kind of usage has no name yet.", "Give it one.")
    if any(not field.name for field in fields):
        raise BadInput("A field has no name.", "Give it one under Advanced, or leave its column out.")
    try:
        return EventType(name=(draft.name or proposal.name).strip(), slug=slug_of(draft, proposal, taken), fields=tuple(fields))
    except ValidationError:
        raise BadInput("Two fields have the same name, or one is called customer_id or timestamp, which every event has anyway.", "Change the names under Advanced.") from None


def slug_of(draft: Draft, proposal: EventType, taken: Collection[str] = ()) -> str:
    """The slug of a new event type: as typed, else made from the name where that was changed, numbered where it is taken."""
    if draft.slug is not None:
        return draft.slug.strip()
    slug = field_name(draft.name) if draft.name and draft.name.strip() != proposal.name else proposal.slug
    return slug if slug not in taken else next(free for number in count(2) if (free := f"{slug}_{number}") not in taken)


def new_lines(columns: dict[str, NewField]) -> tuple[Line, ...]:
    """The lines of a new event type's own fields: each comes from the column it was made from."""
    return tuple(Line(field=each.name.strip(), type=each.type, choice=Choice(kind="column", value=column), why="a new field made from this column") for column, each in columns.items() if each.included)


def used_columns(made: Sequence[Line]) -> set[str]:
    """The file's columns that some field comes from."""
    return {line.choice.value for line in made if line.choice.kind == "column"}


def period_of(draft: Draft, today: date) -> tuple[date, date]:
    """First and last day of the rows' period; last month where nobody said otherwise."""
    end = today.replace(day=1) - timedelta(days=1)
    first = date.fromisoformat(draft.first_day) if draft.first_day else end.replace(day=1)
    last = date.fromisoformat(draft.last_day) if draft.last_day else end
    return first, last


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
        answers=before.answers if before is not None and before.event_type.slug == event_type.slug else {},
        control_count=count_of(draft.control_count), control_sums={field: str(total) for field, text in draft.control_sums.items() if (total := total_of(text)) is not None},
    )


def _field_match(line: Line) -> FieldMatch:
    if line.choice.kind == "constant":
        return FieldMatch(field=line.field, constant=line.choice.value.strip(), why="the same in every row")
    return FieldMatch(field=line.field, column=line.choice.value, why=line.why if line.confidence == "certain" else f"{line.why}; confirmed")


def count_of(text: str) -> int | None:
    """A number of rows somebody typed; None for nothing. `12,431`, `12.431` and `12 431` are all 12431, since rows come whole."""
    digits = re.sub(r"[\s.,'’]", "", text)
    if not digits:
        return None
    if not digits.isdecimal():
        raise BadInput(f"The number of rows {text.strip()!r} isn't a number.", "Type it in digits, such as 12431.")
    return int(digits)


def total_of(text: str) -> Decimal | None:
    """A sum somebody typed; None for nothing. A comma is taken only where it can just be one thing: `1,234.50` or `1.234,50`, never `1,234`."""
    plain = re.sub(r"[\s'’]", "", text)
    if not plain:
        return None
    if re.fullmatch(r"-?\d+(\.\d+)?", plain):
        return Decimal(plain)
    if re.fullmatch(r"-?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})", plain):
        return Decimal(plain.replace(",", ""))
    if re.fullmatch(r"-?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})", plain):
        return Decimal(plain.replace(".", "").replace(",", "."))
    if re.fullmatch(r"-?\d+,(\d{1,2}|\d{4,})", plain):
        return Decimal(plain.replace(",", "."))
    raise BadInput(f"The total {text.strip()!r} can be read in more than one way, or isn't a number.", "Type it with a point before the decimals and nothing else, such as 1234.50.")


class Place(Frozen):
    """Which draft a widget of this step changes."""

    record: ImportRecord
    raw_key: str
    who: str

    def draft(self) -> Draft:
        """The draft as it stands."""
        return load(self.record.id, self.raw_key, self.before())

    def before(self) -> MatchSpec | None:
        """How this import was matched last time, or the one whose rows it brings back corrected (without the totals that were given for that)."""
        if self.record.match is not None or self.record.fixes is None:
            return self.record.match
        fixed = imports.get(self.record.fixes).match
        return fixed and fixed.model_copy(update={"control_count": None, "control_sums": {}})

    def keep(self, draft: Draft) -> None:
        """Stores a changed draft."""
        save(self.record.id, draft)

    def change(self, **values: object) -> None:
        """Stores the draft with some answers changed."""
        self.keep(self.draft().model_copy(update=values))

    def key(self, name: str) -> str:
        """A widget's key: another reading of the file has other widgets."""
        return f"columns_{self.record.id}_{self.raw_key}_{name}"
