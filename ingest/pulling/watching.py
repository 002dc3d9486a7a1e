"""What nobody would see by looking at single runs: a source that gives nothing any more, or whose run is late."""

from datetime import UTC, datetime, timedelta

from ingest.pulling.told import tell
from ingest.store import runs
from ingest.store import sources as stored_sources
from schemas.pull_run import StoredSource
from schemas.source import span_text

LATE = timedelta(hours=1)


def look_around(moment: datetime) -> None:
    """Raises alarms about sources that are silent or late."""
    for stored in stored_sources.listed():
        if stored.enabled and stored.state == "active":
            _silent(stored, moment)
            _late(stored, moment)


def _silent(stored: StoredSource, moment: datetime) -> None:
    after = stored.source.silent_after
    if not after:
        return
    with_rows = next((run for run in runs.of_source(stored.source.name, states=("done",)) if run.rows.new), None)
    since = _moment(with_rows.started_at if with_rows else stored.at)
    if moment - since > after:
        tell(stored.source, "silent", f"Nothing new since {since:%Y-%m-%d %H:%M} UTC; it was to raise an alarm after {span_text(after)}.")


def _late(stored: StoredSource, moment: datetime) -> None:
    waiting = runs.open_run(stored.source.name)
    if waiting and waiting.state == "waiting" and moment - _moment(waiting.started_at) > max(LATE, stored.source.schedule.every or LATE):
        tell(stored.source, "late", f"The run of {_moment(waiting.started_at):%Y-%m-%d %H:%M} UTC waits for a person, and no other begins before that. {waiting.message}", waiting.id)
    elif stored.next_at and moment - _moment(stored.next_at) > LATE:
        tell(stored.source, "late", f"It was due at {_moment(stored.next_at):%Y-%m-%d %H:%M} UTC and hasn't run.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
