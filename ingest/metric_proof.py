"""After a push: does a registered metric come to the same in the account as here? Customer by customer, over the days of the push.

Ours is the preview over the events that were sent, where the account holds nothing else of these customers and days; else over what the account holds, read back. Which it was is said.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ingest import held, push
from ingest.billing import BillingClient
from ingest.engine import identifier, literal
from ingest.errors import BadInput, IngestError, NotReady
from ingest.metric.events import Events, in_table, opened
from ingest.metric.run import preview
from ingest.push.plan import events_folder
from ingest.store import accounts, metrics, pushes
from ingest.store.pushes import Push
from ingest.wording import count
from schemas.account import Account
from schemas.billing import Filter
from schemas.event_type import EventType
from schemas.metric import Estimate, Metric, MetricPreviewSpec, StoredMetric
from schemas.pushing import MetricDifference, MetricProof, Receipt

MOST_CUSTOMERS = 200
MOST_READ_BACK = 200_000
MOST_GROUPS = 1_000_000
SHOWN_DIFFERENCES = 50
FOREVER = "2299-12-31"
CUSTOMER, QUANTITY = "customer_id", "quantity"
DOUBLE_DIGITS = 17
"""A number of no more digits may have passed through a float on its way."""


@dataclass(frozen=True)
class Sent:
    """What a push sent, as a metric sees it; days in its zone."""

    first: str
    last: str
    customers: tuple[str, ...]
    """Whom the metric counts for, those with the most events first."""
    events: dict[str, int]
    """How many events each customer_id has."""


def compare(push_id: str) -> Receipt | None:
    """The receipt with what the account's metrics make of these events; None while there is none, or nothing to compare. A metric that can't be compared says why."""
    sent, account = pushes.get(push_id), _account(push_id)
    registered = [each for each in metrics.listed(account.name) if each.registered and each.registered.event_type == sent.event_type]
    if sent.receipt is None or not sent.receipt.events.accepted or not registered:
        return None
    with BillingClient(account) as client:
        made = push.receipt(push_id).model_copy(update={"metrics": tuple(_compared(client, account, sent, each) for each in registered)})
    pushes.change(push_id, receipt=made.model_dump_json())
    return made


def note_failure(push_id: str, why: str) -> None:
    """Says on the receipt that metrics weren't compared."""
    made = push.receipt(push_id).model_copy(update={"metrics": (MetricProof(name="", note=why),)})
    pushes.change(push_id, receipt=made.model_dump_json())


def _account(push_id: str) -> Account:
    record = pushes.get(push_id)
    return accounts.same_account(record.account, record.ledger_name)


def _compared(client: BillingClient, account: Account, record: Push, stored: StoredMetric) -> MetricProof:
    metric, name = stored.registered, stored.metric.name
    try:
        event_type = client.event_type(record.event_type)
        if event_type is None:
            raise BadInput(f"The account {account.name!r} doesn't know the event type {record.event_type!r} any more.")
        own = Events(event_type, account.profile, imports=((record.import_id, events_folder(record)),))
        sent = _sent(own, metric)
        events, basis = _countable(client, account, event_type, own, metric, sent)
        ids = client.customer_ids(sent.customers[:MOST_CUSTOMERS])
        ours = _ours(account, events, metric, sent)
        theirs = _theirs(client, account, stored.aggregate_id, ids, sent)
    except IngestError as error:
        return MetricProof(name=name, note=f"Not compared: {error}")
    differences = [found for customer in theirs if (found := _difference(customer, ours.get(customer, {}), theirs[customer]))]
    return MetricProof(
        name=name, customers=len(theirs), agree=len(theirs) - len(differences), first=sent.first, last=sent.last,
        differences=tuple(differences[:SHOWN_DIFFERENCES]), note=" ".join(_notes(basis, sent, len(ids))),
    )


def _notes(basis: str, sent: Sent, known: int) -> Iterator[str]:
    yield basis
    asked = min(len(sent.customers), MOST_CUSTOMERS)
    if len(sent.customers) > asked:
        yield f"The {asked} customers with the most events were compared, of {len(sent.customers):,}."
    if known < asked:
        yield f"{count(asked - known, 'customer')} couldn't be compared: the account doesn't know {'it' if asked - known == 1 else 'them'}."


def _sent(own: Events, metric: Metric) -> Sent:
    """The days in the metric's zone, and the customers by the field that names them."""
    when, who = identifier(in_table(metric.date)), identifier(in_table(metric.customer.field))
    with opened(own, metric.date, metric.zone) as found:
        table = identifier(found.table.name)
        is_date = found.table.columns.get(in_table(metric.date)) == "Nullable(Date32)"
        day = when if is_date else f"timezone({literal(metric.zone)}, timezone('UTC', {when}))::date"
        first, last = found.connection.execute(f"select min({day})::varchar, max({day})::varchar from (select min({when}) as {when} from {table} union all select max({when}) from {table})").fetchone()
        customers, events = (dict(found.connection.execute(f"select {each}::varchar, count(*) from {table} where {each} is not null group by 1 order by 2 desc, 1").fetchall()) for each in (who, CUSTOMER))
    if first is None:
        raise BadInput(f"None of these events has a {metric.date}.")
    return Sent(first, last, tuple(customers), events)


def _countable(client: BillingClient, account: Account, event_type: EventType, own: Events, metric: Metric, sent: Sent) -> tuple[Events, str]:
    """The events that both sides count, and which these are: those that were sent, where the account holds nothing else that could count."""
    first, last = (None, FOREVER) if _looks_everywhere(metric) else _utc_days(sent, metric.zone)
    holds = _counts(client, event_type.slug, first, last)
    if holds == sent.events or metric.customer.field == CUSTOMER and all(holds.get(customer) == events for customer, events in sent.events.items()):
        return own, "Over the events that were sent; the account holds no others of these customers and days."
    if (total := sum(holds.values())) > MOST_READ_BACK:
        raise NotReady(f"the account holds {total:,} events of these days, also from elsewhere. That is more than the {MOST_READ_BACK:,} that are read back for this.")
    read = held.read(account, event_type, first, last)
    return Events(event_type, account.profile, held=held.path_of(read)), f"Over the {read.events:,} events of these days that the account holds, also from elsewhere."


def _looks_everywhere(metric: Metric) -> bool:
    """Whether events of other times may count: a level holds until the next event, another date decides, or SQL says something of its own."""
    return metric.sql is not None or metric.function == "weighted_sum" or metric.date != "timestamp"


def _utc_days(sent: Sent, zone: str) -> tuple[str, str]:
    """Days in UTC that hold all of the days in the zone."""
    around = timedelta(days=0 if zone == "UTC" else 1)
    return str(date.fromisoformat(sent.first) - around), str(date.fromisoformat(sent.last) + around)


def _counts(client: BillingClient, slug: str, first: str | None, last: str) -> dict[str, int]:
    filters = [Filter(column="timestamp", operator="gte", value=f"{first} 00:00:00"), Filter(column="timestamp", operator="lte", value=f"{last} 23:59:59.999999")] if first else []
    return {str(row[CUSTOMER]): int(row["value"]) for row in client.aggregate(slug, "COUNT", "timestamp", group_by=(CUSTOMER,), filters=filters)}


def _ours(account: Account, events: Events, metric: Metric, sent: Sent) -> dict[str, Estimate]:
    """Our quantities by customer and dimension."""
    spec = MetricPreviewSpec(start=sent.first, end=sent.last, by=("customer", *metric.group_by), limit=MOST_GROUPS)
    made = preview(events, metric, spec, held.read_customers(account) if metric.sql else None)
    if made.capped:
        raise NotReady(f"it has more than {MOST_GROUPS:,} quantities.")
    ours: dict[str, Estimate] = {}
    for row in made.table.to_pylist():
        dimension = tuple(_as_json_has_it(value) for name, value in row.items() if name not in (CUSTOMER, QUANTITY))
        ours.setdefault(str(row[CUSTOMER]), {})[dimension] = _number(row[QUANTITY])
    return ours


def _as_json_has_it(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str | None) -> Decimal | None:
    number = Decimal(text) if text is not None else None
    return number if number is not None and number.is_finite() else None


def _theirs(client: BillingClient, account: Account, aggregate_id: str, ids: Mapping[str, str], sent: Sent) -> dict[str, Estimate]:
    """The account's quantities, asked for customer by customer."""
    with ThreadPoolExecutor(account.profile.connections) as pool:
        asked = {name: pool.submit(client.estimate, aggregate_id, customer_id, sent.first, sent.last) for name, customer_id in ids.items()}
        try:
            return {name: each.result() for name, each in asked.items()}
        except IngestError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _difference(customer: str, ours: Estimate, theirs: Estimate) -> MetricDifference | None:
    """The first dimension for which the two say something else. A dimension that isn't there has a quantity of nothing."""
    for dimension in dict.fromkeys([*ours, *theirs]):
        mine, given = ours.get(dimension, Decimal(0)), theirs.get(dimension, Decimal(0))
        if not same(mine, given):
            return MetricDifference(customer_id=customer, ours=_text(mine), theirs=_text(given), dimension=dimension)
    return None


def same(ours: Decimal | None, theirs: Decimal | None) -> bool:
    """Whether the account says our number: exactly, or as the nearest float, where it has no more digits than a float gives."""
    if ours is None or theirs is None or ours == theirs:
        return ours == theirs
    return len(theirs.normalize().as_tuple().digits) <= DOUBLE_DIGITS and float(ours) == float(theirs)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
