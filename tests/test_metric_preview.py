"""A metric over events that weren't sent yet, held against numbers worked out by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.errors import BadInput, NotReady
from ingest.imports.metrics import period_before
from ingest.metric.events import Events
from ingest.metric.metric_file import from_yaml, to_yaml
from ingest.metric.rows import rows_behind
from ingest.metric.run import preview
from ingest.settings import settings
from schemas.account import AccountProfile
from schemas.event_type import EventType, Field
from schemas.held import AccountCustomer
from schemas.metric import ADDITIVE, METRIC_FUNCTIONS, Condition, Filters, Metric, MetricPreviewSpec, Rounding
from tests.raw_tables import check, spec

FIELDS = {"quantity": "Decimal", "calls": "Int64", "region": "String", "ok": "Bool", "weight": "Float64", "day_used": "Date32", "event_id": "String", "import_id": "String", "missing": "Decimal"}
COLUMNS = {"customer_id": "C", "timestamp": "T", "quantity": "Q", "calls": "N", "region": "R", "ok": "K", "weight": "W", "day_used": "D"}
TYPE = EventType(name="Usage", slug="usage", fields=tuple(Field(name=name, type=kind) for name, kind in FIELDS.items()))
OCTOBER = {"start": "2026-10-01", "end": "2026-10-31"}
BIG = 2**62
ROWS = [
    ("acme", "2026-09-30T22:30:00Z", "100", "1", "eu", "yes", "1", ""),  # October in Berlin
    ("acme", "2026-10-01T00:00:00Z", "0.1", "2", "eu", "yes", "2", "2026-10-01"),
    ("acme", "2026-10-15T12:00:00Z", "0.2", "3", "us", "no", "3", "2026-11-01"),
    ("acme", "2026-10-31T23:59:59.999Z", "0.30", "", "eu", "yes", "4", "2026-10-31"),  # November in Berlin
    ("globex", "2026-10-25T00:30:00Z", "7", str(BIG), "", "yes", "10", "2026-10-02"),
    ("globex", "2026-10-25T01:30:00Z", "", str(BIG), "us", "yes", "20", "2026-10-02"),
    ("initech", "2026-11-01T00:00:00Z", "50", "1", "eu", "yes", "1", "2026-10-03"),
]


def events(folder: Path, rows: list[tuple[str, ...]] = ROWS) -> Events:
    folder.mkdir(exist_ok=True)
    made = check(folder, tuple(COLUMNS.values()), rows, spec(FIELDS, COLUMNS))
    assert made.result.rows.accepted == len(rows), made.codes
    return Events(TYPE, AccountProfile(), (("1", made.out),))


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder for all tests of this file: nothing in it is ever changed."""
    patch, home = pytest.MonkeyPatch(), tmp_path_factory.mktemp("previews")
    patch.setenv("INTAKE_HOME", str(home))
    settings.cache_clear()
    yield home
    patch.undo()
    settings.cache_clear()


@pytest.fixture(scope="module")
def october(folder: Path) -> Events:
    return events(folder / "october")


def metric(**steps: object) -> Metric:
    usual = {} if {"function", "sql"} & set(steps) else {"function": "sum", "field": "quantity"}
    return Metric(name="Tried", event_type="usage", **{**usual, **steps})


def asked(of: Events, what: Metric, by: tuple[str, ...] = ("customer",), **more: object) -> tuple[list[tuple], str | None]:
    found = preview(of, what, MetricPreviewSpec(**{**OCTOBER, "by": by, **more}))
    return [tuple(row.values()) for row in found.table.to_pylist()], found.total


def equals(field: str, value: object) -> Filters:
    return Filters(all=(Condition(field=field, operator="equals", value=value),))


@pytest.mark.parametrize(("what", "by", "lines", "total"), [
    (metric(), ("customer",), [("acme", "0.6"), ("globex", "7")], "7.6"),
    (metric(), ("customer", "day"), [("acme", "2026-10-01", "0.1"), ("acme", "2026-10-15", "0.2"), ("acme", "2026-10-31", "0.3"), ("globex", "2026-10-25", "7")], "7.6"),
    (metric(), ("month",), [("2026-10", "7.6")], "7.6"),
    (metric(), (), [("7.6",)], "7.6"),
    (metric(zone="Europe/Berlin"), ("customer",), [("acme", "100.3"), ("globex", "7")], "107.3"),
    (metric(zone="Europe/Berlin"), ("customer", "day"), [("acme", "2026-10-01", "100.1"), ("acme", "2026-10-15", "0.2"), ("globex", "2026-10-25", "7")], "107.3"),
    (metric(filters=equals("region", "eu")), ("customer",), [("acme", "0.4")], "0.4"),
    (metric(filters=equals("region", "mars")), ("customer",), [], None),
    (metric(filters=equals("region", "mars")), (), [("0",)], "0"),
    (metric(), ("region", "ok"), [("eu", "true", "0.4"), ("us", "false", "0.2"), ("us", "true", "0"), (None, "true", "7")], "7.6"),
    (metric(rounding=Rounding(digits=0, mode="up")), ("customer",), [("acme", "1"), ("globex", "7")], "8"),
    (metric(function="count"), ("customer",), [("acme", "3"), ("globex", "2")], "5"),
    (metric(function="count", field="quantity"), ("customer",), [("acme", "3"), ("globex", "1")], "4"),
    (metric(function="count_distinct", field="region"), ("customer",), [("acme", "2"), ("globex", "1")], "2"),
    (metric(function="max", field="weight"), ("customer",), [("acme", "4"), ("globex", "20")], "20"),
    (metric(function="avg", field="weight"), ("customer",), [("acme", "3"), ("globex", "15")], "7.8"),
    (metric(function="latest", field="quantity"), ("customer",), [("acme", "0.3"), ("globex", "7")], "0.3"),
    (metric(function="earliest", field="weight"), ("customer",), [("acme", "2"), ("globex", "10")], "2"),
    (metric(function="percentile", field="weight", p=Decimal(50)), ("customer",), [("acme", "3"), ("globex", "15")], "4"),
    (metric(function="sum_product", field="quantity", times="weight"), ("customer",), [("acme", "2"), ("globex", "70")], "72"),
    (metric(function="expression", formula="sum(quantity) * 2"), ("customer",), [("acme", "1.2"), ("globex", "14")], "15.2"),
    (metric(field="missing"), ("customer",), [("acme", "0"), ("globex", "0")], "0"),
    (metric(date="day_used"), ("customer", "day"), [("acme", "2026-10-01", "0.1"), ("acme", "2026-10-31", "0.3"), ("globex", "2026-10-02", "7"), ("initech", "2026-10-03", "50")], "57.4"),
])
def test_numbers_worked_out_by_hand(october: Events, what: Metric, by: tuple[str, ...], lines: list[tuple], total: str | None):
    assert asked(october, what, by) == (lines, total)


def test_an_october_in_berlin_has_745_hours(tmp_path: Path):
    """A level of 2 that was set before the month and holds to its end, in GB-hours."""
    of = events(tmp_path, [("acme", "2026-08-01T00:00:00Z", "2", "", "", "", "", "")])
    level = metric(function="weighted_sum", field="quantity", zone="Europe/Berlin")
    assert asked(of, level) == ([("acme", "1490")], "1490")
    assert asked(of, level, start="2026-10-25", end="2026-10-25") == ([("acme", "50")], "50")
    assert asked(of, level.model_copy(update={"zone": "UTC"})) == ([("acme", "1488")], "1488")


def test_the_zone_of_the_question_goes_before_the_metrics_own(october: Events):
    assert asked(october, metric(zone="Asia/Tokyo"), zone="Europe/Berlin") == asked(october, metric(zone="Europe/Berlin"))


def test_more_lines_than_are_shown_are_in_the_total(october: Events):
    found = preview(october, metric(), MetricPreviewSpec(**OCTOBER, by=("customer", "day"), limit=1, order="quantity"))
    assert (found.table.column("quantity").to_pylist(), found.total, found.groups, found.capped) == (["7"], "7.6", 4, True)


def test_whole_numbers_that_overflow_are_shown_as_they_would_be_billed_and_said(october: Events):
    found = preview(october, metric(field="calls"), MetricPreviewSpec(**OCTOBER))
    assert found.table.column("quantity").to_pylist() == ["5", str(-2 * BIG)]
    assert found.warnings == (f"1 total is too large for the 64 bits in which the billing system adds up whole numbers. globex: it would bill -{2 * BIG}, and the true sum of calls is {2 * BIG}.",)


def test_a_number_of_more_digits_than_can_be_calculated_with_is_a_sentence(tmp_path: Path):
    of = events(tmp_path, [("acme", "2026-10-01T00:00:00Z", "12345678901234567890.123456789012345678", "", "", "", "", "")])
    with pytest.raises(BadInput, match="comes to a number of more than 38 digits.*Look for a mistyped value"):
        asked(of, metric(function="sum_product", field="quantity", times="quantity"))


@pytest.mark.parametrize(("what", "more", "problem"), [
    (metric(field="quantitty"), {}, "Did you mean 'quantity'"), (metric(field="region"), {}, "needs numbers"), (metric(filters=equals("calls", "x")), {}, "holds whole numbers"),
    (metric(), {"by": ("planet",)}, "planet"), (metric(), {"zone": "Berlin"}, "no time zone 'Berlin'"), (metric(), {"start": "2026-11-01"}, "before it begins"), (metric(), {"end": "tomorrow"}, "not a day"),
    (metric(sql="select 1 as quantity"), {}, "belongs to nobody"), (metric(sql="select count() as n from raw_metric_usage"), {}, "no column named quantity"), (metric(sql="select count() as quantity from raw_metric_other"), {}, "raw_metric_other"),
])
def test_what_does_not_fit_is_a_sentence(october: Events, what: Metric, more: dict, problem: str):
    with pytest.raises(BadInput, match=problem):
        asked(october, what, **more)


# With what the account holds already.


HELD = [
    ("acme", "2026-10-01 09:00:00", "1000", "eu", "sent before"), ("acme", "2026-10-02 09:00:00", "2000", "eu", "sent before, another day"), ("initech", "2026-10-03 00:00:00", "4000", None, None),
    ("acme", "2026-09-30 22:30:00", "8000", "eu", "the night before"),
]


@pytest.fixture(scope="module")
def both(october: Events, folder: Path) -> Events:
    """The import's events, and an account that holds four others and the first of the import itself."""
    path = folder / "held.parquet"
    sent = duckdb.sql(f"select event_id::varchar from '{october.imports[0][1]}/events.parquet' where quantity = 0.1").fetchone()[0]
    values = ", ".join(f"('{who}', timestamp '{at}', {number}, {repr(region) if region else 'null'}, {repr(ident) if ident else 'null'})" for who, at, number, region, ident in [*HELD, ("acme", "2026-10-01 00:00:00", "0.1", "eu", sent)])
    duckdb.sql(f"""copy (select customer_id, "timestamp", q::decimal(38, 18) as quantity, null::bigint as calls, region, null::boolean as ok, null::double as weight, null::date as day_used, event_id, 'imp_0' as import_id,
        null::decimal(38, 18) as missing from (values {values}) t(customer_id, "timestamp", q, region, event_id)) to '{path}' (format parquet)""")
    return replace(october, held=path)


@pytest.mark.parametrize(("merged", "zone", "lines"), [
    ("none", "UTC", [("acme", "0.6"), ("globex", "7")]),
    ("add", "UTC", [("acme", "3000.6"), ("globex", "7"), ("initech", "4000")]),  # what was sent already counts once
    ("replace", "UTC", [("acme", "2000.6"), ("globex", "7"), ("initech", "4000")]),  # 1 October is the import's
    ("add", "Europe/Berlin", [("acme", "11100.3"), ("globex", "7"), ("initech", "4000")]),
    ("replace", "Europe/Berlin", [("acme", "2100.3"), ("globex", "7"), ("initech", "4000")]),  # 22:30 is 1 October, too
])
def test_with_what_the_account_holds(both: Events, merged: str, zone: str, lines: list[tuple]):
    assert asked(replace(both, merged=merged), metric(), zone=zone)[0] == lines


def test_which_days_are_replaced_is_said(both: Events):
    found = preview(replace(both, merged="replace"), metric(), MetricPreviewSpec(**OCTOBER))
    assert found.notes == ("What the account holds of the 6 days that these events are of (2026-09-30 to 2026-10-01, 2026-10-15, 2026-10-25 …) doesn't count: they take its place.",)


def test_the_account_alone(both: Events):
    assert asked(replace(both, imports=()), metric()) == ([("acme", "3000.1"), ("initech", "4000")], "7000.1")


# From a number to its rows.


@pytest.mark.parametrize(("what", "group", "rows"), [
    (metric(), {"customer_id": "acme"}, [(3, True), (4, True), (5, True)]),
    (metric(), {"customer_id": "globex"}, [(6, True), (7, False)]),
    (metric(), {"region": None, "ok": "true"}, [(6, True)]),
    (metric(), {"day": "2026-10-15"}, [(4, True)]),
    (metric(), {"month": "2026-10", "region": "us"}, [(4, True), (7, False)]),
    (metric(filters=equals("region", "us")), {}, [(4, True), (7, False)]),
    (metric(zone="Europe/Berlin"), {"customer_id": "acme", "day": "2026-10-01"}, [(2, True), (3, True)]),
    (metric(function="max", field="weight"), {"customer_id": "globex"}, [(7, True), (6, False)]),
    (metric(function="latest", field="quantity"), {"customer_id": "acme"}, [(5, True), (3, False), (4, False)]),
    (metric(function="earliest", field="calls"), {}, [(3, True), (4, False), (6, False), (7, False), (5, False)]),
    (metric(function="percentile", field="weight", p=Decimal(50)), {"customer_id": "globex"}, [(6, True), (7, True)]),
    (metric(function="percentile", field="weight", p=Decimal(50)), {"customer_id": "acme"}, [(4, True), (3, False), (5, False)]),
    (metric(function="weighted_sum", field="weight"), {"customer_id": "acme"}, [(2, True), (3, True), (4, True), (5, True)]),
])
def test_the_rows_behind_a_number(october: Events, what: Metric, group: dict, rows: list[tuple[int, bool]]):
    found = rows_behind(october, what, MetricPreviewSpec(**OCTOBER), group)
    assert [(row["_row"], row["_counts"]) for row in found.rows.to_pylist()] == rows
    assert (found.events, found.counting) == (len(rows), sum(counts for _, counts in rows))


def test_rows_come_page_by_page_with_all_their_fields(both: Events):
    found = rows_behind(replace(both, merged="add"), metric(), MetricPreviewSpec(**OCTOBER), {"customer_id": "acme"}, offset=1, limit=2)
    assert found.events == 5
    first, second = found.rows.to_pylist()
    assert (first["_import"], first["event_id"], first["quantity"]) == (None, "sent before", Decimal(1000))
    assert set(second) == {"_counts", "_row", "_import", "customer_id", "timestamp", *FIELDS}


@hypothesis_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-40, 800), st.decimals(-100, 100, places=3), st.sampled_from(["eu", "us", ""])), min_size=1, max_size=12), zone=st.sampled_from(["UTC", "America/St_Johns"]))
def test_parts_add_up_to_the_whole_and_rows_to_their_line(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], zone: str):
    of = events(tmp_path_factory.mktemp("parts"), [(who, f"{datetime(2026, 10, 1) + timedelta(hours=hours)}Z", str(number), "", region, "", "", "") for who, hours, number, region in rows])
    question = MetricPreviewSpec(**OCTOBER, zone=zone, by=("customer", "day", "region"))
    fine, total = preview(of, metric(), question), asked(of, metric(), (), zone=zone)[1]
    assert sum((Decimal(each) for each in fine.table.column("quantity").to_pylist()), Decimal(0)) == Decimal(total) == Decimal(fine.total or 0)
    for line in fine.table.to_pylist()[:2]:
        behind = rows_behind(of, metric(), question, {name: value for name, value in line.items() if name != "quantity"})
        assert sum(each["quantity"] for each in behind.rows.to_pylist()) == Decimal(line["quantity"])


# SQL that people typed.


ONE = "AND customer_id = CAST({{customer.external_id}} AS String)"
DATES = "DATE(\"timestamp\") >= DATE({{start_date}}) AND DATE(\"timestamp\") <= DATE({{end_date}})"


@pytest.mark.parametrize(("sql", "by", "lines"), [
    (f"SELECT COALESCE(SUM(data.quantity), 0) AS \"quantity\" FROM raw_metric_usage WHERE {DATES} {ONE}", ("customer",), [("acme", "0.6"), ("globex", "7")]),
    (f"SELECT sum(data.quantity) * 2 + count() AS quantity, data.region FROM raw_metric_usage WHERE {DATES} {ONE} GROUP BY data.region", ("customer",), [("acme", "eu", "2.8"), ("acme", "us", "1.4"), ("globex", "us", None), ("globex", None, "15")]),
    (f"SELECT count() + 0 * max(data.weight) AS quantity FROM raw_metric_usage WHERE {DATES} {ONE}", ("customer", "month"), [("acme", "2026-10", "3"), ("globex", "2026-10", "2"), ("initech", "2026-10", None)]),
    (f"SELECT customer_id, uniqExact(data.region) + 1 AS quantity FROM raw_metric_usage WHERE {DATES} GROUP BY customer_id", ("customer",), [("acme", "3"), ("globex", "2")]),
    (f"SELECT max(data.weight) * CAST({{{{customer.custom_data.factor}}}} AS Int64) AS quantity FROM raw_metric_usage WHERE {DATES} {ONE}", ("customer",), [("globex", "60")]),
])
def test_typed_sql_runs_for_each_customer(october: Events, sql: str, by: tuple[str, ...], lines: list[tuple]):
    known = [AccountCustomer(id="1", external_id="globex", custom_data={"factor": "3"}), AccountCustomer(id="2", external_id="acme")]
    found = preview(october, metric(sql=sql), MetricPreviewSpec(**OCTOBER, by=by), known)
    assert [tuple(row.values()) for row in found.table.to_pylist()] == lines


def test_sql_that_asks_for_what_was_not_read_says_so(october: Events):
    with pytest.raises(NotReady, match="wasn't read yet"):
        asked(october, metric(sql=f"SELECT count() * CAST({{{{customer.custom_data.x}}}} AS Int64) AS quantity FROM raw_metric_usage WHERE 1 {ONE}"))


def test_every_function_is_tried_above():
    tried = {"sum", "count", "count_distinct", "avg", "max", "latest", "earliest", "percentile", "sum_product", "weighted_sum", "expression"}
    assert set(METRIC_FUNCTIONS) - tried == {"min"} and set(ADDITIVE) <= tried


# Metrics as YAML, and periods.


@pytest.mark.parametrize("value", ["007", "2026-10-01", "NO", "true", True, 5, Decimal("1.10"), "1e3", ("a", Decimal("0.5"))])
def test_yaml_keeps_what_was_written(value: object):
    made = metric(filters=Filters(all=(Condition(field="x", operator="in" if isinstance(value, tuple) else "equals", value=value),)))
    assert from_yaml(to_yaml(made)) == made == Metric.model_validate_json(made.model_dump_json())


@pytest.mark.parametrize(("text", "problem"), [
    ("a: [", "at line 1"), ("5", "no keys"), ("name: x\nevent_type: y\nfunction: summ\nfield: x", "Did you mean 'sum'"), ("name: x\nevent_type: y\nfunction: sum\nfeild: x", "Did you mean 'field'"),
    ("name: x\nevent_type: y\nfunction: sum", "needs field"), ("event_type: y\nfunction: count", "name is missing"), ("name: x\nevent_type: y\nfunction: count\nfilters: {all: [{field: a, operator: equal, value: 1}]}", "Did you mean 'equals'"),
])
def test_yaml_that_is_no_metric_says_why(text: str, problem: str):
    with pytest.raises(BadInput, match=problem):
        from_yaml(text)


@pytest.mark.parametrize(("start", "end", "before"), [
    ("2026-10-01", "2026-10-31", ("2026-09-01", "2026-09-30")), ("2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31")), ("2026-10-12", "2026-10-18", ("2026-10-05", "2026-10-11")), ("2026-03-01", "2026-03-01", ("2026-02-28", "2026-02-28")),
])
def test_the_period_before(start: str, end: str, before: tuple[str, str]):
    assert period_before(start, end) == before
