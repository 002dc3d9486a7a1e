"""What the warehouses have in common: a statement is sent over HTTP, runs as long as it takes, and its rows come in parts. Every column is made text by the warehouse itself, which knows all its digits."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ingest.engine import engine, literal
from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull import web_api
from ingest.pull.connector import Connection
from ingest.pull.flat import is_wanted, newest_cursor
from ingest.pull.guard import allowed
from ingest.pull.pulled_file import TextFile
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.select import NUMBER, Dialect, kind_of, origin, selected, taken
from ingest.pull.web import PORTS, checked_link
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

STATEMENT_SECONDS = 3600
MOST_FOUND = 2_000
CURSORS = ("updated_at", "modified_at", "ingested_at", "inserted_at", "created_at", "event_time", "timestamp", "ts", "at")
Rows = list[list[str | None]]


@dataclass(frozen=True)
class Result:
    """What a statement gave: its columns, and its rows part by part."""

    columns: tuple[SourceColumn, ...]
    parts: Iterator[Rows]


class Session(Protocol):
    """A way to ask a warehouse."""

    def __call__(self, sql: str) -> Result:
        """Runs one SELECT."""


@dataclass(frozen=True)
class Backslashed(Dialect):
    """A dialect in which a quote is escaped with a backslash."""

    def name(self, text: str) -> str:
        """A quoted name. Raises BadInput for one that can't be quoted."""
        if self.mark in text or "\\" in text:
            raise BadInput(f"{text!r} can't be a name there.")
        return f"{self.mark}{text}{self.mark}"

    def text(self, value: str) -> str:
        """A quoted text."""
        if "\0" in value:
            raise BadInput("A text can't hold a zero character.")
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"

    def contains(self, name: str, value: str) -> str:
        """The condition that a text is part of a column."""
        return f"instr({name}, {self.text(value)}) > 0"


class Warehouse:
    """The methods that all of them share; each says where it is, how it is asked, and how it writes SQL."""

    name: str
    title: str
    kind: Literal["tables"] = "tables"
    model: type[Connection]
    libraries: tuple[str, ...] = ()
    dialect: Dialect
    in_micros: tuple[str, ...] = ()
    """Types that come as microseconds since 1970."""
    reachable: Callable[[str, int], tuple[str, ...]] = staticmethod(allowed)
    """Which addresses it may have: those of the web, unless it is a server of one's own."""

    def _home(self, connection: Connection) -> str:
        raise NotImplementedError

    def _session(self, connection: Connection) -> AbstractContextManager[Session]:
        raise NotImplementedError

    def _tables(self, connection: Connection, ask: Session, within: str) -> str:
        raise NotImplementedError

    def addresses(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        """The service."""
        url = checked_link(self._home(connection))
        return ((url.host, url.port or PORTS[url.scheme]),)

    def test(self, connection: Connection, read: Read | None = None) -> Diagnosis:
        """Name, port, TLS, sign-in, rights, and whether there are rows."""
        (host, port), = self.addresses(connection)
        steps = steps_to(host, port, self.reachable, tls_context() if checked_link(self._home(connection)).scheme == "https" else None)
        if not steps[-1].ok:
            return Diagnosis(steps=steps)
        found = list(steps)
        try:
            with self._session(connection) as ask:
                _all(ask("select 1 as one"))
                found.append(Step(name="sign-in", ok=True, text=f"{self.title} lets the portal in."))
                if read and (read.table or read.sql):
                    found += self._rights(ask, read)
        except IngestError as error:
            status = error.status if isinstance(error, Refused) else 0
            found.append(Step(name={401: "sign-in", 403: "rights"}.get(status, "query"), ok=False, text=error.sentence, todo=error.todo))
        return Diagnosis(steps=tuple(found))

    def _rights(self, ask: Session, read: Read) -> Iterator[Step]:
        columns = self._columns(ask, read)
        yield Step(name="rights", ok=True, text=f"{read.table or 'The query'} can be read: {len(columns)} columns.")
        if not _all(ask(f"{selected(self.dialect, read, columns, Window(), what='1 as one')} limit 1")):
            yield Step(name="empty", ok=True, text="There is no row yet.", todo="Look whether this is the right table, or wait for the first rows.")

    def discover(self, connection: Connection, within: str = "") -> tuple[Found, ...]:
        """Tables and views with their columns."""
        with self._session(connection) as ask:
            rows = _all(ask(self._tables(connection, ask, within)))
        found: dict[str, list[SourceColumn]] = {}
        for schema, table, column, kind in rows:
            found.setdefault(f"{schema}.{table}", []).append(SourceColumn(name=column, type=kind, kind=self._kind(kind)))
        return tuple(Found(name=name, columns=tuple(columns), cursor=_likely(columns)) for name, columns in list(found.items())[:MOST_FOUND])

    def columns(self, connection: Connection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read."""
        with self._session(connection) as ask:
            return self._columns(ask, read)

    def preview(self, connection: Connection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows; with a cursor the newest."""
        with self._session(connection) as ask:
            columns = self._columns(ask, read)
            newest = f" order by {self.dialect.name(read.cursor)} desc nulls last" if read.cursor else ""  # in a query of its own: outside, the name is that of the text
            cells = ", ".join(f"{self.dialect.cast(self.dialect.name(column.name), column)} as {self.dialect.name(column.name)}" for column in columns)
            rows = _all(ask(f"select {cells} from ({selected(self.dialect, read, columns, Window(), what='*')}{newest} limit {limit:d}) as q"))
        return pa.Table.from_batches([self._batch(rows, columns)])

    def count(self, connection: Connection, read: Read, window: Window) -> Fetched:
        """How many rows a window has, its newest cursor, and how many rows have none."""
        with self._session(connection) as ask:
            columns = self._columns(ask, read)
            if not read.cursor:
                return Fetched(rows=int(_all(ask(selected(self.dialect, read, columns, window, what="count(*) as n")))[0][0]), columns=columns)
            cursor = next(column for column in columns if column.name == read.cursor)
            name, text = self.dialect.name(read.cursor), self.dialect.cast(f"max({self.dialect.name(read.cursor)})", cursor)
            row, = _all(ask(selected(self.dialect, read, columns, window, what=f"count(*) as n, {text} as newest")))
            without, = _all(ask(f"select count(*) as n from {origin(self.dialect, read)} where {name} is null"))
        newest = self._batch([[row[1]]], (cursor,)).column(0)[0].as_py()
        return Fetched(rows=int(row[0]), newest=newest, columns=columns, without_cursor=int(without[0]))

    def fetch(self, connection: Connection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window: one statement, so of one moment."""
        with self._session(connection) as ask:
            columns = self._columns(ask, read)
            result = ask(selected(self.dialect, read, columns, window))
            with TextFile(to, [column.name for column in columns], f"{self.title} {read.table or 'query'}") as file:
                for part in result.parts:
                    if part:
                        file.add(self._batch(part, columns))
        newest = None
        if read.cursor and file.rows:
            with engine() as opened:
                newest = newest_cursor(opened, f"read_parquet({literal(to)})", read.cursor, kind_of(columns, read.cursor))
        return Fetched(rows=file.rows, newest=newest, columns=columns)

    def _columns(self, ask: Session, read: Read) -> tuple[SourceColumn, ...]:
        if ";" in (read.sql or "").strip().rstrip(";"):  # BigQuery would run what comes after it
            raise BadInput("The query has a semicolon in it.", "Write one SELECT without any; in a text, chr(59) or char(59) stands for one.")
        result = ask(f"select * from {origin(self.dialect, read)} limit 0")
        _all(result)
        columns = tuple(column.model_copy(update={"kind": self._kind(column.type)}) for column in result.columns)
        taken(read, columns)
        return tuple(column for column in columns if is_wanted(column.name, read))

    def _kind(self, kind: str) -> str:
        """What a type of the warehouse is good for here."""
        raise NotImplementedError

    def _batch(self, rows: Rows, columns: tuple[SourceColumn, ...]) -> pa.RecordBatch:
        """Rows as text in columns."""
        cells = list(zip(*rows, strict=True)) or [()] * len(columns)
        arrays = [self._text(pa.array([cell or None for cell in values], pa.string()), column) for values, column in zip(cells, columns, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])

    def _text(self, values: pa.Array, column: SourceColumn) -> pa.Array:
        if column.type not in self.in_micros:
            return values
        return pc.strftime(values.cast(pa.int64()).cast(pa.timestamp("us", "UTC")), "%Y-%m-%dT%H:%M:%SZ")


def bounded(casts: Mapping[str, str], text: Callable[[str], str]) -> Callable[[str, str], str]:
    """Writes bounds: by the pattern of their kind, numbers as they are, else as a text."""
    def write(bound: str, kind: str) -> str:
        if kind in casts:
            return casts[kind].format(text(bound))
        if kind in ("integer", "decimal", "float"):
            if not NUMBER.fullmatch(bound):
                raise BadInput(f"{bound!r} is no number, and the cursor is one.", "Write digits.")
            return bound
        return text(bound)

    return write


def waits(what: str) -> Iterator[None]:
    """Waits between looks at a statement that runs, longer each time. Raises Unreachable after an hour."""
    until, seconds = time.monotonic() + STATEMENT_SECONDS, 0.5
    while time.monotonic() < until:
        yield
        web_api.pause(seconds)
        seconds = min(seconds * 1.5, 15)
    raise Unreachable(f"The statement still runs in {what} after {STATEMENT_SECONDS // 60} minutes.", "Read a smaller part of the table, or give it a larger warehouse.")


def complete(parts: Iterator[Rows], rows: int | None, what: str) -> Iterator[Rows]:
    """The parts, as many rows as were announced. Raises Unreachable where some are missing."""
    came = 0
    for part in parts:
        came += len(part)
        yield part
    if rows is not None and came != rows:
        raise Unreachable(f"{what} gave {came:,} of {rows:,} rows.", "Nothing was taken; the next run tries again.")


def _all(result: Result) -> Rows:
    return [row for part in result.parts for row in part]


def _likely(columns: list[SourceColumn]) -> str | None:
    """The column that probably tells what is new."""
    times = {column.name.lower(): column.name for column in columns if column.kind in ("time", "naive_time")}
    return next((times[name] for name in CURSORS if name in times), None)
