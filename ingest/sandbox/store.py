"""Everything of the sandbox that must survive a kill: DuckDB in one file, one writer at a time.

    metrics       event types
    customers
    aggregates    billable metrics
    idempotency   replies by Idempotency-Key, written in the same transaction as the events they answer for
    events_<n>    the events of event type n: one row each, in the order they came; `data` is what is read back, c0, c1, … are its fields, typed
"""

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.errors import BadInput
from ingest.sandbox.fields import Kind, kind
from ingest.sandbox.replies import Refusal

SCHEMA = """
create table if not exists metrics (seq integer, id varchar, name varchar, slug varchar, timestamp_type varchar, fields varchar, document varchar, created_at timestamp);
create table if not exists customers (seq integer, id varchar, external_id varchar, customer_name varchar, email varchar, phone_number varchar,
    communications_enabled boolean, auto_charge_enabled boolean, business_entity_id varchar, document varchar, created_at timestamp);
create table if not exists aggregates (seq integer, id varchar, name varchar, datasource varchar, document varchar, created_at timestamp);
create table if not exists idempotency (key varchar, fingerprint varchar, status integer, reply varchar, created_at timestamp);
"""


@dataclass(frozen=True)
class Metric:
    """An event type. `fields` are its data fields in the order of the columns c0, c1, …"""

    seq: int
    id: str
    slug: str
    timestamp_type: str
    fields: dict[str, str]

    @cached_property
    def timestamp_digits(self) -> int:
        """Digits of a second that are kept."""
        return int(self.timestamp_type[11]) if "(" in self.timestamp_type else 3

    @property
    def table(self) -> str:
        return f"events_{self.seq}"

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """The type of every data field."""
        return {name: kind(type_name) for name, type_name in self.fields.items()}

    @cached_property
    def columns(self) -> dict[str, str]:
        """The column that holds each data field."""
        return {name: f"c{number}" for number, name in enumerate(self.fields)}

    @cached_property
    def arrow(self) -> pa.Schema:
        """The columns of the table."""
        typed = [(self.columns[name], each.arrow) for name, each in self.kinds.items()]
        return pa.schema([("customer_id", pa.string()), ("timestamp", pa.timestamp("us")), ("data", pa.string()), *typed, ("stored_at", pa.timestamp("us"))])


@dataclass(frozen=True)
class Remembered:
    """The reply to a request that carried an Idempotency-Key."""

    fingerprint: str
    status: int
    reply: str
    created_at: datetime


class Store:
    """The data of one sandbox. Only one process at a time can hold its folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock_file = _hold(folder)
        try:
            self._database = duckdb.connect(folder / "sandbox.duckdb", config={
                "threads": 1, "memory_limit": "512MB", "temp_directory": str(folder / "spill"), "checkpoint_threshold": "64MB",
                "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "python_enable_replacements": "false",
            })
            self._database.execute(SCHEMA)
        except duckdb.Error as error:
            self._lock_file.close()
            raise BadInput(f"The sandbox's data in {folder} can't be opened: {error}.", "Move that folder away to begin with an empty sandbox.") from error
        self._writer = self._database.cursor()
        self._writing = threading.Lock()
        self._metrics = {row[2]: Metric(*row[:4], json.loads(row[4])) for row in self.rows("select seq, id, slug, timestamp_type, fields from metrics")}
        self._remembered = {row[0]: Remembered(*row[1:]) for row in self.rows("select key, fingerprint, status, reply, created_at from idempotency")}

    def close(self) -> None:
        """Writes everything into the one file and lets go of the folder."""
        with self._writing:
            self._writer.close()
            self._database.close()
            self._lock_file.close()

    def rows(self, sql: str, values: list[object] | None = None) -> list[tuple]:
        """The rows of a query; never waits for a writer."""
        cursor = self._database.cursor()
        try:
            return cursor.execute(sql, values or []).fetchall()
        finally:
            cursor.close()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is durable when the block ends, or leaves nothing when it fails."""
        with self._writing:
            self._writer.execute("begin")
            try:
                yield self._writer
                self._commit()
            except BaseException:
                self._roll_back()
                raise

    def _commit(self) -> None:
        """Whether a commit that failed was durable is unknown, as it is for any 5xx."""
        try:
            self._writer.execute("commit")
        except duckdb.Error as error:
            raise Refusal(503, {"detail": "The sandbox can't write to its disk; free some room and start it again"}) from error

    def _roll_back(self) -> None:
        try:
            self._writer.execute("rollback")
        except duckdb.TransactionException:
            return  # a commit that failed has ended the transaction already

    def metric(self, slug: str) -> Metric | None:
        """The event type of that slug."""
        return self._metrics.get(slug)

    def metrics(self) -> list[Metric]:
        """Every event type."""
        return list(self._metrics.values())

    def metric_by_id(self, metric_id: str) -> Metric | None:
        """The event type of that id."""
        return next((each for each in self.metrics() if each.id == metric_id), None)

    def add_metric(self, writer: duckdb.DuckDBPyConnection, metric: Metric, name: str, document: str, created_at: datetime) -> None:
        """Makes an event type and its table; call `know` once that is committed."""
        writer.execute("insert into metrics values (?, ?, ?, ?, ?, ?, ?, ?)", [metric.seq, metric.id, name, metric.slug, metric.timestamp_type, json.dumps(metric.fields), document, created_at])
        typed = "".join(f", {metric.columns[field]} {each.sql}" for field, each in metric.kinds.items())
        writer.execute(f'create table {metric.table} (customer_id varchar, "timestamp" timestamp, data varchar{typed}, stored_at timestamp)')

    def know(self, metric: Metric) -> None:
        """Takes a committed event type into use."""
        self._metrics[metric.slug] = metric

    def add_events(self, writer: duckdb.DuckDBPyConnection, metric: Metric, events: pa.Table) -> None:
        """Appends events, whose columns are those of `metric.arrow`."""
        writer.register("incoming", events)
        try:
            writer.execute(f"insert into {metric.table} select * from incoming")
        finally:
            writer.unregister("incoming")

    def remembered(self, key: str, since: datetime) -> Remembered | None:
        """The reply that was given under a key after `since`."""
        found = self._remembered.get(key)
        return found if found and found.created_at > since else None

    def remember(self, writer: duckdb.DuckDBPyConnection, key: str, reply: Remembered) -> None:
        """Writes a reply down; call `recall` once that is committed."""
        if key in self._remembered:
            writer.execute("delete from idempotency where key = ?", [key])
        writer.execute("insert into idempotency values (?, ?, ?, ?, ?)", [key, reply.fingerprint, reply.status, reply.reply, reply.created_at])

    def recall(self, key: str, reply: Remembered) -> None:
        """Answers with a committed reply from now on."""
        self._remembered[key] = reply

    def forget_replies(self, before: datetime) -> None:
        """Drops the replies whose time is over."""
        with self.writing() as writer:
            writer.execute("delete from idempotency where created_at <= ?", [before])
        self._remembered = {key: reply for key, reply in self._remembered.items() if reply.created_at > before}

    def next_number(self, writer: duckdb.DuckDBPyConnection, table: str) -> int:
        """The next `seq` of metrics, customers or aggregates."""
        return writer.execute(f"select coalesce(max(seq), 0) + 1 from {table}").fetchone()[0]

    def newest(self, table: str) -> int:
        """The highest `seq` of metrics, customers or aggregates: what a list that began now will show."""
        return self.rows(f"select coalesce(max(seq), 0) from {table}")[0][0]


def window_start(now: datetime, hours: float) -> datetime:
    """Since when replies are remembered."""
    return now - timedelta(hours=hours)


def _hold(folder: Path):  # noqa: ANN202
    """The lock file of a folder, locked until it is closed or the process ends."""
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise BadInput(f"Another sandbox is already running on the data folder {folder}{_where(folder)}.", "Use that one, or stop it first.") from None
    return lock


def _where(folder: Path) -> str:
    try:
        return f", at {json.loads((folder / 'address.json').read_text(encoding='utf-8'))['url']}"
    except (OSError, ValueError, KeyError):
        return ""
