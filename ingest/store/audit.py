"""The audit log: who did what, when."""

from sqlalchemy import Connection, insert, select

from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import audit
from schemas.records import AuditEntry


def record(connection: Connection, who: str, action: str, subject: str, note: str = "") -> None:
    """Adds an entry in the caller's transaction, so that a thing and its entry are there together."""
    connection.execute(insert(audit).values(at=now(), who=who, action=action, subject=subject, note=note))


def entries(subject: str) -> list[AuditEntry]:
    """All entries about one subject, oldest first."""
    with store().connect() as connection:
        rows = connection.execute(select(audit).where(audit.c.subject == subject).order_by(audit.c.id)).mappings()
        return [AuditEntry(**{key: row[key] for key in AuditEntry.model_fields}) for row in rows]
