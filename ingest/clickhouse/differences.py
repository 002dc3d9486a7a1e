"""Where DuckDB's answer to a query may not be ClickHouse's to the last digit. docs/metrics.md lists them; tests hold that there are no others."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from ingest.clickhouse.functions import known_aggregate
from ingest.clickhouse.tables import Table

ADDED = ("sum", "avg")
ROOTS = ("exp", "log", "log2", "log10", "pow")
"""Functions of which each machine has its own library."""
TO_FLOAT = ("toFloat64", "divide", "avg", *ROOTS, "sqrt")


def differences(expression: exp.Expression, tables: Sequence[Table]) -> list[str]:
    """Sentences on what may differ in this query's answer; none where nothing can."""
    floats = {name.removeprefix("data.") for table in tables for name, kind in table.columns.items() if "Float" in kind}
    return list(dict.fromkeys(_found(expression, floats)))


def _found(expression: exp.Expression, floats: set[str]) -> Iterator[str]:
    for node in expression.find_all(exp.Anonymous, exp.ParameterizedAgg, exp.Distinct):
        aggregate = known_aggregate(node.name) if not isinstance(node, exp.Distinct) else None
        if aggregate and aggregate[0] in ADDED and _is_float(node, floats):
            yield f"{node.name} adds up floating numbers in no fixed order: the last digits may differ from run to run. A Decimal adds up exactly, and sumKahan nearly so."
        elif node.name in ROOTS:
            yield f"{node.name} may differ in its last digit from one machine to another."
        elif node.name == "roundBankers" and _is_float(node, floats):
            yield "roundBankers of floating numbers may differ in the last of their 16 digits."
        elif isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Select) and any(_is_float(each, floats) for each in node.parent.expressions):
            yield "DISTINCT over floating numbers takes 0 and -0 for one."


def _is_float(node: exp.Expression, floats: set[str]) -> bool:
    """Whether what is inside is calculated with floats."""
    return any(isinstance(each, exp.Div) or (isinstance(each, exp.Column) and each.name in floats) or (isinstance(each, exp.Anonymous) and each is not node and each.name in TO_FLOAT) for each in node.walk())
