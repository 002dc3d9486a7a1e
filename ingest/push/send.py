"""Sending one part of a push: its batches over several connections, each intent and answer on the disk around its request.

What an answer means, by HTTP status:

    2xx                      accepted
    none, 5xx, 408, 425, 429 unknown: sent again under the same key after a pause, never judged by guessing
    409                      unknown, too: the same key may still be at work; it goes on being sent until the key's time has run out
    400, 413, 415, 422       refused: taken apart to find the bad events, once it is known that nothing of the batch was stored
    anything else            nothing was taken in (the key, the address, the event type): the push waits for a person

A key whose time has run out is never used again: the account is asked which of the batch's events it holds.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from ingest.billing import BillingClient
from ingest.errors import Refused, Unreachable
from ingest.push.plan import bodies_of, hold_to_plan, new_batch
from ingest.push.readback import ids_now_stored
from ingest.settings import settings
from ingest.store import accounts, clock, pushes
from ingest.store.clock import now
from ingest.store.pushes import Answer, Batch, Push
from ingest.store.recorder import Recorder
from schemas.account import Account
from schemas.base import Frozen

PartOutcome = Literal["done", "stopped", "waiting"]
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between attempts at one batch, twice as long each time."""
AGAIN = (408, 409, 425, 429)
ABOUT_THE_EVENTS = (400, 413, 415, 422)
LONGEST_RETRY_AFTER = 120.0
RUN = 16
"""Batches whose bodies are made by one query, and whose intents are written by one commit."""
HOPELESS = 64
"""So many small batches refused while the account has taken nothing: then every event is refused, and the rest is better not tried."""
SMALL = 16
"""A batch is small when it is at most this part of a full one."""
PROBES = 16
"""Batches of one round while the account has taken nothing: enough to keep its connections busy, and few enough that an account which refuses everything is found out soon."""
FRESH = 600.0
"""Seconds after which an intent is no longer acted on: whoever slept so long may have lost the push, and part of the key's time."""


class Sent(Frozen):
    """How a part ended, and why it waits."""

    outcome: PartOutcome
    message: str = ""


def _pauses(attempts: int) -> list[float]:
    return [min(FIRST_PAUSE * 2**times, LONGEST_PAUSE) for times in range(attempts - 1)]


def send_part(push_id: str, part: int, client: BillingClient, *, sleep: Callable[[float], None] = time.sleep) -> Sent:
    """Settles every batch of one part, or says why not. Called again it goes on with what isn't settled. The client is the caller's, so that its connections outlive a part."""
    push = pushes.get(push_id)
    return _Part(push, accounts.same_account(push.account, push.ledger_name), part, client, sleep).send()


class _Part:
    """One part while it is sent, under one fence."""

    def __init__(self, push: Push, account: Account, part: int, client: BillingClient, sleep: Callable[[float], None]) -> None:
        self.push, self.account, self.part = push, account, part
        self.client, self.sleep = client, sleep
        self.fence = pushes.take_over(push.id)
        self.recorder = Recorder(push.id, self.fence)
        self.intended: dict[int, Batch] = {}
        self.small_refused = 0
        self.bodies = bodies_of(push)
        self.splitting = threading.Lock()
        self.waits_because = ""
        self.retry_after = 0.0

    def send(self) -> Sent:
        try:
            while unsettled := pushes.batches_of(self.push.id, part=self.part, states=pushes.UNSETTLED):
                if pushes.stop_asked(self.push.id):
                    return Sent(outcome="stopped")
                self._round(self._worth_trying(unsettled))
                if self.waits_because:
                    return Sent(outcome="waiting", message=self.waits_because)
            return Sent(outcome="done")
        finally:
            self.recorder.close()
            self.bodies.close()

    def _worth_trying(self, unsettled: list[Batch]) -> list[Batch]:
        """All of them once the account has taken an event; before that a few of the smallest, from all over the part, so that refused ones are narrowed down before the others are tried."""
        if len(unsettled) <= PROBES or self._has_taken_any():
            return unsettled
        narrowed = [batch for batch in unsettled if batch.split_from is not None]
        return sorted(narrowed, key=lambda batch: batch.events)[:PROBES] or unsettled[:: -(-len(unsettled) // PROBES)]

    def _has_taken_any(self) -> bool:
        self.recorder.settle()
        return pushes.counts(self.push.id)[0].accepted > 0

    def _round(self, batches: list[Batch]) -> None:
        """Every unsettled batch once, over all connections; each takes the next batch when it is done with one."""
        with closing(_one_ahead(self._ready_to_go(batches))) as ready, ThreadPoolExecutor(self.account.profile.connections) as pool:
            waiting = _Shared(ready)
            connections = [pool.submit(self._connection, waiting) for _ in range(self.account.profile.connections)]
        for each in connections:
            each.result()
        self.recorder.withdraw(self.intended.values())
        self.intended.clear()

    def _ready_to_go(self, batches: list[Batch]) -> Iterator[list["_Ready"]]:
        """Batches with their bodies, a few at a time, so that the first is on its way while the others are made. Their intents are on the disk, except where the key may not be used any more."""
        for run in _neighbours(batches, RUN):
            bodies = self.bodies.ranges(run[0].first, [batch.events for batch in run])
            intended = {batch.number: batch for batch in run if not _key_has_run_out(batch, self.account)}
            self.intended |= intended
            self.recorder.intend(intended)
            until = time.time() + FRESH
            yield [_Ready(batch, body, batch.number in intended, until) for batch, body in zip(run, bodies, strict=True)]

    def _connection(self, waiting: "_Shared") -> None:
        """What one connection does with every batch it gets."""
        while not self.waits_because and not self.recorder.stop_asked and (taken := waiting.next()):
            batch, body = taken.batch, hold_to_plan(taken.batch, taken.body)
            if not taken.may_use_key:
                self._take_apart(batch, "Its key had run out.", refused=None)
            elif time.time() < taken.until:
                del self.intended[batch.number]
                self._settle(batch, body)

    def _settle(self, batch: Batch, body: bytes) -> None:
        for pause in (*_pauses(settings().push_attempts), None):
            answer = self._attempt(batch, body)
            self.recorder.note(answer)
            if answer.outcome != "again" or self.waits_because:
                break
            if pause is None:
                self.waits_because = answer.message
                return
            self.sleep(max(pause * random.uniform(0.7, 1.3), self.retry_after))
            self.recorder.intend([batch.number])
        if answer.outcome == "refused":
            self._refused(batch, answer)

    def _attempt(self, batch: Batch, body: bytes) -> Answer:
        started = now()
        try:
            status = self.client.send(self.push.event_type, body, batch.idempotency_key)
        except Unreachable as error:
            return Answer(number=batch.number, state="unknown", outcome="again", started_at=started, message=str(error))
        except Refused as error:
            return self._refusal(batch, error, started)
        return Answer(number=batch.number, state="accepted", outcome="accepted", started_at=started, status=status)

    def _refusal(self, batch: Batch, error: Refused, started: str) -> Answer:
        answer = Answer(number=batch.number, state="unknown", outcome=_meaning(error.status), started_at=started, status=error.status, message=str(error))
        if answer.outcome == "again":
            self.retry_after = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
        if answer.outcome == "asks":
            self.waits_because = answer.message
            never_sent_before = batch.state == "planned" and batch.attempts == 0
            return answer.model_copy(update={"state": "planned"}) if never_sent_before else answer
        return answer

    def _refused(self, batch: Batch, answer: Answer) -> None:
        """A refused batch: halved where the account is known to have stored nothing of it, else read back first."""
        if self._is_hopeless(batch):
            self.waits_because = f"The account has taken no event so far and refuses each for a reason: {answer.message}"
            return
        if self.account.profile.refused_batch_stores_nothing:
            self._narrow(batch, answer)
        else:
            self._take_apart(batch, answer.message, refused=answer)

    def _is_hopeless(self, batch: Batch) -> bool:
        """Whether it is no longer one bad event among good ones that the account refuses."""
        if batch.events * SMALL > self.push.batch_events:
            return False
        self.small_refused += 1
        return self.small_refused >= HOPELESS and not self._has_taken_any()

    def _narrow(self, batch: Batch, answer: Answer) -> None:
        if batch.events == 1:
            self.recorder.note(answer.model_copy(update={"state": "rejected", "outcome": "rejected"}))
            return
        half = batch.events // 2
        self._replace(batch, [(half, False), (batch.events - half, False)], answer.message)

    def _take_apart(self, batch: Batch, why: str, *, refused: Answer | None) -> None:
        """Asks the account which of the events it holds: those are accepted, the others are planned anew under new keys."""
        if "event_id" not in self.bodies.sent_fields:
            self.waits_because = f"{why} The account can't say whether these events arrived, because their event type has no field event_id."
            return
        ids = self.bodies.event_ids(batch.first, batch.events)
        stored = ids_now_stored(self.client, self.push.event_type, ids, seconds=self.account.profile.settle_seconds, sleep=self.sleep)
        if refused and not stored:
            self._narrow(batch, refused)
            return
        self._replace(batch, [(len(list(run)), is_stored) for is_stored, run in groupby(ids, key=stored.__contains__)], why)

    def _replace(self, batch: Batch, pieces: list[tuple[int, bool]], message: str) -> None:
        """Splits a batch into pieces of so many events, each stored already or not."""
        sizes = [events for events, _ in pieces]
        self.recorder.settle()
        with self.splitting:
            bodies = self.bodies.ranges(batch.first, sizes)
            number, first, children = pushes.next_number(self.push.id), batch.first, []
            for body, (events, stored) in zip(bodies, pieces, strict=True):
                child = new_batch(self.push.id, number, first, body, events, self.part, split_from=batch.number)
                children.append(child.model_copy(update={"state": "accepted", "attempts": 1, "settled_at": now(), "message": "Found in the account."}) if stored else child)
                number, first = number + 1, first + events
            pushes.split(self.push.id, self.fence, batch.number, message, children)


def _meaning(status: int) -> str:
    if status in AGAIN or status >= 500:
        return "again"
    return "refused" if status in ABOUT_THE_EVENTS else "asks"


@dataclass(frozen=True)
class _Ready:
    """A batch that can be sent, `until` this moment (seconds since 1970); or only looked up, where its key may not be used."""

    batch: Batch
    body: bytes
    may_use_key: bool
    until: float


def _one_ahead(runs: Iterator[list[_Ready]]) -> Iterator[_Ready]:
    """The batches of all runs, the next run being made while this one is handed out."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, runs, None)
        while run := following.result():
            following = maker.submit(next, runs, None)
            yield from run


class _Shared:
    """An iterator that several threads take from."""

    def __init__(self, items: Iterator[_Ready]) -> None:
        self._items, self._taking = items, threading.Lock()

    def next(self) -> _Ready | None:
        with self._taking:
            return next(self._items, None)


def _neighbours(batches: list[Batch], most: int) -> Iterator[list[Batch]]:
    """Runs of up to `most` batches whose rows follow one another, so that one query makes their bodies."""
    run: list[Batch] = []
    for batch in batches:
        if run and (len(run) == most or run[-1].first + run[-1].events != batch.first):
            yield run
            run = []
        run.append(batch)
    if run:
        yield run


def _key_has_run_out(batch: Batch, account: Account) -> bool:
    if batch.first_sent_at is None:
        return False
    return clock.moment() - datetime.fromisoformat(batch.first_sent_at) > timedelta(hours=account.profile.idempotency_hours)
