"""From raw.parquet to events and issues, every row accounted for; and an import that is given up."""

from pathlib import Path
from typing import Literal

from ingest import check as checking
from ingest import files, ledger, strangers
from ingest import match as matching
from ingest.errors import BadInput, Broken, NotReady
from ingest.imports import dividing
from ingest.imports.current import BUSY, raw_folder, read_record, table_key
from ingest.imports.matching import earlier_key
from ingest.store import accounts, audit, imports, open_rows, pushes
from ingest.store.database import store
from schemas.account import Account
from schemas.checking import CheckResult
from schemas.reading import ReadReport
from schemas.records import ImportRecord, ImportState

HISTORY = 3
"""So many imports that were sent before say what is usual."""


def check(import_id: str, state: ImportState | None = None) -> ImportRecord:
    """Turns raw.parquet into events and issues, and checks that rows are conserved. `state` is the one to leave it in where more is looked at before it counts as checked."""
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
            result = checking.check_raw(raw, record.report, spec, account, import_id=import_id, sha256=record.sha256, out=folder, earlier=earlier, history=history, unknown=unknown, made=files.stages_made(import_id, "check"))
            result = result.model_copy(update={"questions": (*checking.unit_questions(raw, record.report, spec), *result.questions)})
            (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
            (folder / "match.json").write_text(spec.model_dump_json(), encoding="utf-8")

        folder = files.make_stage(import_id, "check", key, work)
        result = CheckResult.model_validate_json((folder / "result.json").read_text(encoding="utf-8")).acknowledged_by(record.match.answers)
        _rows_are_conserved(record.report, result)
        result = result.model_copy(update={"questions": (*result.questions, *dividing.questions(record))})
        period = result.month or (result.first_timestamp or "")[:7] or record.period
        return imports.change(import_id, check=result, check_key=key, state=state or _state_after_check(import_id, result), period=period, message="")


def _sent_events(import_id: str, account: Account, slug: str) -> list[Path]:
    """The events of the imports that were sent last: what usual numbers are."""
    sent = imports.last_sent(account.ledger_name, slug, but=import_id, most=HISTORY)
    return [path for each in sent if (path := files.stage_folder(each.import_id, "check", each.check_key) / "events.parquet").exists()]


def _state_after_check(import_id: str, result: CheckResult) -> ImportState:
    """A new check of an import that was sent, and brings nothing new, doesn't make it one that waits to be sent."""
    sent = next((each.receipt for each in pushes.of_import(import_id) if each.receipt), None)
    if sent is None or result.rows.accepted:
        return "checked"
    return sent.outcome


def _rows_are_conserved(report: ReadReport, result: CheckResult) -> None:
    if result.rows.read != report.rows + len(report.excluded):
        raise Broken(f"Rows are not conserved: the file has {report.rows + len(report.excluded)} rows, the check counted {result.rows.read}.")


def choose_rejected(import_id: str, choice: Literal["stop", "continue"], who: str) -> ImportRecord:
    """What happens to rejected rows: nothing is sent, or the rest goes without them and they stay open."""
    with store().begin() as connection:
        audit.record(connection, who, f"rejected-{choice}", import_id)
    return imports.change(import_id, rejected_choice=choice)


def discard(import_id: str, who: str) -> None:
    """Takes an import off the lists. One that was sent can't be discarded: its receipt stays."""
    imports.get(import_id)
    if pushes.of_import(import_id):
        raise BadInput("This import was sent, at least in part, so it stays with its receipt.")
    with store().begin() as connection:
        audit.record(connection, who, "discard", import_id)
    imports.change(import_id, state="discarded")
    open_rows.close(import_id, "dismissed", "The import was discarded.")
