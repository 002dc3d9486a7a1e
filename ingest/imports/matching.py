"""What the columns of an import are: proposals, and the answer."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from ingest import check as checking
from ingest import files, month_of_file
from ingest import match as matching
from ingest.errors import NotReady
from ingest.imports import dividing
from ingest.imports.current import BUSY, raw_folder, read_record, table_key, with_corrections
from ingest.store import accounts, audit, imports
from ingest.store.database import store
from schemas.check_setting import CheckSetting
from schemas.checking import Question
from schemas.correcting import CorrectionOffer, joined
from schemas.dividing import KIND, DivisionOffer, KindFound
from schemas.event_type import EventType
from schemas.matching import ColumnProfile, EarlierKey, KeyCandidate, MatchSpec, Suggestion
from schemas.records import ImportRecord

PROFILES = "columns.json"
_PROFILES = TypeAdapter(tuple[ColumnProfile, ...])


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
    return matching.propose_event_type(columns(import_id), called(record), joined(record.report.corrections))


def called(record: ImportRecord) -> str:
    """What this usage may be called after: the file, or of several kinds in one file what says so of its rows."""
    kinds = dividing.values_of(record)
    return next(filter(None, kinds), record.file_name)


def offers(import_id: str) -> tuple[DivisionOffer, ...]:
    """Ways in which this file may hold several kinds of usage, the likeliest first."""
    record = read_record(import_id)
    return matching.offers(raw_folder(import_id), record.report, columns(import_id))


def kinds_in(import_id: str, column: str) -> tuple[KindFound, ...]:
    """The texts of a column, most rows first."""
    return matching.kinds_in(raw_folder(import_id), read_record(import_id).report, column)


def period_offers(import_id: str) -> tuple[CorrectionOffer, ...]:
    """Corrections that would make a time of what the cells say: `October: 320 hours`, a month beside its year, a day beside its time."""
    record = read_record(import_id)
    proposed = month_of_file.proposed(record, record.event_type or "", "UTC", datetime.now(UTC).date())
    year = int(proposed.period.start[:4]) if proposed else datetime.now(UTC).year
    table = raw_folder(import_id), record.report, columns(import_id)
    return (*matching.joins(*table), *matching.period_offers(*table, year))


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
    record = imports.get(read_record(import_id).id)
    report, raw = with_corrections(record.model_copy(update={"match": spec})), raw_folder(import_id)
    matching.validate(spec, report)
    return (*checking.unit_questions(raw, report, spec), *checking.column_questions(raw, report, spec, accounts.account(account or record.account)))


def set_match(import_id: str, spec: MatchSpec, account: str, who: str) -> ImportRecord:
    """Stores the answer to "What is this usage?". Refuses a specification that names a column the file hasn't or leaves a root field open."""
    record = read_record(import_id)
    if record.state in BUSY:
        raise NotReady("This import is being sent; its columns can't be matched again now.")
    spec = _without_answers_for_all(record, spec, who)
    matching.validate(spec, record.report)
    checking.rules_of(spec)
    if record.match == spec and record.account == account:
        return imports.get(import_id)
    with store().begin() as connection:
        audit.record(connection, who, "match", import_id, spec.event_type.slug)
    return imports.change(import_id, match=spec, account=account, event_type=spec.event_type.slug, state="matched", check=None, check_key=None)


def set_check(import_id: str, name: str, setting: CheckSetting | None, who: str) -> ImportRecord:
    """Sets one check of an import, by its name or name.field, or with None takes the setting back; the import has to be checked again. Raises BadInput for one that can't be made so."""
    record = read_record(import_id)
    if record.match is None or record.account is None:
        raise NotReady("The columns aren't matched yet.", "Say what this usage is first.")
    checks = {**{key: value for key, value in record.match.checks.items() if key != name}, **({name: setting} if setting else {})}
    spec = record.match.model_copy(update={"checks": checks})
    if setting:
        checking.try_settings(raw_folder(import_id), record.report, spec, accounts.account(record.account))
    return set_match(import_id, spec, record.account, who)


def _without_answers_for_all(record: ImportRecord, spec: MatchSpec, who: str) -> MatchSpec:
    """The specification without what it says of rows of no kind of usage: that is taken for all imports of the file."""
    said = {name: answer for name, answer in spec.answers.items() if record.division and name.startswith(KIND)}
    if said:
        dividing.assign(record, said, who)
    return spec.model_copy(update={"answers": {name: answer for name, answer in spec.answers.items() if name not in said}})
