"""Local time to UTC as plain SQL, from the zone's own transitions: the hour that is missing and the one that comes twice are seen, not guessed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ingest.errors import BadInput

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True)
class Transition:
    """One change of the clocks, in local time: until `until` the offset `before` holds, from then on `after`."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def until(self) -> datetime:
        """The local time at which the old offset ends."""
        return self.at + self.before

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The local times that don't exist (clocks forward) or come twice (clocks back)."""
        return (self.at + min(self.before, self.after), self.at + max(self.before, self.after))


@dataclass(frozen=True)
class LocalTime:
    """How to read a column of local times: SQL for UTC, and conditions (None: can't happen) for missing and doubled hours."""

    utc: str
    missing: str | None
    twice: str | None


def zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises BadInput for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"There is no time zone {name!r}.", "Write it as in Europe/Berlin, America/New_York or UTC.") from None


def said_zone(heading: str) -> str | None:
    """The zone that a heading names: `Start (UTC)`, `usage_date_utc`, `Zeit [Europe/Berlin]`."""
    for name in re.findall(r"[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+", heading):
        if name in available_timezones():
            return name
    return "UTC" if re.search(r"(?:^|[^a-zA-Z]|[a-z](?=[A-Z]))(?:UTC|GMT|utc|gmt)(?![a-zA-Z+\-]|\s*[+\-]\d)", heading) else None


def transitions(name: str, first: datetime, last: datetime) -> list[Transition]:
    """The changes of the clocks that touch local times from `first` to `last`."""
    tz = zone(name)
    moment, end = first - 2 * DAY, last + 2 * DAY
    found = []
    while moment < end:
        following = moment + DAY
        if _offset(tz, moment) != _offset(tz, following):
            found.append(_between(tz, moment, following))
        moment = following
    return found


def _offset(tz: ZoneInfo, utc: datetime) -> timedelta:
    return utc.replace(tzinfo=UTC).astimezone(tz).utcoffset()


def _between(tz: ZoneInfo, low: datetime, high: datetime) -> Transition:
    before, after = _offset(tz, low), _offset(tz, high)
    while high - low > SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(tz, middle) == before else (low, middle)
    return Transition(high, before, after)


def local_time(moment: str, name: str, first: datetime, last: datetime) -> LocalTime:
    """How to read the local times `moment` (SQL) of a zone, all between `first` and `last`; a doubled hour is read as its first pass."""
    first, last = first.replace(microsecond=0), last.replace(microsecond=0)
    changes = transitions(name, first, last)
    start = changes[0].before if changes else _offset(zone(name), first)
    missing = [change.span for change in changes if change.after > change.before]
    twice = [change.span for change in changes if change.after < change.before]
    return LocalTime(_utc(moment, changes, start), _within(moment, missing, first, last), _within(moment, twice, first, last))


def _utc(moment: str, changes: list[Transition], offset: timedelta) -> str:
    if not changes:
        return _minus(moment, offset)
    middle = len(changes) // 2
    change = changes[middle]
    return f"(case when {moment} < {_sql(change.until)} then {_utc(moment, changes[:middle], offset)} else {_utc(moment, changes[middle + 1:], change.after)} end)"


def _minus(moment: str, offset: timedelta) -> str:
    return f"{moment} - interval '{int(offset.total_seconds())} seconds'" if offset else moment


def _within(moment: str, spans: list[tuple[datetime, datetime]], first: datetime, last: datetime) -> str | None:
    touched = [f"({moment} >= {_sql(low)} and {moment} < {_sql(high)})" for low, high in spans if high > first and low <= last]
    return f"({' or '.join(touched)})" if touched else None


def _sql(moment: datetime) -> str:
    return f"timestamp '{moment:%Y-%m-%d %H:%M:%S}'"


def to_utc(local: datetime, name: str) -> datetime:
    """One local time in UTC, without a zone on it."""
    return local.replace(tzinfo=zone(name)).astimezone(UTC).replace(tzinfo=None)
