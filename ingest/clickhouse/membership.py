"""IN: whether a value is among others, as ClickHouse compares and as it treats nulls."""

from sqlglot import exp

from ingest.clickhouse import conditions
from ingest.clickhouse.convert import literal_as
from ingest.clickhouse.dialect import duck, function, text
from ingest.clickhouse.scope import Scope
from ingest.clickhouse.types import STRING, Type
from ingest.clickhouse.values import Call, Value, as_float, mistake, truth_value


def member(call: Call, value: Value, other: Value) -> exp.Expr:
    """Whether a value is this member of a list: Float64 by their bits, so that -0 isn't 0; decimals by the digits as written."""
    if value.type.is_decimal and other.type.is_float and other.constant is not None:
        other = literal_as(Value(text(other.constant), STRING, constant=other.constant), Type("Decimal", digits=38, scale=value.type.scale), call.node)
    same = conditions.compare(call, "=", value, other).sql
    return duck(":same and signbit(:x) = signbit(:y)", same=same, x=value.sql, y=as_float(other)) if value.type.is_float and other.type.is_number else same


def answer(value: Value, found: exp.Expr, negated: bool) -> Value:
    if value.parts:
        found = duck("coalesce(:found, false)", found=found)
    kept = duck("case when :v is not null then :found end", v=value.sql, found=found) if value.nullable else found
    return truth_value(duck("not :x", x=kept) if negated else kept, value)


def among(call: Call, node: exp.In, scope: Scope, negated: bool) -> Value:
    """A null in the SELECT is equal to nothing, and takes nothing away from NOT IN."""
    value, relation = call.args[0], scope.subquery(node.args["query"])
    parts = value.parts or (value,)
    if len(relation.columns) != len(parts):
        raise mistake(node, f"The SELECT of IN must have {len(parts)} column{'s' if len(parts) > 1 else ''}.")
    for part, column in zip(parts, relation.columns, strict=True):
        if part.type.name != column.type.name and not (part.type.is_number and column.type.is_number and not part.type.is_float and not column.type.is_float):
            raise mistake(node, f"{part.type} can't be looked for among {column.type}.", "Convert one of them.")
    inner = [exp.column(each.kept_as, table="these", quoted=True) for each in relation.columns]
    sought, found = (value.sql, inner[0]) if not value.parts else (function("row", *(each.sql for each in parts)), function("row", *inner))
    listed = exp.select(found).from_(exp.Subquery(this=relation.sql, alias=exp.TableAlias(this=exp.to_identifier("these", quoted=True)))).where(*(duck(":x is not null", x=each) for each in inner))
    return answer(value, exp.In(this=sought, query=exp.Subquery(this=listed)), negated)
