"""Totals as SQL over events.parquet. Decimals stay exact: nothing here turns a number into a float except an average."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from schemas.previewing import FUNCTIONS, Function, PreviewSpec

EVENTS = "events.parquet"
OWN_COLUMNS = ("event_id", "content", "_row")
GROUPS = {"customer": "customer_id", "day": '"timestamp"::date'}
"""What can be grouped by beside the fields: the name people use, and its SQL."""
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT")
ARROW = {"HUGEINT": "::decimal(38,0)", "UUID": "::varchar"}
"""What Arrow has no type for; of 128-bit whole numbers it would make floats."""
SQL: dict[Function, Callable[[str], str]] = {
    "sum": lambda field: f"sum({field})",
    "count": lambda field: f"count({field})",
    "distinct": lambda field: f"count(distinct {field})",
    "min": lambda field: f"min({field})",
    "max": lambda field: f"max({field})",
    "average": lambda field: f"avg({field})",
    "latest": lambda field: f'arg_max({field}, row("timestamp", event_id)) filter ({field} is not null)',
}
NEEDS_NUMBER: tuple[Function, ...] = ("sum", "average")


def preview(check_folder: Path, spec: PreviewSpec) -> pa.Table:
    """One row a group: the group's columns (a field called value as `value_group`), then `value`. Ordered by the groups; at most `spec.limit` rows. Raises BadInput for what the events don't have."""
    with engine() as connection:
        types = _events(connection, check_folder)
        groups = {name: _group(name, types) for name in spec.by}
        columns = "".join(f"{sql} as {identifier(_heading(name))}, " for name, sql in groups.items())
        places = ", ".join(str(place) for place in range(1, len(groups) + 1))
        grouped = f" group by {places} order by {places}" if groups else ""
        return _exact(connection, f"select {columns}{_value(spec, types)} as value from events{grouped} limit {int(spec.limit)}")


def overview(check_folder: Path) -> pa.Table:
    """One row a customer: `customer`, `events`, `first`, `last`, then the sum of every numeric field under its name."""
    with engine() as connection:
        types = _events(connection, check_folder)
        sums = "".join(f", sum({identifier(name)}) as {identifier(name)}" for name, kind in types.items() if _is_number(kind))
        return _exact(connection, f'select customer_id as customer, count(*) as events, min("timestamp") as first, max("timestamp") as last{sums} from events group by 1 order by 1')


def _events(connection: duckdb.DuckDBPyConnection, check_folder: Path) -> dict[str, str]:
    """A view over the accepted events; the fields they have, with their SQL types."""
    connection.execute(f"create view events as select * from read_parquet({literal(check_folder / EVENTS)})")
    return {name: kind for name, kind, *_ in connection.execute("describe events").fetchall() if name not in OWN_COLUMNS}


def _group(name: str, types: dict[str, str]) -> str:
    if name not in GROUPS and name not in types:
        raise BadInput(f"There is nothing called {name!r} to group by.", f"Known are {', '.join((*GROUPS, *types))}.")
    return identifier(name) if name in types else GROUPS[name]


def _heading(name: str) -> str:
    return f"{name}_group" if name.lower() == "value" else name


def _value(spec: PreviewSpec, types: dict[str, str]) -> str:
    if spec.field is None:
        if spec.function != "count":
            raise BadInput(f"The function {spec.function!r} needs a field.", f"Known are {', '.join(types)}; only count goes without one.")
        return "count(*)"
    if spec.field not in types:
        raise BadInput(f"There is no field {spec.field!r} in these events.", f"Known are {', '.join(types)}.")
    if spec.function in NEEDS_NUMBER and not _is_number(types[spec.field]):
        raise BadInput(f"{spec.field!r} holds no numbers, so it has no {spec.function}.", f"Functions for it are {', '.join(name for name in FUNCTIONS if name not in NEEDS_NUMBER)}.")
    return SQL[spec.function](identifier(spec.field))


def _is_number(kind: str) -> bool:
    return kind in NUMBERS or kind.startswith("DECIMAL")


def _exact(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The answer as Arrow."""
    found = [(name, kind) for name, kind, *_ in connection.execute(f"describe {sql}").fetchall()]
    columns = ", ".join(f"{identifier(name)}{ARROW.get(kind, '')} as {identifier(name)}" for name, kind in found)
    return connection.execute(f"select {columns} from ({sql})").to_arrow_table()
