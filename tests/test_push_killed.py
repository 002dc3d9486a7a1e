"""The worker killed with SIGKILL in the middle of a push, ten times in a row: the account ends with exactly the right events."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest import push
from ingest.billing import BillingClient
from ingest.jobs import queue_push
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.settings import PROJECT
from ingest.store import accounts, pushes
from schemas.account import Account, AccountProfile
from tests.made import CALLS, checked_import

EVENTS = 6_000
KILLS = 10


@pytest.fixture
def sandbox(home: Path):
    """A real sandbox process, and an account on it with small batches over few connections."""
    process = subprocess.Popen([sys.executable, "-m", "ingest", "sandbox", "--port", "0", "--json"], cwd=PROJECT, env={**os.environ}, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    url = accounts.embedded_sandbox().base_url
    profile = AccountProfile(batch_events=20, connections=3, refused_batch_stores_nothing=True)
    accounts.add(Account(name="Small", kind="sandbox", base_url=url, organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY), profile=profile), "anna")
    yield url
    process.terminate()
    process.wait()
    process.stdout.close()


def worker() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "ingest", "worker"], cwd=PROJECT, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def until(condition, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def stored_ids(import_id: str) -> list[str]:
    with BillingClient(accounts.account("Small")) as client:
        return [row["data"]["event_id"] for page in client.row_pages("api_calls") for row in page if row["data"]["import_id"] == import_id]


def test_ten_kills_lose_nothing_and_send_nothing_twice(sandbox: str):
    with BillingClient(accounts.account("Small")) as client:
        client.create_event_type(CALLS)
    import_id = checked_import(EVENTS, account="Small")
    push_id = push.begin(import_id, "anna")
    queue_push(push_id, "anna")
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    killed_in_the_middle = 0
    for _ in range(KILLS):
        before = pushes.counts(push_id)[0].accepted
        process = worker()
        step = chance.randrange(20, 400)
        assert until(lambda before=before, step=step: pushes.counts(push_id)[0].accepted >= min(EVENTS, before + step))
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed_in_the_middle += pushes.counts(push_id)[0].accepted < EVENTS
    assert killed_in_the_middle == KILLS, "the push was over before the last kill: send more events"
    process = worker()
    try:
        assert until(lambda: push.progress(push_id).state == "finished")
    finally:
        process.terminate()
        process.wait()
    receipt = push.receipt(push_id)
    found = stored_ids(import_id)
    assert (len(found), len(set(found))) == (EVENTS, EVENTS)
    assert (receipt.events.accepted, receipt.proof.found, receipt.proof.missing, receipt.proof.extra, receipt.proof.agrees) == (EVENTS, EVENTS, 0, 0, True)
