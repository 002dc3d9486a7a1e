"""Rows that were brought back, corrected: which open rows of the first import they settle."""

import duckdb

from ingest.engine import engine, identifier, literal
from ingest.files import stage_folder
from ingest.push.bodies import EVENTS
from ingest.raw import ORIGINAL_ROW, raw_query, row_labelled
from ingest.store import imports, open_rows
from schemas.records import ImportRecord, OpenRows


def settle_fixed(record: ImportRecord) -> None:
    """Closes the open rows that an import brought back; those it didn't bring stay open with what is left of them."""
    reason = f"Brought back, corrected, by {record.id}."
    with engine() as connection:
        if not _note_brought_back(connection, record):
            return
        for entry in open_rows.of_import(record.fixes):
            left = _left(connection, record.fixes, entry)
            open_rows.reduce(entry.id, left, reason)


def _note_brought_back(connection: duckdb.DuckDBPyConnection, record: ImportRecord) -> bool:
    """A table of the first import's row numbers that came back and were sent. False where the file doesn't tell them."""
    if record.report is None or ORIGINAL_ROW not in record.report.columns:
        return False
    raw_key, check_key = imports.pointers(record.id)
    raw = raw_query(stage_folder(record.id, "raw", raw_key), record.report)
    events = literal(stage_folder(record.id, "check", check_key) / EVENTS)
    connection.execute(f"create table brought as select {row_labelled(identifier(ORIGINAL_ROW), record.report.row_step)} as row from ({raw}) where _row in (select _row from read_parquet({events}))")
    return True


def _left(connection: duckdb.DuckDBPyConnection, import_id: str, entry: OpenRows) -> int:
    _, check_key = imports.pointers(import_id)
    issues = literal(stage_folder(import_id, "check", check_key) / "issues.parquet")
    return connection.execute(
        f"select count(*) from read_parquet({issues}) where code = ? and coalesce(\"column\", '') = ? and _row not in (select row from brought where row is not null)", [entry.code, entry.column or ""]
    ).fetchone()[0]
