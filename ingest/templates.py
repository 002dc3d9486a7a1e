"""The workbook to fill in for one kind of usage of an account, with what is known about its values."""

from pathlib import Path

from ingest.billing import BillingClient
from ingest.check.rejected import allowed_values
from ingest.check.template import write_template
from ingest.errors import BadInput
from ingest.store import accounts, recipes


def write_template_of(account_name: str | None, slug: str, path: Path) -> Path:
    """Writes it. The values to choose from are those that the newest recipe of this kind allows."""
    with BillingClient(accounts.account(account_name)) as client:
        event_type = client.event_type(slug)
    if event_type is None:
        raise BadInput(f"The account has no event type {slug!r}.", "Settings, Event types lists those it has.")
    newest = max((each for each in recipes.newest() if each.recipe.event_type == slug), key=lambda each: each.at, default=None)
    checks = newest.recipe.checks if newest else {}
    return write_template(event_type, path, allowed_values(event_type, checks))
