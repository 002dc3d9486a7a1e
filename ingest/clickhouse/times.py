"""Days and times as ClickHouse has them: a Date is 16 bits and wraps, a DateTime 32; days begin where the zone says."""

from collections.abc import Callable
from datetime import date

from sqlglot import exp

from ingest.clickhouse.convert import integer_of, literal_as, wrapped
from ingest.clickhouse.dialect import cast, duck, number
from ingest.clickhouse.moments import checked_zone, day_text, local, utc
from ingest.clickhouse.types import DATE, DATE32, DATETIME, INT64, Type, integer
from ingest.clickhouse.values import Call, Value, null_value

UINT16, UINT32 = integer(16, True), integer(32, True)


def zone_of(call: Call, index: int, value: Value) -> str | None:
    """The zone an argument names, else the value's own."""
    return checked_zone(call.text(index), call.node) if len(call.args) > index else value.type.zone


def in_zone(call: Call, value: Value, name: str) -> Value:
    if not value.type.is_time:
        raise call.wrong("a time and a zone")
    return value.typed(Type(value.type.name, value.nullable, scale=value.type.scale, zone=checked_zone(name, call.node)))


def _to_time_zone(call: Call) -> Value:
    call.count(2)
    return in_zone(call, call.args[0], call.text(1))


def local_time(call: Call, value: Value, name: str | None) -> exp.Expr:
    """The local TIMESTAMP of a time, or of the beginning of a day."""
    if value.type.is_day:
        return cast(value.sql, "TIMESTAMP")
    if not value.type.is_time:
        raise call.wrong("a day or a time")
    return local(value.sql, name)


def sixteen_bits(day: exp.Expr) -> exp.Expr:
    """A Date32's day as a Date: 65,536 days after it is the same day again."""
    days = wrapped(duck("datediff('day', date '1970-01-01', :x)", x=day), UINT16)
    return duck("case when :x >= date '1970-01-01' and :x < date '2149-06-07' then :x else date '1970-01-01' + cast(:n as integer) end", x=day, n=days)


def day_of(call: Call, value: Value, kind: Type, name: str | None) -> Value:
    result = kind.or_null(value.nullable)
    if value.type.name == "String":
        return _day_of_text(call, value, kind)
    if value.type.is_integer:
        raise call.mistake(f"{call.name} of a number can't be previewed here.", "Convert a time or a text.")
    if value.type.name == kind.name or (value.type.name == "Date" and kind.name == "Date32"):
        return Value(value.sql, result)
    if kind.name == "Date32":
        return Value(value.sql, result) if value.type.is_day else Value(cast(local_time(call, value, name), "DATE"), result, day_of=(value.sql, name))
    return Value(sixteen_bits(value.sql if value.type.is_day else cast(local_time(call, seconds_of(value), name), "DATE")), result)


def seconds_of(value: Value) -> Value:
    """A time in whole seconds; ClickHouse cuts towards 1970, so that the last moment of 1969 becomes 1970."""
    if not value.type.scale:
        return value
    return value.typed_as(duck("case when :x >= timestamp '1970-01-01 00:00:00' then :x else make_timestamp((epoch_us(:x) // 1000000) * 1000000) end", x=value.sql))


def _day_of_text(call: Call, value: Value, kind: Type) -> Value:
    if value.constant is None:
        return Value(cast(value.sql, "DATE"), kind.or_null(value.nullable)) if kind.name == "Date32" else _no_texts(call)
    return literal_as(value, kind, call.node)


def _no_texts(call: Call) -> Value:
    raise call.mistake(f"{call.name} of a column of texts can't be previewed here.", "Make the field a time or a day in the event type.")


def _to_day(kind: Type) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1, 2)
        value = call.args[0]
        return null_value() if value.type.is_null else day_of(call, value, kind, zone_of(call, 1, value))
    return build


def _to_datetime(call: Call) -> Value:
    call.count(1, 2)
    value = call.args[0]
    return null_value() if value.type.is_null else time_of(call, value, Type("DateTime", zone=zone_of(call, 1, value)))


def _to_datetime64(call: Call) -> Value:
    call.count(2, 3)
    value = call.args[0]
    return null_value() if value.type.is_null else time_of(call, value, Type("DateTime64", scale=call.whole(1), zone=zone_of(call, 2, value)))


def time_of(call: Call, value: Value, kind: Type) -> Value:
    if kind.scale > 6:
        raise call.mistake("A time finer than microseconds can't be previewed here.", "Use DateTime64(6).")
    result = kind.or_null(value.nullable)
    if value.type.name == "String":
        return literal_as(value, kind, call.node) if value.constant is not None else _no_texts(call)
    if not (value.type.is_time or value.type.is_day):
        raise call.mistake(f"{value.type} can't become {kind} here.")
    moment = value.sql if value.type.is_time else utc(cast(value.sql, "TIMESTAMP"), kind.zone)
    return Value(_cut(moment, value, kind), result)


def _cut(moment: exp.Expr, value: Value, kind: Type) -> exp.Expr:
    """Digits of a second past the type's cut off; a DateTime wraps at 32 bits."""
    if kind.name == "DateTime" and value.type.name != "DateTime":
        seconds = wrapped(duck("cast(floor(epoch_us(:x) / 1000000) as bigint)", x=moment), UINT32)
        return duck("make_timestamp(cast(:s as bigint) * 1000000)", s=seconds)
    if value.type.scale > kind.scale:
        return duck("make_timestamp((epoch_us(:x) // :step) * :step)", x=moment, step=number(10 ** (6 - kind.scale)))
    return moment


def converted(value: Value, kind: Type, node: exp.Expr) -> Value:
    """CAST to a day or a time."""
    call = Call(f"CAST AS {kind}", (value,), node)
    if kind.zone:
        checked_zone(kind.zone, node)
    return day_of(call, value, kind, value.type.zone) if kind.is_day else time_of(call, value, kind)


PARTS = {
    "toYear": ("year(:x)", UINT16), "toQuarter": ("quarter(:x)", integer(8, True)), "toMonth": ("month(:x)", integer(8, True)), "toDayOfMonth": ("day(:x)", integer(8, True)),
    "toDayOfWeek": ("isodow(:x)", integer(8, True)), "toDayOfYear": ("dayofyear(:x)", UINT16), "toHour": ("hour(:x)", integer(8, True)), "toMinute": ("minute(:x)", integer(8, True)),
    "toSecond": ("second(:x)", integer(8, True)), "toISOWeek": ("weekofyear(:x)", integer(8, True)), "toISOYear": ("isoyear(:x)", UINT16),
    "toYYYYMM": ("year(:x) * 100 + month(:x)", UINT32), "toYYYYMMDD": ("year(:x) * 10000 + month(:x) * 100 + day(:x)", UINT32),
}
"""A number that a local time has, and its type."""


def _part(name: str) -> Callable[[Call], Value]:
    template, kind = PARTS[name]

    def build(call: Call) -> Value:
        call.count(1, 1 if name == "toDayOfWeek" else 2)
        value = call.args[0]
        if value.type.is_null:
            return null_value()
        return Value(duck(template, x=local_time(call, value, zone_of(call, 1, value))), kind.or_null(value.nullable))
    return build


DAY_STARTS = {"toStartOfMonth": "month", "toStartOfQuarter": "quarter", "toStartOfYear": "year", "toMonday": "week"}
TIME_STARTS = {"toStartOfDay": "day", "toStartOfHour": "hour", "toStartOfMinute": "minute"}
LAST_MOMENT = 2**32 - 1


def _clamped_day(day: exp.Expr) -> exp.Expr:
    return duck("greatest(least(:x, :last), :first)", x=day, first=day_text(date(1970, 1, 1)), last=day_text(date(2149, 6, 6)))


def _day_start(unit: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1, 2)
        value = call.args[0]
        if value.type.is_null:
            return null_value()
        start = cast(duck(f"date_trunc('{unit}', :x)", x=local_time(call, value, zone_of(call, 1, value))), "DATE")
        return Value(_null_kept(value, _clamped_day(start)), DATE.or_null(value.nullable))
    return build


def _null_kept(value: Value, sql: exp.Expr) -> exp.Expr:
    """greatest() and least() pass over nulls in DuckDB."""
    return duck("case when :v is not null then :x end", v=value.sql, x=sql) if value.nullable else sql


def _time_start(unit: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1, 2)
        value = call.args[0]
        if value.type.is_null:
            return null_value()
        name = zone_of(call, 1, value)
        start = utc(duck(f"date_trunc('{unit}', :x)", x=local_time(call, value, name)), name)
        seconds = duck("greatest(least(cast(floor(epoch_us(:x) / 1000000) as bigint), :last), 0)", x=start, last=number(LAST_MOMENT))
        return Value(_null_kept(value, duck("make_timestamp(:s * 1000000)", s=seconds)), DATETIME.or_null(value.nullable) if name is None else Type("DateTime", value.nullable, zone=name))
    return build


def _date_trunc(call: Call) -> Value:
    call.count(2, 3)
    unit, value = call.text(0).lower(), call.args[1]
    if value.type.is_null:
        return null_value()
    if unit not in ("year", "quarter", "month", "week", "day", "hour", "minute", "second"):
        raise call.mistake(f"{call.name} has no unit '{unit}'.", "Known are year, quarter, month, week, day, hour, minute and second.")
    name = zone_of(call, 2, value)
    start = duck(f"date_trunc('{unit}', :x)", x=local_time(call, seconds_of(value), name))
    if unit in ("year", "quarter", "month", "week"):
        return Value(cast(start, "DATE"), (DATE if value.type.name in ("Date", "DateTime") else DATE32).or_null(value.nullable))
    kind = Type("DateTime", zone=name) if value.type.name in ("Date", "DateTime") else Type("DateTime64", scale=0, zone=name)
    return Value(utc(start, name), kind.or_null(value.nullable))


def _unix(call: Call) -> Value:
    call.count(1, 2)
    value = call.args[0]
    if not value.type.is_time:
        raise call.wrong("a time")
    seconds = integer_of(value, INT64, call.node)
    checked = duck("case when :s < 0 or :s > :last then cast(error('toUnixTimestamp takes times from 1970 to 2106.') as bigint) else :s end", s=seconds.sql, last=number(LAST_MOMENT))
    return Value(checked, UINT32.or_null(value.nullable))


def _unix64(digits: int) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1)
        value = call.args[0]
        if value.type.name != "DateTime64":
            raise call.wrong("a DateTime64")
        return Value(duck("cast(floor(epoch_us(:x) / :step) as bigint)", x=value.sql, step=number(10 ** (6 - digits))), INT64.or_null(value.nullable))
    return build


def _format(call: Call) -> Value:
    call.count(2, 3)
    value, pattern = call.args[0], call.text(1)
    letters = {pattern[index + 1] for index in range(len(pattern) - 1) if pattern[index] == "%"}
    if not letters <= set("YmdHiSFT") or pattern.endswith("%"):
        raise call.mistake(f"The pattern '{pattern}' can't be previewed here.", "Known are %Y, %m, %d, %H, %i, %S, %F and %T.")
    plain = pattern.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%i", "%M")
    return Value(duck("strftime(:x, :p)", x=local_time(call, value, zone_of(call, 2, value)), p=exp.Literal.string(plain)), Type("String", value.nullable))


TIMES = {
    "toDate": _to_day(DATE), "DATE": _to_day(DATE), "toDate32": _to_day(DATE32), "toDateTime": _to_datetime, "toDateTime64": _to_datetime64, "toTimeZone": _to_time_zone,
    **{name: _part(name) for name in PARTS}, **{name: _day_start(unit) for name, unit in DAY_STARTS.items()}, **{name: _time_start(unit) for name, unit in TIME_STARTS.items()},
    "dateTrunc": _date_trunc, "toUnixTimestamp": _unix, "toUnixTimestamp64Milli": _unix64(3), "toUnixTimestamp64Micro": _unix64(6), "formatDateTime": _format,
}
