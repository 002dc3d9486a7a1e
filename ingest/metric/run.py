"""A preview: a metric's own query, translated, over events that weren't sent yet."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import duckdb

from ingest.clickhouse import Table, table_of, text_of, translate
from ingest.engine import identifier
from ingest.errors import BadInput
from ingest.metric import left_out, typed
from ingest.metric.define import query
from ingest.metric.events import Events, Opened, opened, spans_of
from ingest.metric.overflow import overflow
from ingest.metric.recognise import definition
from ingest.wording import count
from schemas.held import AccountCustomer
from schemas.metric import ADDITIVE, Metric, MetricPreview, MetricPreviewSpec

QUANTITIES = "quantities"
TIMES = ("day", "month")
FLOATS = ("DOUBLE", "FLOAT")
SPANS = 3
ADDED_UP = "The total adds up what each line says; whether that has a meaning, the SQL alone doesn't tell."
"""Of SQL that has no form of steps."""
TOO_WIDE = "This metric comes to a number of more than 38 digits, which is the most that a preview can calculate with."
Columns = tuple[tuple[str, str], ...]


def preview(events: Events, metric: Metric, spec: MetricPreviewSpec, customers: Sequence[AccountCustomer] | None = None) -> MetricPreview:
    """The preview. `customers` is whom the account knows, for SQL that asks more of them than an id. Raises BadInput where the metric doesn't fit the events."""
    _check_days(spec)
    built = in_steps(metric, table_of(events.event_type, events.profile))
    with opened(events, (built or metric).date, spec.zone or (built or metric).zone) as found:
        if built is None:
            return _of_typed(found, metric, spec, customers)
        columns = quantities(found, built, spec, spec.by, QUANTITIES)
        return _shown(found, columns, spec, _total(found, built, spec), notes=_left_out(found, built, spec), warnings=overflow(found, built, spec, QUANTITIES))


def in_steps(metric: Metric, table: Table) -> Metric | None:
    """The metric as steps; None for SQL that has no such form."""
    return metric if metric.sql is None else definition(metric.sql, table, metric.name)


def check(metric: Metric, table: Table) -> None:
    """Raises BadInput where a metric can't be counted over this table: an unknown field, a function that doesn't fit, SQL that can't be run."""
    day = str(date(2026, 1, 1))
    if metric.sql is None:
        translate(query(metric, table, start=day, end=day, by=("customer", *metric.group_by)), [table])
    else:
        typed.check(metric, table)


def quantities(found: Opened, metric: Metric, spec: MetricPreviewSpec, by: Sequence[str], name: str) -> Columns:
    """Makes a table of the metric's quantities by these groups; its columns, with the types that ClickHouse gives them. Raises BadInput where a number is wider than DuckDB's decimals."""
    made = translate(query(metric, found.table, start=spec.start, end=spec.end, by=by, zone=spec.zone), [found.table])
    try:
        found.connection.execute(f"create or replace temp table {identifier(name)} as {made.sql}")
    except duckdb.OutOfRangeException:
        raise BadInput(TOO_WIDE, "Look for a mistyped value in the fields that it is calculated from, or leave very large ones out with a condition.") from None
    return made.columns


def _check_days(spec: MetricPreviewSpec) -> None:
    for each in (spec.start, spec.end):
        try:
            date.fromisoformat(each)
        except ValueError:
            raise BadInput(f"{each!r} is not a day.", "Write it as 2026-10-31.") from None
    if spec.end < spec.start:
        raise BadInput(f"The period ends on {spec.end}, before it begins on {spec.start}.", "Both days count: for one day, say it twice.")


def _left_out(found: Opened, metric: Metric, spec: MetricPreviewSpec) -> tuple[str, ...]:
    """How many events have no value where the metric needs one, in words."""
    notes = []
    for field, everything, filled in left_out.counts(metric):
        number = _counted(found, everything, spec) - _counted(found, filled, spec)
        if number:
            notes.append(f"{count(number, 'event')} without {field} {'is' if number == 1 else 'are'} left out.")
    return tuple(notes)


def _counted(found: Opened, metric: Metric, spec: MetricPreviewSpec) -> int:
    quantities(found, metric, spec, (), "counted")
    return int(_sum(found.connection, "counted") or 0)


def _of_typed(found: Opened, metric: Metric, spec: MetricPreviewSpec, customers: Sequence[AccountCustomer] | None) -> MetricPreview:
    """SQL of its own, as it answered for each customer and period."""
    answers = typed.answered(found, metric, spec, customers)
    found.connection.register("answered", answers.rows)
    found.connection.execute(f"create temp table {QUANTITIES} as from answered")
    return _shown(found, answers.columns, spec, _sum(found.connection, QUANTITIES), notes=(*answers.notes, ADDED_UP))


def _total(found: Opened, metric: Metric, spec: MetricPreviewSpec) -> str | None:
    """The sum of the lines where that is the metric of the whole, else the metric without groups. An average over a period is never added up over days."""
    if metric.function not in ADDITIVE:
        quantities(found, metric, spec, (), "whole")
        return _sum(found.connection, "whole")
    if metric.per == "period" and set(TIMES) & set(spec.by):
        quantities(found, metric, spec, [each for each in spec.by if each not in TIMES], "whole")
        return _sum(found.connection, "whole")
    return _sum(found.connection, QUANTITIES)


def _sum(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """All quantities of a table together, exact; None where there is no such number."""
    kind = connection.execute(f"select typeof(any_value(quantity)) from {table}").fetchone()[0]
    try:
        total = connection.execute(f"select {'fsum' if kind in FLOATS else 'sum'}(quantity)::varchar from {table}").fetchone()[0]
    except duckdb.OutOfRangeException:
        return None
    return None if total is None else plain(total)


def plain(number: str) -> str:
    """A number's text without exponent and without zeros at its end; what is no number stays what it is."""
    if not Decimal(number).is_finite():
        return number
    text = format(Decimal(number), "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def _shown(found: Opened, columns: Columns, spec: MetricPreviewSpec, total: str | None, *, notes: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> MetricPreview:
    """The lines in their order, as many as are asked for."""
    groups = [identifier(name) for name, _ in columns if name != "quantity"]
    order = ", ".join(f"{name} nulls last" for name in (["quantity desc", *groups] if spec.order == "quantity" else groups))
    sql = f"select {', '.join([*groups, 'quantity'])} from {QUANTITIES}{f' order by {order}' if order else ''} limit {int(spec.limit)}"
    number = found.connection.execute(f"select count(*) from {QUANTITIES}").fetchone()[0]
    return MetricPreview(columns, text_of(found.connection.sql(sql), columns), total, number, (*_merged(found), *notes), warnings)


def _merged(found: Opened) -> tuple[str, ...]:
    """Which of the account's events the import replaces, in words."""
    if not found.days:
        return ()
    spans = [str(first) if first == last else f"{first} to {last}" for first, last in spans_of(found.days)]
    some = f"{', '.join(spans[:SPANS])}{' …' if len(spans) > SPANS else ''}"
    return (f"What the account holds of the {count(len(found.days), 'day')} that these events are of ({some}) doesn't count: they take its place.",)
