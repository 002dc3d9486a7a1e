"""Whether a total of whole numbers is too large for the 64 bits in which ClickHouse adds them up: it would wrap around, and bill another number."""

from collections.abc import Sequence

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.metric.bounds import Bound
from ingest.metric.columns import column
from ingest.metric.define import query
from ingest.metric.nodes import call, named, wide
from schemas.metric import Metric


def exact_check(metric: Metric, table: Table, *, start: Bound, end: Bound, by: Sequence[str] = (), customer: Bound | None = None, zone: str | None = None) -> exp.Select | None:
    """A query of only those groups whose total wraps: the groups, then `exact`, the true sum. None for a metric that can't wrap."""
    if metric.function not in ("sum", "avg") or column(table, metric.field or "").type != "Int64":
        return None
    made = query(metric.model_copy(update={"function": "sum", "rounding": None}), table, start=start, end=end, by=by, customer=customer, zone=zone)
    summed = column(table, metric.field or "").node
    true = call("sum", wide(summed, 0))
    made.expressions[-1].replace(named(true, "exact"))
    return made.having(exp.NEQ(this=true.copy(), expression=call("sum", summed.copy())))
