"""The table that reading hands on: every cell as text, seen with the row number of the person's own spreadsheet."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from ingest.correct import corrected, dropped
from ingest.engine import identifier, literal
from schemas.correcting import creates
from schemas.reading import ReadReport, RowSpan

RAW, ROW = "raw.parquet", "_row"
OWN_COLUMNS = ("_file", "_sheet", ROW, "file_row_number")
"""Columns of ours, and the one by which the engine counts records; a file's own column never has one of these names (reading renames it)."""

PULLED, PULLED_MARK = "usage_intake", "pulled"
"""What the metadata of a Parquet file say whose columns are those of raw.parquet already: rows that a connector wrote."""

PROBLEM, ORIGINAL_ROW = "Problem", "Row in the original file"
LABEL = r"^\s*(\d+) ?\((\d+)\)\s*$"
"""Columns that we add to the rows a person downloads to fix; a file that has them brings such rows back."""

GUARDED = r"'+[=+\-@\t\r].*"
"""A cell that a file of rejected rows holds behind an apostrophe, which is taken off when the file comes back."""


def raw_query(folder: Path, report: ReadReport) -> str:
    """A SELECT over raw.parquet in `folder`, with the person's corrections: `_row` (BIGINT), `_file`, `_sheet` and the table's columns, all VARCHAR."""
    return corrected(as_read(folder, report), report.corrections)


def dropped_query(folder: Path, report: ReadReport) -> str:
    """A SELECT of the rows that corrections leave out: `_row` and `reason`."""
    return dropped(as_read(folder, report), report.corrections)


def as_read(folder: Path, report: ReadReport) -> str:
    """What `raw_query` gives without corrections.

    Row numbers stand in the file, where it was written row by row; where DuckDB copied a regular file as it was, they follow from the records' numbers.
    """
    added = {name for correction in report.corrections for name in creates(correction)}
    columns = ", ".join(_cell(column, report) for column in report.columns if column not in added)
    row = ROW if ROW in pq.read_schema(folder / RAW).names else f"file_row_number + {_shift(report.spans)} as {ROW}"
    return f"select {row}, _file, _sheet, {columns} from read_parquet({literal(folder / RAW)}, file_row_number=true)"


def row_in_file(number: int, report: ReadReport) -> int:
    """The row that a person sees in their spreadsheet, for a row number of ours, which is a number of its own also where several rows come out of one."""
    return number % report.row_step if report.row_step else number


def row_label(number: str, step: int) -> str:
    """SQL for a row number of ours as a person finds it: `3`, and `3 (2)` for the second row that came out of row 3, or the one in the second sheet."""
    return f"case when {number} < {step} then {number}::varchar else concat({number} % {step}, ' (', {number} // {step} + 1, ')') end" if step else number


def row_labelled(cell: str, step: int) -> str:
    """SQL for the row number that `row_label` wrote; null where a cell says none."""
    number = f"try_cast({cell} as bigint)"
    row, place = (f"try_cast(regexp_extract({cell}, {literal(LABEL)}, {group}) as bigint)" for group in (1, 2))
    return f"coalesce({row} + ({place} - 1) * {step}, {number})" if step else number


def is_brought_back(columns: Sequence[str]) -> bool:
    """Whether these are the columns of a file of rejected rows as we write it."""
    return PROBLEM in columns and ORIGINAL_ROW in columns


def added_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that we added to a file of rejected rows: they aren't usage."""
    return (PROBLEM, ORIGINAL_ROW) if is_brought_back(columns) else ()


def _cell(column: str, report: ReadReport) -> str:
    """The cell as it was in the first file, without the apostrophe that kept a spreadsheet from running it."""
    name = identifier(column)
    if not is_brought_back(report.columns):
        return name
    return f"case when regexp_full_match({name}, {literal(GUARDED)}, 's') then substr({name}, 2) else {name} end as {name}"


def _shift(spans: tuple[RowSpan, ...]) -> str:
    """SQL for what to add to a record's number: a balanced CASE, so that thousands of spans stay cheap."""
    if not spans:
        return "2"
    if len(spans) == 1:
        return str(spans[0].shift)
    middle = len(spans) // 2
    return f"(case when file_row_number < {spans[middle].first} then {_shift(spans[:middle])} else {_shift(spans[middle:])} end)"
