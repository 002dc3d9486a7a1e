"""DuckDB: the one place that opens it and quotes for it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ingest.errors import DiskFull
from ingest.settings import settings


@contextmanager
def engine(*, memory_limit: str | None = None, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills to a folder of its own and can reach no network. UTC, so that text and time agree everywhere."""
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="spill-", dir=home) as spill:
        connection = duckdb.connect(config={
            "memory_limit": memory_limit or settings().memory_limit,
            "threads": threads or settings().threads,
            "temp_directory": spill,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        })
        try:
            connection.execute("set timezone = 'UTC'")
            connection.execute("set enable_progress_bar = false")  # it would be drawn on standard output, beside a command's JSON
            yield connection
        except duckdb.IOException as error:
            if "No space left" in str(error):
                raise DiskFull(f"The disk of {home} is full.", "Free some room and try again; nothing was lost.") from error
            raise
        finally:
            connection.close()


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | Path) -> str:
    """A text quoted for SQL, for the places that take no parameter (COPY targets, table functions in views)."""
    return "'" + str(value).replace("'", "''") + "'"
