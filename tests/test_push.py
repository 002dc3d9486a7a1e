"""Sending: what faults on the way may not do to the events that end up in the account. Numbers in brackets: lessons from other systems' failures."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from ingest import ledger, push
from ingest.billing import BillingClient
from ingest.errors import Broken, LeaseLost, NotReady
from ingest.push.plan import account_lock, bodies_of, hold_to_plan
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.store import accounts, imports, open_rows, pushes
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.pushes import Answer
from ingest.store.recorder import Recorder
from ingest.store.schema import batches
from schemas.account import Account, AccountProfile
from schemas.event_type import EventType, Field
from schemas.pushing import Receipt
from tests.faults import Faults, served
from tests.made import CALLS, CALLS_WITHOUT_IDS, checked_import

QUICK = {"batch_events": 50, "connections": 3, "settle_seconds": 0, "read_back_seconds": 0}


@contextmanager
def account(home: Path, *plan: str | None, seed: int | None = None, event_type: EventType | None = CALLS, key: str = SANDBOX_KEY, **profile: object) -> Iterator[Faults]:
    """An account called "Test" on a real sandbox with faults in front of it."""
    faults = Faults(build_app(home / "sandbox"), plan, seed=seed, retry_after="3")
    with served(faults) as url:
        accounts.add(Account(name="Test", kind="sandbox", base_url=url, organisation=SANDBOX_ORGANISATION, api_key=SecretStr(key), profile=AccountProfile(**{**QUICK, **profile})), "anna")
        if event_type:
            with BillingClient(accounts.account("Test")) as client:
                client.create_event_type(event_type)
        yield faults


def send(import_id: str, sleeps: list[float] | None = None) -> Receipt | None:
    """Brings a push to its end as the job does; None when it has to wait. Sleeps are noted, not slept."""
    slept = [] if sleeps is None else sleeps
    push_id = push.begin(import_id, "anna")
    if push.progress(push_id).state == "finished":
        return push.receipt(push_id)
    push.plan(push_id)
    push.remember_before(push_id)
    with BillingClient(accounts.account("Test"), sleep=slept.append) as client:
        for part in pushes.open_parts(push_id):
            sent = push.send_part(push_id, part, client, sleep=slept.append)
            if sent.outcome == "waiting":
                push.wait(push_id, sent.message)
                return None
    return push.end(push_id, "finished", sleep=slept.append)


def stored() -> list[str]:
    """The ids of all events in the account, as often as they are there."""
    with BillingClient(accounts.account("Test")) as client:
        return [str(row["data"].get("event_id")) for page in client.row_pages("api_calls") for row in page]


def planned_ids(import_id: str) -> set[str]:
    bodies = bodies_of(pushes.of_import(import_id)[0])
    try:
        return set(bodies.event_ids(0, bodies.count()))
    finally:
        bodies.close()


def assert_exactly_once(import_id: str, count: int) -> None:
    found = stored()
    assert (len(found), set(found)) == (count, planned_ids(import_id))


def test_good_weather(home: Path):
    with account(home):
        import_id = checked_import(230, account="Test")
        receipt = send(import_id)
        assert_exactly_once(import_id, 230)
    assert (receipt.events.planned, receipt.events.sent, receipt.events.accepted, receipt.proof.found, receipt.proof.missing, receipt.proof.extra) == (230, 230, 230, 230, 0, 0)
    assert (receipt.proof.agrees, receipt.proof.level, receipt.batches) == (True, "event", 5)
    assert [(each.what, each.agrees) for each in receipt.proof.comparisons] == [("quantity, customer by customer", True)]
    assert imports.get(import_id).state == "proven"


@pytest.mark.parametrize("fault", ["refuse_503", "refuse_429", "cut_before", "store_then_500", "store_then_cut", "store_then_truncate", "deliver_twice"])
def test_an_answer_that_got_lost_is_never_guessed(home: Path, fault: str):
    """[1] [2] [5]: the same batch goes out again under the same key."""
    with account(home, fault, None, fault) as faults:
        import_id = checked_import(120, account="Test")
        receipt = send(import_id)
        assert_exactly_once(import_id, 120)
        keys = {key for _, key in faults.happened}
    assert receipt.proof.agrees
    assert len(keys) == 3, "a batch was sent under a second key"


def test_a_batch_that_was_stored_and_refused_is_not_sent_again(home: Path):
    """[2]: refused with 422, stored all the same; the account is asked before the batch is taken apart."""
    with account(home, "store_then_422"):
        import_id = checked_import(120, account="Test")
        receipt = send(import_id)
        assert_exactly_once(import_id, 120)
    assert receipt.proof.agrees


def test_an_account_that_says_ok_and_stores_nothing_is_found_out(home: Path):
    """[3]"""
    with account(home, None, "swallow"):
        import_id = checked_import(120, account="Test")
        receipt = send(import_id)
    assert (receipt.proof.agrees, receipt.proof.missing, receipt.proof.found) == (False, 50, 70) or (receipt.proof.missing, receipt.proof.found) == (20, 100)
    assert receipt.proof.note == f"Not proven yet: 120 sent, {receipt.proof.found} found. Don't upload again; we are checking."
    assert imports.get(import_id).state == "pushed"


def test_an_account_that_stores_twice_is_found_out(home: Path):
    with account(home, "store_twice"):
        receipt = send(checked_import(40, account="Test"))
    assert (receipt.proof.agrees, receipt.proof.extra, receipt.proof.missing) == (False, 40, 0)


def test_a_worker_that_wakes_up_late_can_write_nothing(home: Path):
    """[4]"""
    with account(home):
        push_id = push.begin(checked_import(60, account="Test"), "anna")
        push.plan(push_id)
        late = Recorder(push_id, pushes.take_over(push_id))
        pushes.take_over(push_id)
        with pytest.raises(LeaseLost):
            late.intend([0])
        with pytest.raises(LeaseLost):
            late.note(Answer(number=0, state="accepted", outcome="accepted", started_at=now()))
        assert {batch.state for batch in pushes.batches_of(push_id)} == {"planned"}


@pytest.mark.parametrize("arrived", [True, False])
def test_after_the_keys_window_the_account_is_asked_instead(home: Path, arrived: bool):
    """[6]: a batch whose answer got lost more than 23 hours ago."""
    with account(home) as faults:
        import_id = checked_import(50, account="Test")
        push_id = push.begin(import_id, "anna")
        push.plan(push_id)
        batch = pushes.batches_of(push_id)[0]
        if arrived:
            with BillingClient(accounts.account("Test")) as client:
                client.send("api_calls", bodies_of(pushes.get(push_id)).ranges(0, [50])[0], "another key")
        long_ago = (datetime.now(UTC) - timedelta(hours=23, minutes=1)).isoformat()
        with store().begin() as connection:
            connection.execute(update(batches).where(batches.c.push_id == push_id).values(state="unknown", first_sent_at=long_ago, attempts=1))
        receipt = send(import_id)
        assert_exactly_once(import_id, 50)
        sent_keys = [key for _, key in faults.happened]
    assert receipt.proof.agrees
    assert batch.idempotency_key not in sent_keys


@pytest.mark.parametrize("seed", random.Random(20261123).sample(range(10**6), 3))
def test_chaos_ends_with_exactly_the_right_events(home: Path, seed: int):
    """[11]"""
    with account(home, seed=seed, batch_events=10, connections=4):
        import_id = checked_import(600, account="Test")
        receipt = None
        for _ in range(20):
            receipt = receipt or send(import_id)
        assert_exactly_once(import_id, 600)
    assert receipt.proof.agrees


def test_an_account_that_refuses_everything_is_not_asked_about_every_event(home: Path):
    other = CALLS.model_copy(update={"fields": tuple(field.model_copy(update={"type": "UUID"}) if field.name == "region" else field for field in CALLS.fields)})
    with account(home, event_type=other, batch_events=256, refused_batch_stores_nothing=True) as faults:
        import_id = checked_import(24 * 256, account="Test")
        assert send(import_id) is None
        asked = len(faults.happened)
    waiting = push.progress(pushes.of_import(import_id)[0].id)
    assert waiting.message.startswith("The account has taken no event so far and refuses each")
    assert asked < 200, "all batches were tried before the first was narrowed down"
    assert (waiting.events.accepted, waiting.events.rejected) == (0, 0)


def test_429_waits_as_long_as_it_was_told(home: Path):
    sleeps: list[float] = []
    with account(home, "refuse_429"):
        assert send(checked_import(20, account="Test"), sleeps).proof.agrees
    assert sleeps[0] >= 3


@pytest.mark.parametrize("problem, words", [("key", "key"), ("event type", "api_calls")])
def test_a_refusal_that_needs_a_person_waits_and_goes_on_afterwards(home: Path, problem: str, words: str):
    with account(home, event_type=None if problem == "event type" else CALLS) as faults:
        import_id = checked_import(120, account="Test")
        faults.app = wrong_key(faults.app) if problem == "key" else faults.app
        assert send(import_id) is None
        waiting = push.latest(import_id)
        assert (waiting.state, waiting.events.accepted, words in waiting.message) == ("waiting", 0, True)
        if problem == "key":
            faults.app = faults.app.inner
        else:
            with BillingClient(accounts.account("Test")) as client:
                client.create_event_type(CALLS)
        assert send(import_id).proof.agrees
        assert_exactly_once(import_id, 120)


class wrong_key:  # noqa: N801
    """Answers 401 to everything."""

    def __init__(self, inner) -> None:
        self.inner = inner

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"detail": "Unauthorized"}'})


def test_an_account_that_is_down_makes_the_push_wait_and_loses_nothing(home: Path):
    with account(home):
        import_id = checked_import(100, account="Test")
    sleeps: list[float] = []
    assert send(import_id, sleeps) is None
    waiting = push.latest(import_id)
    assert (waiting.state, waiting.events.accepted, waiting.events.planned) == ("waiting", 0, 100)
    assert len(sleeps) >= 6


@pytest.mark.parametrize("stores_nothing", [True, False])
def test_a_refused_batch_is_taken_apart_to_find_the_bad_events(home: Path, stores_nothing: bool):
    """The account takes whole numbers only: of 0.00, 0.01 … 1.19 it takes 0.00 and 1.00."""
    whole = CALLS.model_copy(update={"fields": (Field(name="quantity", type="Int64"), *CALLS.fields[1:])})
    with account(home, event_type=whole, refused_batch_stores_nothing=stores_nothing):
        import_id = checked_import(120, account="Test")
        receipt = send(import_id)
        assert len(stored()) == 2
    assert (receipt.events.accepted, receipt.events.rejected, receipt.proof.found) == (2, 118, 2)
    entry = open_rows.all_open()[0]
    assert (entry.code, entry.count, entry.first_row) == ("refused_by_account", 118, 3)
    assert "whole" in entry.first_value


def test_a_push_that_was_refused_altogether_proves_nothing_and_says_so(home: Path):
    other = CALLS.model_copy(update={"fields": tuple(Field(name=field.name, type="UUID") if field.name == "region" else field for field in CALLS.fields)})
    with account(home, event_type=other, refused_batch_stores_nothing=True):
        import_id = checked_import(3, account="Test")
        receipt = send(import_id)
        assert stored() == []
    assert (receipt.events.accepted, receipt.events.rejected, receipt.outcome, imports.get(import_id).state) == (0, 3, "pushed", "pushed")
    assert receipt.proof.note.startswith("Nothing was stored: 3 events were refused and stay open.")
    assert open_rows.count_open() == 3


def test_stop_says_exactly_what_was_sent_and_gives_the_rest_free(home: Path):
    with account(home, batch_events=10):
        import_id = checked_import(100, account="Test")
        push_id = push.begin(import_id, "anna")
        push.plan(push_id)
        with BillingClient(accounts.account("Test")) as client:
            push.send_part(push_id, 0, Stopping(client, push_id))
        receipt = push.end(push_id, "stopped", "Stopped by a person.", sleep=lambda _: None)
        sent = receipt.events.accepted
        assert 0 < sent < 100
        assert (receipt.state, receipt.proof.found, receipt.events.planned, len(stored())) == ("stopped", sent, 100, sent)
        assert in_ledger("Test") == sent
        push.resume(push_id, "anna")
        assert send(import_id).proof.agrees
        assert_exactly_once(import_id, 100)


class Stopping:
    """A client during whose first POST somebody asks to stop."""

    def __init__(self, client: BillingClient, push_id: str) -> None:
        self.client, self.push_id = client, push_id

    def send(self, slug: str, body: bytes, key: str) -> int:
        pushes.ask_to_stop(self.push_id, "anna")
        return self.client.send(slug, body, key)


def in_ledger(account_name: str) -> int:
    from ingest.engine import engine

    with engine() as connection:
        files = ledger.ledger_files(accounts.account(account_name).ledger_name, "api_calls")
        return connection.execute(f"select count(*) from ({ledger.ledger_query(files)})").fetchone()[0]


def test_two_people_with_the_same_rows_send_them_once(home: Path):
    with account(home):
        first, second = checked_import(80, account="Test"), checked_import(80, account="Test")
        mine, theirs = push.begin(first, "anna"), push.begin(second, "ben")
        push.plan(mine)
        with pytest.raises(NotReady, match=f"80 of these events were sent meanwhile, from {imports.get(first).file_name}."):
            push.plan(theirs)
        assert send(first).proof.agrees
        assert_exactly_once(first, 80)


def test_pushing_twice_sends_once_and_gives_the_same_receipt(home: Path):
    with account(home) as faults:
        import_id = checked_import(60, account="Test")
        first, second = send(import_id), send(import_id)
        posts = len(faults.happened)
    assert (first, posts) == (second, 2)


def test_without_our_fields_the_proof_is_by_counts_and_sums(home: Path):
    with account(home, event_type=CALLS_WITHOUT_IDS):
        with BillingClient(accounts.account("Test")) as client:
            client.send("api_calls", b'[{"customer_id":"cus_1","timestamp":"2026-10-01 00:00:00","data":{"quantity":5}}]', "somebody else")
        receipt = send(checked_import(60, account="Test", event_type=CALLS_WITHOUT_IDS))
    assert (receipt.proof.level, receipt.proof.agrees, receipt.proof.found) == ("counts", True, 60)


def test_without_our_fields_a_missing_batch_is_found_out_too(home: Path):
    with account(home, "swallow", event_type=CALLS_WITHOUT_IDS):
        receipt = send(checked_import(40, account="Test", event_type=CALLS_WITHOUT_IDS))
    assert (receipt.proof.agrees, receipt.proof.missing, receipt.proof.extra) == (False, 40, 0)


def test_the_summary_says_what_the_account_holds_and_what_came_from_elsewhere(home: Path):
    with account(home):
        with BillingClient(accounts.account("Test")) as client:
            client.create_customer("One", external_id="cus_1")
            client.send("api_calls", json.dumps([{"customer_id": "cus_1", "timestamp": "2026-10-05 00:00:00", "data": {}}] * 3).encode(), "somebody else")
        send(checked_import(30, account="Test", seed="first"))
        summary = push.summary(checked_import(20, account="Test", seed="second"))
    assert (summary.events, summary.customers, summary.batches, summary.held, summary.held_elsewhere) == (20, 10, 1, 33, 3)
    assert (summary.unknown_customer_count, "cus_1" in summary.unknown_customers) == (9, False)


def test_a_body_that_isnt_the_planned_one_is_never_sent(home: Path):
    with account(home):
        push_id = push.begin(checked_import(10, account="Test"), "anna")
        push.plan(push_id)
        with pytest.raises(Broken):
            hold_to_plan(pushes.batches_of(push_id)[0], b"[]")


def test_only_one_at_a_time_decides_what_is_sent(home: Path):
    import fcntl

    home.mkdir(exist_ok=True)
    with account_lock("a|b", "api_calls"):
        with (ledger.ledger_folder("a|b", "api_calls") / "lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
