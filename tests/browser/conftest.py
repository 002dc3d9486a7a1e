"""One installation and one browser for each file of browser tests; skipped, with the reason, where no browser can be had."""

import re
from collections.abc import Iterator

import pytest

from tests.browser.running import CHROMIUM, Portal

sync_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Portal, worker and sandbox over an empty data folder."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium")
    here = Portal(tmp_path_factory.mktemp("portal") / "home", INTAKE_UPLOAD_MAX_BYTES=str(30 * 1024**2), INTAKE_UPLOAD_SLICE_BYTES=str(1024**2), INTAKE_PUSH_ATTEMPTS="3")
    try:
        here.start("sandbox", "worker", "portal")
        yield here
    finally:
        here.stop_all()


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    """Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: "sync_api.Browser") -> Iterator["sync_api.BrowserContext"]:
    """One for all tabs of a file of tests: the portal's scripts are fetched and compiled once, not for every test."""
    opened = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: "sync_api.BrowserContext") -> Iterator["sync_api.Page"]:
    """A tab of its own; the test fails when anything is asked of another machine, or when the content policy had to step in."""
    opened = context.new_page()
    foreign, refused = [], []
    opened.on("request", lambda request: None if re.match(r"(http|ws)://127\.0\.0\.1|data:|blob:", request.url) else foreign.append(request.url))
    opened.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    yield opened
    opened.close()
    assert (foreign, refused) == ([], [])
