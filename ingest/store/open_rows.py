"""Rejected rows that stay open, across months, until they are fixed or dismissed with a reason."""

from sqlalchemy import Connection, delete, func, insert, select, update

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import imports, open_rows
from schemas.checking import IssueGroup
from schemas.records import OpenRows, OpenState


def keep_open(connection: Connection, import_id: str, groups: tuple[IssueGroup, ...], owner: str) -> None:
    """Opens an entry for every group of errors of an import, in the caller's transaction; entries from an earlier check of it go. What was settled stays so, unless there are more rows than were settled then."""
    connection.execute(delete(open_rows).where(open_rows.c.import_id == import_id, open_rows.c.state == "open"))
    settled = {(row.code, row.column): row for row in connection.execute(select(open_rows).where(open_rows.c.import_id == import_id))}
    for group in groups:
        known = settled.get((group.code, group.column or ""))
        if group.severity != "error" or (known and group.count <= known.count):
            continue
        if known:
            audit.record(connection, owner, "rows-reopen", import_id, f"{group.code}: {group.count} rows, {known.count} of them {known.state} before: {known.reason}")
            connection.execute(delete(open_rows).where(open_rows.c.id == known.id))
        first = group.examples[0] if group.examples else None
        connection.execute(insert(open_rows).values(import_id=import_id, code=group.code, column=group.column or "", count=group.count, first_row=first and first.row, first_value=first and first.value, owner=owner, since=now(), state="open"))


def all_open() -> list[OpenRows]:
    """Everything that is still open, oldest first."""
    query = select(open_rows, imports.c.file_name).join(imports, imports.c.id == open_rows.c.import_id).where(open_rows.c.state == "open").order_by(open_rows.c.since)
    with store().connect() as connection:
        return [OpenRows(**row) for row in connection.execute(query).mappings()]


def of_import(import_id: str) -> list[OpenRows]:
    """What is still open of one import."""
    return [entry for entry in all_open() if entry.import_id == import_id]


def reduce(entry_id: int, left: int, reason: str) -> None:
    """Keeps an entry open for the rows that are left; none left means fixed."""
    values = {"count": left} if left else {"state": "fixed", "reason": reason}
    with store().begin() as connection:
        connection.execute(update(open_rows).where(open_rows.c.id == entry_id).values(**values))


def count_open() -> int:
    """How many problems are open, over all imports."""
    with store().connect() as connection:
        return connection.execute(select(func.coalesce(func.sum(open_rows.c.count), 0)).where(open_rows.c.state == "open")).scalar_one()


def settle(entry_id: int, state: OpenState, reason: str, who: str) -> None:
    """Marks one entry fixed or dismissed. A reason is required."""
    if not reason.strip():
        raise BadInput("Say why.", "Rows that aren't billed need a reason somebody can read later.")
    with store().begin() as connection:
        entry = connection.execute(select(open_rows.c.import_id, open_rows.c.code).where(open_rows.c.id == entry_id)).first()
        if entry is None:
            raise BadInput("These rows aren't there any more.")
        connection.execute(update(open_rows).where(open_rows.c.id == entry_id).values(state=state, reason=reason.strip()))
        audit.record(connection, who, f"rows-{state}", entry.import_id, f"{entry.code}: {reason.strip()}")


def assign(entry_id: int, owner: str, who: str) -> None:
    """Gives an entry to somebody else."""
    with store().begin() as connection:
        connection.execute(update(open_rows).where(open_rows.c.id == entry_id).values(owner=owner))
        audit.record(connection, who, "rows-assign", str(entry_id), owner)


def close(import_id: str, state: OpenState, reason: str) -> None:
    """Settles all open entries of an import at once."""
    with store().begin() as connection:
        connection.execute(update(open_rows).where(open_rows.c.import_id == import_id, open_rows.c.state == "open").values(state=state, reason=reason))
