"""Settings, customers: what they are called in files, and those that are never billed, for a whole account."""

import streamlit as st

from ingest import strangers
from ingest.errors import BadInput
from ingest.store import customer_names
from pages.parts import errors
from pages.parts.text import ago, count, plain
from schemas.account import Account
from schemas.records import CustomerName

SHOWN = 25
KINDS = {"alias": "Another name of a customer", "never": "Never billed"}


def show(account: Account, who: str) -> None:
    """Draws the tab."""
    st.markdown(f"What customers of **{plain(account.name)}** are called in files. It holds for every file of this account: rows under another name count for the customer that is meant, and rows of a customer that is never billed are left out.")
    known = customer_names.of_account(account.name)
    if not known:
        st.info("No other names yet. Say one here, or on *Review* of a file with a customer that the account doesn't know.", icon=":material/badge:")
    else:
        _known(account, known, who)
    _add(account, who)
    if said := st.session_state.pop("customer_names_said", None):
        st.success(said, icon=":material/check_circle:")


def _known(account: Account, known: list[CustomerName], who: str) -> None:
    sought = (st.text_input("Search", key="customer_names_sought", placeholder="a name or an id") or "").strip().casefold() if len(known) > SHOWN else ""
    found = [each for each in known if sought in f"{each.name} {each.customer_id or ''}".casefold()]
    pages = max(1, -(-len(found) // SHOWN))
    page = min(st.session_state.get("customer_names_page") or 1, pages)
    for each in found[(page - 1) * SHOWN : page * SHOWN]:
        _one(account, each, who)
    if pages > 1:
        st.pagination(pages, key="customer_names_page")


def _one(account: Account, each: CustomerName, who: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        st.markdown(f"**{plain(each.name)}** {f'is {plain(each.customer_id)}' if each.customer_id is not None else 'is never billed'}", width=420)
        st.caption(f"{plain(each.who)}, {ago(each.at)}", width=200)
        if st.button("Remove", key=f"forget_name_{each.name}"):
            with errors.shown():
                _said(f"{plain(each.name)} was removed.", strangers.forget(account.name, each.name, who), who)


def _add(account: Account, who: str) -> None:
    st.header("Add a name", anchor=False)
    kind = st.radio("What is it?", list(KINDS), format_func=KINDS.get, key="customer_name_kind", horizontal=True)
    with st.form("add_customer_name", clear_on_submit=False):
        name = st.text_input("Name in files", max_chars=customer_names.MAX_NAME, placeholder="such as ACME Inc.")
        meant = st.text_input("Id or external id of the customer in the account", placeholder="such as cus_17") if kind == "alias" else ""
        pressed = st.form_submit_button("Save", type="primary")
    if pressed:
        with errors.shown():
            if not (name or "").strip():
                raise BadInput("A name is missing.", "Type what the customer is called in files.")
            _said(*_saved(account, name, meant, who, kind), who)


def _saved(account: Account, name: str, meant: str, who: str, kind: str) -> tuple[str, list[str]]:
    if kind == "never":
        return f"{plain(name)} is never billed from now on.", strangers.never_billed(account.name, [name], who)
    if not (meant or "").strip():
        raise BadInput("The customer that is meant is missing.", "Type its id or external id.")
    with st.spinner("Asking the account whether it knows the customer …", show_time=True):
        return f"{plain(name)} is {plain(meant)} from now on.", strangers.means(account.name, [name], meant, who)


def _said(sentence: str, changed: list[str], who: str) -> None:
    """Has the imports that wait checked again, and says so."""
    from ingest import jobs  # dbos takes a second to import

    for import_id in changed:
        jobs.queue_check(import_id, who)
    again = f" {count(len(changed), 'file')} that {'waits' if len(changed) == 1 else 'wait'} to be sent {'is' if len(changed) == 1 else 'are'} being checked again." if changed else ""
    st.session_state["customer_names_said"] = f"{sentence}{again}"
    st.rerun()
