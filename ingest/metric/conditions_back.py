"""Filters out of SQL conditions: every operator is tried with the values that stand in the condition."""

from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.errors import BadInput
from ingest.metric.columns import column
from ingest.metric.filters import ALONE, FITTING, LISTS, conditions
from ingest.metric.forms import form, name_of
from ingest.values.exact import WIDE
from schemas.metric import Condition, Filters, Scalar

Part = Condition | Filters
VALUES = ("todate32", "todatetime64", "todecimal128", "touuid")


class Unlike(Exception):
    """A condition that filters can't say."""


def filters_of(rest: Sequence[exp.Expression], table: Table, zone: str) -> Filters | None:
    """The filters of conditions that all hold. Raises Unlike with the text of one that isn't any."""
    parts = tuple(_part(each.unnest(), table, zone) for each in rest)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Filters) else Filters(all=parts)


def _part(node: exp.Expression, table: Table, zone: str) -> Part:
    found = _condition(node, table, zone)
    if found is not None:
        return found
    if not isinstance(node, exp.And | exp.Or):
        raise Unlike(node.sql(dialect="clickhouse"))
    parts = tuple(_part(each.unnest(), table, zone) for each in node.flatten())
    return Filters(all=parts) if isinstance(node, exp.And) else Filters(any=parts)


def _condition(node: exp.Expression, table: Table, zone: str) -> Condition | None:
    """The one condition that makes this SQL."""
    fields = {name_of(each, table) for each in node.find_all(exp.Column)}
    if len(fields) != 1:
        return None
    own, field = form(node, table), fields.pop()
    try:
        operators, values = FITTING[column(table, field).type], _values(node, zone)
    except BadInput:
        return None
    for operator in sorted(operators, key=lambda each: each not in ALONE):
        value = None if operator in ALONE else values if operator in LISTS else values[0] if values else None
        condition = Condition(field=field, operator=operator, value=value)
        try:
            made = conditions(Filters(all=(condition,)), table, zone)[0]
        except BadInput:
            continue
        if form(made, table) == own:
            return condition
    return None


def _values(node: exp.Expression, zone: str) -> tuple[Scalar, ...]:
    """The values in a condition, as one would write them in a filter; a zone or how many digits a type has are none. A time of UTC says so where the metric has another zone."""
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return (WIDE.minus(Decimal(node.this.this)),)
    if isinstance(node, exp.Literal):
        return (node.this,) if node.is_string else (int(node.this) if node.is_int else Decimal(node.this),)
    if isinstance(node, exp.Boolean):
        return (node.this,)
    if isinstance(node, exp.Anonymous) and node.name.lower() in VALUES:
        first = node.expressions[0]
        said = () if isinstance(first, exp.Column) else _values(first, zone)
        in_utc = zone != "UTC" and len(node.expressions) > 2 and node.expressions[2].name == "UTC"
        return tuple(Decimal(each) if node.name.lower() == "todecimal128" else f"{each}Z" if in_utc else each for each in said)
    return tuple(value for each in node.iter_expressions() for value in _values(each, zone))
