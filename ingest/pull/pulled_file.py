"""Rows that were pulled, as a file: Parquet whose every cell is text that loses nothing, under a mark by which reading knows that it can be taken as it is.

Written as: numbers with all their digits, times as ISO with `Z` where they are moments (without an offset where they aren't), truths as true and false, bytes as the
text they are in UTF-8, else in hexadecimal, lists and records as JSON. An empty text is no text.
"""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.engine import engine, identifier, literal
from ingest.raw import OWN_COLUMNS, PULLED, PULLED_MARK

GROUP_ROWS = 122_880


def from_query(connection: duckdb.DuckDBPyConnection, query: str, to: Path, label: str) -> int:
    """Writes what a query in DuckDB gives; how many rows. `label` is what people call the place the rows came from."""
    described = connection.execute(f"describe {query}").fetchall()
    if not described:
        return 0
    cells = ", ".join(f"{as_text(identifier(name), kind)} as {identifier(_own_name(name))}" for name, kind, *_ in described)
    constant = f"enum({literal(label)})"  # one byte a row on its way into the file
    part = to.with_name(f"{to.name}.part-{secrets.token_hex(4)}")
    try:
        rows = connection.execute(f"""
            copy (select {literal(label)}::{constant} as _file, null::{constant} as _sheet, {cells} from ({query}))
            to {literal(part)} (format parquet, compression snappy, row_group_size {GROUP_ROWS}, kv_metadata {{{PULLED}: {literal(PULLED_MARK)}}})""").fetchone()[0]
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return rows


def from_batches(batches: Iterator[pa.RecordBatch], schema: pa.Schema, to: Path, label: str) -> int:
    """Writes Arrow batches, one at a time; how many rows."""
    with engine() as connection:
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        connection.register("pulled", reader)
        return from_query(connection, "select * from pulled", to, label)


class TextFile:
    """A pulled file that is written batch by batch, out of cells that are text as it has to be already. It is there once all of it is."""

    def __init__(self, to: Path, names: Sequence[str], label: str) -> None:
        self.to, self.label, self.rows = to, label, 0
        self.part = to.with_name(f"{to.name}.part-{secrets.token_hex(4)}")
        own = [pa.field("_file", pa.string()), pa.field("_sheet", pa.string())]
        self.schema = pa.schema([*own, *(pa.field(_own_name(name), pa.string()) for name in names)], {PULLED: PULLED_MARK})
        self.writer = pq.ParquetWriter(self.part, self.schema, compression="snappy", use_dictionary=True)
        self.waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        return self

    def add(self, batch: pa.RecordBatch) -> None:
        """Writes some rows."""
        constants = pa.repeat(pa.scalar(self.label), batch.num_rows), pa.nulls(batch.num_rows, pa.string())
        self.waiting.append(pa.RecordBatch.from_arrays([*constants, *batch.columns], schema=self.schema))
        self.rows += batch.num_rows
        if sum(each.num_rows for each in self.waiting) >= GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        self.writer.write_table(pa.Table.from_batches(self.waiting, self.schema))
        self.waiting.clear()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None and self.waiting:
                self._write()
        finally:
            self.writer.close()
        if kind is None:
            self.part.replace(self.to)
        self.part.unlink(missing_ok=True)


def as_text(column: str, kind: str) -> str:
    """SQL in DuckDB for a column of this type as text."""
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return f"nullif({column}::varchar, '')"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"replace(timezone('UTC', {column})::varchar, ' ', 'T') || 'Z'"
    if kind.startswith("TIMESTAMP"):
        return f"replace({column}::varchar, ' ', 'T')"
    if kind == "BLOB":
        return f"coalesce(try(decode({column})), lower(hex({column})))"
    if kind == "JSON":
        return f"nullif({column}::varchar, 'null')"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def _own_name(name: str) -> str:
    return f"{name}_2" if name.lower() in OWN_COLUMNS else name
