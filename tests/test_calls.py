"""Web calls that run a source: only rightly signed ones, only once, and not too often."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette

from ingest import calls, jobs
from ingest.errors import NotReady
from ingest.store import sources
from schemas.source import Source

BODY = b'{"ready": true}'


@pytest.fixture
def queued(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What was queued."""
    found: list[tuple] = []
    monkeypatch.setattr(jobs, "queue_run", lambda *given: found.append(given) or SimpleNamespace(id="run-1"))
    monkeypatch.setattr(calls, "_seen", {})
    monkeypatch.setattr(calls, "_calls", {})
    for name in ("usage db", "other"):
        sources.save(Source(name=name, connector="folder"), "me")
    return found


def post(header: str | bytes, name: str = "usage db", body: bytes = BODY) -> httpx.Response:
    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=calls.routes)), base_url="http://portal") as client:
            return await client.post(f"/call/{name}", content=body, headers={b"x-intake-signature": header if isinstance(header, bytes) else header.encode()})

    return asyncio.run(sent())


def test_a_signed_call_queues_a_run_once(queued):
    header = calls.signature(calls.new_key("usage db"), BODY, int(time.time()))
    answer = post(header)
    assert (answer.status_code, answer.json()) == (202, {"run_id": "run-1", "source": "usage db"})
    again = post(header)
    assert (again.status_code, "came before" in again.json()["sentence"]) == (409, True)
    assert queued == [("usage db", "called", "web call")]


@pytest.mark.parametrize(("change", "status", "said"), [
    ({"ago": 301}, 401, "five minutes"),
    ({"ago": -310}, 401, "five minutes"),
    ({"body": b"{}"}, 401, "isn't right"),
    ({"key": "of another"}, 401, "isn't right"),
    ({"header": ""}, 401, "isn't signed"),
    ({"header": "t=x,v1=é"}, 401, "isn't signed"),
    ({"name": "other"}, 404, "no source of this name"),
    ({"name": "absent"}, 404, "no source of this name"),
    ({"body": b"x" * 70_000}, 413, "too long"),
])
def test_calls_that_are_refused(queued, change, status, said):
    key = calls.new_key("usage db")
    header = calls.signature(change.get("key", key), BODY, int(time.time()) - change.get("ago", 0))
    answer = post(change.get("header", header).encode(), change.get("name", "usage db"), change.get("body", BODY))
    assert (answer.status_code, said in answer.json()["sentence"], queued) == (status, True, [])
    assert key not in answer.text


def test_a_key_is_good_until_there_is_a_new_one(queued):
    old, new = calls.new_key("usage db"), calls.new_key("usage db")
    assert [post(calls.signature(key, BODY, int(time.time()))).status_code for key in (old, new)] == [401, 202]
    assert new not in sources.call_key("usage db")


def test_a_source_that_is_busy_or_paused_says_so(queued, monkeypatch: pytest.MonkeyPatch):
    key = calls.new_key("usage db")

    def busy(*_: str) -> None:
        raise NotReady("A run is on its way.")

    monkeypatch.setattr(jobs, "queue_run", busy)
    answers = [post(calls.signature(key, BODY, int(time.time())))]
    sources.set_state("usage db", "paused", "me", "Paused by me.")
    answers.append(post(calls.signature(key, b"2", int(time.time())), body=b"2"))
    assert [(each.status_code, each.json()["sentence"]) for each in answers] == [(409, "A run is on its way."), (409, "The source 'usage db' is paused, so calls don't run it. Let it go on first.")]


def test_a_caller_that_asks_too_often_waits(queued):
    calls.new_key("usage db")
    statuses = [post("").status_code for _ in range(calls.CALLS_PER_MINUTE + 1)]
    assert statuses == [401] * calls.CALLS_PER_MINUTE + [429]
