"""Looking at an import: totals, rows, problems."""

from pathlib import Path

import pyarrow as pa

from ingest import check as checking
from ingest import match as matching
from ingest import metric
from ingest.imports.current import check_folder, raw_folder, read_record
from schemas.previewing import PreviewSpec


def preview(import_id: str, spec: PreviewSpec) -> pa.Table:
    """Totals of the accepted events; one row a group, the value in `value` (exact for decimals)."""
    return metric.preview(check_folder(import_id), spec)


def overview(import_id: str) -> pa.Table:
    """Per customer: events, first and last timestamp, and the sum of every numeric field."""
    return metric.overview(check_folder(import_id))


def raw_rows(import_id: str, *, offset: int = 0, limit: int = 50) -> pa.Table:
    """Rows of the table as read, `_row` first."""
    return matching.raw_rows(raw_folder(import_id), read_record(import_id).report, offset=offset, limit=limit)


def problem_rows(import_id: str, *, code: str | None = None, column: str | None = None, offset: int = 0, limit: int = 200) -> pa.Table:
    """Raw rows that have an issue: `_row`, `problem` (in words), then the file's columns."""
    return checking.problem_rows(check_folder(import_id), raw_folder(import_id), read_record(import_id).report, code=code, column=column, offset=offset, limit=limit)


def left_out_rows(import_id: str, outcome: str | None = None, *, offset: int = 0, limit: int = 200) -> pa.Table:
    """Rows that aren't accepted: `_row`, `outcome`, `reason`."""
    return checking.left_out_rows(check_folder(import_id), outcome, offset=offset, limit=limit)


def write_rejected(import_id: str, path: Path) -> Path:
    """The rejected rows with their reasons, as CSV or Excel by the ending of `path`; safe to open in a spreadsheet, and to bring back."""
    record = read_record(import_id)
    return checking.write_rejected(check_folder(import_id), raw_folder(import_id), record.report, path, record.match)
