"""Billable metrics in the store, per account: every version stays, and what the account has of each is noted beside it."""

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import metrics, prices, registrations
from schemas.metric import Metric, StoredMetric


def save(account: str, metric: Metric, who: str) -> StoredMetric:
    """Stores a metric as the next version of its name; the same metric again is the version that is there."""
    with store().begin() as connection:
        last = connection.execute(_newest(account).where(metrics.c.name == metric.name)).mappings().first()
        if last is None or Metric.model_validate_json(last["metric"]) != metric:
            version = last["version"] + 1 if last else 1
            connection.execute(insert(metrics).values(account=account, name=metric.name, version=version, metric=metric.model_dump_json(), who=who, at=now()))
            audit.record(connection, who, "metric", metric.name, f"{account}, version {version}")
    return get(account, metric.name)


def get(account: str, name: str) -> StoredMetric:
    """A metric in its newest version. Raises BadInput with the known names for one that isn't there."""
    with store().connect() as connection:
        row = connection.execute(_newest(account).where(metrics.c.name == name)).mappings().first()
    if row is None:
        known = ", ".join(each.metric.name for each in listed(account)) or "none yet"
        raise BadInput(f"The account {account!r} has no metric {name!r} here.", f"There are: {known}.")
    return _stored(row)


def listed(account: str) -> list[StoredMetric]:
    """Every metric of an account in its newest version, by name."""
    with store().connect() as connection:
        return [_stored(row) for row in connection.execute(_newest(account)).mappings()]


def mark_registered(account: str, metric: Metric, aggregate_id: str, who: str) -> StoredMetric:
    """Notes that the account has this definition now, under that id."""
    with store().begin() as connection:
        _forget_registration(connection, account, metric.name)
        connection.execute(insert(registrations).values(account=account, name=metric.name, aggregate_id=aggregate_id, metric=metric.model_dump_json(), who=who, at=now()))
        audit.record(connection, who, "register-metric", metric.name, f"{account}, {aggregate_id}")
    return get(account, metric.name)


def forget_registration(account: str, name: str, who: str) -> None:
    """Notes that the account doesn't have a metric any more."""
    with store().begin() as connection:
        _forget_registration(connection, account, name)
        audit.record(connection, who, "unregister-metric", name, account)


def remove(account: str, name: str, who: str) -> None:
    """Forgets a metric with all its versions and its price; what the account has of it stays there. Raises BadInput where it isn't known."""
    get(account, name)
    with store().begin() as connection:
        _forget_registration(connection, account, name)
        connection.execute(delete(metrics).where(metrics.c.account == account, metrics.c.name == name))
        connection.execute(delete(prices).where(prices.c.account == account, prices.c.metric == name))
        audit.record(connection, who, "remove-metric", name, account)


def _forget_registration(connection: Connection, account: str, name: str) -> None:
    connection.execute(delete(registrations).where(registrations.c.account == account, registrations.c.name == name))


def _newest(account: str) -> Select:
    """The newest version of each metric of an account, with what is registered of it."""
    last = select(metrics.c.name, func.max(metrics.c.version).label("version")).where(metrics.c.account == account).group_by(metrics.c.name).subquery()
    beside = (registrations.c.account == metrics.c.account) & (registrations.c.name == metrics.c.name)
    wanted = select(metrics, registrations.c.aggregate_id, registrations.c.metric.label("registered"))
    return wanted.join(last, (metrics.c.name == last.c.name) & (metrics.c.version == last.c.version)).outerjoin(registrations, beside).where(metrics.c.account == account).order_by(metrics.c.name)


def _stored(row: RowMapping) -> StoredMetric:
    registered = Metric.model_validate_json(row["registered"]) if row["registered"] else None
    return StoredMetric(**{key: row[key] for key in ("account", "who", "at", "version", "aggregate_id")}, metric=Metric.model_validate_json(row["metric"]), registered=registered)
