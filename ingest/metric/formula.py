"""A free expression over fields, as ClickHouse SQL. A small language: what isn't listed here is refused with its place.

Whole numbers and decimals stay exact through + - *; / calculates with floats; % takes whole numbers. A division by zero gives nothing, and an aggregate of nothing is 0.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from sqlglot import exp

from ingest.clickhouse import Table, parse
from ingest.clickhouse.dialect import AsWritten
from ingest.clickhouse.template import place
from ingest.errors import BadInput, SqlMistake
from ingest.metric.columns import column, plain
from ingest.metric.nodes import call, either, nearest, number, or_nothing, text
from ingest.metric.rounding import rounded
from ingest.metric.terms import MOST_DIGITS, Kind, Level, Term, alike, as_float, as_it_is, beside_float, constant, counted, exact, field, operand, total
from ingest.values.exact import WIDE
from schemas.metric import Rounding

KINDS: dict[Kind, str] = {"number": "a number", "truth": "a condition", "text": "text", "other": "no number"}


def read(formula: str, table: Table) -> Term:
    """The formula's quantity over a group of events; one without an aggregate is calculated for each event and added up. Raises SqlMistake with the place in the formula."""
    try:
        return _whole(_Reader(table).term(_tree(formula)))
    except SqlMistake as mistake:
        raise SqlMistake(mistake.sentence.replace("The SQL", "The formula"), mistake.todo, max(mistake.line - 1, 1), mistake.column, mistake.pointed) from None


def _tree(formula: str) -> exp.Expression:
    """The formula's tree: it stands on a line of its own, so that places stay right."""
    if not formula.strip():
        raise SqlMistake("The formula is empty.", "Write one as in sum(cpu_hours) * 2.")
    found = parse(f"SELECT\n{formula}")
    others = {name for name, value in found.args.items() if value and name != "expressions"}
    if not isinstance(found, exp.Select) or others or len(found.expressions) != 1:
        raise SqlMistake("A formula is one expression, as in sum(cpu_hours) * 2.", "Leave out SELECT, FROM and what belongs to them.", 2, 1)
    return found.expressions[0]


def _whole(found: Term) -> Term:
    if found.kind != "number":
        raise SqlMistake(f"The formula gives {KINDS[found.kind]}, and a quantity is a number.", "Use it inside if(condition, number, number).", 2, 1)
    node = exact(found) if found.level == "group" and not found.is_float else found.node if found.level == "group" else total(found)
    return Term(node if _is_never_null(node) else or_nothing(node), "number", "group", found.name, found.digits)


def _is_never_null(node: exp.Expression) -> bool:
    return isinstance(node, exp.Anonymous) and node.name == "coalesce"


class _Reader:
    """Reads the tree of a formula over the fields of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def term(self, node: exp.Expression) -> Term:
        """One part of the formula."""
        made = next((self.__getattribute__(name) for kind, name in PARTS.items() if isinstance(node, kind)), None)
        if made is None:
            raise _mistake(node, f"{_shown(node)!r} can't stand in a formula.")
        return made(node)

    def paren(self, node: exp.Paren) -> Term:
        found = self.term(node.this)
        return _with(found, exp.paren(found.node)) if found.value is None and isinstance(found.node, exp.Binary) else found

    def field(self, node: exp.Column) -> Term:
        name = plain(".".join(part.name for part in node.parts))
        try:
            return field(column(self.table, name))
        except BadInput as error:
            raise _mistake(node, error.sentence, error.todo) from None

    def literal(self, node: exp.Literal) -> Term:
        if node.is_string:
            return Term(text(node.this), "text", "constant", repr(node.this))
        value = Decimal(node.this)
        if -int(WIDE.normalize(value).as_tuple().exponent) > MOST_DIGITS // 2 or value.copy_abs() >= Decimal(10) ** 20:
            raise _mistake(node, f"{node.this} has more digits than can be calculated with.", "Use at most 20 before the point and 18 after it.")
        return constant(value, node.this)

    def boolean(self, node: exp.Boolean) -> Term:
        return Term(node.copy(), "truth", "constant", str(node.this).lower())

    def negative(self, node: exp.Neg) -> Term:
        found = _number(self.term(node.this), node)
        return constant(WIDE.minus(found.value), found.name) if found.value is not None else _with(found, exp.Neg(this=_closed(found.node if found.is_float else exact(found))))

    def arithmetic(self, node: exp.Binary) -> Term:
        left, right = _number(self.term(node.this), node), _number(self.term(node.expression), node)
        level = _level([left, right], node)
        if left.value is not None and right.value is not None:
            return constant(FOLDED[type(node)](left.value, right.value), _shown(node))
        digits = _digits(node, left, right)
        sides = [beside_float(each) for each in (left, right)] if digits is None else [operand(left), operand(right)]
        return Term(type(node)(this=_closed(sides[0]), expression=_closed(sides[1])), "number", level, _shown(node), digits)

    def division(self, node: exp.Binary) -> Term:
        left, right = _number(self.term(node.this), node), _number(self.term(node.expression), node)
        if right.value == 0:
            raise _mistake(node.expression, "This divides by zero.", "Divide by something else.")
        divisor = number(right.value) if right.value is not None else call("nullIf", as_float(right), number(0))
        return Term(type(node)(this=_closed(beside_float(left) if right.value is None else as_float(left)), expression=_closed(divisor)), "number", _level([left, right], node), _shown(node), None)

    def remainder(self, node: exp.Mod) -> Term:
        """Of whole numbers only: with floats, ClickHouse's comes out inexact."""
        left, right = self.term(node.this), self.term(node.expression)
        odd = next((each for each in (left, right) if not (each.raw and each.whole or each.value is not None and each.digits == 0 and abs(each.value) < 2**63)), None)
        if odd is not None:
            raise _mistake(node, f"% is the remainder of whole numbers, and {odd.name} is none.", "Use fields that hold whole numbers.")
        if right.value == 0:
            raise _mistake(node.expression, "This divides by zero.", "Divide by something else.")
        above, below = (number(each.value) if each.value is not None else each.node for each in (left, right))
        divided = below if right.value is not None else call("nullIf", below, number(0))
        return Term(exp.Mod(this=_closed(above), expression=_closed(divided)), "number", _level([left, right], node), _shown(node), raw=True, whole=True)

    def comparison(self, node: exp.Binary) -> Term:
        left, right = self.term(node.this), self.term(node.expression)
        if left.kind != right.kind or left.kind == "other":
            raise _mistake(node, f"{left.name} is {KINDS[left.kind]} and {right.name} is {KINDS[right.kind]}: they can't be compared.", "Compare numbers with numbers and text with text.")
        sides = _sides(left, right)
        return Term(type(node)(this=_closed(sides[0]), expression=_closed(sides[1])), "truth", _level([left, right], node), _shown(node))

    def joined(self, node: exp.Connector) -> Term:
        sides = [_truth(self.term(each), node) for each in (node.this, node.expression)]
        return Term(type(node)(this=_closed(sides[0].node), expression=_closed(sides[1].node)), "truth", _level(sides, node), _shown(node))

    def negated(self, node: exp.Not) -> Term:
        found = _truth(self.term(node.this), node)
        return _with(found, exp.Not(this=exp.paren(found.node.unnest())))

    def choice(self, node: exp.If) -> Term:
        """`if(condition, value, otherwise)`."""
        if node.args.get("false") is None:
            raise _mistake(node, "if() needs three things.", "Write if(condition, value, otherwise).")
        condition, *values = (self.term(each) for each in (node.this, node.args["true"], node.args["false"]))
        _truth(condition, node)
        made, digits = alike(_of_one_kind(values, node))
        return Term(either(condition.node, *made), values[0].kind, _level([condition, *values], node), _shown(node), digits)

    def function(self, node: exp.Anonymous) -> Term:
        name = node.name.lower()
        given = [each for each in node.expressions if not isinstance(each, exp.Star)]
        if name == "count" and not given:
            return counted(call("count", exp.Star()), "count()")
        if name not in FUNCTIONS:
            raise _mistake(node, f"There is no function {node.name!r} in formulas.", f"Known are {', '.join(('if', *FUNCTIONS))}.")
        least, most, made = FUNCTIONS[name]
        if not least <= len(given) <= most:
            raise _mistake(node, f"{name}() needs {least if least == most else f'{least} to {most}' if most < MANY else f'at least {least}'} value{'' if most == 1 else 's'}.")
        return made(name, [self.term(each) for each in given], node)


def _sum(name: str, given: list[Term], node: exp.Expression) -> Term:
    return _grouped(given, node, or_nothing(total(_number(given[0], node))), given[0].digits)


def _count(name: str, given: list[Term], node: exp.Expression) -> Term:
    _grouped(given, node, exp.Null(), 0)
    return counted(call("count" if name == "count" else "uniqExact", as_it_is(given[0])), _shown(node))


def _avg(name: str, given: list[Term], node: exp.Expression) -> Term:
    value = _number(given[0], node)
    summed = total(value) if value.is_float else nearest(total(value))
    return _grouped(given, node, or_nothing(exp.Div(this=summed, expression=call("nullIf", call("count", as_it_is(value)), number(0)))), None)


def _extreme(name: str, given: list[Term], node: exp.Expression) -> Term:
    value = _number(given[0], node)
    return _grouped(given, node, or_nothing(call(name, value.node if value.is_float else exact(value))), value.digits)


def _grouped(given: list[Term], node: exp.Expression, made: exp.Expression, digits: int | None) -> Term:
    if given[0].level == "group":
        raise _mistake(node, f"{given[0].name} is an aggregate already, so it can't stand inside another.", "Take one of them out.")
    return Term(made, "number", "group", _shown(node), digits)


def _rounded(name: str, given: list[Term], node: exp.Expression) -> Term:
    value, digits = _number(given[0], node), given[1].value if len(given) == 2 else Decimal(0)
    if digits is None or digits != int(digits) or not 0 <= digits <= 18:
        raise _mistake(node, "round() needs how many digits to keep after the point, from 0 to 18.", "Write round(cpu_hours, 2).")
    made = rounded(value.node if value.is_float else exact(value), Rounding(digits=int(digits)), is_float=value.is_float)
    return Term(made, "number", value.level, _shown(node), value.digits)


def _abs(name: str, given: list[Term], node: exp.Expression) -> Term:
    value = _number(given[0], node)
    return Term(call("abs", value.node if value.is_float else exact(value)), "number", value.level, _shown(node), value.digits)


def _one_of(name: str, given: list[Term], node: exp.Expression) -> Term:
    """The least, the greatest, or the first that there is."""
    values = _of_one_kind(given, node)
    if name != "coalesce":
        _number(values[0], node)
    made, digits = alike(values)
    return Term(call(name, *made), values[0].kind, _level(values, node), _shown(node), digits)


def _of_one_kind(values: list[Term], node: exp.Expression) -> list[Term]:
    odd = next((each for each in values if each.kind != values[0].kind or each.kind == "other"), None)
    if odd is not None:
        raise _mistake(node, f"{values[0].name} is {KINDS[values[0].kind]} and {odd.name} is {KINDS[odd.kind]}: they can't stand for one another.", "Use numbers only, or text only.")
    return values


def _number(found: Term, node: exp.Expression) -> Term:
    if found.kind != "number":
        raise _mistake(node, f"{found.name} is {KINDS[found.kind]}, so it can't be calculated with.", "Use a number.")
    return found


def _sides(left: Term, right: Term) -> list[exp.Expression]:
    """Two values to compare."""
    if left.kind != "number":
        return [left.node, right.node]
    return [beside_float(left), beside_float(right)] if left.is_float or right.is_float else [operand(left), operand(right)]


def _truth(found: Term, node: exp.Expression) -> Term:
    if found.kind != "truth":
        raise _mistake(node, f"{found.name} is {KINDS[found.kind]} and no condition.", "Compare it with something: cpu_hours > 1.")
    return found


def _level(terms: Sequence[Term], node: exp.Expression) -> Level:
    """What the terms together are about; an event's field and an aggregate don't go together."""
    levels = {each.level for each in terms}
    if {"event", "group"} <= levels:
        loose = next(each for each in terms if each.level == "event")
        raise _mistake(node, f"{loose.name} stands beside an aggregate without being in one.", f"Write sum({loose.name}), or leave all aggregates out: then it is calculated for each event and added up.")
    return "group" if "group" in levels else "event" if "event" in levels else "constant"


def _digits(node: exp.Binary, left: Term, right: Term) -> int | None:
    """The digits of a sum or a product; None for a float."""
    if left.digits is None or right.digits is None:
        return None
    digits = left.digits + right.digits if isinstance(node, exp.Mul) else max(left.digits, right.digits)
    return digits if digits <= MOST_DIGITS else None


def _with(found: Term, node: exp.Expression) -> Term:
    return Term(node, found.kind, found.level, found.name, found.digits)


def _closed(node: exp.Expression) -> exp.Expression:
    """A part in parentheses where it could fall apart beside another."""
    return exp.paren(node) if isinstance(node, exp.Binary | exp.Neg | exp.Not) and not isinstance(node, exp.Dot) else node


def _shown(node: exp.Expression) -> str:
    """A part of the formula as it was typed."""
    return node.sql(dialect=AsWritten)


def _mistake(node: exp.Expression, sentence: str, todo: str = "") -> SqlMistake:
    return SqlMistake(sentence, todo, *place(node))


MANY = 100
FUNCTIONS: dict[str, tuple[int, int, Callable[[str, list[Term], exp.Expression], Term]]] = {
    "sum": (1, 1, _sum), "count": (1, 1, _count), "count_distinct": (1, 1, _count), "avg": (1, 1, _avg), "min": (1, 1, _extreme), "max": (1, 1, _extreme),
    "round": (1, 2, _rounded), "abs": (1, 1, _abs), "least": (2, MANY, _one_of), "greatest": (2, MANY, _one_of), "coalesce": (2, MANY, _one_of),
}
"""The functions of a formula: the fewest and the most values, and what they make."""
FOLDED: dict[type[exp.Expression], Callable[[Decimal, Decimal], Decimal]] = {exp.Add: WIDE.add, exp.Sub: WIDE.subtract, exp.Mul: WIDE.multiply}
PARTS: dict[type[exp.Expression] | tuple[type[exp.Expression], ...], str] = {
    exp.Paren: "paren", exp.Column: "field", exp.Literal: "literal", exp.Boolean: "boolean", exp.Neg: "negative", (exp.Add, exp.Sub, exp.Mul): "arithmetic", exp.Div: "division", exp.Mod: "remainder",
    (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE): "comparison", (exp.And, exp.Or): "joined", exp.Not: "negated", exp.If: "choice", exp.Anonymous: "function",
}
