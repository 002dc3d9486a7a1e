"""A source connected in a real browser by somebody who knows nothing of it: from the folder to the receipt; the next file, a bad row, a pause. With README_PICTURES=docs/screenshots it also takes its picture."""

import os
import re
from pathlib import Path

import pytest

from tests.browser.running import Portal, inaccessible

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect

HEAD = "customer,time,cpu hours,region\n"
KNOWN = ("cus_acme", "cus_globex", "cus_hooli", "cus_stark")
FIRST = HEAD + "".join(f"{KNOWN[row % 4]},2026-10-{row % 28 + 1:02d}T10:00:00Z,{row}.5,eu\n" for row in range(40))
SECOND = HEAD + "".join(f"{KNOWN[row % 4]},2026-11-{row % 20 + 1:02d}T10:00:00Z,{row}.5,eu\n" for row in range(20)).replace(",3.5,", ",many,")
FITS = "document.querySelector('[data-testid=stMain]').scrollWidth <= document.querySelector('[data-testid=stMain]').clientWidth"


def settled(page: "sync_api.Page") -> None:
    page.wait_for_timeout(250)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def press(page: "sync_api.Page", name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.click()


def usage(folder: Path, name: str, text: str) -> None:
    """A file that has rested."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    os.utime(path, (path.stat().st_mtime - 60,) * 2)


def looks_well(page: "sync_api.Page") -> None:
    """Holds a page to axe, and to a telephone's width."""
    settled(page)
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 1000})
        assert (width, inaccessible(page)) == (width, [])
        assert page.evaluate(FITS), width


def picture(page: "sync_api.Page", name: str) -> None:
    if folder := os.environ.get("README_PICTURES"):
        settled(page)
        page.set_viewport_size({"width": 1400, "height": max(600, page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').offsetHeight"))})
        page.wait_for_timeout(700)
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_folder_is_connected_and_its_usage_comes_by_itself(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    usage(tmp_path, "usage_2026-10.csv", FIRST)

    # Where it is.
    page.goto(f"{portal.url}/sources")
    press(page, "Connect a source")
    page.get_by_role("textbox", name="What should it be called?").fill("cpu drop")
    page.get_by_role("combobox", name=re.compile("What is it?")).click()
    page.get_by_role("option", name="Watched folder").click()
    press(page, "Test the connection")
    expect(page.get_by_text("Still missing: Folder.")).to_be_visible()
    page.get_by_label("Folder", exact=True).fill(str(tmp_path / "nowhere"))
    press(page, "Test the connection")
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text("nowhere")
    page.get_by_label("Folder", exact=True).fill(str(tmp_path))
    press(page, "Test the connection")

    # What to read.
    expect(page.get_by_text("There is: usage_2026-10.csv")).to_be_visible()
    expect(page.get_by_role("textbox", name="Which files?")).to_have_value("*.csv")
    press(page, "Show the first rows")
    page.get_by_text("The first 40 rows, as they will be read").wait_for()
    looks_well(page)

    # Columns: a kind of usage that the account doesn't have yet.
    press(page, "Create it")

    # When, and what then; and what was said outlives a reload.
    page.get_by_text("Every few minutes or hours").click()
    page.get_by_text("It is sent by itself when nothing is wrong").click()
    expect(page.get_by_text(re.compile(r"Every 15 minutes\. Next: (today|tomorrow) \d\d:\d\d, "))).to_be_visible()
    press(page, "Continue")
    page.get_by_text("Then: ").wait_for(state="hidden")
    page.reload()

    # Trial, and on.
    expect(page.get_by_role("button", name="Switch it on")).to_be_disabled()
    press(page, "Try it without sending")
    expect(page.get_by_text("40 rows read: 40 would be sent")).to_be_visible()
    press(page, "Switch it on")

    # The first run: its equation, and the receipt of its import.
    press(page, "Read what is new")
    page.get_by_text("40 read = 40 ready + 0 need fixing + 0 known already + 0 left out. 40 sent, 40 found in the account.").wait_for()
    page.get_by_role("link", name="usage_2026-10.csv: sent and proven").click()
    page.get_by_text("Done and proven. 40 sent, 40 found in the account, totals equal for every customer.").wait_for()

    # A second file is read by itself, and only that one; its bad row stays open, the others go.
    usage(tmp_path, "usage_2026-11.csv", SECOND)
    page.goto(f"{portal.url}/source?source=cpu+drop")
    press(page, "Read what is new")
    page.get_by_text("20 read = 19 ready + 1 need fixing + 0 known already + 0 left out. 19 sent, 19 found in the account.").wait_for()
    expect(page.get_by_text("Runs, with something to look at")).to_be_visible()
    expect(page.get_by_text("1 row needs fixing; it stays open and is tried again.")).to_be_visible()
    looks_well(page)
    picture(page, "source")

    # Pause, and go on.
    press(page, "Pause")
    page.get_by_role("button", name="Let it run by itself").wait_for()
    page.goto(f"{portal.url}/sources")
    expect(page.get_by_text("Paused by")).to_be_visible()
    looks_well(page)
