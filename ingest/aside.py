"""The events that a check set aside: those of rows that were readable and yet left out."""

from pathlib import Path

import duckdb

from ingest.engine import identifier, literal

SET_ASIDE = "set_aside.parquet"


def set_aside(connection: duckdb.DuckDBPyConnection, folder: Path) -> str | None:
    """SQL for them, with what became of them as `_outcome` and `_reason`, a file's own column may be called `reason`; None where there are none."""
    path = folder / SET_ASIDE
    if not path.exists():
        return None
    *_, outcome, reason = (name for name, *_ in connection.execute(f"describe select * from read_parquet({literal(path)})").fetchall())  # the last two, whatever an earlier version called them
    return f"select * rename ({identifier(outcome)} as _outcome, {identifier(reason)} as _reason) from read_parquet({literal(path)})"
