"""Billable metrics: how events become one quantity per customer, period and dimension. The API calls them aggregates."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, StrictBool, StrictInt, StrictStr, model_validator

from schemas.base import Frozen

if TYPE_CHECKING:
    import pyarrow as pa

MetricFunction = Literal["sum", "count", "count_distinct", "avg", "min", "max", "latest", "earliest", "percentile", "weighted_sum", "sum_product", "expression"]
METRIC_FUNCTIONS: tuple[MetricFunction, ...] = get_args(MetricFunction)
ADDITIVE: tuple[MetricFunction, ...] = ("sum", "count", "weighted_sum", "sum_product")
"""Functions whose quantities of parts add up to the quantity of the whole."""

Operator = Literal["equals", "not_equals", "in", "not_in", "gt", "gte", "lt", "lte", "between", "contains", "not_contains", "starts_with", "ends_with", "is_empty", "is_not_empty"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)


def _decimal(value: object) -> object:
    """A text is never taken for a number: the region 007 is none."""
    if isinstance(value, Mapping) and set(value) == {"decimal"}:
        return value["decimal"]
    if isinstance(value, float | Decimal):
        return value
    raise ValueError("A number is expected")


Exact = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(lambda value: {"decimal": format(value, "f")}, when_used="json")]
"""JSON has no decimals: there it is {"decimal": "1.10"}, so that it comes back as what it was."""
Scalar = StrictBool | StrictInt | Exact | StrictStr

Dimension = tuple[str | None, ...]
"""The values of a metric's dimensions, in its order; empty where it has none."""
Estimate = dict[Dimension, Decimal | None]
"""One customer's quantities of a period. None where there is no number, as of NaN."""


class Condition(Frozen):
    """One condition on a field. `in`, `not_in` and `between` (two values, both counted in) take a list, `is_empty` and `is_not_empty` no value."""

    field: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None = None


class Filters(Frozen):
    """A group of conditions and groups: all of them hold, or any of them."""

    all: tuple["Condition | Filters", ...] | None = None
    any: tuple["Condition | Filters", ...] | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.all is None) == (self.any is None):
            raise ValueError("A group of filters has either all or any")
        return self


class Rounding(Frozen):
    """How a quantity is rounded, once, after everything was calculated. `up` and `down` are away from zero and towards it."""

    digits: int = Field(0, ge=0, le=18)
    mode: Literal["half_up", "half_even", "up", "down"] = "half_up"


class CustomerMapping(Frozen):
    """Which column of the events names the customer, and which of the account's customer columns it holds."""

    field: str = "customer_id"
    column: Literal["external_id", "id"] = "external_id"


class Metric(Frozen):
    """A billable metric: either the steps of the builder (`function` and what belongs to it), or `sql`, a query in ClickHouse's dialect with the documented templates."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")
    event_type: str
    """The event type's slug."""
    function: MetricFunction | None = None
    field: str | None = None
    p: Decimal | None = Field(None, gt=0, lt=100)
    """Which percentile; interpolated between neighbours as a spreadsheet's PERCENTILE does."""
    times: str | None = None
    """The second column of a sum of products."""
    formula: str | None = None
    """A free expression over fields, with aggregates (`sum(cpu_hours) * 2 + max(users)`) or, where it has none, per event and then added up."""
    per: Literal["second", "minute", "hour", "day", "period"] = "hour"
    """The time unit of a weighted sum: "hour" makes GB-hours of GB; "period" the time-weighted average over the period."""
    filters: Filters | None = None
    customer: CustomerMapping = CustomerMapping()
    date: str = "timestamp"
    """The column that says in which period an event falls: `timestamp`, or a field that is a date or a time."""
    group_by: tuple[str, ...] = ()
    """The dimensions: fields whose values get a quantity each."""
    rounding: Rounding | None = None
    zone: str = "UTC"
    """The IANA zone in which days and periods begin and end."""
    sql: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.function is None) == (self.sql is None):
            raise ValueError("A metric has either a function or sql")
        wanted = {"field": self.function not in (None, "count", "expression"), "p": self.function == "percentile", "times": self.function == "sum_product", "formula": self.function == "expression"}
        for name, is_wanted in wanted.items():
            given = getattr(self, name) is not None
            if is_wanted and not given:
                raise ValueError(f"The function {self.function} needs {name}")
            if given and not is_wanted and not (name == "field" and self.function == "count"):
                raise ValueError(f"{name} has no meaning for {self.function or 'sql'}")
        return self


class StoredMetric(Frozen):
    """A metric as it is kept here for one account, and what the account has of it."""

    metric: Metric
    account: str
    who: str
    at: str
    version: int = 1
    aggregate_id: str | None = None
    """The account's id of it; None while it isn't registered."""
    registered: Metric | None = None
    """The definition that was registered last; another one than `metric` where it was changed since."""


class AggregateBody(Frozen):
    """What an account is told of a metric: the six keys that its API wants."""

    name: str
    dataschema: str = ""
    """The columns of the result as JSON text."""
    aggregation_query: str
    """Across customers: customer_id, the dimensions, quantity."""
    cust_agg_query: str
    """For one customer."""
    visual_query_builder: dict[str, object] = {}
    datasource: str = ""


class Registered(AggregateBody):
    """A metric as the account has it."""

    id: str


class AccountMetric(Frozen):
    """A metric that an account has, and what it is to us."""

    registered: Registered
    metric: Metric | None = None
    """Its definition, for previews: the one that was registered from here or can be told from its SQL, else its SQL. None where it can't be previewed."""
    registered_as: str | None = None
    """The name of the metric here that it was registered from."""
    note: str = ""
    """Why it can't be previewed."""


class MetricPreviewSpec(Frozen):
    """What to preview: dates inclusive, in `zone` (the metric's own where None); grouped by `customer`, `day`, `month` and dimensions."""

    start: str
    end: str
    zone: str | None = None
    by: tuple[str, ...] = ("customer",)
    account_events: Literal["none", "add", "replace"] = "none"
    """Whether events that the account holds already count too: all of them (`add`), or those outside the days that this import has events of (`replace`)."""
    limit: int = 10_000
    order: Literal["groups", "quantity"] = "groups"
    """Which rows come first, and stay where there are more than the limit: by their groups, or the largest quantities."""


@dataclass(frozen=True)
class MetricPreview:
    """What a metric comes to: `table` has the groups' columns, then `quantity`, exact, as text; `columns` the types that the billing system gives them."""

    columns: tuple[tuple[str, str], ...]
    table: "pa.Table"
    total: str | None
    """Of all groups, also those that aren't shown: their sum where quantities of parts add up, else the metric over everything. None where there is no such number."""
    groups: int
    notes: tuple[str, ...] = ()
    """What a person should know about how it was counted."""
    warnings: tuple[str, ...] = ()
    """What is wrong with these numbers."""

    @property
    def capped(self) -> bool:
        """Whether there are more groups than rows."""
        return self.groups > self.table.num_rows
