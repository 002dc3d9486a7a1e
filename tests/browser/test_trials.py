"""What goes differently than planned, and other ways to work: a keyboard only, two people at once, another account, a slow one, a stop in the middle."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from tests.browser.running import Portal, inaccessible
from tests.faults import Faults, served

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect
expect.set_options(timeout=20_000)
KNOWN = ("cus_acme", "cus_globex", "cus_initech", "cus_hooli")
"""Customers that the practice account has from the start."""
PROTECTED = Path(__file__).with_name("protected.xlsx")
ACTIVE = """() => {
    let active = document.activeElement
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
    return active?.getAttribute('aria-label') || active?.labels?.[0]?.innerText || active?.innerText || ''
}"""


class Slow(Faults):
    """An account that takes its time over usage, until it is told not to."""

    hurries = False

    def _next(self) -> str | None:
        return None if self.hurries else "delay"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Slow]]:
    """Another account's address, and what it does."""
    account = Slow(build_app(tmp_path_factory.mktemp("other")), delay=4.0)
    with served(account) as url:
        yield url, account


def settled(page: "sync_api.Page") -> None:
    page.wait_for_timeout(250)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def usage(path: Path, rows: int = 40, month: str = "10") -> Path:
    lines = (f"{KNOWN[row % 4]},2026-{month}-{row % 28 + 1:02}T{row // 3600:02}:{row // 60 % 60:02}:{row % 60:02}Z,eu,{row + 1}" for row in range(rows))
    path.write_text("\n".join(["customer_id,timestamp,region,calls", *lines]), encoding="utf-8")
    return path


def button(page: "sync_api.Page", name: str | re.Pattern[str]) -> "sync_api.Locator":
    return page.get_by_role("button", name=name, exact=True)


def bring(page: "sync_api.Page", portal: Portal, path: Path, account: str = "Practice") -> None:
    page.goto(f"{portal.url}/import?account={account}")
    page.locator("input[type=file]").set_input_files(path)


def reviewed(page: "sync_api.Page") -> None:
    page.get_by_role("heading", name=re.compile(r"rows? = ")).wait_for()


def send(page: "sync_api.Page") -> None:
    button(page, "Review sending").click()
    confirm(page)


def confirm(page: "sync_api.Page") -> None:
    page.locator("label").filter(has_text=re.compile("^Yes, send")).first.click()
    settled(page)
    page.get_by_role("button", name=re.compile(r"^Send [\d,]+ event")).click()


def tab_to(page: "sync_api.Page", name: str) -> None:
    passed = []
    for _ in range(60):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(ACTIVE))
        if re.search(name, passed[-1]):
            return
    raise AssertionError(f"the keyboard never came to {name}, only to {passed}")


def press(page: "sync_api.Page", name: str, key: str = "Enter") -> None:
    """Goes to something by the keyboard and presses it."""
    tab_to(page, name)
    page.keyboard.press(key)
    settled(page)


def turn_to(page: "sync_api.Page", first: str, other: str) -> None:
    """Goes to a choice by the keyboard and on to another one of it."""
    tab_to(page, first)
    while not re.search(other, page.evaluate(ACTIVE)):
        page.keyboard.press("ArrowRight")
        assert not re.search(first, page.evaluate(ACTIVE)), f"there is no {other}"
    page.keyboard.press("Space")
    settled(page)


def test_the_whole_walk_by_keyboard_only_with_rows_put_right_and_every_page_accessible(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = usage(tmp_path / "calls_october.csv")
    good = path.read_text()
    path.write_text(good.replace(",3\n", ",n/a\n").replace(",5\n", ",none of it\n").replace(",7\n", ",none of it\n"))
    page.on("filechooser", lambda chooser: chooser.set_files(path))
    page.goto(f"{portal.url}/import")
    button(page, "Choose files").wait_for()
    settled(page)
    press(page, "Choose files")
    expect(button(page, "Continue")).to_be_enabled()
    settled(page)
    assert inaccessible(page) == []
    press(page, "^Continue$")
    expect(button(page, "Looks right")).to_be_enabled()
    settled(page)
    press(page, "Advanced: the names")
    tab_to(page, "Type of the field for calls")
    page.keyboard.type("Int64")
    page.keyboard.press("Enter")
    settled(page)
    assert inaccessible(page) == []
    press(page, "^Looks right$")
    reviewed(page)
    expect(page.locator(".st-key-summary")).to_be_focused()
    expect(page.locator(".st-key-summary")).to_contain_text("40 rows = 37 ready + 3 need fixing")
    settled(page)
    assert inaccessible(page) == []

    turn_to(page, "^Type over cells$", "^One cell$")
    tab_to(page, "^New text")
    page.keyboard.type("3")
    press(page, "^Change this cell$")
    expect(page.locator(".st-key-summary")).to_contain_text("40 rows = 38 ready + 2 need fixing")
    expect(page.locator("[class*=st-key-corrections]")).to_be_focused()
    settled(page)
    turn_to(page, "^Type over cells$", "^Everywhere at once$")
    tab_to(page, "^This text")
    page.keyboard.type("none of it")
    tab_to(page, "^becomes")
    page.keyboard.type("5")
    press(page, "^Change 2 rows and check again$")
    expect(page.locator(".st-key-summary")).to_contain_text("40 rows = 40 ready")
    settled(page)
    assert inaccessible(page) == []

    press(page, "^Review sending$")
    page.get_by_text("Yes, send these 40 events").wait_for()
    settled(page)
    assert inaccessible(page) == []
    press(page, "^Yes, send these 40 events", "Space")
    expect(button(page, "Send 40 events")).to_be_enabled()
    press(page, "^Send 40 events$")
    page.get_by_text("40 ready = 40 sent = 40 stored = 40 found again").wait_for()
    settled(page)
    assert inaccessible(page) == []
    with page.expect_download() as download:
        press(page, "^Evidence for an auditor")
    assert zipfile.is_zipfile(download.value.path())


def test_two_people_import_the_same_file_of_a_known_kind_at_once(portal: Portal, page: "sync_api.Page", browser: "sync_api.Browser", tmp_path: Path):
    path = usage(tmp_path / "calls_september.csv", month="09")
    colleague = browser.new_context().new_page()
    for each in (page, colleague):
        bring(each, portal, path)
    page.get_by_text(re.compile("^Yes, send these 40 events")).wait_for()
    expect(page.get_by_text(re.compile("Set up as .* like calls_october.csv"))).to_be_visible()
    colleague.get_by_text(re.compile("was imported before|^Yes, send")).first.wait_for()
    if button(colleague, "Import again").count():
        button(colleague, "Import again").click()
        colleague.get_by_text(re.compile("^Yes, send these 40 events")).wait_for()
    confirm(page)
    page.get_by_text("40 ready = 40 sent = 40 stored = 40 found again").wait_for()
    colleague.reload()
    colleague.get_by_text("Not ready to send").or_(colleague.get_by_text(re.compile("^Yes, send"))).first.wait_for()
    expect(colleague.get_by_role("button", name=re.compile("^Send "))).to_be_disabled()
    colleague.context.close()


def test_another_account_is_added_and_sent_to_slowly_with_a_stop_and_a_closed_browser_between(portal: Portal, page: "sync_api.Page", browser: "sync_api.Browser", other: tuple[str, Slow], tmp_path: Path):
    url, account = other
    page.goto(f"{portal.url}/settings")
    for label, text in (("Name", "Other"), ("Address of the API", url), ("Organisation", SANDBOX_ORGANISATION), ("API key", SANDBOX_KEY)):
        page.get_by_role("textbox", name=label).fill(text)
    button(page, "Save").click()
    page.get_by_text("Other was added.").wait_for()
    bring(page, portal, usage(tmp_path / "calls.csv", 9000), "Other")
    button(page, "Continue").click()
    button(page, "Looks right").click()
    reviewed(page)
    send(page)
    page.get_by_text("Waiting for Other to answer").wait_for()
    button(page, "Stop sending").click()
    page.get_by_text("Stopping: the batches that are on their way are waited for").wait_for()
    page.get_by_text(re.compile(r"Sending is stopped\. [\d,]+ of 9,000 were stored and stay in the account; [\d,]+ were not sent\.")).wait_for()
    button(page, "Continue sending").click()
    page.get_by_text("You can close this page; sending goes on.").or_(page.get_by_text("Done and proven.")).first.wait_for()
    address = page.url
    page.close()
    account.hurries = True
    again = browser.new_context().new_page()
    again.goto(address)
    again.get_by_text("9,000 ready = 9,000 sent = 9,000 stored = 9,000 found again").wait_for(timeout=60_000)
    again.context.close()


def test_a_protected_workbook_is_refused_dismissed_and_brought_back(portal: Portal, page: "sync_api.Page"):
    bring(page, portal, PROTECTED)
    page.get_by_text("This workbook is protected with a password.").wait_for()
    page.goto(f"{portal.url}/?account=Practice")
    button(page, "Dismiss").first.click()
    page.get_by_label(re.compile("^Why")).fill("the sender sends another one")
    button(page, "Dismiss this file").click()
    page.get_by_text("protected.xlsx").wait_for(state="detached")
    page.goto(f"{portal.url}/imports")
    page.get_by_role("combobox", name=re.compile("State")).click()
    page.get_by_role("option", name="Dismissed").click()
    page.get_by_text(re.compile("the sender sends another one")).wait_for()
    button(page, "Bring back").click()
    page.get_by_text("Nothing found.").wait_for()
