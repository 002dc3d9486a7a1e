"""Events as the JSON bodies that are posted: made by DuckDB, cut out of one buffer, never an object per event."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.engine import identifier, literal
from schemas.event_type import OUR_FIELDS, EventType

EVENTS = "events.parquet"


class Bodies:
    """The bodies of one import's events. The same rows always give the same bytes, so a plan's hash can be held against them. Several threads may ask at once."""

    def __init__(self, check_folder: Path, event_type: EventType, import_id: str, timestamp_digits: int) -> None:
        self._path = check_folder / EVENTS
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "512MB", "python_enable_replacements": "false"})
        self._connection.execute("set global timezone = 'UTC'")
        self._connection.execute("set global parquet_metadata_cache = true")  # the files never change
        self.names, self.types = self._schema()
        self.sent_fields = tuple(field.name for field in event_type.fields if field.name in OUR_FIELDS or field.name in self.names)
        self._stamp = _stamp_format(timestamp_digits)
        self._event = self._event_sql(event_type, import_id)

    def close(self) -> None:
        """Lets go of the engine."""
        self._connection.close()

    def count(self) -> int:
        """How many events there are."""
        return self._connection.execute(f"select count(*) from read_parquet({literal(self._path)})").fetchone()[0]

    def ranges(self, first: int, sizes: Sequence[int]) -> list[bytes]:
        """Bodies of consecutive batches that begin at row `first`: JSON arrays of `sizes` events each."""
        end = first + sum(sizes)
        rows = f"from read_parquet({literal(self._path)}, file_row_number=true) where file_row_number >= {int(first)} and file_row_number < {int(end)}"
        with self._connection.cursor() as cursor:
            table = cursor.execute(f"select {self._event} || ',' as event {rows}").to_arrow_table()
        return _cut(table.column("event"), sizes)

    def event_ids(self, first: int, events: int) -> list[str]:
        """The ids of the events of one batch, in order."""
        rows = f"from read_parquet({literal(self._path)}, file_row_number=true) where file_row_number >= {int(first)} and file_row_number < {int(first + events)}"
        with self._connection.cursor() as cursor:
            return [row[0] for row in cursor.execute(f"select event_id::varchar {rows}").fetchall()]

    def _schema(self) -> tuple[list[str], list[str]]:
        rows = self._connection.execute(f"describe select * from read_parquet({literal(self._path)})").fetchall()
        return [row[0] for row in rows], [row[1] for row in rows]

    def _event_sql(self, event_type: EventType, import_id: str) -> str:
        ours = {"event_id": "event_id::varchar", "import_id": f"{literal(import_id)}"}
        fields = [(field.name, ours[field.name]) for field in event_type.fields if field.name in ours]
        usage = [(field.name, self._value_sql(field.name)) for field in event_type.usage_fields if field.name in self.names]
        data = ", ".join(f"{identifier(name)} := {sql}" for name, sql in [*usage, *fields])
        data_sql = f"to_json(struct_pack({data}))" if data else "'{}'::json"
        stamp = f"strftime(\"timestamp\", '{self._stamp}')"
        return f'to_json(struct_pack(customer_id := customer_id, "timestamp" := {stamp}, data := {data_sql}))'

    def _value_sql(self, name: str) -> str:
        kind = self.types[self.names.index(name)]
        quoted = identifier(name)
        if kind.startswith("TIMESTAMP"):
            return f"strftime({quoted}, '{self._stamp}')"
        if kind in ("DATE", "UUID"):
            return f"{quoted}::varchar"
        return quoted


def _stamp_format(digits: int) -> str:
    """UTC as `YYYY-MM-DD HH:MM:SS[.fff]`, the form the billing system's own client sends."""
    fraction = {0: "", 3: ".%g", 6: ".%f"}[0 if digits == 0 else 3 if digits <= 3 else 6]
    return f"%Y-%m-%d %H:%M:%S{fraction}"


def _cut(events: pa.ChunkedArray, sizes: Sequence[int]) -> list[bytes]:
    array = pa.concat_arrays(events.chunks).cast(pa.large_string()) if events.num_chunks else pa.array([], pa.large_string())
    offsets = memoryview(array.buffers()[1]).cast("q")
    text = memoryview(array.buffers()[2])
    bodies, at = [], array.offset
    for size in sizes:
        bodies.append(b"[" + bytes(text[offsets[at]:offsets[at + size] - 1]) + b"]")
        at += size
    return bodies
