"""Settings: accounts, their customers' names and event types, recipes, the practice account's address, and what this installation was started with."""

import streamlit as st
from pydantic import SecretStr

from ingest.errors import BadInput
from ingest.settings import settings
from ingest.store import accounts
from ingest.store.secrets import key_warning
from pages.admin import customers, recipes
from pages.parts import errors, frame, template
from pages.parts.text import count, limit, plain
from schemas.account import Account
from schemas.event_type import EventType

KINDS = {"sandbox": "Sandbox: nothing reaches a real invoice", "production": "PRODUCTION: what is sent reaches real invoices"}


def _page() -> None:
    actor = frame.begin("Settings")
    known = accounts.all_accounts()
    if len(known) == 1 and known[0].embedded:
        st.info("Using the practice account. Nothing here reaches a real invoice.", icon=":material/school:")
    accounts_tab, customers_tab, types_tab, recipes_tab, practice_tab, installation_tab = st.tabs(["Accounts", "Customers", "Event types", "Recipes", "Practice account", "This installation"], key="settings_tab", on_change="rerun")
    with accounts_tab:
        _accounts(known, actor)
    with customers_tab:
        customers.show(frame.account(), actor.name)
    with types_tab:
        if types_tab.open:  # asks the account, which may take a while
            _event_types(frame.account())
    with recipes_tab:
        recipes.show(actor.name)
    with practice_tab:
        _practice(accounts.embedded_sandbox())
    with installation_tab:
        _installation()


def _accounts(known: list[Account], actor: frame.Actor) -> None:
    for each in known:
        with st.container(border=True):
            st.markdown(f"**{plain(each.name)}** · {KINDS[each.kind]}{' · the one that is used first' if each == known[0] else ''}")
            st.text(f"{each.shown_url}   organisation {each.organisation or '(none)'}")
            _account_buttons(each, actor)
            _invoice_day(each, actor)
    _add(actor, f"add_account_{len(known)}")  # another form, and so an empty one, once one was added


def _invoice_day(each: Account, actor: frame.Actor) -> None:
    """The day by which a month's usage must be there."""
    said = accounts.settings_of(each.name)
    with st.form(f"invoices_{each.name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        day = st.selectbox("Invoices are made on this day of the following month", range(32), index=said.invoice_day or 0, format_func=lambda value: str(value) if value else "not set", key=f"invoice_day_{each.name}", width=380, help="This month shows the date. In a shorter month it is the last day.")
        if st.form_submit_button("Save this day", key=f"save_invoice_day_{each.name}"):
            accounts.change_settings(each.name, said.model_copy(update={"invoice_day": day or None}), actor.name)
            st.success("Saved.", icon=":material/check_circle:")


def _account_buttons(each: Account, actor: frame.Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        tested = st.button("Test the connection", key=f"test_{each.name}", icon=":material/network_check:")
        if each.embedded or each.name == accounts.ENVIRONMENT_NAME:
            st.caption("Always there" if each.embedded else "Given by the environment this was started with")
        else:
            _new_key(each, actor)
            with st.popover("Remove"):
                st.markdown("The portal forgets this account and its key. Imports, receipts and the record of what was sent stay.")
                if st.button("Remove this account", key=f"remove_{each.name}", on_click=accounts.remove, args=(each.name, actor.name)):
                    st.rerun()
    if tested:
        with errors.shown(), st.spinner(f"Asking {plain(each.name)}, and waiting for its answer …", show_time=True):
            st.success(f"The account answers. It has {count(len(_types_of(each, at_once=True)), 'event type')}.", icon=":material/check_circle:")


def _new_key(each: Account, actor: frame.Actor) -> None:
    with st.popover("Replace the key"), st.form(f"new_key_{each.name}", border=False, clear_on_submit=True):
        key = st.text_input("New API key", type="password", autocomplete="off", key=f"key_{each.name}", help="Kept sealed in the data folder; it is never shown again")
        if st.form_submit_button("Replace") and key and key.strip():
            accounts.replace_key(each.name, SecretStr(key.strip()), actor.name)
            st.success("Replaced. Test the connection next.", icon=":material/check_circle:")


def _types_of(account: Account, *, at_once: bool = False) -> list[EventType]:
    """The account's event types; `at_once` hears of a failure without trying again."""
    from ingest.billing import BillingClient

    with BillingClient(account, timeout=10, **({"sleep": lambda _seconds: None} if at_once else {})) as client:
        return list(client.event_types())


def _add(actor: frame.Actor, form: str) -> None:
    st.header("Add an account", anchor=False)
    with st.form(form, clear_on_submit=False):
        name = st.text_input("Name", max_chars=60, placeholder="such as Zenskar production")
        kind = st.radio("Kind", list(KINDS), format_func=KINDS.get)
        base_url = st.text_input("Address of the API", placeholder="https://api.zenskar.com")
        organisation = st.text_input("Organisation", help="The organisation's id, as the billing system shows it")
        key = st.text_input("API key", type="password", autocomplete="off", help="Kept sealed in the data folder; it is never shown again")
        if st.form_submit_button("Save", type="primary"):
            with errors.shown():
                accounts.add(_account(name, kind, base_url, organisation, key), actor.name)
                st.session_state["account_added"] = name
                st.rerun()
    if added := st.session_state.pop("account_added", None):
        st.success(f"{plain(added)} was added. Test the connection next.", icon=":material/check_circle:")


def _account(name: str, kind: str, base_url: str, organisation: str, key: str) -> Account:
    """The account of the form. Raises BadInput for what is missing."""
    given = {"Name": name, "Address of the API": base_url, "Organisation": organisation, "API key": key}
    missing = [label for label, value in given.items() if not (value or "").strip()]
    if missing:
        raise BadInput(f"Still missing: {', '.join(missing)}.", "Fill it in and save again.")
    if not base_url.strip().startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise BadInput("The address must begin with https://.", "A key sent without encryption could be read on its way.")
    return Account(name=name.strip(), kind=kind, base_url=base_url.strip().rstrip("/"), organisation=organisation.strip(), api_key=SecretStr(key.strip()))


def _event_types(account: Account) -> None:
    st.markdown(f"What **{plain(account.name)}** knows as usage. New ones are created from a file, in the step *Columns* of an import.")
    with errors.shown():
        with st.spinner("Asking the account, and waiting for its answer …", show_time=True):
            found = _types_of(account)
        if not found:
            st.info("This account has no event types yet. The first file makes the first one.", icon=":material/category:")
        for each in found:
            with st.expander(f"{plain(each.name)} ({count(len(each.usage_fields), 'field')})"):
                st.caption(f"Known to the API as {plain(each.slug)}. Every event also has customer\\_id and timestamp.")
                st.dataframe({"Field": [field.name for field in each.fields], "Type": [field.type for field in each.fields]}, alt=f"Fields of {each.name}", hide_index=True, key=f"fields_{each.slug}")
                template.button(account, each)


def _practice(sandbox: Account) -> None:
    st.markdown("The practice account is a small billing system that runs beside the portal. It behaves as the documented API does, and keeps its data until you delete the data folder. Any program on this machine can use it:")
    st.code(f"curl -H 'organisation: {sandbox.organisation}' \\\n     -H 'x-api-key: {sandbox.api_key.get_secret_value()}' \\\n     {sandbox.base_url}/rawmetric", language=None)


def _installation() -> None:
    given = settings()
    rows = {
        "Data folder": str(given.home),
        "Largest file that can be uploaded": limit(given.upload_max_bytes),
        "Memory one step may use": given.memory_limit,
        "Room that is kept free on the disk": limit(given.free_bytes),
        "Alarms about sources go to": ", ".join(filter(None, (given.alarm_email, given.alarm_webhook and "a web address"))) or "nobody: they stand on Sources only",
        "Who is acting": given.user,
    }
    for label, value in rows.items():
        with st.container(horizontal=True):
            st.markdown(f"**{label}**", width=300)
            st.text(value)
    if warning := key_warning():
        st.info(plain(warning), icon=":material/key:")  # no failure: the keyboard stays on the tab
    st.caption("These are set before the start: in settings.toml in the data folder, or as INTAKE_… in the environment.")


_page()
