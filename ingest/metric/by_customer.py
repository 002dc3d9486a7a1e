"""Customers of two months side by side, the largest change first. Exact: totals are decimals, or floats only where the events are."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.engine import engine, identifier, literal
from ingest.metric.preview import EVENTS, OWN_COLUMNS

NUMBERS = ("DECIMAL", "BIGINT", "DOUBLE")
WHAT = "case when bn is null then 'new' when an is null then 'gone' when b = a then 'the same' else 'changed' end"


def by_customer(after: Sequence[Path], before: Sequence[Path], field: str | None, *, offset: int = 0, limit: int = 50) -> tuple[dict[str, int], pa.Table]:
    """How many customers are new, gone, changed and the same; and some of them: `customer`, `before`, `after`, `change`, `what`. Numbers are text, without zeros at their end.

    `after` and `before` are check folders; without a field events are counted.
    """
    with engine() as connection:
        kinds = {folder: _kinds(connection, folder).get(field or "", "") for folder in (*after, *before)}
        for name, folders in (("a", after), ("b", before)):
            _totals(connection, name, {folder: _total(field, kinds[folder], kinds.values()) for folder in folders})
        connection.execute(f"""
            create table sides as select customer, coalesce(b, 0) as b, coalesce(a, 0) as a, {WHAT} as what
            from (select customer, n as bn, total as b from b_totals) full join (select customer, n as an, total as a from a_totals) using (customer)""")
        counts = dict(connection.execute("select what, count(*) from sides group by 1").fetchall())
        shown = connection.execute(f"""
            select customer, {_plain('b')} as before, {_plain('a')} as after, {_plain('(a - b)')} as change, what from sides
            order by abs(a - b) desc, customer limit {int(limit)} offset {int(offset)}""").to_arrow_table()
        return counts, shown


def fields(folder: Path) -> list[str]:
    """The numbers that a check's events have."""
    with engine() as connection:
        return [name for name, kind in _kinds(connection, folder).items() if kind.startswith(NUMBERS) and name not in OWN_COLUMNS]


def _kinds(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"describe select * from read_parquet({literal(folder / EVENTS)})").fetchall()}


def _totals(connection: duckdb.DuckDBPyConnection, name: str, totals: Mapping[Path, str]) -> None:
    """The table `<name>_totals`: the total of each file's events, added up."""
    parts = [f"select customer_id, count(*) as n, {total} as total from read_parquet({literal(folder / EVENTS)}) group by 1" for folder, total in totals.items()]
    nothing = "select null::varchar as customer_id, 0::bigint as n, null as total where false"
    connection.execute(f"create table {name}_totals as select customer_id as customer, sum(n) as n, sum(total) as total from ({' union all '.join([nothing, *parts])}) group by 1")


def _total(field: str | None, kind: str, kinds: Iterable[str]) -> str:
    """SQL for the total of one file, in the type that holds those of all files: what has no such number has a total of 0."""
    if field is None:
        return "count(*)"
    scale = max((int(each.partition(",")[2].rstrip(")")) for each in kinds if each.startswith("DECIMAL")), default=0)
    common = "double" if "DOUBLE" in kinds else f"decimal(38, {scale})"
    if not kind.startswith(NUMBERS):
        return f"0::{common}"
    return f"{'fsum' if kind == 'DOUBLE' else 'sum'}({identifier(field)})::{common}"


def _plain(number: str) -> str:
    text = f"({number})::varchar"
    return f"case when contains({text}, '.') and not contains({text}, 'e') then rtrim(rtrim({text}, '0'), '.') else {text} end"
