"""A file whose set-up is known: same columns and same kind of name as one that was matched before. It goes straight to its check."""

from datetime import UTC, datetime

import streamlit as st

from ingest import doubts, imports, month, month_of_file, recipes
from ingest.errors import IngestError
from ingest.recipes import OF_ONE_FILE
from ingest.store import audit
from ingest.store import imports as records
from ingest.store.database import store
from ingest.store.setups import same_columns
from pages.parts.state import link_import
from pages.parts.text import ago, plain, shorten
from schemas.matching import ACKNOWLEDGED, ProposedPeriod
from schemas.records import ImportRecord

TAKEN = "set-up"


def earlier(record: ImportRecord) -> ImportRecord | None:
    """The import whose set-up this one can take without a question; None where anything about it is new, doubtful or has to be said each month."""
    if record.state != "read" or record.match is not None or record.fixes is not None or record.account is None or not _calm(record):
        return None
    alike = [each for each in same_columns(record.id, record.account) if month.shape(each.file_name) == month.shape(record.file_name)]
    if not alike or (alike[0].match.period and not _period(record, alike[0])):
        return None
    if {each.event_type for each in alike} - {each.event_type for each in imports.together(alike[0])}:
        return None
    return alike[0]


def take(record: ImportRecord, known: ImportRecord, who: str) -> bool:
    """Matches the columns as they were for the known import, and queues the check. False where that doesn't fit after all."""
    from ingest import jobs  # dbos takes a second to import

    if known.division:
        return _take_divided(record, known, who)
    answers = {name: value for name, value in known.match.answers.items() if not name.startswith(ACKNOWLEDGED) and name not in OF_ONE_FILE}
    proposed = _period(record, known)
    try:
        imports.set_match(record.id, known.match.model_copy(update={"control_count": None, "control_sums": {}, "answers": answers, "period": proposed and proposed.period}), record.account, who)
    except IngestError:
        return False
    if proposed:
        month_of_file.note(record.id, proposed, who)
    _note(record, known, who)
    jobs.queue_check(record.id, who)
    return True


def _take_divided(record: ImportRecord, known: ImportRecord, who: str) -> bool:
    """The same for a file with several kinds of usage: it is taken apart and matched as the known one is."""
    from ingest import jobs  # dbos takes a second to import

    types = [each.match.event_type for each in imports.together(known) if each.match]
    try:
        recipes.follow(record.id, recipes.made_from(known.id, known.file_name.strip()[:100]), types[0], record.account, who, others=types[1:])
    except IngestError:
        return False
    _note(record, known, who)
    for each in imports.together(records.get(record.id)):
        jobs.queue_check(each.id, who)
    return True


def _note(record: ImportRecord, known: ImportRecord, who: str) -> None:
    with store().begin() as connection:
        audit.record(connection, who, TAKEN, record.id, known.id)


def say(record: ImportRecord) -> None:
    """On Review: which import the set-up came from, until somebody matches the columns anew."""
    if not taken(record):
        return
    known = records.get(next(each.note for each in reversed(audit.entries(record.id)) if each.action == TAKEN))
    st.info(f"Set up as *{plain(record.match.event_type.name)}*, like {plain(shorten(known.file_name))} ({ago(known.created_at)}): same columns, same kind of file.", icon=":material/history:")
    link_import(record.id, "Not right? Look at the file", "file", icon=":material/description:")


def taken(record: ImportRecord) -> bool:
    """Whether an import's set-up is still the one it took from another."""
    steps = [each for each in audit.entries(record.id) if each.action in ("match", TAKEN)]
    return bool(steps) and steps[-1].action == TAKEN


def _period(record: ImportRecord, known: ImportRecord) -> ProposedPeriod | None:
    """The month of a file whose rows carry no date; None where they do, or where it can't be told."""
    period = known.match.period
    return month_of_file.proposed(record, known.match.event_type.slug, period.zone, datetime.now(UTC).date()) if period else None


def _calm(record: ImportRecord) -> bool:
    """Whether reading left nothing that a person should look at first."""
    report = record.report
    return bool(report and report.rows) and not report.warnings and not any(each.doubtful for each in report.repairs) and not doubts.unanswered(report, doubts.answers(record.id), record.read_spec)
