"""Billable metrics ⇄ an account: registering ours, and reading those that it has, whoever made them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pydantic import ValidationError

from ingest import clickhouse
from ingest.billing import BillingClient
from ingest.clickhouse import Table, table_of
from ingest.errors import BadInput, NameTaken
from ingest.metric import define, recognise
from ingest.store import accounts, metrics
from schemas.account import STORED_EVENTS, Account
from schemas.metric import AccountMetric, AggregateBody, Metric, Registered, StoredMetric

OURS = "usage_intake"
"""Where a definition of ours stands in what the account keeps for its own builder."""
TABLES = "raw_metric_"
TABLE = re.compile(rf"{TABLES}[A-Za-z0-9_-]+", re.IGNORECASE)


def register(account_name: str, name: str, who: str, *, take_over: bool = False, datasource: str | None = None, client: BillingClient | None = None) -> StoredMetric:
    """Makes a metric known to its account, or brings what the account has of it up to date.

    A metric of that name which the account has from elsewhere is left alone (BadInput) unless it is taken over; one that says just the same is recognised, so that a request whose answer got
    lost can be made again. Raises Outside where the account can't be asked or refuses; then nothing is noted here.
    """
    account, stored = accounts.account(account_name), metrics.get(account_name, name)
    with _connected(account, client) as connected:
        known = connected.aggregates()
        body = body_of(stored.metric, _table(connected, account, stored.metric.event_type), datasource or _datasource(account, known))
        aggregate_id = _placed(connected, stored, known, body, take_over)
    return metrics.mark_registered(account_name, stored.metric, aggregate_id, who)


def in_account(account_name: str, *, client: BillingClient | None = None) -> list[AccountMetric]:
    """Every metric that an account has, newest first, each with a definition for previews where there is one."""
    account = accounts.account(account_name)
    with _connected(account, client) as connected:
        known, types = connected.aggregates(), connected.event_types()
    tables = {each.slug: table_of(each, account.profile) for each in types}
    names = {each.aggregate_id: each.metric.name for each in metrics.listed(account_name)}
    return [_read(each, tables, names.get(each.id)) for each in known]


def bring(account_name: str, aggregate_id: str, who: str, *, client: BillingClient | None = None) -> StoredMetric:
    """Takes a metric of the account over here, so that it can be previewed, changed and registered again. Raises BadInput where that can't be done."""
    found = next((each for each in in_account(account_name, client=client) if each.registered.id == aggregate_id), None)
    if found is None:
        raise BadInput(f"The account {account_name!r} has no such metric any more.", "List its metrics again.")
    if found.metric is None:
        raise BadInput(f"{found.registered.name!r} can't be used here: {found.note}")
    if found.registered_as:
        return metrics.get(account_name, found.registered_as)
    if any(each.metric.name == found.metric.name for each in metrics.listed(account_name)):
        raise BadInput(f"There is another metric called {found.metric.name!r} here.", "Remove that one first, or register it and take over the account's.")
    metrics.save(account_name, found.metric, who)
    return metrics.mark_registered(account_name, found.metric, aggregate_id, who)


def body_of(metric: Metric, table: Table, datasource: str) -> AggregateBody:
    """What the account is told. Raises BadInput where the metric doesn't fit the table."""
    across, one = define.registered(metric, table)
    return AggregateBody(name=metric.name, dataschema=_dataschema(one, table), aggregation_query=across, cust_agg_query=one, visual_query_builder={OURS: metric.model_dump(mode="json", exclude_defaults=True)}, datasource=datasource)


def _dataschema(sql: str, table: Table) -> str:
    return json.dumps({"fields": [{"name": name, "type": kind} for name, kind in clickhouse.result_of(sql, [table]).items()]})


def _placed(client: BillingClient, stored: StoredMetric, known: Sequence[Registered], body: AggregateBody, take_over: bool) -> str:
    """The account's id of the metric, after it was created or changed there."""
    found = next((each for each in known if each.id == stored.aggregate_id), None) or _namesake(stored, known, body, take_over)
    if found is None:
        return client.create_aggregate(body).id
    if not _says_the_same(found, body):
        client.update_aggregate(found.id, body)
    return found.id


def _namesake(stored: StoredMetric, known: Sequence[Registered], body: AggregateBody, take_over: bool) -> Registered | None:
    """The account's metric of that name: one that says the same, or that may be taken over."""
    elsewhere = {each.aggregate_id: each.metric.name for each in metrics.listed(stored.account)}
    namesakes = [each for each in known if each.name == body.name]
    if same := next((each for each in namesakes if _says_the_same(each, body) and each.id not in elsewhere), None):
        return same
    if not namesakes:
        return None
    if taken := next((elsewhere[each.id] for each in namesakes if each.id in elsewhere), None):
        raise BadInput(f"The account calls the metric {taken!r} of ours {body.name!r}.", "Give this one another name.")
    if not take_over or len(namesakes) > 1:
        if len(namesakes) > 1:
            raise BadInput(f"The account already has {len(namesakes)} metrics called {body.name!r}, made elsewhere.", "Give yours another name.")
        raise NameTaken(f"The account already has a metric called {body.name!r}, made elsewhere.", "Give yours another name, or take that one over: its SQL is then replaced by yours.")
    return namesakes[0]


def _says_the_same(one: AggregateBody, other: AggregateBody) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in AggregateBody.model_fields)


def _datasource(account: Account, known: Sequence[Registered]) -> str:
    """The account's setting; where nobody changed it, what its other metrics over stored events have."""
    given = account.profile.datasource
    if given != STORED_EVENTS:
        return given
    return next((each.datasource for each in known if each.datasource and TABLES in each.cust_agg_query), given)


def _table(client: BillingClient, account: Account, slug: str) -> Table:
    event_type = client.event_type(slug)
    if event_type is None:
        raise BadInput(f"{client.called} has no event type {slug!r}.", "Create it there first, or choose another one for the metric.")
    return table_of(event_type, account.profile)


def _read(registered: Registered, tables: Mapping[str, Table], registered_as: str | None) -> AccountMetric:
    try:
        return AccountMetric(registered=registered, metric=_definition(registered, tables), registered_as=registered_as)
    except BadInput as error:
        return AccountMetric(registered=registered, registered_as=registered_as, note=str(error))


def _definition(registered: Registered, tables: Mapping[str, Table]) -> Metric:
    """The definition of ours that came with it, where its SQL still is what that one makes; else the one that its SQL shows, else its SQL. Raises BadInput where it can't be previewed."""
    slug, table = _table_read(registered, tables)
    clickhouse.result_of(registered.cust_agg_query, [table])
    ours = _noted(registered)
    if ours and ours.event_type == slug and _same_sql(define.registered(ours, table), registered):
        return ours.model_copy(update={"name": _name(registered)})
    shown = recognise.definition(registered.cust_agg_query, table, _name(registered))
    return shown or Metric(name=_name(registered), event_type=slug, sql=registered.cust_agg_query)


def _noted(registered: Registered) -> Metric | None:
    try:
        return Metric.model_validate(registered.visual_query_builder.get(OURS))
    except ValidationError:
        return None


def _same_sql(ours: Sequence[str], registered: Registered) -> bool:
    """Whether both queries are what our definition makes, however they are laid out."""
    return [clickhouse.parse(each) for each in ours] == [clickhouse.parse(each) for each in (registered.aggregation_query, registered.cust_agg_query)]


def _table_read(registered: Registered, tables: Mapping[str, Table]) -> tuple[str, Table]:
    """The one event type that a query reads."""
    named = {name.lower() for name in TABLE.findall(registered.cust_agg_query)}
    read = [(slug, table) for slug, table in tables.items() if table.name.lower() in named]
    if len(read) != 1:
        raise BadInput("It reads several event types." if read else "It reads no event type of the account.", "Only metrics over one event type can be previewed here.")
    return read[0]


def _name(registered: Registered) -> str:
    return registered.name.strip()[:100].strip() or registered.id


@contextmanager
def _connected(account: Account, given: BillingClient | None) -> Iterator[BillingClient]:
    if given:
        yield given
        return
    with BillingClient(account) as own:
        yield own
