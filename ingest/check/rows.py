"""The rows that something is wrong with, looked up again in what was read: as a table for pages, as files to correct and bring back."""

import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.check.checks import CHECKS
from ingest.check.issues import ISSUES
from ingest.check.run import LEFT_OUT
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from ingest.files import full_disk_is_a_sentence
from ingest.raw import ORIGINAL_ROW, PROBLEM, added_columns, raw_query
from schemas.reading import ReadReport

DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet takes for a formula at the start of a cell; also behind apostrophes, so that taking one off gives the cell as it was."""
PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,]*")
EXCEL_ROWS = 1_048_575
COMMENTED = 5_000
"""Rows whose bad cells get a comment: more of them make Excel open slowly; the colour and the column Problem are there for all."""
BATCH = 10_000


def problem_rows(check_folder: Path, raw_folder: Path, report: ReadReport, *, code: str | None = None, column: str | None = None, offset: int = 0, limit: int = 200) -> pa.Table:
    """Raw rows that have an issue: `_row`, `problem` (in words), then the file's columns. Without a code: rows that need fixing."""
    with engine() as connection:
        _problems(connection, check_folder, code, column)
        columns = "".join(f", read.{identifier(name)}" for name in report.columns if name.lower() != PROBLEM.lower())  # what was wrong an import ago
        return connection.execute(f"""
            select _row, found.problem{columns} from (select * from problems order by _row limit ? offset ?) found
            join ({raw_query(raw_folder, report)}) read using (_row) order by _row""", [limit, offset]).to_arrow_table()


def _problems(connection: duckdb.DuckDBPyConnection, check_folder: Path, code: str | None, column: str | None) -> None:
    """The table `problems`: one line a row, its issues in words."""
    titles = {check.code: check.title for check in CHECKS.values()}
    connection.execute("create table titles as select unnest(?::varchar[]) as code, unnest(?::varchar[]) as title", [list(titles), list(titles.values())])
    connection.execute(f"""
        create table problems as select _row, string_agg(title || coalesce(' (' || "column" || ')', ''), '; ') as problem
        from read_parquet({literal(check_folder / ISSUES)}) join titles using (code)
        where (code = $code or ($code is null and severity = 'error')) and ("column" = $column or $column is null) group by _row""", {"code": code, "column": column})


def left_out_rows(check_folder: Path, outcome: str | None = None, *, offset: int = 0, limit: int = 200) -> pa.Table:
    """Rows that aren't accepted: `_row`, `outcome`, `reason`, `event_id`."""
    with engine() as connection:
        return connection.execute(f"""
            select _row, outcome, reason, event_id::varchar as event_id from read_parquet({literal(check_folder / LEFT_OUT)}) where outcome = $outcome or $outcome is null
            order by _row, outcome limit $limit offset $offset""", {"outcome": outcome, "limit": limit, "offset": offset}).to_arrow_table()


def issues_csv(check_folder: Path, path: Path) -> Path:
    """All issues as CSV: code, severity, row, column, value, todo."""
    with engine() as connection:
        batches = connection.execute(f"""select code, severity, _row as "row", "column", value, todo from read_parquet({literal(check_folder / ISSUES)})""").to_arrow_reader(BATCH)
        return _write_csv(path, batches.schema.names, (row for batch in batches for row in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True)))


def write_rejected(check_folder: Path, raw_folder: Path, report: ReadReport, path: Path) -> Path:
    """The rejected rows as CSV or Excel, by the ending of `path`: the file's columns as they were, then the problem and the row's number."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise BadInput(f"Rejected rows can be written as .csv or .xlsx, not as {path.suffix or 'a file without an ending'!r}.")
    with engine() as connection:
        added = added_columns(report.columns)
        names = [name for name in report.columns if name not in added]
        columns = "".join(f"{identifier(name)}, " for name in names)
        marks = f"""select _row, list(struct_pack("column" := "column", todo := todo)) as marks from read_parquet({literal(check_folder / ISSUES)}) where severity = 'error' group by _row"""
        batches = connection.execute(f"""
            select {columns} reason, _row, marks from (select _row, reason from read_parquet({literal(check_folder / LEFT_OUT)}) where outcome = 'rejected')
            join ({raw_query(raw_folder, report)}) using (_row) left join ({marks}) using (_row) order by _row""").to_arrow_reader(BATCH)
        header = [*names, PROBLEM, ORIGINAL_ROW]
        rows = (row for batch in batches for row in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True))
        return _write_csv(path, header, (row[:-1] for row in rows)) if path.suffix.lower() == ".csv" else _write_excel(path, header, rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterator[tuple[object, ...]]) -> Path:
    part = path.with_name(f"{path.name}.part")
    try:
        with full_disk_is_a_sentence():
            with part.open("w", encoding="utf-8-sig" if path.name != "issues.csv" else "utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow([harmless(name) for name in header])
                writer.writerows([harmless(cell) for cell in row] for row in rows)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def harmless(cell: object) -> object:
    """The cell so that a spreadsheet shows it and never runs it; plain numbers stay as they are."""
    if isinstance(cell, str) and DANGEROUS.match(cell) and not PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _write_excel(path: Path, header: Sequence[str], rows: Iterator[tuple[object, ...]]) -> Path:
    import xlsxwriter

    part = path.with_name(f"{path.name}.part")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "tmpdir": tempfile.gettempdir()}
    try:
        with full_disk_is_a_sentence():
            with xlsxwriter.Workbook(str(part), options) as book:
                _fill_sheet(book, header, rows)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _fill_sheet(book: object, header: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    sheet, bold, bad = book.add_worksheet("Rejected rows"), book.add_format({"bold": True}), book.add_format({"bg_color": "#FFD9D9", "border": 1})
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(header):
        sheet.write_string(0, place, name, bold)
    for line, row in enumerate(rows, start=1):
        if line > EXCEL_ROWS:
            raise BadInput(f"More than {EXCEL_ROWS:,} rows don't fit into an Excel sheet.", "Download them as CSV.")
        _fill_line(sheet, line, header, row, bad)


def _fill_line(sheet: object, line: int, header: Sequence[str], row: tuple[object, ...], bad: object) -> None:
    *cells, number, marks = row
    todo = {mark["column"]: mark["todo"] for mark in marks or ()}
    for place, cell in enumerate(cells):
        wrong = place < len(header) - 2 and header[place] in todo
        if cell is not None or wrong:
            sheet.write_string(line, place, _guarded(cell or ""), bad) if wrong else sheet.write_string(line, place, _guarded(cell))
        if wrong and line <= COMMENTED:
            sheet.write_comment(line, place, todo[header[place]])
    sheet.write_number(line, len(cells), number)


def _guarded(cell: str) -> str:
    """Excel needs no apostrophe before texts; a cell that has one already gets another, as one is taken off when the file comes back."""
    return f"'{cell}" if cell.startswith("'") and DANGEROUS.match(cell) else cell
