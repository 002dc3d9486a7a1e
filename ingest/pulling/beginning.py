"""When a run begins: by hand, when the schedule says so, after another source, or called. Never two of one source at a time, and one for each tick."""

import logging
from datetime import UTC, datetime, timedelta

from ingest.errors import NotReady
from ingest.pull import schedule
from ingest.store import clock, runs, sources
from schemas.pull_run import PullRun, RunKind, StoredSource

RETRY = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""How long after a run that failed the next one is tried, where the schedule isn't sooner."""

log = logging.getLogger("intake.pulling")


def begin(name: str, kind: RunKind, who: str, *, since: str | None = None, until: str | None = None) -> PullRun:
    """A new run of a source. Raises NotReady where one is on its way or waits."""
    sources.get(name)
    return runs.begin(name, kind, who, since=since, until=until)


def begin_due(moment: datetime) -> list[PullRun]:
    """A run for every source whose tick has come, and the next tick noted. After a downtime there is one run, not one for every tick that was missed."""
    return [run for stored in sources.due(_text(moment)) if (run := _begin_tick(stored, moment))]


def _begin_tick(stored: StoredSource, moment: datetime) -> PullRun | None:
    name, planned = stored.source.name, datetime.fromisoformat(stored.next_at)
    if stored.failures:
        tick, following = planned, schedule.next_time(stored.source.schedule, moment)
    else:
        tick, following = schedule.due(stored.source.schedule, planned, moment)
    sources.change(name, next_at=_text(following) if following else None)
    if tick is None:
        log.info("A run that was missed is too long ago to be made up for. action=tick-let-go source=%s", name)
        return None
    try:
        return runs.begin(name, "scheduled", f"source {name}", due_at=_text(tick))
    except NotReady:
        log.info("A run is still open, so this tick has none. action=tick-skipped source=%s", name)
        return None


def plan_next(name: str, moment: datetime | None = None) -> StoredSource:
    """Notes when a source is due next: by its schedule, sooner after a failure."""
    moment = moment or clock.moment()
    stored = sources.get(name)
    following = schedule.next_time(stored.source.schedule, moment)
    if stored.failures and stored.enabled:
        again = moment + RETRY[min(stored.failures, len(RETRY)) - 1]
        following = min(following, again) if following else None
    return sources.change(name, next_at=_text(following) if following else None)


def after(name: str) -> list[str]:
    """The sources that are read after this one."""
    return [each.source.name for each in sources.listed() if each.source.schedule.after == name and each.state == "active" and each.enabled]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
