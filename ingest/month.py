"""What the home page and the lists need from the store: few columns, counted in SQL, never the large documents."""

from collections.abc import Mapping

from sqlalchemy import select

from ingest.errors import BadInput
from ingest.store.database import store
from ingest.store.schema import imports
from schemas.base import Frozen
from schemas.records import ImportState


class Stage(Frozen):
    """How far an import's job is, for a page that follows it."""

    state: ImportState
    progress: float | None = None
    message: str = ""
    working: bool = False
    """Whether a job is queued or running, whatever the state says."""
    failure: str = ""
    """The sentence of a job that failed."""


def stage(import_id: str) -> Stage:
    """Where an import is right now."""
    query = select(imports.c.state, imports.c.progress, imports.c.message, imports.c.job).where(imports.c.id == import_id)
    with store().connect() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise BadInput(f"There is no import {import_id!r}.", "The Imports page lists those there are.")
    progress = float(row["progress"]) if row["progress"] is not None else None
    return Stage(state=row["state"], progress=progress, message=row["message"], **_job(row))


def _job(row: Mapping[str, object]) -> dict[str, object]:
    """What became of the job the import names. Without one nothing is working."""
    if not row["job"]:
        return {}
    from ingest import jobs  # dbos takes a second to import

    status = jobs.status(row["job"])
    return {"working": status.state in ("queued", "running"), "failure": status.message if status.state == "failed" else ""}
