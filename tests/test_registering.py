"""Metrics ⇄ an account: registering, reading back, and what an account counts after a push."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ingest import metric_proof, push, registering
from ingest.billing import BillingClient
from ingest.billing.shapes import estimate_of
from ingest.errors import BadInput, Outside, Refused, Unreachable
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.store import accounts, metrics, pushes
from schemas.account import STORED_EVENTS, Account, AccountProfile
from schemas.metric import AggregateBody, Metric
from tests.faults import served
from tests.made import CALLS, checked_import

SUM = Metric(name="Calls", event_type="api_calls", function="sum", field="quantity")
BY_REGION = SUM.model_copy(update={"name": "Calls by region", "group_by": ("region",)})
BY_HAND = "SELECT count(*) AS quantity FROM raw_metric_api_calls WHERE customer_id = {{customer.external_id}}"
OTHER_SOURCE = "3d0f0f3a-7f54-4c8a-8d3a-2b1f7b9d9f10"


def account(url: str, key: str = SANDBOX_KEY) -> Account:
    return Account(name="Test", kind="sandbox", base_url=url, organisation=SANDBOX_ORGANISATION, api_key=SecretStr(key), profile=AccountProfile(batch_events=50, connections=3, settle_seconds=0, read_back_seconds=0))


@pytest.fixture
def client(home: Path) -> Iterator[BillingClient]:
    """The client of an account called "Test", on a real sandbox with an event type and ten customers, whose metrics are saved here."""
    with served(build_app(home / "sandbox")) as url:
        accounts.add(account(url), "anna")
        with BillingClient(accounts.account("Test"), sleep=lambda _seconds: None) as made:
            made.create_event_type(CALLS)
            for number in range(10):
                made.create_customer(f"Customer {number}", external_id=f"cus_{number}")
            for metric in (SUM, BY_REGION):
                metrics.save("Test", metric, "anna")
            yield made


def elsewhere(name: str = "Calls", sql: str = BY_HAND, **more: object) -> AggregateBody:
    """A metric that was made in the billing system's own pages."""
    return AggregateBody(name=name, dataschema="{}", aggregation_query=sql, cust_agg_query=sql, datasource=OTHER_SOURCE, **more)


# Registering


def test_a_metric_is_registered_once_and_kept_up_to_date(client: BillingClient):
    made = registering.register("Test", "Calls", "anna", client=client)
    assert made.registered == SUM and registering.register("Test", "Calls", "anna", client=client).aggregate_id == made.aggregate_id
    metrics.save("Test", SUM.model_copy(update={"function": "max"}), "anna")
    again = registering.register("Test", "Calls", "anna", client=client)
    [known] = client.aggregates()
    assert known.id == made.aggregate_id == again.aggregate_id
    assert "max(" in known.cust_agg_query.lower() and "{{customer.external_id}}" in known.cust_agg_query and known.datasource == STORED_EVENTS
    assert [each["name"] for each in json.loads(known.dataschema)["fields"]] == ["quantity"]


def test_one_that_is_gone_there_is_made_again(client: BillingClient, home: Path):
    made = registering.register("Test", "Calls", "anna", client=client)
    httpx.delete(f"{accounts.account('Test').base_url}/aggregates/{made.aggregate_id}", headers={"x-api-key": SANDBOX_KEY, "organisation": SANDBOX_ORGANISATION})
    assert registering.register("Test", "Calls", "anna", client=client).aggregate_id not in (None, made.aggregate_id)


def test_a_request_whose_answer_got_lost_is_recognised(client: BillingClient):
    made = registering.register("Test", "Calls", "anna", client=client)
    metrics.forget_registration("Test", "Calls", "anna")
    assert registering.register("Test", "Calls", "anna", client=client).aggregate_id == made.aggregate_id
    assert len(client.aggregates()) == 1


def test_one_of_that_name_from_elsewhere_is_only_taken_over_when_asked_to(client: BillingClient):
    there = client.create_aggregate(elsewhere())
    with pytest.raises(BadInput, match="already has a metric called 'Calls'.*take that one over"):
        registering.register("Test", "Calls", "anna", client=client)
    assert metrics.get("Test", "Calls").aggregate_id is None
    taken = registering.register("Test", "Calls", "anna", take_over=True, client=client)
    [known] = client.aggregates()
    assert taken.aggregate_id == known.id == there.id and "SUM" in known.cust_agg_query.upper() and known.datasource == OTHER_SOURCE
    client.create_aggregate(elsewhere("Calls by region"))
    client.create_aggregate(elsewhere("Calls by region"))
    with pytest.raises(BadInput, match="2 metrics"):
        registering.register("Test", "Calls by region", "anna", take_over=True, client=client)


def test_another_metric_of_ours_is_never_taken_over(client: BillingClient):
    made = registering.register("Test", "Calls", "anna", client=client)
    client.update_aggregate(made.aggregate_id, elsewhere("Calls by region"))
    with pytest.raises(BadInput, match="calls the metric 'Calls' of ours"):
        registering.register("Test", "Calls by region", "anna", take_over=True, client=client)


def test_what_does_not_fit_the_account_is_a_sentence(client: BillingClient):
    metrics.save("Test", Metric(name="Nobody", event_type="nobody", function="count"), "anna")
    metrics.save("Test", Metric(name="No field", event_type="api_calls", function="sum", field="minutes"), "anna")
    for name, says in (("Nobody", "no event type 'nobody'"), ("No field", "minutes"), ("Never saved", "There are: Calls")):
        with pytest.raises(BadInput, match=says):
            registering.register("Test", name, "anna", client=client)
    assert client.aggregates() == []


@pytest.mark.parametrize(("answer", "error"), [
    (httpx.Response(401, json={"detail": "Unauthorized"}), Refused), (httpx.Response(404, json={"detail": "Not Found"}), Refused), (httpx.Response(422, json={"detail": [{"loc": ["body", "datasource"], "msg": "field required"}]}), Refused),
    (httpx.Response(503), Refused), (httpx.ReadError("cut"), Unreachable), (httpx.Response(200, text="<html>"), Refused), (httpx.Response(200, json={"ok": True}), Refused),
])
@pytest.mark.parametrize("call", ["POST", "PATCH"])
def test_an_account_that_refuses_or_is_away_leaves_nothing_half_registered(client: BillingClient, answer: httpx.Response | Exception, error: type[Outside], call: str):
    if call == "PATCH":
        if isinstance(answer, httpx.Response) and answer.is_success:
            pytest.skip("nothing is read from what a change answers")
        registering.register("Test", "Calls", "anna", client=client)
        metrics.save("Test", SUM.model_copy(update={"function": "max"}), "anna")
    before = metrics.get("Test", "Calls")
    with BillingClient(accounts.account("Test"), transport=_Answering(call, answer), sleep=lambda _seconds: None) as faulty, pytest.raises(error) as raised:
        registering.register("Test", "Calls", "anna", client=faulty)
    assert metrics.get("Test", "Calls") == before and str(raised.value).endswith(".") and "Test" in str(raised.value)


class _Answering(httpx.BaseTransport):
    """Passes everything on but one kind of request to /aggregates."""

    def __init__(self, method: str, answer: httpx.Response | Exception) -> None:
        self._method, self._answer, self._real = method, answer, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != self._method or not request.url.path.startswith("/aggregates"):
            return self._real.handle_request(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def close(self) -> None:
        self._real.close()


# Reading what an account has


def test_another_machine_reads_the_definition_back(client: BillingClient):
    for name in ("Calls", "Calls by region"):
        registering.register("Test", name, "anna", client=client)
        metrics.remove("Test", name, "anna")
    found = registering.in_account("Test", client=client)
    assert [(each.metric, each.registered_as) for each in found] == [(BY_REGION, None), (SUM, None)]
    brought = registering.bring("Test", found[0].registered.id, "bert", client=client)
    assert (brought.metric, brought.registered, brought.aggregate_id) == (BY_REGION, BY_REGION, found[0].registered.id)
    assert registering.in_account("Test", client=client)[0].registered_as == "Calls by region"


def test_those_made_elsewhere_are_used_as_their_sql_has_them(client: BillingClient):
    client.create_aggregate(elsewhere("By hand", visual_query_builder={registering.OURS: SUM.model_dump(mode="json", exclude_defaults=True)}))
    [found] = registering.in_account("Test", client=client)
    assert (found.metric.name, found.metric.event_type, found.metric.function) == ("By hand", "api_calls", None), "its SQL isn't what our definition makes any more"
    assert found.metric.sql == BY_HAND
    client.update_aggregate(found.registered.id, elsewhere("Both", "SELECT (SELECT count(*) FROM raw_metric_api_calls) + count(*) AS quantity FROM raw_metric_api_calls"))
    assert registering.in_account("Test", client=client)[0].registered.name == "Both"


@pytest.mark.parametrize(("sql", "says"), [("SELECT count(*) AS quantity FROM invoices", "no event type"), ("SELECT runningDifference(data.quantity) AS quantity FROM raw_metric_api_calls", "runningDifference"), ("", "no event type")])
def test_those_that_cannot_be_previewed_say_why(home: Path, sql: str, says: str):
    accounts.add(account("http://billing.test"), "anna")
    def answer(request: httpx.Request) -> httpx.Response:
        given = {"id": "a1", "name": "Theirs", "cust_agg_query": sql, "visual_query_builder": None} if request.url.path == "/aggregates" else {"id": "m1", "name": "Calls", "api_slug": "api_calls", "dataschema": {"data": {"quantity": "Decimal"}}}
        return httpx.Response(200, json={"results": [given], "next": None, "previous": None, "total_count": 1})

    with BillingClient(accounts.account("Test"), transport=httpx.MockTransport(answer)) as client:
        [found] = registering.in_account("Test", client=client)
        assert found.metric is None and says in found.note
        with pytest.raises(BadInput, match="can't be used here"):
            registering.bring("Test", "a1", "anna", client=client)


@pytest.mark.parametrize(("document", "estimate"), [
    ({"value": {"fields": [{"quantity": 1.5}]}}, {(): Decimal("1.5")}),
    ({"value": {"fields": [{"quantity": "1.50", "dimension": "eu"}, {"quantity": None, "dimension": None}]}}, {("eu",): Decimal("1.5"), (None,): None}),
    ([{"value": {"fields": [{"quantity": 1, "dimension": ["eu", True]}]}}], {("eu", "true"): Decimal(1)}),
    ({"value": {"fields": [{"quantity": 1, "region": "eu"}]}}, {("eu",): Decimal(1)}),
    ({"value": {"quantity": 2}}, {(): Decimal(2)}), ({"value": 3}, {(): Decimal(3)}), ({"value": None}, {}), ({"value": {}}, {}), ({"value": {"fields": []}}, {}), ([], {}),
])
def test_estimates_are_read_tolerantly(document: object, estimate: dict[tuple[str | None, ...], Decimal | None]):
    assert estimate_of(document) == estimate


@pytest.mark.parametrize("document", [{}, {"value": "many"}, {"value": {"fields": [{}]}}, {"value": {"fields": 3}}])
def test_an_estimate_that_cannot_be_read_is_a_sentence(home: Path, document: object):
    with BillingClient(account("http://billing.test"), transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=document))) as client:
        with pytest.raises(Refused, match="an estimate that can't be read"):
            client.estimate("a", "c", "2026-10-01", "2026-10-31")


# After a push


def pushed(count: int = 40) -> str:
    """A push that went well; its id."""
    push_id = push.begin(checked_import(count, account="Test"), "anna")
    push.plan(push_id)
    push.remember_before(push_id)
    with BillingClient(accounts.account("Test")) as client:
        for part in pushes.open_parts(push_id):
            push.send_part(push_id, part, client)
    push.end(push_id, "finished", sleep=lambda _seconds: None)
    return push_id


def test_a_push_proves_that_the_account_counts_the_same(client: BillingClient):
    for name in ("Calls", "Calls by region"):
        registering.register("Test", name, "anna", client=client)
    made = metric_proof.compare(pushed())
    assert [(each.name, each.customers, each.agree, each.agrees) for each in made.metrics] == [("Calls", 10, 10, True), ("Calls by region", 10, 10, True)]
    assert "the events that were sent" in made.metrics[0].note and (made.metrics[0].first, made.metrics[0].last) == ("2026-10-01", "2026-10-01")
    assert push.receipt(made.push_id) == made and made.proof.agrees


def test_what_the_account_held_before_counts_on_both_sides(client: BillingClient):
    registering.register("Test", "Calls", "anna", client=client)
    client.send("api_calls", b'[{"customer_id": "cus_1", "timestamp": "2026-10-01 00:00:00", "data": {"quantity": 5.25, "event_id": "00000000-0000-0000-0000-000000000000"}}]', "before")
    [found] = metric_proof.compare(pushed()).metrics
    assert found.agrees and "41 events of these days that the account holds" in found.note


def test_an_account_that_counts_something_else_is_found_out(client: BillingClient):
    """The proof of the rows stays what it is."""
    made = registering.register("Test", "Calls by region", "anna", client=client)
    known = client.aggregate_by_id(made.aggregate_id)
    other = known.cust_agg_query.replace("raw_metric_api_calls", "(SELECT * FROM raw_metric_api_calls WHERE customer_id != 'cus_3')")
    assert other != known.cust_agg_query
    client.update_aggregate(known.id, known.model_copy(update={"cust_agg_query": other}))
    receipt = metric_proof.compare(pushed())
    [found] = receipt.metrics
    assert (found.customers, found.agree, found.agrees, [each.customer_id for each in found.differences], receipt.proof.agrees) == (10, 9, False, ["cus_3"], True)
    assert found.differences[0].theirs == "0" and Decimal(found.differences[0].ours) > 0 and found.differences[0].dimension == ("eu-0",)


def test_a_metric_that_cannot_be_compared_says_so(client: BillingClient):
    registering.register("Test", "Calls", "anna", client=client)
    push_id = pushed()
    httpx.delete(f"{accounts.account('Test').base_url}/aggregates/{metrics.get('Test', 'Calls').aggregate_id}", headers={"x-api-key": SANDBOX_KEY, "organisation": SANDBOX_ORGANISATION})
    receipt = metric_proof.compare(push_id)
    assert receipt.metrics[0].note.startswith("Not compared: ") and not receipt.metrics[0].agrees and receipt.proof.agrees
    metric_proof.note_failure(push_id, "Something went wrong.")
    assert [(each.agrees, each.note) for each in push.receipt(push_id).metrics] == [(False, "Something went wrong.")]


def test_customers_beyond_the_largest_and_unknown_ones_are_said(client: BillingClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metric_proof, "MOST_CUSTOMERS", 4)
    registering.register("Test", "Calls", "anna", client=client)
    [found] = metric_proof.compare(pushed()).metrics
    assert found.customers == found.agree == 4 and "4 customers with the most events were compared, of 10" in found.note


@pytest.mark.parametrize(("ours", "theirs", "same"), [
    ("0.3", "0.30", True), ("0.1", "0.1000000000000000055511151231257827", False), ("12345678901234567890.5", "12345678901234567000", True), ("12345678901234567890.5", "12345678901234567890.6", False),
    ("1", "2", False), (None, None, True), ("0", None, False),
])
def test_numbers_that_passed_through_a_float_are_the_same(ours: str | None, theirs: str | None, same: bool):
    assert metric_proof.same(*(None if each is None else Decimal(each) for each in (ours, theirs))) is same
