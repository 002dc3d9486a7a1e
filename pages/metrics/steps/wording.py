"""The builder's words: what functions and comparisons are called, and which of them fit a field's type."""

from ingest.metric.filters import ALONE, FITTING, SAME
from pages.parts.text import plain, shorten
from schemas.event_type import NUMERIC_TYPES, OUR_FIELDS, EventType, FieldType
from schemas.metric import MetricFunction, Operator

FUNCTIONS: dict[MetricFunction, tuple[str, str]] = {
    "sum": ("Total", "Adds up the values of a column."),
    "count": ("Number of events", "Counts the events; with a column, only those in which it is filled in."),
    "count_distinct": ("Number of different values", "Counts every value once, such as the users who were active."),
    "avg": ("Average", "The total divided by the number of values."),
    "min": ("Smallest", "The smallest value of the period."),
    "max": ("Largest", "The largest value of the period, such as peak users."),
    "latest": ("Latest", "The value of the newest event; of two at the same moment, the one with the greater event id."),
    "earliest": ("Earliest", "The value of the oldest event; of two at the same moment, the one with the smaller event id."),
    "percentile": ("Percentile", "The value that so many percent of all values don't exceed, such as the p95 of a latency; between two neighbours as a spreadsheet's PERCENTILE has it."),
    "weighted_sum": ("Level over time", "For levels such as seats or stored GB: each counts for as long as it held. Makes GB-hours of GB, or the average over the period."),
    "sum_product": ("Total of one column times another", "Multiplies two columns of every event and adds that up, such as hours × cores."),
    "expression": ("Formula of your own", "Calculates with columns and totals, such as sum(cpu_hours) * 2 + max(users)."),
}
PER = {"second": "per second", "minute": "per minute", "hour": "per hour (GB-hours)", "day": "per day (GB-days)", "period": "average over the period"}
MODES = {"half_up": "to the nearest, halves away from zero", "half_even": "to the nearest, halves to the even digit", "up": "away from zero", "down": "towards zero"}
COLUMNS = {"external_id": "the customer's external id", "id": "the billing system's own id of the customer"}
_OPERATORS: dict[Operator, str] = {
    "equals": "is", "not_equals": "is not", "in": "is one of", "not_in": "is none of", "gt": "is more than", "gte": "is at least", "lt": "is less than", "lte": "is at most", "between": "is between",
    "contains": "contains", "not_contains": "doesn't contain", "starts_with": "starts with", "ends_with": "ends with", "is_empty": "is empty", "is_not_empty": "is filled in",
}
_IN_TIME: dict[Operator, str] = {"gt": "is after", "gte": "is at or after", "lt": "is before", "lte": "is at or before"}
_SPOKEN = {"customer_id": "customer", "timestamp": "time of the event", "customer": "customer", "day": "day", "month": "month"}


def function(name: MetricFunction) -> str:
    """A function as people call it."""
    return FUNCTIONS[name][0]


def fitting(kind: FieldType) -> tuple[Operator, ...]:
    """The comparisons offered for a type of field, the likely one first: for what is counted in order, more and less."""
    return tuple(sorted(FITTING[kind], key=lambda each: (each in ALONE, kind == "DateTime64" and each in SAME)))


def operator(name: Operator, kind: FieldType) -> str:
    """A comparison as people say it of this type."""
    return (kind in ("Date32", "DateTime64") and _IN_TIME.get(name)) or _OPERATORS[name]


def field(name: str) -> str:
    """A field as people call it, for lists and headings that show any text as it is."""
    return _SPOKEN.get(name) or shorten(name, 60)


def said(name: str) -> str:
    """A field as people call it, for Markdown."""
    return plain(field(name))


def heading(name: str) -> str:
    """A column of a preview as its heading."""
    return {"customer_id": "Customer", "day": "Day", "month": "Month", "quantity": "Quantity"}.get(name, name)


def types(kind: EventType) -> dict[str, FieldType]:
    """The fields of an event type that people know, the two that every event has first."""
    return {"customer_id": "String", "timestamp": "DateTime64", **{each.name: each.type for each in kind.usage_fields if each.name not in OUR_FIELDS}}


def numbers(kind: EventType) -> list[str]:
    """The fields that can be calculated with."""
    return [name for name, each in types(kind).items() if each in NUMERIC_TYPES]


def dimensions(kind: EventType) -> list[str]:
    """The fields that quantities can be divided by."""
    return [name for name, each in types(kind).items() if name not in ("customer_id", "timestamp") and each not in ("Float64", "Decimal", "DateTime64")]


def dates(kind: EventType) -> list[str]:
    """The fields that say when."""
    return [name for name, each in types(kind).items() if each in ("Date32", "DateTime64")]


def texts(kind: EventType) -> list[str]:
    """The fields that may name a customer."""
    return [name for name, each in types(kind).items() if each in ("String", "UUID")]
