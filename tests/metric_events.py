"""Events that trip up whoever counts almost right: for the tests that hold DuckDB's answers against ClickHouse's."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from ingest.clickhouse import Table, render, text_of, translate
from ingest.clickhouse import real as clickhouse

TYPES = {"n": "Int64", "f": "Float64", "d": "Decimal(38, 18)", "m": "Decimal(38, 18)", "s": "String", "b": "Bool", "dt": "Date32", "t": "DateTime64(3)", "u": "UUID", "level": "Decimal(38, 18)", "cpu hours": "Int64", "event_id": "String"}
TABLE = Table("raw_metric_compute", {"customer_id": "String", "timestamp": "DateTime64(3)", **{f"data.{name}": f"Nullable({kind})" for name, kind in TYPES.items()}}, {"data.m": "DECIMAL(9,2)"})
"""The field m is kept narrower than the account keeps it."""
ARROW = {"n": pa.int64(), "f": pa.float64(), "d": pa.decimal128(38, 18), "m": pa.decimal128(9, 2), "b": pa.bool_(), "dt": pa.date32(), "t": pa.timestamp("ms"), "level": pa.decimal128(38, 18), "cpu hours": pa.int64()}
NUMBERS = {
    "n": [0, 1, -1, 7, 1000, 2**53 + 1, 99, None], "f": [0.1, 0.2, -0.3, 2.675, 1.005, -0.0, 1e16, 5e-324, 0.285, 123456.789, None],
    "d": ["0.1", "0.000000000000000001", "-0.5", "2.5", "3.5", "-2.5", "1234.567890123456789012", "2.675", "1.005", None], "m": ["0.10", "12.34", "-0.05", "999.99", "0.00", None],
    "level": ["1", "2.5", "0", "10.125", None], "cpu hours": [1, 2, 3, None],
}
OTHERS = {
    "s": ["eu", "us", "", " eu", "é", "it's", "a%b", "back\\slash", "007", None], "b": [True, False, None], "u": [UUID(int=5), UUID(int=2**127), None],
    "dt": [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1), date(1960, 1, 1), date(2100, 2, 28), None],
}
EDGES = [
    datetime(2026, 9, 30, 21, 59, 59, 999000), datetime(2026, 9, 30, 22), datetime(2026, 9, 30, 23, 59, 59, 999000), datetime(2026, 10, 1), datetime(2026, 10, 24, 22), datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1),
    datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 23), datetime(2026, 10, 31, 22, 59, 59, 999000), datetime(2026, 10, 31, 23), datetime(2026, 10, 31, 23, 59, 59, 999000), datetime(2026, 11, 1), datetime(2026, 11, 1, 4),
    datetime(1960, 1, 1, 0, 30), datetime(2100, 3, 1),
]
"""Both ends of days, of the period, and of the hours that come twice; a time before 1970."""


def rows(seed: int = 7, count: int = 400) -> list[dict[str, object]]:
    """Events; the same for the same seed."""
    chance = random.Random(seed)
    made = [_row(chance, number) for number in range(count)]
    huge = dict.fromkeys(TYPES) | {"customer_id": "huge", "timestamp": datetime(2026, 10, 5)}
    return [
        *made, *({**huge, "n": value, "event_id": f"h{place}"} for place, value in enumerate([2**63 - 1, 2**63 - 1, 5])), {**huge, "customer_id": "low", "n": -(2**63), "d": Decimal("12345678901234567890.123456789012345678")},
        {**huge, "customer_id": "nothing"}, {**huge, "customer_id": "", "n": 1, "d": Decimal(1), "f": 1.0},
    ]


def _row(chance: random.Random, number: int) -> dict[str, object]:
    tie = chance.random() < 0.3
    at = chance.choice(EDGES) if tie else datetime(2026, 9, 20) + timedelta(milliseconds=chance.randrange(50 * 86_400_000))
    values = {name: chance.choice(choices) for name, choices in (NUMBERS | OTHERS).items()}
    exact = {name: values[name] and Decimal(values[name]) for name in ("d", "m", "level")}
    return {**values, **exact, "customer_id": chance.choice(["a", "b", "c", "Ä"]), "timestamp": at, "t": at if chance.random() < 0.8 else None, "event_id": f"e{number:04}" if chance.random() < 0.9 else None}


def write(events: Sequence[dict[str, object]], path: Path) -> Path:
    """The events as Parquet."""
    columns = {"customer_id": pa.array([each["customer_id"] for each in events], pa.string()), "timestamp": pa.array([each["timestamp"] for each in events], pa.timestamp("ms"))}
    for name in TYPES:
        values = [str(each[name]) if isinstance(each[name], UUID) else each[name] for each in events]
        columns[f"data.{name}"] = pa.array(values, ARROW.get(name, pa.string()))
    pq.write_table(pa.table(columns), path)
    return path


def opened(path: Path, table: Table = TABLE) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the table, as previews have it."""
    connection = duckdb.connect(config={"threads": "1"})
    connection.execute("set timezone = 'UTC'")
    columns = ", ".join(f'"{name}"::uuid as "{name}"' if "UUID" in kind else f'"{name}"' for name, kind in table.columns.items())
    connection.execute(f"create table {table.name} as select {columns} from read_parquet(?)", [str(path)])
    return connection


def both(connection: duckdb.DuckDBPyConnection, path: Path, tree: exp.Expression, table: Table = TABLE) -> tuple[list, list]:
    """The rows of DuckDB and of ClickHouse, as texts, in one order."""
    made = translate(tree, [table])
    ours = text_of(connection.sql(made.sql), made.columns).to_pylist()
    return _ordered([tuple(each.values()) for each in ours]), _ordered(clickhouse.run(render(tree), {table.name: (table, path)}))


def _ordered(found: Sequence[tuple]) -> list[tuple]:
    return sorted((tuple(each) for each in found), key=lambda row: [(each is not None, each or "") for each in row])


