"""Runs of sources: what each read, what came of it, and what it wants from a person."""

from typing import Literal

from schemas.base import Frozen
from schemas.source import Source

RunKind = Literal["scheduled", "by hand", "backfill", "after", "called", "dry"]
RunState = Literal["queued", "reading", "checking", "waiting", "pushing", "done", "failed", "stopped"]
"""`waiting`: for a person. `done`: everything it read is proven sent, or stays as an open row; the mark has moved."""
OPEN = ("queued", "reading", "checking", "waiting", "pushing")
AlarmKind = Literal["failed", "late", "silent", "volume", "rejected", "drift", "removed", "paused", "recovered"]


class RunRows(Frozen):
    """Where the rows of a run went. read = accepted + rejected + duplicate + excluded; `new` were never sent, `changed` were sent otherwise, `removed` are in the source no more."""

    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    excluded: int = 0


class LogLine(Frozen):
    """One thing that happened in a run."""

    at: str
    text: str


class PullRun(Frozen):
    """One run. `since` and `until` are its window; `mark` is where the source's mark goes once it is done."""

    id: str
    source: str
    kind: RunKind
    state: RunState
    who: str
    since: str | None = None
    until: str | None = None
    mark: str | None = None
    imports: tuple[str, ...] = ()
    rows: RunRows = RunRows()
    sent: int = 0
    proven: int = 0
    message: str = ""
    log: tuple[LogLine, ...] = ()
    due_at: str | None = None
    started_at: str
    ended_at: str | None = None
    read_seconds: float | None = None
    job: str | None = None
    exit_code: int = 0
    """Of a run that failed: 2 where the source has to be changed, 3 where trying again may help."""


class Alarm(Frozen):
    """Something about a source that somebody should know. It is raised once and closed when it is over."""

    id: int
    source: str
    kind: AlarmKind
    text: str
    at: str
    run: str | None = None
    closed_at: str | None = None


class StoredSource(Frozen):
    """A source with where it stands."""

    source: Source
    version: int
    state: Literal["active", "paused"]
    paused_why: str = ""
    mark: str | None = None
    """Everything with a cursor before this is proven sent."""
    newest: str | None = None
    """The largest cursor seen."""
    columns: tuple[str, ...] = ()
    """The columns that the last run saw."""
    next_at: str | None = None
    failures: int = 0
    """Runs that failed since one went well."""
    enabled: bool = False
    who: str
    at: str
