"""Metrics on the command line: files of every kind of metric, what is printed about each, and what a preview answers, worked out by hand."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.__main__ import main
from ingest.billing import BillingClient
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.settings import settings
from ingest.store import accounts
from schemas.account import Account, AccountProfile
from schemas.metric import METRIC_FUNCTIONS, AggregateBody
from tests.faults import served
from tests.made import CALLS, checked_import

SUM = "name: Calls\nevent_type: api_calls\nfunction: sum\nfield: quantity\n"
FILES = {
    "sum": SUM, "count": "function: count", "count_distinct": "function: count_distinct\nfield: region", "avg": "function: avg\nfield: quantity", "min": "function: min\nfield: quantity", "max": "function: max\nfield: quantity",
    "latest": "function: latest\nfield: quantity", "earliest": "function: earliest\nfield: quantity", "percentile": "function: percentile\nfield: quantity\np: 50", "weighted_sum": "function: weighted_sum\nfield: quantity\nper: hour",
    "sum_product": "function: sum_product\nfield: quantity\ntimes: quantity", "expression": "function: expression\nformula: sum(quantity) * 2",
}
# 100 events, 7 ms apart, from the first moment of October: number i is of customer i % 10, region i % 3, and its quantity is i / 100.
TOTAL = {
    "sum": "49.5", "count": "100", "count_distinct": "3", "avg": "0.495", "min": "0", "max": "0.99", "latest": "0.99", "earliest": "0", "percentile": "0.495", "sum_product": "32.835", "expression": "99",
}
Run = Callable[..., tuple[int, dict]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An account on a real sandbox with an event type, and an import of 100 events for it."""
    patch, home = pytest.MonkeyPatch(), tmp_path_factory.mktemp("metrics")
    patch.setenv("INTAKE_HOME", str(home))
    settings.cache_clear()
    with served(build_app(home / "sandbox")) as url:
        accounts.add(Account(name="Test", kind="sandbox", base_url=url, organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY), profile=AccountProfile(settle_seconds=0, read_back_seconds=0)), "anna")
        with BillingClient(accounts.account("Test")) as client:
            client.create_event_type(CALLS)
        yield checked_import(100, account="Test")
    patch.undo()
    settings.cache_clear()


@pytest.fixture
def run(account: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with --json: its exit code and its one document."""
    def command(*arguments: object) -> tuple[int, dict]:
        code = main([*(str(each) for each in arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)
    return command


def written(folder: Path, text: str, name: str = "Calls") -> Path:
    path = folder / "metric.yaml"
    path.write_text(text if text.startswith("name:") else f"name: {name}\nevent_type: api_calls\n{text}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("function", METRIC_FUNCTIONS)
def test_every_function_is_kept_shown_and_previewed(run: Run, account: str, tmp_path: Path, function: str):
    code, made = run("metric", "create", "--file", written(tmp_path, FILES[function], function), "--account", "Test")
    assert code == 0 and made["metric"]["function"] == function and made["registered"] == "no" and made["sentence"].endswith(".")
    name = made["name"]
    assert run("metric", "show", name, "--account", "Test")[1]["metric"] == made["metric"]
    code, found = run("preview", account, "--metric", name, "--from", "2026-10-01", "--to", "2026-10-31")
    assert code == 0 and len(found["rows"]) == 10 and all(isinstance(row["quantity"], str) for row in found["rows"])
    assert found["total"] == TOTAL.get(function, found["total"])
    if function == "weighted_sum":  # customer c's last quantity, 0.90 + c / 100, holds for the 744 hours of October, but for the milliseconds before
        assert [Decimal(row["quantity"]).quantize(Decimal("0.01")) for row in found["rows"]] == [(Decimal("0.90") + Decimal(c) / 100) * 744 for c in range(10)]


def test_a_preview_answers_as_the_contract_says(run: Run, account: str, tmp_path: Path):
    path = written(tmp_path, SUM)
    code, found = run("preview", account, "--metric", path, "--from", "2026-10-01", "--to", "2026-10-01", "--zone", "Asia/Kolkata", "--by", "customer,day,region")
    assert code == 0 and {"metric": "Calls", "from": "2026-10-01", "to": "2026-10-01", "zone": "Asia/Kolkata", "total": "49.5"}.items() <= found.items()
    # customer 0 has events 0, 10 … 90; of these 0, 30, 60, 90 are of region eu-0: 1.80
    assert found["rows"][:3] == [{"customer_id": "cus_0", "day": "2026-10-01", "region": region, "quantity": quantity} for region, quantity in (("eu-0", "1.8"), ("eu-1", "1.2"), ("eu-2", "1.5"))]
    code, found = run("preview", account, "--metric", path, "--from", "2026-09-01", "--to", "2026-09-30", "--zone", "America/New_York", "--limit", 2)
    assert (found["groups"], found["capped"], len(found["rows"]), found["total"]) == (10, True, 2, "49.5"), "midnight in UTC is the evening before in New York"


def test_filters_and_rounding_of_a_file(run: Run, account: str, tmp_path: Path):
    text = f"{SUM}filters: {{all: [{{field: region, operator: equals, value: eu-1}}, {{any: [{{field: quantity, operator: gt, value: 0.9}}, {{field: quantity, operator: lt, value: 0.05}}]}}]}}\ngroup_by: [region]\nrounding: {{digits: 1, mode: half_up}}\n"
    _, made = run("metric", "create", "--file", written(tmp_path, text, "Filtered"), "--account", "Test")
    _, found = run("preview", account, "--metric", "Calls", "--from", "2026-10-01", "--to", "2026-10-31")
    # of events 1, 4, 91, 94, 97 (number % 3 is 1): 0.01, 0.04, 0.91, 0.94, 0.97
    assert [(row["customer_id"], row["region"], row["quantity"]) for row in found["rows"]] == [("cus_1", "eu-1", "0.9"), ("cus_4", "eu-1", "1"), ("cus_7", "eu-1", "1")]
    assert made["sentence"] == "Adds up quantity of each customer's “api_calls” events where region is eu-1 and (quantity is more than 0.9 or quantity is less than 0.05), for each region; rounded to 1 digit, half up. Days begin at midnight UTC."


def test_sql_is_what_is_registered_and_what_the_preview_runs(run: Run, tmp_path: Path):
    run("metric", "create", "--file", written(tmp_path, SUM), "--account", "Test")
    _, theirs = run("metric", "sql", "Calls", "--account", "Test")
    assert "{{start_date}}" in theirs["sql"] and "{{customer.external_id}}" in theirs["cust_agg_query"] and "raw_metric_api_calls" in theirs["sql"] and '"quantity"' in theirs["sql"]
    _, filled = run("metric", "sql", "Calls", "--from", "2026-10-01", "--to", "2026-10-31", "--customer", "cus_1", "--account", "Test")
    assert "{{" not in filled["cust_agg_query"] and "'2026-10-31'" in filled["cust_agg_query"] and "'cus_1'" in filled["cust_agg_query"]
    _, ours = run("metric", "sql", "Calls", "--dialect", "duckdb", "--account", "Test")
    assert ours["dialect"] == "duckdb" and "toDate32" not in ours["sql"] and "{{" not in ours["sql"]


def test_it_is_registered_brought_up_to_date_and_forgotten_here_only(run: Run, tmp_path: Path):
    run("metric", "create", "--file", written(tmp_path, SUM), "--account", "Test")
    code, made = run("metric", "register", "Calls", "--account", "Test")
    assert (code, made["registered"]) == (0, "yes") and made["aggregate_id"]
    run("metric", "create", "--file", written(tmp_path, SUM.replace("sum", "max")), "--account", "Test")
    assert run("metric", "show", "Calls", "--account", "Test")[1]["registered"] == "an earlier version"
    assert run("metric", "register", "Calls", "--account", "Test")[1]["aggregate_id"] == made["aggregate_id"]
    assert run("metric", "remove", "Calls", "--account", "Test") == (0, {"name": "Calls", "account": "Test", "removed": True, "aggregate_id": made["aggregate_id"]})
    assert "Calls" not in {each["name"] for each in run("metric", "list", "--account", "Test")[1]["metrics"]}
    with BillingClient(accounts.account("Test")) as client:
        assert ["max(" in each.cust_agg_query.lower() for each in client.aggregates() if each.name == "Calls"] == [True], "the account goes on billing by it"


def test_one_from_elsewhere_is_only_taken_over_where_that_is_said(run: Run, tmp_path: Path):
    theirs = "SELECT count(*) AS quantity FROM raw_metric_api_calls WHERE customer_id = {{customer.external_id}}"
    with BillingClient(accounts.account("Test")) as client:
        client.create_aggregate(AggregateBody(name="Theirs", dataschema="{}", aggregation_query=theirs, cust_agg_query=theirs, datasource=accounts.account("Test").profile.datasource))
    run("metric", "create", "--file", written(tmp_path, FILES["max"], "Theirs"), "--account", "Test")
    code, refused = run("metric", "register", "Theirs", "--account", "Test")
    assert code == 2 and "made elsewhere" in refused["error"]["message"]
    assert run("metric", "register", "Theirs", "--take-over", "--account", "Test")[0] == 0


@pytest.mark.parametrize(("text", "problem"), [
    ("name: x\nevent_type: nope\nfunction: count", "no event type 'nope'"), ("function: sum", "needs field"), ("function: sum\nfield: quantitty", "Did you mean 'quantity'"), ("function: sum\nfield: region", "needs numbers"), ("function: percentile\nfield: quantity\np: 100", "p"),
    ("function: total\nfield: quantity", "sum, count"), ("function: sum\nfield: quantity\nfilters: {all: [{field: region, operator: gt, value: x}]}", "What fits is"), ("function: sum\nfield: quantity\nzone: Berlin", "no time zone 'Berlin'"),
    ("function: sum\nfield: quantity\nunit: hours", "unit"), ("function: expression\nformula: sum(quantity", "can't be read"), ("function: expression\nformula: quantity + sum(quantity)", "beside an aggregate"), ("sql: select 1", "no column named quantity"),
    ("sql: drop table raw_metric_api_calls", "Only a SELECT"), ("function: [sum", "line"),
])
def test_a_file_that_is_no_metric_is_refused_with_a_sentence(run: Run, tmp_path: Path, text: str, problem: str):
    code, document = run("metric", "create", "--file", written(tmp_path, text), "--account", "Test")
    assert code == 2 and problem in f"{document['error']['message']} {document['error']['todo']}"


@pytest.mark.parametrize(("arguments", "problem"), [
    (("metric", "show", "Nothing", "--account", "Test"), "no metric 'Nothing'"), (("metric", "remove", "Nothing", "--account", "Test"), "no metric 'Nothing'"), (("metric", "register", "Nothing", "--account", "Test"), "no metric 'Nothing'"),
    (("metric", "create", "--file", "nowhere.yaml", "--account", "Test"), "nowhere.yaml"), (("metric", "sql", "Nothing", "--account", "Nope"), "Nope"),
])
def test_what_is_not_there_is_said_with_what_is(run: Run, arguments: tuple, problem: str):
    code, document = run(*arguments)
    assert code == 2 and problem in f"{document['error']['message']} {document['error']['todo']}"


@pytest.mark.parametrize(("more", "problem"), [(("--by", "planet"), "planet"), (("--zone", "Berlin"), "no time zone"), (("--from", "2026-11-01", "--to", "2026-10-01"), "before it begins")])
def test_a_preview_that_cannot_be_is_a_sentence(run: Run, account: str, tmp_path: Path, more: tuple, problem: str):
    code, document = run("preview", account, "--metric", written(tmp_path, SUM), *more)
    assert code == 2 and problem in f"{document['error']['message']} {document['error']['todo']}"
