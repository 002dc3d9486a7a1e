"""Customers of an import whom the account doesn't know, each with the known one whose name is nearly the same."""

import re
from collections.abc import Collection, Iterable

from rapidfuzz import fuzz, process

from ingest.billing import BillingClient
from ingest.engine import engine, literal
from ingest.files import stage_folder
from ingest.push.bodies import EVENTS
from ingest.store import imports
from schemas.pushing import UnknownCustomer
from schemas.records import ImportRecord

ALIKE = 85
"""From so many points of 100 on, two names may be one customer's."""
ASKED = 2_000
"""More customers than this aren't looked up before sending."""


def unknown_customers(record: ImportRecord, client: BillingClient) -> tuple[UnknownCustomer, ...]:
    """By name; none where there are too many customers to ask about. Asks for the names of all customers only where some are unknown."""
    rows = {customer: (count, first) for customer, count, first in _customers(record)}
    if len(rows) > ASKED:
        return ()
    unknown = sorted(set(rows) - client.known_customers(rows))
    meant = nearest(unknown, _names(client)) if unknown else {}
    return tuple(UnknownCustomer(customer_id=customer, rows=rows[customer][0], first_row=rows[customer][1], meant=meant.get(customer, "")) for customer in unknown)


def nearest(unknown: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """For each unknown name the known one that is nearly the same, where there is one. Names with other digits are other names: cus_101 is no slip of cus_102."""
    by_digits: dict[str, dict[str, str]] = {}
    for name in sorted(known):
        by_digits.setdefault(_digits(name), {})[_folded(name)] = name
    found = {}
    for name in unknown:
        choices = by_digits.get(_digits(name), {})
        match = process.extractOne(_folded(name), choices.keys(), scorer=fuzz.ratio, score_cutoff=ALIKE)
        if match:
            found[name] = choices[match[0]]
    return found


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def _folded(name: str) -> str:
    return re.sub(r"\s", "", name).casefold()


def _names(client: BillingClient) -> set[str]:
    return {str(name) for customer in client.customers() for name in (customer.get("external_id"), customer.get("id")) if name}


def _customers(record: ImportRecord) -> list[tuple[str, int, int]]:
    _, check_key = imports.pointers(record.id)
    events = stage_folder(record.id, "check", check_key) / EVENTS
    with engine() as connection:
        return connection.execute(f"select customer_id, count(*), min(_row) from read_parquet({literal(events)}) group by 1").fetchall()
