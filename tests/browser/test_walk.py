"""The walk through one import in a real browser: upload, columns, review, send, receipt; and what stands there when something is wrong."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.billing import BillingClient
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from schemas.account import Account
from schemas.event_type import EventType, Field
from tests.browser.running import NOT_OURS, Portal, until

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect

NEW = "A new kind of usage, made from this file"
CALLS = EventType(name="API calls", slug="api_calls", fields=(Field(name="region", type="String"), Field(name="calls", type="Int64"), Field(name="event_id", type="String"), Field(name="import_id", type="String")))
KNOWN = ("cus_acme", "cus_globex", "cus_hooli", "cus_stark")
USAGE = "customer_id,timestamp,region,calls\n" + "".join(f"{KNOWN[row % 4]},2026-10-{row % 28 + 1:02}T10:{row // 28:02}:00Z,eu-{row % 2},{row + 1}\n" for row in range(120))
BAD = "customer_id,timestamp,region,calls\ncus_1,2026-10-01T10:00:00Z,eu,5\n,2026-10-02T10:00:00Z,eu,6\ncus_2,2026-10-03T10:00:00Z,eu,n/a\ncus_3,2026-10-04T10:00:00Z,eu,8\n"


@pytest.fixture(autouse=True)
def account_runs(portal: Portal) -> Iterator[None]:
    """Whatever a test stopped runs again for the next one."""
    yield
    if "sandbox" not in portal.running:
        portal.start("sandbox")


@pytest.fixture(scope="module", autouse=True)
def known_type(portal: Portal) -> None:
    """An event type that the account has already, created past the portal."""
    account = Account(name="walk", kind="sandbox", base_url=f"http://127.0.0.1:{portal.sandbox_port}", organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY))
    with BillingClient(account) as client:
        client.create_event_type(CALLS)


def settled(page: "sync_api.Page") -> None:
    """Waits until Streamlit has run the page, after a moment in which it may begin to."""
    page.wait_for_timeout(250)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def upload(page: "sync_api.Page", portal: Portal, name: str, text: str, tmp_path: Path) -> str:
    """Uploads a file; the import's id, once it has been read."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    page.goto(f"{portal.url}/import")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Continue").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("What is this usage?").wait_for()
    return re.search(r"id=(imp_\w+)", page.url)[1]


def button(page: "sync_api.Page", name: str) -> "sync_api.Locator":
    return page.get_by_role("button", name=name, exact=True)


def tick(page: "sync_api.Page", label: str | re.Pattern[str]) -> None:
    """Ticks a box by its label, as a person does."""
    page.locator("label").filter(has_text=label).first.click()
    settled(page)


def confirm_all(page: "sync_api.Page") -> None:
    """Ticks whatever is marked "please confirm"."""
    while page.get_by_text("Please confirm.").count():
        before = page.get_by_text("Please confirm.").count()
        page.locator("[data-testid=stCheckbox]").filter(has_text=re.compile("^Yes, ")).filter(has=page.locator("input:not(:checked)")).first.locator("label").click()
        until(lambda before=before: page.get_by_text("Please confirm.").count() < before)
    settled(page)


def looks_right(page: "sync_api.Page") -> None:
    confirm_all(page)
    button(page, "Looks right").click()
    page.get_by_role("heading", name=re.compile(r"rows? = ")).wait_for()


def choose(page: "sync_api.Page", label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def accessible(page: "sync_api.Page") -> None:
    """Holds a page to axe; what Streamlit itself does isn't ours, and the frame with its greyed-out account has tests of its own."""
    settled(page)
    found = axe.Axe().run(page, context={"exclude": [[".st-key-frame"]]}).response["violations"]
    problems = [f"{each['id']}: {node['html'][:160]}" for each in found if each["id"] not in NOT_OURS for node in each["nodes"]]
    assert not problems, "\n".join(problems)


def test_the_whole_walk(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    import_id = upload(page, portal, "api_calls.csv", USAGE, tmp_path)
    choose(page, "Kind of usage", NEW)
    page.get_by_label("What should it be called?").fill("Calls of the walk")
    page.get_by_label("What should it be called?").press("Enter")
    settled(page)
    accessible(page)
    looks_right(page)
    expect(page.get_by_role("heading", name="120 rows = 120 ready")).to_be_visible()
    expect(page.get_by_text("Nothing to decide. All 120 rows are ready.")).to_be_visible()
    accessible(page)
    button(page, "Review sending").click()
    page.get_by_text("Send 120 events for 4 customers, October 2026, to Practice?").wait_for()
    expect(button(page, "Send 120 events")).to_be_disabled()
    expect(page.get_by_text("The account holds no usage of this kind yet for these customers and this period.")).to_be_visible()
    accessible(page)
    tick(page, "Yes, send these 120 events to Practice")
    button(page, "Send 120 events").click()
    page.get_by_text("Done and proven. 120 sent, 120 found in the account, totals equal for every customer.").wait_for()
    page.get_by_text("120 ready = 120 sent = 120 stored = 120 found again").wait_for()
    accessible(page)
    with page.expect_download() as download:
        button(page, "Evidence for an auditor").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"receipt.json", "batches.csv", "attempts.csv"} <= set(archive.namelist())
        assert json.loads(archive.read("receipt.json"))["import_id"] == import_id
    page.reload()
    page.get_by_text("Done and proven.").wait_for()
    button(page, "Back to this month").click()
    page.get_by_role("heading", name="This month").wait_for()
    upload(page, portal, "the_same_rows_again.csv", USAGE + "\n", tmp_path)
    choose(page, "Kind of usage", "Calls of the walk")
    looks_right(page)
    page.get_by_text("Nothing is ready to send: all 120 rows were already sent.").wait_for()
    expect(button(page, "Review sending")).to_be_disabled()


def test_a_colleague_sees_the_same_and_a_reload_keeps_every_answer(portal: Portal, page: "sync_api.Page", browser: "sync_api.Browser", tmp_path: Path):
    upload(page, portal, "shared.csv", USAGE.replace("cus_", "team_"), tmp_path)
    choose(page, "Kind of usage", NEW)
    page.get_by_label("What should it be called?").fill("Shared calls")
    page.get_by_label("What should it be called?").press("Enter")
    settled(page)
    page.reload()
    expect(page.get_by_label("What should it be called?")).to_have_value("Shared calls")
    other = browser.new_context().new_page()
    other.goto(page.url)
    expect(other.get_by_label("What should it be called?")).to_have_value("Shared calls", timeout=30_000)
    other.context.close()


def test_rows_to_fix_have_to_be_decided(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    upload(page, portal, "mistakes.csv", BAD, tmp_path)
    choose(page, "Kind of usage", NEW)
    page.get_by_label("What should it be called?").fill("Calls with mistakes")
    page.get_by_label("What should it be called?").press("Enter")
    settled(page)
    page.get_by_text("Advanced: the names and types").click()
    page.get_by_role("combobox", name=re.compile("Type of the field for calls")).wait_for()
    settled(page)
    choose(page, "Type of the field for calls", "Int64 (whole number)")
    looks_right(page)
    page.get_by_role("heading", name="4 rows = 2 ready + 2 need fixing").wait_for()
    expect(button(page, "Review sending")).to_be_disabled()
    expect(page.get_by_text("Choose above what happens to the 2 rows that need fixing.")).to_be_visible()
    tick(page, "Send nothing until they are fixed")
    expect(page.get_by_text("You chose to send nothing until the 2 rows are fixed.")).to_be_visible()
    tick(page, "Go on without them")
    expect(page.get_by_text("1 decision above is still open")).to_be_visible()
    accessible(page)
    button(page, "Leave them as they are").click()
    expect(button(page, "Review sending")).to_be_enabled()
    with page.expect_download() as download:
        button(page, "Rows to fix, as CSV").first.click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert "n/a" in text and "cus_3" not in text
    button(page, "Review sending").click()
    page.get_by_text("Of 4 rows, 2 need fixing and stay open.").wait_for()
    tick(page, "Yes, send these 2 events to Practice")
    button(page, "Send 2 events").click()
    page.get_by_text("Done and proven. 2 sent, 2 found in the account").wait_for()
    page.get_by_text("2 rows are still open.").wait_for()


def test_the_account_is_down_before_and_while_sending(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    upload(page, portal, "down.csv", USAGE.replace("2026-10", "2026-09"), tmp_path)
    choose(page, "Kind of usage", "API calls")
    looks_right(page)
    portal.stop("sandbox")
    button(page, "Review sending").click()
    button(page, "Try again").wait_for()
    expect(page.get_by_text("Nothing was sent. Before sending, the portal has to know")).to_be_visible()
    accessible(page)
    portal.start("sandbox")
    button(page, "Try again").click()
    tick(page, "Yes, send these 120 events to Practice")
    portal.stop("sandbox")
    button(page, "Send 120 events").click()
    page.get_by_text("Sending waits.").wait_for(timeout=90_000)
    page.reload()
    page.get_by_text("Sending waits.").wait_for()
    portal.start("sandbox")
    button(page, "Try again").click()
    page.get_by_text("Done and proven. 120 sent, 120 found in the account").wait_for(timeout=60_000)


def test_where_every_row_is_bad_nothing_is_ready(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    upload(page, portal, "all_bad.csv", "customer_id,timestamp,region,calls\n,2026-10-01T10:00:00Z,eu,1\n,2026-10-02T10:00:00Z,eu,2\n", tmp_path)
    choose(page, "Kind of usage", "API calls")
    looks_right(page)
    page.get_by_text("Nothing is ready to send: all 2 rows need fixing.").wait_for()
    expect(button(page, "Review sending")).to_be_disabled()
    accessible(page)


def test_monthly_totals_get_the_end_of_a_confirmed_period(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    upload(page, portal, "monthly.csv", "customer_id,seats\ncus_1,5\ncus_2,7\n", tmp_path)
    expect(button(page, "Looks right")).to_be_disabled()
    expect(page.get_by_text("Which period do these rows belong to?")).to_be_visible()
    accessible(page)
    looks_right(page)
    page.get_by_role("heading", name="2 rows = 2 ready").wait_for()
    page.get_by_role("tab", name="Totals").click()
    page.get_by_text("2 events, first").wait_for()
    page.get_by_test_id("stVegaLiteChart").wait_for()
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    accessible(page)


def test_what_the_account_refuses_is_said_in_a_sentence(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    upload(page, portal, "refused.csv", "customer_id,timestamp,pages\ncus_1,2026-10-01T10:00:00Z,5\n", tmp_path)
    choose(page, "Kind of usage", NEW)
    page.get_by_text("Advanced: the names and types").click()
    for slug, sentence in (("api_calls", "The account has a kind of usage with this short name already: API calls."), ("api calls!", "")):
        page.get_by_role("textbox", name="Slug").fill(slug)
        page.get_by_role("textbox", name="Slug").press("Enter")
        settled(page)
        expect(page.get_by_text(sentence or "What is this usage?")).to_be_visible()
        expect(button(page, "Looks right")).to_be_disabled() if sentence else None
    button(page, "Looks right").click()
    page.locator("[data-testid=stAlert]").wait_for()
    expect(page.get_by_text("What is this usage?")).to_be_visible()
    assert "Traceback" not in page.content()
    accessible(page)


@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_sticks_out_sideways(portal: Portal, page: "sync_api.Page", tmp_path: Path, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    upload(page, portal, f"{'wide' if width > 500 else 'narrow'}.csv", USAGE.replace("cus_", f"a_customer_with_a_rather_long_name_{width}_"), tmp_path)
    looks_right(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= document.querySelector('[data-testid=stMain]').clientWidth")


def test_what_people_wrote_is_shown_as_it_is(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    hostile = "![x](http://192.0.2.1/leak.png)"
    upload(page, portal, "hostile.csv", f'"customer_id","timestamp","{hostile}","<img src=//192.0.2.1/x>"\n"{hostile}",2026-10-01T10:00:00Z,"=1+1","**bold**"\n', tmp_path)
    choose(page, "Kind of usage", NEW)
    looks_right(page)
    assert page.locator("img[src*='192.0.2.1']").count() == 0
