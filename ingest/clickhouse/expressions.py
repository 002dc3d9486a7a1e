"""Expressions: each node of the ClickHouse tree to a DuckDB expression and its type. What has no visitor here is refused."""

from collections.abc import Callable
from math import inf, isinf

from sqlglot import exp

from ingest.clickhouse import conditions
from ingest.clickhouse.aggregates import AGGREGATES
from ingest.clickhouse.convert import cast_to, float_literal, literal_as, named_type
from ingest.clickhouse.dialect import duck, text
from ingest.clickhouse.frames import frame
from ingest.clickhouse.functions import FUNCTIONS, known, known_aggregate, nearest
from ingest.clickhouse.membership import among, answer, member
from ingest.clickhouse.moved import moved_out
from ingest.clickhouse.numbers import literal_whole
from ingest.clickhouse.scope import Scope
from ingest.clickhouse.shifts import interval_shift
from ingest.clickhouse.types import BOOL, FLOAT64, STRING, UINT8, Type
from ingest.clickhouse.values import Call, Value, as_truth, mistake, null_value

OPERATORS = {
    exp.Add: "plus", exp.Sub: "minus", exp.Mul: "multiply", exp.Div: "divide", exp.Mod: "modulo", exp.IntDiv: "intDiv", exp.EQ: "equals", exp.NEQ: "notEquals", exp.LT: "less", exp.GT: "greater", exp.LTE: "lessOrEquals",
    exp.GTE: "greaterOrEquals", exp.And: "and", exp.Or: "or", exp.DPipe: "concat", exp.Like: "like", exp.ILike: "ilike", exp.Xor: "xor",
}


def value_of(node: exp.Expr, scope: Scope) -> Value:
    """The node's translation. Raises SqlMistake, with the place, for what isn't known."""
    if type(node) in OPERATORS:
        return _operator(node, scope)
    visitor = VISITORS.get(type(node))
    if visitor is None:
        raise mistake(node, f"{node.sql(dialect='clickhouse')[:60]} can't be previewed here.")
    return visitor(node, scope)


def _operator(node: exp.Binary, scope: Scope) -> Value:
    for side in (node.this, node.expression):
        if isinstance(side, exp.Interval):
            return _shift(node, side, scope)
    name = OPERATORS[type(node)]
    if isinstance(node, (exp.Like, exp.ILike)) and node.args.get("negate"):
        name = {"like": "notLike", "ilike": "notILike"}[name]
    return FUNCTIONS[name](Call(name, (value_of(node.this, scope), value_of(node.expression, scope)), node))


def _shift(node: exp.Binary, interval: exp.Interval, scope: Scope) -> Value:
    other = node.this if interval is node.expression else node.expression
    if not isinstance(node, (exp.Add, exp.Sub)) or (isinstance(node, exp.Sub) and interval is node.this) or interval.args.get("unit") is None:
        raise mistake(node, "An INTERVAL can only be added to a day or a time, or taken from it.", "Write timestamp + INTERVAL 1 DAY.")
    amount = value_of(interval.this, scope)
    if amount.constant is not None and amount.type.name == "String":
        amount = literal_as(amount, Type("Int64"), node)
    if not amount.type.is_integer:
        raise mistake(node, "An INTERVAL counts whole units.")
    steps = duck("-:n", n=amount.sql) if isinstance(node, exp.Sub) else amount.sql
    moved = interval_shift(Call("INTERVAL", (), node), value_of(other, scope), steps, interval.text("unit"))
    return moved.typed(moved.type.or_null(moved.nullable or amount.nullable))


def _literal(node: exp.Literal, scope: Scope) -> Value:
    if node.is_string:
        return Value(text(node.this), STRING, constant=node.this)
    given = node.this.replace("_", "")
    if given.isdigit():
        if int(given) >= 2**64:
            raise mistake(node, f"{given[:40]} is too large for a whole number here.", "18446744073709551615 is the largest.")
        return literal_whole(int(given))
    try:
        read = float(given)
    except ValueError:
        read = inf
    if isinf(read):
        raise mistake(node, f"{given[:40]} isn't a number that can be previewed here.")
    return Value(float_literal(str(read)), FLOAT64, constant=given)


def _boolean(node: exp.Boolean, scope: Scope) -> Value:
    return Value(exp.Boolean(this=node.this), BOOL, truth=True)


def _null(node: exp.Null, scope: Scope) -> Value:
    return null_value()


def _paren(node: exp.Paren, scope: Scope) -> Value:
    return value_of(node.this, scope)


def _negative(node: exp.Neg, scope: Scope) -> Value:
    return FUNCTIONS["negate"](Call("negate", (value_of(node.this, scope),), node))


def _not(node: exp.Not, scope: Scope) -> Value:
    if isinstance(node.this, exp.In):
        return _in(node.this, scope, negated=True)
    return FUNCTIONS["not"](Call("not", (value_of(node.this, scope),), node))


def _is(node: exp.Is, scope: Scope) -> Value:
    if not isinstance(node.expression, exp.Null):
        raise mistake(node, "IS stands before NULL or NOT NULL only.")
    return conditions.is_null(value_of(node.this, scope))


def _between(node: exp.Between, scope: Scope) -> Value:
    value, low, high = (value_of(node.args[key], scope) for key in ("this", "low", "high"))
    call = Call("BETWEEN", (value, low, high), node)
    pair = (conditions.compare(call, ">=", value, low), conditions.compare(call, "<=", value, high))
    return FUNCTIONS["and"](Call("and", pair, node))


def _column(node: exp.Column, scope: Scope) -> Value:
    parts = tuple(part.name for part in node.parts)
    if len(parts) == 1 and (aliased := scope.alias(parts[0])) is not None:
        return scope.guarded(parts[0], node, lambda: value_of(aliased, scope))
    return scope.column(parts, node)


def _dot(node: exp.Dot, scope: Scope) -> Value:
    raise mistake(node, f"{node.sql(dialect='clickhouse')[:60]} can't be previewed here.")


def _cast(node: exp.Cast, scope: Scope) -> Value:
    target = node.to
    return cast_to(value_of(node.this, scope), named_type(target.sql(dialect="clickhouse"), node), node)


def _case(node: exp.Case, scope: Scope) -> Value:
    call = Call("CASE", (), node)
    subject = value_of(node.this, scope) if node.this else None
    found, results = [], []
    for branch in node.args["ifs"]:
        condition = value_of(branch.this, scope)
        found.append(conditions.compare(call, "=", subject, condition) if subject else condition)
        results.append(value_of(branch.args["true"], scope))
    default = value_of(node.args["default"], scope) if node.args.get("default") else null_value()
    return conditions.choose(call, found, results, default)


def _if(node: exp.If, scope: Scope) -> Value:
    default = value_of(node.args["false"], scope) if node.args.get("false") else null_value()
    return conditions.choose(Call("if", (), node), [value_of(node.this, scope)], [value_of(node.args["true"], scope)], default)


def _tuple(node: exp.Tuple, scope: Scope) -> Value:
    return tuple_of([value_of(each, scope) for each in node.expressions])


def tuple_of(parts: list[Value]) -> Value:
    return Value(exp.Null(), Type("Tuple", inner=tuple(each.type for each in parts)), parts=tuple(parts))


def _in(node: exp.In, scope: Scope, negated: bool = False) -> Value:
    value = value_of(node.this, scope)
    if value.type.is_null:
        return null_value()
    call = Call("IN", (value,), node)
    if node.args.get("query") is not None:
        return among(call, node, scope, negated)
    listed = [node.args["field"]] if node.args.get("field") is not None else node.expressions
    if node.args.get("unnest") is not None or not listed:
        raise mistake(node, "IN takes values in brackets, or a SELECT.")
    found = [member(call, value, each) for each in (value_of(one, scope) for one in listed) if not each.type.is_null]
    return answer(value, exp.or_(*found) if found else exp.Boolean(this=False), negated)


def _scalar(node: exp.Subquery, scope: Scope) -> Value:
    relation = scope.subquery(node)
    if len(relation.columns) != 1:
        raise mistake(node, "A SELECT that stands for a value must have one column.")
    column = relation.columns[0]
    return Value(exp.Subquery(this=relation.sql), column.type.or_null(), truth=column.truth, kept=column.kept)


def _exists(node: exp.Exists, scope: Scope) -> Value:
    return Value(exp.Exists(this=scope.subquery(node.this).sql), UINT8, truth=True)


def _distinct(node: exp.Expr, scope: Scope) -> tuple[bool, list[exp.Expr]]:
    expressions = node.expressions
    if len(expressions) == 1 and isinstance(expressions[0], exp.Distinct):
        return True, expressions[0].expressions
    return False, expressions


def _call(node: exp.Anonymous | exp.ParameterizedAgg, scope: Scope, over: exp.Window | None = None, kept: exp.Expr | None = None) -> Value:
    name = node.name
    aggregate = known_aggregate(name)
    if aggregate is not None and not (over is not None and known(name) in FUNCTIONS):
        return _aggregate(node, scope, aggregate, over, kept)
    if name == "tuple":
        return tuple_of([value_of(each, scope) for each in node.expressions])
    own = known(name)
    if own is None or isinstance(node, exp.ParameterizedAgg):
        raise mistake(node, f"The function {name} can't be previewed here.", nearest(name))
    args = tuple(value_of(each, scope) for each in node.expressions)
    return FUNCTIONS[own](Call(own, args, node, window=over))


def _aggregate(node: exp.Expr, scope: Scope, found: tuple[str, frozenset[str]], over: exp.Window | None, kept: exp.Expr | None) -> Value:
    name, combinators = found
    plain = _reduced(node, scope, name, combinators, over, kept)
    if combinators or over is not None or kept is not None or not (moved := moved_out(node, name)):
        return plain
    other = value_of(moved, scope)
    return other if other.type == plain.type else plain


def _reduced(node: exp.Expr, scope: Scope, name: str, combinators: frozenset[str], over: exp.Window | None, kept: exp.Expr | None) -> Value:
    if scope.inside_aggregate and over is None:
        raise mistake(node, f"{name} can't stand in WHERE, in GROUP BY or inside another aggregate.", "Put the SELECT into another one, and use its column there; or use HAVING.")
    inside = scope.within() if over is None else scope
    distinct, given = _distinct(node, scope)
    params: tuple[Value, ...] = ()
    if isinstance(node, exp.ParameterizedAgg):
        params, given = tuple(value_of(each, scope) for each in node.expressions), node.args["params"]
        distinct, given = (True, given[0].expressions) if len(given) == 1 and isinstance(given[0], exp.Distinct) else (False, given)
    star = len(given) == 1 and isinstance(given[0], exp.Star)
    if star and name != "count":
        raise mistake(node, f"{name}(*) can't be previewed here.", "Name the column.")
    args = [] if star else [value_of(each, inside) for each in given]
    condition = None
    if "If" in combinators:
        if not args:
            raise mistake(node, f"{node.name} needs a condition as its last argument.")
        last = args.pop()
        condition = as_truth(last, node)
        if last.type.name not in conditions.CONDITION:
            raise mistake(node, f"The last argument of {node.name} must be a condition, and is {last.type}.", "Compare it with something.")
    if kept is not None:
        condition = as_truth(value_of(kept, inside), node)
    if "OrNull" in combinators:
        args = [each.typed(each.type.or_null()) for each in args]
    call = Call(name, tuple(args), node, params=params, condition=condition, window=over, distinct=distinct or "Distinct" in combinators)
    return AGGREGATES[name](call)


def _filter(node: exp.Filter, scope: Scope) -> Value:
    if not isinstance(node.this, (exp.Anonymous, exp.ParameterizedAgg)) or known_aggregate(node.this.name) is None:
        raise mistake(node, "FILTER stands after an aggregate only.")
    return _call(node.this, scope, kept=node.expression.this)


def _window(node: exp.Window, scope: Scope) -> Value:
    if node.args.get("alias") is not None or node.args.get("first") is not None:
        raise mistake(node, "A named window can't be previewed here.", "Write it out after OVER.")
    if scope.inside_aggregate:
        raise mistake(node, "OVER can't stand in WHERE, in GROUP BY or inside an aggregate.", "Put the SELECT into another one, and use its column there.")
    inner, kept = (node.this.this, node.this.expression.this) if isinstance(node.this, exp.Filter) else (node.this, None)
    if not isinstance(inner, (exp.Anonymous, exp.ParameterizedAgg)):
        raise mistake(node, "OVER stands after a function only.")
    order = node.args.get("order")
    over = exp.Window(
        partition_by=[key_of(each, scope) for each in node.args.get("partition_by") or []],
        order=exp.Order(expressions=[part for each in order.expressions for part in ordered(each, scope)]) if order else None,
        spec=frame(node), over="OVER")
    return _call(inner, scope, over=over, kept=kept)


def key_of(node: exp.Expr, scope: Scope) -> exp.Expr:
    return value_of(node, scope).sql


def ordered(node: exp.Ordered, scope: Scope) -> list[exp.Expr]:
    """The keys of an order: NaN and null come last, in both directions."""
    if node.args.get("with_fill") is not None:
        raise mistake(node, "WITH FILL can't be previewed here.")
    value = value_of(node.this, scope)
    if value.type.name == "UUID" or value.parts:
        raise mistake(node, f"{value.type} can't be put in order here.", "Use toString().")
    desc, first = bool(node.args.get("desc")), bool(node.args.get("nulls_first"))
    keys = [exp.Ordered(this=value.sql, desc=desc, nulls_first=first)]
    if value.type.is_float:
        keys.insert(0, exp.Ordered(this=duck("coalesce(isnan(:x), :null)", x=value.sql, null=exp.Boolean(this=not first)), desc=first, nulls_first=False))
    return keys


def _extract(node: exp.Extract, scope: Scope) -> Value:
    names = {"YEAR": "toYear", "MONTH": "toMonth", "DAY": "toDayOfMonth", "HOUR": "toHour", "MINUTE": "toMinute", "SECOND": "toSecond", "QUARTER": "toQuarter"}
    found = names.get(node.name.upper())
    if found is None:
        raise mistake(node, f"EXTRACT knows {', '.join(names)} here.")
    return FUNCTIONS[found](Call(found, (value_of(node.expression, scope),), node))


VISITORS: dict[type[exp.Expr], Callable[..., Value]] = {
    exp.Literal: _literal, exp.Boolean: _boolean, exp.Null: _null, exp.Paren: _paren, exp.Neg: _negative, exp.Not: _not, exp.Is: _is, exp.Between: _between, exp.Column: _column, exp.Dot: _dot, exp.Cast: _cast,
    exp.Case: _case, exp.If: _if, exp.Tuple: _tuple, exp.In: _in, exp.Subquery: _scalar, exp.Exists: _exists, exp.Anonymous: _call, exp.ParameterizedAgg: _call, exp.Filter: _filter, exp.Window: _window, exp.Extract: _extract,
}
