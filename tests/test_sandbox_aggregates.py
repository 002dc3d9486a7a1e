"""Billable metrics of the embedded sandbox, as any HTTP client sees them, and the same numbers from real ClickHouse and from its translation."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.clickhouse import real
from ingest.sandbox.counting import Counting
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.sandbox.store import Store
from ingest.sandbox.switches import Switches
from tests.faults import served

HEADERS = {"x-api-key": SANDBOX_KEY, "organisation": SANDBOX_ORGANISATION}
DATASOURCE = "3d0f0f3a-7f54-4c8a-8d3a-2b1f7b9d9f10"
TYPES = {"hours": "Decimal", "region": "String", "n": "Int64", "f": "Float64", "spot": "Bool", "day": "Date32", "at": "DateTime64", "run": "UUID", "tags": "Array(String)"}
WITHIN = 'DATE("timestamp") >= DATE({{start_date}}) AND DATE("timestamp") <= DATE({{end_date}}) AND customer_id = CAST({{customer.external_id}} AS String)'
SUM = f'SELECT COALESCE(SUM(data.hours), 0) AS "quantity" FROM raw_metric_compute WHERE {WITHIN}'
BY_REGION = f"SELECT data.region AS region, SUM(data.hours) AS quantity FROM raw_metric_compute WHERE {WITHIN} GROUP BY data.region ORDER BY region"
STRANGE = "it's \\' OR 1=1 -- {{end_date}} \x02\t."
RUN = "5c2c0c7e-0f0a-4d0e-9d7e-0a5f6f0d1a11"
EVENTS = [
    ("acme", "2026-10-01T00:00:00Z", {"hours": "0.1", "region": "eu", "n": 9223372036854775807, "f": 0.1, "spot": True, "day": "2026-10-01", "at": "2026-10-01T00:00:00.123Z", "run": RUN}),
    ("acme", "2026-10-31T23:59:59.999Z", {"hours": "12345678901234567890.123456789012345678", "region": "us", "n": 1, "f": 0.2, "spot": False, "day": "1969-12-31", "tags": ["a"]}),
    ("acme", "2026-10-15T12:00:00Z", {"hours": "-0.3", "region": "eu", "f": 1e300}),
    ("acme", "2026-10-15T12:00:00Z", {"region": None}),
    ("acme", "2026-11-01T00:00:00Z", {"hours": "100", "region": "eu"}),
    ("acme", "2026-09-30T23:59:59.999Z", {"hours": "1000", "region": "eu"}),
    ("globex", "2026-10-02T00:00:00Z", {"hours": "7.50", "region": "it's", "n": -5, "f": -0.0}),
    (STRANGE, "2026-10-02T00:00:00Z", {"hours": 3, "region": STRANGE}),
]


class Api:
    """Requests with the documented headers."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers=HEADERS, timeout=20)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def post(self, path: str, body: object) -> httpx.Response:
        return self.http.post(path, content=json.dumps(body))

    def metric(self, sql: str = SUM, **changes: object) -> dict[str, Any]:
        made = self.post("/aggregates", body(sql, **changes))
        assert made.status_code == 200, made.text
        return made.json()

    def ask(self, aggregate_id: str, customer: str = "acme", start: str = "2026-10-01", end: str = "2026-10-31", **more: str) -> httpx.Response:
        return self.http.get("/aggregates/estimates", params={"aggregate_id": aggregate_id, "customer_id": customer, "start_date": start, "end_date": end, **more})

    def fields(self, sql: str, customer: str = "acme", **days: str) -> list[dict[str, Any]]:
        reply = self.ask(self.metric(sql)["id"], customer, **days)
        assert reply.status_code == 200, reply.text
        return json.loads(reply.content, parse_float=Decimal)["value"]["fields"]


def body(sql: str = SUM, **changes: object) -> dict[str, object]:
    given = {"name": "CPU hours", "dataschema": "{}", "aggregation_query": sql, "cust_agg_query": sql, "visual_query_builder": {}, "datasource": DATASOURCE, **changes}
    return {name: value for name, value in given.items() if value is not ...}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox's folder with two customers and a few events of every type."""
    folder = tmp_path_factory.mktemp("aggregates")
    with served(build_app(folder)) as url, Api(url) as api:
        schema = {"customer_id": "String", "timestamp": "DateTime64", "data": TYPES}
        assert api.post("/rawmetric", {"name": "Compute", "api_slug": "compute", "dataschema": schema}).status_code == 200
        for name, custom in (("acme", {"users": 40, "plan": "gold"}), ("globex", {})):
            assert api.post("/customers", {"customer_name": name.title(), "external_id": name, "custom_data": custom}).status_code == 200
        sent = api.post("/usage/compute", [{"customer_id": customer, "timestamp": moment, "data": fields} for customer, moment, fields in EVENTS])
        assert sent.status_code == 200, sent.text
    return folder


@pytest.fixture(scope="module")
def api(data: Path) -> Iterator[Api]:
    with served(build_app(data)) as url, Api(url) as made:
        yield made


@pytest.fixture(scope="module")
def engines(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Counting]]:
    """Real ClickHouse and its translation, over the same events."""
    store = Store(shutil.copytree(data, tmp_path_factory.mktemp("engines") / "copy"))
    yield [Counting(store, Switches(estimate_engine=name)) for name in ("clickhouse", "duckdb")]
    store.close()


# Creating, changing, listing


@pytest.mark.parametrize(("changes", "where", "says"), [
    ({"name": ...}, "name", "field required"),
    ({"datasource": ...}, "datasource", "field required"),
    ({"name": " "}, "name", "at least 1"),
    ({"dataschema": {"fields": []}}, "dataschema", "str type expected"),
    ({"visual_query_builder": []}, "visual_query_builder", "dict type expected"),
    ({"datasource": "events"}, "datasource", "uuid"),
    ({"aggregation_query": None}, "aggregation_query", "none is not"),
    ({"cust_agg_query": ""}, "cust_agg_query", "no SQL"),
    ({"cust_agg_query": "SELECT 1 AS q"}, "cust_agg_query", "quantity"),
    ({"cust_agg_query": "SELECT SUM(data.hour) AS quantity FROM raw_metric_compute"}, "cust_agg_query", "Line 1"),
    ({"aggregation_query": "SELECT count(*) AS quantity FROM raw_metric_nobody"}, "aggregation_query", "raw_metric_nobody"),
    ({"aggregation_query": "SELECT count(*) AS quantity FROM customers"}, "aggregation_query", "customers"),
    ({"aggregation_query": "SELECT count(*) AS quantity FROM file('/etc/passwd')"}, "aggregation_query", ""),
    ({"aggregation_query": "SELECT count(*) AS quantity FROM url('http://127.0.0.1/')"}, "aggregation_query", ""),
    ({"aggregation_query": "DROP TABLE raw_metric_compute"}, "aggregation_query", "SELECT"),
    ({"aggregation_query": f"{SUM}; SELECT 1 AS quantity"}, "aggregation_query", "one SELECT"),
    ({"aggregation_query": f"{SUM} SETTINGS max_threads = 1"}, "aggregation_query", ""),
    ({"aggregation_query": "SELECT {{customer.secret}} AS quantity"}, "aggregation_query", "customer.secret"),
])
def test_what_cannot_be_registered(api: Api, changes: dict[str, object], where: str, says: str):
    reply = api.post("/aggregates", body(**changes))
    assert reply.status_code == 422, reply.text
    [found] = reply.json()["detail"]
    assert found["loc"] == ["body", where] and says in found["msg"] and found["type"]


def test_a_metric_is_made_listed_changed_and_deleted(api: Api):
    made = api.metric(name="Lifecycle", visual_query_builder={"deep": [1.50, None]})
    assert set(made) == {*body(), "id", "version"} and made["version"] == 1
    listed = api.http.get("/aggregates", params={"name": "Lifecycle", "parent_aggregate_id__isnull": "true", "aggregate_type__isnull": "true"}).json()
    assert [set(each) for each in listed["results"]] == [{*body(), "id", "created_at"}] and listed["total_count"] == 1
    changed = api.http.patch(f"/aggregates/{made['id']}", json={"name": "Lifecycle 2"}).json()
    assert (changed["name"], changed["version"], changed["cust_agg_query"]) == ("Lifecycle 2", 2, SUM)
    assert api.http.get(f"/aggregates/{made['id']}").json() == changed
    assert api.http.patch(f"/aggregates/{made['id']}", json={"cust_agg_query": "SELECT 1"}).status_code == 422
    assert api.http.delete(f"/aggregates/{made['id']}").json() == changed
    assert [api.http.request(method, f"/aggregates/{made['id']}", json={}).status_code for method in ("GET", "PATCH", "DELETE")] == [404] * 3
    assert httpx.get(f"{api.http.base_url}/aggregates", headers={**HEADERS, "x-api-key": "wrong"}).status_code == 401


@pytest.mark.parametrize(("query", "names"), [
    ("name__ilike=paged&order=name&limit=2", ["Paged 1", "Paged 2"]),
    ("name__in=Paged 1,Paged 3&sort_key=name&sort_type=DESC", ["Paged 3", "Paged 1"]),
    (f"name__like=Paged&datasource={DATASOURCE}&created_at__gt=2999-01-01", []),
])
def test_lists_take_the_documented_filters(api: Api, query: str, names: list[str]):
    for number in (1, 2, 3):
        if not api.http.get("/aggregates", params={"name": f"Paged {number}"}).json()["results"]:
            api.metric(name=f"Paged {number}")
    assert [each["name"] for each in api.http.get(f"/aggregates?{query}").json()["results"]] == names


def test_tables_and_logs(api: Api):
    [table] = api.http.get("/aggregates/tables/schema").json()["tables"]
    assert table["table_name"] == "raw_metric_compute"
    assert {"name": "data.hours", "type": "Nullable(Decimal(38, 18))"} in table["columns"]
    logs = api.http.get(f"/aggregates/logs/{api.metric()['id']}", params={"customer_id": "acme", "month": "Oct 2026", "end_date": "2026-10-30", "query_limit": "2"}).json()
    assert logs["total_count"] == 3 and [each["timestamp"] for each in logs["results"]] == ["2026-10-15T12:00:00Z"] * 2


# Estimates


def test_an_estimate_has_the_documented_shape(api: Api):
    made = api.metric()
    one, [several] = (api.ask(made["id"], get_single=single).json() for single in ("true", "false"))
    assert set(one) == set(several) == {"id", "organisation_id", "aggregate_id", "customer_id", "start_date", "end_date", "value", "created_at", "updated_at", "deleted_at"}
    customer = api.http.get("/customers", params={"external_id": "acme"}).json()["results"][0]["id"]
    assert (one["aggregate_id"], one["customer_id"], one["start_date"], one["deleted_at"]) == (made["id"], customer, "2026-10-01", None)
    assert '"quantity":12345678901234567889.923456789012345678' in api.ask(made["id"], customer).text


@pytest.mark.parametrize(("sql", "days", "fields"), [
    (SUM, {"start": "2026-10-01", "end": "2026-10-30"}, [{"quantity": Decimal("-0.2")}]),
    (SUM, {"start": "2020-01-01", "end": "2020-01-01"}, [{"quantity": 0}]),
    (BY_REGION, {"end": "2026-10-30"}, [{"quantity": Decimal("-0.2"), "dimension": "eu"}, {"quantity": None, "dimension": None}]),
    (BY_REGION, {"start": "2020-01-01", "end": "2020-01-01"}, []),
    (f"SELECT data.region, data.spot, count(*) AS quantity FROM raw_metric_compute WHERE {WITHIN} AND data.spot GROUP BY data.region, data.spot", {}, [{"quantity": 1, "dimension": ["eu", True]}]),
    ("SELECT toInt64({{customer.custom_data.users}}) * 2 AS quantity FROM raw_metric_compute WHERE customer_id = {{customer.external_id}} LIMIT 1", {}, [{"quantity": 80}]),
])
def test_quantities_are_exact_and_days_inclusive(api: Api, sql: str, days: dict[str, str], fields: list[dict[str, object]]):
    assert api.fields(sql, **days) == fields


@pytest.mark.parametrize(("asked", "status"), [
    ({"aggregate_id": "nobody"}, 404), ({"customer_id": "nobody"}, 404), ({"aggregate_id": ""}, 422), ({"customer_id": ""}, 422), ({"start_date": "2026-10"}, 422), ({"end_date": "2026-02-30"}, 422),
    ({"end_date": "2026-09-30"}, 422), ({"get_single": "perhaps"}, 422),
])
def test_what_cannot_be_estimated(api: Api, asked: dict[str, str], status: int):
    known = {"aggregate_id": api.metric()["id"], "customer_id": "acme", "start_date": "2026-10-01", "end_date": "2026-10-31"}
    assert api.http.get("/aggregates/estimates", params={**known, **asked}).status_code == status


def test_a_customer_of_any_name_is_only_itself(api: Api):
    api.post("/customers", {"customer_name": "Strange", "external_id": STRANGE})
    assert api.ask(api.metric(BY_REGION)["id"], STRANGE).json()["value"]["fields"] == [{"quantity": 3, "dimension": STRANGE}]


def test_a_customer_without_the_value_that_a_query_asks_for(api: Api):
    made = api.metric("SELECT {{customer.custom_data.users}} AS quantity FROM raw_metric_compute LIMIT 1")
    assert "custom_data.users" in api.ask(made["id"], "globex").text and api.ask(made["id"], "globex").status_code == 400


def test_new_events_count_at_once_and_lagging_ones_later(tmp_path: Path):
    now = [datetime(2026, 10, 1, 12)]
    with served(build_app(tmp_path, clock=lambda: now[0], storing_lag_seconds=60, estimate_engine="duckdb")) as url, Api(url) as api:
        api.post("/rawmetric", {"name": "Compute", "api_slug": "compute", "dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"hours": "Decimal"}}})
        api.post("/customers", {"customer_name": "Acme", "external_id": "acme"})
        made, counted = api.metric(), []
        for second in (0, 59, 61, 121):
            now[0] = datetime(2026, 10, 1, 12, second // 60, second % 60)
            counted.append(api.ask(made["id"]).json()["value"]["fields"][0]["quantity"])
            api.post("/usage/compute", {"customer_id": "acme", "timestamp": "2026-10-01T00:00:00Z", "data": {"hours": 2}})
    assert counted == [0, 0, 2, 6]


@pytest.mark.skipif(not real.available(), reason="chdb isn't installed")
@pytest.mark.parametrize("sql", [
    SUM, BY_REGION,
    *(f"SELECT {what} AS quantity FROM raw_metric_compute WHERE {WITHIN}" for what in (
        "count(*)", "sum(data.n)", "sumKahan(data.f)", "avg(data.hours)", "min(data.f)", "max(data.day)", "max(data.at)", "uniqExact(data.region)", "min(data.hours)", "countIf(data.spot)",
        "argMax(data.hours, \"timestamp\")",
    )),
    f"SELECT toDate(\"timestamp\") AS d, data.spot, data.n, count() AS quantity FROM raw_metric_compute WHERE {WITHIN} GROUP BY d, data.spot, data.n ORDER BY d, data.spot, data.n",
])
def test_both_engines_say_the_same(engines: list[Counting], sql: str):
    for customer in ("acme", "globex", "nobody", STRANGE):
        values = {"start_date": "2026-10-01", "end_date": "2026-10-31", "customer.external_id": customer}
        one, other = (each.run(sql, values.__getitem__, datetime.max) for each in engines)
        assert (one.columns, one.rows) == (other.columns, other.rows)
