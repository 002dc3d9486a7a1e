"""Whether what a run brought is sent by itself, or waits for a person: as the source says, never with a question open."""

from statistics import median

from ingest import deciding, imports, push
from ingest.pulling import manifest as kept
from ingest.pulling.told import tell
from ingest.store import imports as records
from ingest.store import open_rows, runs
from ingest.store import sources as stored_sources
from ingest.store.database import store
from ingest.wording import count
from schemas.pull_run import PullRun, RunRows
from schemas.records import ImportRecord
from schemas.source import Source

USUAL_RUNS, ENOUGH_RUNS = 8, 4
"""What is usual is told from so many runs that went well, once there are enough."""
FEW_REJECTED = 10
"""So few rows that need fixing hold nothing up, whatever share of a small run they are: they stay open, and an alarm says so."""
UNFIT = ("read", "matched", "unreadable")
"""States of an import that couldn't be brought on without a person."""
OTHER_CONTENT = "already_sent_other_content"


def decide(run_id: str) -> list[str]:
    """The imports of a run that go now (their pushes are begun); the others wait, and the run says for what. Pushes by their ids."""
    run = runs.get(run_id)
    stored = stored_sources.get(run.source)
    members = records.of_run(run_id)
    run = runs.change(run_id, rows=_rows(run, members), imports=[record.id for record in members])
    if run.kind == "dry":
        return _dry(run, members)
    ready = [record for record in members if not _nothing_to_send(record)]
    reasons = _reasons(run, stored.source, ready)
    _alarms(run, stored.source, members)
    if reasons:
        runs.change(run_id, state="waiting", message=" ".join(reasons), say=f"Waits for a person. {' '.join(reasons)}")
        return []
    who = f"source {run.source}"
    pushes = [_begin(record, who) for record in ready if record.state == "checked"]
    runs.change(run_id, state="pushing", message="", say=f"Sending {count(sum(record.check.rows.accepted for record in ready if record.check), 'event')}." if ready else None)
    return pushes


def _rows(run: PullRun, members: list[ImportRecord]) -> RunRows:
    """The equation of the run: its imports', and the rows that were as the last run saw them."""
    fetched = kept.read(run.id)
    checks = [record.check for record in members if record.check]
    sums = {name: sum(getattr(check.rows, name) for check in checks) for name in ("read", "accepted", "rejected", "duplicate", "excluded")}
    changed = sum(group.count for check in checks for group in check.issues if group.code == OTHER_CONTENT)
    repeated = fetched.repeated if fetched else 0
    unread = sum(record.report.rows for record in members if record.report and not record.check)
    return RunRows(
        read=sums["read"] + repeated + unread, new=sums["accepted"] + sums["rejected"] - changed, changed=changed, removed=fetched.removed if fetched else 0,
        accepted=sums["accepted"], rejected=sums["rejected"], duplicate=sums["duplicate"] + repeated, excluded=sums["excluded"],
    )


def _nothing_to_send(record: ImportRecord) -> bool:
    """Whether an import needs nobody: it holds only what was sent before, or rows that stay open until they are fixed."""
    if record.state != "checked" or record.check is None or record.check.rows.accepted:
        return False
    if record.check.rows.rejected:
        with store().begin() as connection:
            open_rows.keep_open(connection, record.id, record.check.issues, record.created_by)
    return True


def _reasons(run: PullRun, source: Source, ready: list[ImportRecord]) -> list[str]:
    """Why the imports don't go by themselves, as sentences."""
    unready = [f"{record.file_name}: {record.message or 'its columns aren’t matched yet.'}" for record in ready if record.state in UNFIT]
    if unready:
        return unready
    checked = [record for record in ready if record.state == "checked"]
    found = [reason for record in checked for reason in _open(record, source)]
    if checked and source.push == "ask":
        found.append(f"{count(sum(record.check.rows.accepted for record in checked), 'event')} wait for somebody to send them.")
    found += _rejected(source, run.rows) + (_volume(run, source) if checked else [])
    return list(dict.fromkeys(found))


def _open(record: ImportRecord, source: Source) -> list[str]:
    """Open decisions, but for warnings, which an automatic source takes as seen, and rows that need fixing, which it goes without."""
    decisions = [each for each in deciding.decisions(record) if each.open]
    return [_sentence(each.text) for each in decisions if not each.acknowledgements and each.kind != "rejected"]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _rejected(source: Source, rows: RunRows) -> list[str]:
    if not rows.rejected:
        return []
    share = rows.rejected / max(1, rows.rejected + rows.accepted)
    if source.rejected == "wait" or (rows.accepted and rows.rejected >= FEW_REJECTED and share > source.rejected_share):
        return [f"{count(rows.rejected, 'row needs', 'rows need')} fixing, {share:.0%} of what is new."]
    return []


def _volume(run: PullRun, source: Source) -> list[str]:
    """Whether the run brought far more or fewer rows than usual."""
    if run.kind == "backfill":
        return []
    before = [each.rows.new for each in runs.of_source(source.name, limit=4 * USUAL_RUNS, states=("done",), kinds=("scheduled", "by hand", "after", "called")) if each.rows.new][:USUAL_RUNS]
    if len(before) < ENOUGH_RUNS:
        return []
    usual = median(before)
    if source.volume.low * usual <= run.rows.new <= source.volume.high * usual:
        return []
    return [f"{count(run.rows.new, 'new row')}, where {usual:,.0f} are usual: outside what this source may send without asking."]


def _alarms(run: PullRun, source: Source, members: list[ImportRecord]) -> None:
    rows = run.rows
    if rows.rejected:
        tell(source, "rejected", f"{count(rows.rejected, 'row needs fixing; it stays open and is', 'rows need fixing; they stay open and are')} tried again.", run.id)
    if rows.removed:
        tell(source, "removed", f"{count(rows.removed, 'row that was sent is', 'rows that were sent are')} in the source no more. Events can't be deleted; look whether they have to be taken back.", run.id)
    if _volume(run, source):
        tell(source, "volume", _volume(run, source)[0], run.id)
    unfit = [record for record in members if record.state in UNFIT]
    if unfit:
        tell(source, "drift", unfit[0].message or f"{unfit[0].file_name} doesn't fit what this source was set up for.", run.id)
    if source.empty == "alarm" and not rows.read:
        tell(source, "silent", "The run found no row at all.", run.id)


def _begin(record: ImportRecord, who: str) -> str:
    """The push of an import: warnings count as seen, rows that need fixing stay open, each of it noted."""
    waits = [each.name for each in deciding.decisions(record) if each.open and each.acknowledgements]
    if waits:
        record = deciding.acknowledge(record.id, waits, who)
    if record.check.rows.rejected and record.rejected_choice != "continue":
        record = imports.choose_rejected(record.id, "continue", who)
    return push.begin(record.id, who)


def _dry(run: PullRun, members: list[ImportRecord]) -> list[str]:
    """A dry run ends here: what would have come of it is said, and nothing stays."""
    rows = run.rows
    said = [f"{count(rows.read, 'row')} read: {rows.accepted:,} would be sent, {rows.rejected:,} need fixing, {rows.duplicate:,} were sent before, {rows.excluded:,} are left out."]
    said += [f"{record.file_name}: {_sentence(each.text)}" for record in members for each in deciding.decisions(record) if each.open and each.kind != "rejected"]
    said += [f"{group.title}{f' ({group.column})' if group.column else ''}: {count(group.count, 'row')}" for record in members if record.check for group in record.check.issues if group.severity == "error"]
    said += [f"{record.file_name}: {record.message}" for record in members if record.message and not record.check]
    for line in said:
        runs.change(run.id, say=line)
    for record in members:
        records.change(record.id, state="discarded")
    runs.change(run.id, state="done", message=" ".join(said)[:2000])
    kept.clear(run.id)
    return []


