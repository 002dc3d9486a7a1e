"""The event type that is made from a file: a field for every column that is taken along."""

import re
from collections.abc import Collection, Sequence
from itertools import count

from pydantic import ValidationError

from ingest.errors import BadInput
from pages.usage.steps.draft import Choice, Draft, NewField
from pages.usage.steps.lines import Line
from schemas.event_type import OUR_FIELDS, EventType, Field
from schemas.matching import ColumnProfile, Suggestion


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
