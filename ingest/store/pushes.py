"""Pushes in the store: the plan before, every intent and answer in between, the receipt afterwards.

Whoever works on a push holds its fence, a number that only grows: `take_over` raises it, and every write names the fence it was made
under. A worker that wakes up late holds an old one, and its writes are refused with LeaseLost.
"""

import secrets
from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from ingest.errors import BadInput, LeaseLost
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import attempts, batches, pushes
from schemas.base import Frozen
from schemas.pushing import BatchState, EventCounts, PushState, Receipt

UNSETTLED = ("planned", "sending", "unknown")
SETTLED = ("accepted", "rejected")
ENDED = ("finished", "stopped")


class Push(Frozen):
    """One push as the store knows it."""

    id: str
    import_id: str
    check_key: str
    account: str
    ledger_name: str
    event_type: str
    state: PushState
    pushed_by: str
    started_at: str
    ended_at: str | None
    events: int
    batches: int
    batch_events: int
    fence: int
    stop_asked: bool
    held_before: str | None
    message: str
    receipt: Receipt | None


class Batch(Frozen):
    """One batch of the plan: rows `first` to `first + events` of events.parquet."""

    push_id: str
    number: int
    first: int
    events: int
    body_sha256: str
    idempotency_key: str
    state: BatchState
    part: int
    split_from: int | None = None
    first_sent_at: str | None = None
    settled_at: str | None = None
    attempts: int = 0
    status: int | None = None
    message: str = ""


class Answer(Frozen):
    """What one attempt at a batch brought."""

    number: int
    state: BatchState
    outcome: str
    started_at: str
    ended_at: str = Field(default_factory=now)
    status: int | None = None
    message: str = ""


def create(connection: Connection, *, import_id: str, check_key: str, account: str, ledger_name: str, event_type: str, batch_events: int, who: str) -> str:
    """A new push, queued, in the caller's transaction."""
    push_id = f"psh_{secrets.token_hex(6)}"
    connection.execute(insert(pushes).values(id=push_id, import_id=import_id, check_key=check_key, account=account, ledger_name=ledger_name, event_type=event_type, state="queued", pushed_by=who, started_at=now(), batch_events=batch_events))
    audit.record(connection, who, "push", push_id, import_id)
    return push_id


def get(push_id: str) -> Push:
    """One push. Raises BadInput for an id that isn't there."""
    with store().connect() as connection:
        row = connection.execute(select(pushes).where(pushes.c.id == push_id)).mappings().first()
    if row is None:
        raise BadInput(f"There is no push {push_id!r}.")
    return _push(row)


def of_import(import_id: str) -> list[Push]:
    """All pushes of an import, newest first."""
    with store().connect() as connection:
        rows = connection.execute(select(pushes).where(pushes.c.import_id == import_id).order_by(pushes.c.started_at.desc())).mappings()
        return [_push(row) for row in rows]


def in_state(*states: PushState) -> list[Push]:
    """All pushes in these states, oldest first."""
    with store().connect() as connection:
        return [_push(row) for row in connection.execute(select(pushes).where(pushes.c.state.in_(states)).order_by(pushes.c.started_at)).mappings()]


def last_finished(ledger_name: str, *, events: int) -> Push | None:
    """The latest push to an account that came to its end and had at least so many events: how fast was it?"""
    query = select(pushes).where(pushes.c.ledger_name == ledger_name, pushes.c.state == "finished", pushes.c.events >= events).order_by(pushes.c.ended_at.desc()).limit(1)
    with store().connect() as connection:
        row = connection.execute(query).mappings().first()
    return _push(row) if row else None


def take_over(push_id: str) -> int:
    """A new fence: from now on nobody else's writes count."""
    with store().begin() as connection:
        connection.execute(update(pushes).where(pushes.c.id == push_id).values(fence=pushes.c.fence + 1))
        return connection.execute(select(pushes.c.fence).where(pushes.c.id == push_id)).scalar_one()


def change(push_id: str, **values: object) -> None:
    """Sets columns of a push."""
    with store().begin() as connection:
        connection.execute(update(pushes).where(pushes.c.id == push_id).values(**values))


def ask_to_stop(push_id: str, who: str) -> None:
    """Asks a push to stop after the batches that are on their way."""
    with store().begin() as connection:
        connection.execute(update(pushes).where(pushes.c.id == push_id).values(stop_asked=1))
        audit.record(connection, who, "stop-push", push_id)


def stop_asked(push_id: str) -> bool:
    """Whether somebody asked this push to stop."""
    with store().connect() as connection:
        return bool(connection.execute(select(pushes.c.stop_asked).where(pushes.c.id == push_id)).scalar())


def plan(push_id: str, fence: int, planned: Sequence[Batch], **values: object) -> None:
    """Writes the whole plan at once; a second time it finds it there and changes nothing."""
    with store().begin() as connection:
        hold_fence(connection, push_id, fence)
        if not connection.execute(select(batches.c.number).where(batches.c.push_id == push_id).limit(1)).first():
            connection.execute(insert(batches), [batch.model_dump() for batch in planned])
        connection.execute(update(pushes).where(pushes.c.id == push_id).values(**values))


def forget(push_id: str) -> None:
    """Removes a push that has no plan yet, so nothing of it was sent."""
    with store().begin() as connection:
        if connection.execute(select(batches.c.number).where(batches.c.push_id == push_id).limit(1)).first() is None:
            connection.execute(pushes.delete().where(pushes.c.id == push_id))


def split(push_id: str, fence: int, parent: int, message: str, children: Sequence[Batch]) -> None:
    """Replaces a batch by others over the same rows, in one transaction."""
    with store().begin() as connection:
        hold_fence(connection, push_id, fence)
        connection.execute(update(batches).where(batches.c.push_id == push_id, batches.c.number == parent).values(state="split", message=message, settled_at=now()))
        connection.execute(insert(batches), [child.model_dump() for child in children])


def next_number(push_id: str) -> int:
    """The first batch number that is free."""
    with store().connect() as connection:
        return connection.execute(select(func.max(batches.c.number)).where(batches.c.push_id == push_id)).scalar_one() + 1


def batches_of(push_id: str, *, part: int | None = None, states: Sequence[str] | None = None) -> list[Batch]:
    """Batches of a push in the order of their rows."""
    query = select(batches).where(batches.c.push_id == push_id).order_by(batches.c.first, batches.c.number)
    if part is not None:
        query = query.where(batches.c.part == part)
    if states is not None:
        query = query.where(batches.c.state.in_(states))
    with store().connect() as connection:
        return [Batch(**row) for row in connection.execute(query).mappings()]


def open_parts(push_id: str) -> list[int]:
    """The parts that still have a batch to settle."""
    query = select(batches.c.part).where(batches.c.push_id == push_id, batches.c.state.in_(UNSETTLED)).distinct().order_by(batches.c.part)
    with store().connect() as connection:
        return list(connection.execute(query).scalars())


def counts(push_id: str) -> tuple[EventCounts, int, int]:
    """Events by outcome, batches in all, batches settled; split batches count through their halves."""
    query = select(batches.c.state, func.count(), func.sum(batches.c.events), func.sum(case((batches.c.attempts > 0, batches.c.events), else_=0))).where(batches.c.push_id == push_id, batches.c.state != "split").group_by(batches.c.state)
    with store().connect() as connection:
        rows = {state: (count, events, begun) for state, count, events, begun in connection.execute(query)}

    def events(*states: str) -> int:
        return int(sum(rows[state][1] for state in states if state in rows))

    total = sum(row[0] for row in rows.values())
    settled = sum(rows[state][0] for state in ("accepted", "rejected") if state in rows)
    sent = int(sum(row[2] or 0 for row in rows.values()))
    return EventCounts(planned=events(*rows), sent=sent, accepted=events("accepted"), rejected=events("rejected"), unknown=events("unknown", "sending")), total, settled


def attempt_rows(push_id: str) -> list[dict[str, object]]:
    """Every attempt of a push, for the evidence."""
    with store().connect() as connection:
        return [dict(row) for row in connection.execute(select(attempts).where(attempts.c.push_id == push_id).order_by(attempts.c.id)).mappings()]


_HOLD = update(pushes).where(pushes.c.id == bindparam("of"), pushes.c.fence == bindparam("held")).values(fence=bindparam("held")).returning(pushes.c.stop_asked)


def hold_fence(connection: Connection, push_id: str, fence: int) -> bool:
    """Takes the push's row for this transaction and refuses an old fence; whether somebody asked to stop."""
    held = connection.execute(_HOLD, {"of": push_id, "held": fence}).first()
    if held is None:
        raise LeaseLost("Another worker has taken over this push.")
    return bool(held.stop_asked)


def _push(row) -> Push:  # noqa: ANN001
    return Push(**{**row, "stop_asked": bool(row["stop_asked"]), "receipt": Receipt.model_validate_json(row["receipt"]) if row["receipt"] else None})
