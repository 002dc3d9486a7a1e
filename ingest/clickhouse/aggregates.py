"""Aggregates and window functions as ClickHouse reduces: nulls passed over, an empty set the type's zero where the type holds no null."""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from ingest.clickhouse.convert import float_literal, wrapped
from ingest.clickhouse.dialect import cast, duck, function, number, text
from ingest.clickhouse.types import FLOAT64, INT64, INTEGERS, UINT64, WIDEST, Type, decimal
from ingest.clickhouse.values import Call, Value, as_float, as_number, decimal_as_float, null_value


def zero_of(kind: Type) -> exp.Expr:
    """What a column of a type without nulls holds where there is nothing."""
    if kind.is_number:
        return cast(number(0), "BOOLEAN" if kind.name == "Bool" else kind.duckdb)
    if kind.is_time:
        return cast(text("1970-01-01 00:00:00"), "TIMESTAMP")
    if kind.is_day:
        return cast(text("1970-01-01" if kind.name == "Date" else "1900-01-01"), "DATE")
    return cast(text("00000000-0000-0000-0000-000000000000"), "UUID") if kind.name == "UUID" else text("")


def filled(sql: exp.Expr, kind: Type) -> exp.Expr:
    """The aggregate, of an empty set too."""
    return sql if kind.nullable else duck("coalesce(:x, :zero)", x=sql, zero=zero_of(kind))


def aggregate(call: Call, name: str, *values: exp.Expr) -> exp.Expr:
    """DuckDB's aggregate over what the call is limited to; DISTINCT where it says so."""
    inside = (exp.Distinct(expressions=[each.copy() for each in values]),) if call.distinct else values
    return call.reduced(function(name, *inside))


def _one(call: Call) -> Value:
    call.count(1)
    return call.args[0]


def _sum(call: Call) -> Value:
    value = _one(call)
    if value.type.is_null:
        return null_value()
    if not value.type.is_number:
        raise call.wrong("numbers")
    if value.type.is_float or (call.name == "sumKahan" and not value.type.is_decimal):
        kind = FLOAT64.or_null(value.nullable)
        return Value(filled(aggregate(call, "fsum" if call.name == "sumKahan" else "sum", as_float(value)), kind), kind)
    if value.type.is_decimal:
        kind = decimal(76 if value.type.digits > 38 else 38, value.type.scale).or_null(value.nullable)
        return Value(filled(aggregate(call, "sum", value.sql), kind), kind, kept=(WIDEST, value.width[1]))
    kind = (UINT64 if INTEGERS.get(value.type.name, (True, 8))[0] else INT64).or_null(value.nullable)
    return Value(filled(wrapped(aggregate(call, "sum", as_number(value)), kind), kind), kind)


def _count(call: Call) -> Value:
    if call.distinct:
        return _uniq_exact(call)
    call.count(0, 1)
    if not call.args or not call.args[0].nullable:
        return Value(aggregate(call, "count", exp.Star()), UINT64)
    return Value(aggregate(call, "count", call.args[0].sql), UINT64)


def _uniq_exact(call: Call) -> Value:
    if len(call.args) > 1:
        return _uniq_together(call)
    value = _one(call)
    distinct = function("count", exp.Distinct(expressions=[value.sql.copy()]))
    found = call.reduced(distinct)
    if value.type.is_float:
        found = duck(":n + cast(coalesce(:minus, false) and coalesce(:plus, false) as integer)", n=found, minus=call.reduced(duck("bool_or(:x = 0 and signbit(:x))", x=value.sql)), plus=call.reduced(duck("bool_or(:x = 0 and not signbit(:x))", x=value.sql)))
    return Value(found, UINT64)


def _uniq_together(call: Call) -> Value:
    """Distinct rows of several values, those with a null left out."""
    if any(each.type.is_float or each.parts for each in call.args):
        raise call.wrong("texts, whole numbers, decimals, days or times")
    nulls = [duck(":x is not null", x=each.sql) for each in call.args if each.nullable]
    limited = exp.and_(*([call.condition] if call.condition is not None else []), *nulls) if nulls else call.condition
    row = function("row", *(as_number(each) if each.truth else each.sql for each in call.args))
    return Value(replace(call, condition=limited).reduced(function("count", exp.Distinct(expressions=[row]))), UINT64)


def _avg(call: Call) -> Value:
    value = _one(call)
    if value.type.is_null:
        return null_value()
    if not value.type.is_number:
        raise call.wrong("numbers")
    kind = FLOAT64.or_null(value.nullable)
    if value.type.is_float:
        total = aggregate(call, "sum", as_float(value))
    elif value.type.is_decimal:
        total = decimal_as_float(Value(aggregate(call, "sum", value.sql), value.type, kept=(WIDEST, value.width[1])))
    else:
        unsigned = INTEGERS.get(value.type.name, (True, 8))[0]
        total = cast(wrapped(aggregate(call, "sum", as_number(value)), UINT64 if unsigned else INT64), "DOUBLE")
    found = duck(":total / cast(:n as double)", total=total, n=aggregate(call, "count", value.sql))
    return Value(found if kind.nullable else duck("coalesce(:x, cast('nan' as double))", x=found), kind)


def _extreme(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        value = _one(call)
        if value.type.is_null:
            return null_value()
        if value.type.name == "UUID" or value.parts:
            raise call.wrong("numbers, texts, days or times")
        sql = as_number(value) if value.truth and value.type.name != "Bool" else value.sql
        if value.type.is_float:
            numbers = aggregate(call, name, duck("case when isnan(:x) then null else :x end", x=sql))
            sql = duck("coalesce(:numbers, :any)", numbers=numbers, any=aggregate(call, name, sql))
        else:
            sql = aggregate(call, name, sql)
        return Value(filled(sql, value.type), value.type, kept=value.kept)
    return build


def _arg(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2)
        value, by = call.args
        if value.type.is_null or by.type.is_null:
            return null_value()
        if value.parts:
            raise call.mistake(f"{call.name} of a tuple can't be previewed here.", "Take one value.")
        sql = as_number(value) if value.truth and value.type.name != "Bool" else value.sql
        given = _ordered(call, by)
        kind = value.type.or_null(value.nullable or by.nullable)
        keep = [duck(":x is not null", x=each.sql) for each in (value, by) if each.nullable]
        keep += [duck("not isnan(:x)", x=by.sql)] if by.type.is_float else []
        limited = exp.and_(*([call.condition] if call.condition is not None else []), *keep) if keep else call.condition
        narrowed = replace(call, condition=limited)
        found = aggregate(narrowed, "arg_max" if name == "argMax" else "arg_min", sql, given)
        return Value(filled(found, kind), kind, kept=value.kept)
    return build


def _ordered(call: Call, by: Value) -> exp.Expr:
    """What decides: one value, or a tuple's values in turn."""
    if not by.parts:
        if by.type.name == "UUID":
            raise call.mistake("UUIDs can't decide an order here.", "Use toString().")
        return as_number(by) if by.truth else by.sql
    parts = []
    for each in by.parts:
        if each.nullable or each.type.is_float:
            parts.append(_is_there(each, call.name == "argMax"))
        parts.append(as_number(each) if each.truth else each.sql)
    return function("row", *parts)


def _is_there(value: Value, first: bool) -> exp.Expr:
    """A null or a NaN in a tuple never wins against a value."""
    there = duck("case when isnan(:x) then false else :x is not null end", x=value.sql) if value.type.is_float else duck(":x is not null", x=value.sql)
    return there if first else duck("not :x", x=there)


def _level(call: Call) -> str:
    if len(call.params) > 1:
        raise call.mistake(f"{call.name} takes one level here.", f"Write {call.name}(0.95)(value).")
    if not call.params:
        return "0.5"
    given = call.params[0].constant
    if given is None or not 0 <= float(given) <= 1:
        raise call.mistake(f"The level of {call.name} must be a number from 0 to 1.", f"Write {call.name}(0.95)(value).")
    return given


PICKED = "list_extract(v, least(cast(floor(:p * len(v)) as bigint), len(v) - 1) + 1)"
POSITIONS = {
    "quantileExact": PICKED,
    "quantileExactLow": f"case when :p = 0.5 then list_extract(v, (len(v) - 1) // 2 + 1) else {PICKED} end",
    "quantileExactHigh": f"case when :p = 0.5 then list_extract(v, len(v) // 2 + 1) else {PICKED} end",
}
RANKS = {"quantileExactInclusive": ":p * (len(v) - 1) + 1", "quantileExactExclusive": ":p * (len(v) + 1)"}
BETWEEN = """list_extract(list_transform(list_value(:rank), lambda h: case when h < 1 then list_extract(v, 1) when floor(h) >= len(v) then list_extract(v, len(v))
    else cast(list_extract(v, cast(floor(h) as bigint)) as double) + (h - floor(h)) * cast(:distance as double) end), 1)"""
BELOW, ABOVE = "list_extract(v, cast(floor(h) as bigint))", "list_extract(v, cast(floor(h) as bigint) + 1)"


def _values(call: Call, value: Value) -> exp.Expr:
    """All values in order, NaN and null left out."""
    wanted = [duck(":x is not null", x=value.sql)] if value.nullable else []
    wanted += [duck("not isnan(:x)", x=value.sql)] if value.type.is_float else []
    limited = exp.and_(*([call.condition] if call.condition is not None else []), *wanted) if wanted else call.condition
    narrowed = replace(call, condition=limited)
    return duck("list_sort(:v)", v=aggregate(narrowed, "list", as_number(value)))


def _picked(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        value = _one(call)
        if not (value.type.is_number or value.type.name == "Date" or value.type.is_time):
            raise call.wrong("numbers, Dates or times")
        found = _of_list(_values(call, value), duck(POSITIONS[name], p=float_literal(_level(call))))
        if value.type.is_float and not value.nullable:
            return Value(duck("coalesce(:x, cast('nan' as double))", x=found), value.type)
        return Value(filled(found, value.type), value.type, kept=value.kept)
    return build


def _of_list(values: exp.Expr, of_v: exp.Expr) -> exp.Expr:
    """Something calculated of a list called v, which is made once."""
    return duck("list_extract(list_transform(list_value(:list), lambda v: :of_v), 1)", list=values, of_v=of_v)


def _distance(value: Value) -> exp.Expr:
    """From one value of a list to the next: of whole numbers a whole number, which wraps."""
    if value.type.is_float:
        return duck(f"{ABOVE} - {BELOW}")
    return wrapped(duck(f"cast({ABOVE} as hugeint) - {BELOW}"), UINT64 if INTEGERS.get(value.type.name, (True, 8))[0] else INT64)


def _interpolated(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        value = _one(call)
        if not (value.type.is_integer or value.type.is_float):
            raise call.mistake(f"{call.name} takes whole numbers and Float64, and was given {value.type}.", "Convert with toFloat64().")
        level = _level(call)
        if name == "quantileExactExclusive" and float(level) in (0, 1):
            raise call.mistake(f"{call.name} takes a level between 0 and 1, not 0 or 1 themselves.")
        found = _of_list(_values(call, value), duck(BETWEEN, rank=duck(RANKS[name], p=float_literal(level)), distance=_distance(value)))
        kind = FLOAT64.or_null(value.nullable)
        return Value(found if kind.nullable else duck("coalesce(:x, cast('nan' as double))", x=found), kind)
    return build


REFUSED = {
    "uniq": "uniq estimates, and its answer can't be the same here: use uniqExact, which counts.", "any": "any takes whichever row comes first, which nobody can promise: use min, max, argMin or argMax.",
    "anyLast": "anyLast takes whichever row comes last, which nobody can promise: use argMax(value, timestamp).", "median": "median estimates: use quantileExactInclusive(0.5), which counts all.",
    "quantile": "quantile estimates: use quantileExactInclusive(0.95), which counts all.", "uniqCombined": "uniqCombined estimates: use uniqExact.", "uniqHLL12": "uniqHLL12 estimates: use uniqExact.",
    "quantileTDigest": "quantileTDigest estimates: use quantileExactInclusive.", "quantileTiming": "quantileTiming estimates: use quantileExactInclusive.",
    "rand": "rand gives another answer each time.", "now": "now() gives another answer each time: use {{end_date}}.", "today": "today() gives another answer each day: use {{end_date}}.",
    "arrayJoin": "arrayJoin can't be previewed here.", "dictGet": "Dictionaries can't be read from here.",
}


def _refused(sentence: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        raise call.mistake(sentence)
    return build


AGGREGATES = {
    "sum": _sum, "sumKahan": _sum, "count": _count, "uniqExact": _uniq_exact, "avg": _avg, "min": _extreme("min"), "max": _extreme("max"), "argMax": _arg("argMax"), "argMin": _arg("argMin"),
    **{name: _picked(name) for name in POSITIONS}, **{name: _interpolated(name) for name in RANKS}, **{name: _refused(sentence) for name, sentence in REFUSED.items()},
}
