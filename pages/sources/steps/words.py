"""How sources and their runs are, in words; an icon never stands alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from pages.parts.text import plain
from schemas.pull_run import Alarm, PullRun, RunKind, RunState, StoredSource

STATES: dict[RunState, tuple[str, str]] = {
    "queued": (":material/hourglass_top:", "About to begin"), "reading": (":material/hourglass_top:", "Reading"), "checking": (":material/hourglass_top:", "Being checked"),
    "waiting": (":material/front_hand:", "Waits for you"), "pushing": (":material/upload:", "Being sent"), "done": (":material/verified:", "Done and proven"),
    "failed": (":material/error:", "Failed"), "stopped": (":material/pause_circle:", "Stopped"),
}
KINDS: dict[RunKind, str] = {"scheduled": "by schedule", "by hand": "by hand", "backfill": "back-fill", "after": "after another source", "called": "called by a program", "dry": "trial, nothing sent"}


def state(run: PullRun) -> str:
    """A run's state, with its icon."""
    icon, said = STATES[run.state]
    return f"{icon} {'Nothing new' if run.state == 'done' and run.message == 'Nothing new.' else 'Trial done' if run.kind == 'dry' and run.state == 'done' else said}"


def health(stored: StoredSource, last: PullRun | None, alarms: Sequence[Alarm] = ()) -> tuple[str, str]:
    """How a source is: an icon, and a few words."""
    if stored.state == "paused":
        return ":material/pause_circle:", plain(stored.paused_why) or "Paused."
    if not stored.enabled:
        return ":material/edit:", "Not switched on yet"
    if last and last.state == "waiting":
        return ":material/front_hand:", "Waits for you"
    if stored.failures:
        return ":material/error:", f"Failed {stored.failures} times in a row" if stored.failures > 1 else "The last run failed"
    if last and last.state in ("queued", "reading", "checking", "pushing"):
        return ":material/hourglass_top:", "Being read"
    if last and last.state == "stopped":
        return ":material/undo:", "The last run was given up"
    return (":material/warning:", "Runs, with something to look at") if alarms else (":material/check_circle:", "In order")


def near(moment: str | datetime, zone: str = "UTC", now: datetime | None = None) -> str:
    """A moment as short as it can be said, by the clock of a zone: today 14:05, tomorrow 06:00, Mon 30 Nov 06:00."""
    then = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{_day(then.astimezone(ZoneInfo(zone)), zone, now)} {then.astimezone(ZoneInfo(zone)):%H:%M}"


def beginning(text: str) -> str:
    """A text as a sentence begins; what is in capitals further on stays so."""
    return text[:1].upper() + text[1:]


def progress(run: PullRun) -> str:
    """What a run does just now: its state, and the last line of its log."""
    said = f": {plain(run.log[-1].text)}" if run.log else "."
    return f"{state(run)}{said}"


def short(moment: str) -> str:
    """A moment of the past for a narrow place, in UTC, to the second, so that no two runs have the same."""
    return f"{datetime.fromisoformat(moment):%d %b %H:%M:%S}"


def upcoming(moments: Sequence[datetime], zone: str, now: datetime | None = None) -> str:
    """The next runs, each day said once, by the clock of the schedule."""
    by_day = groupby((each.astimezone(ZoneInfo(zone)) for each in moments), lambda local: _day(local, zone, now))
    return "; ".join(f"{day} {', '.join(f'{local:%H:%M}' for local in times)}" for day, times in by_day) + f" ({zone.replace('_', ' ')})"


def _day(local: datetime, zone: str, now: datetime | None) -> str:
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()
    ahead = (local.date() - today).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    return f"{local:%a} {local.day} {local:%b}{'' if local.year == today.year else f' {local.year}'}"
