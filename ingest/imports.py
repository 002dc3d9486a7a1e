"""One import through its stages: what the command line, the jobs and the pages all call.

    start → read → match → check → (preview) → push

Each step takes the import's id, does its stage under the import's lock, and moves the pointer in the store. Sending lives in ingest/push.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import TypeAdapter

from ingest import apart, files, ledger, metric, strangers
from ingest import check as checking
from ingest import match as matching
from ingest.changes import changes as changes
from ingest.correct import columns_after, fitting
from ingest.errors import BadInput, Broken, NotReady, Unreadable
from ingest.read import read_file, unpack_tables
from ingest.returned import number_as_in_the_first_file
from ingest.settings import settings
from ingest.store import accounts, audit, corrections, customer_names, imports, open_rows, pushes
from ingest.store.database import store
from schemas.account import Account
from schemas.checking import CheckResult, Question
from schemas.correcting import Condition, Correction, DropRows, MapValues, Test
from schemas.event_type import EventType
from schemas.matching import ColumnProfile, EarlierKey, KeyCandidate, MatchSpec, Suggestion
from schemas.previewing import PreviewSpec
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord, ImportState

BUSY = ("pushing",)
PROFILES = "columns.json"
NEVER_BILLED = "A customer that is never billed"
HISTORY = 3
"""So many imports that were sent before say what is usual."""
_PROFILES = TypeAdapter(tuple[ColumnProfile, ...])


def start(path: Path, file_name: str, who: str, *, account: str | None = None, fixes: str | None = None, move: bool = False) -> ImportRecord:
    """A new import of the bytes at `path`, which are copied (or moved) into its folder. `file_name` is only ever shown."""
    _refuse_missing(path, file_name)
    sha256, size = files.sha256_of(path), path.stat().st_size
    import_id = imports.add(file_name, sha256, size, who, account=account, fixes=fixes)
    source = files.import_folder(import_id) / "source"
    source.mkdir(parents=True)
    if move:
        path.replace(source / sha256)
    else:
        files.check_free_disk(size)
        with files.full_disk_is_a_sentence():
            shutil.copyfile(path, source / sha256)
        if files.sha256_of(source / sha256) != sha256:
            imports.change(import_id, state="discarded")
            shutil.rmtree(source)
            raise Unreadable("This file changed while it was copied.", "Wait until whatever writes it is done, and bring it in again.")
    return imports.get(import_id)


@contextmanager
def pieces(path: Path, file_name: str) -> Iterator[list[tuple[Path, str]]]:
    """What becomes an import each: the file itself; of a zip archive with several tables each of them, unpacked for as long as this lasts. Each with the name to show."""
    with tempfile.TemporaryDirectory(dir=settings().home, prefix="pieces-") as folder:
        try:
            inner = unpack_tables(path, Path(folder))
        except Unreadable:
            inner = []  # whatever is wrong is said when the file is read
        yield [(each, f"{file_name}/{name}") for name, each in inner] or [(path, file_name)]


def start_or_find(path: Path, file_name: str, who: str, *, account: str, event_type: str) -> ImportRecord:
    """The import of these very bytes for that account and event type, or a new one: the same file twice is one import."""
    _refuse_missing(path, file_name)
    for known in imports.same_file(files.sha256_of(path)):
        if known.account in (None, account) and known.event_type in (None, event_type):
            return known
    return start(path, file_name, who, account=account)


def source_path(import_id: str) -> Path:
    """The bytes as they came."""
    record = imports.get(import_id)
    return files.import_folder(import_id) / "source" / record.sha256


def read(import_id: str, spec: ReadSpec | None = None, *, stoppable: bool = False) -> ImportRecord:
    """Reads the source into raw.parquet; a new specification starts the import afresh from here. An unreadable file is a state, not an exception.

    `stoppable`: a large file is read where `stop_reading` reaches it, and tells how far it is; that takes a second more.
    """
    record = imports.get(import_id)
    if record.state in BUSY:
        raise NotReady("This import is being sent; it can't be read again now.")
    spec = spec or record.read_spec
    with files.import_lock(import_id):
        key = files.stage_key("raw", record.sha256, spec)

        def work(folder: Path) -> None:
            report = _read_source(record, spec, folder, stoppable=stoppable)
            if record.fixes:
                number_as_in_the_first_file(folder, report)
            (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")

        try:
            folder = files.make_stage(import_id, "raw", key, work)
        except apart.Stopped as error:
            return imports.change(import_id, state="read" if record.report else "unreadable", message=str(error), progress=None)
        except Unreadable as error:
            return imports.change(import_id, read_spec=spec, state="unreadable", message=str(error), progress=None, report=None, raw_key=None, check_key=None, check=None, match=None)
        report = ReadReport.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
        changed = imports.pointers(import_id)[0] != key
        reset = {"state": "read", "check_key": None, "check": None} if changed else {}
        return imports.change(import_id, read_spec=spec, report=report, raw_key=key, message="", progress=None, **reset)


def _read_source(record: ImportRecord, spec: ReadSpec, folder: Path, *, stoppable: bool) -> ReadReport:
    """Reads here, or apart: a file that could take this process along, and a large one that somebody may want to stop."""
    source, asked = source_path(record.id), _stop_asked(record.id)
    if not (apart.goes_apart(source) or asked.exists() if stoppable else apart.is_fragile(source)):
        return read_file(source, record.file_name, spec, folder)
    expected = apart.expected_rows(source)

    def told(rows: int) -> None:
        imports.change(record.id, message=f"{rows:,} rows", progress=min(0.99, rows / expected) if expected else None)

    try:
        return apart.read_apart(source, record.file_name, spec, folder, told, asked.exists)
    finally:
        asked.unlink(missing_ok=True)


def stop_reading(import_id: str, who: str) -> None:
    """Ends the reading of a file, within a second where it is on its way; what was read before, if anything, stays as it is."""
    if imports.get(import_id).state != "reading":
        raise NotReady("This file isn't being read, so there is nothing to stop.")
    with store().begin() as connection:
        audit.record(connection, who, "stop-reading", import_id)
    _stop_asked(import_id).touch()


def _stop_asked(import_id: str) -> Path:
    """A file that is there once somebody wants the reading to stop."""
    return files.import_folder(import_id) / "stop-reading"


def raw_folder(import_id: str) -> Path:
    """The folder with the current raw.parquet."""
    raw_key, _ = imports.pointers(import_id)
    if raw_key is None:
        raise NotReady("This file hasn't been read yet.")
    return files.stage_folder(import_id, "raw", raw_key)


def check_folder(import_id: str) -> Path:
    """The folder with the current events.parquet, issues.parquet and left_out.parquet."""
    _, check_key = imports.pointers(import_id)
    if check_key is None:
        raise NotReady("This import hasn't been checked yet.")
    return files.stage_folder(import_id, "check", check_key)


def columns(import_id: str) -> tuple[ColumnProfile, ...]:
    """What each column looks like, with the type it would have in a new event type; looked at once and then kept beside what was read."""
    record, raw = read_record(import_id), raw_folder(import_id)

    def work(folder: Path) -> None:
        (folder / PROFILES).write_bytes(_PROFILES.dump_json(matching.profile_columns(raw, record.report)))

    folder = files.make_stage(import_id, "profile", files.stage_key("profile", table_key(import_id, record.report), ""), work)
    return _PROFILES.validate_json((folder / PROFILES).read_bytes())


def suggestions(import_id: str, event_type: EventType) -> tuple[Suggestion, ...]:
    """Columns proposed for the fields of an event type, each with its reason; at most one column a field and one field a column."""
    return matching.suggest(columns(import_id), event_type)


def propose_event_type(import_id: str) -> EventType:
    """An event type that this file would fit: name, slug and a type per column."""
    record = read_record(import_id)
    return matching.propose_event_type(columns(import_id), record.file_name)


def key_candidates(import_id: str, spec: MatchSpec, account: str | None = None) -> tuple[KeyCandidate, ...]:
    """The answers that make sense to "which columns make a row the same row?", the proposed one first: what this kind of usage was sent under before, else what the rows speak for."""
    return matching.key_candidates(raw_folder(import_id), read_record(import_id).report, spec, earlier_key(import_id, spec.event_type.slug, account))


def propose_key(import_id: str, spec: MatchSpec) -> tuple[tuple[str, ...], str]:
    """The fields that most likely make a row the same row, and why; all fields where nothing better shows."""
    first = key_candidates(import_id, spec)[0]
    return first.fields, first.why


def earlier_key(import_id: str, slug: str, account: str | None = None) -> EarlierKey | None:
    """What made a row the same row when another import of this event type was last sent to the account."""
    target = accounts.account(account or imports.get(import_id).account)
    last = next(iter(imports.last_sent(target.ledger_name, slug, but=import_id)), None)
    match = files.stage_folder(last.import_id, "check", last.check_key) / "match.json" if last else None
    if match is None or not match.exists():
        return None
    key = MatchSpec.model_validate_json(match.read_text(encoding="utf-8")).chosen_key
    return EarlierKey(fields=key, import_id=last.import_id, file_name=last.file_name, sent_at=last.sent_at)


def column_questions(import_id: str, spec: MatchSpec, account: str | None = None) -> tuple[Question, ...]:
    """What the matched columns leave open and `spec` doesn't answer, each with the effect of its answers: to be asked while matching, so that nobody meets it only at the review."""
    record = read_record(import_id)
    matching.validate(spec, record.report)
    return checking.column_questions(raw_folder(import_id), record.report, spec, accounts.account(account or record.account))


def set_match(import_id: str, spec: MatchSpec, account: str, who: str) -> ImportRecord:
    """Stores the answer to "What is this usage?". Refuses a specification that names a column the file hasn't or leaves a root field open."""
    record = read_record(import_id)
    if record.state in BUSY:
        raise NotReady("This import is being sent; its columns can't be matched again now.")
    matching.validate(spec, record.report)
    checking.rules_of(spec)
    if record.match == spec and record.account == account:
        return record
    with store().begin() as connection:
        audit.record(connection, who, "match", import_id, spec.event_type.slug)
    return imports.change(import_id, match=spec, account=account, event_type=spec.event_type.slug, state="matched", check=None, check_key=None)


def check(import_id: str) -> ImportRecord:
    """Turns raw.parquet into events and issues, and checks that rows are conserved."""
    record = read_record(import_id)
    if record.match is None or record.account is None:
        raise NotReady("The columns aren't matched yet.", "Say what this usage is first.")
    if record.state in BUSY:
        raise NotReady("This import is being sent; it can't be checked again now.")
    matching.validate(record.match, record.report)
    account = accounts.account(record.account)
    version = ledger.ledger_version(account.ledger_name, record.match.event_type.slug)
    earlier = earlier_key(import_id, record.match.event_type.slug, account.name)
    spec, unknown, history = record.match.without_acknowledgements, strangers.known_as(import_id), _sent_events(import_id, account, record.match.event_type.slug)
    raw = raw_folder(import_id)
    with files.import_lock(import_id):
        known = f"{table_key(import_id, record.report)}|{version}|{account.profile.model_dump_json()}|{earlier and earlier.model_dump_json()}|{[path.parent.name for path in history]}|{sorted(unknown.items())}"
        key = files.stage_key("check", known, spec)

        def work(folder: Path) -> None:
            result = checking.check_raw(raw, record.report, spec, account, import_id=import_id, sha256=record.sha256, out=folder, earlier=earlier, history=history, unknown=unknown)
            (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
            (folder / "match.json").write_text(spec.model_dump_json(), encoding="utf-8")

        folder = files.make_stage(import_id, "check", key, work)
        result = CheckResult.model_validate_json((folder / "result.json").read_text(encoding="utf-8")).acknowledged_by(record.match.answers)
        _rows_are_conserved(record.report, result)
        period = (result.first_timestamp or "")[:7] or record.period
        return imports.change(import_id, check=result, check_key=key, state=_state_after_check(import_id, result), period=period, message="")


def _sent_events(import_id: str, account: Account, slug: str) -> list[Path]:
    """The events of the imports that were sent last: what usual numbers are."""
    sent = imports.last_sent(account.ledger_name, slug, but=import_id, most=HISTORY)
    return [path for each in sent if (path := files.stage_folder(each.import_id, "check", each.check_key) / "events.parquet").exists()]


def choose_rejected(import_id: str, choice: Literal["stop", "continue"], who: str) -> ImportRecord:
    """What happens to rejected rows: nothing is sent, or the rest goes without them and they stay open."""
    with store().begin() as connection:
        audit.record(connection, who, f"rejected-{choice}", import_id)
    return imports.change(import_id, rejected_choice=choice)


def preview(import_id: str, spec: PreviewSpec) -> pa.Table:
    """Totals of the accepted events; one row a group, the value in `value` (exact for decimals)."""
    return metric.preview(check_folder(import_id), spec)


def overview(import_id: str) -> pa.Table:
    """Per customer: events, first and last timestamp, and the sum of every numeric field."""
    return metric.overview(check_folder(import_id))


def raw_rows(import_id: str, *, offset: int = 0, limit: int = 50) -> pa.Table:
    """Rows of the table as read, `_row` first."""
    return matching.raw_rows(raw_folder(import_id), read_record(import_id).report, offset=offset, limit=limit)


def problem_rows(import_id: str, *, code: str | None = None, column: str | None = None, offset: int = 0, limit: int = 200) -> pa.Table:
    """Raw rows that have an issue: `_row`, `problem` (in words), then the file's columns."""
    return checking.problem_rows(check_folder(import_id), raw_folder(import_id), read_record(import_id).report, code=code, column=column, offset=offset, limit=limit)


def left_out_rows(import_id: str, outcome: str | None = None, *, offset: int = 0, limit: int = 200) -> pa.Table:
    """Rows that aren't accepted: `_row`, `outcome`, `reason`."""
    return checking.left_out_rows(check_folder(import_id), outcome, offset=offset, limit=limit)


def write_rejected(import_id: str, path: Path) -> Path:
    """The rejected rows with their reasons, as CSV or Excel by the ending of `path`; safe to open in a spreadsheet."""
    record = read_record(import_id)
    return checking.write_rejected(check_folder(import_id), raw_folder(import_id), record.report, path)


def discard(import_id: str, who: str) -> None:
    """Takes an import off the lists. One that was sent can't be discarded: its receipt stays."""
    imports.get(import_id)
    if pushes.of_import(import_id):
        raise BadInput("This import was sent, at least in part, so it stays with its receipt.")
    with store().begin() as connection:
        audit.record(connection, who, "discard", import_id)
    imports.change(import_id, state="discarded")
    open_rows.close(import_id, "dismissed", "The import was discarded.")


def _refuse_missing(path: Path, file_name: str) -> None:
    if not path.is_file():
        raise BadInput(f"There is no file {file_name!r}.", "Check its name and folder.")


def _state_after_check(import_id: str, result: CheckResult) -> ImportState:
    """A new check of an import that was sent, and brings nothing new, doesn't make it one that waits to be sent."""
    sent = next((each.receipt for each in pushes.of_import(import_id) if each.receipt), None)
    if sent is None or result.rows.accepted:
        return "checked"
    return sent.outcome


def read_record(import_id: str) -> ImportRecord:
    """An import that was read, its report with the corrections since. Raises Unreadable or NotReady where it wasn't."""
    record = imports.get(import_id)
    if record.state == "unreadable":
        raise Unreadable(record.message)
    if record.report is None:
        raise NotReady("This file hasn't been read yet.")
    return record.model_copy(update={"report": with_corrections(record)})


def with_corrections(record: ImportRecord) -> ReadReport:
    """What was read together with the corrections that fit it: the import's own, then what the account calls its customers."""
    report = record.report
    done = fitting(report.columns, [*(each.correction for each in corrections.of_import(record.id) if not each.undone), *_of_account(record)])
    return report.model_copy(update={"corrections": done, "columns": columns_after(report.columns, done)}) if done else report


def _of_account(record: ImportRecord) -> list[Correction]:
    """The account's customer names as corrections of the column that customers come from."""
    match = record.match and record.match.of("customer_id")
    if not match or match.column is None or record.account is None:
        return []
    names = customer_names.of_account(record.account)
    meant = {each.name: each.customer_id for each in names if each.customer_id is not None}
    unbilled = tuple(each.name for each in names if each.customer_id is None)
    where = Condition(tests=(Test(column=match.column, operator="one_of", values=unbilled),))
    return [*([MapValues(column=match.column, values=meant)] if meant else []), *([DropRows(where=where, reason=NEVER_BILLED)] if unbilled else [])]


def table_key(import_id: str, report: ReadReport) -> str:
    """A name for the table as it is now: what was read, and the corrections since."""
    return f"{raw_folder(import_id).name}|{[each.model_dump_json() for each in report.corrections]}"


def _rows_are_conserved(report: ReadReport, result: CheckResult) -> None:
    if result.rows.read != report.rows + len(report.excluded):
        raise Broken(f"Rows are not conserved: the file has {report.rows + len(report.excluded)} rows, the check counted {result.rows.read}.")
