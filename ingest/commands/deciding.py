"""What has to be decided about an import, as a document."""

from collections.abc import Mapping, Sequence

from ingest import deciding
from ingest.commands.documents import Document, decision_document
from ingest.effects import effects
from ingest.errors import NotReady
from ingest.settings import settings
from ingest.store import handovers, imports


def decide(import_id: str, *, acknowledged: Sequence[str], given: Mapping[str, str], comment: str, taken: Sequence[str]) -> Document:
    """Does what is asked, then lists everything with its effect."""
    who = settings().user
    record = imports.get(import_id)
    if record.check is None:
        raise NotReady("This import hasn't been checked yet, so there is nothing to decide.", "Run check first.")
    if acknowledged:
        record = deciding.acknowledge(import_id, acknowledged, who)
    for name, colleague in given.items():
        handovers.give(import_id, deciding.named(record, name).name, colleague, comment, who)
    for name in taken:
        handovers.take_back(import_id, name, who)
    totals = effects(import_id)
    listed = [{**decision_document(each), "effect": totals[each.name].model_dump(mode="json") if each.name in totals else None} for each in deciding.decisions(record)]
    return {"import_id": import_id, "decisions": listed, "reasons_not_to_send": list(deciding.reasons_not_to(record))}
