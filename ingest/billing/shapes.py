"""The API's JSON ⇄ our records."""

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from schemas.billing import Filter
from schemas.event_type import FIELD_TYPES, ROOT_FIELDS, EventType, Field, FieldType

WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.+)\)")
TYPES: tuple[tuple[str, FieldType], ...] = (
    ("bool", "Bool"), ("string", "String"), ("int", "Int64"), ("uint", "Int64"), ("float", "Float64"), ("double", "Float64"), ("decimal", "Decimal"),
    ("datetime", "DateTime64"), ("timestamp", "DateTime64"), ("date", "Date32"), ("uuid", "UUID"),
)
"""How the names of types begin, in lower case, and what they are to us. The first that fits counts."""


def event_type_of(metric: dict[str, object]) -> EventType:
    """A raw metric as our event type. Fields of types we can't fill (arrays) are left out: data fields are never mandatory."""
    schema = metric.get("dataschema")
    if isinstance(schema, str):
        schema = json.loads(schema)
    schema = schema if isinstance(schema, dict) else {}
    data = schema.get("data") if isinstance(schema.get("data"), dict) else {name: kind for name, kind in schema.items() if name not in (*ROOT_FIELDS, "data")}
    fields = tuple(Field(name=name, type=known) for name, kind in data.items() if (known := field_type(kind)) and name not in ROOT_FIELDS)
    return EventType(name=str(metric.get("name") or metric["api_slug"]), slug=str(metric["api_slug"]), fields=fields, id=_text(metric.get("id")))


def field_type(written: object) -> FieldType | None:
    """Our type for one of the API's, whose older and wrapped names are known too; None for one that we can't fill."""
    name = str(written)
    while wrapped := WRAPPED.fullmatch(name):
        name = wrapped[1]
    if name in FIELD_TYPES:
        return name
    return next((ours for start, ours in TYPES if name.lower().startswith(start)), None)


def metric_body(event_type: EventType) -> bytes:
    """The body that creates an event type, in the form of `apiversion` 20240301."""
    return json.dumps({
        "name": event_type.name,
        "api_slug": event_type.slug,
        "dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {field.name: field.type for field in event_type.fields}},
        "column_order": ["timestamp"],
        "connector": "push_to_zenskar",
        "api_type": "PUSH",
    }).encode()


def preview_body(slug: str, filters: Iterable[Filter], *, limit: int, offset: int, order_by: str | None = None, operation: dict[str, object] | None = None) -> bytes:
    """The body of a visual query. `order_by` is a column; a minus before it means descending."""
    order = [{"column": order_by.removeprefix("-"), "type": "DESC" if order_by.startswith("-") else "ASC"}] if order_by else []
    return json.dumps({
        "limit": limit, "offset": offset, "order_by": order, "aggregate_operation": operation,
        "customer_mapping": None, "start_date_mapping": None, "end_date_mapping": None,
        "table_name": f"raw_metric_{slug}",
        "visual_query": {"logic": "AND", "groups": [{"logic": "AND", "filters": [_filter(each) for each in filters]}]},
    }).encode()


def operation_of(operation: str, column: str, group_by: Sequence[str]) -> dict[str, object]:
    """An `aggregate_operation`."""
    return {"operation": operation, "column": column, "group_by": list(group_by)}


def _filter(each: Filter) -> dict[str, object]:
    """Decimals go as text, since JSON's own numbers would pass through a float on the way."""
    return {"column": each.column, "operator": each.operator, "value": format(each.value, "f") if isinstance(each.value, Decimal) else each.value}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
