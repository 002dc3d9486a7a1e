"""How a push stands, how it ends, and the receipt that stays."""

import time
from collections.abc import Callable
from typing import Literal

from ingest.engine import engine, literal
from ingest.errors import BadInput, NotReady, Outside
from ingest.files import sha256_of
from ingest.push.bodies import EVENTS
from ingest.push.fixes import settle_fixed
from ingest.push.plan import as_pushed, events_folder, renew_claim, settle_claim
from ingest.push.verify import verify
from ingest.store import imports, open_rows, pushes
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.pushes import Push
from ingest.wording import count
from schemas.checking import IssueExample, IssueGroup
from schemas.pushing import EventCounts, Proof, PushProgress, Receipt


def progress(push_id: str) -> PushProgress:
    """How far a push is."""
    push = pushes.get(push_id)
    events, batches, settled = pushes.counts(push_id)
    return PushProgress(push_id=push.id, import_id=push.import_id, account=push.account, state=push.state, events=events, batches=batches, batches_settled=settled, message=push.message, receipt=push.receipt)


def latest(import_id: str) -> PushProgress | None:
    """The newest push of an import."""
    known = pushes.of_import(import_id)
    return progress(known[0].id) if known else None


def receipt(push_id: str) -> Receipt:
    """The receipt of a push that ended. Raises NotReady while it is on its way."""
    push = pushes.get(push_id)
    if push.receipt is None:
        raise NotReady("This push hasn't ended yet, so it has no receipt.")
    return push.receipt


def stop(push_id: str, who: str) -> None:
    """Asks a push to stop; batches on their way are still settled. One that waits for the account stops at once."""
    push = pushes.get(push_id)
    if push.state in pushes.ENDED:
        return
    pushes.ask_to_stop(push_id, who)
    if push.state in ("waiting", "queued"):
        end(push_id, "stopped", "Stopped by a person.")


def resume(push_id: str, who: str) -> None:
    """Lets a stopped or waiting push go on; queueing the job is the caller's part. Raises NotReady where others sent some of the rest meanwhile."""
    push = pushes.get(push_id)
    if push.state == "finished":
        raise BadInput("This push is finished.")
    if push.state == "stopped":
        renew_claim(push)
    pushes.change(push_id, state="sending" if push.batches else "queued", stop_asked=0, message="", ended_at=None, receipt=None)
    imports.change(push.import_id, state="pushing", message="")


def wait(push_id: str, message: str) -> None:
    """Notes why a push can't go on now. Its events stay claimed."""
    pushes.change(push_id, state="waiting", message=message)


def end(push_id: str, how: Literal["finished", "stopped"], message: str = "", *, sleep: Callable[[float], None] = time.sleep) -> Receipt:
    """Ends a push: settles the ledger, looks everything up in the account, writes the receipt."""
    push = pushes.get(push_id)
    events, _, _ = pushes.counts(push_id)
    if how == "stopped" or events.rejected:
        settle_claim(push)
    pushes.change(push_id, state="verifying")
    made = _receipt(pushes.get(push_id), how, message, _proof(push, sleep))
    pushes.change(push_id, state=how, ended_at=made.ended_at, message=message, receipt=made.model_dump_json())
    _keep_refused_open(push)
    return _tell_the_import(made)


def verify_again(push_id: str, *, sleep: Callable[[float], None] = time.sleep) -> Receipt:
    """Looks everything up once more and puts the new proof on the receipt."""
    push = pushes.get(push_id)
    made = receipt(push_id).model_copy(update={"proof": _proof(push, sleep)})
    pushes.change(push_id, receipt=made.model_dump_json())
    return _tell_the_import(made)


def _proof(push: Push, sleep: Callable[[float], None]) -> Proof:
    events, _, _ = pushes.counts(push.id)
    if not events.accepted and not events.rejected:
        return Proof(note="Nothing was sent.", checked_at=now(), level="none")
    try:
        proof = verify(push.id, sleep=sleep)
    except Outside as error:
        return Proof(missing=events.accepted, checked_at=now(), note=f"Not proven yet: the account couldn't be asked. {error}")
    if events.rejected and proof.agrees:
        return proof.model_copy(update={"note": _with_refused(events)})
    return proof


def _with_refused(events: EventCounts) -> str:
    refused = f"{count(events.rejected, 'event was', 'events were')} refused and {'stays' if events.rejected == 1 else 'stay'} open"
    if not events.accepted:
        return f"Nothing was stored: {refused}. The account was asked and holds none of this import."
    return f"Done, but not everything was stored: {refused}. {count(events.accepted, 'other was', 'others were')} stored and found in the account, totals equal for every customer."


def _receipt(push: Push, how: Literal["finished", "stopped"], message: str, proof: Proof) -> Receipt:
    record = as_pushed(push)
    events, batches, _ = pushes.counts(push.id)
    return Receipt(
        push_id=push.id, import_id=push.import_id, account=push.account, event_type=push.event_type, rows=record.check.rows, events=events, batches=batches, proof=proof, state=how,
        source_sha256=record.sha256, source_file=record.file_name, events_sha256=sha256_of(events_folder(push) / EVENTS), pushed_by=push.pushed_by, started_at=push.started_at, ended_at=now(),
        key=record.check.key, message=message,
    )


def _tell_the_import(made: Receipt) -> Receipt:
    record = imports.change(made.import_id, state=made.outcome, message="")
    if made.outcome == "proven" and record.fixes:
        settle_fixed(record)
    return made


def _keep_refused_open(push: Push) -> None:
    """Events that the billing system refused stay open like rows that need fixing."""
    refused = pushes.batches_of(push.id, states=("rejected",))
    if not refused:
        return
    example = IssueExample(row=_row_of(push, refused[0].first), value=refused[0].message)
    group = IssueGroup(code="refused_by_account", severity="error", column=None, count=sum(batch.events for batch in refused), examples=(example,), todo="Read what the billing system says, correct the rows and bring them in again.")
    with store().begin() as connection:
        open_rows.keep_open(connection, push.import_id, (*as_pushed(push).check.issues, group), push.pushed_by)


def _row_of(push: Push, event: int) -> int:
    """The row of the person's spreadsheet that an event comes from."""
    with engine() as connection:
        return connection.execute(f"select _row from read_parquet({literal(events_folder(push) / EVENTS)}, file_row_number=true) where file_row_number = {int(event)}").fetchone()[0]
