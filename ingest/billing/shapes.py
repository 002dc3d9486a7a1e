"""The API's JSON ⇄ our records."""

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from schemas.billing import Filter
from schemas.event_type import FIELD_TYPES, ROOT_FIELDS, EventType, Field, FieldType
from schemas.metric import AggregateBody, Dimension, Estimate, Registered

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


def aggregate_body(metric: AggregateBody) -> bytes:
    """The body that creates or changes an aggregate."""
    return metric.model_dump_json(include=set(AggregateBody.model_fields)).encode()


def registered_of(document: dict[str, object]) -> Registered:
    """An aggregate as our record; keys that are absent or null are empty."""
    texts = {name: _text(document.get(name)) or "" for name in ("id", "name", "dataschema", "aggregation_query", "cust_agg_query", "datasource")}
    builder = document.get("visual_query_builder")
    return Registered(**texts, visual_query_builder=builder if isinstance(builder, dict) else {})


def estimate_of(document: object) -> Estimate:
    """The quantities of an estimate by dimension: of one object or an array of them; numbers may be texts, and a value without fields is the quantity itself. Raises ValueError for anything else."""
    if isinstance(document, list):
        return {dimension: quantity for each in document for dimension, quantity in estimate_of(each).items()}
    if not isinstance(document, dict) or "value" not in document:
        raise ValueError("no value")
    value = document["value"]
    if isinstance(value, dict):
        fields = value.get("fields") if "fields" in value else [value] if value else []
        return dict(_quantity_of(each) for each in fields or [])
    return {} if value is None else {(): _number(value)}


def _quantity_of(field: dict[str, object]) -> tuple[Dimension, Decimal | None]:
    """One entry: its dimension is `dimension`, a value or a list of them, else whatever stands beside the quantity."""
    given = field["dimension"] if "dimension" in field else [value for name, value in field.items() if name != "quantity"]
    return tuple(map(_plain, given if isinstance(given, list) else [given])), _number(field["quantity"])


def _plain(value: object) -> str | None:
    """A dimension's value as text, truths and numbers as JSON writes them."""
    return value if value is None or isinstance(value, str) else str(value).lower()


def _number(value: object) -> Decimal | None:
    """None for null, and for what is no number of a quantity, such as NaN."""
    try:
        number = None if value is None else Decimal(str(value))
    except InvalidOperation:
        raise ValueError("a quantity that isn't a number") from None
    return number if number is not None and number.is_finite() else None


def _filter(each: Filter) -> dict[str, object]:
    """Decimals go as text, since JSON's own numbers would pass through a float on the way."""
    return {"column": each.column, "operator": each.operator, "value": format(each.value, "f") if isinstance(each.value, Decimal) else each.value}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
