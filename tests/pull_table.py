"""A table that tests write rows into, as a connector: what the run engine is tried with. The connectors themselves are tried with real servers."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ingest.engine import identifier, literal
from ingest.errors import Unreachable
from ingest.pull.connector import Connection
from ingest.pull.connectors import CONNECTORS, connector
from ingest.pull.pulled_file import as_text, from_query
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Window

KINDS = {"TIMESTAMP WITH TIME ZONE": "time", "TIMESTAMP": "naive_time", "BIGINT": "integer", "DATE": "date", "VARCHAR": "text"}


class TableConnection(Connection):
    """A DuckDB file with one table `usage`."""

    path: Path


class PullTable:
    """Rows of a table in a DuckDB file. `broken` makes the next fetches fail, as a server that goes away does."""

    name, title, kind, model, libraries = "table", "A table", "tables", TableConnection, ()
    broken = 0
    fetches = 0

    def rights(self, connection: TableConnection | None, read: Read | None) -> str:
        return "none"

    def addresses(self, connection: TableConnection) -> tuple[tuple[str, int], ...]:
        return ()

    def test(self, connection: TableConnection, read: Read | None = None) -> Diagnosis:
        return Diagnosis(steps=())

    def discover(self, connection: TableConnection, within: str = "") -> tuple[Found, ...]:
        return (Found(name="usage"),)

    def columns(self, connection: TableConnection, read: Read) -> tuple[SourceColumn, ...]:
        with duckdb.connect(connection.path) as opened:
            return tuple(SourceColumn(name=name, type=kind, kind=KINDS.get(kind, "other")) for name, kind, *_ in opened.execute("describe usage").fetchall())

    def preview(self, connection: TableConnection, read: Read, limit: int = 100) -> pa.Table:
        with duckdb.connect(connection.path) as opened:
            return opened.execute(f"select * from usage limit {limit}").to_arrow_table()

    def count(self, connection: TableConnection, read: Read, window: Window) -> Fetched:
        with duckdb.connect(connection.path) as opened:
            return Fetched(rows=opened.execute(f"select count(*) from usage where {_within(read, window)}").fetchone()[0])

    def fetch(self, connection: TableConnection, read: Read, window: Window, to: Path) -> Fetched:
        type(self).fetches += 1
        if type(self).broken:
            type(self).broken -= 1
            raise Unreachable("The database went away in the middle.", "Nothing was lost; the next run tries again.")
        with duckdb.connect(connection.path) as opened:
            opened.execute("set timezone = 'UTC'")
            query = f"select * from usage where {_within(read, window)}"
            rows = from_query(opened, query, to, "usage")
            types = {name: kind for name, kind, *_ in opened.execute("describe usage").fetchall()}
            newest = opened.execute(f"select {as_text(f'max({identifier(read.cursor)})', types[read.cursor])} from ({query})").fetchone()[0] if read.cursor and rows else None
        return Fetched(rows=rows, newest=newest)


def _within(read: Read, window: Window) -> str:
    if not read.cursor:
        return "true"
    bounds = [f"{identifier(read.cursor)} {sign} {literal(bound)}" for sign, bound in ((">=", window.since), ("<", window.until)) if bound is not None]
    return " and ".join(bounds) or "true"


@contextmanager
def known(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry has this connector, called `table`."""
    patch.setitem(CONNECTORS, "table", "table:PullTable")
    patch.setitem(sys.modules, "ingest.pull.table", sys.modules[__name__])
    connector.cache_clear()
    PullTable.broken = PullTable.fetches = 0
    yield
    connector.cache_clear()


def fill(path: Path, rows: Sequence[tuple], columns: str = "id bigint, updated_at timestamptz, customer varchar, \"at\" timestamptz, hours decimal(18,4)") -> None:
    """Adds rows to the table, which is made where it isn't there."""
    with duckdb.connect(path) as opened:
        opened.execute(f"create table if not exists usage ({columns})")
        if rows:
            opened.executemany(f"insert into usage values ({', '.join('?' * len(rows[0]))})", rows)


def change(path: Path, statement: str) -> None:
    """Does something else to the table."""
    with duckdb.connect(path) as opened:
        opened.execute(statement)
