"""Comparisons, logic and choices, as ClickHouse answers them: NaN equals nothing, and a null makes null."""

from collections.abc import Callable
from datetime import date, timedelta

from sqlglot import exp

from ingest.clickhouse.convert import as_type, literal_as
from ingest.clickhouse.dialect import cast, duck, enclosed
from ingest.clickhouse.moments import begins, timestamp
from ingest.clickhouse.types import BOOL, UINT8, Type, common
from ingest.clickhouse.values import Call, Value, as_float, as_number, as_truth, null_value, truth_value

SIGNS = {"equals": "=", "notEquals": "<>", "less": "<", "greater": ">", "lessOrEquals": "<=", "greaterOrEquals": ">="}
NOT_A_NUMBER = {"=": "isnan(:a)", "<>": "isnan(:a)", "<": "isnan(:b)", "<=": "isnan(:b)", ">": "isnan(:a)", ">=": "isnan(:a)"}
"""When DuckDB, for which NaN is the greatest number and equal to itself, answers yes where ClickHouse says no (or, for <>, no where it says yes)."""


def compared(sign: str) -> Callable[[Call], Value]:
    """The comparison by this sign."""
    def build(call: Call) -> Value:
        call.count(2)
        return compare(call, sign, *call.args)
    return build


def compare(call: Call, sign: str, left: Value, right: Value) -> Value:
    if left.type.is_null or right.type.is_null:
        return null_value()
    if left.parts or right.parts:
        return _compare_tuples(call, sign, left, right)
    left, right = _alike(call, left, right)
    if left.type.is_number and right.type.is_number:
        return truth_value(_compare_numbers(sign, left, right), left, right)
    if left.type.name != right.type.name and not all(each.type.is_time or each.type.is_day for each in (left, right)):
        raise call.mistake(f"{left.type} and {right.type} can't be compared.", "Convert one of them, for example with toString().")
    if left.type.name == "UUID" and sign not in ("=", "<>"):
        raise call.mistake("A UUID can only be compared with = and !=.", "Convert it with toString() to compare it as a text.")
    return truth_value(_of_moments(sign, left, right) or duck(f":a {sign} :b", a=moment(left), b=moment(right)), left, right)


def _of_moments(sign: str, left: Value, right: Value) -> exp.Expr | None:
    """The day of a moment against a fixed day, as the moment against that day's beginning or end: no zone has to be asked for each row, and what a file says of its parts leaves most of them unread."""
    fixed = right.sql.this if isinstance(right.sql, exp.Cast) else None
    if left.day_of is None or sign not in ("<", "<=", ">", ">=") or right.type.name != "Date32" or not (isinstance(fixed, exp.Literal) and fixed.is_string):
        return None
    if not "1900" < fixed.this < "2300":  # what ClickHouse has days for
        return None
    of, name = left.day_of
    first = begins(date.fromisoformat(fixed.this) + timedelta(days=sign in (">", "<=")), name)
    return first and duck(f":moment {'<' if sign in ('<', '<=') else '>='} :first", moment=of, first=timestamp(first))


def moment(value: Value) -> exp.Expr:
    """The value, days as the moment they begin."""
    return value.sql


def _alike(call: Call, left: Value, right: Value) -> tuple[Value, Value]:
    """A text in quotes is read as what it is compared with."""
    if left.type.name == "String" and left.constant is not None and right.type.name != "String":
        left = literal_as(left, right.type, call.node)
    elif right.type.name == "String" and right.constant is not None and left.type.name != "String":
        right = literal_as(right, left.type, call.node)
    return left, right


def _compare_tuples(call: Call, sign: str, left: Value, right: Value) -> Value:
    if len(left.parts) != len(right.parts) or sign not in ("=", "<>"):
        raise call.mistake("Tuples can be compared with = and != only, and must have as many parts.")
    pairs = [compare(call, "=", a, b) for a, b in zip(left.parts, right.parts, strict=True)]
    together = exp.and_(*(each.sql for each in pairs))
    return truth_value(together if sign == "=" else exp.not_(exp.Paren(this=together)), *pairs)


def _compare_numbers(sign: str, left: Value, right: Value) -> exp.Expr:
    floats = left.type.is_float or right.type.is_float
    if not floats:
        a, b = (cast(as_number(each), "HUGEINT") if {left.type.name, right.type.name} == {"Int64", "UInt64"} else as_number(each) for each in (left, right))
        return duck(f":a {sign} :b", a=a, b=b)
    a, b = as_float(left), as_float(right)
    plain = _exactly(sign, left, right, a, b)
    unsure = [each for each, value in ((a, left), (b, right)) if value.type.is_float and value.constant is None]
    if not unsure:
        return plain
    wrong = duck(NOT_A_NUMBER[sign], a=a, b=b)
    either = exp.or_(*(duck("isnan(:x)", x=each) for each in unsure)) if sign in ("=", "<>", "<=", ">=") else wrong
    answer = exp.Boolean(this=sign == "<>")
    nulls = [duck(":x is not null", x=value.sql) for value in (left, right) if value.nullable]
    return duck("case when :wrong then :answer else :plain end", wrong=exp.and_(enclosed(either), *nulls), answer=answer, plain=plain)


def _exactly(sign: str, left: Value, right: Value, a: exp.Expr, b: exp.Expr) -> exp.Expr:
    """Whole numbers of 64 bits against a Float64 by their exact values; DuckDB would round them first."""
    wide = [each for each in (left, right) if each.type.name in ("Int64", "UInt64") and each.constant is None]
    if not wide:
        return duck(f":a {sign} :b", a=a, b=b)
    whole = [cast(each.sql, "HUGEINT") for each in (left, right)]
    return duck(f"case when :a = :b and isfinite(:a) and isfinite(:b) then :x {sign} :y else :a {sign} :b end", a=a, b=b, x=whole[0], y=whole[1])


def _not(call: Call) -> Value:
    call.count(1)
    kind = call.args[0].type
    return truth_value(duck("not :x", x=as_truth(call.args[0], call.node)), *call.args) if kind.name != "Bool" else Value(duck("not :x", x=call.args[0].sql), kind)


def _logic(word: str) -> Callable[[Call], Value]:
    """`b AND true` is b, a Bool; of two values that aren't known beforehand ClickHouse makes a number."""
    def build(call: Call) -> Value:
        if len(call.args) < 2:
            raise call.wrong("two conditions or more")
        found = as_truth(call.args[0], call.node)
        for each in call.args[1:]:
            found = duck(f":a {word} :b", a=found, b=as_truth(each, call.node))
        kind = BOOL if all(each.type.name == "Bool" for each in call.args) and sum(not isinstance(each.sql, exp.Boolean) for each in call.args) < 2 else UINT8
        return Value(found, kind.or_null(any(each.nullable for each in call.args)), truth=True)
    return build


def _xor(call: Call) -> Value:
    call.count(2)
    a, b = (as_truth(each, call.node) for each in call.args)
    kind = BOOL if any(each.type.name == "Bool" for each in call.args) else UINT8
    return Value(duck(":a <> :b", a=a, b=b), kind.or_null(any(each.nullable for each in call.args)), truth=True)


def is_null(value: Value) -> Value:
    return Value(duck(":x is null", x=value.sql), UINT8, truth=True)


def _is_null(call: Call) -> Value:
    call.count(1)
    return is_null(call.args[0])


def _is_not_null(call: Call) -> Value:
    call.count(1)
    return Value(duck(":x is not null", x=call.args[0].sql), UINT8, truth=True)


def together(call: Call, values: list[Value]) -> tuple[Type, list[Value]]:
    """The type that holds all the values, and each converted to it. Raises SqlMistake where there is none."""
    kind = common([each.type for each in values])
    if kind is None:
        raise call.mistake(f"{' and '.join(sorted({str(each.type) for each in values}))} don't go together in {call.name}.", "Convert them to one type, for example with toFloat64() or toString().")
    return kind, [as_type(each, kind.or_null(each.nullable or kind.is_null), call.node) for each in values]


def _widest(values: list[Value]) -> tuple[int, int] | None:
    """The widest decimal any of them is kept in."""
    if not any(each.type.is_decimal for each in values):
        return None
    widths = [each.width for each in values if not each.type.is_null]
    scale = max(scale for _, scale in widths)
    return min(38, max(digits - each for digits, each in widths) + scale), scale


def _coalesce(call: Call) -> Value:
    values = [each for each in call.args if not each.type.is_null]
    if not values:
        return null_value()
    kept = next((index + 1 for index, each in enumerate(values) if not each.nullable), len(values))
    values = values[:kept]
    kind, values = together(call, values)
    kind = kind.or_null(all(each.nullable for each in values))
    if len(values) == 1:
        return values[0]
    return Value(exp.Anonymous(this="coalesce", expressions=[each.sql for each in values]), kind, kept=_widest(values))


def _if_null(call: Call) -> Value:
    call.count(2)
    return _coalesce(call)


def _null_if(call: Call) -> Value:
    call.count(2)
    left, right = call.args
    if left.type.is_null or right.type.is_null:
        return left
    same = compare(call, "=", left, right)
    return Value(duck("case when :same then null else :x end", same=same.sql, x=left.sql), left.type.or_null(), truth=left.truth, kept=left.kept)


def _if(call: Call) -> Value:
    call.count(3)
    return choose(call, list(call.args[:1]), list(call.args[1:2]), call.args[2])


def _multi_if(call: Call) -> Value:
    if len(call.args) < 3 or len(call.args) % 2 == 0:
        raise call.wrong("conditions and values in turn, and at the end what else it is")
    return choose(call, list(call.args[:-1:2]), list(call.args[1::2]), call.args[-1])


CONDITION = ("UInt8", "Bool", "Nothing")
"""What if() and -If take for a condition."""


def choose(call: Call, conditions: list[Value], results: list[Value], default: Value) -> Value:
    """The first result whose condition holds."""
    odd = next((each for each in conditions if each.type.name not in CONDITION), None)
    if odd is not None:
        raise call.mistake(f"A condition of {call.name} must be true or false, and is {odd.type}.", "Compare it with something.")
    kind, values = together(call, [*results, default])
    if kind.is_null:
        return null_value()
    case = exp.Case(ifs=[exp.If(this=as_truth(condition, call.node), true=value.sql) for condition, value in zip(conditions, values, strict=False)], default=values[-1].sql)
    return Value(case, kind, kept=_widest(values))


def _extreme(name: str, sign: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        if not call.args:
            raise call.wrong("at least one value")
        values = [each for each in call.args if not each.type.is_null]
        if len(values) < 2:
            return values[0] if values else null_value()
        kind, values = together(call, values)
        found = values[0]
        for each in values[1:]:
            found = Value(_better(call, sign, found, each), kind, kept=_widest([found, each]))
        return found
    return build


def _better(call: Call, sign: str, found: Value, other: Value) -> exp.Expr:
    wins = compare(call, sign, other, found)
    return duck("case when :found is null then :other when :other is null then :found when :wins then :other else :found end", found=found.sql, other=other.sql, wins=wins.sql)


def _assume_not_null(call: Call) -> Value:
    call.count(1)
    raise call.mistake("assumeNotNull has no certain answer for nulls.", "Use coalesce(value, 0) to say what a null counts as.")


def _to_nullable(call: Call) -> Value:
    call.count(1)
    return call.args[0].typed(call.args[0].type.or_null())



CONDITIONS = {
    **{name: compared(sign) for name, sign in SIGNS.items()},
    "and": _logic("and"), "or": _logic("or"), "not": _not, "xor": _xor,
    "isNull": _is_null, "isNotNull": _is_not_null, "coalesce": _coalesce, "ifNull": _if_null, "nullIf": _null_if,
    "if": _if, "multiIf": _multi_if, "greatest": _extreme("greatest", ">"), "least": _extreme("least", "<"),
    "assumeNotNull": _assume_not_null, "toNullable": _to_nullable,
}
