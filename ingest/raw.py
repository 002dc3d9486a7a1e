"""The table that reading hands on: every cell as text, seen with the row number of the person's own spreadsheet."""

from pathlib import Path

from ingest.engine import identifier, literal
from schemas.reading import ReadReport, RowSpan

RAW = "raw.parquet"
OWN_COLUMNS = ("_file", "_sheet", "_row", "file_row_number")
"""Columns of ours, and the one by which the engine counts records; a file's own column never has one of these names (reading renames it)."""

PROBLEM, ORIGINAL_ROW = "Problem", "Row in the original file"
"""Columns that we add to the rows a person downloads to fix; a file that has them brings such rows back."""


def raw_query(folder: Path, report: ReadReport) -> str:
    """A SELECT over raw.parquet in `folder`: `_row` (BIGINT), `_file`, `_sheet` and the file's columns, all VARCHAR."""
    columns = ", ".join(identifier(column) for column in report.columns)
    return f"select file_row_number + {_shift(report.spans)} as _row, _file, _sheet, {columns} from read_parquet({literal(folder / RAW)}, file_row_number=true)"


def _shift(spans: tuple[RowSpan, ...]) -> str:
    """SQL for what to add to a record's number: a balanced CASE, so that thousands of spans stay cheap."""
    if not spans:
        return "2"
    if len(spans) == 1:
        return str(spans[0].shift)
    middle = len(spans) // 2
    return f"(case when file_row_number < {spans[middle].first} then {_shift(spans[:middle])} else {_shift(spans[middle:])} end)"
