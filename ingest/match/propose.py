"""What a new event type for this file would be, and which fields make a row the same row."""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingest.engine import engine, identifier
from ingest.match.names import BRACKETS, PLACE, field_names, names_an_occasion, readings, words
from ingest.match.suggest import suggest
from ingest.raw import OWN_COLUMNS, added_columns, raw_query
from ingest.values.text import trimmed
from schemas.event_type import NUMERIC_TYPES, OUR_FIELDS, ROOT_FIELDS, EventType, Field
from schemas.matching import ColumnProfile, FieldMatch, MatchSpec
from schemas.reading import ReadReport

DATED = re.compile(r"(?:^|[\s_\-.])(?:\d{4}[-_.]?\d{2}(?:[-_.]?\d{2})?|\d{1,2}[-_.]\d{4}|q[1-4]|\d{4}|final|export|kopie|copy|v\d+)(?=$|[\s_\-.])", re.IGNORECASE)
ALL_COLUMNS: tuple[str, ...] = ()


def propose_event_type(profiles: Sequence[ColumnProfile], file_name: str) -> EventType:
    """Name, slug and fields of an event type that the file would fit. Columns that are the customer or the time, and empty ones, are no fields."""
    roots = {found.column for found in suggest(profiles, EventType(name="file", slug="file"))}
    columns = tuple(profile.column for profile in profiles)
    roots |= set(added_columns(columns))
    names = field_names(columns, (*ROOT_FIELDS, *OUR_FIELDS, "content", *OWN_COLUMNS))
    fields = tuple(Field(name=names[profile.column], type=profile.proposed_type) for profile in profiles if profile.column not in roots and profile.empty < profile.rows)
    title = _title(file_name)
    return EventType(name=title, slug=_slug(title), fields=fields)


def _title(file_name: str) -> str:
    stem = file_name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    stem = stem.rsplit(".", 1)[0] if "." in stem[1:] else stem
    bare = DATED.sub(" ", BRACKETS.sub(" ", stem))
    text = re.sub(r"[\s_\-.]+", " ", bare if words(bare) else stem).strip()
    return (text[:1].upper() + text[1:])[:80] or "Usage"


def _slug(title: str) -> str:
    slug = words(title).replace(" ", "_")[:60].strip("_") or "usage"
    return slug if slug[0].isalpha() else f"usage_{slug}"


def propose_key(raw_folder: Path, report: ReadReport, spec: MatchSpec) -> tuple[tuple[str, ...], str]:
    """The fields that most likely make a row the same row, and why. No fields means all columns: nothing better showed."""
    if not report.rows:
        return ALL_COLUMNS, "the file has no rows to tell it from"
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        for match in _named_like_ids(spec):
            if _unique(connection, [match], report.rows):
                return (match.field,), f"every row has its own {match.column!r}"
        dimensions = _dimensions(spec)
        numeric = any(field.type in NUMERIC_TYPES and spec.of(field.name) for field in spec.event_type.usage_fields)
        if numeric and _unique(connection, [spec.of(name) for name in dimensions], report.rows):
            return dimensions, "no two rows of this file agree in these, so a corrected quantity can be told from new usage"
    return ALL_COLUMNS, "rows of this file agree in everything but their quantities, or in all"


def _named_like_ids(spec: MatchSpec) -> list[FieldMatch]:
    fields = {field.name for field in spec.event_type.usage_fields if field.type in ("String", "UUID", "Int64")}
    return [match for match in spec.matches if match.field in fields and match.column is not None and names_an_occasion(match.column)]


def _dimensions(spec: MatchSpec) -> tuple[str, ...]:
    """The customer, the time and every field that is neither a number nor a remark: what a quantity is a quantity of."""
    others = [field.name for field in spec.event_type.usage_fields if field.type not in NUMERIC_TYPES and (match := spec.of(field.name)) and not _is_remark(match)]
    return ("customer_id", "timestamp", *others)


def _is_remark(match: FieldMatch) -> bool:
    remarks, _ = PLACE["description"]
    names = readings(match.column or "")
    return any(name.endswith("description") or PLACE.get(name, (None, 0))[0] == remarks for name in names)


def _unique(connection: duckdb.DuckDBPyConnection, matches: Sequence[FieldMatch | None], rows: int) -> bool:
    """Whether no two rows agree in these columns. A field on its own must be filled everywhere, too."""
    columns = [trimmed(identifier(match.column)) for match in matches if match is not None and match.column is not None]
    if not columns:
        return False
    if len(columns) == 1:
        return connection.execute(f"select count(distinct hash({columns[0]})) filter ({columns[0]} is not null) from raw").fetchone()[0] == rows
    return connection.execute(f"select count(distinct hash({', '.join(columns)})) from raw").fetchone()[0] == rows
