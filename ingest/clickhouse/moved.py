"""What ClickHouse calculates outside of an aggregate instead of inside."""

from sqlglot import exp

MOVED = {"sum": (exp.Mul, exp.Div), "avg": (exp.Add, exp.Sub, exp.Mul, exp.Div), "min": (exp.Add, exp.Sub, exp.Mul, exp.Div), "max": (exp.Add, exp.Sub, exp.Mul, exp.Div)}
OTHER_END = {"min": "max", "max": "min"}


def moved_out(node: exp.Expr, name: str) -> exp.Expr | None:
    """sum(x * 2) as sum(x) * 2: ClickHouse does so before it counts, and its rounding, overflow and empty sets are those of the second."""
    inside = node.expressions[0].unnest() if isinstance(node, exp.Anonymous) and len(node.expressions) == 1 else None
    if type(inside) not in MOVED.get(name, ()):
        return None
    left, right = (_is_constant(side) for side in (inside.this, inside.expression))
    if left == right or (left and isinstance(inside, exp.Div)):
        return None
    constant = inside.this if left else inside.expression
    swapped = isinstance(inside, exp.Sub) if left else False
    if isinstance(inside, (exp.Mul, exp.Div)):
        swapped = isinstance(constant.unnest(), exp.Neg)
    made = node.copy()
    made.set("this", OTHER_END.get(name, name) if swapped else name)
    made.set("expressions", [(inside.expression if left else inside.this).copy()])
    return type(inside)(this=constant.copy() if left else made, expression=made if left else constant.copy())


def _is_constant(node: exp.Expr) -> bool:
    return not isinstance(node, exp.Interval) and not any(isinstance(each, (exp.Column, exp.Query, exp.Interval)) for each in node.walk())
