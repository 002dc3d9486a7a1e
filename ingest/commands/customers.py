"""What customers are called in files, as documents."""
from ingest.commands.documents import Document
from ingest.settings import settings
from ingest.store import accounts, customer_names


def listed(account_name: str | None) -> Document:
    """All names of an account; a customer of None is never billed."""
    account = accounts.account(account_name).name
    return {"account": account, "names": [each.model_dump(mode="json") for each in customer_names.of_account(account)]}


def name(account_name: str | None, text: str, customer_id: str | None) -> None:
    """Notes which customer a name means, or that it is never billed."""
    customer_names.say(accounts.account(account_name).name, text, customer_id, settings().user)


def forget(account_name: str | None, text: str) -> None:
    """Takes a name off the list."""
    customer_names.forget(accounts.account(account_name).name, text, settings().user)
