"""Correcting an import: what a person changes is added to a list, can be undone and done again, and never changes what came."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest import brought, imports
from ingest import check as checking
from ingest.correct import DROPPED, columns_after, touched
from ingest.engine import engine, identifier
from ingest.errors import BadInput, NotReady
from ingest.raw import as_read, raw_query
from ingest.read import read_file
from ingest.settings import settings
from ingest.store import accounts, corrections
from ingest.store import imports as records
from ingest.values.numbers import number_evidence
from ingest.values.text import trimmed
from schemas.correcting import Correction, ReplacePattern, SetCells, StoredCorrection, creates, needs
from schemas.matching import DecimalMark
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord


def listed(import_id: str) -> list[StoredCorrection]:
    """All corrections of an import in the order in which they are replayed; the undone ones can be done again."""
    return corrections.of_import(import_id)


def correct(import_id: str, added: Sequence[Correction], who: str) -> ImportRecord:
    """Adds corrections; the import has to be checked again. Raises BadInput for one that can't be carried out."""
    record = _correctable(import_id)
    columns = record.report.columns
    for correction in added:
        _can_be_done(columns, correction)
        columns = columns_after(columns, [correction])
    corrections.add(import_id, list(added), who)
    return _unchecked(record)


def undo(import_id: str, who: str, *, everything: bool = False) -> ImportRecord:
    """Undoes the last correction, or all of them. Raises BadInput where there is none."""
    record = _correctable(import_id)
    if not corrections.undo(import_id, who, all_of_them=everything):
        raise BadInput("There is no correction to undo.")
    return _unchecked(record)


def redo(import_id: str, who: str) -> ImportRecord:
    """Does the correction again that was undone last. Raises BadInput where there is none."""
    record = _correctable(import_id)
    if not corrections.redo(import_id, who):
        raise BadInput("There is no undone correction to do again.")
    return _unchecked(record)


def effect(import_id: str, correction: Correction, *, limit: int = 5) -> tuple[int, list[dict[str, object]]]:
    """What a correction would change: how many rows, and the first of them as `row`, `before`, `after` (cells that change, by column)."""
    record = _correctable(import_id)
    _can_be_done(record.report.columns, correction)
    raw = imports.raw_folder(import_id)
    changed = _with(record.report, correction)
    with engine() as connection:
        connection.execute(f"create view before as {raw_query(raw, record.report)}")
        rows = "select _row from before" if creates(correction) else touched(as_read(raw, record.report), record.report.corrections, [correction])
        connection.execute(f"create table changed as {rows}")
        connection.execute(f"create view after as {raw_query(raw, changed)}")
        return _differences(connection, record.report.columns, changed.columns, limit)


def rows_at(import_id: str, row: int) -> pa.Table:
    """The rows that stand in one row of the person's own file (several, where it was turned or has several sheets): `_row`, `_sheet`, then the table's columns."""
    report = imports.read_record(import_id).report
    columns = "".join(f", {identifier(name)}" for name in report.columns)
    place = f"_row % {report.row_step}" if report.row_step else "_row"
    with engine() as connection:
        return connection.execute(f"select _row, _sheet{columns} from ({raw_query(imports.raw_folder(import_id), report)}) where {place} = ? order by _row", [row]).to_arrow_table()


def decimal_mark(import_id: str, column: str) -> DecimalMark:
    """The mark that the numbers of a column are read by: that of the field it goes into, else what its cells speak for."""
    record = imports.read_record(import_id)
    if column in (marks := _decimal_marks(record)):
        return marks[column]
    with engine() as connection:
        return number_evidence(connection, f"({raw_query(imports.raw_folder(import_id), record.report)})", trimmed(identifier(column))).mark


def bring_back(import_id: str, path: Path, file_name: str, who: str) -> int:
    """Takes the changed cells of a corrected file of rejected rows over as one correction. Only rows it names change; how many did.

    Raises BadInput where the file doesn't say which rows its rows are, names rows that aren't there or one twice, or has none of the columns.
    """
    record = _correctable(import_id)
    with tempfile.TemporaryDirectory(prefix="brought-", dir=settings().home) as folder, engine() as connection:
        back = read_file(path, file_name, ReadSpec(), Path(folder))
        columns = brought.columns_brought(record.report, back)
        connection.execute(f"create view mine as {raw_query(imports.raw_folder(import_id), record.report)}")
        brought.view_brought(connection, raw_query(Path(folder), back), record.report.row_step)
        retyped = brought.note_typed(connection, path, back, columns)
        marks = _decimal_marks(record) if retyped else {}
        issues = imports.check_folder(import_id) / "issues.parquet" if record.check else None
        edits = brought.changed_cells(connection, columns, marks, issues, is_typed=brought.is_workbook(back))
    if edits:
        correct(import_id, [SetCells(edits=edits)], who)
    return len({edit.row for edit in edits})


def _decimal_marks(record: ImportRecord) -> dict[str, DecimalMark]:
    if record.match is None:
        return {}
    return checking.decimal_marks(imports.raw_folder(record.id), record.report, record.match, accounts.account(record.account))


def _correctable(import_id: str) -> ImportRecord:
    record = imports.read_record(import_id)
    if record.state in imports.BUSY:
        raise NotReady("This import is being sent; it can't be corrected now.", "Wait until it is done, or stop it.")
    return record


def _unchecked(record: ImportRecord) -> ImportRecord:
    return records.change(record.id, state="matched" if record.match else "read", check=None, check_key=None, rejected_choice=None)


def _can_be_done(columns: Sequence[str], correction: Correction) -> None:
    missing = [name for name in needs(correction) if name not in columns]
    if missing:
        raise BadInput(f"The table has no column {missing[0]!r}.", f"It has {', '.join(map(repr, columns))}.")
    taken = [name for name in creates(correction) if name.lower() in {each.lower() for each in columns} or name.startswith("_") or name == DROPPED]
    if taken or len(set(creates(correction))) < len(creates(correction)):
        raise BadInput(f"A new column can't be called {(taken or creates(correction))[0]!r}.", "Choose a name that no column has and that doesn't begin with _.")
    for pattern, replacement in _patterns(correction):
        _pattern_can_be_read(pattern, replacement)


def _patterns(correction: Correction) -> list[tuple[str, str]]:
    if isinstance(correction, ReplacePattern):
        return [(correction.pattern, correction.replacement)]
    where = getattr(correction, "where", None)
    return [(test.value, "") for test in where.tests if test.operator == "matches"] if where else []


def _pattern_can_be_read(pattern: str, replacement: str) -> None:
    try:
        with engine() as connection:
            connection.execute("select regexp_replace('', ?, ?, 'g')", [pattern, replacement])
    except duckdb.Error as error:
        raise BadInput(f"The pattern {pattern!r} can't be read: {str(error).splitlines()[0]}", "Patterns are regular expressions; a dot, a plus or a bracket that is meant as itself needs a \\ before it.") from error


def _with(report: ReadReport, correction: Correction) -> ReadReport:
    return report.model_copy(update={"corrections": (*report.corrections, correction), "columns": columns_after(report.columns, [correction])})


def _differences(connection: duckdb.DuckDBPyConnection, before: Sequence[str], after: Sequence[str], limit: int) -> tuple[int, list[dict[str, object]]]:
    count = connection.execute("select count(*) from changed").fetchone()[0]
    connection.execute(f"create table first as select _row from changed order by _row limit {int(limit)}")
    rows = connection.execute("select _row, b, a from before b left join (select * from after where _row in (select _row from first)) a using (_row) where _row in (select _row from first) order by _row").fetchall()
    return count, [_difference(row, old, new if new and new["_row"] is not None else None, before, after) for row, old, new in rows]


def _difference(row: int, old: dict[str, object], new: dict[str, object] | None, before: Sequence[str], after: Sequence[str]) -> dict[str, object]:
    if new is None:
        return {"row": row, "before": {name: old[name] for name in before}, "after": None}
    changed = [name for name in before if old[name] != new[name]]
    return {"row": row, "before": {name: old[name] for name in changed}, "after": {name: new[name] for name in (*changed, *after[len(before):])}}
