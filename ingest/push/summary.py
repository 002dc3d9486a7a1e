"""What will happen, before anything is sent."""

from datetime import datetime

from ingest import ledger
from ingest.billing import BillingClient
from ingest.deciding import reasons_not_to
from ingest.engine import engine, literal
from ingest.files import stage_folder
from ingest.push.bodies import EVENTS
from ingest.push.readback import count_by_customer, moment
from ingest.push.unknown import ASKED, customers_of, unknown_customers
from ingest.store import accounts, imports, pushes
from schemas.account import Account
from schemas.pushing import PushSummary
from schemas.records import ImportRecord

SHOWN_CUSTOMERS = 20
TELLING = 5_000
"""Events of a push whose speed says something; a smaller one is mostly setting up and looking back."""
FIRST_GUESS = 5_000.0
"""Events a second, where nothing was sent to the account before."""


def summary(import_id: str, *, client: BillingClient | None = None) -> PushSummary:
    """The numbers a person decides on; asks the account what it holds already. Raises Outside errors where it can't be asked."""
    record = imports.get(import_id)
    account = accounts.account(record.account)
    events = record.check.rows.accepted if record.check else 0
    result = PushSummary(
        account=account.name, account_kind=account.kind, event_type=record.event_type or "", events=events, customers=record.check.customers if record.check else 0,
        first_timestamp=record.check and record.check.first_timestamp, last_timestamp=record.check and record.check.last_timestamp,
        batches=-(-events // account.profile.batch_events), seconds=_seconds(account, events), rows=record.check.rows, reasons_not_to=reasons_not_to(record),
    )
    if not events:
        return result
    if client:
        return result.model_copy(update=_account_knows(client, record, account))
    with BillingClient(account) as own:
        return result.model_copy(update=_account_knows(own, record, account))


def _account_knows(client: BillingClient, record: ImportRecord, account: Account) -> dict[str, object]:
    first, last = moment(record.check.first_timestamp), moment(record.check.last_timestamp)
    customers, named = _customers(record), customers_of(record)
    holds = count_by_customer(client, record.event_type, first, last)
    held = sum(count for customer, count in holds.items() if customer in customers)
    unknown = unknown_customers(named, client, record.account)
    return {
        "held": held, "held_elsewhere": max(0, held - _sent_from_here(record, account, customers, first, last)),
        "unknown_customers": tuple(each.customer_id for each in unknown[:SHOWN_CUSTOMERS]), "unknown_customer_count": len(unknown), "customers_not_looked_up": len(named) if len(named) > ASKED else 0,
        "meant_customers": tuple(each for each in unknown if each.meant)[:SHOWN_CUSTOMERS],
    }


def _customers(record: ImportRecord) -> set[str]:
    _, check_key = imports.pointers(record.id)
    events = stage_folder(record.id, "check", check_key) / EVENTS
    with engine() as connection:
        return {row[0] for row in connection.execute(f"select distinct customer_id from read_parquet({literal(events)})").fetchall()}


def _sent_from_here(record: ImportRecord, account: Account, customers: set[str], first: datetime, last: datetime) -> int:
    on_their_way = {push.id for push in pushes.in_state("queued", "planning", "sending", "verifying", "waiting")}
    files = [file for file in ledger.ledger_files(account.ledger_name, record.event_type) if file.stem not in on_their_way]
    with engine() as connection:
        return connection.execute(
            f"select count(*) from ({ledger.ledger_query(files)}) where customer_id in (select unnest(?::varchar[])) and timestamp >= ?::timestamp::date and timestamp < ?::timestamp::date + 1",
            [sorted(customers), first.replace(tzinfo=None), last.replace(tzinfo=None)],
        ).fetchone()[0]


def _seconds(account: Account, events: int) -> float:
    """How long it will take: as fast as the last push to this account, which counted in its proof, or a careful guess."""
    last = pushes.last_finished(account.ledger_name, events=TELLING)
    speed = FIRST_GUESS
    if last and last.ended_at and last.events:
        took = (datetime.fromisoformat(last.ended_at) - datetime.fromisoformat(last.started_at)).total_seconds()
        speed = max(100.0, last.events / max(took, 0.5))
    return round(1 + events / speed, 1)
