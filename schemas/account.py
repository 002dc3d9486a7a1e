"""Accounts of the billing system, and what is known about how each behaves."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from schemas.base import Frozen

STORED_EVENTS = "00000000-0000-0000-0000-000000000000"
"""Stands for the data source of stored events, whose id isn't public."""
AccountKind = Literal["sandbox", "production"]


class AccountProfile(Frozen):
    """How an account's API behaves where its public documentation is silent; every value can be changed per account."""

    batch_events: int = 500
    connections: int = 8
    timestamp_digits: int = 3
    """Digits of a second that the account keeps: DateTime64 without a precision keeps milliseconds."""
    decimal_scale: int = 18
    """Digits after the point that the account's Decimal keeps."""
    amount_units: Literal["major", "minor"] = "major"
    """Whether prices are given in dollars or in cents: 3 is three dollars in some examples of the documentation, 500 five in others."""
    refused_batch_stores_nothing: bool = False
    """Whether a batch answered with 4xx is known to have stored none of its events."""
    idempotency_hours: int = 23
    """How long a key may be used again, counted from the first send; the documentation says 24, one hour is left as a margin."""
    settle_seconds: int = 10
    """How long events of a refused batch are looked for before it counts as not stored."""
    read_back_seconds: int = 60
    """How long to go on looking for events that were acknowledged: storing may lag."""
    oldest_days: int | None = Field(None, ge=0)
    """How many days back the account takes events; None where it takes them all, as its documentation lets hope."""
    ahead_days: int | None = Field(None, ge=0)
    """How many days ahead of now the account takes events; None where it takes them all."""
    datasource: str = STORED_EVENTS
    """The data source that billable metrics are registered with. As it is, the one that other metrics over stored events have in the account, where there are such."""


PORTS = {"http": 80, "https": 443}


def _plain(url: str) -> str:
    """An address in one way of writing it, so that the same account is the same account: no user, no usual port, no slash at the end, small letters."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    port = "" if parts.port in (None, PORTS.get(scheme)) else f":{parts.port}"
    return f"{scheme}://{host}{port}{parts.path.rstrip('/')}"


class AccountSettings(Frozen):
    """What people say about an account that its API doesn't."""

    invoice_day: int | None = Field(None, ge=1, le=31)
    """The day of the following month on which invoices are made; in a shorter month its last day."""

    def invoices_on(self, period: str) -> date | None:
        """When the usage of a month (YYYY-MM) is invoiced: it must be there by then."""
        if self.invoice_day is None:
            return None
        year, month = divmod(int(period[:4]) * 12 + int(period[5:7]), 12)
        return date(year, month + 1, min(self.invoice_day, monthrange(year, month + 1)[1]))


class Account(Frozen):
    """One organisation of the billing system, with its key. `repr` masks the key, and whatever else an address can hold that is secret."""

    name: str
    kind: AccountKind
    base_url: str
    organisation: str
    api_key: SecretStr
    profile: AccountProfile = AccountProfile()
    embedded: bool = False
    """Whether this is the sandbox that runs beside the portal: its address may change from start to start."""

    @property
    def shown_url(self) -> str:
        """The address as people may see it: without a user and a password."""
        return re.sub("//.*@", "//", self.base_url, flags=re.DOTALL)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        return ((name, self.shown_url if name == "base_url" else value) for name, value in super().__repr_args__())

    @property
    def ledger_name(self) -> str:
        """What the ledger of sent events is kept under: base URL and organisation, whatever the account is called."""
        return f"{'embedded' if self.embedded else _plain(self.base_url)}|{self.organisation.lower()}"
