"""What is new, fetched into the run's folder: a window of rows, or the files that weren't there before."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingest import files, sources
from ingest.errors import BadInput
from ingest.pull.connector import Connection, FileConnector, TableConnector
from ingest.pull.connectors import connector
from ingest.pulling import manifest as kept
from ingest.pulling.compare import keep_seen, leave_out_seen
from ingest.pulling.manifest import Manifest, Part, folder_of, seen_path
from ingest.pulling.window import asked_window, cursor_kind, halves, later, next_window
from ingest.store import clock, imports, runs
from ingest.store import sources as stored_sources
from ingest.wording import count
from schemas.pull_run import PullRun, StoredSource
from schemas.source import Fetched, ListedFile, Source, Window

PART_ROWS = 500_000
"""A back-fill is taken in parts of at most about so many rows."""
MOST_FILES = 500
"""So many new files are taken in one run; the next one takes the others."""
DRY_FILES = 3


def fetch(run_id: str) -> None:
    """Fetches what the run reads. Done again after a crash, it reads the same window."""
    run = runs.get(run_id)
    stored = stored_sources.get(run.source)
    if kept.read(run_id):
        return
    source, began = stored.source, time.monotonic()
    sources.refuse_incomplete(source)
    runs.change(run_id, state="reading", say=f"Reading from {source.name}.")
    folder_of(run_id).mkdir(parents=True, exist_ok=True)
    files.check_free_disk()
    found, connection = connector(source.connector), sources.connection_of(source)
    with files.full_disk_is_a_sentence():
        fetched = _rows(run, stored, found, connection) if found.kind == "tables" else _files(run, stored, found, connection)
    kept.write(run_id, fetched)
    what = f"{count(len(fetched.parts), 'file')}" if found.kind == "files" else f"{count(fetched.read, 'row')}, {fetched.repeated:,} of them as they were before"
    runs.change(run_id, mark=fetched.newest, read_seconds=round(time.monotonic() - began, 3), say=f"Read {what}.")


# Rows.


def _rows(run: PullRun, stored: StoredSource, found: TableConnector, connection: Connection) -> Manifest:
    source, folder = stored.source, folder_of(run.id)
    columns = found.columns(connection, source.read)
    kind = cursor_kind(source, columns) if source.read.cursor else ""
    windows = _windows(run, stored, found, connection, kind)
    fetched: list[tuple[str, Fetched]] = []
    for number, window in enumerate(windows, 1):
        name = f"rows-{number:04d}.parquet"
        fetched.append((name, found.fetch(connection, source.read, window, folder / name)))
    newest = None
    for _, each in fetched:
        newest = later(newest, each.newest, kind)
    read = sum(each.rows for _, each in fetched)
    if run.kind == "backfill":
        return Manifest(parts=tuple(_part(run, name, number, len(windows)) for number, (name, each) in enumerate(fetched, 1) if each.rows), read=read)
    rows = folder / fetched[0][0]
    keep_seen(rows, seen_path(source.name, run.id), source, newest, kind)
    fresh, removed = leave_out_seen(rows, _seen_before(source, stored), source.read.key, whole=not source.read.cursor)
    parts = (_part(run, rows.name, 1, 1),) if fresh else ()
    return Manifest(parts=parts, read=read, repeated=read - fresh, removed=removed, newest=newest, columns=tuple(column.name for column in columns))


def _windows(run: PullRun, stored: StoredSource, found: TableConnector, connection: Connection, kind: str) -> list[Window]:
    """What this run reads; noted with the run, so that after a crash it is the same."""
    source = stored.source
    if not kind:
        if run.kind == "backfill":
            raise BadInput(f"The source {source.name!r} has no cursor, so it can't be read from one day to another.", "Run it as it is: everything is read each time, and only what is new is sent.")
        return [Window()]
    if run.kind == "backfill":
        return _bounded(found, connection, source, asked_window(source, kind, run.since, run.until), kind)
    window = Window(since=run.since, until=run.until) if run.until or run.since else next_window(source, stored.mark, kind, clock.moment())
    runs.change(run.id, since=window.since, until=window.until)
    return [window]


def _bounded(found: TableConnector, connection: Connection, source: Source, window: Window, kind: str) -> list[Window]:
    """A window in parts of a bounded size, in order."""
    split = halves(window, kind) if found.count(connection, source.read, window).rows > PART_ROWS else None
    return [each for half in split for each in _bounded(found, connection, source, half, kind)] if split else [window]


def _part(run: PullRun, file: str, number: int, of: int) -> Part:
    moment = datetime.fromisoformat(run.started_at).strftime("%Y-%m-%d %H.%M.%S")
    return Part(file=file, name=f"{run.source} {moment}{f' part {number} of {of}' if of > 1 else ''}")


def _seen_before(source: Source, stored: StoredSource) -> Path | None:
    run_id = stored_sources.seen(source.name)
    path = seen_path(source.name, run_id) if run_id else None
    return path if path and path.exists() else None


# Files.


def _files(run: PullRun, stored: StoredSource, found: FileConnector, connection: Connection) -> Manifest:
    source, folder = stored.source, folder_of(run.id)
    if source.read.files is None:
        raise BadInput(f"The source {source.name!r} doesn't say which files are usage.", "Add read: {files: {path: …}}.")
    wanted = _new_files(source, found.list(connection, source.read.files), stored_sources.files_done(source.name), clock.moment())
    parts, same = [], []
    for number, listed in enumerate(wanted[:DRY_FILES if run.kind == "dry" else MOST_FILES], 1):
        name = f"file-{number:04d}"
        got = found.fetch(connection, listed, folder / name)
        version = stored_sources.version_of(got if got.etag or got.modified else listed)
        if _is_known(source, folder / name):
            same.append((listed.path, version))
            (folder / name).unlink()
        else:
            parts.append(Part(file=name, name=listed.path.rpartition("/")[2] or listed.path, path=listed.path, version=version))
    if len(wanted) > len(parts) + len(same):
        runs.change(run.id, say=f"{count(len(wanted), 'new file')}; the first {len(parts) + len(same):,} are taken now, the others by the next run.")
    return Manifest(parts=tuple(parts), same=tuple(same))


def _new_files(source: Source, listed: Sequence[ListedFile], done: dict[str, str], at: datetime) -> list[ListedFile]:
    """The files that weren't there before, or are another than they were; those younger than the safety lag may still be written."""
    newest = (at - source.safety_lag).isoformat()
    since = source.read.files.changed_since or ""
    settled = [file for file in listed if not file.modified or since <= file.modified and (not source.safety_lag or _moment(file.modified) <= _moment(newest))]
    return [file for file in settled if not _is_done(done.get(file.path), file)]


def _is_done(version: str | None, file: ListedFile) -> bool:
    """Whether a file is as it was when it was taken. What its place doesn't tell can't make it another."""
    if version is None or not (file.etag or file.modified or file.size is not None):
        return False
    etag, size, modified = version.split("|", 2)
    if file.etag and etag:
        return file.etag == etag and (file.size is None or str(file.size) == size)
    return str(file.size) == size and file.modified == modified


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_known(source: Source, path: Path) -> bool:
    """Whether these very bytes came from this source before, and nothing of them is open."""
    return any(each.created_by == f"source {source.name}" and each.state in ("proven",) for each in imports.same_file(files.sha256_of(path)))
