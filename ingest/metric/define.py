"""From a metric to the one ClickHouse query that the preview runs (translated) and the account registers."""

from collections.abc import Sequence

from sqlglot import exp

from ingest.clickhouse import Table, render
from ingest.metric import weighted
from ingest.metric.bounds import END, START, Bound, Scope, groups, scope, within
from ingest.metric.cautions import warnings
from ingest.metric.filters import conditions
from ingest.metric.functions import quantity
from ingest.metric.nodes import both, named
from ingest.metric.rounding import rounded
from ingest.metric.sentence import sentence
from schemas.metric import Metric

__all__ = ["query", "registered", "sentence", "warnings"]
ID, EXTERNAL_ID = exp.Placeholder(this="customer.id"), exp.Placeholder(this="customer.external_id")


def query(metric: Metric, table: Table, *, start: Bound, end: Bound, by: Sequence[str] = (), customer: Bound | None = None, zone: str | None = None) -> exp.Select:
    """The query of a metric: one row a group with its columns (`customer_id`, `day`, `month`, field names, in the order of `by`), then `quantity`.

    `start` and `end` are days that both count, `customer` is one of them (None: all). Raises BadInput where the metric doesn't fit the table.
    """
    limits = scope(metric, table, start, end, customer, zone)
    made = weighted.query(metric, limits, by) if metric.function == "weighted_sum" else _grouped(metric, limits, by)
    return made if metric.customer.field == "customer_id" else _told_apart(made, table)


def registered(metric: Metric, table: Table) -> tuple[str, str]:
    """The two texts to register: of all customers (`customer_id`, the dimensions, `quantity`), and of one."""
    if metric.sql is not None:
        return metric.sql, metric.sql
    one = EXTERNAL_ID if metric.customer.column == "external_id" else ID
    return (
        render(query(metric, table, start=START, end=END, by=("customer", *metric.group_by))),
        render(query(metric, table, start=START, end=END, by=metric.group_by, customer=one)),
    )


def _grouped(metric: Metric, limits: Scope, by: Sequence[str]) -> exp.Select:
    parts = groups(metric, limits, by)
    made = quantity(metric, limits.table)
    total = rounded(made.node, metric.rounding, is_float=made.is_float)
    where = both([*within(metric, limits), *conditions(metric.filters, limits.table, limits.zone)])
    selected = exp.select(*(named(node, name) for name, node in parts), named(total, "quantity")).from_(exp.to_table(limits.table.name)).where(where)
    return selected.group_by(*(node.copy() for _, node in parts)) if parts else selected


def _told_apart(made: exp.Select, table: Table) -> exp.Select:
    """The query naming the events' own customer_id by its table: another field goes by that name in the answer."""
    for each in made.find_all(exp.Column):
        if each.name == "customer_id" and not each.table and _reads(each.find_ancestor(exp.Select), table):
            each.set("table", exp.to_identifier(table.name))
    return made


def _reads(select: exp.Select | None, table: Table) -> bool:
    return select is not None and select.args["from_"].this.name == table.name
