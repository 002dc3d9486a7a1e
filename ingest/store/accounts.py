"""Accounts: the environment's, those people added, and the embedded sandbox; in that order of precedence."""

import json

from pydantic import SecretStr
from sqlalchemy import delete, insert, select, update

from ingest.errors import BadInput
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.settings import settings
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import account_settings, accounts
from ingest.store.secrets import seal, unseal
from schemas.account import Account, AccountProfile, AccountSettings

SANDBOX_NAME = "Practice"
ENVIRONMENT_NAME = "environment"


def all_accounts() -> list[Account]:
    """Every account that can be used, the default one first."""
    with store().connect() as connection:
        stored = [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.created_at)).mappings()]
    given = _from_environment()
    return [*([given] if given else []), *stored, embedded_sandbox()]


def account(name: str | None = None) -> Account:
    """The account of that name, or the default one. `sandbox` is the first account that isn't production, where none is called so. Raises BadInput with the known names."""
    known = all_accounts()
    if name is None:
        return known[0]
    found = next((each for each in known if each.name == name), None)
    if found is None and name == "sandbox":
        found = next((each for each in known if each.kind == "sandbox"), None)
    if found is None:
        raise BadInput(f"There is no account {name!r}.", f"Known accounts: {', '.join(each.name for each in known)}.")
    return found


def same_account(name: str, ledger_name: str) -> Account:
    """The account of that name, if it still is the one it was. Raises BadInput where the name leads somewhere else by now."""
    found = account(name)
    if found.ledger_name != ledger_name:
        raise BadInput(f"The account {name!r} is another one than the one this was sent to.", "Bring its old address and organisation back, or import the file for the new account.")
    return found


def embedded_sandbox() -> Account:
    """The account of the embedded sandbox; a refused batch stores nothing there."""
    return Account(name=SANDBOX_NAME, kind="sandbox", base_url=_sandbox_url(), organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY), profile=AccountProfile(refused_batch_stores_nothing=True), embedded=True)


def _sandbox_url() -> str:
    """Where the sandbox of this data folder last said it was listening (`sandbox/address.json`), else where it would."""
    address = settings().home / "sandbox" / "address.json"
    if address.exists():
        return json.loads(address.read_text(encoding="utf-8"))["url"]
    return f"http://{settings().sandbox_host}:{settings().sandbox_port}"


def add(new: Account, who: str) -> None:
    """Stores an account. Raises BadInput for a name that is taken, and for a password in the address: only the key is kept sealed."""
    if new.name in {each.name for each in all_accounts()}:
        raise BadInput(f"There is already an account called {new.name!r}.", "Choose another name.")
    if new.shown_url != new.base_url:
        raise BadInput("The address holds a user name or a password.", "Leave out everything before the @; the API key has a field of its own.")
    given = {"name": new.name, "kind": new.kind, "base_url": new.base_url.rstrip("/"), "organisation": new.organisation, "profile": new.profile.model_dump_json()}
    with store().begin() as connection:
        connection.execute(insert(accounts).values(**given, sealed_key=seal(new.api_key.get_secret_value(), f"account:{new.name}"), created_by=who, created_at=now()))
        audit.record(connection, who, "add-account", new.name, new.base_url)


def replace_key(name: str, key: SecretStr, who: str) -> None:
    """Gives a stored account another API key: keys are renewed, and refused ones have to be put right without a push losing its account."""
    with store().begin() as connection:
        connection.execute(update(accounts).where(accounts.c.name == name).values(sealed_key=seal(key.get_secret_value(), f"account:{name}")))
        audit.record(connection, who, "replace-key", name)


def remove(name: str, who: str) -> None:
    """Forgets a stored account; its imports, receipts and ledger stay."""
    with store().begin() as connection:
        connection.execute(delete(accounts).where(accounts.c.name == name))
        connection.execute(delete(account_settings).where(account_settings.c.account == name))
        audit.record(connection, who, "remove-account", name)


def settings_of(name: str) -> AccountSettings:
    """What people said about an account; nothing for one they said nothing about."""
    with store().connect() as connection:
        row = connection.execute(select(account_settings).where(account_settings.c.account == name)).mappings().first()
    return AccountSettings(invoice_day=row["invoice_day"]) if row else AccountSettings()


def change_settings(name: str, said: AccountSettings, who: str) -> None:
    """Keeps what somebody says about an account, in place of what was said before."""
    with store().begin() as connection:
        connection.execute(delete(account_settings).where(account_settings.c.account == name))
        connection.execute(insert(account_settings).values(account=name, **said.model_dump()))
        audit.record(connection, who, "account-settings", name, said.model_dump_json())


def _from_environment() -> Account | None:
    given = settings()
    if not given.api_url:
        return None
    return Account(name=ENVIRONMENT_NAME, kind=given.api_kind, base_url=given.api_url.rstrip("/"), organisation=given.organisation, api_key=given.api_key)


def _account(row) -> Account:  # noqa: ANN001
    return Account(name=row["name"], kind=row["kind"], base_url=row["base_url"], organisation=row["organisation"], api_key=SecretStr(unseal(row["sealed_key"], f"account:{row['name']}")), profile=AccountProfile.model_validate_json(row["profile"]))
