"""What a person should know before money hangs on a metric."""

from collections.abc import Iterator

from ingest.clickhouse import Table, differences, parse, templates
from ingest.metric import formula
from ingest.metric.bounds import customer_column, when
from ingest.metric.columns import column, columns
from ingest.metric.functions import TIE
from schemas.metric import Metric

BOUNDS = ("start_date", "end_date")
SUMS = ("sum", "avg", "sum_product", "weighted_sum")
ORDERED = {"latest": "the one with the largest value counts", "earliest": "the one with the smallest value counts", "weighted_sum": "the one with the largest value holds on"}


def warnings(metric: Metric, table: Table) -> list[str]:
    """Sentences on what can surprise in a metric over this table; none where nothing can. Raises BadInput where the metric doesn't fit the table."""
    return [*_of_sql(metric, table)] if metric.sql is not None else [*_of_numbers(metric, table), *_of_events(metric, table)]


def _of_sql(metric: Metric, table: Table) -> Iterator[str]:
    tree = parse(metric.sql or "")
    yield from differences(tree, [table])
    missing = [f"{{{{{name}}}}}" for name in BOUNDS if name not in templates(tree)]
    if missing:
        yield f"This SQL doesn't ask for {' and '.join(missing)}, so it counts events {'of all times, whatever the period is' if len(missing) == len(BOUNDS) else 'from outside the period, too'}."


def _of_numbers(metric: Metric, table: Table) -> Iterator[str]:
    floats = [name for name in (metric.field, metric.times) if name is not None and column(table, name).type == "Float64"]
    if metric.function in SUMS and floats:
        yield f"{' and '.join(dict.fromkeys(floats))} holds floating numbers: a total may differ in its last digit from run to run. A Decimal adds up exactly."
    is_float = bool(floats) or metric.function in ("avg", "percentile")
    if metric.function == "expression":
        made = formula.read(metric.formula or "", table)
        is_float = made.is_float
        if "/" in (metric.formula or ""):
            yield "A division calculates with floating numbers of about 15 digits; where something is divided by zero, it adds nothing."
        elif is_float:
            yield "The formula calculates with floating numbers: a total may differ in its last digit from run to run."
    if is_float and metric.rounding and metric.rounding.mode in ("up", "down"):
        yield f"Rounding {metric.rounding.mode} takes floating numbers as they are: 1.1 is a little more than 1.1 there, and may come out one step {'higher' if metric.rounding.mode == 'up' else 'lower'}. Half up is safe from that."


def _of_events(metric: Metric, table: Table) -> Iterator[str]:
    if metric.function in ORDERED and TIE not in columns(table):
        yield f"These events have no {TIE}: of several at the same time, {ORDERED[metric.function]}."
    if metric.function == "weighted_sum" and metric.per == "period":
        yield "By day or month, each shows its share of the period's average: together they make the average."
    who, at = customer_column(metric, table), when(metric, table)
    if who.is_nullable:
        yield f"Events without {who.name} belong to no customer and don't count."
    if at.is_nullable:
        yield f"Events without {at.name} fall in no period and don't count."
