"""Periods, customers and groups of a metric's query: days begin at midnight in the zone, both bounds count."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.errors import BadInput
from ingest.metric.columns import Column, column, known, plain
from ingest.metric.nodes import call, no, number, text
from ingest.values.zones import zone as existing
from schemas.event_type import ROOT_FIELDS
from schemas.metric import Metric

Bound = str | exp.Placeholder
START, END = exp.Placeholder(this="start_date"), exp.Placeholder(this="end_date")
TIMES = ("Date32", "DateTime64")
WHO = ("String", "UUID", "Int64")
TAKEN = (*ROOT_FIELDS, "quantity", "customer", "day", "month", "data", "_level", "_since", "_until", "_day", "_begins", "_ends")
"""Names that a field's column can't go by in an answer: something else is called so there, or in the query."""


@dataclass(frozen=True)
class Scope:
    """What a query is about beside its calculation: the table, the first and last day, the zone of the days, and the customer (None: all)."""

    table: Table
    start: Bound
    end: Bound
    zone: str
    customer: Bound | None = None


def scope(metric: Metric, table: Table, start: Bound, end: Bound, customer: Bound | None, zone: str | None) -> Scope:
    """The scope; raises BadInput for an unknown zone."""
    name = zone or metric.zone
    existing(name)
    return Scope(table, start, end, name, customer)


def when(metric: Metric, table: Table) -> Column:
    """The column that says when an event counts."""
    found = column(table, metric.date)
    if found.type not in TIMES:
        raise BadInput(f"{metric.date!r} holds {found.words}, so it can't say in which period an event falls.", f"Columns that can are {_of(table, TIMES)}.")
    return found


def day_of(found: Column, zone: str) -> exp.Expression:
    """The day of a time in the zone; dates are days already. A plain toDate would come out wrong before 1970."""
    return found.node if found.type == "Date32" else call("toDate32", found.node, text(zone))


def day(value: Bound) -> exp.Expression:
    """A bound as a day."""
    return call("toDate32", text(value) if isinstance(value, str) else value.copy())


def within(metric: Metric, limits: Scope) -> list[exp.Expression]:
    """The conditions of the period and the customer."""
    found = day_of(when(metric, limits.table), limits.zone)
    return [exp.GTE(this=found, expression=day(limits.start)), exp.LTE(this=found.copy(), expression=day(limits.end)), *of_customer(metric, limits)]


def of_customer(metric: Metric, limits: Scope) -> list[exp.Expression]:
    """The condition of the customer: one, or any where a field names it and may be empty."""
    who = customer_column(metric, limits.table)
    if limits.customer is None:
        return [no(exp.Is(this=who.node, expression=exp.Null()))] if who.is_nullable else []
    value = text(limits.customer) if isinstance(limits.customer, str) else exp.cast(limits.customer.copy(), "String", dialect="clickhouse")
    return [exp.EQ(this=as_text(who), expression=value)]


def customer_column(metric: Metric, table: Table) -> Column:
    """The column that names the customer."""
    found = column(table, metric.customer.field)
    if found.type not in WHO:
        raise BadInput(f"{found.name!r} holds {found.words}, so it can't name the customer.", f"Columns that can are {_of(table, WHO)}.")
    return found


def as_text(found: Column) -> exp.Expression:
    """A column as text, whatever it holds."""
    return found.node if found.type == "String" else call("toString", found.node)


def group(metric: Metric, limits: Scope, name: str) -> tuple[str, exp.Expression]:
    """What one part of an answer is called, and its SQL: the customer, the day, the month, or a field."""
    if name == "customer":
        return "customer_id", as_text(customer_column(metric, limits.table))
    if name in ("day", "month"):
        found = day_of(when(metric, limits.table), limits.zone)
        return name, found if name == "day" else month_of(found)
    return heading(name), dimension(metric, limits.table, name).node


def month_of(of_day: exp.Expression) -> exp.Expression:
    """The month of a day as people write it: 2026-10."""
    return call("left", call("toString", of_day), number(7))


def groups(metric: Metric, limits: Scope, by: Sequence[str]) -> list[tuple[str, exp.Expression]]:
    """All parts of an answer, in the order asked for; each once."""
    return [group(metric, limits, name) for name in dict.fromkeys(by)]


def dimension(metric: Metric, table: Table, name: str) -> Column:
    """The column that splits an answer."""
    found = column(table, name)
    if found.name in ROOT_FIELDS:
        raise BadInput(f"{found.name!r} is no dimension.", f"Group by customer, day, month, or {', '.join(each for each in known(table) if each not in ROOT_FIELDS)}.")
    return found


def heading(name: str) -> str:
    """The name of a field's column in an answer."""
    field = plain(name)
    return f"data.{field}" if field in TAKEN else field


def _of(table: Table, types: tuple[str, ...]) -> str:
    return ", ".join(name for name in known(table) if column(table, name).type in types)
