"""A metric as it stands on the screen: half-finished at times, so less strict than the record it becomes. It travels in the address, so that a reload or a colleague sees the same."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Literal

from pages.metrics.steps import wording
from schemas.base import Frozen
from schemas.event_type import EventType, FieldType
from schemas.metric import Condition, CustomerMapping, Filters, Metric, MetricFunction, Operator, Rounding, Scalar

NO_VALUE: tuple[Operator, ...] = ("is_empty", "is_not_empty")
SEVERAL: tuple[Operator, ...] = ("in", "not_in")


class Line(Frozen):
    """One condition as it was typed."""

    id: int
    field: str
    operator: Operator = "equals"
    values: tuple[str, ...] = ()


class Group(Frozen):
    """Conditions and groups, of which all hold, or any."""

    id: int
    parts: tuple["Line | Group", ...] = ()
    kind: Literal["all", "any"] = "all"

    def ids(self) -> Iterator[int]:
        """The numbers in use."""
        yield self.id
        for part in self.parts:
            yield from part.ids() if isinstance(part, Group) else (part.id,)

    def lines(self) -> Iterator[Line]:
        """All conditions, at any depth."""
        for part in self.parts:
            yield from part.lines() if isinstance(part, Group) else (part,)

    def without(self, number: int) -> "Group":
        """The group after one part was taken out, at any depth."""
        kept = (part.without(number) if isinstance(part, Group) else part for part in self.parts if part.id != number)
        return self.model_copy(update={"parts": tuple(kept)})

    def with_part(self, into: int, part: "Line | Group") -> "Group":
        """The group after something was added at the end of the group of this number."""
        parts = tuple(each.with_part(into, part) if isinstance(each, Group) else each for each in self.parts)
        return self.model_copy(update={"parts": (*parts, part) if self.id == into else parts})


class Draft(Frozen):
    """What the form holds."""

    name: str = ""
    event_type: str = ""
    filters: Group = Group(id=0)
    customer: CustomerMapping = CustomerMapping()
    date: str = "timestamp"
    function: MetricFunction = "sum"
    field: str | None = None
    p: str = "95"
    times: str | None = None
    formula: str = ""
    per: Literal["second", "minute", "hour", "day", "period"] = "hour"
    group_by: tuple[str, ...] = ()
    digits: int | None = None
    mode: Literal["half_up", "half_even", "up", "down"] = "half_up"
    zone: str = "UTC"
    sql: str | None = None
    """What was typed in the editor; None where the form counts."""


def proposed(kind: EventType) -> Draft:
    """What is likely for an event type: the total of its first number, else the number of its events."""
    numbers = wording.numbers(kind)
    draft = Draft(event_type=kind.slug, function="sum" if numbers else "count", field=numbers[0] if numbers else None)
    return draft.model_copy(update={"name": name_of(draft, kind)})


def name_of(draft: Draft, kind: EventType) -> str:
    """The name that is proposed for what the form says: `p95 of latency by region`."""
    what = draft.field.replace("_", " ") if draft.field else kind.name
    names: dict[MetricFunction, str] = {
        "sum": what, "count": f"Number of {kind.name}", "count_distinct": f"Different values of {what}", "avg": f"Average {what}", "min": f"Smallest {what}", "max": f"Largest {what}", "latest": f"Latest {what}",
        "earliest": f"Earliest {what}", "percentile": f"p{draft.p} of {what}", "weighted_sum": f"Average {what}" if draft.per == "period" else f"{what} {draft.per}s", "sum_product": f"{what} times {(draft.times or '').replace('_', ' ')}",
        "expression": f"Formula over {kind.name}",
    }
    name = names[draft.function] + (f" by {', '.join(draft.group_by)}" if draft.group_by else "")
    return (name[:1].upper() + name[1:] if draft.function == "sum" or draft.function == "weighted_sum" else name)[:100].strip()


def renamed(before: Draft, after: Draft, kind: EventType) -> Draft:
    """The draft under its proposed name, as long as nobody gave it another."""
    return after.model_copy(update={"name": name_of(after, kind)}) if before.name == name_of(before, kind) else after


def of(metric: Metric) -> Draft:
    """The form of a metric."""
    numbers = iter(range(1, 10_000))
    return Draft(
        name=metric.name, event_type=metric.event_type, filters=_group(metric.filters, numbers) if metric.filters else Group(id=0), customer=metric.customer, date=metric.date, function=metric.function or "sum",
        field=metric.field, p=str(metric.p) if metric.p is not None else "95", times=metric.times, formula=metric.formula or "", per=metric.per, group_by=metric.group_by,
        digits=metric.rounding.digits if metric.rounding else None, mode=metric.rounding.mode if metric.rounding else "half_up", zone=metric.zone, sql=metric.sql,
    )


def metric_of(draft: Draft, kind: EventType) -> tuple[Metric | None, list[str]]:
    """The metric, without conditions that are not finished, and what is left to do, a sentence each."""
    types, problems = wording.types(kind), []
    common = {"name": draft.name.strip() or "New metric", "event_type": draft.event_type, "customer": draft.customer, "date": draft.date, "group_by": draft.group_by, "zone": draft.zone}
    common["rounding"] = Rounding(digits=draft.digits, mode=draft.mode) if draft.digits is not None else None
    if not draft.name.strip():
        problems.append("Give the metric a name.")
    if draft.sql is not None:
        return (Metric(**common, sql=draft.sql), problems) if draft.sql.strip() else (None, ["Write a query."])
    filters = _filters(draft.filters, types, problems)
    needed, missing = _calculation(draft)
    if missing:
        return None, [*problems, missing]
    return Metric(**common, function=draft.function, filters=filters, **needed), list(dict.fromkeys(problems))


def _group(filters: Filters, numbers: Iterator[int]) -> Group:
    """The form's group of a metric's filters; the outermost is number 0."""
    number = next(numbers) - 1
    parts = tuple(_group(part, numbers) if isinstance(part, Filters) else Line(id=next(numbers) - 1, field=part.field.removeprefix("data."), operator=part.operator, values=_texts(part.value)) for part in filters.all or filters.any or ())
    return Group(id=number, kind="any" if filters.any is not None else "all", parts=parts)


def _texts(value: Scalar | tuple[Scalar, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(each).lower() if isinstance(each, bool) else f"{each:f}" if isinstance(each, Decimal) else str(each) for each in (value if isinstance(value, tuple) else (value,)))


def _filters(group: Group, types: dict[str, FieldType], problems: list[str]) -> Filters | None:
    parts = tuple(found for part in group.parts if (found := _filters(part, types, problems) if isinstance(part, Group) else _condition(part, types, problems)) is not None)
    if not parts:
        return None
    return Filters(any=parts) if group.kind == "any" else Filters(all=parts)


def _condition(line: Line, types: dict[str, FieldType], problems: list[str]) -> Condition | None:
    """The condition; None, and why, while it isn't finished."""
    name = line.field
    if name not in types:
        problems.append(f"There is no column {name!r} in this kind of usage: choose another one, or take the condition out.")
        return None
    if line.operator in NO_VALUE:
        return Condition(field=name, operator=line.operator)
    wanted = 2 if line.operator == "between" else 1
    typed = [value for value in line.values if value.strip()] if line.operator in SEVERAL or line.operator == "between" else [value for value in line.values if value != ""]
    if len(typed) < wanted:
        problems.append(f"The condition on {wording.field(name)} has no value yet, so it doesn't count.")
        return None
    try:
        values = tuple(value_of(value, types[name]) for value in typed)
    except ValueError as error:
        problems.append(f"The condition on {wording.field(name)} doesn't count yet: {error}")
        return None
    return Condition(field=name, operator=line.operator, value=values if line.operator in SEVERAL else values[:2] if wanted == 2 else values[0])


def value_of(text: str, kind: FieldType) -> Scalar:
    """What was typed, as a value of the field's type. Raises ValueError with a sentence."""
    if kind == "Bool":
        return text == "true"
    if kind not in ("Int64", "Float64", "Decimal"):
        return text
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number. Write it like 1234.5.") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is no number.")
    return int(number) if number == number.to_integral_value() and abs(number) < 10**18 else number


def _calculation(draft: Draft) -> tuple[dict[str, object], str]:
    """What belongs to the function, and what is missing."""
    needed: dict[str, object] = {}
    if draft.function == "expression":
        return ({"formula": draft.formula.strip()}, "") if draft.formula.strip() else ({}, "Write a formula.")
    if draft.field is None and draft.function != "count":
        return {}, "Choose the column to calculate."
    needed["field"] = draft.field
    if draft.function == "percentile":
        needed["p"], problem = _percent(draft.p)
        return needed, problem
    if draft.function == "sum_product":
        return ({**needed, "times": draft.times}, "") if draft.times else ({}, "Choose the column to multiply with.")
    return ({**needed, "per": draft.per} if draft.function == "weighted_sum" else needed), ""


def _percent(text: str) -> tuple[Decimal | None, str]:
    try:
        p = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation:
        p = None
    return (p, "") if p is not None and 0 < p < 100 else (None, "The percentile is a number between 0 and 100, such as 95.")
