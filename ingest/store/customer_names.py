"""What customers are called in files, for a whole account: other names of known customers, and those that are never billed."""

from sqlalchemy import delete, insert, select

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import customer_names
from schemas.records import CustomerName

MAX_NAME = 400


def say(account: str, name: str, customer_id: str | None, who: str) -> None:
    """Notes which customer is meant by a name, or with None that its usage is never billed; said again, the later counts."""
    name, meant = name.strip(), customer_id.strip() if customer_id is not None else None
    if not name or meant == "":
        raise BadInput("A name and the customer it means are needed.", "Leave out neither.")
    if len(name) > MAX_NAME:
        raise BadInput(f"A name can't be longer than {MAX_NAME} characters.", "Shorten it.")
    if name == meant:
        raise BadInput(f"{name!r} can't be another name of itself.", "Give the id that the account knows the customer by.")
    with store().begin() as connection:
        _forget(connection, account, name)
        connection.execute(insert(customer_names).values(account=account, name=name, customer_id=meant, who=who, at=now()))
        audit.record(connection, who, "customer-name", account, f"{name} → {meant or 'never billed'}")


def forget(account: str, name: str, who: str) -> None:
    """Takes a name off the list. Raises BadInput where it isn't on it."""
    with store().begin() as connection:
        if not _forget(connection, account, name.strip()):
            raise BadInput(f"{name.strip()!r} is not on the list of {account!r}.")
        audit.record(connection, who, "customer-name", account, f"{name.strip()} forgotten")


def of_account(account: str) -> list[CustomerName]:
    """All names of an account, in alphabetical order."""
    with store().connect() as connection:
        rows = connection.execute(select(customer_names).where(customer_names.c.account == account).order_by(customer_names.c.name)).mappings()
        return [CustomerName(name=row["name"], customer_id=row["customer_id"], who=row["who"], at=row["at"]) for row in rows]


def _forget(connection, account: str, name: str) -> int:  # noqa: ANN001
    return connection.execute(delete(customer_names).where(customer_names.c.account == account, customer_names.c.name == name)).rowcount
