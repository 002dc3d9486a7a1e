"""Databases in one file: SQLite and DuckDB, opened for reading only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
from pydantic import Field, field_validator

from ingest.engine import literal
from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull import select
from ingest.pull.connector import Connection
from ingest.pull.pulled_file import TextFile, as_text, from_query
from ingest.pull.select import Dialect, selected, taken
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

BATCH, SAMPLED, MOST_FOUND = 20_000, 1000, 2000
BUSY_SECONDS = 10
DUCKDB_KINDS = {
    "TIMESTAMP WITH TIME ZONE": "time", "TIMESTAMP": "naive_time", "TIMESTAMP_NS": "naive_time", "TIMESTAMP_MS": "naive_time", "TIMESTAMP_S": "naive_time", "DATE": "date", "BOOLEAN": "bool", "VARCHAR": "text", "UUID": "text", "FLOAT": "float", "DOUBLE": "float",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
}
CASTS = {"time": "timestamptz", "naive_time": "timestamp", "date": "date"}


class FileConnection(Connection):
    """Which file."""

    path: Path = Field(title="File", description="The whole path of the database's file, on the machine where the portal runs.", examples=["/srv/usage/usage.db"])

    @field_validator("path")
    @classmethod
    def _whole(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError("write the whole path of the file, beginning with /")
        return path


class _DatabaseFile:
    """What both have."""

    kind: Literal["tables"] = "tables"
    model = FileConnection
    libraries: tuple[str, ...] = ()
    dialect: Dialect

    def rights(self, connection: FileConnection | None, read: Read | None) -> str:
        """Reading the file."""
        return f"The portal has to read {connection.path if connection else '/srv/usage/usage.db'}; it never writes to it."

    def addresses(self, connection: FileConnection) -> tuple[tuple[str, int], ...]:
        """None: it is on this machine."""
        return ()

    def test(self, connection: FileConnection, read: Read | None = None) -> Diagnosis:
        """Is it there, can it be read, is the table in it, are there rows."""
        steps = [Step(name="path", ok=True, text=f"{connection.path} is there.")]
        try:
            found = self.discover(connection)
            steps.append(Step(name="rights", ok=True, text=f"It can be read: {len(found)} tables."))
            if read and (read.table or read.sql) and not self.count(connection, read, Window()).rows:
                steps.append(Step(name="empty", ok=True, text="There is no row yet.", todo="Look whether this is the right table, or wait for the first rows."))
            return Diagnosis(steps=tuple(steps))
        except IngestError as error:
            name = "rights" if isinstance(error, Refused) else "query" if len(steps) > 1 else "path"
            return Diagnosis(steps=(*steps[1:], Step(name=name, ok=False, text=error.sentence, todo=error.todo)))


# DuckDB.


def _duckdb_bound(bound: str, kind: str) -> str:
    return f"{literal(bound)}::{CASTS[kind]}" if kind in CASTS else bound if kind == "integer" and bound.lstrip("+-").isdecimal() else literal(bound)


class DuckDB(_DatabaseFile):
    """A DuckDB file. While another program has it open for writing, it can't be read."""

    name = "duckdb"
    title = "DuckDB file"
    dialect = Dialect('"', _duckdb_bound, lambda name, column: name)

    def discover(self, connection: FileConnection, within: str = "") -> tuple[Found, ...]:
        """Tables and views with their columns."""
        with _duckdb_opened(connection) as opened:
            tables = opened.execute("select schema_name, table_name, estimated_size, 'table' from duckdb_tables() where not internal union all select schema_name, view_name, null, 'view' from duckdb_views() where not internal order by 1, 2 limit ?", [MOST_FOUND]).fetchall()
            return tuple(Found(name=f"{schema}.{name}" if schema != "main" else name, what=what, rows=rows, columns=_duckdb_columns(opened, Read(table=f"{schema}.{name}"))) for schema, name, rows, what in tables)

    def columns(self, connection: FileConnection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read."""
        with _duckdb_opened(connection) as opened:
            return taken(read, _duckdb_columns(opened, read))

    def preview(self, connection: FileConnection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows; with a cursor the newest."""
        with _duckdb_opened(connection) as opened:
            columns = taken(read, _duckdb_columns(opened, read))
            cells = ", ".join(f"{as_text(self.dialect.name(column.name), column.type)} as {self.dialect.name(column.name)}" for column in columns)
            newest = f" order by {self.dialect.name(read.cursor)} desc" if read.cursor else ""
            return opened.execute(f"select {cells} from ({selected(self.dialect, read, columns, Window())}{newest} limit {limit:d})").to_arrow_table()

    def count(self, connection: FileConnection, read: Read, window: Window) -> Fetched:
        """How many rows a window has, its newest cursor, and how many rows have none."""
        with _duckdb_opened(connection) as opened:
            columns = _duckdb_columns(opened, read)
            rows = opened.execute(selected(self.dialect, read, columns, window, what="count(*)")).fetchone()[0]
            without = opened.execute(f"select count(*) from {select.origin(self.dialect, read)} where {self.dialect.name(read.cursor)} is null").fetchone()[0] if read.cursor else 0
            return Fetched(rows=rows, newest=self._newest(opened, read, columns, window), columns=taken(read, columns), without_cursor=without)

    def fetch(self, connection: FileConnection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window as they are at one moment."""
        with _duckdb_opened(connection) as opened:
            columns = taken(read, _duckdb_columns(opened, read))
            opened.execute("begin transaction")
            newest = self._newest(opened, read, columns, window)
            rows = from_query(opened, selected(self.dialect, read, columns, window), to, f"{connection.path.name} {read.table or 'query'}")
        return Fetched(rows=rows, newest=newest if rows else None, columns=columns)

    def _newest(self, opened: duckdb.DuckDBPyConnection, read: Read, columns: tuple[SourceColumn, ...], window: Window) -> str | None:
        if not read.cursor:
            return None
        kind = next(column.type for column in columns if column.name == read.cursor)
        largest = as_text(f"max({self.dialect.name(read.cursor)})", kind)
        return opened.execute(selected(self.dialect, read, columns, window, what=largest)).fetchone()[0]


@contextmanager
def _duckdb_opened(connection: FileConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, opened for reading, unable to reach anything else."""
    _refuse_missing(connection)
    try:
        opened = duckdb.connect(connection.path, read_only=True, config={"enable_external_access": "true", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise Unreachable(f"{connection.path.name} is open for writing in another program.", "It is tried again; a program that keeps it open has to export what is new.") from None
        raise BadInput(f"{connection.path.name} is no DuckDB file, or of another version.", "Check the path.") from None
    except duckdb.Error:
        raise BadInput(f"{connection.path.name} is no DuckDB file, or of another version.", "Check the path.") from None
    with closing(opened):
        try:
            opened.execute("set timezone = 'UTC'")
            opened.execute("set enable_progress_bar = false")
            yield opened
        except duckdb.Error as error:
            raise BadInput(f"The database can't run this: {str(error).splitlines()[0][:200]}", "Look at the query, the conditions and the columns.") from None


def _duckdb_columns(opened: duckdb.DuckDBPyConnection, read: Read) -> tuple[SourceColumn, ...]:
    rows = opened.execute(f"describe select * from {select.origin(DuckDB.dialect, read)}").fetchall()
    return tuple(SourceColumn(name=name, type=kind, kind=DUCKDB_KINDS.get(kind, "decimal" if kind.startswith("DECIMAL") else "other")) for name, kind, *_ in rows)


# SQLite: a cell has its own type, whatever its column says.


class SQLite(_DatabaseFile):
    """A SQLite file. Others may write to it meanwhile."""

    name = "sqlite"
    title = "SQLite file"
    dialect = Dialect('"', lambda bound, kind: bound if kind == "integer" and bound.lstrip("+-").isdecimal() else literal(bound), lambda name, column: name)

    def discover(self, connection: FileConnection, within: str = "") -> tuple[Found, ...]:
        """Tables and views with their columns and keys."""
        with _sqlite_opened(connection) as opened:
            names = opened.execute("select name, type from sqlite_schema where type in ('table', 'view') and name not like 'sqlite^_%' escape '^' order by 1 limit ?", [MOST_FOUND]).fetchall()
            keys = {name: tuple(each for each, in opened.execute("select name from pragma_table_info(?) where pk > 0 order by pk", [name])) for name, _ in names}
            return tuple(Found(name=f'"{name}"' if "." in name else name, what=what, columns=_sqlite_columns(opened, Read(sql=f"select * from {self.dialect.name(name)}")), key=keys[name]) for name, what in names)

    def columns(self, connection: FileConnection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read; what kind each is, as its first rows are."""
        with _sqlite_opened(connection) as opened:
            return taken(read, _sqlite_columns(opened, read))

    def preview(self, connection: FileConnection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows; with a cursor the newest."""
        with _sqlite_opened(connection) as opened:
            columns = taken(read, _sqlite_columns(opened, read))
            newest = f" order by {self.dialect.name(read.cursor)} desc" if read.cursor else ""
            return pa.Table.from_batches([_batch(opened.execute(f"{selected(self.dialect, read, columns, Window())}{newest} limit {limit:d}").fetchall(), columns)])

    def count(self, connection: FileConnection, read: Read, window: Window) -> Fetched:
        """How many rows a window has, its newest cursor, and how many rows have none."""
        with _sqlite_opened(connection) as opened:
            columns = _sqlite_columns(opened, read)
            largest = f", max({self.dialect.name(read.cursor)})" if read.cursor else ", null"
            rows, newest = opened.execute(selected(self.dialect, read, columns, window, what=f"count(*){largest}")).fetchone()
            without = opened.execute(f"select count(*) from {select.origin(self.dialect, read)} where {self.dialect.name(read.cursor)} is null").fetchone()[0] if read.cursor else 0
            return Fetched(rows=rows, newest=_text(newest), columns=taken(read, columns), without_cursor=without)

    def fetch(self, connection: FileConnection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window as they are at one moment."""
        with _sqlite_opened(connection) as opened:
            columns = taken(read, _sqlite_columns(opened, read))
            opened.execute("begin")
            newest = opened.execute(selected(self.dialect, read, columns, window, what=f"max({self.dialect.name(read.cursor)})")).fetchone()[0] if read.cursor else None
            rows = opened.execute(selected(self.dialect, read, columns, window))
            with TextFile(to, [column.name for column in columns], f"{connection.path.name} {read.table or 'query'}") as file:
                while some := rows.fetchmany(BATCH):
                    file.add(_batch(some, columns))
                return Fetched(rows=file.rows, newest=_text(newest), columns=columns)


@contextmanager
def _sqlite_opened(connection: FileConnection) -> Iterator[sqlite3.Connection]:
    _refuse_missing(connection)
    try:
        with closing(sqlite3.connect(f"{connection.path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as opened:
            opened.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
            opened.execute("pragma query_only = on")
            yield opened
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise Unreachable(f"{connection.path.name} is being written by another program.", "It is tried again.") from None
        raise BadInput(f"The database can't run this: {error}.", "Look at the table, the query and the columns.") from None
    except sqlite3.DatabaseError as error:
        raise BadInput(f"{connection.path.name} is no SQLite file, or it is damaged ({error}).", "Check the path.") from None


def _sqlite_columns(opened: sqlite3.Connection, read: Read) -> tuple[SourceColumn, ...]:
    cursor = opened.execute(f"select * from {select.origin(SQLite.dialect, read)} limit {SAMPLED}")
    names, rows = [each[0] for each in cursor.description], cursor.fetchall()
    return tuple(SourceColumn(name=name, type=kind, kind=kind) for name, kind in ((name, _kind([row[place] for row in rows])) for place, name in enumerate(names)))


def _kind(cells: list[object]) -> Literal["text", "integer", "float", "other"]:
    """What kind a column is of, by its cells; texts that are times compare as texts, which is right for ISO."""
    kinds = {type(cell) for cell in cells if cell is not None}
    return "integer" if kinds == {int} else "float" if kinds and kinds <= {int, float} else "text" if kinds <= {str} else "other"


def _batch(rows: list[tuple], columns: tuple[SourceColumn, ...]) -> pa.RecordBatch:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.RecordBatch.from_arrays([pa.array([_text(cell) for cell in values], pa.string()) for values in cells], [column.name for column in columns])


def _text(cell: object) -> str | None:
    """A cell as text that loses nothing: numbers with the fewest digits that are still they, bytes in hexadecimal."""
    if isinstance(cell, bytes):
        return cell.hex()
    return None if cell is None or cell == "" else repr(cell) if isinstance(cell, float) else str(cell)


def _refuse_missing(connection: FileConnection) -> None:
    try:
        with connection.path.open("rb"):
            return
    except PermissionError:
        raise Refused(f"{connection.path} may not be read by the portal.", "Give its user the right to read it.") from None
    except OSError:
        raise BadInput(f"There is no file {connection.path}.", "Check the path, on the machine where the portal runs.") from None
