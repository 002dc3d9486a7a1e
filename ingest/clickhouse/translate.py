"""A ClickHouse query to the DuckDB query that gives the same answer. A whitelist: what isn't known is refused with its place."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ingest.clickhouse.dialect import DuckDBAsWritten
from ingest.clickhouse.scope import Column
from ingest.clickhouse.select import Selects
from ingest.clickhouse.tables import Table
from ingest.clickhouse.template import templates
from ingest.clickhouse.values import Value, as_number
from ingest.errors import BadInput, SqlMistake


@dataclass(frozen=True)
class Translation:
    """DuckDB's SQL, and name and ClickHouse type of each column of its result."""

    sql: str
    columns: tuple[tuple[str, str], ...]


def translate(expression: exp.Expr, tables: Sequence[Table]) -> Translation:
    """The DuckDB query with ClickHouse's answer. Raises SqlMistake for what can't be previewed, BadInput for a template without a value."""
    left = templates(expression)
    if left:
        raise BadInput(f"There is no value for {', '.join(f'{{{{{each}}}}}' for each in sorted(left))}.", "Bind the templates first.")
    try:
        relation = Selects({each.name: each for each in tables}).translated(expression)
        outer = exp.select(*(_shown(each) for each in relation.columns)).from_(exp.Subquery(this=relation.sql, alias=exp.TableAlias(this=exp.to_identifier("answer", quoted=True))))
        return Translation(outer.sql(dialect=DuckDBAsWritten, comments=False), tuple((each.name, str(each.type)) for each in relation.columns))
    except RecursionError:
        raise SqlMistake("The SQL is nested too deeply.", "Split it with WITH.") from None


def _shown(column: Column) -> exp.Expr:
    """The column under its own name; a condition as 1 and 0."""
    value = Value(exp.column(column.kept_as, table="answer", quoted=True), column.type, truth=column.truth)
    shown = as_number(value) if column.truth and column.type.name != "Bool" else value.sql
    return exp.alias_(shown, column.name, quoted=True)
