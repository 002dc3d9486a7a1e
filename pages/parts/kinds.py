"""The account's kinds of usage, asked for once a minute and whenever another file is looked at: one may have been created elsewhere."""

import streamlit as st

from ingest.store import accounts
from schemas.account import Account
from schemas.event_type import EventType


def event_types(account: Account, seen_from: str = "") -> dict[str, EventType]:
    """The account's event types by slug; each place they are seen from (an import's id) asks for itself. Raises Outside errors where it can't be asked."""
    return {each.slug: each for each in _asked(account.name, account.ledger_name, seen_from)}


def forget() -> None:
    """Asks again next time: one was created."""
    _asked.clear()


@st.cache_data(ttl=60, max_entries=50, show_spinner="Asking the account for its kinds of usage, and waiting for its answer …", show_time=True)
def _asked(account_name: str, ledger_name: str, seen_from: str) -> list[EventType]:
    from ingest.billing import BillingClient

    with BillingClient(accounts.account(account_name)) as client:
        return list(client.event_types())
