"""Filters of a metric as SQL: what a condition may say depends on what its field holds. An empty value never matches `not_equals` and its like, as in SQL."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.errors import BadInput
from ingest.metric.bounds import day, day_of
from ingest.metric.columns import Column, column
from ingest.metric.nodes import call, decimal, no, number, text
from ingest.values.exact import WIDE
from schemas.event_type import FieldType
from schemas.metric import Condition, Filters, Operator, Scalar

WORDS: dict[Operator, str] = {
    "equals": "is", "not_equals": "is not", "in": "is one of", "not_in": "is none of", "gt": "is more than", "gte": "is at least", "lt": "is less than", "lte": "is at most",
    "between": "is between", "contains": "contains", "not_contains": "does not contain", "starts_with": "begins with", "ends_with": "ends with", "is_empty": "is empty", "is_not_empty": "is not empty",
}
"""How an operator reads in a sentence."""
LISTS: tuple[Operator, ...] = ("in", "not_in", "between")
ALONE: tuple[Operator, ...] = ("is_empty", "is_not_empty")
SAME: tuple[Operator, ...] = ("equals", "not_equals", "in", "not_in", *ALONE)
ORDERED: tuple[Operator, ...] = (*SAME, "gt", "gte", "lt", "lte", "between")
FITTING: dict[FieldType, tuple[Operator, ...]] = {
    "String": (*SAME, "contains", "not_contains", "starts_with", "ends_with"), "UUID": SAME, "Bool": ("equals", "not_equals", *ALONE),
    "Int64": ORDERED, "Float64": ORDERED, "Decimal": ORDERED, "Date32": ORDERED, "DateTime64": ORDERED,
}
"""The operators that make sense for what a field holds."""
COMPARISONS: dict[Operator, type[exp.Binary]] = {"equals": exp.EQ, "not_equals": exp.NEQ, "gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}
LARGEST = 2**63
NUMBER = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?")
TIME = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?"


def conditions(filters: Filters | None, table: Table, zone: str) -> list[exp.Expression]:
    """The conditions that all have to hold; times in filters are times of the zone."""
    if filters is None:
        return []
    return [_part(each, table, zone) for each in filters.all] if filters.all is not None else [_group(filters, table, zone)]


def _part(each: Condition | Filters, table: Table, zone: str) -> exp.Expression:
    return _condition(each, table, zone) if isinstance(each, Condition) else _group(each, table, zone)


def _group(group: Filters, table: Table, zone: str) -> exp.Expression:
    """One group, in parentheses where it is more than one condition."""
    joined = [_part(each, table, zone) for each in (group.all if group.all is not None else group.any or ())]
    if not joined:
        raise BadInput("A group of filters has no condition in it.", "Add one, or take the group out.")
    if len(joined) == 1:
        return joined[0]
    return exp.paren((exp.and_ if group.all is not None else exp.or_)(*joined, copy=False), copy=False)


def _condition(condition: Condition, table: Table, zone: str) -> exp.Expression:
    found = column(table, condition.field)
    if condition.operator not in FITTING[found.type]:
        raise BadInput(f"{found.name} holds {found.words}: {WORDS[condition.operator]!r} doesn't fit.", f"What fits is {', '.join(repr(WORDS[each]) for each in FITTING[found.type])}.")
    if condition.operator in ALONE:
        return _empty(found) if condition.operator == "is_empty" else no(_empty(found))
    values = _values(condition, found)
    if found.type == "DateTime64" and all(re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) for value in values):
        return _compared(condition.operator, day_of(found, zone), [_date(found, value) for value in values])
    return _compared(condition.operator, found.node, [_literal(found, value, zone, bare=condition.operator not in LISTS) for value in values])


def _empty(found: Column) -> exp.Expression:
    nothing = exp.Is(this=found.node, expression=exp.Null())
    blank = exp.EQ(this=found.node, expression=text(""))
    if found.type != "String":
        return nothing
    return exp.paren(exp.or_(nothing, blank, copy=False), copy=False) if found.is_nullable else blank


def _values(condition: Condition, found: Column) -> tuple[Scalar, ...]:
    """The condition's values, as many as its operator takes."""
    said, words = condition.value, f"{found.name} {WORDS[condition.operator]!r}"
    if condition.operator not in LISTS:
        if said is None or isinstance(said, tuple):
            raise BadInput(f"{words} needs one value.", "Use 'is one of' for several." if isinstance(said, tuple) else "")
        return (said,)
    if not isinstance(said, tuple) or not said:
        raise BadInput(f"{words} needs a list of values.", "Write it as [a, b].")
    if condition.operator == "between" and len(said) != 2:
        raise BadInput(f"{words} needs two values, the lowest and the highest that count; there {'is 1' if len(said) == 1 else f'are {len(said)}'}.")
    return said


def _compared(operator: Operator, left: exp.Expression, values: list[exp.Expression]) -> exp.Expression:
    if operator in COMPARISONS:
        return COMPARISONS[operator](this=left, expression=values[0])
    if operator in ("in", "not_in"):
        found = exp.In(this=left, expressions=values)
        return found if operator == "in" else no(found)
    if operator == "between":
        return exp.Between(this=left, low=values[0], high=values[1])
    if operator in ("contains", "not_contains"):
        place = call("position", left, values[0])
        return (exp.GT if operator == "contains" else exp.EQ)(this=place, expression=number(0))
    return call("startsWith" if operator == "starts_with" else "endsWith", left, values[0])


def _literal(found: Column, value: Scalar, zone: str, *, bare: bool) -> exp.Expression:
    """A value in SQL, checked against what the field holds. Whole numbers may stand bare beside a decimal, though not in a list: ClickHouse compares there only numbers of as many digits."""
    if found.type == "DateTime64":
        moment = _time(found, value)
        return call("toDateTime64", text(str(moment.replace(tzinfo=None))), number(found.digits), text("UTC" if moment.tzinfo else zone))
    if found.type == "Decimal":
        exact = _exact(found, value)
        return number(int(exact)) if bare and exact == int(exact) and exact.copy_abs() < LARGEST else decimal(exact, found.digits)
    return LITERALS[found.type](found, value)


def _string(found: Column, value: Scalar) -> exp.Expression:
    if not isinstance(value, str):
        raise BadInput(f"{found.name} holds text, and {_shown(value)} is none.", f"Put it in quotes: '{_shown(value)}'.")
    if "{{" in value:
        raise BadInput(f"{_shown(value)} can't be looked for: the billing system puts values of its own in the place of double braces.", "Use 'begins with' or 'ends with' and the part without them.")
    return text(value)


def _bool(found: Column, value: Scalar) -> exp.Expression:
    if not isinstance(value, bool):
        raise _unfit(found, value, "Use true or false, without quotes.")
    return exp.Boolean(this=value)


def _whole(found: Column, value: Scalar) -> exp.Expression:
    exact = _number(found, value)
    if exact != exact.to_integral_value():
        raise BadInput(f"{found.name} holds whole numbers, and {_shown(value)} is none.", "Use a whole number.")
    if not -LARGEST <= exact < LARGEST:
        raise BadInput(f"{found.name} holds whole numbers from {-LARGEST} to {LARGEST - 1}; {_shown(value)} is outside.")
    return number(int(exact))


def _float(found: Column, value: Scalar) -> exp.Expression:
    exact = _number(found, value)
    return number(int(exact) if exact == exact.to_integral_value() and exact.copy_abs() < LARGEST else exact)


def _exact(found: Column, value: Scalar) -> Decimal:
    """A decimal, as far as the field has digits for it."""
    exact = _number(found, value)
    digits, before = -int(WIDE.normalize(exact).as_tuple().exponent), 38 - found.digits
    if digits > found.digits or exact.copy_abs() >= 10**before:
        raise BadInput(f"{found.name} keeps {before} digits before the point and {found.digits} after it; {_shown(value)} has more.")
    return WIDE.normalize(exact)


def _number(found: Column, value: Scalar) -> Decimal:
    """A number, also one in quotes, as people keep digits exact in YAML."""
    if isinstance(value, bool) or (isinstance(value, str) and not NUMBER.fullmatch(value)):
        raise _unfit(found, value, "Use a number such as 12.5.")
    exact = Decimal(value)
    if not exact.is_finite():
        raise _unfit(found, value, "Use a number such as 12.5.")
    return exact


def _date(found: Column, value: Scalar) -> exp.Expression:
    try:
        return day(str(date.fromisoformat(_said(found, value))))
    except ValueError:
        raise _unfit(found, value, "Write a date as 2026-10-31.") from None


def _time(found: Column, value: Scalar) -> datetime:
    """A time of the metric's zone, or one in UTC where an offset says which it is."""
    said = _said(found, value)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or not re.fullmatch(rf"{TIME}|\d{{4}}-\d\d-\d\d", said):
        raise _unfit(found, value, "Write a time as 2026-10-31 23:59:59, which is one of the metric's zone, or as 2026-10-31T23:59:59Z.")
    return moment.astimezone(UTC) if moment.tzinfo else moment


def _uuid(found: Column, value: Scalar) -> exp.Expression:
    try:
        return call("toUUID", text(str(UUID(_said(found, value)))))
    except ValueError:
        raise _unfit(found, value, "Write a UUID as 5c2c0c7e-0f0a-4d0e-9d7e-0a5f6f0d1a11.") from None


def _said(found: Column, value: Scalar) -> str:
    if not isinstance(value, str):
        raise _unfit(found, value, "Put it in quotes.")
    return value


def _unfit(found: Column, value: Scalar, todo: str) -> BadInput:
    return BadInput(f"{found.name} holds {found.words}, and {_shown(value)} doesn't fit.", todo)


def _shown(value: Scalar) -> str:
    """A value as people wrote it."""
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)


LITERALS: dict[FieldType, Callable[[Column, Scalar], exp.Expression]] = {"String": _string, "Bool": _bool, "Int64": _whole, "Float64": _float, "Date32": _date, "UUID": _uuid}
