"""The README's first walk, step by step as it is written there. With README_PICTURES=docs/screenshots it also takes its pictures."""

import os
import re
from pathlib import Path

import pytest

from ingest.settings import PROJECT
from tests.browser.running import Portal, until

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
SAMPLE = PROJECT / "docs" / "samples" / "compute_hours.csv"
ROWS = len(SAMPLE.read_text(encoding="utf-8").splitlines()) - 1


def settled(page: "sync_api.Page") -> None:
    page.wait_for_timeout(300)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def picture(page: "sync_api.Page", name: str) -> None:
    if folder := os.environ.get("README_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        settled(page)
        before = page.viewport_size
        page.set_viewport_size({**before, "height": max(600, page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').offsetHeight"))})  # the page scrolls inside itself
        page.wait_for_timeout(700)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size(before)


def press(page: "sync_api.Page", name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.click()


def test_ten_minutes_from_a_spreadsheet_to_a_receipt(portal: Portal, page: "sync_api.Page"):
    page.goto(portal.url)
    page.get_by_role("heading", name="This month").wait_for()
    page.locator("input[type=file]").set_input_files(SAMPLE)

    page.get_by_role("button", name="Continue").wait_for()
    expect(page.get_by_text("utf-8").first).to_be_visible()
    picture(page, "file")
    press(page, "Continue")

    page.get_by_text("What is this usage?").wait_for()
    settled(page)
    for _ in range(page.get_by_text("Please confirm.").count()):
        before = page.get_by_text("Please confirm.").count()
        page.locator("[data-testid=stCheckbox]").filter(has_text=re.compile("^Yes, ")).filter(has=page.locator("input:not(:checked)")).first.locator("label").click()
        until(lambda before=before: page.get_by_text("Please confirm.").count() < before)
    settled(page)
    picture(page, "columns")
    press(page, "Looks right")

    page.get_by_role("heading", name=f"{ROWS} rows = {ROWS} ready").wait_for()
    settled(page)
    picture(page, "review")
    press(page, "Review sending")

    page.get_by_text(re.compile(rf"Send {ROWS} events for \d+ customers, October 2026, to Practice\?")).wait_for()
    settled(page)
    picture(page, "send")
    page.locator("label").filter(has_text=f"Yes, send these {ROWS} events").first.click()
    settled(page)
    press(page, f"Send {ROWS} events")

    page.get_by_text(f"Done and proven. {ROWS} sent, {ROWS} found in the account, totals equal for every customer.").wait_for()
    page.get_by_text(f"{ROWS} ready = {ROWS} sent = {ROWS} stored = {ROWS} found again").wait_for()
    picture(page, "receipt")
    press(page, "Back to this month")
    page.get_by_role("heading", name="This month").wait_for()
    settled(page)
    picture(page, "month")

    page.goto(f"{portal.url}/import")
    page.locator("input[type=file]").set_input_files(SAMPLE)
    page.get_by_text(re.compile("already imported|was imported", re.IGNORECASE)).first.wait_for()
    picture(page, "again")


def test_every_picture_of_the_readme_is_there():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert [path for path in re.findall(r"\]\((docs/[^)]+)\)", text) if not (PROJECT / path).exists()] == []
