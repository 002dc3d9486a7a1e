"""Arithmetic as ClickHouse does it: integers wrap, `/` gives Float64 except between decimals, decimals keep their scale."""

from collections.abc import Callable

from sqlglot import exp

from ingest.clickhouse.convert import float_literal, of_raw, wrapped
from ingest.clickhouse.dialect import cast, duck, number
from ingest.clickhouse.shifts import minus_times, plus_times
from ingest.clickhouse.types import FLOAT64, INTEGERS, UINT8, WIDEST, Type, decimal, integer, storage
from ingest.clickhouse.values import Call, Value, as_float, as_number, null_value, raw

SIGNS = {"plus": "+", "minus": "-", "multiply": "*"}


def _arithmetic(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2)
        left, right = call.args
        if left.type.is_null or right.type.is_null:
            return null_value()
        if not (left.type.is_number and right.type.is_number):
            return _of_times(call, name)
        nullable = left.nullable or right.nullable
        if left.type.is_float or right.type.is_float:
            return Value(duck(f":a {SIGNS[name]} :b", a=as_float(left), b=as_float(right)), FLOAT64.or_null(nullable))
        if left.type.is_decimal or right.type.is_decimal:
            return _decimals(call, name, left, right)
        return _integers(name, left, right)
    return build


def _of_times(call: Call, name: str) -> Value:
    if name == "plus":
        return plus_times(call)
    if name == "minus":
        return minus_times(call)
    raise call.wrong("numbers")


def _signs(value: Value) -> tuple[bool, int]:
    return INTEGERS.get(value.type.name, (True, 8))


def _integers(name: str, left: Value, right: Value) -> Value:
    (plain, bits), (other, others) = _signs(left), _signs(right)
    wider = min(max(bits, others) * 2, 64)
    kind = integer(wider, plain and other and name != "minus")
    result = kind.or_null(left.nullable or right.nullable)
    if max(bits, others) < 64:
        a, b = (cast(as_number(each), "BIGINT") for each in (left, right))
        return Value(duck(f":a {SIGNS[name]} :b", a=a, b=b), result) if name != "multiply" or max(bits, others) < 32 or not kind.name.startswith("U") else Value(
            duck("cast(:a as hugeint) * :b", a=a, b=b), result)
    a, b = (cast(as_number(each), "HUGEINT") for each in (left, right))
    return Value(wrapped(duck(f":a {SIGNS[name]} :b", a=a, b=b), kind), result)


def _decimal_type(left: Value, right: Value, scale: int) -> Type:
    digits = max(storage(each.type.digits) if each.type.is_decimal else {8: 9, 16: 9, 32: 9, 64: 18}[_signs(each)[1]] for each in (left, right))
    return decimal(digits, scale)


def _decimals(call: Call, name: str, left: Value, right: Value) -> Value:
    scales = [each.type.scale if each.type.is_decimal else 0 for each in (left, right)]
    kind = _decimal_type(left, right, sum(scales) if name == "multiply" else max(scales))
    if kind.scale > kind.digits:
        raise call.mistake(f"{kind.scale} digits after the point are more than {kind.digits}-digit decimals have.", "Convert the numbers with toDecimal256(value, 18) first.")
    kept = _product(call, left, right) if name == "multiply" else _sum(left, right)
    a, b = (_wide_enough(each, kept) for each in (left, right))
    found = duck(f":a {SIGNS[name]} :b", a=a, b=b)
    return Value(_checked(found, kept, kind), kind.or_null(left.nullable or right.nullable), kept=kept)


def _wide_enough(value: Value, kept: tuple[int, int]) -> exp.Expr:
    """DuckDB keeps the result of two decimals of up to 18 digits in 18 digits, and fails where it has more: one must be wider."""
    digits, scale = value.width
    if not value.type.is_decimal:
        return cast(as_number(value), f"DECIMAL({digits}, 0)")
    return cast(value.sql, f"DECIMAL({max(19, digits)}, {scale})") if digits <= 18 < kept[0] and value.kept else value.sql


def _product(call: Call, left: Value, right: Value) -> tuple[int, int]:
    (digits, scale), (others, other) = left.width, right.width
    if scale + other > WIDEST:
        raise call.mistake(f"A product with {scale + other} digits after the point can't be previewed exactly.", f"{WIDEST} is the most: round the numbers first, for example with toDecimal128(value, 6).")
    return min(digits + others, WIDEST), scale + other


def _sum(left: Value, right: Value) -> tuple[int, int]:
    (digits, scale), (others, other) = left.width, right.width
    most = max(scale, other)
    return min(max(digits - scale, others - other) + most + 1, WIDEST), most


BITS_OF_DIGITS = {9: 31, 18: 63, 38: 127}


def _checked(sql: exp.Expr, kept: tuple[int, int], kind: Type) -> exp.Expr:
    """Fails where ClickHouse would: where the result doesn't fit into the integer that keeps such decimals."""
    bits = BITS_OF_DIGITS.get(storage(kind.digits))
    if bits is None or 10 ** (kept[0] - kept[1] + kind.scale) <= 2**bits:
        return sql
    largest = (2**bits - 1) // 10**kind.scale
    return duck(
        "case when abs(:x) > :largest then cast(error('A decimal has more digits than its type holds, and ClickHouse refuses it: convert with toDecimal256(value, 18) first.') as " + f"DECIMAL({kept[0]}, {kept[1]})" + ") else :x end",
        x=sql, largest=number(largest))


def _divide(call: Call) -> Value:
    call.count(2)
    left, right = call.args
    if left.type.is_null or right.type.is_null:
        return null_value()
    if not (left.type.is_number and right.type.is_number):
        raise call.wrong("two numbers")
    nullable = left.nullable or right.nullable
    if (left.type.is_decimal or right.type.is_decimal) and not (left.type.is_float or right.type.is_float):
        return _divide_decimals(call, left, right)
    return Value(duck(":a / :b", a=as_float(left), b=as_float(right)), FLOAT64.or_null(nullable))


ZERO = "cast(error('A division of decimals by zero: ClickHouse refuses it. Write nullIf(divisor, 0).') as hugeint)"


def _divide_decimals(call: Call, left: Value, right: Value) -> Value:
    if left.type.is_decimal and right.type.is_decimal and left.type.scale < right.type.scale:
        raise call.mistake("ClickHouse divides a decimal only by one that has as many digits after the point, or fewer.", "Convert one of them, for example with toDecimal128(value, 18).")
    scale = left.type.scale if left.type.is_decimal else 0
    divisor = right.type.scale if right.type.is_decimal else 0
    kind = _decimal_type(left, right, scale)
    if not left.type.is_decimal:
        kind = decimal(kind.digits, right.type.scale)
        scale = right.type.scale
    own, other = left.width[1], right.width[1]
    numerator = duck(":raw * :power", raw=raw_of(left, own), power=number(10 ** max(scale - own + other, 0)))
    denominator = duck(":raw * :power", raw=raw_of(right, other), power=number(10 ** max(own - scale - other, 0)))
    units = duck("case when :b = 0 then " + ZERO + " else :a // :b end", a=numerator, b=denominator)
    largest = (2 ** BITS_OF_DIGITS.get(storage(kind.digits), 127) - 1) // 10 ** (divisor + scale)
    may_pass = storage(kind.digits) < 76 and 10 ** (left.width[0] - own) > largest
    guarded = duck("case when abs(:x) > :largest then cast(error('A decimal has too many digits to be divided, and ClickHouse refuses it: convert with toFloat64() or toDecimal256(value, 18) first.') as hugeint) else :units end",
                   x=left.sql, largest=number(largest), units=units) if may_pass else units
    return Value(of_raw(guarded, scale), kind.or_null(left.nullable or right.nullable), kept=(WIDEST, scale))


def raw_of(value: Value, scale: int) -> exp.Expr:
    return raw(value, scale) if value.type.is_decimal else cast(as_number(value), "HUGEINT")


def _modulo(call: Call) -> Value:
    call.count(2)
    left, right = call.args
    if left.type.is_null or right.type.is_null:
        return null_value()
    nullable = left.nullable or right.nullable
    if left.type.is_float or right.type.is_float:
        return Value(duck("case when :b = 0 then cast('nan' as double) else :a - trunc(:a / :b) * :b end", a=as_float(left), b=as_float(right)), FLOAT64.or_null(nullable))
    if not (left.type.is_integer and right.type.is_integer):
        raise call.wrong("whole numbers or Float64")
    (plain, _), (_, others) = _signs(left), _signs(right)
    kind = integer(others, True) if plain else integer(min(others * 2, 64) if others < 64 and _signs(right)[0] else others, False)
    found = duck("case when :b = 0 then cast(error('A division by zero: write nullIf(divisor, 0).') as hugeint) else :a % :b end", a=cast(as_number(left), "HUGEINT"), b=cast(as_number(right), "HUGEINT"))
    return Value(cast(found, kind.duckdb), kind.or_null(nullable))


def _int_div(call: Call) -> Value:
    call.count(2)
    left, right = call.args
    if left.type.is_null or right.type.is_null:
        return null_value()
    if not (left.type.is_integer and right.type.is_integer):
        raise call.wrong("two whole numbers")
    kind = integer(_signs(left)[1], _signs(left)[0] and _signs(right)[0])
    found = duck("case when :b = 0 then cast(error('A division by zero: write nullIf(divisor, 0).') as hugeint) else :a // :b end", a=cast(as_number(left), "HUGEINT"), b=cast(as_number(right), "HUGEINT"))
    return Value(wrapped(found, kind), kind.or_null(left.nullable or right.nullable))


def _negate(call: Call) -> Value:
    call.count(1)
    value = call.args[0]
    if value.type.is_null:
        return null_value()
    if value.type.is_float or value.type.is_decimal:
        return Value(duck("-:x", x=value.sql), value.type, kept=value.kept)
    if not value.type.is_number:
        raise call.wrong("a number")
    plain, bits = _signs(value)
    if value.constant is not None:
        return literal_whole(-int(value.constant))
    kind = integer(min(bits * 2, 64) if plain else bits, False)
    return Value(wrapped(duck("-cast(:x as hugeint)", x=as_number(value)), kind), kind.or_null(value.nullable))


def literal_whole(value: int) -> Value:
    """A whole number as written: the narrowest type that holds it."""
    for bits in (8, 16, 32, 64):
        kind = integer(bits, value >= 0)
        if (0 <= value < 2**bits) if value >= 0 else (-(2 ** (bits - 1)) <= value):
            return Value(number(value), kind, constant=str(value))
    return Value(float_literal(str(float(value))), FLOAT64, constant=str(value))


def _abs(call: Call) -> Value:
    call.count(1)
    value = call.args[0]
    if value.type.is_null:
        return null_value()
    if value.type.is_float or value.type.is_decimal:
        return Value(duck("abs(:x)", x=value.sql), value.type, kept=value.kept)
    if not value.type.is_integer:
        raise call.wrong("a number")
    kind = integer(_signs(value)[1], True)
    return Value(cast(duck("abs(cast(:x as hugeint))", x=as_number(value)), kind.duckdb), kind.or_null(value.nullable))


def _sign(call: Call) -> Value:
    call.count(1)
    value = call.args[0]
    if not value.type.is_number:
        raise call.wrong("a number")
    return Value(duck("case when :x > 0 then 1 when :x < 0 then -1 when :x is not null then 0 end", x=as_number(value)), integer(8, False).or_null(value.nullable))


ROUNDINGS = {
    "round": ("round_even(:x, 0)", None), "roundBankers": ("round_even(:x, 0)", ":u // :p + case when 2 * abs(:u % :p) > :p or 2 * abs(:u % :p) = :p and (:u // :p) % 2 <> 0 then sign(:u) else 0 end"), "trunc": ("trunc(:x)", ":u // :p"),
    "floor": ("floor(:x)", "(:u - (:u % :p + :p) % :p) // :p"), "ceil": ("ceil(:x)", "(:u + (-:u % :p + :p) % :p) // :p"),
}
"""How DuckDB rounds to a whole: a Float64, and a decimal's smallest units to a power of ten of them."""


def _rounding(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1, 2)
        value = call.args[0]
        digits = call.whole(1) if len(call.args) == 2 else 0
        if value.type.is_null:
            return null_value()
        if value.type.is_float:
            return Value(_round_float(ROUNDINGS[name][0], value.sql, digits), value.type)
        if value.type.is_decimal:
            return _round_decimal(call, name, value, digits)
        if not value.type.is_integer:
            raise call.wrong("a number")
        if digits < 0:
            raise call.mistake(f"{name} of a whole number to tens or hundreds can't be previewed here.", "Divide first.")
        return value
    return build


def _round_float(template: str, sql: exp.Expr, digits: int) -> exp.Expr:
    power = float_literal(f"1e{abs(digits)}")
    if digits > 0:
        return duck(":r / :p", r=duck(template, x=duck(":x * :p", x=sql, p=power)), p=power)
    return duck(":r * :p", r=duck(template, x=duck(":x / :p", x=sql, p=power)), p=power) if digits < 0 else duck(template, x=sql)


def _round_decimal(call: Call, name: str, value: Value, digits: int) -> Value:
    template = ROUNDINGS[name][1]
    scale = value.width[1]
    if digits >= value.type.scale or digits >= scale:
        return value
    if digits < 0:
        raise call.mistake(f"{name} of a decimal to tens or hundreds can't be previewed here.", "Divide first.")
    if name == "round":
        return Value(duck("round(:x, :n)", x=value.sql, n=number(digits)), value.type, kept=(min(value.width[0] + 1, WIDEST), digits))
    units = duck(template, u=raw(value, scale), p=number(10 ** (scale - digits)))
    return Value(of_raw(units, digits), value.type, kept=(WIDEST, digits))


def _float_function(template: str, most: int = 1) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(most)
        if any(each.type.is_null for each in call.args):
            return null_value()
        if not all(each.type.is_number for each in call.args):
            raise call.wrong("numbers")
        given = dict(zip("xy", (as_float(each) for each in call.args), strict=False))
        return Value(duck(template, **given), FLOAT64.or_null(any(each.nullable for each in call.args)))
    return build


def _about_floats(template: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1)
        if not call.args[0].type.is_number:
            raise call.wrong("a number")
        return Value(duck(template, x=as_float(call.args[0])), UINT8.or_null(call.args[0].nullable), truth=True)
    return build


INFINITE = "case when :x = 0 then cast('-inf' as double) when :x < 0 then cast('nan' as double) else "
NUMBERS = {
    **{name: _arithmetic(name) for name in SIGNS}, "divide": _divide, "modulo": _modulo, "intDiv": _int_div, "negate": _negate, "abs": _abs, "sign": _sign,
    **{name: _rounding(name) for name in ROUNDINGS},
    "sqrt": _float_function("case when :x < 0 then cast('nan' as double) else sqrt(:x) end"), "exp": _float_function("exp(:x)"), "log": _float_function(INFINITE + "ln(:x) end"),
    "log2": _float_function(INFINITE + "log2(:x) end"), "log10": _float_function(INFINITE + "log10(:x) end"), "pow": _float_function("pow(:x, :y)", 2),
    "isNaN": _about_floats("isnan(:x)"), "isInfinite": _about_floats("isinf(:x)"), "isFinite": _about_floats("isfinite(:x)"),
}
