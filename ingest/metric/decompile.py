"""A free formula out of the SQL that it makes."""

from collections.abc import Iterator
from decimal import Decimal

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.clickhouse.dialect import AsWritten
from ingest.metric.forms import name_of
from ingest.metric.nodes import number

NAMES = {"sumkahan": "sum", "uniqexact": "count_distinct"}


def formulas(shown: exp.Expression, table: Table) -> Iterator[dict[str, object]]:
    """Formulas that may make this SQL: with its rounding and without, for each event where all of it is added up, and as it stands."""
    for each in (*_inside(shown), shown):
        plain = _bare(each.copy(), table)
        if isinstance(plain, exp.Anonymous) and plain.name == "sum" and len(plain.expressions) == 1:
            yield _formula(plain.expressions[0])
        yield _formula(plain)


def _formula(plain: exp.Expression) -> dict[str, object]:
    return {"function": "expression", "formula": plain.unnest().sql(dialect=AsWritten)}


def _inside(shown: exp.Expression) -> list[exp.Expression]:
    """What is rounded, where the whole is."""
    if isinstance(shown, exp.Anonymous) and shown.name.lower() in ("round", "roundbankers", "trunc"):
        return [shown.expressions[0]]
    if isinstance(shown, exp.Case):
        return [shown.args["default"].expressions[0]] if isinstance(shown.args.get("default"), exp.Anonymous) and shown.args["default"].expressions else []
    return [shown.this.expressions[0]] if _half_up(shown) is not None else []


def _half_up(node: exp.Expression) -> int | None:
    """The digits to which this rounds a float."""
    if isinstance(node, exp.Mul) and isinstance(node.this, exp.Anonymous) and node.this.name.lower() == "sign" and isinstance(node.expression.unnest(), exp.Div):
        factor = node.expression.unnest().expression
        return len(factor.name) - 1 if isinstance(factor, exp.Literal) and factor.is_int else None
    return None


def _bare(node: exp.Expression, table: Table) -> exp.Expression:
    """The SQL without what keeps it exact, as one would write it in a formula."""
    if (digits := _half_up(node)) is not None:
        return exp.Anonymous(this="round", expressions=[_bare(node.this.expressions[0], table), number(digits)])
    if isinstance(node, exp.Div) and (averaged := _averaged(node, table)) is not None:
        return averaged
    if isinstance(node, exp.Column):
        return exp.column(exp.to_identifier(name_of(node, table), quoted=None if name_of(node, table).isidentifier() else True))
    if isinstance(node, exp.Anonymous):
        return _called(node, table)
    if isinstance(node, exp.Case) and len(node.args["ifs"]) == 1 and node.args.get("default") is not None:
        first = node.args["ifs"][0]
        return exp.Anonymous(this="if", expressions=[_bare(each, table) for each in (first.this, first.args["true"], node.args["default"])])
    for key, value in list(node.args.items()):
        if isinstance(value, exp.Expression):
            node.set(key, _bare(value, table))
    return node


def _called(node: exp.Anonymous, table: Table) -> exp.Expression:
    name, values = node.name.lower(), node.expressions
    if name in ("todecimal256", "tofloat64", "tostring") and values:
        inner = values[0]
        if isinstance(inner, exp.Literal) and inner.is_string and name == "todecimal256":
            return number(Decimal(inner.this))
        return _bare(inner, table)
    if name == "nullif" or name == "coalesce" and len(values) == 2 and isinstance(values[1], exp.Literal):
        return _bare(values[0], table)
    return exp.Anonymous(this=NAMES.get(name, name), expressions=[_bare(each, table) for each in values])


def _averaged(node: exp.Div, table: Table) -> exp.Anonymous | None:
    """An average, which is a sum over a count."""
    above, below = _bare(node.this.copy(), table), _bare(node.expression.copy(), table)
    both = isinstance(above, exp.Anonymous) and isinstance(below, exp.Anonymous) and (above.name, below.name) == ("sum", "count")
    return exp.Anonymous(this="avg", expressions=above.expressions) if both and above.expressions == below.expressions else None
