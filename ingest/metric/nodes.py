"""Pieces of ClickHouse SQL as sqlglot nodes, as ingest/clickhouse reads them: what is built and what is typed compare."""

from collections.abc import Iterable
from decimal import Decimal

from sqlglot import exp

from ingest.values.exact import WIDE

LONGEST = 300
"""Digits of a number in ClickHouse's SQL."""


def call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    """A function or an aggregate, by the name that ClickHouse has for it."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> exp.Literal:
    """A quoted text."""
    return exp.Literal.string(value)


def number(value: int | Decimal) -> exp.Expression:
    """A number, written out; with an exponent where it would have more digits than ClickHouse reads."""
    digits = written_out(WIDE.abs(value) if isinstance(value, Decimal) else abs(value))
    written = exp.Literal.number(digits if len(digits) <= LONGEST else f"{Decimal(digits):e}")
    return exp.Neg(this=written) if value < 0 else written


def written_out(value: int | Decimal) -> str:
    """A number's digits, without exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def decimal(value: int | Decimal, digits: int) -> exp.Anonymous:
    """A decimal of that many digits after the point: a bare 0.1 would be a float."""
    return call("toDecimal128", text(written_out(value)), number(digits))


def wide(node: exp.Expression, digits: int) -> exp.Anonymous:
    """A number as a decimal of 76 digits, so that a product or a difference can't overflow."""
    return call("toDecimal256", node, number(digits))


def floating(node: exp.Expression) -> exp.Anonymous:
    """A number as a float."""
    return call("toFloat64", node)


def nearest(node: exp.Expression) -> exp.Anonymous:
    """A decimal as the float nearest to it; without the way over its text ClickHouse makes 3707.4536700000003 of 3707.45367."""
    return floating(call("toString", node))


def or_nothing(node: exp.Expression) -> exp.Anonymous:
    """Zero where there is no value: what an empty set adds up to."""
    return call("coalesce", node, number(0))


def named(node: exp.Expression, name: str) -> exp.Expression:
    """A column of an answer under its name."""
    return node if isinstance(node, exp.Column) and node.name == name and not node.table else exp.alias_(node, name, quoted=True)


def either(condition: exp.Expression, yes: exp.Expression, otherwise: exp.Expression) -> exp.Case:
    """One of two values."""
    return exp.Case(ifs=[exp.If(this=condition, true=yes)], default=otherwise)


def no(node: exp.Expression) -> exp.Not:
    """What doesn't hold."""
    return exp.Not(this=exp.paren(node.unnest(), copy=False))


def both(conditions: Iterable[exp.Expression]) -> exp.Expression:
    """Conditions that hold together."""
    return exp.and_(*conditions, copy=False)
