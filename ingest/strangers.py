"""Customers of an import whom the account doesn't know: asked once where a client is at hand, and kept beside the import for its checks; mapped, created or left out for good."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingest import files
from ingest.errors import BadInput, Outside
from ingest.store import accounts, audit, customer_names, imports
from ingest.store.database import store
from schemas.base import Frozen
from schemas.pushing import UnknownCustomer
from schemas.records import ImportRecord

if TYPE_CHECKING:
    from ingest.billing import BillingClient
    from ingest.push.unknown import Customers

KEPT, KNOWN = "strangers.json", "known_customers.json"
STILL_KNOWN = timedelta(hours=1)
"""So long a customer whom the account knew isn't asked about again, as while somebody puts one row right after the other."""
CREATED_AT_ONCE = 50
MAX_NAME = 255


class Answer(Frozen):
    """What the account said: `asked` is False where it gave no answer."""

    asked: bool
    unknown: tuple[UnknownCustomer, ...] = ()
    too_many: int = 0
    """How many customers there are, where those are too many to ask about."""


class Known(Frozen):
    """The customers of an import whom an account knew when it was asked."""

    account: str
    at: datetime
    names: frozenset[str]


def answer(import_id: str) -> Answer | None:
    """What the account said when it was last asked; None where it never was."""
    kept = files.import_folder(import_id) / KEPT
    return Answer.model_validate_json(kept.read_bytes()) if kept.exists() else None


def known_as(import_id: str) -> dict[str, str]:
    """The customers whom the account didn't know when it was last asked, each with the known one that may be meant or an empty text."""
    said = answer(import_id)
    return {name: each.meant for each in said.unknown for name in each.names} if said else {}


def look_up(record: ImportRecord) -> bool:
    """Asks the account for the customers of a checked import; whether that is news, so that it has to be checked again. An account that gives no answer is noted, and holds nothing up."""
    from ingest.billing import BillingClient
    from ingest.push.unknown import ASKED, customers_of

    if record.check is None or not record.check.rows.read:
        return False
    rows = customers_of(record)
    if len(rows) > ASKED:
        return _is_news(record.id, Answer(asked=True, too_many=len(rows)))
    if rows.keys() <= _surely_known(record):
        return _is_news(record.id, Answer(asked=True))
    try:
        with BillingClient(accounts.account(record.account), timeout=5, sleep=lambda _seconds: None) as client:
            return _is_news(record.id, _ask(record, rows, client))
    except Outside:
        _keep(record.id, Answer(asked=False, unknown=said.unknown if (said := answer(record.id)) else ()))
        return False


def _ask(record: ImportRecord, rows: "Customers", client: "BillingClient") -> Answer:
    """What the account says of those who aren't known yet. In an account without any customers nobody can be unknown."""
    from ingest.push.unknown import unknown_customers

    found = unknown_customers(rows, client, record.account, _surely_known(record))
    known = Known(account=record.account, at=datetime.now(UTC), names=rows.keys() - {name for each in found for name in each.names})
    files.write_whole(files.import_folder(record.id) / KNOWN, known.model_dump_json().encode())
    if found and not any(each.meant for each in found) and next(iter(client.customers()), None) is None:
        found = ()
    return Answer(asked=True, unknown=found)


def _surely_known(record: ImportRecord) -> frozenset[str]:
    """The customers whom the account knew shortly ago."""
    kept = files.import_folder(record.id) / KNOWN
    known = Known.model_validate_json(kept.read_bytes()) if kept.exists() else None
    return known.names if known and known.account == record.account and datetime.now(UTC) - known.at < STILL_KNOWN else frozenset()


def _is_news(import_id: str, said: Answer) -> bool:
    """Keeps what was said; whether it is other than before."""
    before = known_as(import_id)
    _keep(import_id, said)
    return known_as(import_id) != before


def create(account_name: str | None, names: Collection[str], who: str, *, customer_name: str = "") -> list[dict[str, object]]:
    """Creates customers in the account, each with its name in the files as external id; as the account made them. Raises BadInput for one that it knows already, and for too many at once."""
    from ingest.billing import BillingClient

    account, wanted = accounts.account(account_name), [name.strip() for name in names]
    if not wanted or not all(wanted) or any(len(name) > MAX_NAME for name in wanted):
        raise BadInput(f"A customer needs an id of at most {MAX_NAME} characters.", "Give the id that the files call it by.")
    if len(wanted) > CREATED_AT_ONCE:
        raise BadInput(f"{len(wanted):,} customers are too many to create at once.", f"Create up to {CREATED_AT_ONCE} at a time.")
    with BillingClient(account) as client:
        if known := client.known_customers(wanted):
            raise BadInput(f"The account {account.name!r} knows {min(known)!r} already.", "Check the file again: it is known then.")
        return [_create(client, account.name, name, customer_name.strip() or name, who) for name in wanted]


def means(account_name: str, names: Collection[str], customer_id: str, who: str) -> list[str]:
    """Notes for the whole account which of its customers these names mean; the imports that have to be checked again. Raises BadInput for a customer that the account doesn't know."""
    from ingest.billing import BillingClient

    with BillingClient(accounts.account(account_name)) as client:
        if not client.known_customers([customer_id.strip()]):
            raise BadInput(f"The account {account_name!r} doesn't know {customer_id.strip()!r} either.", "Give the id or external id of a customer that it knows, or create the customer.")
    return _say(account_name, dict.fromkeys(names, customer_id), who)


def never_billed(account_name: str, names: Collection[str], who: str) -> list[str]:
    """Notes for the whole account that the usage of a customer of these names is never billed; the imports that have to be checked again."""
    return _say(account_name, dict.fromkeys(names), who)


def welcome(account_name: str, new: Collection[UnknownCustomer], who: str, *, customer_name: str = "") -> list[str]:
    """Creates customers in the account and notes how else files write them; the imports that have to be checked again. Raises as `create` does."""
    create(account_name, [each.customer_id for each in new], who, customer_name=customer_name)
    return _say(account_name, {name: each.customer_id for each in new for name in each.spellings}, who)


def _say(account_name: str, meant: Mapping[str, str | None], who: str) -> list[str]:
    """Notes what each name means (None: never billed); the imports that have to be checked again, none where nothing was said."""
    for name, customer_id in meant.items():
        customer_names.say(account_name, name, customer_id, who)
    return imports.check_again(account_name) if meant else []


def forget(account_name: str, name: str, who: str) -> list[str]:
    """Takes a name off the account's list; the imports that have to be checked again."""
    customer_names.forget(account_name, name, who)
    return imports.check_again(account_name)


def _create(client: "BillingClient", account: str, external_id: str, customer_name: str, who: str) -> dict[str, object]:
    made = client.create_customer(customer_name, external_id=external_id)
    with store().begin() as connection:
        audit.record(connection, who, "create-customer", account, f"{external_id}: {customer_name}")
    return made


def _keep(import_id: str, said: Answer) -> None:
    files.write_whole(files.import_folder(import_id) / KEPT, said.model_dump_json().encode())
