"""Which events a metric leaves out because a value is missing: one might think that they count as 0, or that they meet a condition such as "is not"."""

from collections.abc import Iterator

from ingest.metric.columns import plain
from schemas.metric import Condition, Filters, Metric

SKIPS_EMPTY = ("avg", "percentile")
"""Functions in which an empty value changes the answer by not being a 0."""
SILENT = ("not_equals", "not_in", "not_contains")
"""Conditions that one might think an empty value meets."""


def fields(metric: Metric) -> list[str]:
    """The fields without which an event is left out."""
    own = [plain(metric.field)] if metric.function in SKIPS_EMPTY and metric.field else []
    return list(dict.fromkeys((*own, *_negated(metric.filters))))


def counts(metric: Metric) -> Iterator[tuple[str, Metric, Metric]]:
    """For each of these fields a count of all events and a count of those that have it; among those that would count otherwise, where it is the field that is calculated."""
    for name in fields(metric):
        kept = metric.filters if name not in _negated(metric.filters) else None
        everything = Metric(name=metric.name, event_type=metric.event_type, function="count", filters=kept, customer=metric.customer, date=metric.date, zone=metric.zone)
        yield name, everything, everything.model_copy(update={"field": name})


def _negated(filters: Filters | None) -> list[str]:
    """The fields of conditions that have to hold and that one might think an empty value meets."""
    parts = filters.all or () if filters is not None else ()
    return [name for each in parts for name in ([plain(each.field)] if isinstance(each, Condition) and each.operator in SILENT else _negated(each) if isinstance(each, Filters) else [])]
