"""The plan of a push: which rows form which batch, the hash of each body, its idempotency key. Written whole before anything is sent."""

import fcntl
import hashlib
import os
import secrets
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import accumulate
from pathlib import Path

from ingest import deciding, ledger
from ingest.engine import engine, literal
from ingest.errors import BadInput, Broken, NotReady
from ingest.files import stage_folder
from ingest.push.bodies import EVENTS, Bodies
from ingest.store import accounts, imports, open_rows, pushes
from ingest.store.database import store
from ingest.store.pushes import Batch, Push
from schemas.account import Account
from schemas.checking import CheckResult
from schemas.matching import MatchSpec
from schemas.records import ImportRecord

PART_EVENTS = 100_000
"""Events of one durable step. Every POST is recorded by itself, so a step may be long; at its end the connections run empty, so it shouldn't be short."""

_KEYS = uuid.UUID("7b0a3a3e-32c5-4d0c-9e0b-6f3d5a1c2b4e")


def begin(import_id: str, who: str) -> str:
    """The push of an import's current check: a new one, or the one there is. Raises NotReady where something is still open."""
    record = imports.get(import_id)
    unfinished = next((push for push in pushes.of_import(import_id) if push.state not in pushes.ENDED), None)
    if unfinished:
        accounts.same_account(unfinished.account, unfinished.ledger_name)
        return unfinished.id
    deciding.refuse_what_is_open(record)
    account = accounts.account(record.account)
    _, check_key = imports.pointers(import_id)
    known = next((push for push in pushes.of_import(import_id) if push.check_key == check_key and push.ledger_name == account.ledger_name), None)
    if known:
        return known.id
    with store().begin() as connection:
        push_id = pushes.create(connection, import_id=import_id, check_key=check_key, account=account.name, ledger_name=account.ledger_name, event_type=record.event_type, batch_events=account.profile.batch_events, who=who)
        if record.check.rows.rejected:
            open_rows.keep_open(connection, import_id, record.check.issues, who)
    imports.change(import_id, state="pushing", message="")
    return push_id


def plan(push_id: str) -> int:
    """Writes the plan, unless it is there, and answers how many parts it has. Raises NotReady when some of the events were sent by somebody else since the check."""
    push = pushes.get(push_id)
    if push.batches:
        return 1 + max(batch.part for batch in pushes.batches_of(push_id))
    fence = pushes.take_over(push_id)
    account = accounts.same_account(push.account, push.ledger_name)
    with account_lock(push.ledger_name, push.event_type):
        _claim(push)
    planned = _batches(push, account)
    pushes.plan(push_id, fence, planned, events=sum(batch.events for batch in planned), batches=len(planned), state="sending", message="")
    return 1 + planned[-1].part


def settle_claim(push: Push) -> None:
    """Rewrites the push's ledger file to what was really sent, or may have been; called when a push ends before its plan does."""
    ranges = [(batch.first, batch.events) for batch in pushes.batches_of(push.id, states=("accepted", "sending", "unknown"))]
    with account_lock(push.ledger_name, push.event_type):
        _write_ledger(push, ranges)


def renew_claim(push: Push) -> None:
    """Claims the unsent rest of a stopped push again. Raises NotReady where somebody else has sent some of it meanwhile."""
    rest = [(batch.first, batch.events) for batch in pushes.batches_of(push.id, states=pushes.UNSETTLED)]
    done = [(batch.first, batch.events) for batch in pushes.batches_of(push.id, states=("accepted",))]
    with account_lock(push.ledger_name, push.event_type):
        _refuse_what_others_sent(push, rest)
        _write_ledger(push, [*done, *rest])


def bodies_of(push: Push) -> Bodies:
    """The bodies of a push's events, exactly as planned."""
    record = as_pushed(push)
    account = accounts.same_account(push.account, push.ledger_name)
    return Bodies(events_folder(push), record.match.event_type, push.import_id, account.profile.timestamp_digits)


def events_folder(push: Push) -> Path:
    """The folder of the check that this push sends."""
    return stage_folder(push.import_id, "check", push.check_key)


def as_pushed(push: Push) -> ImportRecord:
    """The import as it was when it was pushed: its match and check may have been changed since."""
    folder = events_folder(push)
    match = MatchSpec.model_validate_json((folder / "match.json").read_text(encoding="utf-8"))
    check = CheckResult.model_validate_json((folder / "result.json").read_text(encoding="utf-8"))
    return imports.get(push.import_id).model_copy(update={"match": match, "check": check})


def new_batch(push_id: str, number: int, first: int, body: bytes, events: int, part: int, *, split_from: int | None = None) -> Batch:
    """A planned batch. Its key comes from the push, its number and its body, so that the same batch always has the same key."""
    digest = hashlib.sha256(body).hexdigest()
    key = str(uuid.uuid5(_KEYS, f"{push_id}|{number}|{digest}"))
    return Batch(push_id=push_id, number=number, first=first, events=events, body_sha256=digest, idempotency_key=key, state="planned", part=part, split_from=split_from)


@contextmanager
def account_lock(ledger_name: str, slug: str) -> Iterator[None]:
    """One at a time decides which events of an account are sent: two imports of the same rows can't both claim them."""
    folder = ledger.ledger_folder(ledger_name, slug)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _batches(push: Push, account: Account) -> list[Batch]:
    """The whole plan, in the order of the rows. Two parts are made at a time, since the engine makes the bodies of one on one processor."""
    size = push.batch_events
    part_size = max(size, PART_EVENTS // size * size)
    with closing(bodies_of(push)) as bodies, ThreadPoolExecutor(2) as pool:
        total = bodies.count()
        parts = pool.map(lambda first: _part(push, bodies, first, _sizes(min(part_size, total - first), size), first // part_size), range(0, total, part_size))
        planned = [batch for part in parts for batch in part]
    if not planned:
        raise BadInput("There is nothing to send.")
    return planned


def _part(push: Push, bodies: Bodies, first: int, sizes: list[int], part: int) -> list[Batch]:
    starts = accumulate(sizes, initial=first)
    return [new_batch(push.id, start // push.batch_events, start, body, events, part) for start, body, events in zip(starts, bodies.ranges(first, sizes), sizes, strict=False)]


def _sizes(total: int, size: int) -> list[int]:
    return [size] * (total // size) + ([total % size] if total % size else [])


def _claim(push: Push) -> None:
    with engine() as connection:
        total = connection.execute(f"select count(*) from read_parquet({literal(events_folder(push) / EVENTS)})").fetchone()[0]
    everything = [(0, total)]
    _refuse_what_others_sent(push, everything)
    _write_ledger(push, everything)


def _refuse_what_others_sent(push: Push, ranges: list[tuple[int, int]]) -> None:
    others = [file for file in ledger.ledger_files(push.ledger_name, push.event_type) if file.stem != push.id]
    if not others or not ranges:
        return
    with engine() as connection:
        found, source = connection.execute(
            f"select count(*), min(sent.import_id) from ({ledger.ledger_query(others)}) sent join read_parquet({literal(events_folder(push) / EVENTS)}, file_row_number=true) mine using (event_id) where {ranges_sql(ranges)}"
        ).fetchone()
    if found:
        raise NotReady(f"{found:,} of these events {'was' if found == 1 else 'were'} sent meanwhile, from {imports.get(source).file_name}.", "Check this import again: they will then count as already sent.")


def _write_ledger(push: Push, ranges: list[tuple[int, int]]) -> None:
    record = imports.get(push.import_id)
    target = ledger.ledger_folder(push.ledger_name, push.event_type) / f"{push.id}.parquet"
    part = target.with_name(f"{push.id}.part-{secrets.token_hex(4)}")
    with engine() as connection:
        connection.execute(
            f"copy (select event_id, content, customer_id, timestamp, {literal(push.import_id)} as import_id, {literal(record.sha256)} as sha256 from read_parquet({literal(events_folder(push) / EVENTS)}, file_row_number=true)"
            f" where {ranges_sql(ranges)}) to {literal(part)} (format parquet, compression zstd)"
        )
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(target)


def ranges_sql(ranges: list[tuple[int, int]]) -> str:
    """SQL for "this row lies in one of these ranges", neighbours merged."""
    merged: list[list[int]] = []
    for first, events in sorted(ranges):
        if merged and merged[-1][1] == first:
            merged[-1][1] = first + events
        else:
            merged.append([first, first + events])
    return " or ".join(f"(file_row_number >= {first} and file_row_number < {end})" for first, end in merged) or "false"


def hold_to_plan(batch: Batch, body: bytes) -> bytes:
    """The body, if it is the planned one. A changed body would be a second event under a known key."""
    if hashlib.sha256(body).hexdigest() != batch.body_sha256:
        raise Broken(f"Batch {batch.number} is not the one that was planned.", "Nothing more is sent. The plan was made by another version of this program; check the import again.")
    return body
