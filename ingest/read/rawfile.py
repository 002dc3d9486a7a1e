"""raw.parquet while it is written: rows in, Arrow batches out, and the distance between a record's number and its row number."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.raw import RAW
from ingest.read.limits import MAX_SPANS
from schemas.reading import RowSpan

BATCH_CELLS = 200_000
GROUP_ROWS = 122_880
GROUP_BYTES = 64 * 1024**2

Cells = Sequence[object]
Fit = Callable[[int, Cells], Cells]
"""Makes a row of another width fit the table, given its number."""
ToText = Callable[[Sequence[object]], pa.Array]
"""Turns one column of some rows into text, null for nothing."""


def text_column(cells: Sequence[object]) -> pa.Array:
    """Cells that are text already; an empty one is null."""
    texts = pa.array(cells, pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts)


class RawFile:
    """Writes raw.parquet into a folder, row by row, holding a few thousand rows at a time."""

    def __init__(self, folder: Path, file: str, sheet: str | None, columns: Sequence[str], to_text: Sequence[ToText] | None = None, progress: Callable[[int], None] | None = None) -> None:
        self.columns, self.file, self.sheet, self.progress = tuple(columns), file, sheet, progress
        self.to_text = to_text or [text_column] * len(self.columns)
        self.schema = pa.schema([(name, pa.string()) for name in ("_file", "_sheet", *self.columns)])
        self.writer = pq.ParquetWriter(folder / RAW, self.schema, compression="zstd", compression_level=1)
        self.batch_rows = max(1, BATCH_CELLS // max(1, len(self.columns)))
        self.batch: list[Cells] = []
        self.group: list[pa.RecordBatch] = []
        self.rows = 0
        self.spans: list[RowSpan] = []
        self.shift: int | None = None
        self.moved = 0

    def add(self, rows: Sequence[tuple[int, Cells]], fit: Fit) -> None:
        """The next rows of the table, each with its row number; `fit` makes one of another width fit."""
        width = len(self.columns)
        self._note_numbers(rows)
        self.batch += [cells if len(cells) == width else fit(number, cells) for number, cells in rows]
        self.rows += len(rows)
        if len(self.batch) >= self.batch_rows:
            self._flush_batch()

    def turn_to(self, sheet: str, first: int) -> None:
        """The rows from here on stand in another sheet, whose row 1 is numbered `first` + 1."""
        self._flush_batch()
        self.sheet, self.moved = sheet, first

    def _note_numbers(self, rows: Sequence[tuple[int, Cells]]) -> None:
        if rows and rows[0][0] + self.moved - self.rows == self.shift and rows[-1][0] - rows[0][0] == len(rows) - 1:
            return
        for record, (number, _) in enumerate(rows, self.rows):
            if number + self.moved - record != self.shift:
                self._new_span(record, number + self.moved - record)

    def _new_span(self, record: int, shift: int) -> None:
        if len(self.spans) >= MAX_SPANS:
            raise Unreadable(f"More than {MAX_SPANS:,} rows of this file are blank or no part of the table, scattered between its rows.", "Remove them, or export the file again.")
        self.shift = shift
        self.spans.append(RowSpan(first=record, shift=shift))

    def _flush_batch(self) -> None:
        for begin in range(0, len(self.batch), self.batch_rows):
            self._flush_rows(self.batch[begin : begin + self.batch_rows])
        self.batch = []
        if self.progress and self.rows:
            self.progress(self.rows)

    def _flush_rows(self, rows: list[Cells]) -> None:
        columns = [convert(cells) for convert, cells in zip(self.to_text, zip(*rows, strict=True), strict=True)]
        constants = [_constant(value, len(rows)) for value in (self.file, self.sheet)]
        self.group.append(pa.RecordBatch.from_arrays([*constants, *columns], schema=self.schema))
        if sum(batch.num_rows for batch in self.group) >= GROUP_ROWS or sum(batch.nbytes for batch in self.group) >= GROUP_BYTES:
            self._flush_group()

    def _flush_group(self) -> None:
        if self.group:
            self.writer.write_table(pa.Table.from_batches(self.group), row_group_size=GROUP_ROWS)
            self.group = []

    def __enter__(self) -> "RawFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._flush_batch()
            self._flush_group()
        self.writer.close()


def _constant(value: str | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string()) if value is None else pa.repeat(pa.scalar(value, pa.string()), rows)
