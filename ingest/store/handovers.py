"""Decisions that were given to colleagues, until they are taken back."""

from sqlalchemy import delete, insert, select

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import handovers, imports, open_rows
from schemas.deciding import Handover

MAX_NAME, MAX_COMMENT, NAMES = 100, 2_000, 200


def give(import_id: str, decision: str, colleague: str, comment: str, who: str) -> None:
    """Asks a colleague to decide; given again, the later counts. Raises BadInput without a name."""
    colleague, comment = colleague.strip(), comment.strip()
    if not colleague or len(colleague) > MAX_NAME or len(comment) > MAX_COMMENT:
        raise BadInput("Say who is to decide." if not colleague else f"A name can't be longer than {MAX_NAME} characters, nor a comment longer than {MAX_COMMENT:,}.", "" if colleague else "Type a colleague's name.")
    with store().begin() as connection:
        connection.execute(delete(handovers).where(handovers.c.import_id == import_id, handovers.c.decision == decision))
        connection.execute(insert(handovers).values(import_id=import_id, decision=decision, colleague=colleague, comment=comment, who=who, at=now()))
        audit.record(connection, who, "give-decision", import_id, f"{decision} → {colleague}{f': {comment}' if comment else ''}")


def take_back(import_id: str, decision: str, who: str) -> None:
    """Takes a decision back. Raises BadInput where nobody was given it."""
    with store().begin() as connection:
        gone = connection.execute(delete(handovers).where(handovers.c.import_id == import_id, handovers.c.decision == decision)).rowcount
        if not gone:
            raise BadInput(f"The decision {decision!r} was given to nobody.")
        audit.record(connection, who, "take-decision-back", import_id, decision)


def of_import(import_id: str) -> dict[str, Handover]:
    """What was given away of one import, by the decision's name."""
    with store().connect() as connection:
        rows = connection.execute(select(handovers).where(handovers.c.import_id == import_id)).mappings()
        return {row["decision"]: Handover(**row) for row in rows}


def in_states(states: tuple[str, ...], account: str) -> list[Handover]:
    """What was given away of an account's imports in these states, oldest first."""
    query = select(handovers).join(imports, imports.c.id == handovers.c.import_id).where(imports.c.state.in_(states), imports.c.account == account).order_by(handovers.c.at)
    with store().connect() as connection:
        return [Handover(**row) for row in connection.execute(query).mappings()]


def colleagues() -> list[str]:
    """Names that were typed before, in alphabetical order: of those who were given something, and of those who brought files in."""
    names = select(handovers.c.colleague).union(select(open_rows.c.owner), select(imports.c.created_by))
    with store().connect() as connection:
        return sorted(connection.execute(names.limit(NAMES)).scalars(), key=str.casefold)
