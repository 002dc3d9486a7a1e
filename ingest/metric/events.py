"""The events that a preview counts, as the table that a metric's SQL reads: those of imports, alone or beside what the account holds already."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from ingest.clickhouse import Table, table_of
from ingest.engine import engine, identifier, literal
from ingest.metric.preview import EVENTS
from ingest.values.zones import to_utc
from schemas.account import AccountProfile
from schemas.event_type import ROOT_FIELDS, EventType

ROW, IMPORT = "_row", "_import"
"""Beside the columns of the billing system: the row of the file, and the import; both null for what the account holds."""
EMPTY = {"String": "varchar", "Int64": "bigint", "Float64": "double", "Decimal": "decimal(18, 0)", "Bool": "boolean", "Date32": "date", "DateTime64": "timestamp", "UUID": "uuid"}
DAY = timedelta(days=1)
Merged = Literal["none", "add", "replace"]


@dataclass(frozen=True)
class Events:
    """Which events count: those of some checks (import id and check folder), and what the account held, as it was read back. One of the two at least."""

    event_type: EventType
    profile: AccountProfile
    imports: tuple[tuple[str, Path], ...] = ()
    held: Path | None = None
    merged: Merged = "none"
    """Whether all that the account holds counts too, or only what is outside the days that the imports have events of."""


@dataclass(frozen=True)
class Opened:
    """The events as a view of an engine, named as the table is. `relation` is its SELECT, which needs nothing but the files."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    relation: str
    days: tuple[date, ...] = ()
    """The days of the imports, where these replace what the account holds."""


@contextmanager
def opened(events: Events, column: str, zone: str) -> Iterator[Opened]:
    """The table of the events; `column` says on which day one falls, in the zone."""
    table, when = table_of(events.event_type, events.profile), in_table(column)
    with engine() as connection:
        mine = " union all ".join(_of_import(connection, events.event_type, import_id, folder) for import_id, folder in events.imports)
        days = _days(connection, mine, when, zone) if mine and events.merged == "replace" else []
        parts = [mine] if mine else []
        if events.held and (events.merged != "none" or not mine):
            parts.append(_of_account(events, mine, _outside(when, days, zone, is_date=table.columns.get(when) == "Nullable(Date32)")))
        relation = " union all ".join(parts)
        connection.execute(f"create view {identifier(table.name)} as {relation}")
        kept = {name: kind for name, kind in _columns(connection, identifier(table.name)).items() if name in table.columns}
        yield Opened(connection, replace(table, kept=kept), relation, tuple(days))


def in_table(name: str) -> str:
    """A field's name as the table has it."""
    return name if name in ROOT_FIELDS or name.startswith("data.") else f"data.{name}"


def spans_of(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days as spans of days that follow one another."""
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and day - spans[-1][1] == DAY:
            spans[-1] = spans[-1][0], day
        else:
            spans.append((day, day))
    return spans


def _of_import(connection: duckdb.DuckDBPyConnection, event_type: EventType, import_id: str, folder: Path) -> str:
    """One import's events, with the ids that are sent."""
    source = f"read_parquet({literal(folder / EVENTS)})"
    values = {name: identifier(name) for name in _columns(connection, source)}
    return _select(event_type, {**values, "event_id": "event_id::varchar", "import_id": literal(import_id)}, ROW, literal(import_id), source)


def _of_account(events: Events, mine: str, outside: str) -> str:
    """What the account holds beside the imports: not the very events that they sent there, and not what they replace."""
    source = f"read_parquet({literal(events.held)})"
    everything = _select(events.event_type, {field.name: identifier(field.name) for field in events.event_type.fields}, "null::bigint", "null::varchar", source)
    event_id = identifier("data.event_id")
    sent = f" anti join (select {event_id} from ({mine})) using ({event_id})" if mine and events.event_type.has("event_id") else ""
    return f"select * from ({everything}){sent}{outside}"


def _select(event_type: EventType, values: Mapping[str, str], row: str, import_id: str, source: str) -> str:
    """The columns of the billing system's table in its order, then ours; a field that isn't there is empty."""
    fields = "".join(f"{values.get(field.name, f'null::{EMPTY[field.type]}')} as {identifier(in_table(field.name))}, " for field in event_type.fields)
    return f'select customer_id, "timestamp", {fields}{row} as {ROW}, {import_id} as {IMPORT} from {source}'


def _days(connection: duckdb.DuckDBPyConnection, mine: str, column: str, zone: str) -> list[date]:
    """The days that the imports have events of. Clocks change by quarters of an hour, so one moment of each quarter is enough to ask the zone for."""
    name = identifier(column)
    kind = connection.execute(f"select typeof({name}) from ({mine}) limit 1").fetchone()
    quarters = f"select distinct time_bucket(interval '15 minutes', {name}) as quarter from ({mine}) where {name} is not null"
    of_times = f"select distinct timezone({literal(zone)}, timezone('UTC', quarter))::date as day from ({quarters}) order by 1"
    return [day for day, in connection.execute(f"select distinct {name} as day from ({mine}) where {name} is not null order by 1" if kind == ("DATE",) else of_times).fetchall()]


def _outside(column: str, days: Sequence[date], zone: str, *, is_date: bool) -> str:
    """A WHERE: not on one of these days; what has no day stays."""
    def begin(day: date) -> str:
        return f"date '{day}'" if is_date else f"timestamp '{to_utc(datetime.combine(day, time()), zone):%Y-%m-%d %H:%M:%S}'"

    name = identifier(column)
    spans = [f"({name} >= {begin(first)} and {name} < {begin(last + DAY)})" for first, last in spans_of(days)]
    return f" where coalesce(not ({' or '.join(spans)}), true)" if spans else ""


def _columns(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"describe select * from {source}").fetchall()}
