"""When a source is due. Pure: whoever asks brings the moment."""

from datetime import UTC, datetime

from ingest.errors import BadInput
from schemas.source import Schedule, span_text


def next_time(schedule: Schedule, after: datetime) -> datetime | None:
    """The first tick after a moment; None where it is read by hand, or after another source."""
    if not schedule.every:
        return None
    seconds = schedule.every.total_seconds()
    return datetime.fromtimestamp((after.timestamp() // seconds + 1) * seconds, UTC)


def next_times(schedule: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The next ticks."""
    found: list[datetime] = []
    while len(found) < count and (tick := next_time(schedule, found[-1] if found else after)):
        found.append(tick)
    return found


def due(schedule: Schedule, last_due: datetime, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The tick to make up for now, and the next one."""
    return (last_due if now - last_due <= schedule.grace else None), next_time(schedule, now)


def in_words(schedule: Schedule) -> str:
    """The schedule as people say it."""
    return f"every {span_text(schedule.every)}" if schedule.every else f"after {schedule.after}" if schedule.after else "by hand"


def fitting(schedule: Schedule) -> None:
    """Raises BadInput where it can't be followed."""
    if schedule.cron or schedule.days or schedule.monthly:
        raise BadInput("This kind of schedule can't be followed yet.", "Use every:.")
