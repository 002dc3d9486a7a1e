"""ClickHouse's SQL: read, written, and translated to DuckDB so that both give the same answer.

The billing system counts in ClickHouse; previews count in DuckDB. One tree is the meaning of a metric: `parse` reads it, `render` writes it for the account, `translate` makes DuckDB's query of it.
"""

from ingest.clickhouse.differences import differences
from ingest.clickhouse.result import result_of
from ingest.clickhouse.tables import Table, table_of
from ingest.clickhouse.template import bind, parse, render, templates
from ingest.clickhouse.text import text_of
from ingest.clickhouse.translate import Translation, translate
from ingest.errors import SqlMistake

__all__ = ["SqlMistake", "Table", "Translation", "bind", "differences", "parse", "render", "result_of", "table_of", "templates", "text_of", "translate"]
