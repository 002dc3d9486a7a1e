"""What an SQL text says, apart from how it is written: two texts that say the same in other letters, quotes, brackets or order have the same form."""

from decimal import Decimal

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.metric.columns import DATA, plain
from ingest.values.exact import WIDE

Form = tuple
AGGREGATES = {"sum", "sumkahan", "count", "avg", "min", "max", "uniqexact", "argmax", "argmin", "quantileexactinclusive"}
SAME = {"date": "todate32", "todate": "todate32", "ifnull": "coalesce", "sumkahan": "sum", "ceiling": "ceil", "truncate": "trunc"}
"""Functions that come to the same here: a plain date wraps around before 1970 only, and adding up floats differs in their last digit."""
ZERO = ("number", Decimal(0))


def form(node: object, table: Table) -> Form:
    """The form of a piece of SQL over the table."""
    made = next((make for kind, make in FORMS.items() if isinstance(node, kind)), None)
    if made is not None:
        return made(node, table)
    if isinstance(node, exp.Expression):
        return (type(node).__name__, *((key, form(value, table)) for key, value in sorted(node.args.items()) if value not in (None, False, [])))
    return tuple(form(each, table) for each in node) if isinstance(node, list) else (str(node),)


def conjuncts(node: exp.Expression | None) -> list[exp.Expression]:
    """The conditions that all have to hold; a period given as one BETWEEN is two."""
    if node is None:
        return []
    bare = node.unnest()
    if isinstance(bare, exp.And):
        return [*conjuncts(bare.left), *conjuncts(bare.right)]
    if isinstance(bare, exp.Between) and bare.find(exp.Placeholder):
        return [exp.GTE(this=bare.this.copy(), expression=bare.args["low"].copy()), exp.LTE(this=bare.this.copy(), expression=bare.args["high"].copy())]
    return [bare]


def name_of(node: exp.Column, table: Table) -> str:
    """The field that a column names, in whichever way: data.x, "data.x", t.customer_id."""
    parts = [part.name for part in node.parts]
    return plain(".".join(parts[1:] if parts[0] == table.name else parts))


def groups_of(select: exp.Select, table: Table) -> list[exp.Expression]:
    """What a query groups by; a position or an alias is what it stands for."""
    named = {each.alias: each.this for each in select.expressions if isinstance(each, exp.Alias)}
    group = select.args.get("group")
    found = []
    for each in group.expressions if group else []:
        if isinstance(each, exp.Literal) and each.is_int and 1 <= int(each.this) <= len(select.expressions):
            found.append(select.expressions[int(each.this) - 1].unalias())
        else:
            found.append(named.get(each.name, each) if isinstance(each, exp.Column) and not each.table else each)
    return found


def _column(node: exp.Column, table: Table) -> Form:
    name = name_of(node, table)
    return ("column", name if f"{DATA}.{name}" in table.columns or name in table.columns else node.sql())


def _literal(node: exp.Literal, table: Table) -> Form:
    return ("text", node.this) if node.is_string else ("number", WIDE.normalize(Decimal(node.this)))


def _call(node: exp.Anonymous, table: Table) -> Form:
    name = node.name.lower()
    name, values = SAME.get(name, name), [form(each, table) for each in node.expressions if not isinstance(each, exp.Star)]
    if name == "count" and values and values[0][0] == "Distinct":
        return ("call", "uniqexact", *values[0][1][1])
    if name == "todate32" and len(values) == 1 and _is_time(values[0], table):
        values.append(("text", "UTC"))
    if name == "coalesce" and len(values) == 2 and values[1] == ZERO and _aggregates(node):
        return values[0]
    return _as_text(values[0], table) if name == "tostring" and len(values) == 1 else ("call", name, *values)


def _as_text(value: Form, table: Table) -> Form:
    """Text stays text; a template is one."""
    is_text = value[0] == "template" or value[0] == "column" and "String" in table.columns.get(value[1], table.columns.get(f"{DATA}.{value[1]}", ""))
    return value if is_text else ("call", "tostring", value)


def _cast(node: exp.Cast, table: Table) -> Form:
    value = form(node.this, table)
    return _as_text(value, table) if node.to.this == exp.DType.TEXT else ("cast", value, node.to.sql())


def _is_time(value: Form, table: Table) -> bool:
    return value[0] == "column" and "DateTime64" in table.columns.get(value[1], table.columns.get(f"{DATA}.{value[1]}", ""))


def _aggregates(node: exp.Expression) -> bool:
    return any(each.name.lower() in AGGREGATES for each in node.find_all(exp.Anonymous, exp.ParameterizedAgg))


def _joined(node: exp.Connector, table: Table) -> Form:
    kind = type(node)
    return (kind.__name__, *sorted((form(each, table) for each in node.flatten()), key=repr))


def _choice(node: exp.Case, table: Table) -> Form:
    branches = [(form(each.this, table), form(each.args["true"], table)) for each in node.args["ifs"]]
    return ("if", *branches, form(node.args.get("default"), table))


def _if(node: exp.If, table: Table) -> Form:
    return ("if", (form(node.this, table), form(node.args["true"], table)), form(node.args.get("false"), table))


def _division(node: exp.Div, table: Table) -> Form:
    """A sum over a count of the same is an average."""
    above, below = form(node.this, table), form(node.expression, table)
    if above[:2] == ("call", "sum") and below == ("call", "count", *above[2:]):
        return ("call", "avg", *above[2:])
    return ("Div", above, below)


def _table(node: exp.Table, table: Table) -> Form:
    return ("table", node.name)


def _select(node: exp.Select, table: Table) -> Form:
    where = node.args.get("where")
    others = {key: value for key, value in node.args.items() if key not in ("expressions", "from_", "where", "group") and value}
    return (
        "select", tuple((_heading(each.alias_or_name), form(each.unalias(), table)) for each in node.expressions), form(node.args.get("from_"), table),
        tuple(sorted((form(each, table) for each in conjuncts(where.this if where else None)), key=repr)), tuple(sorted((form(each, table) for each in groups_of(node, table)), key=repr)),
        *((key, form(value, table)) for key, value in sorted(others.items())),
    )


def _heading(name: str) -> str:
    """A column's name where it matters: a dimension may go by its own."""
    return name if name == "quantity" or name.startswith("_") else ""


FORMS = {
    exp.Paren: lambda node, table: form(node.this, table), exp.Column: _column, exp.Literal: _literal, exp.Anonymous: _call, exp.Cast: _cast, exp.Placeholder: lambda node, table: ("template", node.name),
    exp.And: _joined, exp.Or: _joined, exp.Case: _choice, exp.If: _if, exp.Div: _division, exp.Table: _table, exp.Select: _select, exp.Identifier: lambda node, table: ("name", node.name),
}
