"""Rows held against those that the last run saw, by hashes of their cells: what is still the same isn't taken in again.

The window begins at the mark and takes it along, so every run sees some rows again; a source without a cursor is read whole, so it sees nearly all of them.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq

from ingest import files
from ingest.engine import engine, identifier, literal
from ingest.raw import OWN_COLUMNS, PULLED, PULLED_MARK
from schemas.source import Source

COLUMNS = "intake_columns"
"""Where a file of hashes notes the columns they are made of."""


def leave_out_seen(path: Path, seen: Path | None, key: Sequence[str], *, whole: bool) -> tuple[int, int]:
    """Rewrites a pulled file without the rows that were seen as they are. How many are left, and, where the source was read whole, how many keys are in it no more."""
    total = pq.read_metadata(path).num_rows
    if seen is None:
        return total, 0
    with engine() as connection:
        connection.execute(f"create view seen as select k, h, n from read_parquet({literal(seen)})")
        names, there = _noted(seen) or _names(path), {*_names(path)}
        connection.execute(f"create view hashed as {_hashed(path, key, names)}")
        connection.execute("create table known as select r, h from hashed where h in (select h from seen)")
        connection.execute("""
            create table again as select r from (select r, h, row_number() over (partition by h order by r) as o from known) join (select h, sum(n) as n from seen group by h) using (h) where o <= n""")
        again = connection.execute("select count(*) from again").fetchone()[0]
        removed = connection.execute("select count(*) from (select distinct k from seen) where k not in (select k from hashed)").fetchone()[0] if whole and {*(key or names)} <= there else 0
        if again:
            fresh = path.with_name(f"{path.name}.fresh")
            connection.execute(f"""
                copy (select * exclude (file_row_number) from read_parquet({literal(path)}, file_row_number=true) where file_row_number not in (select r from again) order by file_row_number)
                to {literal(fresh)} (format parquet, compression snappy, kv_metadata {{{PULLED}: {literal(PULLED_MARK)}}})""")
            fresh.replace(path)
        return total - again, removed


def keep_seen(path: Path, seen: Path, source: Source, newest: str | None, kind: str) -> None:
    """Notes which rows the next run may see again: all of a source that is read whole, else those from the look-back before the newest cursor on."""
    seen.parent.mkdir(parents=True, exist_ok=True)
    part = seen.with_name(f"{seen.name}.part")
    with engine() as connection, files.full_disk_is_a_sentence():
        names = _names(path)
        rows = _hashed(path, source.read.key, names, _seen_again(source, newest, kind))
        connection.execute(f"copy (select k, h, count(*) as n from ({rows}) group by all) to {literal(part)} (format parquet, kv_metadata {{{COLUMNS}: {literal(json.dumps(names))}}})")
    part.replace(seen)


def _seen_again(source: Source, newest: str | None, kind: str) -> str:
    """The condition on a row for the next window to have it, too; where it can't be told, all."""
    if not source.read.cursor or newest is None:
        return "true"
    cursor = identifier(source.read.cursor)
    if source.lookback <= timedelta(0):
        return f"{cursor} = {literal(newest)}"
    if kind not in ("time", "naive_time"):
        return "true"
    return f"try_cast({cursor} as timestamp) >= timestamp {literal(newest.rstrip('Z')[:26])} - interval {int(source.lookback.total_seconds()) + 1} second"


def _names(path: Path) -> list[str]:
    return [name for name in pq.read_schema(path).names if name not in OWN_COLUMNS]


def _noted(seen: Path) -> list[str]:
    """The columns that the last run's hashes are made of: one that came since makes no row another."""
    return json.loads((pq.read_schema(seen).metadata or {}).get(COLUMNS.encode(), b"[]"))


def _hashed(path: Path, key: Sequence[str], names: Sequence[str], where: str = "true") -> str:
    """A SELECT of each row's number, and the hashes of its key and of its cells in these columns, as far as they are there."""
    there = _names(path)
    row = _hash([name for name in names if name in there] or there)
    return f"select file_row_number as r, {_hash(key) if key and {*key} <= {*there} else row} as k, {row} as h from read_parquet({literal(path)}, file_row_number=true) where {where}"


def _hash(names: Sequence[str]) -> str:
    texts = ", ".join(f"coalesce(concat(strlen({identifier(name)}), ':', {identifier(name)}), '-')" for name in names)
    return f"md5(concat({texts}))::uuid"
