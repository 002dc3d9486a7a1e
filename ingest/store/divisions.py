"""Files with several kinds of usage in the store: which rows are which import's."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import divisions, imports
from schemas.dividing import Division


def get(division_id: str) -> Division:
    """A division, as it is now."""
    with store().connect() as connection:
        return Division.model_validate_json(connection.execute(select(divisions.c.division).where(divisions.c.id == division_id)).scalar_one())


def keep(division_id: str, division: Division, who: str) -> None:
    """Stores a division, new or changed, and that its imports belong to it; they have to be checked again."""
    members = [share.import_id for share in division.shares]
    with store().begin() as connection:
        found = connection.execute(update(divisions).where(divisions.c.id == division_id).values(division=division.model_dump_json())).rowcount
        if not found:
            connection.execute(insert(divisions).values(id=division_id, division=division.model_dump_json(), who=who, at=now()))
        connection.execute(update(imports).where(imports.c.id.in_(members)).values(division=division_id, check=None, check_key=None))
        connection.execute(update(imports).where(imports.c.id.in_(members), imports.c.match.is_not(None)).values(state="matched"))
        audit.record(connection, who, "divide", division_id, division.model_dump_json()[:500])


def remove(division_id: str, import_ids: Sequence[str], who: str) -> None:
    """Forgets a division: its imports stand for themselves again."""
    with store().begin() as connection:
        connection.execute(update(imports).where(imports.c.id.in_(import_ids)).values(division=None, check=None, check_key=None))
        connection.execute(delete(divisions).where(divisions.c.id == division_id))
        audit.record(connection, who, "put-together", division_id)
