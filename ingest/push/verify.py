"""Proving a push: what was acknowledged is looked up in the account, event by event where its event type has our fields, else by counts and sums."""

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest.billing import BillingClient
from ingest.engine import engine, identifier, literal
from ingest.push.bodies import EVENTS
from ingest.push.plan import as_pushed, events_folder, ranges_sql
from ingest.push.readback import Held, as_text, count_of_import, fetch_ids, held, moment, sums_of_import
from ingest.store import accounts, pushes
from ingest.store.clock import now
from ingest.store.pushes import Push
from ingest.wording import count as count_of
from schemas.checking import Comparison
from schemas.event_type import OUR_FIELDS
from schemas.matching import MatchSpec
from schemas.pushing import CustomerDifference, Proof
from schemas.records import ImportRecord

SHOWN_DIFFERENCES = 50


def remember_before(push_id: str, *, client: BillingClient | None = None) -> None:
    """Where events can't be found by id, notes what the account holds before anything is sent."""
    push = pushes.get(push_id)
    record = as_pushed(push)
    if push.held_before or _by_event(record.match):
        return
    with _client(push, client) as own:
        pushes.change(push_id, held_before=as_text(_held(own, record, push)))


def verify(push_id: str, *, client: BillingClient | None = None, sleep: Callable[[float], None] = time.sleep) -> Proof:
    """Looks until everything is found or the account's deadline has passed. The proof says which it was."""
    push = pushes.get(push_id)
    record = as_pushed(push)
    deadline = accounts.same_account(push.account, push.ledger_name).profile.read_back_seconds
    with _client(push, client) as own:
        waited, pause = 0.0, 0.5
        while True:
            proof = _look(own, push, record)
            if proof.agrees or waited >= deadline:
                return proof
            sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 8.0)


def _look(client: BillingClient, push: Push, record: ImportRecord) -> Proof:
    with engine() as connection:
        _expected(connection, push)
        if _by_event(record.match):
            return _proof_by_event(client, connection, push, record)
        return _proof_by_counts(client, connection, push, record)


def _by_event(match: MatchSpec) -> bool:
    return all(match.event_type.has(name) for name in OUR_FIELDS)


def _expected(connection: duckdb.DuckDBPyConnection, push: Push) -> None:
    """Views `expected` (the acknowledged events of this push) and `ours` (those of every push of this import)."""
    for name, sources in (("expected", [push]), ("ours", [each for each in pushes.of_import(push.import_id) if each.event_type == push.event_type and each.ledger_name == push.ledger_name])):
        queries = " union all ".join(_acknowledged(each) for each in sources)
        connection.execute(f"create or replace temp table {name} as {queries}")


def _acknowledged(push: Push) -> str:
    batches = pushes.batches_of(push.id, states=("accepted",))
    where = ranges_sql([(batch.first, batch.events) for batch in batches])
    events = literal(events_folder(push) / EVENTS)
    return f"select event_id::varchar as event_id, customer_id, timestamp::date as day, file_row_number as n, {events} as source from read_parquet({events}, file_row_number=true) where {where}"


def _proof_by_event(client: BillingClient, connection: duckdb.DuckDBPyConnection, push: Push, record: ImportRecord) -> Proof:
    sent = connection.execute("select count(*) from ours").fetchone()[0]
    fetch_ids(client, push.event_type, push.import_id, sent, connection)
    expected, found = connection.execute("select count(*), count(*) filter (event_id in (select event_id from found)) from expected").fetchone()
    known = connection.execute("select count(*) from (select distinct event_id from found) where event_id in (select event_id from ours)").fetchone()[0]
    extra = count_of_import(client, push.event_type, push.import_id) - known  # counted apart: an event without our id is in no slice of ids
    comparisons = tuple(_sums(client, connection, push, record))
    agrees = expected == found and extra == 0 and all(each.agrees for each in comparisons if each.source == "account")
    return Proof(found=found, missing=expected - found, extra=extra, agrees=agrees, level="event", checked_at=now(), differences=tuple(_differences(connection)), comparisons=comparisons, note=_note(agrees, expected, found, extra))


def _differences(connection: duckdb.DuckDBPyConnection) -> Iterator[CustomerDifference]:
    rows = connection.execute(
        "select customer_id, count(*) as sent, coalesce(sum(copies), 0)::bigint as found from expected left join (select event_id, count(*) as copies from found group by 1) using (event_id)"
        f" group by 1 having sent <> found order by abs(sent - found) desc, 1 limit {SHOWN_DIFFERENCES}"
    ).fetchall()
    return (CustomerDifference(customer_id=customer, sent=sent, found=found) for customer, sent, found in rows)


def _sums(client: BillingClient, connection: duckdb.DuckDBPyConnection, push: Push, record: ImportRecord) -> Iterator[Comparison]:
    """Every numeric field's sum, ours against the account's, customer by customer; then the sender's own totals against the account's."""
    found_sums: dict[str, Decimal] = {}
    for field in _numeric_fields(connection, push):
        ours = _our_sums(connection, field)
        theirs = sums_of_import(client, push.event_type, push.import_id, field)
        off = sum(1 for customer in {*ours, *theirs} if ours.get(customer, Decimal(0)) != theirs.get(customer, Decimal(0)))
        found_sums[field] = sum(theirs.values(), Decimal(0))
        what = f"{field}: {count_of(off, 'customer differs', 'customers differ')}" if off else f"{field}, customer by customer"
        yield Comparison(what=what, expected=str(sum(ours.values(), Decimal(0))), found=str(found_sums[field]), agrees=not off, source="account", stage="proof")
    for field, expected in record.match.control_sums.items():
        if field in found_sums:
            yield Comparison(what=field, expected=expected, found=str(found_sums[field]), agrees=Decimal(expected) == found_sums[field], source="sender", stage="proof")
    if record.match.control_count is not None:
        found = connection.execute("select count(*) from found").fetchone()[0]
        yield Comparison(what="rows", expected=str(record.match.control_count), found=str(found), agrees=record.match.control_count == found, source="sender", stage="proof")


def _numeric_fields(connection: duckdb.DuckDBPyConnection, push: Push) -> list[str]:
    """Fields whose sum is exact on both sides: whole numbers and decimals."""
    wanted = {field.name for field in as_pushed(push).match.event_type.usage_fields if field.type in ("Int64", "Decimal")}
    rows = connection.execute(f"describe select * from read_parquet({literal(events_folder(push) / EVENTS)})").fetchall()
    return [row[0] for row in rows if row[0] in wanted]


def _our_sums(connection: duckdb.DuckDBPyConnection, field: str) -> dict[str, Decimal]:
    sources = [Path(row[0]) for row in connection.execute("select distinct source from ours").fetchall()]
    parts = " union all ".join(f"select customer_id, {identifier(field)} as value from read_parquet({literal(source)}, file_row_number=true) where file_row_number in (select n from ours where source = {literal(source)})" for source in sources)
    rows = connection.execute(f"select customer_id, sum(value) from ({parts}) group by 1").fetchall() if sources else []
    return {customer: Decimal(value) for customer, value in rows if value is not None}


def _proof_by_counts(client: BillingClient, connection: duckdb.DuckDBPyConnection, push: Push, record: ImportRecord) -> Proof:
    before: Held = json.loads(push.held_before) if push.held_before else {}
    after = _held(client, record, push)
    expected = connection.execute("select count(*) from expected").fetchone()[0]
    span = next(iter(after)) if len(after) == 1 else None
    ours = {(str(day), customer): count for day, customer, count in connection.execute("select day, customer_id, count(*) from expected group by 1, 2").fetchall()}
    wanted: dict[tuple[str, str], int] = {}
    for (day, customer), count in ours.items():
        wanted[span or day, customer] = wanted.get((span or day, customer), 0) + count
    grown = {(day, customer): int(values.get("count", 0)) - int(before.get(day, {}).get(customer, {}).get("count", 0)) for day, customers in after.items() for customer, values in customers.items()}
    missing = sum(max(0, count - grown.get(key, 0)) for key, count in wanted.items())
    extra = sum(max(0, count - wanted.get(key, 0)) for key, count in grown.items())
    sums = tuple(_sums_by_counts(connection, push, before, after))
    agrees = missing == 0 and extra == 0 and all(each.agrees for each in sums)
    return Proof(found=expected - missing, missing=missing, extra=extra, agrees=agrees, level="counts", checked_at=now(), comparisons=sums, note=_note(agrees, expected, expected - missing, extra))


def _sums_by_counts(connection: duckdb.DuckDBPyConnection, push: Push, before: Held, after: Held) -> Iterator[Comparison]:
    for field in _numeric_fields(connection, push):
        source = literal(events_folder(push) / EVENTS)
        expected = connection.execute(f"select coalesce(sum({identifier(field)}), 0) from read_parquet({source}, file_row_number=true) where file_row_number in (select n from expected)").fetchone()[0]
        found = _total(after, field) - _total(before, field)
        yield Comparison(what=field, expected=str(expected), found=str(found), agrees=Decimal(expected) == found, source="account", stage="proof")


def _total(what: Held, field: str) -> Decimal:
    return sum((Decimal(values[field]) for customers in what.values() for values in customers.values() if field in values), Decimal(0))


def _held(client: BillingClient, record: ImportRecord, push: Push) -> Held:
    with engine() as connection:
        fields = _numeric_fields(connection, push)
    return held(client, push.event_type, moment(record.check.first_timestamp), moment(record.check.last_timestamp), fields)


def _note(agrees: bool, sent: int, found: int, extra: int) -> str:
    if agrees:
        return f"Done and proven. {sent:,} sent, {found:,} found in the account, totals equal for every customer."
    if extra:
        return f"Not proven: the account holds {count_of(extra, 'event')} more than were sent."
    if sent == found:
        return f"Not proven: {sent:,} sent and {found:,} found, but totals differ."
    return f"Not proven yet: {sent:,} sent, {found:,} found. Don't upload again; we are checking."


class _client:  # noqa: N801
    """The given client, or one of our own that is closed afterwards."""

    def __init__(self, push: Push, given: BillingClient | None) -> None:
        self._given = given
        self._own = None if given else BillingClient(accounts.same_account(push.account, push.ledger_name))

    def __enter__(self) -> BillingClient:
        return self._given or self._own

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._own.close()
