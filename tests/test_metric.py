"""metric: totals of the accepted events, exact."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from ingest.errors import BadInput
from ingest.metric import overview, preview
from schemas.previewing import FUNCTIONS, PreviewSpec
from tests.raw_tables import check, spec

pytestmark = pytest.mark.usefixtures("home")

FIELDS = {"quantity": "Decimal", "calls": "Int64", "region": "String", "ok": "Bool", "weight": "Float64", "value": "String"}
COLUMNS = {"customer_id": "C", "timestamp": "T", "quantity": "Q", "calls": "N", "region": "R", "ok": "K", "weight": "W", "value": "V"}
ROWS = [
    ("a", "2026-10-01T00:00:00Z", "0.1", "1", "eu", "yes", "1.5", "v"), ("a", "2026-10-01T23:59:59Z", "0.2", "2", "us", "no", "2.5", "v"), ("a", "2026-10-02T00:00:00Z", "", "3", "eu", "yes", "", "v"),
    ("b", "2026-10-02T01:00:00Z", "0.3", "9223372036854775807", "", "yes", "1", "w"), ("b", "2026-10-02T01:00:00Z", "0.4", "9223372036854775807", "eu", "yes", "1", "w"),
]


@pytest.fixture
def events(tmp_path):
    return check(tmp_path, tuple(COLUMNS.values()), ROWS, spec(FIELDS, COLUMNS)).out


@pytest.mark.parametrize(("by", "field", "function", "expected"), [
    (("customer",), None, "count", [("a", 3), ("b", 2)]),
    (("customer",), "quantity", "sum", [("a", Decimal("0.3")), ("b", Decimal("0.7"))]),
    (("customer",), "quantity", "count", [("a", 2), ("b", 2)]),
    (("customer",), "quantity", "min", [("a", Decimal("0.1")), ("b", Decimal("0.3"))]),
    (("customer",), "quantity", "max", [("a", Decimal("0.2")), ("b", Decimal("0.4"))]),
    (("customer",), "quantity", "average", [("a", 0.15), ("b", 0.35)]),
    (("customer",), "calls", "sum", [("a", Decimal(6)), ("b", Decimal(18446744073709551614))]),
    (("customer",), "region", "distinct", [("a", 2), ("b", 1)]),
    (("customer",), "quantity", "latest", [("a", Decimal("0.2")), ("b", None)]),
    (("day",), "quantity", "sum", [(date(2026, 10, 1), Decimal("0.3")), (date(2026, 10, 2), Decimal("0.7"))]),
    (("region", "ok"), "calls", "max", [("eu", True, 9223372036854775807), ("us", False, 2), (None, True, 9223372036854775807)]),
    ((), "quantity", "sum", [(Decimal("1.0"),)]),
    (("value",), None, "count", [("v", 3), ("w", 2)]),
])
def test_totals(events, by, field, function, expected):
    table = preview(events, PreviewSpec(by=by, field=field, function=function))
    assert table.column_names == [*("value_group" if name == "value" else name for name in by), "value"]
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    if function == "latest":
        assert rows[0] == expected[0] and rows[1][1] in (Decimal("0.3"), Decimal("0.4")), "a tie goes to the greater id, always the same"
        assert preview(events, PreviewSpec(by=by, field=field, function=function)).equals(table)
    else:
        assert rows == [tuple(pytest.approx(cell) if isinstance(cell, float) else cell for cell in row) for row in expected]


def test_decimals_stay_decimals(events):
    assert pa.types.is_decimal(preview(events, PreviewSpec(field="quantity", function="sum")).column("value").type)


@pytest.mark.parametrize(("asked", "problem"), [
    ({"by": ("planet",)}, "Known are customer, day,"), ({"by": ("event_id",)}, "Known are"), ({"field": "nothing", "function": "sum"}, "Known are customer_id"),
    ({"field": "region", "function": "sum"}, "holds no numbers"),
    ({"field": "ok", "function": "average"}, "holds no numbers"), ({"function": "sum"}, "needs a field"), ({"field": "content", "function": "count"}, "Known are"),
    ({"by": ('x" from y --',)}, "Known are"),
])
def test_what_there_is_not_is_said_with_what_there_is(events, asked, problem):
    with pytest.raises(BadInput, match=problem):
        preview(events, PreviewSpec(**asked))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("field", ["quantity", "calls", "weight"])
def test_every_function_works_on_every_number(events, function, field):
    assert preview(events, PreviewSpec(by=("customer", "day", "region"), field=field, function=function)).num_rows == 5


def test_the_limit(events):
    assert preview(events, PreviewSpec(by=("customer",), limit=1)).column("customer").to_pylist() == ["a"]


def test_overview(events):
    table = overview(events)
    assert table.column_names == ["customer", "events", "first", "last", "quantity", "calls", "weight"]
    assert table.column("events").to_pylist() == [3, 2]
    assert table.column("quantity").to_pylist() == [Decimal("0.3"), Decimal("0.7")]


def test_nothing_accepted(tmp_path):
    out = check(tmp_path, tuple(COLUMNS.values()), [], spec(FIELDS, COLUMNS)).out
    assert overview(out).num_rows == 0 == preview(out, PreviewSpec(field="quantity", function="sum")).num_rows
