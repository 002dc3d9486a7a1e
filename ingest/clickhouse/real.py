"""Real ClickHouse inside this process, where chdb is installed: tests hold translations against it, and the sandbox may answer with it."""

import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ingest.clickhouse.tables import Table
from ingest.clickhouse.types import read_type
from ingest.errors import BadInput

ESCAPES = {"b": "\b", "f": "\f", "r": "\r", "n": "\n", "t": "\t", "0": "\0", "'": "'", "\\": "\\"}
MEMORY, SECONDS = 2 * 1024**3, 30
"""What one query may use and take."""
_loaded: dict[str, tuple] = {}
"""What the session's tables were made of, so that the same events are read once."""


def available() -> bool:
    """Whether ClickHouse is installed here."""
    return find_spec("chdb") is not None


@lru_cache(maxsize=1)
def _session() -> object:
    """The process's one session: chdb takes no second."""
    from chdb.session import Session
    session = Session(tempfile.mkdtemp(prefix="clickhouse-"))
    session.query(f"SET max_memory_usage = {MEMORY}, max_execution_time = {SECONDS}", "Null")
    return session


def run(text: str, tables: Mapping[str, tuple[Table, Path]]) -> list[tuple[str | None, ...]]:
    """The rows of a query over Parquet files, as exact texts. Raises BadInput with ClickHouse's own words."""
    return answer(text, tables)[1]


def answer(text: str, tables: Mapping[str, tuple[Table, Path]]) -> tuple[list[tuple[str, str]], list[tuple[str | None, ...]]]:
    """Names and types of the result's columns, and its rows as exact texts."""
    for table, path in tables.values():
        held = (path, path.stat().st_mtime_ns, path.stat().st_size, tuple(table.columns.items()))
        if _loaded.get(table.name) != held:
            load(table, path)
            _loaded[table.name] = held
    lines = _ask(text.rstrip().rstrip(";"), "TSVWithNamesAndTypes").split("\n")
    names, types = (tuple(_field(each) or "" for each in line.split("\t")) for line in lines[:2])
    rows = [tuple(_exact(_field(each), kind) for each, kind in zip(line.split("\t"), types, strict=True)) for line in lines[2:-1]]
    return list(zip(names, types, strict=True)), rows


def load(table: Table, path: Path) -> None:
    """Makes the table anew of a Parquet file, whose columns have the table's names or those without `data.`."""
    _loaded.pop(table.name, None)
    columns = ", ".join(f"{_name(name)} {kind}" for name, kind in table.columns.items())
    _ask(f"CREATE OR REPLACE TABLE {_name(table.name)} ({columns}) ENGINE = Memory")
    _ask(f"INSERT INTO {_name(table.name)} SELECT {', '.join(_read(path, table))} FROM file({_text(str(path))}, 'Parquet')")


def _read(path: Path, table: Table) -> Sequence[str]:
    import pyarrow.parquet as pq
    held = pq.read_schema(path).names
    wanted = [name if name in held else name.removeprefix("data.") for name in table.columns]
    return [f"CAST({_name(name)} AS {kind})" for name, kind in zip(wanted, table.columns.values(), strict=True)]


def _ask(text: str, form: str = "Null") -> str:
    try:
        return _session().query(text, form).bytes().decode("utf-8", "backslashreplace")
    except RuntimeError as error:
        _session().query("SELECT 1", "Null")  # a failed query leaves the head of its answer behind, for the next one to begin with
        raise BadInput(f"ClickHouse says: {str(error).partition('DB::Exception: ')[2] or error}") from None


def _name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _field(written: str) -> str | None:
    if written == "\\N":
        return None
    if "\\" not in written:
        return written
    parts = iter(written)
    return "".join(ESCAPES.get(after := next(parts), after) if each == "\\" else each for each in parts)


def _exact(given: str | None, kind: str) -> str | None:
    """Floats without an exponent, as text_of writes them."""
    if given is None or not read_type(kind).is_float or given in ("nan", "inf", "-inf"):
        return given
    plain = f"{Decimal(given):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain
