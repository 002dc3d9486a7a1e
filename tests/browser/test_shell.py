"""The portal's shell and uploads in a real browser: every page, wide and narrow; files dropped, cancelled, cut off, brought twice."""

import re
from pathlib import Path

import pytest

from tests.browser.running import Portal, inaccessible, until

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect

HEADINGS = {"/": "This month", "/imports": "Imports", "/sources": "Sources", "/metrics": "Metrics", "/settings": "Settings", "/import": "Add usage"}
DROP = """async ({names, text}) => {
    const host = [...document.querySelectorAll('*')].find((each) => each.shadowRoot?.querySelector('.area'))
    const transfer = new DataTransfer()
    for (const name of names) transfer.items.add(new File([name + text], name))
    host.shadowRoot.querySelector('.area').dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}))
}"""


def settled(page: "sync_api.Page") -> None:
    """Waits until Streamlit has run the page."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def a_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def choose(page: "sync_api.Page", portal: Portal, *paths: Path) -> None:
    page.goto(f"{portal.url}/import")
    page.locator("input[type=file]").set_input_files(list(paths))


def slow_line(page: "sync_api.Page", bytes_a_second: int) -> None:
    line = page.context.new_cdp_session(page)
    line.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second})


def spool(portal: Portal) -> list[str]:
    return [path.name for path in (portal.home / "spool").iterdir() if not path.name.endswith(".lock")]


@pytest.mark.parametrize("path", ["/import"])
def test_every_address_can_be_the_first_one_of_a_fresh_portal(portal: Portal, page: "sync_api.Page", path: str):
    portal.stop("portal")
    portal.start("portal")
    page.goto(portal.url + path)
    page.get_by_role("heading", name=HEADINGS[path]).wait_for()
    settled(page)
    assert page.get_by_text("Page not found").count() == 0
    assert [link.inner_text() for link in page.get_by_test_id("stTopNavLink").all()] == ["This month", "Imports", "Sources", "Metrics", "Settings"]


@pytest.mark.parametrize("path", ["/this_month", "/one_import", "/frame"])
def test_page_files_have_no_address_of_their_own(portal: Portal, page: "sync_api.Page", path: str):
    page.goto(portal.url + path)
    page.get_by_role("heading", name="This month").wait_for()


def test_empty_pages_are_accessible_and_nothing_sticks_out(portal: Portal, page: "sync_api.Page"):
    for path, heading in HEADINGS.items():
        page.goto(portal.url + path)
        page.get_by_role("heading", name=heading).wait_for()
        settled(page)
        for width in (1400, 420):
            page.set_viewport_size({"width": width, "height": 900})
            assert (path, width, inaccessible(page)) == (path, width, [])
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= document.querySelector('[data-testid=stMain]').clientWidth"), (path, width)
        page.set_viewport_size({"width": 1400, "height": 900})


def test_the_period_is_kept_from_page_to_page_and_over_a_reload(portal: Portal, page: "sync_api.Page"):
    page.goto(f"{portal.url}/?period=2026-07")
    page.get_by_role("heading", name="This month: July 2026").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Metrics").click()
    page.get_by_role("heading", name="Metrics").wait_for()
    settled(page)
    page.reload()
    expect(page.get_by_label("Period")).to_have_value("July 2026")
    page.get_by_test_id("stTopNavLink").filter(has_text="This month").click()
    page.get_by_role("heading", name="This month: July 2026").wait_for()


def test_a_sample_can_be_tried_from_the_empty_home_page(portal: Portal, page: "sync_api.Page"):
    page.goto(portal.url)
    page.get_by_role("button", name="Try a sample").click()
    page.get_by_text("api_calls.csv").click()
    page.get_by_role("button", name="Bring it in").click()
    page.get_by_role("button", name="Continue").wait_for()
    expect(page.get_by_role("heading", name="api_calls.csv")).to_be_visible()


def test_a_file_is_dropped_read_and_can_be_read_differently(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    text = "Usage October;;\nKunde;Datum;Menge\nacme;2026-10-01;1,5\nbeta;2026-10-02;7\n;;\nTotal;;8,5\n"
    choose(page, portal, a_file(tmp_path, "verbrauch.csv", text))
    page.get_by_role("button", name="Continue").wait_for()
    assert re.search(r"/import\?id=imp_", page.url)
    expect(page.get_by_text("5 rows read = 2 in the table + 3 left out")).to_be_visible()
    expect(page.get_by_role("button", name="Left out: 3 rows · Change")).to_be_visible()
    assert inaccessible(page) == []
    page.get_by_role("button", name=re.compile("Columns are separated by: semicolon")).click()
    page.get_by_role("combobox", name=re.compile("Columns are separated by")).click()
    page.get_by_role("option", name="tab").click()
    page.get_by_role("button", name="Read again with this").click()
    page.get_by_role("button", name=re.compile("Columns are separated by: tab")).wait_for()
    page.reload()
    page.get_by_role("button", name=re.compile("Columns are separated by: tab")).wait_for()


def test_several_files_at_once_are_all_started(portal: Portal, page: "sync_api.Page"):
    page.goto(f"{portal.url}/import")
    page.get_by_role("button", name="Choose files").wait_for()
    page.evaluate(DROP, {"names": ["one.csv", "two.csv", "three.csv"], "text": ",b\n1,2\n"})
    for name in ("one.csv", "two.csv", "three.csv"):
        page.get_by_role("link", name=f"Open {name}").wait_for()
    assert "id=" not in page.url
    assert spool(portal) == []


def test_the_same_file_again_is_told_and_imported_only_on_purpose(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = a_file(tmp_path, "twice.csv", "customer,qty\nacme,2222\n")
    choose(page, portal, path)
    page.get_by_role("button", name="Continue").wait_for()
    first = page.url
    choose(page, portal, path)
    page.get_by_text("twice.csv was imported before.").wait_for()
    expect(page.get_by_text(re.compile("By you, just now: columns to confirm"))).to_be_visible()
    assert inaccessible(page) == []
    page.get_by_role("button", name="Import again").click()
    page.get_by_role("button", name="Continue").wait_for()
    assert page.url != first


@pytest.mark.parametrize(("name", "data", "sentence"), [
    ("empty.csv", b"", "empty"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "."),
    ("document.xlsx", b"%PDF-1.7\n" + b"x" * 500, "."),
])
def test_a_file_that_is_no_table_gets_a_sentence(portal: Portal, page: "sync_api.Page", tmp_path: Path, name: str, data: bytes, sentence: str):
    path = tmp_path / name
    path.write_bytes(data)
    choose(page, portal, path)
    page.get_by_role("button", name="Choose another file").wait_for()
    expect(page.get_by_test_id("stAlert")).to_contain_text(sentence)
    assert page.get_by_text("Something went wrong on our side").count() == 0
    assert inaccessible(page) == []
    page.get_by_role("button", name="Choose another file").click()
    page.get_by_role("heading", name="Add usage").wait_for()


def test_a_file_too_large_is_refused_before_it_is_sent(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(31 * 1024**2)
    choose(page, portal, path)
    page.get_by_text("This file is larger than the 31.5 MB that may be uploaded.").wait_for()
    assert spool(portal) == []


def test_an_upload_can_be_cancelled_and_leaves_nothing(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    slow_line(page, 2_000_000)
    choose(page, portal, a_file(tmp_path, "slow.csv", "a,b\n" + "1,2\n" * 5_000_000))
    page.get_by_text(re.compile(r"\d+ % of 20.0 MB, .* left")).wait_for()
    until(lambda: spool(portal))
    assert inaccessible(page) == []
    page.get_by_role("button", name="Cancel the upload of slow.csv").click()
    page.get_by_text("Cancelled. Nothing of it was kept.").wait_for()
    until(lambda: spool(portal) == [])


def test_leaving_the_page_gives_an_upload_up(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    slow_line(page, 2_000_000)
    choose(page, portal, a_file(tmp_path, "left.csv", "a,b\n" + "1,3\n" * 5_000_000))
    until(lambda: spool(portal))
    page.get_by_test_id("stTopNavLink").filter(has_text="Imports").click()
    until(lambda: spool(portal) == [])


def test_a_portal_that_dies_in_the_middle_costs_a_pause_only(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    rows = 1_500_000
    slow_line(page, 1_500_000)
    choose(page, portal, a_file(tmp_path, "cut.csv", "aaa,bbb\n" + "1,4\n" * rows))
    page.get_by_text(re.compile(r"[1-9]\d? % of 6.0 MB")).wait_for()
    portal.kill("portal")
    page.get_by_text(re.compile("The connection was lost. Trying again")).wait_for()
    portal.start("portal")
    page.get_by_text(re.compile("Uploaded, 6.0 MB|1,500,000 rows|The file is being read")).first.wait_for(timeout=60_000)
    page.get_by_role("button", name="Continue").wait_for(timeout=60_000)
    expect(page.get_by_text(re.compile("1,500,000 rows read, in 2 columns"))).to_be_visible()
    assert spool(portal) == []


def test_two_people_with_the_same_file_at_once(portal: Portal, page: "sync_api.Page", browser: "sync_api.Browser", tmp_path: Path):
    path = a_file(tmp_path, "both.csv", "customer,qty\nacme,4711\n")
    other = browser.new_context().new_page()
    for each in (page, other):
        each.goto(f"{portal.url}/import")
        each.get_by_role("button", name="Choose files").wait_for()
    for each in (page, other):
        each.locator("input[type=file]").set_input_files(path)
    until(lambda: sorted(bool(each.get_by_role("button", name="Import again").count()) for each in (page, other)) == [False, True] and any("id=imp_" in each.url for each in (page, other)))
    other.context.close()


def test_a_file_s_name_is_shown_as_it_is(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    name = "![x](http:1.2) **b** <b>.csv"
    choose(page, portal, a_file(tmp_path, name, "customer,qty\nacme,99\n"))
    page.get_by_role("button", name="Continue").wait_for()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.goto(f"{portal.url}/imports")
    expect(page.get_by_role("link", name=name)).to_be_visible()


def test_imports_can_be_searched_and_open_where_they_were_left(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    choose(page, portal, a_file(tmp_path, "needle.csv", "customer,qty\nacme,5\n"))
    page.get_by_role("button", name="Continue").wait_for()
    page.goto(f"{portal.url}/imports")
    page.get_by_label("Search").fill("needle")
    expect(page.get_by_text("1 import found")).to_be_visible()
    assert inaccessible(page) == []
    page.get_by_role("link", name="needle.csv").click()
    page.get_by_role("button", name="Continue").wait_for()


def test_full_pages_are_accessible_and_nothing_sticks_out(portal: Portal, page: "sync_api.Page"):
    test_empty_pages_are_accessible_and_nothing_sticks_out(portal, page)


def test_settings_name_the_event_types_and_the_practice_account(portal: Portal, page: "sync_api.Page"):
    page.goto(f"{portal.url}/settings")
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text(re.compile("The account answers")).wait_for()
    page.get_by_role("tab", name="Event types").click()
    page.get_by_text(re.compile("This account has no event types yet|Known to the API as")).first.wait_for()
    page.get_by_role("tab", name="Practice account").click()
    expect(page.get_by_text(re.compile(rf"127.0.0.1:{portal.sandbox_port}/rawmetric"))).to_be_visible()
    assert inaccessible(page) == []
