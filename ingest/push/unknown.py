"""Customers of an import whom the account doesn't know, each with the known one whose name is nearly the same."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from unicodedata import normalize

from rapidfuzz import fuzz, process

from ingest.aside import set_aside
from ingest.billing import BillingClient
from ingest.deciding import CUSTOMERS
from ingest.engine import engine, literal
from ingest.files import stage_folder
from ingest.push.bodies import EVENTS
from ingest.store import customer_names, imports
from schemas.pushing import UnknownCustomer
from schemas.records import ImportRecord

ALIKE = 85
"""From so many points of 100 on, two names may be one customer's."""
LEGAL_FORMS = frozenset({"ag", "bv", "co", "corp", "corporation", "gmbh", "inc", "incorporated", "kg", "limited", "llc", "llp", "ltd", "mbh", "nv", "oy", "plc", "pty", "sa", "sarl", "sas", "se", "spa", "srl", "ug"})
Customers = Mapping[str, tuple[int, int]]
ASKED, COMPARED = 50_000, 20_000_000
"""More customers than the first aren't looked up, which is said; names are held against known ones in no more pairs than the second, those with the fewest rows first, since a slip is rare."""


def unknown_customers(rows: Customers, client: BillingClient, account: str, surely: Collection[str] = ()) -> tuple[UnknownCustomer, ...]:
    """By name; none where there are too many customers to ask about. Doesn't ask for those who are `surely` known, and for the names of all customers only where some are unknown."""
    if len(rows) > ASKED:
        return ()
    asked = set(rows) - set(surely)
    unknown = sorted(asked - client.known_customers(asked))
    known = list(_names(client, account)) if unknown else []
    meant = nearest(sorted(unknown, key=lambda name: rows[name][0])[: COMPARED // max(1, len(known))], known)
    return tuple(_unknown(sorted(names, key=lambda name: (-rows[name][0], name)), rows, meant) for names in _alike(unknown))


def _alike(names: Iterable[str]) -> list[list[str]]:
    """Names that differ only in capitals and spaces, where they have several words also in signs and accents, are one customer's."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_spelt(name), []).append(name)
    return list(found.values())


def _spelt(name: str) -> str:
    """The same for all spellings of a name; in an id, which is one word, each sign has a meaning."""
    folded = "".join(name.casefold().split())
    letters = "".join(each for each in normalize("NFKD", folded) if each.isalnum())
    return letters if len(name.split()) > 1 and name.strip()[0].isalpha() else folded


def _unknown(names: Sequence[str], rows: Customers, meant: Mapping[str, tuple[str, str]]) -> UnknownCustomer:
    """One customer by all its names in the file, the most frequent first."""
    found = next((meant[name] for name in names if name in meant), None)
    known = {"meant": found[0], "meant_name": found[1]} if found else {}
    return UnknownCustomer(customer_id=names[0], rows=sum(rows[name][0] for name in names), first_row=min(rows[name][1] for name in names), spellings=tuple(names[1:]), **known)


def nearest(unknown: Iterable[str], known: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """For each unknown name the known customer, as (id, what it is called), one of whose names is nearly the same, where there is exactly one. Names with other digits are other names: cus_101 is no slip of cus_102."""
    by_digits: dict[str, dict[str, set[tuple[str, str]]]] = {}
    for text, customer_id in known:
        by_digits.setdefault(_digits(text), {}).setdefault(_folded(text), set()).add((customer_id, text))
    found = {}
    for name in unknown:
        choices = by_digits.get(_digits(name), {})
        match = process.extractOne(_folded(name), choices.keys(), scorer=fuzz.ratio, score_cutoff=ALIKE)
        meant = choices[match[0]] if match else set()
        if len({customer_id for customer_id, _ in meant}) == 1:
            found[name] = min(meant)
    return found


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def _folded(name: str) -> str:
    """A name without spaces, capitals, and the legal form behind a company's."""
    words = re.split(r"[\s,.]+", name.strip().casefold())
    kept = [word for word in words if word and word not in LEGAL_FORMS]
    return "".join(kept or words)


def _names(client: BillingClient, account: str) -> Iterator[tuple[str, str]]:
    """Everything that customers are called, in the account and in files, with the id to use for each."""
    for customer in client.customers():
        customer_id = str(customer.get("external_id") or customer.get("id") or "")
        yield from ((str(text), customer_id) for text in (customer.get("external_id"), customer.get("id"), customer.get("customer_name")) if text and customer_id)
    yield from ((each.name, each.customer_id) for each in customer_names.of_account(account) if each.customer_id is not None)


def customers_of(record: ImportRecord) -> Customers:
    """Those of events, and of rows that are held back for their customer's sake, each with its number of rows and the first of them."""
    _, check_key = imports.pointers(record.id)
    folder = stage_folder(record.id, "check", check_key)
    with engine() as connection:
        aside = set_aside(connection, folder)
        held = f" union all by name select customer_id, _row from ({aside}) where _reason in (select unnest(?::varchar[]))" if aside else ""
        found = connection.execute(f"select customer_id, count(*), min(_row) from (select customer_id, _row from read_parquet({literal(folder / EVENTS)}){held}) group by 1", [list(CUSTOMERS)] if held else []).fetchall()
    return {customer: (count, first) for customer, count, first in found}
