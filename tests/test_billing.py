"""The client of the billing API: what it sends, what it makes of answers and of their absence."""

import inspect
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from faults import FAULTS, Faults, served
from pydantic import SecretStr

from ingest.billing import BillingClient
from ingest.billing.client import THIS_MACHINE
from ingest.billing.failures import FAILURES, detail_of, retry_after, unreachable
from ingest.billing.shapes import event_type_of, field_type
from ingest.errors import BadInput, Broken, IngestError, Refused, Unreachable
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from schemas.account import Account, AccountProfile
from schemas.billing import OPERATORS, Filter
from schemas.event_type import FIELD_TYPES, EventType, Field

CALLS = EventType(name="API calls", slug="api_calls", fields=(Field(name="quantity", type="Decimal"), Field(name="region", type="String"), Field(name="event_id", type="String")))
NOW = 1_800_000_000.0


def account(url: str = "http://billing.test", **changes: object) -> Account:
    return Account(**{"name": "Test", "kind": "sandbox", "base_url": url, "organisation": SANDBOX_ORGANISATION, "api_key": SecretStr(SANDBOX_KEY), **changes})


class Naps:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def answering(*replies: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response], seen: list[httpx.Request] | None = None) -> httpx.MockTransport:
    """A transport that gives these answers in turn, and the last one for ever."""
    waiting = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    return httpx.MockTransport(answer)


def client(*replies: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response], seen: list[httpx.Request] | None = None, naps: Naps | None = None) -> BillingClient:
    return BillingClient(account(), transport=answering(*replies, seen=seen), sleep=naps or Naps(), now=lambda: NOW)


def page(*results: object, following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"results": results, "next": following, "previous": None, "total_count": len(results)})


@pytest.fixture
def billing(tmp_path: Path) -> Iterator[BillingClient]:
    with served(build_app(tmp_path)) as url, BillingClient(account(url), sleep=Naps()) as made:
        yield made


def events(*rows: tuple[str, str, str], day: str = "2026-06-01") -> bytes:
    """A body of (customer, event id, quantity)."""
    return ("[" + ",".join(f'{{"customer_id":"{customer}","timestamp":"{day} 10:00:00","data":{{"event_id":"{event}","quantity":{quantity},"region":"eu"}}}}' for customer, event, quantity in rows) + "]").encode()


# Against the sandbox


def test_an_event_type_is_made_found_and_listed(billing: BillingClient) -> None:
    made = billing.create_event_type(CALLS)
    assert made == CALLS.model_copy(update={"id": made.id}) and made.id
    assert billing.event_type("api_calls") == made
    assert billing.event_type("nothing/../here?") is None
    for number in range(3):
        billing.create_event_type(CALLS.model_copy(update={"slug": f"n{number}"}))
    assert {each.slug for each in billing.event_types()} == {"api_calls", "n0", "n1", "n2"}
    with pytest.raises(Refused, match="exists already") as refused:
        billing.create_event_type(CALLS)
    assert refused.value.status == 400


def test_events_go_once_and_come_back_exact(billing: BillingClient) -> None:
    billing.create_event_type(CALLS)
    body = events(("a", "1", "0.1"), ("a", "2", "0.2"), ("b", "3", "12345678901234567890.123456789012345678"))
    assert [billing.send("api_calls", body, "key"), billing.send("api_calls", body, "key")] == [200, 200]
    rows = billing.rows("api_calls", [Filter(column="data.event_id", operator="in", value=["1", "3"])], limit=10, order_by="-data.event_id")
    assert [(row["customer_id"], row["data"]["quantity"]) for row in rows] == [("b", Decimal("12345678901234567890.123456789012345678")), ("a", Decimal("0.1"))]
    assert billing.aggregate("api_calls", "SUM", "data.quantity", group_by=("customer_id",)) == [
        {"customer_id": "a", "value": Decimal("0.3")}, {"customer_id": "b", "value": Decimal("12345678901234567890.123456789012345678")},
    ]
    assert billing.aggregate("api_calls", "COUNT", "timestamp", filters=[Filter(column="data.quantity", operator="lte", value=Decimal("0.1"))]) == [{"value": 1}]
    assert json.loads(billing.page("api_calls", limit=2))["total_count"] == 3


def test_rows_come_page_by_page(billing: BillingClient) -> None:
    billing.create_event_type(CALLS)
    billing.send("api_calls", events(*[("a", f"{number:02}", "1") for number in range(25)]), "key")
    pages = list(billing.row_pages("api_calls", order_by="data.event_id", limit=10))
    assert [len(each) for each in pages] == [10, 10, 5]
    assert [row["data"]["event_id"] for each in pages for row in each] == [f"{number:02}" for number in range(25)]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_one_the_sandbox_knows(billing: BillingClient, operator: str) -> None:
    billing.create_event_type(CALLS)
    value = {"in": ("eu",), "is_null": True}.get(operator, "eu")
    assert billing.rows("api_calls", [Filter(column="data.region", operator=operator, value=value)], limit=1) == []


def test_customers_are_known_by_either_id_whether_few_or_many_are_asked_for(billing: BillingClient) -> None:
    acme = billing.create_customer("Acme", external_id="cus_1", email="a@acme.test")
    for number in range(2, 30):
        billing.create_customer(f"Customer {number}", external_id=f"cus_{number}")
    assert len(list(billing.customers())) == 29
    assert billing.known_customers(["cus_1", acme["id"], "cus_99", "", "a&b=c,d"]) == {"cus_1", acme["id"]}
    many = {f"cus_{number}" for number in range(20, 60)}
    assert billing.known_customers(many) == {f"cus_{number}" for number in range(20, 30)}
    assert billing.known_customers([]) == set()


def test_threads_share_a_client(billing: BillingClient) -> None:
    billing.create_event_type(CALLS)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: billing.send("api_calls", events((f"c{number}", str(number), "1")), f"key{number}"), range(40))) == {200}
    assert billing.aggregate("api_calls", "COUNT_DISTINCT", "customer_id") == [{"value": 40}]


@pytest.mark.parametrize(("fault", "error", "status", "sent", "stored"), [
    ("refuse_503", Refused, 503, None, 0),
    ("refuse_429", Refused, 429, None, 0),
    ("cut_before", Unreachable, None, True, 0),
    ("store_then_500", Refused, 500, None, 1),
    ("store_then_422", Refused, 422, None, 1),
    ("store_then_cut", Unreachable, None, True, 1),
    ("store_then_truncate", Unreachable, None, True, 1),
    ("delay", None, 200, None, 1),
    ("deliver_twice", None, 200, None, 1),
    ("store_twice", None, 200, None, 2),
    ("swallow", None, 200, None, 0),
])
def test_what_each_fault_looks_like_and_leaves(tmp_path: Path, fault: str, error: type[IngestError] | None, status: int | None, sent: bool | None, stored: int) -> None:
    faults = Faults(build_app(tmp_path), [fault])
    with served(faults) as url, BillingClient(account(url), sleep=Naps()) as billing:
        billing.create_event_type(CALLS)
        if error is None:
            assert billing.send("api_calls", events(("a", "1", "1")), "key") == status
        else:
            with pytest.raises(error) as raised:
                billing.send("api_calls", events(("a", "1", "1")), "key")
            assert (getattr(raised.value, "status", None), getattr(raised.value, "sent", None)) == (status, sent)
        assert faults.happened == [(fault, "key")]  # `send` tries once, whatever happens
        assert billing.aggregate("api_calls", "COUNT", "timestamp") == [{"value": stored}]


def test_every_fault_is_shown() -> None:
    cases = next(mark for mark in test_what_each_fault_looks_like_and_leaves.pytestmark if mark.name == "parametrize").args[1]
    assert {case[0] for case in cases} == set(FAULTS)


@pytest.mark.parametrize("seed", [1, 2])
def test_sending_again_with_the_same_key_ends_right_under_any_passing_fault(tmp_path: Path, seed: int) -> None:
    with served(Faults(build_app(tmp_path), seed=seed, delay=0.001)) as url, BillingClient(account(url), sleep=Naps()) as billing:
        billing.create_event_type(CALLS)
        for number in range(25):
            until_it_works(lambda number=number: billing.send("api_calls", events((f"c{number}", str(number), "1")), f"key{number}"))
        assert billing.aggregate("api_calls", "COUNT", "timestamp") == [{"value": 25}]
        assert billing.aggregate("api_calls", "COUNT_DISTINCT", "data.event_id") == [{"value": 25}]


def until_it_works(send: Callable[[], int]) -> None:
    for _ in range(50):
        try:
            send()
            return
        except (Unreachable, Refused) as error:
            assert getattr(error, "status", 503) in (429, 500, 503)
    raise AssertionError("never")


# What is sent


def test_requests_carry_what_is_documented() -> None:
    seen: list[httpx.Request] = []
    made = {"api_slug": "x", "dataschema": {"data": {}}}
    with client(httpx.Response(200, json=made), httpx.Response(200, json={"status": "ok"}), page(), page(), seen=seen) as billing:
        billing.create_event_type(CALLS)
        billing.send("a b/c", b"[]", "the-key")
        billing.rows("x", [Filter(column="timestamp", operator="gte", value="2026-06-01 00:00:00")], limit=5, offset=10, order_by="-timestamp")
        list(billing.customers())
    assert [(each.method, each.url.raw_path.decode(), each.headers["apiversion"]) for each in seen] == [
        ("POST", "/rawmetric", "20240301"), ("POST", "/usage/a%20b%2Fc", "20240301"), ("POST", "/aggregate/visualquery/preview", "20240301"), ("GET", "/customers?limit=1000", "20230501"),
    ]
    assert {(each.headers["x-api-key"], each.headers["organisation"]) for each in seen} == {(SANDBOX_KEY, SANDBOX_ORGANISATION)}
    assert (seen[1].headers["idempotency-key"], seen[1].headers["content-type"], seen[1].content) == ("the-key", "application/json", b"[]")
    assert json.loads(seen[0].content) == {
        "name": "API calls", "api_slug": "api_calls", "column_order": ["timestamp"], "connector": "push_to_zenskar", "api_type": "PUSH",
        "dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"quantity": "Decimal", "region": "String", "event_id": "String"}},
    }
    assert json.loads(seen[2].content) == {
        "limit": 5, "offset": 10, "order_by": [{"column": "timestamp", "type": "DESC"}], "aggregate_operation": None, "customer_mapping": None, "start_date_mapping": None, "end_date_mapping": None,
        "table_name": "raw_metric_x", "visual_query": {"logic": "AND", "groups": [{"logic": "AND", "filters": [{"column": "timestamp", "operator": "gte", "value": "2026-06-01 00:00:00"}]}]},
    }


def test_lists_follow_cursors_fall_back_to_small_pages_and_end_even_when_cursors_go_in_circles() -> None:
    seen: list[httpx.Request] = []
    too_large = httpx.Response(422, json={"detail": []})
    with client(too_large, page({"id": "1"}, following="A"), page({"id": "2"}, following="B"), page({"id": "3"}, following="A"), page({"id": "2"}, following="B"), seen=seen) as billing:
        assert [each["id"] for each in billing.customers()] == ["1", "2", "3"]
    assert [dict(each.url.params) for each in seen] == [{"limit": "1000"}, {"limit": "100"}, {"limit": "100", "cursor": "A"}, {"limit": "100", "cursor": "B"}]


def test_an_api_that_ignores_a_filter_makes_nobody_known() -> None:
    with client(page({"id": "1", "external_id": "someone else"})) as billing:
        assert billing.known_customers(["cus_1"]) == set()


def test_an_account_that_gives_less_at_once_than_it_was_asked_for_is_asked_again() -> None:
    pages = [httpx.Response(200, json={"results": [{"customer_id": name, "value": 1}], "next": None, "previous": None, "total_count": 2}) for name in ("one", "two")]
    with client(*pages) as billing:
        assert len(billing.aggregate("x", "COUNT", "timestamp", group_by=("customer_id",))) == 2


def test_totals_are_asked_for_until_a_page_isnt_full() -> None:
    full = [{"customer_id": str(number), "value": 1} for number in range(10_000)]
    seen: list[httpx.Request] = []
    with client(page(*full), page({"customer_id": "last", "value": 1}), seen=seen) as billing:
        assert len(billing.aggregate("x", "COUNT", "timestamp", group_by=("customer_id",))) == 10_001
    assert [json.loads(each.content)["offset"] for each in seen] == [0, 10_000]


# Event types of every shape


@pytest.mark.parametrize(("written", "ours"), [
    *[(each, each) for each in FIELD_TYPES], ("int", "Int64"), ("UInt32", "Int64"), ("float", "Float64"), ("boolean", "Bool"), ("decimal", "Decimal"),
    ("Decimal(38, 9)", "Decimal"), ("DateTime64(3)", "DateTime64"), ("DateTime", "DateTime64"),
    ("timestamp", "DateTime64"), ("Date", "Date32"), ("Nullable(Float64)", "Float64"), ("LowCardinality(Nullable(String))", "String"), ("Array(String)", None), ("JSON", None), (None, None), ({"type": "x"}, None),
])
def test_types_of_the_api(written: object, ours: str | None) -> None:
    assert field_type(written) == ours


@pytest.mark.parametrize(("metric", "fields"), [
    ({"dataschema": {"customer_id": "String", "timestamp": "DateTime64", "data": {"a": "Int64", "tags": "Array(String)"}}}, {"a": "Int64"}),
    ({"dataschema": {"calls": "int", "plan": "string"}}, {"calls": "Int64", "plan": "String"}),
    ({"dataschema": json.dumps({"data": {"a": "Bool"}})}, {"a": "Bool"}),
    ({"dataschema": None}, {}), ({}, {}), ({"dataschema": {"data": None}}, {}),
])
def test_event_types_in_older_and_odd_shapes(metric: dict[str, object], fields: dict[str, str]) -> None:
    read = event_type_of({"id": 7, "name": None, "api_slug": "x", **metric})
    assert (read.name, read.slug, read.id, {field.name: field.type for field in read.fields}) == ("x", "x", "7", fields)


def test_a_create_that_says_nothing_is_looked_up() -> None:
    listed = {"id": "1", "name": "API calls", "api_slug": "api_calls", "dataschema": {"data": {"quantity": "Decimal"}}}
    with client(httpx.Response(200, json={"status": "ok"}), httpx.Response(200, json=listed)) as billing:
        assert billing.create_event_type(CALLS).id == "1"


@pytest.mark.parametrize("reply", [httpx.Response(200, content=b"null"), httpx.Response(404, json={"detail": "Not Found"})])
def test_an_unknown_slug_is_none_however_the_api_says_so(reply: httpx.Response) -> None:
    with client(reply) as billing:
        assert billing.event_type("x") is None


# Refusals


@pytest.mark.parametrize(("reply", "sentence"), [
    (httpx.Response(400, json={"detail": "Event 3: unknown field 'data.x'"}), "Test (billing.test) found something wrong with the request (400): Event 3: unknown field 'data.x'. Correct what it names."),
    (httpx.Response(401, json={"detail": "Unauthorized"}), "Test (billing.test) doesn't accept the key (401): Unauthorized. Check its API key under Settings, Accounts."),
    (httpx.Response(403, json={"Message": "explicit deny"}), "Test (billing.test) doesn't let this key into the organisation (403): explicit deny. Check its organisation id and key under Settings, Accounts."),
    (httpx.Response(404, json={"detail": "Not Found"}), "Test (billing.test) doesn't know this (404): Not Found. Check the event type, and the address of the account under Settings, Accounts."),
    (httpx.Response(409, json={"detail": "other body"}), "Test (billing.test) has had this request before, with other content (409): other body."),
    (httpx.Response(413), "Test (billing.test) finds the request too large (413). Make the batches of the account smaller."),
    (httpx.Response(422, json={"detail": [{"loc": ["body", 2, "timestamp"], "msg": "invalid datetime format"}, {"loc": ["body", "name"], "msg": "field required"}, {"msg": "odd"}, {}, {}]}),
     "Test (billing.test) can't read the request (422): event 3, timestamp: invalid datetime format; name: field required; odd; and 2 more. Correct what it names."),
    (httpx.Response(422, json={"detail": [{"loc": ["body", 17], "msg": "no JSON", "type": "value_error.jsondecode"}]}), "Test (billing.test) can't read the request (422): no JSON. Correct what it names."),
    (httpx.Response(429, headers={"retry-after": "7"}), "Test (billing.test) asks for a pause: too many requests (429). Try again in a while."),
    (httpx.Response(502, html="<h1>Bad gateway</h1>"), "Test (billing.test) has a problem of its own (502). Try again in a while."),
    (httpx.Response(302, headers={"location": "https://elsewhere.test"}), "Test (billing.test) sends the request on to somewhere else (302). Check the address of the account under Settings, Accounts."),
    (httpx.Response(418, text="\xff\x00" * 10), "Test (billing.test) said no (418)."),
])
def test_refusals_are_sentences(reply: httpx.Response, sentence: str) -> None:
    with client(reply) as billing, pytest.raises(Refused) as refused:
        billing.send("x", b"[]", "key")
    assert (str(refused.value), refused.value.status) == (sentence, reply.status_code)


@pytest.mark.parametrize(("header", "seconds"), [
    (None, None), ("7", 7.0), ("0.5", 0.5), (formatdate(NOW + 90, usegmt=True), 90.0), (formatdate(NOW - 90, usegmt=True), 0.0), ("soon", None), ("", None), ("-5", None), ("nan", None), ("9" * 400, float("inf")),
])
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize("body", ["", "null", "[", "[" * 100_000, "{}", '{"detail": null}', '{"detail": {"a": 1}}', "<html>", "7", "[[1], null, 2]"])
def test_an_odd_error_body_says_nothing_and_breaks_nothing(body: str) -> None:
    assert detail_of(body) == ""


def test_long_details_are_cut() -> None:
    assert len(detail_of(json.dumps({"detail": "x" * 100_000}))) == 400


# Silence


def classes_of_httpx() -> list[type[Exception]]:
    return [each for _, each in inspect.getmembers(httpx, inspect.isclass) if issubclass(each, Exception) and each is not httpx.HTTPStatusError]


@pytest.mark.parametrize("kind", classes_of_httpx(), ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_translated(kind: type[Exception]) -> None:
    error = unreachable(kind.__new__(kind), "billing.test")
    assert isinstance(error, Unreachable | BadInput | Broken)
    assert type(error) is Broken or "billing.test" in str(error)


def test_the_table_names_every_class_that_is_raised() -> None:
    leaves = {each for each in classes_of_httpx() if not any(each in other.__bases__ for other in classes_of_httpx())}
    assert leaves - set(FAILURES) == {each for each in leaves if issubclass(each, httpx.StreamError)}


@pytest.mark.parametrize(("raised", "sent", "words"), [
    (httpx.ConnectTimeout(""), False, "nothing was sent"), (httpx.ConnectError(""), False, "can't be reached"), (httpx.PoolTimeout(""), False, "busy"), (httpx.ProxyError(""), False, "proxy"),
    (httpx.ReadTimeout(""), True, "didn't answer in time"),
    (httpx.WriteTimeout(""), True, "half-way"), (httpx.ReadError(""), True, "broke"), (httpx.WriteError(""), True, "broke"), (httpx.RemoteProtocolError(""), True, "hung up"),
])
def test_silence_says_whether_anything_was_sent(raised: Exception, sent: bool, words: str) -> None:
    with client(raised) as billing, pytest.raises(Unreachable, match=words) as silence:
        billing.send("x", b"[]", "key")
    assert silence.value.sent is sent
    assert silence.value.__cause__ is None and silence.value.__suppress_context__


@pytest.mark.parametrize(("cause", "words"), [
    (ssl.SSLCertVerificationError(), "certificate"), (ssl.SSLError(), "secure connection"), (socket.gaierror(), "billing.test\\) leads to no computer"), (ConnectionRefusedError(), "can't be reached"),
])
def test_a_failed_connection_names_its_cause(cause: Exception, words: str) -> None:
    error = httpx.ConnectError("")
    error.__cause__ = cause
    with client(error) as billing, pytest.raises(Unreachable, match=words) as silence:
        billing.send("x", b"[]", "key")
    assert silence.value.sent is False


def test_a_server_that_isnt_there_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with BillingClient(account(f"http://127.0.0.1:{port}")) as billing, pytest.raises(Unreachable, match=rf"Test \(127\.0\.0\.1:{port}\) can't be reached") as silence:
        billing.send("x", b"[]", "key")
    assert silence.value.sent is False


def test_a_server_that_takes_everything_and_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, BillingClient(account(f"http://127.0.0.1:{listening.getsockname()[1]}"), timeout=0.1) as billing:
        with pytest.raises(Unreachable, match="didn't answer in time") as silence:
            billing.send("x", b"[]", "key")
    assert silence.value.sent is True


def test_a_server_that_speaks_something_else_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, BillingClient(account(f"http://127.0.0.1:{listening.getsockname()[1]}")) as billing:
        speaking = threading.Thread(target=say, args=(listening, b"220 mail.test ESMTP\r\n"))
        speaking.start()
        with pytest.raises(Unreachable, match="hung up"):
            billing.send("x", b"[]", "key")
        speaking.join()


def say(listening: socket.socket, words: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):  # closed with a request unread, the connection would be reset instead of ended
            pass


# Trying again


@pytest.mark.parametrize(("first", "naps"), [
    ([httpx.ReadTimeout("")], [0.5]),
    ([httpx.ConnectError(""), httpx.Response(503)], [0.5, 1.0]),
    ([httpx.Response(429, headers={"retry-after": "3"})], [3.0]),
    ([httpx.Response(429, headers={"retry-after": "3600"})], [30.0]),
    ([httpx.Response(500), httpx.Response(502), httpx.Response(504)], [0.5, 1.0, 2.0]),
])
def test_reads_are_tried_again(first: list[httpx.Response | Exception], naps: list[float]) -> None:
    slept = Naps()
    with client(*first, page({"customer_id": "a"}), naps=slept) as billing:
        assert billing.rows("x", limit=1) == [{"customer_id": "a"}]
    assert slept.seconds == naps


@pytest.mark.parametrize(("reply", "attempts"), [(httpx.Response(503), 4), (httpx.ReadTimeout(""), 4), (httpx.Response(401), 1), (httpx.Response(404), 1), (httpx.Response(422), 1)])
def test_reads_give_up(reply: httpx.Response | Exception, attempts: int) -> None:
    seen: list[httpx.Request] = []
    with client(reply, seen=seen) as billing, pytest.raises((Refused, Unreachable)):
        billing.rows("x", limit=1)
    assert len(seen) == attempts


@pytest.mark.parametrize("call", [lambda billing: billing.send("x", b"[]", "key"), lambda billing: billing.create_event_type(CALLS), lambda billing: billing.create_customer("Acme")])
@pytest.mark.parametrize("reply", [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout(""), httpx.ConnectError("")])
def test_writes_never_are(call: Callable[[BillingClient], object], reply: httpx.Response | Exception) -> None:
    seen: list[httpx.Request] = []
    with client(reply, seen=seen) as billing, pytest.raises((Refused, Unreachable)):
        call(billing)
    assert len(seen) == 1


# Answers that make no sense


@pytest.mark.parametrize("body", [b"<h1>Sign in</h1>", b"", b"[]", b"null", b'{"results": null}', b'{"results": "many"}', b"\xff\xfe"])
def test_a_list_that_is_none_is_a_sentence(body: bytes) -> None:
    with client(httpx.Response(200, content=body)) as billing, pytest.raises(Refused, match="Check the address of the account"):
        billing.rows("x", limit=1)


def test_the_body_of_a_success_means_nothing() -> None:
    with client(httpx.Response(202, html="<h1>thanks</h1>")) as billing:
        assert billing.send("x", b"[]", "key") == 202


# Secrets and addresses


def test_the_key_is_in_no_message_and_no_repr() -> None:
    echo = httpx.Response(401, json={"detail": f"The key {SANDBOX_KEY} is wrong"})
    with client(echo) as billing, pytest.raises(Refused) as refused:
        billing.event_types()
    assert SANDBOX_KEY not in f"{refused.value!r} {refused.value} {billing!r} {vars(refused.value)}"
    assert "The key … is wrong" in str(refused.value)
    with BillingClient(account("https://user:hunter2@billing.test:8443/v1")) as billing:
        assert billing.host == "billing.test:8443" and "hunter2" not in repr(billing)


@pytest.mark.parametrize("change", [
    {"api_key": SecretStr("")}, {"api_key": SecretStr("two\nlines")}, {"api_key": SecretStr("schlüssel")}, {"api_key": SecretStr("key ")}, {"organisation": ""}, {"organisation": "a\r\nx-api-key: b"},
])
def test_a_key_that_cant_be_one_is_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="Copy it again") as bad:
        BillingClient(account(**change))
    assert "lines" not in str(bad.value) and "schlüssel" not in str(bad.value)


@pytest.mark.parametrize("url", ["", "billing.test", "ftp://billing.test", "http://", "http://[::1", "https://billing.test:port", "http://a b"])
def test_an_address_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises((BadInput, Unreachable)) as bad, BillingClient(account(url), sleep=Naps()) as billing:
        billing.send("x", b"[]", "key")
    assert getattr(bad.value, "sent", False) is False


def test_a_path_in_the_address_is_kept() -> None:
    seen: list[httpx.Request] = []
    with BillingClient(account("https://gateway.test/billing/"), transport=answering(page(), seen=seen)) as billing:
        list(billing.customers())
    assert str(seen[0].url) == "https://gateway.test/billing/customers?limit=1000"


@pytest.mark.parametrize(("url", "here"), [
    ("http://127.0.0.1:8765", True), ("http://localhost", True), ("http://[::1]:8765/v1", True), ("http://127.0.0.1.example.test", False), ("http://localhost.example.test", False), ("https://api.zenskar.com", False),
])
def test_which_addresses_are_this_machine(url: str, here: bool) -> None:
    assert bool(THIS_MACHINE.match(url)) is here


def test_a_companys_proxy_isnt_asked_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with served(build_app(tmp_path)) as url, BillingClient(account(url)) as billing:
        assert billing.event_types() == []
    with BillingClient(account("http://billing.test")) as billing, pytest.raises(Unreachable) as silence:
        billing.send("x", b"[]", "key")
    assert silence.value.sent is False


def test_connections_follow_the_accounts_profile() -> None:
    running, most, lock = 0, 0, threading.Lock()

    async def slow(scope: object, receive: Callable, send: Callable) -> None:
        import asyncio

        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.02)
        with lock:
            running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with served(slow, lifespan="off") as url, BillingClient(account(url, profile=AccountProfile(connections=3))) as billing, ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda number: billing.send("x", b"[]", str(number)), range(24))) == {200}
    assert most == 3
