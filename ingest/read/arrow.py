"""Parquet and Arrow (Feather) files: typed columns → raw.parquet as text that loses nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.read.cells import duration_text, number_text
from ingest.read.limits import INFLATION_MATTERS_FROM, MAX_COLUMNS, MAX_INFLATION, MAX_PACKED_ROWS
from ingest.read.names import column_names
from ingest.read.pulled import is_pulled, take_pulled
from ingest.read.rawfile import RawFile
from schemas.reading import Finding, ReadReport, ReadSpec

BATCH = 20_000
Progress = Callable[[int], None] | None


def read_parquet(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads a Parquet file."""
    with _plain_failures("Parquet"):
        if is_pulled(source):
            return take_pulled(source, file_name, out)
        file = pq.ParquetFile(source)
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
        inflated = sum(group.total_byte_size for group in groups)
        if (inflated > INFLATION_MATTERS_FROM and inflated > MAX_INFLATION * source.stat().st_size) or file.metadata.num_rows > MAX_PACKED_ROWS:
            raise Unreadable(f"This Parquet file would unpack to {inflated // 1024**2:,} MB and {file.metadata.num_rows:,} rows, which is more than can be read safely.")
        return _write(file.schema_arrow, file.iter_batches(BATCH), "parquet", file_name, out, progress)


def read_arrow(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads an Arrow file, also called Feather, or an Arrow stream."""
    with _plain_failures("Arrow"):
        if _begins_with(source, b"FEA1"):
            table = feather.read_table(source)
            return _write(table.schema, iter(table.to_batches(BATCH)), "arrow", file_name, out, progress)
        with pa.OSFile(str(source)) as stream, ipc.open_file(stream) as file:
            return _write(file.schema, (file.get_batch(index) for index in range(file.num_record_batches)), "arrow", file_name, out, progress)


@contextmanager
def _plain_failures(kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, MemoryError, NotImplementedError, OverflowError, SystemError):
        raise Unreadable(f"This {kind} file is damaged, or of a kind that can't be read.", "Export it again, or as CSV.") from None


def _begins_with(source: Path, mark: bytes) -> bool:
    with source.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], kind: str, file_name: str, out: Path, progress: Progress) -> ReadReport:
    fields = _flat_names(schema)
    if not fields or len(fields) > MAX_COLUMNS:
        raise Unreadable(f"This file has {len(fields):,} columns; 1 to {MAX_COLUMNS:,} can be read.")
    names = column_names(fields, len(fields))
    with RawFile(out, file_name, None, names, [lambda cells: pa.array(cells, pa.string())] * len(names), progress) as raw:
        number = 2
        for batch in batches:
            batch.validate(full=True)
            rows = list(zip(*[_texts(column).to_pylist() for column in _flat(batch)], strict=True))
            raw.add(list(enumerate(rows, number)), lambda _number, cells: cells)
            number += len(rows)
    types = ", ".join(f"{field.name}: {field.type}" for field in schema)[:300]
    findings = (Finding(what="header", value="in the file", why="the file names its columns"), Finding(what="types", value=types, why="the file says so; the values are kept as text that loses nothing"))
    return ReadReport(file=file_name, format=kind, columns=names, rows=raw.rows, findings=findings)


def _flat_names(schema: pa.Schema) -> list[str]:
    return [name for field in schema for name in _names_of(field.name, field.type)]


def _names_of(name: str, kind: pa.DataType) -> list[str]:
    if pa.types.is_struct(kind) and kind.num_fields:
        return [inner for index in range(kind.num_fields) for inner in _names_of(f"{name}.{kind.field(index).name}", kind.field(index).type)]
    return [name]


def _flat(batch: pa.RecordBatch) -> Iterator[pa.Array]:
    for column in batch.columns:
        yield from _parts(column)


def _parts(column: pa.Array) -> Iterator[pa.Array]:
    if pa.types.is_struct(column.type) and column.type.num_fields:
        for part in column.flatten():
            yield from _parts(part)
    else:
        yield column


def _texts(column: pa.Array) -> pa.Array:
    """A column as text: plain types by a cast, the others value by value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.dictionary_decode())
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else number_text(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind) or pa.types.is_date32(kind) or pa.types.is_time(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_timestamp(kind):
        return pc.replace_substring_regex(pc.replace_substring(pc.cast(column, pa.string()), " ", "T", max_replacements=1), r"\.0+(Z?)$", r"\1")
    return pa.array([None if value is None else _text(value) for value in column.to_pylist()], pa.string())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8") if _is_utf8(value) else value.hex()
    if hasattr(value, "total_seconds"):
        return duration_text(value)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict, tuple)) else str(value)


def _is_utf8(value: bytes) -> bool:
    try:
        return value.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False
