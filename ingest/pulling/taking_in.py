"""What was fetched becomes imports: each read, matched as the source says, and checked. A part that was taken in already is found again, not taken twice."""

from datetime import UTC, datetime, timedelta

from ingest import files, imports, recipes, whole_check
from ingest import match as matching
from ingest.billing import BillingClient
from ingest.errors import BadInput, NotReady
from ingest.pulling import drifting
from ingest.pulling import manifest as kept
from ingest.pulling.manifest import Part, folder_of
from ingest.store import accounts, clock, open_rows, runs
from ingest.store import imports as records
from ingest.store import recipes as stored_recipes
from ingest.store import sources as stored_sources
from schemas.account import Account
from schemas.event_type import EventType
from schemas.matching import MatchSpec
from schemas.pull_run import PullRun
from schemas.records import ImportRecord
from schemas.source import Source

TRIED_AGAIN, AGAIN_AFTER = 20, timedelta(hours=20)
"""So many imports with rows that need fixing are checked again in a run, each once in that time: an account may know a customer now, a time may have come."""


def take_in(run_id: str) -> None:
    """Makes the imports of a run. What a person has to look at stays in the state it came to."""
    run = runs.get(run_id)
    source, fetched = stored_sources.get(run.source).source, kept.read(run_id)
    runs.change(run_id, state="checking")
    for part in fetched.parts:
        for record in _imports_of(run, source, part):
            _bring_on(record, run, source, is_ours=not part.path)
    runs.change(run_id, imports=[record.id for record in records.of_run(run_id)])


def _imports_of(run: PullRun, source: Source, part: Part) -> list[ImportRecord]:
    """The imports of one part: those that are there, or new ones."""
    there = [record for record in records.of_run(run.id) if record.file_name.partition("/")[0] == part.name and _is_whole(record)]
    path, who = folder_of(run.id) / part.file, f"source {source.name}"
    if there or not path.exists():
        return there
    if not part.path:
        return [imports.start(path, part.name, who, account=source.account, run=run.id, move=True)]
    with imports.pieces(path, part.name) as pieces:
        made = [imports.start(piece, name, who, account=source.account, run=run.id) for piece, name in pieces]
    path.unlink()
    return made


def _is_whole(record: ImportRecord) -> bool:
    """Whether an import has its bytes; one that was cut off while it was made is given up."""
    if (files.import_folder(record.id) / "source" / record.sha256).exists():
        return True
    records.change(record.id, state="discarded")
    return False


def _bring_on(record: ImportRecord, run: PullRun, source: Source, *, is_ours: bool) -> None:
    """Reads, matches and checks an import, as far as it goes without a person."""
    if record.state in ("checked", "pushing", "pushed", "proven", "stopped"):
        return
    record = imports.read(record.id, is_ours=is_ours)
    if record.state == "unreadable":
        runs.change(run.id, say=f"{record.file_name} can't be read: {record.message}")
        return
    account = accounts.account(source.account)
    try:
        _match(record, source, account)
    except BadInput as error:
        records.change(record.id, account=account.name, message=str(error))
        runs.change(run.id, say=f"{record.file_name}: {error}")
        return
    for each in imports.together(records.get(record.id)):
        records.change(each.id, run=run.id)
        whole_check.check(each.id)


def _match(record: ImportRecord, source: Source, account: Account) -> None:
    who = f"source {source.name}"
    if source.recipe:
        recipe = stored_recipes.get(source.recipe).recipe
        types = [_event_type(account, part.event_type) for part in recipe.parts]
        recipes.follow(record.id, recipe, types[0], account.name, who, answers=source.answers, matches=source.match, others=types[1:])
        for each in imports.together(records.get(record.id)):
            _take_columns(each, each.match, source, account, drifting.last_match(source, each.event_type))
        return
    event_type = _event_type(account, source.event_type)
    report, last = record.report, drifting.last_match(source, event_type.slug)
    if last:
        drifting.refuse_gone(report.columns, source, last)
    spec, questions = matching.build_spec(report, imports.columns(record.id), event_type, chosen=source.match, constants=source.constants, answers=source.answers, earlier=None if source.read.key else imports.earlier_key(record.id, event_type.slug, account.name))
    if questions and not source.match:
        raise NotReady(f"It isn't certain which column is which: {questions[0].text}", "Say it under match: of the source, or decide on the import's page.")
    _take_columns(record, drifting.as_before(spec, source, last), source, account, last)


def _take_columns(record: ImportRecord, spec: MatchSpec, source: Source, account: Account, last: MatchSpec | None) -> None:
    """Matches an import, with what becomes of columns that are new."""
    said = ""
    if last:
        spec, said = drifting.with_new_columns(record, spec, source, last)
    imports.set_match(record.id, _numbered(spec, source), account.name, f"source {source.name}")
    if said:
        runs.change(record.run, say=f"{record.file_name}: {said}")


def _numbered(spec: MatchSpec, source: Source) -> MatchSpec:
    """Lets the source's own key tell its rows apart: its columns as fields where they are matched, else beside the fields."""
    if not source.read.key:
        return spec
    fields = {match.column: match.field for match in spec.matches if match.column is not None}
    key = tuple(fields[name] for name in source.read.key if name in fields)
    beside = tuple(name for name in source.read.key if name not in fields)
    return spec.model_copy(update={"key": key or None, "key_columns": beside, "key_space": source.name if beside else ""})


def _event_type(account: Account, slug: str | None) -> EventType:
    with BillingClient(account) as client:
        found = client.event_type(slug or "")
    if found is None:
        raise BadInput(f"The account {account.name!r} has no event type {slug!r}.", "Create it, or change event_type: of the source.")
    return found


def try_rejected_again(run_id: str) -> list[str]:
    """Checks earlier imports of this source once more whose rows needed fixing, and says which of them have rows to send now."""
    run = runs.get(run_id)
    found = []
    for record in _with_open_rows(run.source):
        try:
            checked = whole_check.check(record.id)
        except NotReady:
            continue  # somebody is at work on it
        if checked.check.rows.accepted:
            runs.change(run_id, say=f"{checked.check.rows.accepted:,} rows of {record.file_name} that needed fixing are fit now.")
            found.append(record.id)
    return found


def _with_open_rows(source: str) -> list[ImportRecord]:
    wanted = dict.fromkeys(each.import_id for each in open_rows.all_open())
    of_source = [record for import_id in wanted if (record := records.get(import_id)).created_by == f"source {source}" and record.state in ("proven", "pushed", "checked")]
    return [record for record in of_source if _is_long_ago(record)][-TRIED_AGAIN:]


def _is_long_ago(record: ImportRecord) -> bool:
    _, key = records.pointers(record.id)
    folder = files.stage_folder(record.id, "check", key or "")
    return not folder.exists() or clock.moment() - datetime.fromtimestamp(folder.stat().st_mtime, UTC) > AGAIN_AFTER
