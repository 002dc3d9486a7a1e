"""What has to be decided about an import, as a document."""

from collections.abc import Mapping, Sequence

from ingest import deciding
from ingest.commands.documents import Document, decision_document, with_customers
from ingest.doubts import READING
from ingest.effects import effects
from ingest.errors import BadInput, NotReady
from ingest.imports import check
from ingest.settings import settings
from ingest.store import accounts, handovers, imports
from schemas.records import ImportRecord


def decide(import_id: str, *, answers: Mapping[str, str], acknowledged: Sequence[str], given: Mapping[str, str], comment: str, taken: Sequence[str]) -> Document:
    """Does what is asked, then lists everything with its effect."""
    who = settings().user
    record = imports.get(import_id)
    if record.check is None:
        raise NotReady("This import hasn't been checked yet, so there is nothing to decide.", "Run check first.")
    if answers:
        record = _answer(import_id, answers, who)
    if acknowledged:
        record = deciding.acknowledge(import_id, acknowledged, who)
    for name, colleague in given.items():
        handovers.give(import_id, deciding.named(record, name).name, colleague, comment, who)
    for name in taken:
        handovers.take_back(import_id, name, who)
    totals = effects(import_id)
    listed = [{**decision_document(each), "effect": totals[each.name].model_dump(mode="json") if each.name in totals else None} for each in deciding.decisions(record)]
    return {"import_id": import_id, "decisions": listed, "reasons_not_to_send": list(deciding.reasons_not_to(record))}


def _answer(import_id: str, answers: Mapping[str, str], who: str) -> ImportRecord:
    """Answers questions and checks again; an empty answer takes one back. Where an answer can't be read, the ones before stay."""
    for name in [each for each in answers if each.startswith(READING)]:
        deciding.answer(import_id, name, answers[name] or None, who)
    before, (_, check_key) = imports.get(import_id), imports.pointers(import_id)
    try:
        for name, value in answers.items():
            if not name.startswith(READING):
                deciding.answer(import_id, name, value or None, who)
        return with_customers(check(import_id), accounts.account(before.account))
    except BadInput:
        imports.change(import_id, match=before.match, check=before.check, check_key=check_key, state=before.state)
        raise
