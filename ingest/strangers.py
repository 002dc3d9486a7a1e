"""Customers of an import whom the account doesn't know: asked once where a client is at hand, and kept beside the import for its checks."""

import json
from typing import TYPE_CHECKING

from ingest import files
from schemas.records import ImportRecord

if TYPE_CHECKING:
    from ingest.billing import BillingClient

KEPT = "unknown_customers.json"


def known_as(import_id: str) -> dict[str, str]:
    """The customers whom the account didn't know when it was last asked, each with a known one of nearly the same name or an empty text."""
    kept = files.import_folder(import_id) / KEPT
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}


def ask(record: ImportRecord, client: "BillingClient") -> bool:
    """Asks the account for the customers of a checked import, and keeps those it doesn't know. Whether that is news, so that the import has to be checked again.

    In an account without any customers nobody can be unknown.
    """
    from ingest.push.unknown import unknown_customers

    before = known_as(record.id)
    still = set(before) - client.known_customers(before) if before else set()
    found = {name: meant for name, meant in before.items() if name in still} | {each.customer_id: each.meant for each in unknown_customers(record, client)}
    if found and not any(found.values()) and next(iter(client.customers()), None) is None:
        found = {}
    if found == before:
        return False
    files.write_whole(files.import_folder(record.id) / KEPT, json.dumps(dict(sorted(found.items()))).encode())
    return True
