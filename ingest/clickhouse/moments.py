"""Moments and days: read from texts, written as texts, and moved between UTC and a zone by the zone's own transitions.

DuckDB's own time zones ask a library once per row; ten million rows then take minutes. A search tree over the changes of the clocks takes a second; only years outside it go the long way.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from sqlglot import exp

from ingest.clickhouse.dialect import MOMENT, DuckDBAsWritten, Shifted, cast, duck, number, text
from ingest.clickhouse.types import Type
from ingest.clickhouse.values import Value, mistake
from ingest.errors import BadInput
from ingest.values.zones import Transition, transitions, zone

FIRST, LAST = datetime(1995, 1, 1), datetime(2045, 1, 1)
"""Between these the clocks' changes are in the tree."""
SPELLED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?")
IS_UTC = (None, "UTC", "Etc/UTC", "GMT")


def checked_zone(name: str, node: exp.Expr) -> str:
    """The name of a zone that there is. Raises SqlMistake."""
    try:
        zone(name)
    except BadInput as error:
        raise mistake(node, error.sentence, error.todo) from None
    return name


def local(moment: exp.Expr, name: str | None) -> exp.Expr:
    """The local time of a moment in UTC, both TIMESTAMPs."""
    return moment if name in IS_UTC else Shifted(this=moment.copy(), written=_written(name, to_local=True))


def utc(moment: exp.Expr, name: str | None) -> exp.Expr:
    """The moment in UTC of a local time; the first of the two that an hour has that comes twice."""
    return moment if name in IS_UTC else Shifted(this=moment.copy(), written=_written(name, to_local=False))


@lru_cache(maxsize=64)
def _written(name: str, to_local: bool) -> str:
    """DuckDB's text that moves a moment, which stands in it as MOMENT."""
    changes = transitions(name, FIRST, LAST)
    start = changes[0].before if changes else FIRST.replace(tzinfo=UTC).astimezone(zone(name)).utcoffset()
    shift = _tree(changes, start, 1 if to_local else -1)
    slow = "timezone(:zone, timezone('UTC', :moment))" if to_local else "timezone('UTC', timezone(:zone, :moment))"
    tree = duck(f"case when :moment >= :first and :moment < :last then make_timestamp(epoch_us(:moment) + :shift) else {slow} end",
                moment=exp.Var(this=MOMENT), first=timestamp(FIRST + timedelta(days=1)), last=timestamp(LAST - timedelta(days=1)), shift=shift, zone=text(name))
    return f"({tree.sql(dialect=DuckDBAsWritten)})"


def _tree(changes: list[Transition], offset: timedelta, sign: int) -> exp.Expr:
    """Microseconds to add, by halving the changes of the clocks."""
    if not changes:
        return number(sign * offset // timedelta(microseconds=1))
    middle = len(changes) // 2
    change = changes[middle]
    before = exp.LT(this=exp.Var(this=MOMENT), expression=timestamp(change.at if sign > 0 else change.until))
    return exp.Case(ifs=[exp.If(this=before, true=_tree(changes[:middle], offset, sign))], default=_tree(changes[middle + 1:], change.after, sign))


def begins(day: date, name: str | None) -> datetime | None:
    """The moment in UTC at which a zone's day begins; None where the clocks go back over that midnight, so that the day before comes again after it."""
    midnight = datetime.combine(day, time())
    if name in IS_UTC:
        return midnight
    changes = transitions(name, midnight, midnight)
    return None if any(change.after < change.before and change.span[0] < midnight < change.span[1] for change in changes) else _in_utc(midnight, name)


def timestamp(moment: datetime) -> exp.Expr:
    return cast(text(moment.isoformat(sep=" ")), "TIMESTAMP")


def time_of_text(given: str, kind: Type) -> Value:
    """A moment of a text, local in the type's zone. Raises ValueError where it is none."""
    matched = SPELLED.fullmatch(given.strip())
    if not matched:
        raise ValueError(given)
    *parts, fraction = matched.groups()
    micros = int((fraction or "").ljust(9, "0")[:min(kind.scale, 6)].ljust(6, "0"))
    moment = datetime(*(int(each or 0) for each in parts), micros)
    return Value(timestamp(moment if kind.zone in IS_UTC else _in_utc(moment, kind.zone)), kind, constant=given)


def _in_utc(moment: datetime, name: str) -> datetime:
    """An hour that comes twice is its first pass; one that doesn't come counts by the offset after it."""
    first = moment.replace(tzinfo=zone(name)).astimezone(UTC)
    there = first.astimezone(zone(name)).replace(tzinfo=None) == moment
    return (first if there else moment.replace(tzinfo=zone(name), fold=1).astimezone(UTC)).replace(tzinfo=None)


def time_text(value: Value) -> exp.Expr:
    """2026-10-31 23:59:59.000, in the type's zone, with its digits of a second."""
    moment = local(value.sql, value.type.zone)
    whole = duck("strftime(:x, '%Y-%m-%d %H:%M:%S')", x=moment)
    if not value.type.scale:
        return whole
    return duck("left(strftime(:x, '%Y-%m-%d %H:%M:%S.%f'), :n)", x=moment, n=number(20 + value.type.scale))


def day_text(day: date) -> exp.Expr:
    return cast(text(day.isoformat()), "DATE")
