"""The calculations of a metric as ClickHouse SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.errors import BadInput
from ingest.metric import formula
from ingest.metric.bounds import when
from ingest.metric.columns import Column, column, columns
from ingest.metric.nodes import call, floating, number, or_nothing, text, wide
from schemas.metric import Metric, MetricFunction

TIE = "event_id"
"""The field that settles which of two events at the same time is the later one."""
ANY_TYPE: tuple[MetricFunction, ...] = ("count", "count_distinct")


@dataclass(frozen=True)
class Quantity:
    """A calculation in SQL, and whether it comes out as a float."""

    node: exp.Expression
    is_float: bool = False


def quantity(metric: Metric, table: Table) -> Quantity:
    """The metric's calculation over the events of a group. Raises BadInput where a field doesn't fit."""
    if metric.function is None:
        raise BadInput(f"{metric.name!r} is written in SQL, so it has no steps to make a query of.")
    if metric.function == "expression":
        made = formula.read(metric.formula or "", table)
        return Quantity(made.node, made.is_float)
    found = column(table, metric.field) if metric.field is not None else None
    if found is None:
        return Quantity(call("count", exp.Star()))
    if metric.function not in ANY_TYPE:
        numeric(found, metric.function, table)
    return CALCULATIONS[metric.function](metric, found, table)


def numeric(found: Column, function: str, table: Table) -> Column:
    """The column, if it holds numbers."""
    if not found.is_number:
        names = [name for name, each in columns(table).items() if each.is_number]
        raise BadInput(f"{found.name} holds {found.words}, and {NAMES[function]} needs numbers.", f"Fields that hold numbers are {', '.join(names) or 'none'}.")
    return found


def _sum(_: Metric, found: Column, __: Table) -> Quantity:
    """Floats with what each addition lost kept beside, so that the order of the events hardly matters."""
    is_float = found.type == "Float64"
    return Quantity(or_nothing(call("sumKahan" if is_float else "sum", found.node)), is_float)


def _count(_: Metric, found: Column, __: Table) -> Quantity:
    return Quantity(call("count", found.node))


def _count_distinct(_: Metric, found: Column, __: Table) -> Quantity:
    return Quantity(call("uniqExact", found.node))


def _avg(_: Metric, found: Column, __: Table) -> Quantity:
    if found.type != "Float64":
        return Quantity(or_nothing(call("avg", found.node)), is_float=True)
    return Quantity(or_nothing(exp.Div(this=call("sumKahan", found.node), expression=call("count", found.node))), is_float=True)


def _min(_: Metric, found: Column, __: Table) -> Quantity:
    return Quantity(or_nothing(call("min", found.node)), found.type == "Float64")


def _max(_: Metric, found: Column, __: Table) -> Quantity:
    return Quantity(or_nothing(call("max", found.node)), found.type == "Float64")


def _percentile(metric: Metric, found: Column, _: Table) -> Quantity:
    """ClickHouse takes no decimals here."""
    level = number(((metric.p or Decimal(50)) / 100).normalize())
    value = floating(found.node) if found.type == "Decimal" else found.node
    return Quantity(or_nothing(exp.ParameterizedAgg(this="quantileExactInclusive", expressions=[level], params=[value])), is_float=True)


def _sum_product(metric: Metric, found: Column, table: Table) -> Quantity:
    other = numeric(column(table, metric.times or ""), "sum_product", table)
    if "Float64" in (found.type, other.type):
        return Quantity(or_nothing(call("sumKahan", exp.Mul(this=_as_float(found), expression=_as_float(other)))), is_float=True)
    return Quantity(or_nothing(call("sum", exp.Mul(this=wide(found.node, found.digits), expression=wide(other.node, other.digits)))))


def _as_float(found: Column) -> exp.Expression:
    return found.node if found.type == "Float64" else floating(found.node)


def _latest(metric: Metric, found: Column, table: Table) -> Quantity:
    return Quantity(or_nothing(call("argMax", found.node, _order(metric, found, table))), found.type == "Float64")


def _earliest(metric: Metric, found: Column, table: Table) -> Quantity:
    return Quantity(or_nothing(call("argMin", found.node, _order(metric, found, table))), found.type == "Float64")


def _order(metric: Metric, found: Column, table: Table) -> exp.Tuple:
    """What orders the events; the value itself comes last, so that the answer is always the same."""
    return exp.Tuple(expressions=[*moments(metric, table), found.node])


def moments(metric: Metric, table: Table) -> list[exp.Expression]:
    """What tells which of two events came first: their time, then their id."""
    at = when(metric, table)
    times = [at.node] if at.name == "timestamp" else [at.node, column(table, "timestamp").node]
    return [*times, call("ifNull", column(table, TIE).node, text(""))] if TIE in columns(table) else times


NAMES: dict[str, str] = {
    "sum": "a sum", "avg": "an average", "min": "a minimum", "max": "a maximum", "latest": "the latest value", "earliest": "the earliest value", "percentile": "a percentile",
    "weighted_sum": "a weighted sum", "sum_product": "a sum of products",
}
CALCULATIONS: dict[MetricFunction, Callable[[Metric, Column, Table], Quantity]] = {
    "sum": _sum, "count": _count, "count_distinct": _count_distinct, "avg": _avg, "min": _min, "max": _max, "percentile": _percentile, "sum_product": _sum_product, "latest": _latest, "earliest": _earliest,
}
