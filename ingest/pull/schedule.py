"""When a source is due. Pure: whoever asks brings the moment.

Ticks are times of a wall clock. Where the clock skips one, it is the first moment after the gap; where the clock shows one twice, it is the first of the two.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count as counting
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ingest.errors import BadInput
from schemas.source import Schedule

DAY = timedelta(days=1)
SHORTEST = timedelta(seconds=10)
PUNCTUAL = timedelta(minutes=2)
"""A run that begins this late wasn't missed: somebody has to look before it begins."""
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
KINDS = ("every", "days", "monthly", "cron", "after")
MONTHLY = re.compile(r"(?P<which>first|last|(?:[12]?\d|3[01])(?:st|nd|rd|th)?)(?P<working> working)?(?: day)?")
CRON_TODO = "Write five fields: minute, hour, day of the month, month, day of the week; 0 6 * * 1-5 is 06:00 from Monday to Friday."


def next_time(schedule: Schedule, after: datetime) -> datetime | None:
    """The first tick after a moment, in UTC; None where it is read by hand, or after another source."""
    if schedule.every and schedule.every % DAY:
        seconds = int(schedule.every.total_seconds())
        return datetime.fromtimestamp((int(after.timestamp()) // seconds + 1) * seconds, UTC)
    zone = ZoneInfo(schedule.zone)
    local = after.astimezone(zone).replace(tzinfo=None)
    return next((moment for wall in _walls(schedule, local) if (moment := _moment(wall, zone)) > after), None)


def next_times(schedule: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The next ticks."""
    found: list[datetime] = []
    while len(found) < count and (tick := next_time(schedule, found[-1] if found else after)):
        found.append(tick)
    return found


def due(schedule: Schedule, last_due: datetime, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The tick to run now, and the next one. After a downtime it is the latest of those missed since `last_due`, and none where that is longer ago than the grace period."""
    earliest = max(last_due, now - max(schedule.grace, PUNCTUAL))
    return _latest(schedule, earliest, now), next_time(schedule, now)


def in_words(schedule: Schedule) -> str:
    """The schedule as people say it."""
    if schedule.after:
        return f"after {schedule.after}"
    if schedule.cron:
        return f"{_explained(schedule.cron)}{_zone_words(schedule)}"
    if schedule.every:
        return _span_words(schedule.every) + ("" if schedule.every % DAY else f" at {schedule.at or '00:00'}{_zone_words(schedule)}")
    if schedule.days:
        return f"{_days_words(schedule)} at {schedule.at}{_zone_words(schedule)}"
    return f"on the {_monthly_words(schedule.monthly)} of the month at {schedule.at}{_zone_words(schedule)}" if schedule.monthly else "by hand"


def fitting(schedule: Schedule) -> None:
    """Raises BadInput, with what to change, for a schedule that can't be followed."""
    given = [name for name in KINDS if getattr(schedule, name) not in (None, ())]
    if len(given) > 1:
        raise BadInput(f"The schedule says {' and '.join(given)}, and it can follow only one of them.", "Leave the others out.")
    if schedule.at and not (schedule.days or schedule.monthly or schedule.every and not schedule.every % DAY):
        raise BadInput("The schedule says a time of day, at, but not on which days.", "Add days: [mon, tue, …], monthly: 2nd, or every: 1d.")
    if (schedule.days or schedule.monthly) and not schedule.at:
        raise BadInput(f"The schedule says {given[0]}, but not at what time.", "Add at: 06:00.")
    if schedule.every is not None and schedule.every < SHORTEST:
        raise BadInput("A source can't be read that often.", f"Let at least {SHORTEST.seconds} seconds lie between two runs, as every: 15m does.")
    if schedule.monthly:
        _which(schedule.monthly)
    if schedule.cron is not None:
        _fitting_cron(schedule)


def _latest(schedule: Schedule, earliest: datetime, now: datetime) -> datetime | None:
    """The last tick from `earliest` to `now`; looked for backwards in longer and longer steps, so that a long downtime costs no more than a short one."""
    for back in (2**power * PUNCTUAL for power in counting()):
        begin = max(earliest, now - back)
        tick = next_time(schedule, begin - timedelta(microseconds=1))
        if tick is None or tick <= now or begin == earliest:
            break
    latest = None
    while tick and tick <= now:
        latest, tick = tick, next_time(schedule, tick)
    return latest


def _walls(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The ticks that a wall clock shows after it shows `after`."""
    if schedule.cron:
        return CronSim(schedule.cron, after)
    at = time.fromisoformat(schedule.at or "00:00")
    return (wall for day in _days(schedule, after.date()) if (wall := datetime.combine(day, at)) > after)


def _days(schedule: Schedule, first: date) -> Iterator[date]:
    """The days on which a schedule ticks, from one day on. Weeks begin on Mondays."""
    if schedule.monthly:
        months = (first.year * 12 + first.month - 1 + ahead for ahead in counting())
        return (_day_of_month(schedule.monthly, month // 12, month % 12 + 1) for month in months)
    days = (first + ahead * DAY for ahead in counting())
    if schedule.days:
        return (day for day in days if WEEK[day.weekday()] in schedule.days)
    return (day for day in days if (day.toordinal() - 1) % schedule.every.days == 0) if schedule.every else iter(())


def _day_of_month(monthly: str, year: int, month: int) -> date:
    """The day that is meant in one month; the last one where the month is shorter."""
    number, working = _which(monthly)
    days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
    wanted = [day for day in days if day.weekday() < 5] if working else days
    return wanted[min(number, len(wanted)) - 1]


def _which(monthly: str) -> tuple[int, bool]:
    """Which day of a month is meant, from 1, and whether only Mondays to Fridays count. The last one is the 31st."""
    found = MONTHLY.fullmatch(" ".join(monthly.lower().split()))
    which = found["which"] if found else ""
    number = {"first": 1, "last": 31}.get(which) or int(re.sub(r"\D", "", which) or 0)
    if not found or not number:
        raise BadInput(f"No day of the month is called {monthly!r}.", "Write 2nd, 15th, last day, first working day or last working day; the time of day goes into at.")
    return number, bool(found["working"])


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a wall clock shows a time: the first time that it does, or the end of the gap that swallows it."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    before = int(wall.replace(tzinfo=zone, fold=1).timestamp())  # in a gap, fold=1 counts with the offset after it, and so lands before it
    seconds = range(before, int(moment.timestamp()) + 1)
    end = moment.astimezone(zone).utcoffset()
    return datetime.fromtimestamp(seconds[bisect_left(seconds, True, key=lambda second: datetime.fromtimestamp(second, zone).utcoffset() == end)], UTC)


def _fitting_cron(schedule: Schedule) -> None:
    pattern = schedule.cron or ""
    if len(pattern.split()) != 5:
        raise BadInput(f"The cron pattern {pattern!r} doesn't have five fields.", CRON_TODO)
    try:
        first = next(CronSim(pattern, datetime(2024, 1, 1)), None)
    except CronSimError as error:
        raise BadInput(f"The cron pattern {pattern!r} can't be followed: its {str(error).removeprefix('Bad ').replace('-', ' ')} isn't right.", CRON_TODO) from None
    if first is None:
        raise BadInput(f"The cron pattern {pattern!r} names a day that never comes.", CRON_TODO)


def _explained(pattern: str) -> str:
    words = CronSim(pattern, datetime(2024, 1, 1)).explain()
    return words[:1].lower() + words[1:]


def _span_words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    size, unit = next(each for each in ((7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")) if seconds % each[0] == 0)
    return f"every {unit}" if seconds == size else f"every {seconds // size} {unit}s"


def _days_words(schedule: Schedule) -> str:
    """The days in the order of the week."""
    names = [name for day, name in zip(WEEK, NAMES, strict=True) if day in schedule.days]
    if len(names) == 7:
        return "every day"
    return "Mondays to Fridays" if names == list(NAMES[:5]) else " and ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else names[0]


def _monthly_words(monthly: str) -> str:
    number, working = _which(monthly)
    ending = "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    which = "last" if "last" in monthly.lower() else "first" if working and number == 1 else f"{number}{ending}"
    return f"{which}{' working' if working else ''}{' day' if working or which == 'last' else ''}"


def _zone_words(schedule: Schedule) -> str:
    """The zone as its city's time."""
    return ", UTC" if schedule.zone in ("UTC", "Etc/UTC") else f", {schedule.zone.rpartition('/')[2].replace('_', ' ')} time"
