"""Which fields make a row the same row: what was chosen before, then what the file's own rows speak for, each with what it would do to them."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingest.engine import engine, identifier
from ingest.match.names import PLACE, names_an_occasion, readings
from ingest.raw import raw_query
from ingest.values.text import trimmed
from schemas.event_type import NUMERIC_TYPES, ROOT_FIELDS
from schemas.matching import EarlierKey, FieldMatch, KeyCandidate, MatchSpec
from schemas.reading import ReadReport

ALL_COLUMNS: tuple[str, ...] = ()
MANY = 6
"""Columns called like ids that are looked at: a file may have hundreds."""


def key_candidates(raw_folder: Path, report: ReadReport, spec: MatchSpec, earlier: EarlierKey | None = None) -> tuple[KeyCandidate, ...]:
    """The sensible keys for this file, the proposed one first; "all columns" is always among them."""
    spec = spec.model_copy(update={"matches": tuple(match for match in spec.matches if match.column is None or match.column in report.columns)})  # one may be gone after another reading
    shown = [*((match.field,) for match in _named_like_ids(spec)), *_by_dimensions(spec)] if report.rows else []
    wanted = dict.fromkeys([*_known(earlier, spec), *shown, ALL_COLUMNS])
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        counted = _count(connection, spec, list(wanted))
    found = [_candidate(fields, *counts, spec, earlier) for fields, counts in zip(wanted, counted, strict=True)]
    return tuple(sorted(found, key=lambda each: (not each.before, _rank(each, spec))))  # a stable order: ids, then dimensions


def propose_key(raw_folder: Path, report: ReadReport, spec: MatchSpec, earlier: EarlierKey | None = None) -> tuple[tuple[str, ...], str]:
    """The fields that most likely make a row the same row, and why. No fields means all columns."""
    first = key_candidates(raw_folder, report, spec, earlier)[0]
    return first.fields, first.why


def key_warning(candidates: Sequence[KeyCandidate], key: Sequence[str]) -> str:
    """What to say where another key than before is chosen; empty where it is the same, or nothing was sent before."""
    before = next((each for each in candidates if each.before), None)
    if before is None or set(before.fields) == set(key):
        return ""
    return f"This isn't how such usage was told apart until now: {before.why}. A corrected row of a file that was sent would be billed beside the old one."


def fitting(earlier: EarlierKey | None, matched: set[str]) -> tuple[str, ...] | None:
    """The earlier key, where this file has all of its fields; None where it has not, or nothing was sent before."""
    return earlier.fields if earlier and set(earlier.fields) <= matched else None


def _known(earlier: EarlierKey | None, spec: MatchSpec) -> list[tuple[str, ...]]:
    key = fitting(earlier, _matched(spec))
    return [] if key is None else [key]


def _matched(spec: MatchSpec) -> set[str]:
    return {match.field for match in spec.matches} | ({"timestamp"} if spec.period else set())


def _named_like_ids(spec: MatchSpec) -> list[FieldMatch]:
    fields = {field.name for field in spec.event_type.usage_fields if field.type in ("String", "UUID", "Int64")}
    return [match for match in spec.matches if match.field in fields and match.column is not None and names_an_occasion(match.column)][:MANY]


def _by_dimensions(spec: MatchSpec) -> list[tuple[str, ...]]:
    """The customer, the time and every field that is neither a number nor a remark: what a quantity is a quantity of. And the customer and the time alone."""
    numeric = any(field.type in NUMERIC_TYPES and spec.of(field.name) for field in spec.event_type.usage_fields)
    others = [field.name for field in spec.event_type.usage_fields if field.type not in NUMERIC_TYPES and (match := spec.of(field.name)) and not _is_remark(match)]
    return [(*ROOT_FIELDS, *others), ROOT_FIELDS] if numeric else []


def _is_remark(match: FieldMatch) -> bool:
    remarks, _ = PLACE["description"]
    names = readings(match.column or "")
    return any(name.endswith("description") or PLACE.get(name, (None, 0))[0] == remarks for name in names)


def _count(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, wanted: Sequence[tuple[str, ...]]) -> list[tuple[int, int, int, int]]:
    """For each key: rows, different rows, different keys, rows without the key."""
    rows = _distinct(spec, ALL_COLUMNS)
    columns = ", ".join(f"{_distinct(spec, fields)}, {_empty(spec, fields)}" for fields in wanted)
    total, different, *counts = connection.execute(f"select count(*), {rows}, {columns} from raw").fetchone()
    return [(total, different, counts[place], counts[place + 1]) for place in range(0, len(counts), 2)]


def _distinct(spec: MatchSpec, fields: Sequence[str]) -> str:
    columns = [trimmed(identifier(match.column)) for match in spec.matches if match.column is not None and (not fields or match.field in fields)]
    return f"count(distinct hash({', '.join(columns)}))" if columns else "least(count(*), 1)"


def _empty(spec: MatchSpec, fields: Sequence[str]) -> str:
    """How many rows lack a part of the key; where customer and time are in it, an empty dimension is as good as any other."""
    needed = [match.column for match in spec.matches if match.column is not None and match.field in fields and match.field not in ROOT_FIELDS]
    if not needed or set(ROOT_FIELDS) <= set(fields):
        return "0"
    return f"count(*) filter ({' or '.join(f'{trimmed(identifier(column))} is null' for column in needed)})"


def _candidate(fields: tuple[str, ...], rows: int, different: int, keys: int, empty: int, spec: MatchSpec, earlier: EarlierKey | None) -> KeyCandidate:
    before = fitting(earlier, _matched(spec)) == fields and earlier is not None
    found = KeyCandidate(fields=fields, why="", repeated=rows - different, differing=0 if not fields else different - keys, empty=empty, before=before)
    return found.model_copy(update={"why": _why(found, rows, spec, earlier)})


def _rank(found: KeyCandidate, spec: MatchSpec) -> int:
    """Keys that no row stands against first, then all columns, then the others: and customer and time alone, where there is more to tell rows apart by."""
    if not found.fields:
        return 1
    sparse = found.fields == ROOT_FIELDS and _by_dimensions(spec)[:1] not in ([], [ROOT_FIELDS])
    return 0 if found.clean and not sparse else 2


def _why(found: KeyCandidate, rows: int, spec: MatchSpec, earlier: EarlierKey | None) -> str:
    if found.before:
        return f"as in the last file of this kind that was sent: {earlier.file_name}, {earlier.sent_at[:10]}{_against(found)}"
    if not rows:
        return "the file has no rows to tell it from"
    if not found.fields:
        return f"every row counts, whatever it has in common with others{_against(found)}"
    if len(found.fields) == 1:
        column = spec.of(found.fields[0]).column
        return f"every row has its own {column!r}" if found.clean and not found.repeated else f"{column!r} looks like a row's own number{_against(found)}"
    return f"a corrected quantity can be told from new usage{_against(found) or ': no two rows of this file agree in these'}"


def _each_billed(repeated: int) -> str:
    return f" and {'is' if repeated == 1 else 'are'} billed as usage of {'its' if repeated == 1 else 'their'} own, unless you say on Review that they count once"


def _against(found: KeyCandidate) -> str:
    """What of this file stands against a key, as the end of a sentence."""
    parts = []
    if found.repeated:
        parts.append(("1 row repeats another exactly" if found.repeated == 1 else f"{found.repeated:,} rows repeat others exactly") + ("" if found.fields else _each_billed(found.repeated)))
    if found.differing:
        parts.append("1 row agrees with another in this but differs from it, and would need fixing" if found.differing == 1 else f"{found.differing:,} rows agree with others in this but differ from them, and would need fixing")
    if found.empty:
        parts.append("1 row has none, and would need fixing" if found.empty == 1 else f"{found.empty:,} rows have none, and would need fixing")
    return f"; {'; '.join(parts)}" if parts else ""
