"""How a file would read with another specification: its first rows, read on the spot from the file's beginning and thrown away."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest import imports
from ingest.errors import Unreadable
from ingest.match import raw_rows
from ingest.read import read_file
from ingest.read.sniff import format_of
from ingest.store import imports as import_rows
from schemas.reading import ReadReport, ReadSpec

PIECE = 2 * 1024**2
"""Bytes of a text file that are looked at; `WHOLE` bytes of any other kind, which can't be cut."""
WHOLE = 16 * 1024**2
COMPARED = 2_000


class Attempt(NamedTuple):
    """What one specification makes of the file: its first rows, `_row` first, or a sentence why there are none."""

    table: pa.Table | None = None
    columns: int = 0
    problem: str = ""


def attempts(import_id: str, specs: Sequence[ReadSpec], limit: int = 6) -> tuple[Attempt, ...]:
    """One attempt for each specification. Where all give the same columns, the rows in which they differ come first. For a query process."""
    record = import_rows.get(import_id)
    with tempfile.TemporaryDirectory() as folder:
        source = _beginning(imports.source_path(import_id), Path(folder))
        if source is None:
            return tuple(Attempt(problem="This file is too large to be shown both ways here.") for _ in specs)
        found = [_attempt(source, record.file_name, spec, Path(folder) / str(position)) for position, spec in enumerate(specs)]
    rows = _telling([each.table for each in found if each.table is not None])
    return tuple(each._replace(table=_shown(each.table, rows[:limit], limit)) for each in found)


def _shown(table: pa.Table | None, rows: list[int], limit: int) -> pa.Table | None:
    return table if table is None else table.take(rows) if rows else table.slice(0, limit)


def _beginning(source: Path, folder: Path) -> Path | None:
    """The file itself where it is small, the first part of a large text; None for anything else that is large."""
    if source.stat().st_size <= PIECE or format_of(source) != "text":
        return source if source.stat().st_size <= WHOLE else None
    with source.open("rb") as stream:
        piece = stream.read(PIECE)
    wide = b"\0" in piece[:4096]  # several bytes a character: a line end can't be told from its bytes alone
    path = folder / "beginning"
    path.write_bytes(piece if wide else piece[: piece.rfind(b"\n") + 1] or piece)
    return path


def _attempt(source: Path, file_name: str, spec: ReadSpec, out: Path) -> Attempt:
    out.mkdir()
    try:
        report: ReadReport = read_file(source, file_name, spec, out)
        return Attempt(table=_as_numbered(raw_rows(out, report, limit=COMPARED), report.row_step), columns=len(report.columns))
    except Unreadable as error:
        return Attempt(problem=str(error))


def _as_numbered(table: pa.Table, step: int) -> pa.Table:
    """The rows under the numbers of the person's own spreadsheet, where ours count on from sheet to sheet."""
    return table.set_column(0, "_row", pa.array([row % step for row in table.column(0).to_pylist()], pa.int64())) if step else table


def _telling(tables: list[pa.Table]) -> list[int]:
    """The positions of the rows in which some tables of one shape differ; none where their shapes differ, or nothing does."""
    first, *others = tables or [None]
    if not others or any(each.num_columns != first.num_columns or each.num_rows != first.num_rows for each in others):
        return []
    differs = None
    for each in others:
        for ours, theirs in zip(first.columns, each.columns, strict=True):
            here = pc.fill_null(pc.not_equal(ours, theirs), False)
            differs = here if differs is None else pc.or_(differs, here)
    return pc.indices_nonzero(differs).to_pylist() if differs is not None else []
