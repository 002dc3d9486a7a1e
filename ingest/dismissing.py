"""Imports that nobody wants any more: off the lists with a reason, and back again."""

from ingest import imports
from ingest.errors import BadInput
from ingest.store import audit
from ingest.store import imports as import_rows
from ingest.store.database import store
from schemas.records import ImportRecord, ImportState

DISMISSIBLE: tuple[ImportState, ...] = ("unreadable", "read", "matched", "checked")


def dismiss(import_id: str, reason: str, who: str) -> None:
    """Takes an import off the lists. Raises BadInput without a reason, and for one of which something was sent."""
    if not reason.strip():
        raise BadInput("Say why this file is dismissed.", "Somebody will ask later.")
    imports.discard(import_id, who)
    with store().begin() as connection:
        audit.record(connection, who, "dismiss", import_id, reason.strip())


def bring_back(import_id: str, who: str) -> ImportRecord:
    """Puts a dismissed import on the lists again, where it was left."""
    record = import_rows.get(import_id)
    if record.state != "discarded":
        return record
    with store().begin() as connection:
        audit.record(connection, who, "bring-back", import_id)
    return import_rows.change(import_id, state=_left_at(record))


def why(import_id: str) -> tuple[str, str, str]:
    """Who dismissed an import, when, and for which reason; empty texts where nobody said."""
    found = [each for each in audit.entries(import_id) if each.action in ("dismiss", "discard")]
    return (found[-1].who, found[-1].at, found[-1].note) if found else ("", "", "")


def _left_at(record: ImportRecord) -> ImportState:
    if record.report is None:
        return "unreadable"
    return "read" if record.match is None else "matched" if record.check is None else "checked"
