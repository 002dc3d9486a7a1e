"""The event types of an account, as documents."""


from pathlib import Path

from ingest.commands.documents import Document
from ingest.errors import BadInput
from ingest.processes import sandbox_for
from ingest.store import accounts
from schemas.event_type import FIELD_TYPES, OUR_FIELDS, EventType, Field


def list_event_types(account_name: str | None) -> list[Document]:
    """The event types of an account."""
    from ingest.billing import BillingClient

    account = accounts.account(account_name)
    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        return [each.model_dump(mode="json") for each in client.event_types()]


def create_event_type(account_name: str | None, name: str, slug: str, fields: list[str], *, find_again: bool) -> Document:
    """A new event type of an account, with `event_id` and `import_id` unless they are left out."""
    from ingest.billing import BillingClient

    wanted = EventType(name=name, slug=slug, fields=tuple(_field(text) for text in fields))
    ours = tuple(Field(name=each, type="String") for each in OUR_FIELDS if not wanted.has(each)) if find_again else ()
    account = accounts.account(account_name)
    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        return client.create_event_type(wanted.model_copy(update={"fields": wanted.fields + ours})).model_dump(mode="json")


def _field(text: str) -> Field:
    name, _, kind = text.partition(":")
    if kind not in FIELD_TYPES:
        raise BadInput(f"--field {text!r} has no known type.", f"Write name:Type with one of {', '.join(FIELD_TYPES)}.")
    return Field(name=name, type=kind)


def write_template_of(account_name: str | None, slug: str, path: Path) -> Document:
    """A workbook to fill in for one event type of an account."""
    from ingest.templates import write_template_of as written

    if path.suffix.lower() != ".xlsx":
        raise BadInput(f"The template is an Excel workbook, but {path.name!r} doesn't end in .xlsx.", "Give it a name such as usage.xlsx.")
    account = accounts.account(account_name)
    with sandbox_for(account):
        return {"event_type": slug, "file": str(written(account.name, slug, path))}
