"""The rows that something is wrong with, looked up again in what was read, as tables."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.check.checks import CHECKS
from ingest.check.issues import ISSUES
from ingest.check.rejected import harmless
from ingest.check.run import LEFT_OUT
from ingest.engine import engine, identifier, literal
from ingest.files import full_disk_is_a_sentence
from ingest.raw import PROBLEM, raw_query
from schemas.reading import ReadReport

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


def _write_csv(path: Path, header: Sequence[str], rows: Iterator[tuple[object, ...]]) -> Path:
    part = path.with_name(f"{path.name}.part")
    try:
        with full_disk_is_a_sentence():
            with part.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(header)
                writer.writerows([harmless(cell) for cell in row] for row in rows)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
