"""From one type to another: texts in quotes, CAST, and the to…() functions, truncating and wrapping as ClickHouse does."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal, InvalidOperation

from sqlglot import exp

from ingest.clickhouse.dialect import cast, duck, number, text
from ingest.clickhouse.moments import checked_zone, time_of_text
from ingest.clickhouse.types import BOOL, DECIMAL_DIGITS, FLOAT64, INTEGERS, STRING, UUID, Type, decimal, integer, read_type
from ingest.clickhouse.values import Call, Value, as_bool, as_float, as_number, mistake, raw
from ingest.clickhouse.written import text_sql
from ingest.errors import BadInput
from ingest.values.exact import WIDE

WHOLE = re.compile(r"[+-]?[0-9]+")


def as_type(value: Value, kind: Type, node: exp.Expr) -> Value:
    """The value as a member of a type that holds it, for values that must go together."""
    if value.type.is_null:
        return Value(cast(exp.Null(), kind.duckdb), kind.or_null())
    if kind.name == "Bool":
        return Value(as_bool(value, node), kind, truth=True)
    if kind.is_integer:
        return Value(cast(as_number(value), kind.duckdb) if value.constant is not None else as_number(value), kind)
    if kind.is_float:
        return Value(as_float(value), kind)
    if kind.is_decimal:
        return Value(value.sql if value.type.is_decimal else cast(as_number(value), f"DECIMAL({value.width[0]}, 0)"), kind, kept=value.width)
    if kind.is_time and value.type.is_day:
        return Value(cast(value.sql, "TIMESTAMP"), kind)
    return value.typed(kind)


def literal_as(value: Value, kind: Type, node: exp.Expr) -> Value:
    """A text in quotes, read as a type. Raises SqlMistake where it isn't one."""
    try:
        return _read(value.constant or "", kind.or_null(False))
    except (ValueError, InvalidOperation, BadInput):
        raise mistake(node, f"'{value.constant}' can't be read as {kind.or_null(False)}.", "Write a date as 2026-10-31 and a time as 2026-10-31 23:59:59." if kind.is_day or kind.is_time else "") from None


def _read(given: str, kind: Type) -> Value:
    if kind.is_day:
        return day_value(given, kind)
    if kind.is_time:
        return time_of_text(given, kind)
    if kind.is_integer:
        if not WHOLE.fullmatch(given):
            raise ValueError(given)
        return whole(int(given), kind)
    if kind.is_float:
        return Value(float_literal(str(float(given))), kind, constant=given)
    if kind.is_decimal:
        return decimal_of_text(given, kind)
    if kind.name == "Bool" and given.lower() in ("true", "false", "1", "0"):
        return Value(exp.Boolean(this=given.lower() in ("true", "1")), BOOL, truth=True)
    if kind.name == "UUID" and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", given):
        return Value(cast(text(given), "UUID"), UUID)
    raise ValueError(given)


def whole(value: int, kind: Type) -> Value:
    return Value(number(value), kind, constant=str(value))


def float_literal(given: str) -> exp.Expr:
    return cast(text(given), "DOUBLE")


def decimal_of_text(given: str, kind: Type) -> Value:
    value = Decimal(given).quantize(Decimal(1).scaleb(-kind.scale), ROUND_DOWN, WIDE)
    digits = max(len(value.as_tuple().digits), kind.scale + 1)
    return Value(cast(text(f"{value:f}"), f"DECIMAL({digits}, {kind.scale})"), kind, kept=(digits, kind.scale))


FIRST, LAST = date(1970, 1, 1), date(2149, 6, 6)
FIRST32, LAST32 = date(1900, 1, 1), date(2299, 12, 31)


def day_value(given: str, kind: Type) -> Value:
    """A day from a text; one that the type can't hold becomes the nearest it can."""
    matched = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$", given) or re.match(r"(\d{4})(\d{2})(\d{2})$", given)
    if not matched:
        raise ValueError(given)
    day = date(*map(int, matched.groups()))
    if kind.name == "Date":
        day = min(max(day, FIRST), LAST)
    return Value(cast(text(day.isoformat()), "DATE"), kind)


def to_integer(bits: int, unsigned: bool) -> Callable[[Call], Value]:
    kind = integer(bits, unsigned)

    def build(call: Call) -> Value:
        call.count(1)
        return integer_of(call.args[0], kind, call.node)
    return build


def integer_of(value: Value, kind: Type, node: exp.Expr) -> Value:
    """Fractions are cut off, whole numbers wrap, and what isn't a number fails."""
    result = kind.or_null(value.nullable)
    if value.type.name == "String":
        if value.constant is not None:
            return literal_as(value, kind, node)
        return Value(duck("case when regexp_full_match(:x, '[+-]?[0-9]+') then cast(:x as " + kind.duckdb + ") when :x is not null then cast(error('A text that is no whole number was to become one.') as " + kind.duckdb + ") end", x=value.sql), result)
    if value.type.is_day:
        return Value(wrapped(duck("datediff('day', date '1970-01-01', :x)", x=value.sql), kind), result)
    if value.type.is_time:
        seconds = duck("epoch_us(:x) // 1000000", x=value.sql)
        return Value(wrapped(seconds, kind) if value.type.name == "DateTime" else _fitting(seconds, kind), result)
    if value.type.is_float or value.type.is_decimal:
        return Value(cast(duck("trunc(:x)", x=value.sql), kind.duckdb), result)
    if not value.type.is_number:
        raise mistake(node, f"{value.type} can't become {kind}.")
    if holds(kind, value.type) or (value.constant is not None and _range(kind)[0] <= int(value.constant) <= _range(kind)[1]):
        return Value(cast(as_number(value), kind.duckdb), result, constant=value.constant)
    return Value(wrapped(as_number(value), kind), result)


def _fitting(sql: exp.Expr, kind: Type) -> exp.Expr:
    """A whole number; one that the type can't hold fails."""
    low, high = _range(kind)
    return duck(f"case when :x between :low and :high then cast(:x as {kind.duckdb}) when :x is not null then cast(error('{kind} can''t hold a time of this year.') as {kind.duckdb}) end", x=sql, low=number(low), high=number(high))


def _range(kind: Type) -> tuple[int, int]:
    unsigned, bits = INTEGERS.get(kind.name, (True, 8))
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def holds(kind: Type, other: Type) -> bool:
    """Whether one integer type holds every value of another."""
    (low, high), (least, most) = _range(kind), _range(other)
    return low <= least and most <= high


def wrapped(sql: exp.Expr, kind: Type) -> exp.Expr:
    """A whole number as a computer's integer of this size keeps it: past the end it goes on at the beginning."""
    low, high = _range(kind)
    span = number(high - low + 1)
    found = duck("((cast(:x as hugeint) - :low) % :span + :span) % :span + :low", x=sql, low=number(low), span=span)
    return cast(found, kind.duckdb)


def to_float(call: Call) -> Value:
    call.count(1)
    return float_of(call.args[0], call.node)


def float_of(value: Value, node: exp.Expr) -> Value:
    if value.type.name == "String":
        return literal_as(value, FLOAT64, node) if value.constant is not None else Value(cast(value.sql, "DOUBLE"), FLOAT64.or_null(value.nullable))
    if value.type.is_day or value.type.is_time:
        return Value(cast(integer_of(value, integer(64, False), node).sql, "DOUBLE"), FLOAT64.or_null(value.nullable)) if value.type.is_day or not value.type.scale else Value(
            duck("epoch_us(:x) / cast(1000000 as double)", x=value.sql), FLOAT64.or_null(value.nullable))
    if not value.type.is_number:
        raise mistake(node, f"{value.type} can't become Float64.")
    return Value(as_float(value), FLOAT64.or_null(value.nullable))


def to_decimal(bits: int) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2)
        return decimal_of(call.args[0], decimal(DECIMAL_DIGITS[bits], call.whole(1)), call.node)
    return build


def decimal_of(value: Value, kind: Type, node: exp.Expr) -> Value:
    """Digits past the scale are cut off, never rounded."""
    result = kind.or_null(value.nullable)
    if kind.scale > kind.digits or kind.scale > 38:
        raise mistake(node, f"A decimal with {kind.scale} digits after the point can't be previewed here.", "38 is the most.")
    if value.type.name == "String":
        if value.constant is None:
            raise mistake(node, "A column of texts can't be made a decimal in a preview.", "Make the field a Decimal in the event type.")
        return literal_as(value, kind, node)
    if value.type.is_decimal:
        digits, scale = value.width
        if scale <= kind.scale:
            return Value(value.sql, result, kept=value.width)
        units = duck(":raw // :power", raw=raw(value, scale), power=number(10 ** (scale - kind.scale)))
        return Value(of_raw(units, kind.scale), result, kept=(38, kind.scale))
    if value.type.is_float:
        units = cast(duck("trunc(:x * :power)", x=value.sql, power=float_literal(f"1e{kind.scale}")), "HUGEINT")
        return Value(of_raw(units, kind.scale), result, kept=(38, kind.scale))
    if not value.type.is_number:
        raise mistake(node, f"{value.type} can't become {kind}.")
    return Value(cast(as_number(value), f"DECIMAL({value.width[0]}, 0)"), result, kept=(value.width[0], 0))


def of_raw(units: exp.Expr, scale: int) -> exp.Expr:
    """A decimal of its smallest units (a HUGEINT)."""
    if scale == 0:
        return cast(units, "DECIMAL(38, 0)")
    smallest = cast(text("0." + "1".rjust(scale, "0")), f"DECIMAL({scale}, {scale})")
    return duck("cast(:units as decimal(38, 0)) * :smallest", units=units, smallest=smallest)


def to_string(call: Call) -> Value:
    if len(call.args) == 2:
        value = call.args[0]
        if not value.type.is_time:
            raise call.wrong("a time and a zone")
        return string_of(value.typed(replace(value.type, zone=checked_zone(call.text(1), call.node))), call.node)
    call.count(1)
    return string_of(call.args[0], call.node)


def string_of(value: Value, node: exp.Expr) -> Value:
    if value.type.name == "String":
        return value
    if value.parts or value.type.is_null:
        raise mistake(node, f"{value.type} can't become a text here.")
    return Value(text_sql(value), STRING.or_null(value.nullable))


def to_bool(call: Call) -> Value:
    call.count(1)
    value = call.args[0]
    if value.type.name == "String":
        return literal_as(value, BOOL, call.node) if value.constant is not None else _no_texts(call)
    return Value(as_bool(value, call.node), BOOL.or_null(value.nullable), truth=True)


def _no_texts(call: Call) -> Value:
    raise call.mistake(f"{call.name} of a column of texts can't be previewed here.", "Make the field the right type in the event type.")


def to_uuid(call: Call) -> Value:
    call.count(1)
    value = call.args[0]
    if value.type.name == "UUID":
        return value
    return literal_as(value, UUID, call.node) if value.constant is not None else Value(cast(value.sql, "UUID"), UUID.or_null(value.nullable))


def cast_to(value: Value, kind: Type, node: exp.Expr) -> Value:
    """CAST(value AS kind): only a Nullable type takes a null."""
    if value.type.is_null:
        if not kind.nullable:
            raise mistake(node, f"NULL can't become {kind}.", f"Write Nullable({kind}).")
        return Value(cast(exp.Null(), kind.duckdb), kind)
    found = _converted(value, kind.or_null(False), node)
    if value.nullable and not kind.nullable:
        checked = duck("case when :x is null then cast(error('A null was to become a type that holds none: write Nullable(...), or coalesce() first.') as " + _kept_text(found) + ") else :x end", x=found.sql) if found.type.name != "Bool" else found.sql
        return Value(checked, kind, kept=found.kept)
    return Value(found.sql, kind, truth=found.truth, kept=found.kept, constant=found.constant)


def _kept_text(value: Value) -> str:
    return f"DECIMAL({value.width[0]}, {value.width[1]})" if value.type.is_decimal else "BOOLEAN" if value.truth else value.type.duckdb


def _converted(value: Value, kind: Type, node: exp.Expr) -> Value:
    from ingest.clickhouse import times
    if kind.name == value.type.name and not kind.is_decimal and not kind.is_time:
        return value
    if kind.is_integer:
        return integer_of(value, kind, node)
    if kind.is_float:
        return float_of(value, node)
    if kind.is_decimal:
        return decimal_of(value, kind, node)
    if kind.name == "String":
        return string_of(value, node)
    if kind.name == "Bool":
        return literal_as(value, kind, node) if value.constant is not None and value.type.name == "String" else Value(as_bool(value, node), kind, truth=True)
    if kind.is_day or kind.is_time:
        return times.converted(value, kind, node)
    return literal_as(value, kind, node) if value.constant is not None else Value(cast(value.sql, "UUID"), kind)


def named_type(value: str, node: exp.Expr) -> Type:
    """The type somebody wrote. Raises SqlMistake."""
    try:
        return read_type(value)
    except BadInput as error:
        raise mistake(node, error.sentence, error.todo) from None



CONVERSIONS = {
    **{f"toInt{bits}": to_integer(bits, False) for bits in (8, 16, 32, 64)}, **{f"toUInt{bits}": to_integer(bits, True) for bits in (8, 16, 32, 64)},
    "toFloat64": to_float, **{f"toDecimal{bits}": to_decimal(bits) for bits in DECIMAL_DIGITS}, "toString": to_string, "toBool": to_bool, "toUUID": to_uuid,
}
