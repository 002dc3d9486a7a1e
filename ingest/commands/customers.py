"""What customers are called in files, as documents."""

from collections.abc import Sequence

from ingest import strangers
from ingest.commands.documents import Document
from ingest.errors import BadInput
from ingest.processes import sandbox_for
from ingest.settings import settings
from ingest.store import accounts, customer_names
from ingest.store import imports as records


def listed(account_name: str | None) -> Document:
    """All names of an account; a customer of None is never billed."""
    account = accounts.account(account_name).name
    return {"account": account, "names": [each.model_dump(mode="json") for each in customer_names.of_account(account)]}


def change(account_name: str | None, what: str, text: str, customer_id: str | None) -> list[str]:
    """Notes which customer a name means, or that it is never billed, or forgets it; the imports that have to be checked again."""
    account, who = accounts.account(account_name).name, settings().user
    if what == "forget":
        return strangers.forget(account, text, who)
    customer_names.say(account, text, customer_id, who)
    return records.check_again(account)


def create(account_name: str | None, external_ids: Sequence[str], customer_name: str) -> Document:
    """Creates customers in the account."""
    if customer_name and len(external_ids) > 1:
        raise BadInput("One name can't be that of several customers.", "Create them one by one, or leave --name out.")
    account = accounts.account(account_name)
    with sandbox_for(account):
        made = strangers.create(account.name, external_ids, settings().user, customer_name=customer_name)
    return {"account": account.name, "created": [{key: each.get(key) for key in ("id", "external_id", "customer_name")} for each in made]}
