"""Files to a browser: made by another process, fetched once from the disk, and only with a ticket that a page signed."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from ingest import download, imports, query, tickets, upload
from schemas.downloading import Made, Wanted
from tests.browser.running import until
from tests.test_imports import HEADER, imported
from tests.test_upload import serving

FILE = f"{HEADER}\ncus_1,2026-10-01T00:00:00Z,1.50,eu\n,2026-10-02T00:00:00Z,2,eu\n"
NAME = "Ärger – rows to fix.csv"


@pytest.fixture
def browser(home: Path) -> Iterator[httpx.Client]:
    """Something that can ask for files."""
    with serving(Starlette(routes=download.routes)) as client:
        yield client
    query.end()


def ask(browser: httpx.Client, ticket: str, **headers: str) -> httpx.Response:
    return browser.post("/api/downloads", headers={"X-Download-Ticket": ticket, **headers})


def waiting() -> list[str]:
    return sorted(path.name for path in upload.spool().iterdir())


def test_a_file_is_made_fetched_once_and_gone(browser: httpx.Client, tmp_path: Path):
    import_id = imported(tmp_path / "usage.csv", FILE)
    ticket = download.mint("rejected", import_id, file_name=NAME)
    refused = ask(browser, ticket)
    assert (refused.status_code, refused.json()["sentence"]) == (409, "This import hasn't been checked yet.")
    imports.check(import_id)
    made = [ask(browser, ticket).json() for _ in range(2)]
    assert len(waiting()) == 2
    answer = browser.get(made[0]["address"])
    assert (answer.status_code, len(answer.content), answer.headers["content-type"]) == (200, made[0]["size"], "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%84rger%20%E2%80%93%20rows%20to%20fix.csv"
    assert answer.content == imports.write_rejected(import_id, tmp_path / "same.csv").read_bytes()
    assert browser.get(made[0]["address"]).status_code == 410
    until(lambda: waiting() == [made[1]["address"].partition("?")[0].rpartition("/")[2]])
    assert upload.clean_spool(60, now=time.time() + 61) == 1 and waiting() == []
    events = browser.get(ask(browser, download.mint("events", import_id, file_name="events.csv")).json()["address"]).content.decode("utf-8-sig").splitlines()
    assert events[0].startswith("event_id,") and ",cus_1,2026-10-01 00:00:00,1.5,eu," in events[1]


@pytest.mark.parametrize(("ticket", "headers", "status"), [
    (lambda: "", {}, 401), (lambda: "nonsense.é".encode("latin-1"), {}, 401), (lambda: upload.mint("ana")[1], {}, 401), (lambda: tickets.signed(Made(download_id="down_1", file_name="x", expires=2**40)), {}, 401),
    (lambda: tickets.signed(Wanted(what="rejected", args=("imp_1",), file_name="x.csv", expires=1)), {}, 401),
    (lambda: download.mint("rejected", "imp_1", file_name="x.csv"), {"Origin": "http://evil.example"}, 403), (lambda: download.mint("rejected", "imp_1", file_name="x.csv"), {"Sec-Fetch-Site": "cross-site"}, 403),
], ids=["none", "nonsense", "for uploads", "for fetching", "old", "another site", "sent by another site"])
def test_nothing_is_made_without_a_ticket_of_this_page(browser: httpx.Client, ticket, headers: dict[str, str], status: int):
    assert ask(browser, ticket(), **headers).status_code == status
    assert waiting() == []


@pytest.mark.parametrize("name", ["state.db", "../state.db", "up_" + "0" * 32, "down_" + "0" * 32])
def test_only_what_was_made_can_be_fetched(browser: httpx.Client, name: str):
    (upload.spool() / ("up_" + "0" * 32)).write_text("an upload")
    ticket = tickets.signed(Made(download_id=name, file_name="x.csv", expires=2**40))
    answer = browser.get(f"/api/downloads/{name.replace('/', '%2F')}", params={"ticket": ticket})
    assert answer.status_code in (401, 404, 410)
    assert browser.get("/api/downloads/down_" + "1" * 32, params={"ticket": ticket}).status_code == 401


def test_only_known_kinds_get_a_ticket(home: Path):
    with pytest.raises(KeyError, match="can't be downloaded"):
        download.mint("state", file_name="state.db")
