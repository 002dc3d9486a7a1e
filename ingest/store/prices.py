"""Prices of metrics in the store, one for each metric of an account; the audit log keeps what each was."""

from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select

from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import prices
from schemas.price import Price, StoredPrice

_PRICE: TypeAdapter[Price] = TypeAdapter(Price)


def save(account: str, metric: str, price: Price, who: str) -> StoredPrice:
    """Keeps the price of a metric, in place of the one before."""
    kept = {"account": account, "metric": metric, "price": price.model_dump_json(), "who": who, "at": now()}
    with store().begin() as connection:
        connection.execute(delete(prices).where(prices.c.account == account, prices.c.metric == metric))
        connection.execute(insert(prices).values(**kept))
        audit.record(connection, who, "price", metric, f"{account}: {kept['price']}")
    return StoredPrice(**{**kept, "price": price})


def get(account: str, metric: str) -> StoredPrice | None:
    """The price of a metric; None while it has none."""
    with store().connect() as connection:
        row = connection.execute(select(prices).where(prices.c.account == account, prices.c.metric == metric)).mappings().first()
    return StoredPrice(**{**row, "price": _PRICE.validate_json(row["price"])}) if row else None


def remove(account: str, metric: str, who: str) -> None:
    """Forgets the price of a metric."""
    with store().begin() as connection:
        connection.execute(delete(prices).where(prices.c.account == account, prices.c.metric == metric))
        audit.record(connection, who, "remove-price", metric, account)
