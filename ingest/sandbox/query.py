"""Reading events back: `POST /aggregate/visualquery/preview`, and an event type's logs.

Rows come as `{"customer_id", "timestamp", "data": {…}}` in the order they arrived unless `order_by` says otherwise; totals as `{<group>: …, "value": …}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal

import duckdb

from ingest.sandbox.fields import NUMBER, Kind, kind, read_moment
from ingest.sandbox.paging import LARGEST, Page, page_of_body
from ingest.sandbox.replies import Raw, bad_request, invalid_field, not_found, text, timestamp_text
from ingest.sandbox.store import Metric, Store

MOST_GROUPS = 100_000
DEEPEST = 5
"""How far groups of filters may be nested."""
AVERAGE = Context(prec=38)
COMPARISONS = {"equals": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPERATORS = (*COMPARISONS, "not_equals", "in", "contains", "is_null")
OPERATIONS = {"COUNT": "count({})", "COUNT_DISTINCT": "count(distinct {})", "SUM": "coalesce(sum({}), 0)", "AVG": "avg({})", "MIN": "min({})", "MAX": "max({})"}


@dataclass
class Condition:
    """A piece of SQL and its parameters."""

    sql: str = "true"
    values: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    """A column as requests name it, as SQL, and its type."""

    name: str
    sql: str
    kind: Kind


def preview(store: Store, body: Mapping[str, object], readable_until: datetime) -> dict[str, object]:
    """The list wrapper with rows, or with totals where the body has an aggregate_operation."""
    metric = _metric(store, body.get("table_name"))
    condition = _everything(metric, body, readable_until)
    operation = body.get("aggregate_operation")
    if not operation:
        return _rows(store, metric, condition, page_of_body(body, 10, LARGEST), _order(metric, body.get("order_by")))
    if not isinstance(operation, dict):
        raise invalid_field("body", "aggregate_operation", "value is not a valid dict", "type_error.dict")
    try:
        return _totals(store, metric, condition, operation, body)
    except duckdb.OutOfRangeException:
        raise bad_request("The total doesn't fit into 38 digits") from None


def newest_rows(store: Store, metric: Metric, readable_until: datetime, conditions: Sequence[Condition] = (), most: int = 100) -> dict[str, object]:
    """The rows that came last, of those that the conditions hold for."""
    return _rows(store, metric, _all("AND", [Condition("stored_at <= ?", [readable_until]), *conditions]), Page(most), "order by rowid desc")


def readable_until(now: datetime, lag_seconds: float) -> datetime:
    """Events stored later than this can't be read yet."""
    return now - timedelta(seconds=lag_seconds) if lag_seconds else datetime.max


def _metric(store: Store, table_name: object) -> Metric:
    if not isinstance(table_name, str):
        raise invalid_field("body", "table_name", "field required", "value_error.missing")
    metric = store.metric(table_name.removeprefix("raw_metric_")) if table_name.startswith("raw_metric_") else None
    if metric is None:
        raise not_found(f"Table '{table_name}' was not found")
    return metric


def _everything(metric: Metric, body: Mapping[str, object], until: datetime) -> Condition:
    asked = body.get("visual_query") or {}
    return _all("AND", [Condition("stored_at <= ?", [until]), _group(metric, asked, 0), *_filters(metric, body.get("filters"))])


def _group(metric: Metric, group: object, depth: int) -> Condition:
    """`{"logic", "filters", "groups"}`; an empty one holds for every row."""
    if not isinstance(group, dict) or depth > DEEPEST:
        raise invalid_field("body", "visual_query", "groups of filters are objects, not too deeply nested", "type_error.dict")
    logic = str(group.get("logic") or "AND").upper()
    if logic not in ("AND", "OR"):
        raise invalid_field("body", "logic", "AND or OR is expected", "value_error.const")
    groups = _list(group.get("groups"), "groups")
    parts = [_group(metric, each, depth + 1) for each in groups] + _filters(metric, group.get("filters"))
    return _all(logic, [part for part in parts if part.sql != "true"])


def _filters(metric: Metric, filters: object) -> list[Condition]:
    return [_filter(metric, each) for each in _list(filters, "filters")]


def _all(logic: str, parts: list[Condition]) -> Condition:
    if not parts:
        return Condition()
    return Condition("(" + f" {logic} ".join(part.sql for part in parts) + ")", [value for part in parts for value in part.values])


def _list(value: object, name: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_field("body", name, "value is not a valid list", "type_error.list")
    return value


def _filter(metric: Metric, asked: object) -> Condition:
    if not isinstance(asked, dict):
        raise invalid_field("body", "filters", "a filter has column, operator and value", "type_error.dict")
    column, operator, value = _column(metric, asked.get("column")), asked.get("operator"), asked.get("value")
    if operator == "is_null":
        return Condition(f"{column.sql} is {'not ' if value is False else ''}null")
    if operator == "in":
        values = [_comparable(column, each) for each in _list(value, "value")]
        return Condition(f"{column.sql} in ({', '.join([_parameter(column)] * len(values))})", values) if values else Condition("false")
    if operator == "contains" and isinstance(value, str):
        return Condition(f"contains(cast({column.sql} as varchar), ?)", [value])
    if operator == "not_equals":
        return Condition(f"{column.sql} is distinct from {_parameter(column)}", [_comparable(column, value)])
    if not isinstance(operator, str) or operator not in COMPARISONS:
        raise invalid_field("body", "operator", f"expected one of {', '.join(OPERATORS)}, with a value that suits it", "value_error.const")
    return Condition(f"{column.sql} {COMPARISONS[operator]} {_parameter(column)}", [_comparable(column, value)])


def _parameter(column: Column) -> str:
    return f"cast(? as {column.kind.compared_as})"


def _comparable(column: Column, value: object) -> str:
    """The value as text that DuckDB casts to what the column is compared in. Refuses one of another kind."""
    try:
        if column.kind.sql == "timestamp":
            return read_moment(value)
        if column.kind.numeric:
            return _number_text(value)
        return str(column.kind.read(value)[0])
    except (ValueError, ArithmeticError) as error:
        raise invalid_field("body", "value", f"{column.name}: {error}") from None


def _number_text(value: object) -> str:
    """A number, given as one or as text; `kind("Decimal")` holds it to what can be compared."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = Decimal(value)
    return str(kind("Decimal").read(value)[0])


def _column(metric: Metric, name: object) -> Column:
    if name == "customer_id":
        return Column(name, "customer_id", kind("String"))
    if name == "timestamp":
        return Column(name, '"timestamp"', kind("DateTime64"))
    if isinstance(name, str) and name.removeprefix("data.") in metric.kinds and name.startswith("data."):
        plain = name.removeprefix("data.")
        return Column(name, metric.columns[plain], metric.kinds[plain])
    raise bad_request(f"Unknown column {name!r}; known columns are customer_id, timestamp{''.join(f', data.{each}' for each in metric.fields)}")


def _order(metric: Metric, asked: object) -> str:
    """SQL to order rows by; empty for the order they arrived in, which a scan keeps by itself."""
    columns = [f"{_column(metric, each.get('column')).sql} {_direction(each)}" for each in _dicts(asked, "order_by")]
    return f"order by {', '.join([*columns, 'rowid'])}" if columns else ""


def _dicts(asked: object, name: str) -> list[dict[str, object]]:
    values = _list(asked, name)
    if not all(isinstance(each, dict) for each in values):
        raise invalid_field("body", name, "value is not a valid dict", "type_error.dict")
    return values


def _direction(asked: dict[str, object]) -> str:
    direction = str(asked.get("type") or "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise invalid_field("body", "order_by", "ASC or DESC is expected", "value_error.const")
    return f"{direction} nulls last"


def _rows(store: Store, metric: Metric, condition: Condition, page: Page, order: str) -> dict[str, object]:
    sql = f'select customer_id, epoch_us("timestamp"), data from {metric.table} where {condition.sql} {order} limit ? offset ?'
    found = store.rows(sql, [*condition.values, page.limit, page.offset])
    is_last = 0 < len(found) < page.limit or not (found or page.offset)
    total = page.offset + len(found) if is_last else store.rows(f"select count(*) from {metric.table} where {condition.sql}", condition.values)[0][0]
    return page.wrapper([Raw(f'{{"customer_id":{text(customer)},"timestamp":"{timestamp_text(moment)}","data":{data}}}') for customer, moment, data in found], total)


def _totals(store: Store, metric: Metric, condition: Condition, asked: dict[str, object], body: Mapping[str, object]) -> dict[str, object]:
    """Totals per group, ordered by the group unless `order_by` says otherwise."""
    operation = str(asked.get("operation") or "").upper()
    if operation not in OPERATIONS:
        raise invalid_field("body", "operation", f"expected one of {', '.join(OPERATIONS)}", "value_error.const")
    column = _column(metric, asked.get("column") or ("timestamp" if operation == "COUNT" else None))
    if operation in ("SUM", "AVG") and not column.kind.numeric:
        raise bad_request(f"{operation} needs a number, but {column.name} is a {column.kind.name}")
    groups = _groups(metric, asked.get("group_by"))
    page = page_of_body(body, MOST_GROUPS, MOST_GROUPS)
    inner = f"select {''.join(f'{sql} as g{number}, ' for number, sql in enumerate(groups.values()))}{_value(operation, column)} from {metric.table} where {condition.sql} {_grouping(groups)}"
    order = ", ".join([*_group_order(body.get("order_by"), groups), *(f"g{number}" for number in range(len(groups))), "value"])
    found = store.rows(f"select *, count(*) over () from ({inner}) order by {order} limit ? offset ?", [*condition.values, page.limit, page.offset])
    names = (*groups, "value")
    results = [dict(zip(names, (*row[: len(groups)], _final(row[len(groups) : -1])), strict=True)) for row in found]
    return page.wrapper(results, found[0][-1] if found else 0)


def _groups(metric: Metric, asked: object) -> dict[str, str]:
    """The groups' SQL by the name they come back under; `date` is the day in UTC."""
    names = [asked] if isinstance(asked, str) else _list(asked, "group_by")
    return {str(name): 'cast("timestamp" as date)' if name == "date" else _column(metric, name).sql for name in names}


def _grouping(groups: dict[str, str]) -> str:
    return f"group by {', '.join(f'g{number}' for number in range(len(groups)))}" if groups else ""


def _value(operation: str, column: Column) -> str:
    """The total; an average of exact numbers as sum and count, since DuckDB would divide them as floats."""
    if operation == "AVG" and column.kind.sql != "double":
        return f"sum({column.sql}) as value, count({column.sql}) as divisor"
    if operation == "SUM" and column.kind.sql == "double":
        return f"coalesce(fsum({column.sql}), 0) as value"
    return f"{OPERATIONS[operation].format(column.sql)} as value"


def _final(value: tuple) -> object:
    if len(value) == 1:
        return value[0]
    total, count = value
    return AVERAGE.divide(Decimal(total), Decimal(count)) if count else None


def _group_order(asked: object, groups: dict[str, str]) -> list[str]:
    places = {name: f"g{number}" for number, name in enumerate(groups)} | {"value": "value"}
    return [f"{places[each['column']]} {_direction(each)}" for each in _dicts(asked, "order_by") if each.get("column") in places]
