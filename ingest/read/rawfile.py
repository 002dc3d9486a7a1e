"""raw.parquet while it is written: rows in, Arrow batches out, each row with its number."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.raw import RAW, ROW

BATCH_CELLS = 200_000
BATCH_ROWS = 100
"""At least so many rows make a batch, however many columns there are: each column of one costs as much as a few hundred cells."""
GROUP_ROWS = 122_880
GROUP_BYTES = 64 * 1024**2

HALF = re.compile("[\ud800-\udfff]")
Cells = Sequence[object]
Fit = Callable[[int, Cells], Cells]
"""Makes a row of another width fit the table, given its number."""
ToText = Callable[[Sequence[object]], pa.Array]
"""Turns one column of some rows into text, null for nothing."""


def text_column(cells: Sequence[object]) -> pa.Array:
    """Cells that are text already; an empty one is null."""
    try:
        texts = pa.array(cells, pa.string())
    except UnicodeEncodeError:  # JSON can name halves of characters
        texts = pa.array([HALF.sub("\ufffd", cell) if cell else cell for cell in cells], pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts) if "" in cells else texts


class RawFile:
    """Writes raw.parquet into a folder, row by row, holding a few thousand rows at a time."""

    def __init__(self, folder: Path, file: str, sheet: str | None, columns: Sequence[str], to_text: Sequence[ToText] | None = None, progress: Callable[[int], None] | None = None) -> None:
        self.columns, self.file, self.sheet, self.progress = tuple(columns), file, sheet, progress
        self.to_text = to_text or [text_column] * len(self.columns)
        texts = ("_file", "_sheet", *self.columns)
        self.schema = pa.schema([*((name, pa.string()) for name in texts), (ROW, pa.int64())])
        self.writer = pq.ParquetWriter(folder / RAW, self.schema, compression="zstd", compression_level=1, use_dictionary=list(texts), column_encoding={ROW: "DELTA_BINARY_PACKED"})
        self.batch_rows = max(BATCH_ROWS, BATCH_CELLS // max(1, len(self.columns)))
        self.batch: list[Cells] = []
        self.numbers: list[int] = []
        self.group: list[pa.RecordBatch] = []
        self.group_rows, self.group_bytes = 0, 0
        self.rows = 0
        self.moved = 0

    def add(self, rows: Sequence[tuple[int, Cells]], fit: Fit) -> None:
        """The next rows of the table, each with its row number; `fit` makes one of another width fit."""
        width = len(self.columns)
        self.numbers += [number + self.moved for number, _ in rows]
        self.batch += [cells if len(cells) == width else fit(number, cells) for number, cells in rows]
        self.rows += len(rows)
        if len(self.batch) >= self.batch_rows:
            self._flush_batch()

    def turn_to(self, sheet: str, first: int) -> None:
        """The rows from here on stand in another sheet, whose row 1 is numbered `first` + 1."""
        self._flush_batch()
        self.sheet, self.moved = sheet, first

    def _flush_batch(self) -> None:
        for begin in range(0, len(self.batch), self.batch_rows):
            self._flush_rows(self.batch[begin : begin + self.batch_rows], self.numbers[begin : begin + self.batch_rows])
        self.batch, self.numbers = [], []
        if self.progress and self.rows:
            self.progress(self.rows)

    def _flush_rows(self, rows: list[Cells], numbers: list[int]) -> None:
        columns = [convert(cells) for convert, cells in zip(self.to_text, zip(*rows, strict=True), strict=True)]
        constants = [_constant(value, len(rows)) for value in (self.file, self.sheet)]
        batch = pa.RecordBatch.from_arrays([*constants, *columns, pa.array(numbers, pa.int64())], schema=self.schema)
        self.group.append(batch)
        self.group_rows, self.group_bytes = self.group_rows + len(rows), self.group_bytes + batch.nbytes
        if self.group_rows >= GROUP_ROWS or self.group_bytes >= GROUP_BYTES:
            self._flush_group()

    def _flush_group(self) -> None:
        if self.group:
            self.writer.write_table(pa.Table.from_batches(self.group), row_group_size=GROUP_ROWS)
            self.group, self.group_rows, self.group_bytes = [], 0, 0

    def __enter__(self) -> "RawFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._flush_batch()
            self._flush_group()
        self.writer.close()


def _constant(value: str | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string()) if value is None else pa.repeat(pa.scalar(value, pa.string()), rows)
