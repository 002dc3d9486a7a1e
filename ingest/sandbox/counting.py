"""Running the SQL of billable metrics over the events held: real ClickHouse where it is installed, else its translation to DuckDB.

Either way only queries are run of which `ingest.clickhouse` knows every part, one at a time, over copies of the event types they name.
"""

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import duckdb

from ingest import clickhouse
from ingest.clickhouse import real
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.sandbox.replies import Refusal, bad_request, invalid_field
from ingest.sandbox.store import Metric, Store
from ingest.sandbox.switches import Switches

QUANTITY = "quantity"
Copies = Mapping[str, tuple[clickhouse.Table, Path]]
MEMORY = "512MB"
ROW_GROUP = 20_000
CLOSED = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "python_enable_replacements": "false"}


@dataclass(frozen=True)
class Counted:
    """A query's result: names and ClickHouse types of its columns, and every value as exact text."""

    columns: Sequence[tuple[str, str]]
    rows: list[tuple[str | None, ...]]


def refuse_query(store: Store, name: str, text: str) -> None:
    """Refuses (422) a query that can't be run or gives no quantity; `name` is its key in the body."""
    try:
        columns = clickhouse.result_of(text, [table_of(each) for each in store.metrics()])
    except BadInput as error:
        raise invalid_field("body", name, str(error)) from None
    if QUANTITY not in columns:
        raise invalid_field("body", name, f"the result must have a column named {QUANTITY}; it has {', '.join(columns)}")


def table_of(metric: Metric) -> clickhouse.Table:
    """An event type as queries see it. Arrays are left out."""
    fields = {f"data.{name}": f"Nullable({'Decimal(38, 18)' if kind == 'Decimal' else kind})" for name, kind in metric.fields.items() if not kind.startswith("Array")}
    return clickhouse.Table(f"raw_metric_{metric.slug}", {"customer_id": "String", "timestamp": f"DateTime64({metric.timestamp_digits})", **fields})


class Counting:
    """Runs queries one after the other, so that together they never need more memory than one of them may have."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._one = threading.Lock()
        self._looked_at: set[str] = set()
        self._folder = (store.folder / "counted").resolve()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, text: str, value: Callable[[str], str], until: datetime) -> Counted:
        """The result of a query over what was stored until then; `value` says what is put in place of a template. Refuses (400) what can't be run."""
        tree = clickhouse.parse(text)
        tree = clickhouse.bind(tree, {name: value(name) for name in clickhouse.templates(tree)})
        read = [each for each in self._store.metrics() if f"raw_metric_{each.slug}" in text]
        try:
            with self._one:
                copies = {table.name: (table, self._copy(each, until)) for each in read for table in [table_of(each)]}
                tables = [table for table, _ in copies.values()]
                if not self._is_clickhouse():
                    return self._duckdb(clickhouse.translate(tree, tables), copies)
                self._look_at(text, tables)
                return Counted(*real.answer(clickhouse.render(tree), copies))
        except BadInput as error:
            raise bad_request(f"The aggregate's query can't be run: {error}") from None

    def _is_clickhouse(self) -> bool:
        asked = self._switches.estimate_engine
        if asked == "clickhouse" and not real.available():
            raise Refusal(503, {"detail": "ClickHouse isn't installed here (the Python package chdb)"})
        return asked == "clickhouse" or asked == "auto" and real.available()

    def _look_at(self, text: str, tables: list[clickhouse.Table]) -> None:
        """Raises BadInput for a query with a part that isn't known, which ClickHouse must not be given."""
        if text not in self._looked_at:
            clickhouse.result_of(text, tables)
            self._looked_at.add(text)

    def _duckdb(self, translated: clickhouse.Translation, copies: Copies) -> Counted:
        for name, (_, path) in copies.items():
            self._closed_engine.execute(f"create or replace view {identifier(name)} as from read_parquet({literal(path)})")
        watch = threading.Timer(self._switches.estimate_seconds, self._closed_engine.interrupt)
        watch.start()
        try:
            texts = clickhouse.text_of(self._closed_engine.sql(translated.sql), translated.columns)
            return Counted([*translated.columns], [*zip(*(column.to_pylist() for column in texts.columns), strict=True)])
        except duckdb.InterruptException:
            raise bad_request(f"The aggregate's query took longer than {self._switches.estimate_seconds:g} seconds") from None
        except duckdb.Error as error:
            raise bad_request(f"The aggregate's query failed: {str(error).splitlines()[0]}") from None
        finally:
            watch.cancel()

    @cached_property
    def _closed_engine(self) -> duckdb.DuckDBPyConnection:
        """An engine that can read the copies and nothing else."""
        connection = duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "temp_directory": str(self._folder / "spill"), **CLOSED})
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set allowed_directories = [{literal(self._folder)}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        return connection

    def _copy(self, metric: Metric, until: datetime) -> Path:
        """The readable events of one type as Parquet, by customer, so that asking for one reads little. Made again when there are more."""
        count = self._store.rows(f"select count(*) from {metric.table} where stored_at <= ?", [until])[0][0]
        path = self._folder / f"{metric.table}-{count}.parquet"
        if not path.exists():
            self._folder.mkdir(exist_ok=True)
            for old in self._folder.glob(f"{metric.table}-*"):
                old.unlink()
            part = path.with_suffix(".part")
            self._store.rows(f"copy (select {_columns(metric)} from {metric.table} where stored_at <= ? order by customer_id) to {literal(part)} (format parquet, row_group_size {ROW_GROUP})", [until])
            part.replace(path)
        return path


def _columns(metric: Metric) -> str:
    columns = table_of(metric).columns
    fields = (f"{_typed(metric.columns[name], metric.fields[name])} as {identifier(f'data.{name}')}" for name in metric.fields if f"data.{name}" in columns)
    return ", ".join(["customer_id", '"timestamp"', *fields])


def _typed(column: str, kind: str) -> str:
    return f"cast({column} as uuid)" if kind == "UUID" else column
