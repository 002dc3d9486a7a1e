"""What a new event type for this file would be."""

import re
from collections.abc import Collection, Sequence

from ingest.match.names import BRACKETS, field_names, words
from ingest.match.suggest import suggest
from ingest.raw import OWN_COLUMNS, added_columns
from ingest.values import units
from schemas.event_type import OUR_FIELDS, ROOT_FIELDS, EventType, Field
from schemas.matching import ColumnProfile

DATED = re.compile(r"(?:^|[\s_\-.])(?:\d{4}[-_.]?\d{2}(?:[-_.]?\d{2})?|\d{1,2}[-_.]\d{4}|q[1-4]|\d{4}|final|export|kopie|copy|v\d+)(?=$|[\s_\-.])", re.IGNORECASE)


def propose_event_type(profiles: Sequence[ColumnProfile], file_name: str, joined: Collection[str] = ()) -> EventType:
    """Name, slug and fields of an event type that the file would fit. Columns that are the customer or the time, empty ones, those that were joined to others, and units to which numbers are converted are no fields."""
    roots = {found.column for found in suggest(profiles, EventType(name="file", slug="file"))}
    columns = tuple(profile.column for profile in profiles)
    roots |= {*added_columns(columns), *joined}
    names = field_names(columns, (*ROOT_FIELDS, *OUR_FIELDS, "content", *OWN_COLUMNS))
    fields = tuple(Field(name=names[profile.column], type=profile.proposed_type) for profile in profiles if profile.column not in roots and profile.empty < profile.rows and not _says_units(profile))
    title = _title(file_name)
    return EventType(name=title, slug=_slug(title), fields=fields)


def _says_units(profile: ColumnProfile) -> bool:
    """Whether a column says GB here and MB there: once numbers are converted to one unit, what it says isn't true any more."""
    said = [units.SPELLINGS.get(example) for example in profile.examples]
    return len(set(said)) > 1 and None not in said and bool(units.targets(said))


def _title(file_name: str) -> str:
    stem = file_name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    stem = stem.rsplit(".", 1)[0] if "." in stem[1:] else stem
    bare = DATED.sub(" ", BRACKETS.sub(" ", stem))
    text = re.sub(r"[\s_\-.]+", " ", bare if words(bare) else stem).strip()
    return (text[:1].upper() + text[1:])[:80] or "Usage"


def _slug(title: str) -> str:
    slug = words(title).replace(" ", "_")[:60].strip("_") or "usage"
    return slug if slug[0].isalpha() else f"usage_{slug}"
