"""Days and times moved by so many units, and the distance between two."""

from collections.abc import Callable

from sqlglot import exp

from ingest.clickhouse.convert import wrapped
from ingest.clickhouse.dialect import cast, duck, number
from ingest.clickhouse.moments import local, utc
from ingest.clickhouse.times import local_time, sixteen_bits, zone_of
from ingest.clickhouse.types import INT64, Type, integer
from ingest.clickhouse.values import Call, Value, mistake, null_value

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _unit(call: Call, name: str) -> str:
    found = name.lower().removesuffix("s")
    found = {"ss": "second", "mi": "minute", "hh": "hour", "dd": "day", "wk": "week", "mm": "month", "qq": "quarter", "yy": "year", "yyyy": "year"}.get(name.lower(), found)
    if found not in UNITS and found not in MONTHS:
        raise call.mistake(f"There is no unit '{name}' of time here.", f"Known are {', '.join([*UNITS, *MONTHS])}.")
    return found


WEEK = "(datediff('day', date '1970-01-01', date_trunc('week', :{})) + 7) // 7"
"""A week's number, cut towards 1970 as ClickHouse has it: the weeks on both sides of its beginning are one."""


def _date_diff(call: Call) -> Value:
    call.count(3, 4)
    unit = _unit(call, call.text(0))
    start, end = call.args[1:3]
    if start.type.is_null or end.type.is_null:
        return null_value()
    a, b = (local_time(call, each, zone_of(call, 3, each)) for each in (start, end))
    if unit == "week":
        found = duck(f"{WEEK.format('b')} - {WEEK.format('a')}", a=a, b=b)
    elif unit in ("second", "minute", "hour") and start.type.is_time and end.type.is_time:
        step = number(UNITS[unit] * 1_000_000)
        found = duck("cast(floor(epoch_us(:b) / :step) - floor(epoch_us(:a) / :step) as bigint)", a=start.sql if unit != "hour" else a, b=end.sql if unit != "hour" else b, step=step)
    else:
        found = duck(f"datediff('{unit}', :a, :b)", a=a, b=b)
    return Value(found, INT64.or_null(start.nullable or end.nullable))


def shifted(call: Call, value: Value, amount: exp.Expr, unit: str) -> Value:
    """A day or a time, so many units later; months end where the shorter month does."""
    small = unit in ("second", "minute", "hour")
    if value.type.is_day and not small:
        step = duck(f"to_{'days' if unit in UNITS else 'months'}(cast(:n as integer) * :size)", n=amount, size=number(UNITS[unit] // 86400 if unit in UNITS else MONTHS[unit]))
        moved = cast(duck(":x + :step", x=value.sql, step=step), "DATE")
        return Value(sixteen_bits(moved) if value.type.name == "Date" else moved, value.type)
    kind = Type("DateTime" if value.type.name == "Date" else "DateTime64", value.nullable, scale=0 if value.type.name == "Date" else 3) if value.type.is_day else value.type
    moment = cast(value.sql, "TIMESTAMP") if value.type.is_day else value.sql
    if small:
        return Value(duck(":x + to_microseconds(cast(:n as bigint) * :size)", x=moment, n=amount, size=number(UNITS[unit] * 1_000_000)), kind)
    step = duck(f"to_{'days' if unit in UNITS else 'months'}(cast(:n as integer) * :size)", n=amount, size=number(UNITS[unit] // 86400 if unit in UNITS else MONTHS[unit]))
    return Value(utc(duck(":x + :step", x=local(moment, kind.zone), step=step), kind.zone), kind)


def _add(unit: str, sign: int) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2)
        value, amount = call.args
        if value.type.is_null or amount.type.is_null:
            return null_value()
        if not (value.type.is_time or value.type.is_day) or not amount.type.is_integer:
            raise call.wrong("a day or a time, and a whole number")
        steps = amount.sql if sign > 0 else duck("-:n", n=amount.sql)
        moved = shifted(call, value, steps, unit)
        return Value(moved.sql, moved.type.or_null(value.nullable or amount.nullable))
    return build


def plus_times(call: Call) -> Value:
    """A day plus days, or a time plus seconds."""
    left, right = call.args
    if right.type.is_day or right.type.is_time:
        left, right = right, left
    if not (left.type.is_day or left.type.is_time) or not right.type.is_integer:
        raise call.wrong("numbers, or a day or time and a whole number")
    moved = shifted(call, left, right.sql, "day" if left.type.is_day else "second")
    return Value(moved.sql, moved.type.or_null(left.nullable or right.nullable))


def minus_times(call: Call) -> Value:
    """A day less days, a time less seconds, or the days between two days."""
    left, right = call.args
    nullable = left.nullable or right.nullable
    if left.type.name == right.type.name == "Date":
        return Value(duck("datediff('day', :b, :a)", a=left.sql, b=right.sql), integer(32, False).or_null(nullable))
    if left.type.name == right.type.name == "DateTime":
        seconds = wrapped(duck("(epoch_us(:a) - epoch_us(:b)) // 1000000", a=left.sql, b=right.sql), integer(32, False))
        return Value(seconds, integer(32, False).or_null(nullable))
    if not (left.type.is_day or left.type.is_time) or not right.type.is_integer:
        raise call.wrong("numbers, a day or time and a whole number, or two Dates")
    moved = shifted(call, left, duck("-:n", n=right.sql), "day" if left.type.is_day else "second")
    return Value(moved.sql, moved.type.or_null(nullable))


def interval_shift(call: Call, value: Value, amount: exp.Expr, unit: str) -> Value:
    """value ± INTERVAL."""
    if not (value.type.is_day or value.type.is_time):
        raise mistake(call.node, "An INTERVAL can only be added to a day or a time.")
    return shifted(call, value, amount, _unit(call, unit))


SHIFTS = {
    "dateDiff": _date_diff, **{f"add{unit.title()}s": _add(unit, 1) for unit in (*UNITS, *MONTHS)}, **{f"subtract{unit.title()}s": _add(unit, -1) for unit in (*UNITS, *MONTHS)},
}
