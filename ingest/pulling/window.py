"""From where to where a run reads. The mark is the largest cursor that was seen, never a clock's time: a row that is written later with the same cursor is read again, not lost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ingest.errors import BadInput
from schemas.source import Source, SourceColumn, Window

MOMENTS = ("time", "naive_time", "date")


def cursor_kind(source: Source, columns: tuple[SourceColumn, ...]) -> str:
    """What kind of column the cursor is. Raises BadInput where it isn't there."""
    for column in columns:
        if column.name == source.read.cursor:
            return column.kind
    raise BadInput(f"The source {source.name!r} has no column {source.read.cursor!r}, which tells what is new.", f"It has: {', '.join(column.name for column in columns[:30])}.")


def next_window(source: Source, mark: str | None, kind: str, at: datetime) -> Window:
    """What a run at this moment reads: from the look-back before the mark to the safety lag before now."""
    zone = source.read.cursor_zone
    since = _earlier(mark, kind, source.lookback + _shown_twice(mark, kind, zone)) if mark is not None else None
    start = said(source.read.start, kind, zone)
    if start is not None and (since is None or is_before(since, start, kind)):
        since = start
    return Window(since=since, until=written(at - source.safety_lag, kind, zone) if kind in MOMENTS else None)


def asked_window(source: Source, kind: str, since: str | None, until: str | None) -> Window:
    """The window of a back-fill: both ends as a person says them; a last day counts whole."""
    zone = source.read.cursor_zone
    if kind in MOMENTS and until and len(until.strip()) == 10:
        until = str(datetime.fromisoformat(until.strip()).date() + timedelta(days=1))
    return Window(since=said(since, kind, zone), until=said(until, kind, zone))


def written(moment: datetime, kind: str, zone: str) -> str:
    """A moment as a cursor of this kind is written; for days, the day after it."""
    if kind == "time":
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    local = moment.astimezone(ZoneInfo(zone))
    if kind == "date":
        return str(local.date() + timedelta(days=1))
    return local.strftime("%Y-%m-%dT%H:%M:%S.%f")


def said(text: str | None, kind: str, zone: str) -> str | None:
    """A bound that a person wrote, as a cursor of this kind is written."""
    if text is None or kind not in MOMENTS:
        return _number(text) if text is not None and kind in ("integer", "decimal", "float") else text
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise BadInput(f"{text!r} is no date or time.", "Write it like 2026-10-01 or 2026-10-01T06:00:00+02:00.") from None
    if kind == "date":
        return str(moment.date())
    return written(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)), kind, zone)


def _number(text: str) -> str:
    if not text.strip().lstrip("+-").replace(".", "", 1).isdecimal():
        raise BadInput(f"{text!r} is no number, and the cursor is one.", "Write digits.")
    return text.strip()


def is_before(one: str, other: str, kind: str) -> bool:
    """Whether a cursor is smaller than another, whatever digits they are written with."""
    return _comparable(one, kind) < _comparable(other, kind)


def later(one: str | None, other: str | None, kind: str) -> str | None:
    """The larger of two cursors."""
    if one is None or other is None:
        return other if one is None else one
    return other if is_before(one, other, kind) else one


def _comparable(text: str, kind: str) -> tuple[str, str] | Decimal | str:
    if kind in ("time", "naive_time"):
        whole, _, fraction = text.rstrip("Z").replace(" ", "T").partition(".")
        return whole, fraction.rstrip("0")
    return Decimal(text) if kind in ("integer", "decimal", "float") else text


def _earlier(mark: str, kind: str, lookback: timedelta) -> str:
    """The mark, so much earlier; a number or a text can't be looked back from."""
    if not lookback or kind not in MOMENTS:
        return mark
    if kind == "date":
        return str(datetime.fromisoformat(mark).date() - timedelta(days=-(-lookback // timedelta(days=1))))
    return (_wall(mark) - lookback).strftime("%Y-%m-%dT%H:%M:%S.%f") + ("Z" if mark.endswith("Z") else "")


def _shown_twice(mark: str, kind: str, zone: str) -> timedelta:
    """How much a wall clock goes back over the mark, where it shows that hour twice: rows that are written later say less than the mark."""
    if kind != "naive_time":
        return timedelta(0)
    first = _wall(mark).replace(tzinfo=ZoneInfo(zone))
    return max(timedelta(0), first.utcoffset() - first.replace(fold=1).utcoffset())


def _wall(mark: str) -> datetime:
    """A mark as a moment without a zone, in whole microseconds."""
    whole, _, fraction = mark.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}")


def halves(window: Window, kind: str) -> tuple[Window, Window] | None:
    """A window in two of the same length; None where it can't be cut."""
    if window.since is None or window.until is None:
        return None
    if kind in ("time", "naive_time"):
        first, last = (datetime.fromisoformat(text.rstrip("Z")) for text in (window.since, window.until))
        middle = (first + (last - first) / 2).strftime("%Y-%m-%dT%H:%M:%S.%f") + ("Z" if window.since.endswith("Z") else "")
    elif kind == "date":
        first, last = (datetime.fromisoformat(text).date() for text in (window.since, window.until))
        middle = str(first + (last - first) // 2)
    elif kind == "integer":
        middle = str((int(window.since) + int(window.until)) // 2)
    else:
        return None
    if middle in (window.since, window.until):
        return None
    return Window(since=window.since, until=middle), Window(since=middle, until=window.until)
