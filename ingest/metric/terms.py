"""The terms of a formula: exact as long as only whole numbers and decimals are added, subtracted and multiplied, else floats."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlglot import exp

from ingest.metric.columns import Column
from ingest.metric.nodes import call, floating, nearest, number, text, wide, written_out
from ingest.values.exact import WIDE

Kind = Literal["number", "truth", "text", "other"]
Level = Literal["constant", "event", "group"]
MOST_DIGITS = 36
"""Digits after the point of an exact product; of two of the account's decimals. More than that goes on as a float."""


@dataclass(frozen=True)
class Term:
    """A part of a formula. `digits` are those after the point, None of a float; `raw` says that the node is still of its field's own type, which may overflow; `value` is a constant's.

    `level` says what it is about: nothing, one event, or the events of a group. `name` is how to speak of it.
    """

    node: exp.Expression
    kind: Kind
    level: Level
    name: str
    digits: int | None = 0
    raw: bool = False
    whole: bool = False
    value: Decimal | None = None

    @property
    def is_float(self) -> bool:
        """Whether it is a floating number."""
        return self.kind == "number" and self.digits is None


def constant(value: Decimal, name: str) -> Term:
    """A number that stands in the formula."""
    value = WIDE.normalize(value) if value else Decimal(0)
    digits = max(-int(value.as_tuple().exponent), 0)
    return Term(exp.Null(), "number", "constant", name, digits, value=value)


def field(found: Column) -> Term:
    """A field of an event."""
    kind: Kind = "number" if found.is_number else "truth" if found.type == "Bool" else "text" if found.type == "String" else "other"
    digits = {"Float64": None, "Decimal": found.digits}.get(found.type, 0)
    return Term(found.node, kind, "event", found.name, digits, raw=True, whole=found.type == "Int64")


def counted(node: exp.Expression, name: str) -> Term:
    """A count."""
    return Term(node, "number", "group", name, raw=True, whole=True)


def exact(term: Term, digits: int | None = None) -> exp.Expression:
    """An exact number so wide that it can't overflow, with that many digits after the point (its own where None)."""
    if term.value is not None:
        return wide(text(written_out(term.value)), term.digits or 0 if digits is None else digits)
    if digits is not None and digits != term.digits:
        return wide(term.node, digits)
    return wide(term.node, term.digits or 0) if term.raw else term.node


def operand(term: Term) -> exp.Expression:
    """The same beside another that is wide: a whole number may stand bare."""
    return number(int(term.value)) if term.value is not None and term.digits == 0 and abs(term.value) < 2**63 else exact(term)


def beside_float(term: Term) -> exp.Expression:
    """A number beside a float, where a constant becomes one by itself."""
    return number(term.value) if term.value is not None else as_float(term)


def as_float(term: Term) -> exp.Expression:
    """Any number as a float."""
    if term.value is not None:
        return floating(number(term.value))
    if term.is_float:
        return term.node
    return floating(term.node) if term.raw and term.whole else nearest(term.node)


def alike(terms: Sequence[Term]) -> tuple[list[exp.Expression], int | None]:
    """Values that can stand for one another, in one type: ClickHouse takes no decimals of different digits there. And its digits (None: floats)."""
    if any(term.kind != "number" for term in terms):
        return [term.node for term in terms], 0
    if any(term.is_float for term in terms):
        return [as_float(term) for term in terms], None
    digits = max(term.digits or 0 for term in terms)
    return [exact(term, digits) for term in terms], digits


def as_it_is(term: Term) -> exp.Expression:
    """A value as it stands, for counting and comparing."""
    return exact(term) if term.value is not None else term.node


def total(term: Term) -> exp.Expression:
    """All of its values added up."""
    return call("sumKahan", term.node) if term.is_float else call("sum", exact(term))
