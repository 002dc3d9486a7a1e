"""The embedded sandbox, as any HTTP client sees it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults import served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import BadInput
from ingest.sandbox import fields, replies
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.samples import SAMPLE_CUSTOMERS, add_sample_customers
from ingest.sandbox.server import build_app, run, utc_now
from ingest.sandbox.store import Store

HEADERS = {"x-api-key": SANDBOX_KEY, "organisation": SANDBOX_ORGANISATION}
EVENT = {"customer_id": "c1", "timestamp": "2026-06-17T14:03:12Z", "data": {}}
TYPES = {"hours": "Decimal", "region": "String", "n": "Int64", "f": "Float64", "ok": "Bool", "day": "Date32", "at": "DateTime64", "id": "UUID", "tags": "Array(String)"}


class Api:
    """Requests with the documented headers, and the few calls that most tests make."""

    def __init__(self, url: str, slug: str = "compute") -> None:
        self.http = httpx.Client(base_url=url, headers=HEADERS, timeout=20)
        self.slug = slug

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def metric(self, slug: str | None = None, data: dict[str, str] = TYPES) -> dict[str, Any]:
        slug = slug or self.slug
        reply = self.http.post("/rawmetric", json={"name": slug.title(), "api_slug": slug, "dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": data}})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def usage(self, body: object, slug: str | None = None, key: str | None = None) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.http.post(f"/usage/{slug or self.slug}", content=content, headers={"Idempotency-Key": key} if key else {})

    def ask(self, slug: str | None = None, **asked: object) -> httpx.Response:
        return self.http.post("/aggregate/visualquery/preview", json={"table_name": f"raw_metric_{slug or self.slug}", **asked})

    def preview(self, slug: str | None = None, **asked: object) -> dict[str, Any]:
        reply = self.ask(slug, **asked)
        assert reply.status_code == 200, reply.text
        return json.loads(reply.content, parse_float=Decimal)

    def rows(self, slug: str | None = None, **asked: object) -> list[dict[str, Any]]:
        return self.preview(slug, limit=10_000, **asked)["results"]

    def count(self) -> int:
        return self.preview()["total_count"]


@contextmanager
def sandbox(data: Path, **switches: object) -> Iterator[Api]:
    """A sandbox that listens on a port of its own."""
    with served(build_app(data, **switches)) as url, Api(url) as api:
        yield api


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, 12)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with sandbox(tmp_path) as api:
        yield api


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One sandbox for all tests that don't mind each other."""
    with sandbox(tmp_path_factory.mktemp("shared")) as api:
        yield api


@pytest.fixture
def metric(shared: Api) -> Iterator[Api]:
    """An event type of its own in the shared sandbox."""
    with Api(str(shared.http.base_url), f"m{os.urandom(6).hex()}") as api:
        api.metric()
        yield api


def event(customer: str = "c1", timestamp: str = "2026-06-17T14:03:12Z", **data: object) -> dict[str, object]:
    return {"customer_id": customer, "timestamp": timestamp, "data": data}


# Who may come in


@pytest.mark.parametrize(("headers", "query", "status"), [
    (HEADERS, "", 200),
    ({"authorization": f"Bearer {SANDBOX_KEY}", "organisation": SANDBOX_ORGANISATION}, "", 200),
    ({"x-api-key": SANDBOX_KEY}, f"?organisation={SANDBOX_ORGANISATION}", 200),
    ({"x-api-key": SANDBOX_KEY}, "", 401),
    ({"organisation": SANDBOX_ORGANISATION}, "", 401),
    ({**HEADERS, "x-api-key": "wrong"}, "", 401),
    ({**HEADERS, "x-api-key": "schlüssel".encode("latin-1")}, "", 401),
    ({**HEADERS, "organisation": "another"}, "", 403),
    ({**HEADERS, "organisation": SANDBOX_ORGANISATION.upper()}, "", 200),
])
def test_only_the_key_and_its_organisation_come_in(shared: Api, headers: dict[str, str], query: str, status: int) -> None:
    reply = httpx.get(f"{shared.http.base_url}/rawmetric{query}", headers=headers)
    assert reply.status_code == status
    if status == 401:
        assert reply.json() == {"detail": "Unauthorized"}
    if status == 403:
        assert reply.json() == {"Message": "User is not authorized to access this resource with an explicit deny"}


@pytest.mark.parametrize(("method", "path", "status", "body"), [
    ("GET", "/nowhere", 404, {"detail": "Not Found"}),
    ("DELETE", "/rawmetric", 405, {"detail": "Method Not Allowed"}),
    ("GET", "/rawmetric/slug/unknown", 200, None),
    ("GET", "/rawmetric/5c2c0c7e-0f0a-4d0e-9d7e-0a5f6f0d1a11", 404, {"detail": "Usage event with id '5c2c0c7e-0f0a-4d0e-9d7e-0a5f6f0d1a11' was not found"}),
    ("GET", "/customers/unknown", 404, {"detail": "Customer with id 'unknown' was not found"}),
    ("POST", "/usage/unknown", 404, {"detail": "Usage event with slug 'unknown' was not found"}),
])
def test_unknown_things_are_answered_as_json(shared: Api, method: str, path: str, status: int, body: object) -> None:
    reply = shared.http.request(method, path)
    assert (reply.status_code, reply.json()) == (status, body)


# Event types


def test_an_event_type_comes_back_by_id_by_slug_and_in_the_list(api: Api) -> None:
    made = api.metric("compute", {"cpu": "float", "spot": "boolean", "at": "timestamp", "sum": "decimal", "id": "uuid", "tags": "Array(string)"})
    assert made["dataschema"] == {"customer_id": "String", "timestamp": "DateTime64", "data": {"cpu": "Float64", "spot": "Bool", "at": "DateTime64", "sum": "Decimal", "id": "UUID", "tags": "Array(String)"}}
    assert {key: made[key] for key in ("name", "api_slug", "column_order", "connector", "api_type", "usage_upload_enabled")} == {
        "name": "Compute", "api_slug": "compute", "column_order": ["timestamp"], "connector": "push_to_zenskar", "api_type": "PUSH", "usage_upload_enabled": True,
    }
    assert api.http.get(f"/rawmetric/{made['id']}").json() == made
    assert api.http.get("/rawmetric/slug/compute").json() == made
    assert api.http.get("/rawmetric").json() == {"results": [made], "next": None, "previous": None, "total_count": 1}


@pytest.mark.parametrize(("change", "status", "loc"), [
    ({"name": None}, 422, ["body", "name"]),
    ({"name": "  "}, 422, ["body", "name"]),
    ({"api_slug": None}, 422, ["body", "api_slug"]),
    ({"api_slug": "a b"}, 422, ["body", "api_slug"]),
    ({"api_slug": "../etc"}, 422, ["body", "api_slug"]),
    ({"api_slug": " spaced"}, 422, ["body", "api_slug"]),
    ({"api_slug": "x'; drop table metrics; --"}, 422, ["body", "api_slug"]),
    ({"dataschema": None}, 422, ["body", "dataschema"]),
    ({"dataschema": "String"}, 422, ["body", "dataschema"]),
    ({"dataschema": {"customer_id": "String", "data": {}}}, 422, ["body", "dataschema", "timestamp"]),
    ({"dataschema": {"customer_id": "Int64", "timestamp": "DateTime64", "data": {}}}, 422, ["body", "dataschema"]),
    ({"dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"x": "Money"}}}, 422, ["body", "dataschema", "data", "x"]),
    ({"dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"x": 3}}}, 422, ["body", "dataschema", "data", "x"]),
    ({"dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"timestamp": "String"}}}, 422, ["body", "dataschema", "data"]),
    ({"dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {}, "x": "String"}}, 422, ["body", "dataschema", "x"]),
    ({"column_order": ["customer_id"]}, 400, None),
    ({"api_type": "SOMETIMES"}, 422, ["body", "api_type"]),
    ({"api_slug": "taken"}, 400, None),
])
def test_event_types_that_are_refused(shared: Api, change: dict[str, object], status: int, loc: list[str] | None) -> None:
    shared.http.post("/rawmetric", json={"name": "N", "api_slug": "taken", "dataschema": {}})
    body = {"name": "N", "api_slug": "refused", "dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {}}, **change}
    reply = shared.http.post("/rawmetric", json=body)
    assert reply.status_code == status
    detail = reply.json()["detail"]
    assert detail[0]["loc"] == loc if loc else isinstance(detail, str)
    assert shared.http.get("/rawmetric/slug/refused").json() is None


def test_the_older_flat_schema_is_taken(shared: Api) -> None:
    reply = shared.http.post("/rawmetric", json={"name": "Old", "api_slug": "old", "dataschema": {"calls": "int", "plan": "string"}})
    assert reply.json()["dataschema"] == {"customer_id": "String", "timestamp": "DateTime64", "data": {"calls": "Int64", "plan": "String"}}


def test_fields_that_differ_only_in_case_and_hostile_names_are_just_names(shared: Api) -> None:
    names = ["Region", "region", 'x"; drop table metrics; --', "größe", "a.b", "select", "_seq", "value"]
    shared.metric("odd", dict.fromkeys(names, "String"))
    data = {name: str(number) for number, name in enumerate(names)}
    assert shared.usage([event(**data)], "odd").status_code == 200
    assert shared.rows("odd", visual_query={"groups": [{"filters": [{"column": f"data.{name}", "operator": "equals", "value": value} for name, value in data.items()]}]})[0]["data"] == data


def test_lists_page_by_cursor_and_by_offset_and_stay_put_while_the_list_grows(api: Api) -> None:
    for number in range(5):
        api.metric(f"m{number}")
    first = api.http.get("/rawmetric?limit=2").json()
    api.metric("late")
    second = api.http.get("/rawmetric", params={"limit": 2, "cursor": first["next"]}).json()
    third = api.http.get("/rawmetric", params={"limit": 2, "cursor": second["next"]}).json()
    assert [[each["api_slug"] for each in page["results"]] for page in (first, second, third)] == [["m4", "m3"], ["m2", "m1"], ["m0"]]
    assert (first["previous"], third["next"], third["total_count"]) == (None, None, 5)
    assert api.http.get("/rawmetric", params={"limit": 2, "cursor": second["previous"]}).json()["results"] == first["results"]
    assert [each["api_slug"] for each in api.http.get("/rawmetric?limit=2&offset=1&sort_key=name&sort_type=asc").json()["results"]] == ["m0", "m1"]
    assert [each["api_slug"] for each in api.http.get("/rawmetric?api_slug__ilike=LAT").json()["results"]] == ["late"]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "limit=99999999999999999999", "offset=-1", "cursor=nonsense", "cursor=W10=", "order=-nothing", "sort_key=seq;drop", "sort_key=name&sort_type=up"])
def test_nonsense_in_a_lists_query_is_422(shared: Api, query: str) -> None:
    assert shared.http.get(f"/rawmetric?{query}").status_code == 422


# Taking events


def test_one_event_and_an_array_come_back_as_they_went(metric: Api) -> None:
    full = {"hours": 5, "region": "us-east-1", "n": -7, "f": 0.1, "ok": True, "day": "2026-06-01", "at": "2026-06-17T14:03:12.5Z", "id": "0B0F3F8E-6d7b-4f0d-8a3f-5a4d1b6a2c33", "tags": ["a", "ü"]}
    assert metric.usage(event(**full)).json() == {"status": "ok"}
    assert metric.usage([event("c2"), event("c2", region=None)]).json() == {"status": "ok"}
    back = {**full, "f": Decimal("0.1"), "at": "2026-06-17T14:03:12.500Z", "id": "0b0f3f8e-6d7b-4f0d-8a3f-5a4d1b6a2c33"}
    assert metric.rows() == [
        {"customer_id": "c1", "timestamp": "2026-06-17T14:03:12Z", "data": back},
        {"customer_id": "c2", "timestamp": "2026-06-17T14:03:12Z", "data": {}},
        {"customer_id": "c2", "timestamp": "2026-06-17T14:03:12Z", "data": {"region": None}},
    ]


@pytest.mark.parametrize(("written", "kept"), [
    ("2026-06-17T14:03:12Z", "2026-06-17T14:03:12Z"),
    ("2026-06-17T14:03:12", "2026-06-17T14:03:12Z"),
    ("2026-06-17 14:03:12", "2026-06-17T14:03:12Z"),
    ("2026-06-17 14:03:12.731", "2026-06-17T14:03:12.731Z"),
    ("2026-06-17 14:03:12.7319999", "2026-06-17T14:03:12.731Z"),
    ("2026-06-17T14:03:12.5+05:30", "2026-06-17T08:33:12.500Z"),
    ("2026-06-17T23:30:00-0700", "2026-06-18T06:30:00Z"),
    ("2026-06-17 14:03:12+02", "2026-06-17T12:03:12Z"),
    ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
])
def test_timestamps_are_utc_and_keep_milliseconds(metric: Api, written: str, kept: str) -> None:
    assert metric.usage(event(timestamp=written)).status_code == 200
    assert metric.rows()[0]["timestamp"] == kept


@pytest.mark.parametrize("written", [
    "17.06.2026", "2026-06-17", "2026-13-01T00:00:00Z", "2026-06-17T25:00:00Z", "2026-06-17T14:03:12 Z", "2026-06-17T14:03:12Z\n",
    "٢٠٢٦-06-17T14:03:12Z", "1781704992", "1800-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "",
    "2026-06-17T14:03:12+25:00", "2026-06-17T14:03:12+01:75",
])
def test_timestamps_that_are_refused(metric: Api, written: str) -> None:
    reply = metric.usage([EVENT, event(timestamp=written)])
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body", 1, "timestamp"])
    assert "timedelta" not in reply.text


def test_more_digits_of_a_second_are_kept_where_the_schema_says_so(shared: Api) -> None:
    shared.http.post("/rawmetric", json={"name": "fine", "api_slug": "fine", "dataschema": {"customer_id": "String", "timestamp": "DateTime64(6)", "data": {}}})
    shared.usage(event(timestamp="2026-06-17T14:03:12.1234567Z"), "fine")
    assert shared.rows("fine")[0]["timestamp"] == "2026-06-17T14:03:12.123456Z"


@pytest.mark.parametrize(("body", "loc", "kind"), [
    ([EVENT, {"timestamp": EVENT["timestamp"], "data": {}}], ["body", 1, "customer_id"], "value_error.missing"),
    ([{**EVENT, "customer_id": 7}], ["body", 0, "customer_id"], "type_error.str"),
    ([{**EVENT, "customer_id": ""}], ["body", 0, "customer_id"], "value_error.any_str.min_length"),
    ([{**EVENT, "customer_id": None}], ["body", 0, "customer_id"], "type_error.none.not_allowed"),
    ([{**EVENT, "timestamp": 1781704992}], ["body", 0, "timestamp"], "type_error.datetime"),
    ([{**EVENT, "data": []}], ["body", 0, "data"], "type_error.dict"),
    ({"customer_id": "c1", "timestamp": EVENT["timestamp"]}, ["body", "data"], "value_error.missing"),
    ([EVENT, "text"], ["body", 1], "type_error.dict"),
    ([], ["body"], "value_error.list.min_items"),
    ("text", ["body"], "type_error.dict"),
    (b"null", ["body"], "type_error.dict"),
    (b"", ["body", 0], "value_error.jsondecode"),
    (b'{"customer_id": ', ["body", 16], "value_error.jsondecode"),
    (b'{"customer_id": "\xff"}', ["body", 0], "value_error.jsondecode"),
    (b'{"customer_id": "\\ud800", "timestamp": "2026-06-17T14:03:12Z", "data": {}}', ["body", 0], "value_error.jsondecode"),
    (b'[{"customer_id": "c", "timestamp": "2026-06-17T14:03:12Z", "data": {"f": NaN}}]', ["body", 0], "value_error.jsondecode"),
    (b"[" * 100_000, ["body", 0], "value_error.jsondecode"),
])
def test_bodies_and_root_fields_that_are_refused_with_422(metric: Api, body: object, loc: list[str | int], kind: str) -> None:
    reply = metric.usage(json.dumps(body) if isinstance(body, str) else body)
    first = reply.json()["detail"][0]
    assert (reply.status_code, first["loc"], first["type"]) == (422, loc, kind)
    assert metric.count() == 0


@pytest.mark.parametrize("data", [
    '{"unknown": 1}', '{"region": 1}', '{"region": {"a": 1}}', '{"n": "5"}', '{"n": 1.5}', '{"n": true}', '{"n": 9223372036854775808}', '{"n": 1e400}', '{"f": "0.1"}', '{"f": 1e999}',
    '{"ok": 1}', '{"ok": "true"}',
    '{"day": "2026-02-30"}', '{"day": "1.2.2026"}', '{"at": "soon"}', '{"id": "{0b0f3f8e-6d7b-4f0d-8a3f-5a4d1b6a2c33}"}', '{"tags": "a"}', '{"tags": [1]}',
    '{"hours": "1,5"}', '{"hours": ""}', '{"hours": "NaN"}', '{"hours": "1_000"}', '{"hours": true}', '{"hours": 1e20}', '{"hours": 1e999999999}', '{"hours": 1e-19}', '{"hours": 0.1234567890123456789}',
])
def test_data_that_is_refused_with_400_and_leaves_nothing(metric: Api, data: str) -> None:
    reply = metric.usage(f'[{json.dumps(EVENT)}, {{"customer_id": "c1", "timestamp": "2026-06-17T14:03:12Z", "data": {data}}}]')
    assert reply.status_code == 400
    assert reply.json()["detail"].startswith("Event 2: ") and f"data.{list(json.loads(data))[0]}" in reply.json()["detail"]
    assert metric.count() == 0


@pytest.mark.parametrize(("written", "kept"), [
    ("0.1", "0.1"), ('"0.1"', "0.1"), ("1e3", "1000"),
    ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
    ("-99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999"),
    ("0.000000000000000001", "0.000000000000000001"), ("1.10000000000000000000000000", "1.1"), ('"+5"', "5"), ("0", "0"), ("-0.0", "-0"), ("100", "100"),
])
def test_decimals_keep_every_digit(metric: Api, written: str, kept: str) -> None:
    assert metric.usage(f'{{"customer_id": "c1", "timestamp": "2026-06-17T14:03:12Z", "data": {{"hours": {written}}}}}').status_code == 200
    assert f'"data":{{"hours":{kept}}}' in metric.ask().text
    total = metric.preview(aggregate_operation={"operation": "SUM", "column": "data.hours"})["results"]
    assert total == [{"value": Decimal(kept)}]


DATA = st.fixed_dictionaries({}, optional={
    "hours": st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**18), max_value=10**18), "region": st.text(), "n": st.integers(-(2**63), 2**63 - 1), "ok": st.booleans(),
    "f": st.floats(allow_nan=False, allow_infinity=False), "tags": st.lists(st.text(max_size=5), max_size=3),
})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(st.tuples(st.text(min_size=1), DATA), min_size=1, max_size=10))
def test_whatever_is_taken_comes_back_equal(metric: Api, sent: list[tuple[str, dict[str, object]]]) -> None:
    before = metric.count()
    body = replies.exact([event(customer, **{**data, **({"f": Decimal(repr(data["f"]))} if "f" in data else {})}) for customer, data in sent])
    assert metric.usage(body.encode()).status_code == 200
    back = [(row["customer_id"], {**row["data"], **({"f": float(row["data"]["f"])} if "f" in row["data"] else {})}) for row in metric.rows(offset=before)]
    assert back == sent
    customer = sent[0][0]
    found = metric.rows(visual_query={"filters": [{"column": "customer_id", "operator": "equals", "value": customer}]})
    assert {row["customer_id"] for row in found} == {customer}


def test_the_row_view_of_the_logs_shows_the_newest_first(metric: Api) -> None:
    metric.usage([event(n=number) for number in range(120)])
    logs = metric.http.get(f"/rawmetric/{metric.http.get(f'/rawmetric/slug/{metric.slug}').json()['id']}/logs").json()
    assert (len(logs["results"]), logs["results"][0]["data"], logs["total_count"]) == (100, {"n": 119}, 120)


# Idempotency


def test_a_key_counts_once_for_a_day_and_for_one_body(tmp_path: Path) -> None:
    clock = Clock()
    with sandbox(tmp_path, clock=clock) as api:
        api.metric()
        api.metric("other")
        said = [api.usage([EVENT], key="k").status_code, api.usage([EVENT], key="k").status_code, api.usage([EVENT, EVENT], key="k").status_code, api.usage([EVENT], "other", key="k").status_code]
        assert (said, api.count()) == ([200, 200, 409, 409], 1)
        assert api.usage([EVENT]).status_code == 200 and api.usage([EVENT]).status_code == 200 and api.count() == 3
        clock.now += timedelta(hours=23, minutes=59)
        assert api.usage([EVENT], key="k").status_code == 200 and api.count() == 3
        clock.now += timedelta(minutes=2)
        assert api.usage([EVENT, EVENT], key="k").status_code == 200 and api.count() == 5


def test_a_refusal_isnt_remembered(metric: Api) -> None:
    assert metric.usage([event(n="five")], key=metric.slug).status_code == 400
    assert metric.usage([event(n=5)], key=metric.slug).status_code == 200
    assert metric.usage([event(n="five")], key=metric.slug).status_code == 409


def test_one_key_from_many_sides_at_once_stores_once(metric: Api) -> None:
    body = json.dumps([event(n=number) for number in range(200)])
    with ThreadPoolExecutor(8) as pool:
        said = {reply.status_code for reply in pool.map(lambda _: metric.usage(body, key=metric.slug), range(24))}
    assert 200 in said and said <= {200, 409}
    assert metric.count() == 200


def test_many_writers_lose_nothing(metric: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert {reply.status_code for reply in pool.map(lambda number: metric.usage([event(f"c{number}", n=number)] * 10, key=f"k{number}"), range(64))} == {200}
    groups = metric.preview(aggregate_operation={"operation": "COUNT", "column": "timestamp", "group_by": ["customer_id"]})["results"]
    assert {each["customer_id"]: each["value"] for each in groups} == {f"c{number}": 10 for number in range(64)}


# Switches


@pytest.mark.parametrize(("switches", "body", "key", "status", "stored"), [
    ({"bad_events": "store_good_then_refuse"}, [EVENT, event(x=1)], None, 400, 1),
    ({"bad_events": "drop_quietly"}, [EVENT, event(x=1), event(timestamp="?")], None, 200, 1),
    ({"data_fields": "lenient"}, [event(x={"any": [1, 2.5]}, n="5", hours="1.5")], None, 200, 1),
    ({"data_fields": "lenient"}, [event(n="five")], None, 400, 0),
    ({"max_events": 2}, [EVENT] * 3, None, 422, 0),
    ({"max_events": 2}, [EVENT] * 2, None, 200, 2),
    ({"max_body_bytes": 500}, [EVENT] * 20, None, 413, 0),
    ({}, [EVENT], "k" * 256, 400, 0),
    ({"latency_seconds": 0.01}, [EVENT], None, 200, 1),
])
def test_switches(tmp_path: Path, switches: dict[str, object], body: object, key: str | None, status: int, stored: int) -> None:
    with sandbox(tmp_path, **switches) as api:
        api.metric()
        assert (api.usage(body, key=key).status_code, api.count()) == (status, stored)


def test_lenient_fields_are_kept_as_they_came(tmp_path: Path) -> None:
    with sandbox(tmp_path, data_fields="lenient") as api:
        api.metric()
        api.usage([event(x={"any": [1, None]}, n="5")])
        assert api.rows()[0]["data"] == {"x": {"any": [1, None]}, "n": 5}


def test_storing_can_lag_behind_the_acknowledgement(tmp_path: Path) -> None:
    clock = Clock()
    with sandbox(tmp_path, clock=clock, storing_lag_seconds=30) as api:
        api.metric()
        api.usage([EVENT])
        before = api.count()
        clock.now += timedelta(seconds=30)
        assert (before, api.count()) == (0, 1)


def test_the_status_of_a_key_conflict_can_be_chosen(tmp_path: Path) -> None:
    with sandbox(tmp_path, conflict_status=422) as api:
        api.metric()
        assert [api.usage(body, key="k").status_code for body in ([EVENT], [EVENT, EVENT])] == [200, 422]


def test_an_unknown_switch_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="latency_seconds"):
        build_app(tmp_path, speed=1)


# Reading back


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with sandbox(tmp_path_factory.mktemp("stored")) as api:
        api.metric()
        api.usage([
            event("a", "2026-06-01 00:00:00", n=1, hours="1.1", region="eu", ok=True, day="2026-01-01", f=1.5),
            event("a", "2026-06-01 23:59:59.999", n=2, hours="2.2", region="us", ok=False, day="2026-01-02"),
            event("b", "2026-06-02 00:00:00", n=3, hours="0.000000000000000001", region="eu-west"),
            event("b", "2026-06-03 12:00:00", n=4, region=None),
        ])
        yield api


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["data"]["n"] for row in rows]


@pytest.mark.parametrize(("column", "operator", "value", "found"), [
    ("customer_id", "equals", "a", [1, 2]),
    ("customer_id", "not_equals", "a", [3, 4]),
    ("customer_id", "in", ["a", "z"], [1, 2]),
    ("customer_id", "in", [], []),
    ("customer_id", "contains", "a", [1, 2]),
    ("timestamp", "gte", "2026-06-02", [3, 4]),
    ("timestamp", "lt", "2026-06-02T00:00:00Z", [1, 2]),
    ("timestamp", "lte", "2026-06-02T02:00:00+02:00", [1, 2, 3]),
    ("timestamp", "gt", "2026-06-01 23:59:59.998", [2, 3, 4]),
    ("timestamp", "equals", "2026-06-01 00:00:00", [1]),
    ("data.hours", "gt", Decimal("1.1"), [2]),
    ("data.hours", "gte", "1.1", [1, 2]),
    ("data.hours", "equals", "0.000000000000000001", [3]),
    ("data.hours", "is_null", True, [4]),
    ("data.hours", "is_null", None, [4]),
    ("data.hours", "is_null", False, [1, 2, 3]),
    ("data.region", "contains", "eu", [1, 3]),
    ("data.region", "not_equals", "eu", [2, 3, 4]),
    ("data.region", "in", ["us", "eu"], [1, 2]),
    ("data.region", "equals", "x' or '1'='1", []),
    ("data.n", "gt", 2, [3, 4]),
    ("data.n", "gt", 2.5, [3, 4]),
    ("data.f", "lte", 1.5, [1]),
    ("data.ok", "equals", False, [2]),
    ("data.day", "gt", "2026-01-01", [2]),
])
def test_filters(stored: Api, column: str, operator: str, value: object, found: list[int]) -> None:
    query = {"logic": "AND", "groups": [{"logic": "AND", "filters": [{"column": column, "operator": operator, "value": str(value) if isinstance(value, Decimal) else value}]}]}
    assert numbers(stored.rows(visual_query=query)) == found


def test_groups_of_filters_combine(stored: Api) -> None:
    def small_or_large(logic: str) -> list[int]:
        return numbers(stored.rows(visual_query={"logic": logic, "groups": [
            {"logic": "AND", "filters": [{"column": "customer_id", "operator": "equals", "value": "a"}, {"column": "data.n", "operator": "gt", "value": 1}]},
            {"logic": "OR", "filters": [{"column": "data.n", "operator": "equals", "value": 2}, {"column": "data.n", "operator": "equals", "value": 4}]},
        ]}))

    assert (small_or_large("AND"), small_or_large("OR")) == ([2], [2, 4])
    assert numbers(stored.rows(visual_query={"logic": "AND", "groups": [{"logic": "AND", "filters": []}]})) == [1, 2, 3, 4]


def test_rows_are_ordered_and_paged(stored: Api) -> None:
    down = [{"column": "timestamp", "type": "DESC"}]
    first = stored.preview(limit=3, order_by=down)
    assert (numbers(first["results"]), first["total_count"], first["previous"]) == ([4, 3, 2], 4, None)
    assert numbers(stored.preview(limit=3, offset=3, order_by=down)["results"]) == numbers(stored.preview(limit=3, cursor=first["next"], order_by=down)["results"]) == [1]
    assert numbers(stored.rows(order_by=[{"column": "data.region", "type": "ASC"}, {"column": "data.n"}])) == [1, 3, 2, 4]


@pytest.mark.parametrize(("operation", "column", "group_by", "answer"), [
    ("COUNT", "timestamp", ["customer_id"], [{"customer_id": "a", "value": 2}, {"customer_id": "b", "value": 2}]),
    ("COUNT", "data.region", ["customer_id"], [{"customer_id": "a", "value": 2}, {"customer_id": "b", "value": 1}]),
    ("COUNT_DISTINCT", "data.region", [], [{"value": 3}]),
    ("SUM", "data.hours", ["customer_id"], [{"customer_id": "a", "value": Decimal("3.3")}, {"customer_id": "b", "value": Decimal("0.000000000000000001")}]),
    ("SUM", "data.n", None, [{"value": 10}]),
    ("AVG", "data.hours", ["customer_id"], [{"customer_id": "a", "value": Decimal("1.65")}, {"customer_id": "b", "value": Decimal("0.000000000000000001")}]),
    ("AVG", "data.f", [], [{"value": Decimal("1.5")}]),
    ("MIN", "timestamp", [], [{"value": "2026-06-01T00:00:00Z"}]),
    ("MAX", "timestamp", ["customer_id"], [{"customer_id": "a", "value": "2026-06-01T23:59:59.999Z"}, {"customer_id": "b", "value": "2026-06-03T12:00:00Z"}]),
    ("MAX", "data.day", [], [{"value": "2026-01-02"}]),
    ("COUNT", "timestamp", ["date"], [{"date": "2026-06-01", "value": 2}, {"date": "2026-06-02", "value": 1}, {"date": "2026-06-03", "value": 1}]),
    ("COUNT", "timestamp", ["customer_id", "data.ok"], [{"customer_id": "a", "data.ok": False, "value": 1}, {"customer_id": "a", "data.ok": True, "value": 1}, {"customer_id": "b", "data.ok": None, "value": 2}]),
])
def test_totals(stored: Api, operation: str, column: str, group_by: list[str] | None, answer: list[dict[str, object]]) -> None:
    said = stored.preview(aggregate_operation={"operation": operation, "column": column, "group_by": group_by})
    assert (said["results"], said["total_count"]) == (answer, len(answer))


def test_totals_follow_filters_order_and_limit(stored: Api) -> None:
    counting = {"operation": "COUNT", "column": "timestamp", "group_by": ["date"]}
    filtered = {"filters": [{"column": "data.region", "operator": "is_null", "value": False}]}
    said = stored.preview(aggregate_operation=counting, visual_query=filtered, order_by=[{"column": "value", "type": "ASC"}], limit=1)
    assert (said["results"], said["total_count"]) == ([{"date": "2026-06-02", "value": 1}], 2)
    nothing = {"filters": [{"column": "customer_id", "operator": "equals", "value": "nobody"}]}
    assert stored.preview(aggregate_operation={"operation": "SUM", "column": "data.hours"}, visual_query=nothing)["results"] == [{"value": 0}]
    assert stored.preview(aggregate_operation=counting, visual_query=nothing)["results"] == []


def one(column: object, operator: object, value: object) -> dict[str, object]:
    return {"visual_query": {"filters": [{"column": column, "operator": operator, "value": value}]}}


@pytest.mark.parametrize(("asked", "status"), [
    ({"table_name": "raw_metric_none"}, 404),
    ({"table_name": "compute"}, 404),
    ({"table_name": None}, 422),
    ({"limit": 10_001}, 422),
    ({"limit": "many"}, 422),
    ({"offset": -1}, 422),
    ({"order_by": [{"column": "rowid"}]}, 400),
    ({"order_by": "n"}, 422),
    ({"order_by": [{"column": "timestamp", "type": "up; drop"}]}, 422),
    (one("data.nothing", "equals", 1), 400),
    (one(["data.n"], "equals", 1), 400),
    (one("data.n", "like", 1), 422),
    (one("data.n", ["equals"], 1), 422),
    (one("data.n", "gt", "two"), 422),
    (one("data.n", "gt", None), 422),
    (one("data.n", "in", 5), 422),
    (one("timestamp", "gt", "soon"), 422),
    (one("data.region", "contains", 5), 422),
    ({"visual_query": {"filters": "all"}}, 422),
    ({"visual_query": [1]}, 422),
    ({"visual_query": {"logic": "XOR", "groups": []}}, 422),
    ({"visual_query": {"groups": [{"groups": [{"groups": [{"groups": [{"groups": [{"groups": [{}]}]}]}]}]}]}}, 422),
    ({"aggregate_operation": {"operation": "MEDIAN", "column": "data.n"}}, 422),
    ({"aggregate_operation": {"operation": "SUM", "column": "data.region"}}, 400),
    ({"aggregate_operation": {"operation": "SUM"}}, 400),
    ({"aggregate_operation": {"operation": "COUNT", "column": "timestamp", "group_by": ["x"]}}, 400),
    ({"aggregate_operation": 5}, 422),
])
def test_questions_that_are_refused(stored: Api, asked: dict[str, object], status: int) -> None:
    reply = stored.ask(**asked)
    assert reply.status_code == status, reply.text
    assert "detail" in reply.json()


def test_a_total_too_large_for_a_decimal_is_refused_in_words(metric: Api) -> None:
    metric.usage([event(hours="99999999999999999999")] * 3)
    reply = metric.ask(aggregate_operation={"operation": "SUM", "column": "data.hours"})
    assert (reply.status_code, reply.json()["detail"]) == (400, "The total doesn't fit into 38 digits")


# Customers


def test_customers_are_made_found_and_listed_on_both_paths(api: Api) -> None:
    own = "6F9619FF-8B86-4011-B42D-00C04FC964FF"
    acme = api.http.post("/customer", json={"customer_name": "Acme Ltd", "external_id": "cus_1", "email": "a@acme.test", "phone_number": "+14155550100", "address": {"line1": "1 Main St"}}).json()
    bolt = api.http.post("/customers", json={"customer_name": "Bolt", "external_id": own, "email": ""}).json()
    assert (acme["external_id"], acme["address"], acme["communications_enabled"]) == ("cus_1", {"line1": "1 Main St", "validation_status": "pending"}, True)
    assert (bolt["id"], bolt["email"]) == (own.lower(), None)
    assert api.http.get(f"/customers/{acme['id']}").json() == acme
    for path in ("/customer", "/customers"):
        assert [each["customer_name"] for each in api.http.get(path).json()["results"]] == ["Bolt", "Acme Ltd"]
    for query in ("external_id=cus_1", "customer_name__ilike=acme", "search=customer_name=acme", "search_name_external_id=CUS", f"id__in=x,{acme['id']}", "email=a@acme.test", "order=customer_name&limit=1"):
        assert api.http.get(f"/customers?{query}").json()["results"] == [acme], query


@pytest.mark.parametrize(("body", "status"), [
    ({}, 422), ({"customer_name": ""}, 422), ({"customer_name": " "}, 422), ({"customer_name": 5}, 422), ({"customer_name": "X", "external_id": "x" * 256}, 422), ({"customer_name": "X", "address": "Main St"}, 422), ([], 422),
    ({"customer_name": "X", "email": "nobody"}, 400), ({"customer_name": "X", "phone_number": "call me"}, 400), ({"customer_name": "X", "external_id": "cus_1"}, 400), ({"customer_name": "X", "email": "A@ACME.test"}, 400),
])
def test_customers_that_are_refused(shared: Api, body: object, status: int) -> None:
    shared.http.post("/customer", json={"customer_name": "Acme", "external_id": "cus_1", "email": "a@acme.test"})
    assert shared.http.post("/customer", json=body).status_code == status
    assert shared.http.get("/customers").json()["total_count"] == 1


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Three customers and two event types."""
    with sandbox(tmp_path_factory.mktemp("listed")) as api:
        for body in ({"external_id": "cus_1", "email": "a@acme.test", "custom_data": {"plan/1": "Gold"}}, {"external_id": "CUS_1", "auto_charge_enabled": False}, {"external_id": "cusX1"}):
            assert api.http.post("/customers", json={"customer_name": f"Name of {body['external_id']}", **body}).status_code == 200
        api.metric("cpu_hours", {})
        api.metric("cpuXhours", {})
        yield api


@pytest.mark.parametrize(("query", "found"), [
    ({"external_id": "cus_1"}, "cus_1"), ({"external_id__neq": "cus_1"}, "CUS_1 cusX1"), ({"external_id__in": "cus_1,cusX1,other"}, "cusX1 cus_1"), ({"external_id__isnull": "true"}, ""),
    ({"external_id__like": "cus_"}, "cus_1"), ({"external_id__ilike": "cus_"}, "CUS_1 cus_1"), ({"external_id__ilike": "CUS%1"}, "CUS_1 cusX1 cus_1"), ({"email__isnull": "false"}, "cus_1"),
    ({"customer_name": "Name of cusX1"}, "cusX1"), ({"auto_charge_enabled": "false"}, "CUS_1"), ({"created_at__gt": "2026-01-01", "created_at__lt": "2299-01-01T00:00:00Z"}, "CUS_1 cusX1 cus_1"),
    ({"search": "of CUS_"}, "CUS_1 cus_1"), ({"search": "external_id=x1,customer_name=name"}, "cusX1"), ({"search": "custom_data.plan/1=gold"}, "cus_1"), ({"search": 'custom_data."=x'}, ""),
    ({"search_name_external_id": "cusx1 cusx1"}, "cusX1"), ({"nonsense": "1", "external_id__ilike": ""}, "CUS_1 cusX1 cus_1"),
])
def test_lists_are_filtered_as_documented(listed: Api, query: dict[str, str], found: str) -> None:
    reply = listed.http.get("/customers", params=query).json()
    assert sorted(each["external_id"] for each in reply["results"]) == found.split()
    assert reply["total_count"] == len(found.split())


@pytest.mark.parametrize("query", [{"search": "cpu_h"}, {"search": "api_slug=cpu_h"}, {"api_slug": "cpu_hours"}, {"api_slug__ilike": "%U_H%"}, {"name__in": "Cpu_Hours,x"}])
def test_event_types_are_found_by_their_names(listed: Api, query: dict[str, str]) -> None:
    assert [each["api_slug"] for each in listed.http.get("/rawmetric", params=query).json()["results"]] == ["cpu_hours"]


@pytest.mark.parametrize("name, value", [("created_at__gte", "junk"), ("auto_charge_enabled", "perhaps"), ("email__isnull", "2")])
def test_a_filter_that_cant_be_read_is_named(listed: Api, name: str, value: str) -> None:
    reply = listed.http.get("/customers", params={name: value})
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["query", name])


# What survives


def test_the_sample_customers_are_added_once_and_only_to_an_empty_sandbox(tmp_path: Path) -> None:
    for folder, prepare in (("new", lambda _api: None), ("used", lambda api: api.metric())):
        with sandbox(tmp_path / folder) as api:
            prepare(api)
        for _ in range(2):
            store = Store(tmp_path / folder)
            add_sample_customers(store, utc_now())
            store.close()
    with sandbox(tmp_path / "new") as api:
        found = api.http.get("/customers?order=external_id").json()["results"]
        assert {each["external_id"]: each["customer_name"] for each in found} == SAMPLE_CUSTOMERS
        assert api.http.get("/customers", params={"external_id": "cus_acme"}).json()["results"] == found[:1]
    with sandbox(tmp_path / "used") as api:
        assert api.http.get("/customers").json()["total_count"] == 0


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    with sandbox(tmp_path) as api:
        made = api.metric()
        api.usage([event(hours="1.5")], key="k")
        api.http.post("/customer", json={"customer_name": "Acme"})
    with sandbox(tmp_path) as api:
        assert api.http.get("/rawmetric/slug/compute").json() == made
        assert [api.usage([event(hours="1.5")], key="k").status_code, api.usage([EVENT], key="k").status_code] == [200, 409]
        assert api.rows() == [{"customer_id": "c1", "timestamp": "2026-06-17T14:03:12Z", "data": {"hours": Decimal("1.5")}}]
        assert api.http.get("/customers").json()["total_count"] == 1


SERVER = "import sys, json; from pathlib import Path; from ingest.sandbox.server import run; run('127.0.0.1', 0, Path(sys.argv[1]), ready=lambda address: print(json.dumps(address), flush=True))"


@contextmanager
def process(data: Path) -> Iterator[tuple[subprocess.Popen[str], Api]]:
    """A sandbox in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(data)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as running:
        try:
            with Api(json.loads(running.stdout.readline())["url"]) as api:
                yield running, api
        finally:
            running.kill()


def post_until_it_dies(url: str, worker: int, acknowledged: set[str], begun: set[str]) -> None:
    with Api(url) as api, suppress(httpx.HTTPError):
        for number in range(10_000):
            key = f"{url}-{worker}-{number}"
            begun.add(key)
            assert api.usage([event(key, n=each) for each in range(50)], key=key).status_code == 200
            acknowledged.add(key)


def test_a_kill_loses_nothing_acknowledged_stores_no_batch_in_part_and_a_retry_stores_nothing_twice(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    begun: set[str] = set()
    for round_number in range(3):
        with process(tmp_path) as (running, api), ThreadPoolExecutor(4) as pool:
            if round_number == 0:
                api.metric()
            posting = [pool.submit(post_until_it_dies, str(api.http.base_url), number, acknowledged, begun) for number in range(4)]
            goal = len(acknowledged) + 12
            while len(acknowledged) < goal and not any(each.done() for each in posting):
                wait(posting, timeout=0.005)
            running.kill()
            [each.result() for each in posting]
    counting = {"operation": "COUNT", "column": "timestamp", "group_by": ["customer_id"]}
    with process(tmp_path) as (running, api):
        counts = {each["customer_id"]: each["value"] for each in api.preview(aggregate_operation=counting)["results"]}
        assert set(counts.values()) == {50}
        assert acknowledged <= set(counts) <= begun
        assert {api.usage([event(key, n=each) for each in range(50)], key=key).status_code for key in begun} == {200}
        assert {each["customer_id"]: each["value"] for each in api.preview(aggregate_operation=counting)["results"]} == dict.fromkeys(begun, 50)


# The server


def test_the_server_says_where_it_is_and_tidies_up(tmp_path: Path) -> None:
    with process(tmp_path) as (running, api):
        url = str(api.http.base_url)
        assert json.loads((tmp_path / "address.json").read_text()) == {"url": url, "organisation": SANDBOX_ORGANISATION, "api_key": SANDBOX_KEY, "pid": running.pid}
        assert api.http.get("/rawmetric").status_code == 200
        with pytest.raises(BadInput, match=f"already running on the data folder .*, at {url}"):
            run("127.0.0.1", 0, tmp_path)
        port = int(url.rpartition(":")[2])
        with pytest.raises(BadInput, match=f"can't listen on 127.0.0.1 port {port}"):
            run("127.0.0.1", port, tmp_path / "other")
        build_app(tmp_path / "other").state.store.close()  # the failed start let go of its folder
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["lock", "sandbox.duckdb"]  # no address, and nothing left to be taken over


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cant_be_is_a_sentence(tmp_path: Path, port: int) -> None:
    with pytest.raises(BadInput, match="can't listen"):
        run("127.0.0.1", port, tmp_path)


def test_a_damaged_data_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sandbox.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(BadInput, match="can't be opened"):
        build_app(tmp_path)


# The types


@pytest.mark.parametrize(("name", "canonical"), [*fields.ALIASES.items(), ("DateTime64(6)", "DateTime64(6)"), ("Decimal(10, 2)", "Decimal(10, 2)"), ("Array(int)", "Array(Int64)"), ("STRING", "String")])
def test_names_of_types(name: str, canonical: str) -> None:
    assert fields.kind(name).name == canonical


@pytest.mark.parametrize("name", ["", "Money", "Decimal(39, 2)", "Decimal(2, 3)", "DateTime64(9)", "Array()", "Array(Money)", "Nullable(String)"])
def test_unknown_types_list_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="known types are String"):
        fields.kind(name)
