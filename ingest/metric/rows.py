"""From a number back to the very events that made it."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import duckdb
import pyarrow as pa
from sqlglot import exp

from ingest.clickhouse import Table, translate
from ingest.engine import identifier
from ingest.metric.bounds import as_text, customer_column, scope, within
from ingest.metric.columns import column, columns, plain
from ingest.metric.events import IMPORT, ROW, Events, Opened, opened
from ingest.metric.filters import conditions
from ingest.metric.functions import TIE
from ingest.metric.nodes import both, named, text
from schemas.event_type import ROOT_FIELDS
from schemas.metric import Condition, Filters, Metric, MetricPreviewSpec, Scalar

COUNTS = "_counts"
OURS = {ROW: "Nullable(Int64)", IMPORT: "Nullable(String)"}


@dataclass(frozen=True)
class RowsBehind:
    """A page of the events of one line. `rows` has `_counts` (whether this event decides the number), `_row` and `_import` (null for what the account holds), `customer_id`, `timestamp` and every field."""

    rows: pa.Table
    events: int
    """How many there are in all."""
    counting: int
    """How many of them decide the number: all that have the field, or those that are the largest, the latest and so on. They come first."""


def rows_behind(events: Events, metric: Metric, spec: MetricPreviewSpec, group: Mapping[str, str | None], *, offset: int = 0, limit: int = 50) -> RowsBehind:
    """The events behind one line of a preview; `group` has the line's groups as the preview shows them (none: all events that count)."""
    first, last = _period(spec, group)
    with opened(events, metric.date, spec.zone or metric.zone) as found:
        sql = _events_sql(found.table, metric, first, last, spec.zone or metric.zone, group)
        counts = _counts(found, metric, sql)
        every = f"select {counts} as {COUNTS}, * from ({sql})"
        total, counting = found.connection.execute(f"select count(*), count(*) filter ({COUNTS}) from ({every})").fetchone()
        order = ", ".join(identifier(each) for each in ("timestamp", TIE) if each in ROOT_FIELDS or each in columns(found.table))
        page = f"{every} order by {COUNTS} desc, {order}, {ROW} limit {int(limit)} offset {int(offset)}"
        return RowsBehind(_page(found.connection, page), total, counting)


def _period(spec: MetricPreviewSpec, group: Mapping[str, str | None]) -> tuple[str, str]:
    """The days of a line: those of the preview, or of its day or month."""
    first, last = spec.start, spec.end
    if month := group.get("month"):
        first, last = max(first, f"{month}-01"), min(last, f"{month}-{monthrange(int(month[:4]), int(month[5:7]))[1]}")
    return (day, day) if (day := group.get("day")) else (first, last)


def _events_sql(table: Table, metric: Metric, first: str, last: str, zone: str, group: Mapping[str, str | None]) -> str:
    """The events of a line by the metric's own conditions, with every column. What was set before a period counts in it for a weighted sum, so the first day isn't asked for there."""
    limits = scope(metric, table, first, last, None, zone)
    period = within(metric, limits)
    kept = period[1:] if metric.function == "weighted_sum" else period
    where = both([*kept, *conditions(metric.filters, table, zone), *conditions(_of_fields(table, group), table, zone), *_of_customer(table, metric, group), *_without(table, group)])
    wide = replace(table, columns={**table.columns, **OURS})
    every = [*(named(exp.column(name), name) for name in OURS), *(named(each.node, name) for name, each in columns(table).items())]
    before = [named(exp.Not(this=period[0].copy()) if metric.function == "weighted_sum" else exp.false(), "_before")]
    return translate(exp.select(*before, *every).from_(exp.to_table(table.name)).where(where), [wide]).sql


def _of_customer(table: Table, metric: Metric, group: Mapping[str, str | None]) -> list[exp.Expression]:
    who = group.get("customer_id")
    return [] if who is None else [exp.EQ(this=as_text(customer_column(metric, table)), expression=text(who))]


def _of_fields(table: Table, group: Mapping[str, str | None]) -> Filters | None:
    """The conditions of a line's fields: the value that it shows, or none."""
    asked = {plain(name): value for name, value in group.items() if name not in ("customer_id", "day", "month")}
    found = tuple(Condition(field=name, operator="equals", value=_typed(table, name, value)) for name, value in asked.items() if value is not None)
    return Filters(all=found) if found else None


def _without(table: Table, group: Mapping[str, str | None]) -> list[exp.Expression]:
    return [exp.Is(this=column(table, name).node, expression=exp.Null()) for name, value in group.items() if value is None and plain(name) in columns(table)]


def _typed(table: Table, name: str, value: str) -> Scalar:
    """A value as the preview shows it, as a filter takes it."""
    kind = column(table, name).type
    return value == "true" if kind == "Bool" else int(value) if kind == "Int64" else Decimal(value) if kind in ("Decimal", "Float64") else value


def _counts(found: Opened, metric: Metric, sql: str) -> str:
    """SQL for whether an event decides the number."""
    if metric.field is None:
        return "not _before"
    name = identifier(plain(metric.field))
    if metric.function in ("min", "max"):
        return f"coalesce({name} = (select {metric.function}({name}) from ({sql})), false)"
    if metric.function in ("latest", "earliest"):
        return _ends(found, metric, sql, name)
    if metric.function == "percentile":
        return f"coalesce({name} in ({_neighbours(found.connection, metric, sql, name)}), false)"
    if metric.function == "weighted_sum":
        last = _moment(found, metric)
        return f"{name} is not null and (not _before or {last} = max({last}) filter ({name} is not null and _before) over (partition by customer_id))"
    return f"{name} is not null"


def _moment(found: Opened, metric: Metric) -> str:
    """What orders events in time, as one value; the id settles ties."""
    parts = [identifier(plain(each)) for each in dict.fromkeys((metric.date, "timestamp"))]
    return f"row({', '.join([*parts, *([f'''coalesce({TIE}, '')'''] if TIE in columns(found.table) else [])])})"


def _ends(found: Opened, metric: Metric, sql: str, name: str) -> str:
    moment = _moment(found, metric)
    return f"{name} is not null and {moment} = (select {'max' if metric.function == 'latest' else 'min'}({moment}) from ({sql}) where {name} is not null)"


def _neighbours(connection: duckdb.DuckDBPyConnection, metric: Metric, sql: str, name: str) -> str:
    """The one or two values between which a percentile lies."""
    numbers = connection.execute(f"select count({name}) from ({sql})").fetchone()[0]
    place = (metric.p or Decimal(50)) / 100 * max(numbers - 1, 0)
    return f"select {name} from ({sql}) where {name} is not null order by 1 limit {1 if place == int(place) else 2} offset {int(place)}"


def _page(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    found = [(name, kind) for name, kind, *_ in connection.execute(f"describe {sql}").fetchall() if name != "_before"]
    shown = ", ".join(f"{identifier(name)}{'::varchar' if kind == 'UUID' else ''} as {identifier(name)}" for name, kind in found)
    return connection.execute(f"select {shown} from ({sql})").to_arrow_table()
