"""Every condition of the builder, on every type that it fits, keeps the same events in DuckDB's preview and in real ClickHouse."""

import pytest
from sqlglot import exp

from ingest.clickhouse import real
from ingest.errors import BadInput
from ingest.metric.filters import FITTING, conditions
from ingest.metric.nodes import call
from schemas.metric import OPERATORS, Condition, Filters
from tests.clickhouse_conditions import FIELDS, values_for
from tests.metric_events import TABLE, both, opened, rows, write

FITS = [(kind, field, operator) for kind, operators in FITTING.items() for field in FIELDS[kind] for operator in operators]
ZONES = {"DateTime64": ("UTC", "Europe/Berlin", "Australia/Lord_Howe")}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = write(rows(count=60), tmp_path_factory.mktemp("filters") / "events.parquet")
    with opened(path) as connection:
        yield connection, path


def condition(field: str, operator: str, value: object, zone: str = "UTC") -> exp.Expression:
    return conditions(Filters(all=(Condition(field=field, operator=operator, value=value),)), TABLE, zone)[0]


@pytest.mark.skipif(not real.available(), reason="chdb is not installed")
@pytest.mark.parametrize(("kind", "field", "operator"), FITS, ids=lambda each: each.replace(" ", "_"))
def test_a_condition_keeps_the_same_events(events, kind, field, operator):
    """Each condition's count of events, of each customer; and of those for which it is neither true nor false."""
    asked = [(value, zone) for value in values_for(kind, operator) for zone in ZONES.get(kind, ("UTC",))]
    made = [condition(field, operator, value, zone) for value, zone in asked]
    counts = [exp.alias_(call("countIf", each), f"c{place}") for place, each in enumerate(made)]
    nulls = [exp.alias_(call("countIf", exp.Is(this=exp.paren(each.copy()), expression=exp.Null())), f"n{place}") for place, each in enumerate(made)]
    ours, theirs = both(*events, exp.select("customer_id", *counts, *nulls).from_("raw_metric_compute").group_by("customer_id"))
    assert ours == theirs, [asked[(place - 1) % len(asked)] for a, b in zip(ours, theirs, strict=True) for place in range(1, len(a)) if a[place] != b[place]][:5]


def test_every_operator_is_tried_and_what_does_not_fit_is_refused():
    assert {operator for _, _, operator in FITS} == set(OPERATORS)
    for kind, fields in FIELDS.items():
        for operator in set(OPERATORS) - set(FITTING[kind]):
            with pytest.raises(BadInput, match="doesn't fit.*What fits is"):
                condition(fields[0], operator, ("x",))


@pytest.mark.parametrize(("field", "operator", "value", "problem"), [
    ("s", "equals", 7, "s holds text, and 7 is none. Put it in quotes: '7'."), ("s", "contains", "{{start_date}}", "the billing system puts values of its own in the place of double braces"), ("n", "equals", "1.5", "1.5' is none"),
    ("n", "gt", 2**63, "9223372036854775808 is outside"), ("d", "equals", "0.1234567890123456789", "keeps 20 digits before the point and 18 after it"), ("d", "lt", "100000000000000000000", "100000000000000000000' has more"),
    ("d", "equals", "NaN", "Use a number such as 12.5"), ("dt", "gt", "31.10.2026", "Write a date as 2026-10-31"), ("t", "gt", "yesterday", "Write a time as 2026-10-31 23:59:59"), ("u", "equals", "5", "Write a UUID as"),
    ("b", "equals", "true", "Use true or false, without quotes"), ("n", "between", (1, 2, 3), "needs two values"), ("n", "in", (), "needs a list"), ("n", "equals", (1,), "Use 'is one of' for several"), ("nothing", "equals", 1, "There is no field 'nothing'"),
])
def test_a_value_that_does_not_fit_is_refused_with_what_does(field, operator, value, problem):
    with pytest.raises(BadInput) as caught:
        condition(field, operator, value)
    assert problem in str(caught.value)
