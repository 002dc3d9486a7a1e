"""Results as texts that are exact and the same from both engines: no exponents, no zeros at the end."""

from collections.abc import Sequence
from functools import lru_cache

import duckdb
import pyarrow as pa
from sqlglot import exp

from ingest.clickhouse.dialect import DuckDBAsWritten, duck
from ingest.clickhouse.types import read_type
from ingest.clickhouse.values import Value
from ingest.clickhouse.written import plain_float_text, text_sql

COLUMN = '"\x02"'


def text_of(relation: duckdb.DuckDBPyRelation, columns: Sequence[tuple[str, str]]) -> pa.Table:
    """The relation's columns as texts; `columns` are a Translation's names and types, in the relation's order."""
    plain = ", ".join(_as_text(name, kept, kind) for (name, kind), kept in zip(columns, relation.columns, strict=True))
    return relation.project(plain).to_arrow_table()


def _as_text(name: str, kept: str, kind: str) -> str:
    own, shown = (exp.to_identifier(each, quoted=True).sql(dialect=DuckDBAsWritten) for each in (kept, name))
    return f"{_written(kind).replace(COLUMN, own)} AS {shown}"


@lru_cache(maxsize=200)
def _written(kind: str) -> str:
    """The SQL of a type's text, with COLUMN in the place of the column."""
    value = Value(exp.column("\x02", quoted=True), read_type(kind))
    if value.type.is_float:
        shown = duck("case when :x = 0 then '0' else :text end", x=value.sql, text=plain_float_text(value.sql))
    elif value.type.is_null:
        shown = exp.cast(exp.Null(), "varchar")
    else:
        shown = text_sql(value)
    return shown.sql(dialect=DuckDBAsWritten)
