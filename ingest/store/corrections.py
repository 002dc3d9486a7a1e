"""The corrections of an import, in the order in which they are replayed; what is undone stays until something new is done."""

from sqlalchemy import Connection, delete, func, insert, select, update

from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import corrections
from schemas.correcting import CORRECTION, Correction, StoredCorrection

MINE = corrections.c.import_id


def of_import(import_id: str) -> list[StoredCorrection]:
    """All of an import's, oldest first, the undone ones last."""
    with store().connect() as connection:
        rows = connection.execute(select(corrections).where(import_id == MINE).order_by(corrections.c.id)).mappings()
        return [StoredCorrection(id=row["id"], correction=CORRECTION.validate_json(row["correction"]), who=row["who"], at=row["at"], undone=bool(row["undone"])) for row in rows]


def add(import_id: str, added: list[Correction], who: str) -> None:
    """Adds corrections after those that are done; what was undone can't be done again any more, as it would come out of turn."""
    with store().begin() as connection:
        connection.execute(delete(corrections).where(import_id == MINE, corrections.c.undone == 1))
        for each in added:
            connection.execute(insert(corrections).values(import_id=import_id, correction=each.model_dump_json(), who=who, at=now()))
            audit.record(connection, who, "correct", import_id, each.model_dump_json()[:500])


def undo(import_id: str, who: str, *, all_of_them: bool = False) -> int:
    """Undoes the last correction that is done, or every one; how many were undone."""
    last = select(func.max(corrections.c.id)).where(import_id == MINE, corrections.c.undone == 0).scalar_subquery()
    with store().begin() as connection:
        where = () if all_of_them else (corrections.c.id == last,)
        return _turn(connection, import_id, who, "undo", 1, *where)


def redo(import_id: str, who: str) -> int:
    """Does the correction again that was undone last; how many there were to do, 0 or 1."""
    first = select(func.min(corrections.c.id)).where(import_id == MINE, corrections.c.undone == 1).scalar_subquery()
    with store().begin() as connection:
        return _turn(connection, import_id, who, "redo", 0, corrections.c.id == first)


def _turn(connection: Connection, import_id: str, who: str, action: str, undone: int, *where: object) -> int:
    count = connection.execute(update(corrections).where(import_id == MINE, corrections.c.undone == 1 - undone, *where).values(undone=undone)).rowcount
    if count:
        audit.record(connection, who, action, import_id, f"{count}")
    return count
