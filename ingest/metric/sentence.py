"""What a metric does, in plain words."""

import re
from decimal import Decimal

from ingest.metric import left_out
from ingest.metric.columns import plain
from ingest.metric.filters import WORDS
from schemas.metric import Condition, Filters, Metric, MetricFunction, Rounding, Scalar

STARTS: dict[MetricFunction, str] = {
    "sum": "Adds up {field} of", "avg": "Averages {field} over", "min": "Takes the lowest {field} of", "max": "Takes the highest {field} of", "latest": "Takes the latest {field} of",
    "earliest": "Takes the earliest {field} of", "percentile": "Takes the {p} percentile of {field} over", "count_distinct": "Counts the different values of {field} in", "sum_product": "Adds up {field} times {times} of",
}
MODES = {"half_up": "half up", "half_even": "half to even", "up": "up", "down": "down"}
AGGREGATE = re.compile(r"\b(sum|count|count_distinct|avg|min|max)\s*\(", re.IGNORECASE)


def sentence(metric: Metric) -> str:
    """What the metric does, to read to somebody: the calculation, whose and which events, for what, rounded how, and when days begin."""
    events = f"each customer's “{metric.event_type}” events"
    if metric.function is None:
        return f"Runs the metric's own SQL over {events}."
    first = f"{_calculation(metric, events)}{_where(metric.filters)}{_apart(metric.group_by)}{_rounded(metric.rounding)}."
    return " ".join([first, *_more(metric)])


def _calculation(metric: Metric, events: str) -> str:
    field = plain(metric.field or "")
    if metric.function == "count":
        return f"Counts {events}" + (f" that have a value in {field}" if field else "")
    if metric.function == "expression":
        return f"Calculates {metric.formula} over {events}" if AGGREGATE.search(metric.formula or "") else f"Calculates {metric.formula} for each event and adds it up, over {events}"
    if metric.function == "weighted_sum":
        return f"Averages {field} over the period, each value for as long as it holds, of {events}" if metric.per == "period" else f"Adds up {field} times the {metric.per}s for which it holds, of {events}"
    return f"{STARTS[metric.function].format(field=field, times=plain(metric.times or ''), p=_ordinal(metric.p))} {events}"


def _ordinal(p: Decimal | None) -> str:
    """As people say it: the 95th, the 99.9th, the 92nd."""
    number = f"{(p or Decimal(0)).normalize():f}"
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th") if "." not in number and number not in ("11", "12", "13") else "th"
    return f"{number}{ending}"


def _where(filters: Filters | None) -> str:
    return f" where {_group(filters)}" if filters is not None and _parts(filters) else ""


def _parts(group: Filters) -> tuple[Condition | Filters, ...]:
    return group.all if group.all is not None else group.any or ()


def _group(group: Filters) -> str:
    said = [_condition(each) if isinstance(each, Condition) else f"({_group(each)})" if len(_parts(each)) > 1 else _group(each) for each in _parts(group)]
    return (" and " if group.all is not None else " or ").join(said)


def _condition(condition: Condition) -> str:
    words, value = f"{plain(condition.field)} {WORDS[condition.operator]}", condition.value
    if value is None:
        return words
    if isinstance(value, tuple):
        joint = " and " if condition.operator == "between" else " or "
        shown = [_value(each) for each in value]
        return f"{words} {joint.join([', '.join(shown[:-1]), shown[-1]]) if len(shown) > 1 else ''.join(shown)}"
    return f"{words} {_value(value)}"


def _value(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value) or "an empty text"


def _apart(dimensions: tuple[str, ...]) -> str:
    names = [plain(each) for each in dimensions]
    return f", for each {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}" if names else ""


def _rounded(rule: Rounding | None) -> str:
    if rule is None:
        return ""
    digits = f"{rule.digits} digit{'' if rule.digits == 1 else 's'}" if rule.digits else "whole numbers"
    return f"; rounded to {digits}, {MODES[rule.mode]}"


def _more(metric: Metric) -> list[str]:
    """What else one has to know: who the customer is, which column says when, which events are left out, and when days begin."""
    said = []
    if metric.customer.field != "customer_id" or metric.customer.column == "id":
        said.append(f"The customer is the one whose {'external id' if metric.customer.column == 'external_id' else 'id'} is in {plain(metric.customer.field)}.")
    if plain(metric.date) != "timestamp":
        said.append(f"{plain(metric.date)} says in which period an event falls.")
    if metric.function == "weighted_sum":
        said.append("A value holds until the customer's next event; the last one before the period counts from its beginning.")
    if empty := left_out.fields(metric):
        said.append(f"Events without {' or without '.join(empty)} don't count.")
    place = metric.zone.rpartition("/")[2].replace("_", " ")
    return [*said, f"Days begin at midnight {place if place == 'UTC' else f'in {place}'}."]
