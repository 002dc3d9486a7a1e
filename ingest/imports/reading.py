"""From the bytes to raw.parquet."""

from pathlib import Path

from ingest import apart, files
from ingest.errors import NotReady, Unreadable
from ingest.imports.current import BUSY, source_path
from ingest.read import read_file
from ingest.returned import number_as_in_the_first_file
from ingest.store import audit, divisions, imports
from ingest.store.database import store
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord


def read(import_id: str, spec: ReadSpec | None = None, *, stoppable: bool = False, is_ours: bool = False) -> ImportRecord:
    """Reads the source into raw.parquet; a new specification starts the import afresh from here. An unreadable file is a state, not an exception.

    `stoppable`: a large file is read where `stop_reading` reaches it, and tells how far it is; that takes a second more.
    `is_ours`: a connector of ours wrote the file, so nothing in it can take this process along.
    """
    record = imports.get(import_id)
    if record.state in BUSY:
        raise NotReady("This import is being sent; it can't be read again now.")
    spec = spec or record.read_spec
    read_as_divided(record, spec)
    with files.import_lock(import_id):
        key = files.stage_key("raw", record.sha256, spec)

        def work(folder: Path) -> None:
            report = read_file(source_path(record.id), record.file_name, spec, folder) if is_ours else _read_source(record, spec, folder, stoppable=stoppable)
            if record.fixes:
                row_step = imports.get(record.fixes).report.row_step
                if number_as_in_the_first_file(folder, report, row_step):
                    report = report.model_copy(update={"row_step": row_step})
            (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")

        try:
            folder = files.make_stage(import_id, "raw", key, work)
        except apart.Stopped as error:
            return imports.change(import_id, state="read" if record.report else "unreadable", message=str(error), progress=None)
        except Unreadable as error:
            return imports.change(import_id, read_spec=spec, state="unreadable", message=str(error), progress=None, report=None, raw_key=None, check_key=None, check=None, match=None)
        report = ReadReport.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
        changed = imports.pointers(import_id)[0] != key
        reset = {"state": "read", "check_key": None, "check": None} if changed else {}
        return imports.change(import_id, read_spec=spec, report=report, raw_key=key, message="", progress=None, **reset)


def read_as_divided(record: ImportRecord, spec: ReadSpec) -> None:
    """Raises NotReady where another reading would give a divided file other rows than its other imports have."""
    if not record.division or spec == record.read_spec:
        return
    if divisions.get(record.division).column is not None or spec.sheet != record.read_spec.sheet:
        raise NotReady("This file is taken apart into several kinds of usage, so it can't be read in another way now.", "Put it together again first, in step Columns.")


def _read_source(record: ImportRecord, spec: ReadSpec, folder: Path, *, stoppable: bool) -> ReadReport:
    """Reads here, or apart: a file that could take this process along, and a large one that somebody may want to stop."""
    source, asked = source_path(record.id), _stop_asked(record.id)
    if not (apart.goes_apart(source) or asked.exists() if stoppable else apart.is_fragile(source)):
        return read_file(source, record.file_name, spec, folder)
    expected = apart.expected_rows(source)

    def told(rows: int) -> None:
        imports.change(record.id, message=f"{rows:,} rows", progress=min(0.99, rows / expected) if expected else None)

    try:
        return apart.read_apart(source, record.file_name, spec, folder, told, asked.exists)
    finally:
        asked.unlink(missing_ok=True)


def stop_reading(import_id: str, who: str) -> None:
    """Ends the reading of a file, within a second where it is on its way; what was read before, if anything, stays as it is."""
    if imports.get(import_id).state != "reading":
        raise NotReady("This file isn't being read, so there is nothing to stop.")
    with store().begin() as connection:
        audit.record(connection, who, "stop-reading", import_id)
    _stop_asked(import_id).touch()


def _stop_asked(import_id: str) -> Path:
    """A file that is there once somebody wants the reading to stop."""
    return files.import_folder(import_id) / "stop-reading"
