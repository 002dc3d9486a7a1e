"""Metrics in a real browser: built from the menu without SQL, as a query, with a price, registered, and beside those that the account has from elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.billing import BillingClient
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.settings import settings
from ingest.store import accounts
from schemas.account import Account
from schemas.metric import AggregateBody
from tests.browser.running import Portal, inaccessible

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python")
expect = sync_api.expect

NAME = "p95 of latency ms by region"
CUSTOMERS = {"cus_acme": 1, "cus_globex": 2}
# Berlin is two hours ahead of UTC until 25 October, then one: its October is from 30 September 22:00 to 31 October 23:00 in UTC.
ROWS = [
    row
    for who, times in CUSTOMERS.items()
    for row in (
        f"{who},eu-west-1,2026-09-30T21:59:59Z,9999",  # the last second of September in Berlin
        f"{who},eu-west-1,2026-09-30T22:00:00Z,{10 * times}",  # midnight: the first of October
        *(f"{who},eu-west-1,2026-10-{day:02}T10:00:00Z,{10 * times * day}" for day in range(2, 21)),
        f"{who},eu-west-1,2026-10-21T10:00:00Z,",
        f"{who},us-east-1,2026-10-15T12:00:00Z,{20 * times}",
        f"{who},us-east-1,2026-10-31T22:59:59Z,{40 * times}",  # the last second of October
        f"{who},us-east-1,2026-10-31T23:00:00Z,8888",  # midnight: November
    )
]
# p95 of 10, 20 … 200: place 0.95 × 19 = 18.05 of 0 to 19, so 190 + 0.05 × 10 = 190.5; of 20 and 40: 20 + 0.95 × 20 = 39. The other customer has twice as much.
QUANTITIES = ['"cus_acme","eu-west-1","190.5"', '"cus_acme","us-east-1","39"', '"cus_globex","eu-west-1","381"', '"cus_globex","us-east-1","78"']


def settled(page: "sync_api.Page") -> None:
    page.wait_for_timeout(150)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def button(page: "sync_api.Page", name: str) -> "sync_api.Locator":
    return page.get_by_role("button", name=name, exact=True)


def press(page: "sync_api.Page", name: str) -> None:
    button(page, name).click()
    settled(page)


def tab(page: "sync_api.Page", name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    settled(page)


def choose(page: "sync_api.Page", label: str, option: str) -> None:
    """Types what is looked for, as in a list too long to look through, and takes it."""
    box = page.get_by_role("combobox", name=re.compile(label)).first
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).first.click()
    page.keyboard.press("Escape")
    settled(page)


def fill(page: "sync_api.Page", label: str, text: str, key: str = "Enter") -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press(key)
    settled(page)


def saved_csv(page: "sync_api.Page") -> list[str]:
    with page.expect_download() as download:
        button(page, "These quantities, as CSV").click()
    return Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()


def opened(page: "sync_api.Page", portal: Portal, name: str = NAME) -> None:
    page.goto(f"{portal.url}/metric?metric={name.replace(' ', '+')}")
    page.get_by_text("What it makes", exact=True).wait_for()
    settled(page)


@pytest.fixture(scope="module")
def metric(portal: Portal, context: "sync_api.BrowserContext", tmp_path_factory: pytest.TempPathFactory) -> None:
    """The p95 of latency per region in Berlin's days, built from the menu over a file that wasn't sent, and saved."""
    page = context.new_page()
    page.goto(f"{portal.url}/metrics")
    page.get_by_text("Start from 'total per customer'.").wait_for()
    press(page, "New metric")
    page.get_by_text("This account has no kind of usage yet").wait_for()
    path = tmp_path_factory.mktemp("usage") / "requests.csv"
    path.write_text("\n".join(["customer_id,region,timestamp,latency_ms", *ROWS, ""]), encoding="utf-8")
    page.goto(f"{portal.url}/import")
    page.locator("input[type=file]").set_input_files(path)
    button(page, "Continue").click()
    page.get_by_text("What is this usage?").wait_for()
    settled(page)
    page.get_by_text("Nothing: the event goes without it").click()
    button(page, "Looks right").click()
    page.get_by_role("heading", name=re.compile(r"rows? = ")).wait_for()
    page.get_by_role("link", name="Metrics").click()
    button(page, "New metric").click()
    page.get_by_text("Quantities by").wait_for()
    settled(page)
    choose(page, "What is calculated", "Percentile")
    choose(page, "Days and months begin in", "Europe/Berlin")
    choose(page, "A quantity for each", "region")
    press(page, "Save")
    page.get_by_text("Saved.", exact=True).wait_for()
    page.close()


@pytest.mark.usefixtures("metric")
def test_a_metric_built_from_the_menu_says_what_was_worked_out_by_hand(portal: Portal, page: "sync_api.Page"):
    opened(page, portal)
    expect(page.get_by_role("heading", name=f"Metric: {NAME}")).to_be_visible()
    expect(page.get_by_text("Takes the 95th percentile of latency_ms over each customer's “requests” events, for each region. Events without latency_ms don't count. Days begin at midnight in Berlin.")).to_be_visible()
    expect(page.get_by_text("2 events without latency_ms are left out.")).to_be_visible()
    assert saved_csv(page) == ['"customer_id","region","quantity"', *QUANTITIES]
    choose(page, "Show the rows behind", "cus_globex · us-east-1")
    expect(page.get_by_text("2 events behind the quantity of customer cus_globex, region us-east-1.")).to_be_visible()
    choose(page, "Counted are", "these, in place of what the account holds of their days")
    button(page, "Read it from the account").click()
    page.get_by_text("What the account holds of the 24 days that these events are of").wait_for()
    choose(page, "Quantities by", "month")
    expect(page).to_have_url(re.compile("by=customer%2Cregion%2Cmonth"))
    page.reload()
    page.get_by_text("month", exact=True).wait_for()
    page.get_by_text("What the account holds of the 24 days that these events are of").wait_for()
    settled(page)
    assert saved_csv(page)[1:] == [re.sub(r'",("[0-9.]+")$', r'","2026-10",\1', line) for line in QUANTITIES]
    press(page, "Add a condition")
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        assert inaccessible(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.usefixtures("metric")
def test_a_query_shows_its_mistake_survives_a_reload_and_goes_back_to_the_form(portal: Portal, page: "sync_api.Page"):
    opened(page, portal)
    tab(page, "SQL")
    press(page, "Write it as SQL instead")
    box = page.get_by_role("textbox", name="Query")
    expect(box).to_have_value(re.compile("raw_metric_requests"))
    query = box.input_value()
    fill(page, "Query", query.replace("data.latency_ms", "data.latancy"), "Control+Enter")
    expect(page.get_by_text(re.compile(r"line 3, column 41:\s+…\w+\(0\.95\)\(data\.latancy"))).to_be_visible()
    expect(page.get_by_text("There is no column data.latancy.")).to_be_visible()
    expect(page.get_by_text("Did you mean data.latency_ms?")).to_be_visible()
    expect(button(page, "Save")).to_be_disabled()
    long = query.replace("WHERE", "WHERE data.region IN (" + ", ".join(f"'{number * number:x}'" for number in range(2000, 2700)) + ", 'eu-west-1') AND ")
    fill(page, "Query", long, "Control+Enter")
    page.reload()
    expect(box).to_have_value(long)
    page.get_by_text("Quantities by").wait_for()
    assert saved_csv(page)[1:] == [each for each in QUANTITIES if "eu-west-1" in each]
    fill(page, "Query", query, "Control+Enter")
    press(page, "Back to the form")
    tab(page, "Form")
    expect(page.get_by_role("combobox", name=re.compile("What is calculated"))).to_have_value("Percentile")
    expect(page.get_by_text("Nothing has changed since it was saved.")).to_be_visible()


@pytest.mark.usefixtures("metric")
def test_a_price_says_what_each_customer_would_pay(portal: Portal, page: "sync_api.Page"):
    opened(page, portal)
    tab(page, "Prices")
    choose(page, "Kind of price", "Tiered")
    for label, text in (("Tier 1 up to", "100"), ("Price in tier 1", "0.10"), ("Price in tier 2", "0.05")):
        fill(page, label, text)
    # 100 × 0.10 + 90.5 × 0.05 = 14.525, so 14.53; 39 × 0.10 = 3.90; 100 × 0.10 + 281 × 0.05 = 24.05; 78 × 0.10 = 7.80
    expect(page.get_by_text("USD 50.28", exact=True)).to_be_visible()
    choose(page, "Lines of", "cus_acme · eu-west-1")
    expect(page.get_by_text("first 100 at 0.10 = 10.00")).to_be_visible()
    expect(page.get_by_text("USD 14.53, rounded from 14.525")).to_be_visible()
    page.reload()  # it isn't kept yet, and still there
    page.get_by_role("tab", name="Prices").click()
    expect(page.get_by_text("USD 50.28", exact=True)).to_be_visible()
    press(page, "Keep this price")
    expect(page).not_to_have_url(re.compile("price="))
    page.reload()
    page.get_by_role("tab", name="Prices").click()
    expect(page.get_by_text("USD 50.28", exact=True)).to_be_visible()


@pytest.mark.usefixtures("metric")
def test_a_metric_that_the_account_has_from_elsewhere_is_only_replaced_after_a_question(portal: Portal, page: "sync_api.Page"):
    account = Account(name="elsewhere", kind="sandbox", base_url=f"http://127.0.0.1:{portal.sandbox_port}", organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY))
    theirs = "SELECT max(data.latency_ms) AS quantity FROM raw_metric_requests WHERE toDate32(timestamp) >= toDate32({{start_date}}) AND toDate32(timestamp) <= toDate32({{end_date}}) AND customer_id = {{customer.external_id}}"
    with BillingClient(account) as client:
        for name in (NAME, "Peak"):
            client.create_aggregate(AggregateBody(name=name, dataschema="{}", aggregation_query=theirs, cust_agg_query=theirs, datasource=account.profile.datasource))
        opened(page, portal)
        press(page, "Save and register")
        page.get_by_text("Replace its SQL by yours?").wait_for()
        expect(button(page, "Take it over")).to_be_disabled()
        page.locator("label").filter(has_text="Yes, replace what the account has").click()
        button(page, "Take it over").click()
        page.get_by_text("Saved, and registered in Practice.").wait_for()
        assert ["quantileExactInclusive(0.95)" in each.cust_agg_query for each in client.aggregates() if each.name == NAME] == [True]
    page.get_by_role("link", name="All metrics").click()
    page.get_by_text("Metrics that Practice has").click()
    expect(page.get_by_text(f"Registered from here, as {NAME}.")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    assert inaccessible(page) == []
    page.set_viewport_size({"width": 1400, "height": 1000})
    button(page, "Use it here").click()
    page.get_by_role("heading", name="Metric: Peak").wait_for()
    page.get_by_text("Quantities by").wait_for()
    assert saved_csv(page)[1:] == ['"cus_acme","8888"', '"cus_globex","8888"']  # in UTC, the last second but one hour of October


@pytest.fixture
def same_home(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portal's own data folder is this process's, too."""
    monkeypatch.setenv("INTAKE_HOME", str(portal.home))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("metric", "same_home")
def test_a_production_account_is_asked_once_more_and_a_metric_is_removed_after_it_was_said_what_stays(portal: Portal, page: "sync_api.Page"):
    account = Account(name="Real", kind="production", base_url=f"http://127.0.0.1:{portal.sandbox_port}", organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY))
    accounts.add(account, "anna")
    page.goto(f"{portal.url}/metric?account=Real")
    button(page, "Save and register").wait_for()
    settled(page)
    fill(page, "Name", "Requests")
    press(page, "Save and register")
    page.get_by_text("Register “Requests” in Real, a PRODUCTION account?").wait_for()
    with BillingClient(account) as client:
        press(page, "Don't register")
        assert page.get_by_text("a PRODUCTION account?").count() == 0 and "Requests" not in {each.name for each in client.aggregates()}
        press(page, "Save and register")
        button(page, "Register in PRODUCTION").click()
        page.get_by_text("Saved, and registered in Real.").wait_for()
        assert "Requests" in {each.name for each in client.aggregates()}
        button(page, "Remove").click()
        expect(page.get_by_text("“Requests” is forgotten here, with its earlier versions and its price. Real keeps it, and goes on billing by it: end that there.")).to_be_visible()
        assert inaccessible(page) == []
        button(page, "Remove this metric").click()
        page.get_by_text("Start from 'total per customer'.").wait_for()
        assert "Requests" in {each.name for each in client.aggregates()}
