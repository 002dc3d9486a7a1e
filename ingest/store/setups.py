"""Imports that were set up before for files with the very same columns."""

from sqlalchemy import ColumnElement, Text, cast, func, select, type_coerce
from sqlalchemy.types import JSON

from ingest.store import imports as records
from ingest.store.database import store
from ingest.store.schema import imports
from schemas.records import ImportRecord

CONFIRMED = ("checked", "pushing", "stopped", "pushed", "proven")
"""States of imports whose columns somebody has confirmed."""


def same_columns(import_id: str, account: str, most: int = 20) -> list[ImportRecord]:
    """Imports of an account with the same columns in the same order as this one, and their columns matched; newest first."""
    this = imports.alias()
    wanted = select(_columns(this.c.report)).where(this.c.id == import_id).scalar_subquery()
    query = select(imports.c.id).where(imports.c.account == account, imports.c.state.in_(CONFIRMED), imports.c.match.is_not(None), imports.c.id != import_id, _columns(imports.c.report) == wanted)
    with store().connect() as connection:
        found = connection.execute(query.order_by(imports.c.created_at.desc(), imports.c.id).limit(most)).scalars().all()
    return [records.get(each) for each in found]


def last_period(account: str | None, slug: str, *, but: str) -> str | None:
    """The last month, YYYY-MM, for which usage of this type was set up for the account by another import."""
    known = imports.c.account == account, imports.c.event_type == slug, imports.c.id != but, imports.c.state.in_(CONFIRMED)
    with store().connect() as connection:
        return connection.execute(select(func.max(imports.c.period)).where(*known)).scalar()


def _columns(report: ColumnElement) -> ColumnElement:
    """The list of columns inside the JSON text of a report, in SQLite's way or PostgreSQL's."""
    if store().dialect.name == "sqlite":
        return func.json_extract(report, "$.columns")
    return cast(type_coerce(cast(report, JSON), JSON)["columns"], Text)
