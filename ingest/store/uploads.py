"""Finished uploads. The primary key makes a ticket good for one upload only."""

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ingest.errors import BadInput
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import uploads
from schemas.uploading import Upload


def add(upload_id: str, owner: str, file_name: str, size: int, sha256: str) -> None:
    """Records a finished upload. Raises BadInput where the id was used before."""
    try:
        with store().begin() as connection:
            connection.execute(insert(uploads).values(id=upload_id, owner=owner, file_name=file_name, size=size, sha256=sha256, finished_at=now()))
    except IntegrityError:
        raise BadInput("This upload is finished already.", "Choose the file again to upload it once more.") from None


def find(upload_id: str) -> Upload | None:
    """The finished upload of this id, whoever owns it."""
    with store().connect() as connection:
        row = connection.execute(select(uploads).where(uploads.c.id == upload_id)).mappings().first()
    return Upload(**row) if row else None


def get(upload_id: str, owner: str) -> Upload:
    """A person's own upload. Raises BadInput for anybody else's, as for one that isn't there."""
    found = find(upload_id)
    if found is None or found.owner != owner:
        raise BadInput("This upload isn't there.", "Choose the file again.")
    return found


def became(upload_id: str, import_id: str) -> None:
    """Records which import an upload became."""
    with store().begin() as connection:
        connection.execute(update(uploads).where(uploads.c.id == upload_id).values(import_id=import_id))


def forget(upload_id: str) -> None:
    """Removes an upload that nobody made an import of."""
    with store().begin() as connection:
        connection.execute(delete(uploads).where(uploads.c.id == upload_id, uploads.c.import_id.is_(None)))
