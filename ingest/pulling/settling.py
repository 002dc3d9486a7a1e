"""How runs end. Only a run whose every event is proven moves its source's mark."""

import logging

from ingest import imports
from ingest.errors import NotReady
from ingest.pulling import manifest as kept
from ingest.pulling.beginning import plan_next
from ingest.pulling.manifest import seen_path
from ingest.pulling.told import all_well, tell
from ingest.pulling.window import later
from ingest.store import imports as records
from ingest.store import pushes, runs
from ingest.store import sources as stored_sources
from ingest.wording import count
from schemas.pull_run import PullRun, RunState
from schemas.records import ImportRecord

WARN_AT, PAUSE_AT = 5, 10
"""After so many failures in a row a warning is given, and the source paused."""
SENT = ("proven", "pushed")

log = logging.getLogger("intake.pulling")


def settle(run_id: str) -> RunState:
    """Looks where the imports of a run are, and ends it where they are all done. What state it is in then; `checking` where something has to be decided anew."""
    run = runs.get(run_id)
    if run.state not in ("waiting", "pushing"):
        return run.state
    members = [records.get(import_id) for import_id in run.imports]
    states = {_where(record) for record in members}
    if "stopped" in states:
        return _end(run, "stopped", "Sending was stopped by a person; the next run takes up what wasn't sent.")
    if "given up" in states and run.kind != "dry":
        return _end(run, "stopped", "An import of this run was discarded by a person; the next run reads its rows again.")
    if states <= {"proven", "empty"}:
        return _done(run, members)
    if run.state == "pushing" and "waiting" in states:
        return runs.change(run_id, state="checking", say="Something was sent by somebody else meanwhile; checked again.").state
    if run.state == "waiting" and states <= {"proven", "empty", "sending", "unproven"}:
        runs.change(run_id, state="pushing", message="", say="Somebody sent it.")
    return runs.get(run_id).state


def _where(record: ImportRecord) -> str:
    """Where an import of a run is, in one word."""
    if record.state == "pushed":
        return "unproven"
    if record.state == "checked" and record.check and not record.check.rows.accepted:
        return "empty"
    return {"proven": "proven", "pushing": "sending", "stopped": "stopped", "discarded": "given up"}.get(record.state, "waiting")


def _done(run: PullRun, members: list[ImportRecord]) -> RunState:
    stored, fetched = stored_sources.get(run.source), kept.read(run.id)
    receipts = [push.receipt for record in members for push in pushes.of_import(record.id) if push.receipt]
    sent, proven = sum(receipt.events.accepted for receipt in receipts), sum(receipt.proof.found for receipt in receipts)
    if run.kind != "backfill":
        _move_mark(run, fetched)
    for record in members:
        if record.state == "checked" and not record.check.rows.rejected:
            records.change(record.id, state="discarded")  # everything in it was sent before: there is nothing to keep it for
    nothing = not run.rows.new and not run.rows.changed
    text = "Nothing new." if nothing else f"Done and proven: {count(sent, 'event')} sent, {proven:,} found in the account."
    ended = runs.change(run.id, state="done", sent=sent, proven=proven, message=text, say=text)
    kept.clear(run.id)
    if stored.failures:
        stored_sources.change(run.source, failures=0)
        plan_next(run.source)
    all_well(stored.source, ("failed", "late", "drift", "volume", *(() if nothing else ("silent",)), *(() if run.rows.rejected else ("rejected",))), run.id)
    return ended.state


def _move_mark(run: PullRun, fetched: kept.Manifest | None) -> None:
    """What was read is proven: the next run begins behind it."""
    if fetched is None:
        return
    stored = stored_sources.get(run.source)
    stored_sources.mark_files(run.source, [*((part.path, part.version) for part in fetched.parts if part.path), *fetched.same], run.id)
    before = stored_sources.seen(run.source)
    values: dict[str, object] = {"columns": list(fetched.columns) or list(stored.columns)}
    if fetched.newest is not None:
        kind = "decimal" if fetched.newest.lstrip("-").replace(".", "", 1).isdecimal() else "time" if "T" in fetched.newest else "text"
        newest = later(stored.mark, fetched.newest, kind)
        values |= {"mark": newest, "newest": newest}
    if fetched.newest is not None or not stored.source.read.cursor:
        values["seen"] = run.id
    stored_sources.change(run.source, **values)
    if before and values.get("seen") and before != run.id:
        seen_path(run.source, before).unlink(missing_ok=True)


def _end(run: PullRun, state: RunState, text: str) -> RunState:
    kept.clear(run.id)
    seen_path(run.source, run.id).unlink(missing_ok=True)
    return runs.change(run.id, state=state, message=text, say=text).state


def stop(run_id: str, who: str) -> PullRun:
    """Gives a run up that waits for a person, with its imports; nothing of it was sent, and the next run reads its rows again. Raises NotReady where it is on its way."""
    run = runs.get(run_id)
    if run.state != "waiting":
        raise NotReady("This run isn't waiting for anybody, so it can't be given up.", "What is being sent can be stopped on the import's page.")
    for import_id in run.imports:
        if records.get(import_id).state not in (*SENT, "pushing", "stopped", "discarded"):
            imports.discard(import_id, who)
    _end(run, "stopped", f"Given up by {who}; the next run reads these rows again.")
    return runs.get(run_id)


def fail(run_id: str, text: str, exit_code: int = 3) -> PullRun:
    """Ends a run that went wrong before anything was sent: its imports are given up, the mark stays. After several failures in a row the source pauses."""
    run = runs.get(run_id)
    for record in records.of_run(run_id):
        if not pushes.of_import(record.id):
            records.change(record.id, state="discarded")
    stored = stored_sources.get(run.source)
    failures = stored.failures + (run.kind != "dry")
    stored_sources.change(run.source, failures=failures)
    runs.change(run_id, exit_code=exit_code)
    _end(run, "failed", text)
    log.warning("A run failed. action=run-failed source=%s run=%s failures=%d", run.source, run_id, failures)
    if run.kind == "dry":
        return runs.get(run_id)
    warning = f" It is paused after {PAUSE_AT} failures in a row." if WARN_AT <= failures < PAUSE_AT else ""
    tell(stored.source, "failed", f"{text}{warning}", run_id)
    if failures >= PAUSE_AT:
        stored_sources.set_state(run.source, "paused", "worker", f"Paused after {failures} failures in a row: {text}")
        tell(stored.source, "paused", f"Paused after {failures} failures in a row: {text}", run_id)
    plan_next(run.source)
    return runs.get(run_id)
