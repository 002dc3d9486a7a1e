"""Customers whom the account doesn't know: the known one that may be meant, creating them, leaving them out for good, or leaving them as they are."""

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from ingest import strangers
from ingest.raw import row_in_file
from pages.parts import errors, tables
from pages.parts.text import count, number, plain
from pages.usage.steps import fixing, words
from pages.usage.steps.aside import aside
from schemas.deciding import Decision
from schemas.pushing import UnknownCustomer
from schemas.records import ImportRecord

SHOWN, LISTED = 5, 200
WAYS = {"known": "It is another name of a customer the account knows", "new": "It is new: create it in the account", "never": "Its usage is never billed"}


def show(record: ImportRecord, decision: Decision, who: str, *, editable: bool) -> None:
    """The entry in the list: who they are, and what can be done about them."""
    said = strangers.answer(record.id)
    unknown = tuple(sorted(said.unknown, key=lambda each: (not each.meant, -each.rows))) if said else ()
    st.markdown(f":material/person_off: **The account doesn't know {count(len(unknown), 'customer')}** of this file ({count(decision.rows, 'row')}). Their usage would be stored, but no invoice shows it until they are there.")
    _list(record, unknown)
    if not editable:
        return
    _offer(record, [each for each in unknown if each.meant], who)
    with st.expander("Decide about one of them", expanded=len(unknown) <= SHOWN and not decision.settled):
        _one(record, unknown, who)
    new = [each for each in unknown if not each.meant]
    if len(new) > 1:
        _create(record, new[: strangers.CREATED_AT_ONCE], len(new), who)


def not_asked(record: ImportRecord, said: strangers.Answer, who: str, *, editable: bool) -> None:
    """Where the account gave no answer, or there are too many customers to ask about, so that nobody knows whether it knows them."""
    if said.too_many:
        st.markdown(f":material/info: {words.not_looked_up(said.too_many)}")
        return
    st.markdown(":material/cloud_off: Whether the account knows these customers isn't known yet: it gave no answer when it was asked.")
    if editable and st.button("Ask again", key=f"ask_customers_{record.id}", icon=":material/refresh:"):
        with errors.shown():
            fixing.check_again(record, who)
            st.rerun()


def _offer(record: ImportRecord, alike: list[UnknownCustomer], who: str) -> None:
    """A button for each customer whose name is nearly that of a known one. The name then holds for the whole account."""
    for position, each in enumerate(alike[:SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{_named(each)}: is **{plain(each.meant)}** meant{f' ({plain(each.meant_name)})' if each.meant_name not in ('', each.meant) else ''}?")
            if st.button(f"Yes, it is {plain(each.meant)}", key=f"meant_{record.id}_{position}_{each.customer_id}"):
                _do(record, lambda each=each: strangers.means(record.account, each.names, each.meant, who), who)
    if len(alike) > 1 and st.button(f"Yes, all {len(alike)} of them", key=f"meant_all_{record.id}"):
        _do(record, lambda: [changed for each in alike for changed in strangers.means(record.account, each.names, each.meant, who)], who)
    if alike:
        aside(f"{f'The first {SHOWN} of {len(alike)}. ' if len(alike) > SHOWN else ''}A name that you say stays on the list in *Settings*, *Customers*, for all files of this account.")


def _list(record: ImportRecord, unknown: tuple[UnknownCustomer, ...]) -> None:
    shown = [{"Customer": each.customer_id, "Also written": ", ".join(each.spellings), "Rows": each.rows, "First row": row_in_file(each.first_row, record.report), "May be meant": each.meant} for each in unknown[:LISTED]]
    if len(unknown) > SHOWN:
        tables.show(pa.Table.from_pylist(shown), "Customers that the account doesn't know", height=220)
    else:
        st.markdown("\n".join(f"- {_named(each)}: {count(each.rows, 'row')}, first row {number(row_in_file(each.first_row, record.report))}" for each in unknown))
    if len(unknown) > LISTED:
        aside(f"The first {LISTED} of {number(len(unknown))}.")


def _named(each: UnknownCustomer) -> str:
    also = ", ".join(f"‘{plain(name)}’" for name in each.spellings[:SHOWN])
    return f"‘{plain(each.customer_id)}’{f' (also written {also})' if also else ''}"


def _one(record: ImportRecord, unknown: tuple[UnknownCustomer, ...], who: str) -> None:
    key = f"stranger_{record.id}"
    by_name = {each.customer_id: each for each in unknown[:LISTED]}
    name = st.selectbox("Customer in the file", list(by_name), key=f"{key}_name")
    way = st.radio("What about it?", list(WAYS), format_func=WAYS.get, index=None, key=f"{key}_way")
    if name is None or way is None:
        return
    given = _asked_for(name, way, key)
    if st.button({"known": "Use this customer", "new": f"Create {plain(name)}", "never": f"Never bill {plain(name)}"}[way], key=f"{key}_{way}", disabled=way == "known" and not given):
        _do(record, _way(record, by_name[name], way, given, who), who)


def _asked_for(name: str, way: str, key: str) -> str:
    if way == "known":
        return (st.text_input("Its id or external id in the account", key=f"{key}_known_id") or "").strip()
    if way == "new":
        return (st.text_input("Name on invoices", value=name, key=f"{key}_new_name_{name}") or "").strip()
    aside("Its rows are left out of every file of this account, until somebody takes it off the list in *Settings*, *Customers*.")
    return ""


def _way(record: ImportRecord, one: UnknownCustomer, way: str, given: str, who: str) -> Callable[[], list[str]]:
    if way == "known":
        return lambda: strangers.means(record.account, one.names, given, who)
    if way == "new":
        return lambda: strangers.welcome(record.account, [one], who, customer_name=given)
    return lambda: strangers.never_billed(record.account, one.names, who)


def _create(record: ImportRecord, new: list[UnknownCustomer], of: int, who: str) -> None:
    """Creates those for whom nobody else may be meant, so many at once as one may wait for."""
    with st.popover(f"Create all {of} in the account" if len(new) == of else f"Create {len(new)} of {number(of)} in the account", icon=":material/group_add:"):
        st.markdown(f"{count(len(new), 'customer')} {'are' if len(new) == of else 'with most rows are'} created in **{plain(record.account)}**, each under the name it has in the file. This can't be undone from here.")
        if st.button(f"Create {count(len(new), 'customer')}", key=f"create_all_{record.id}"):
            _do(record, lambda: strangers.welcome(record.account, new, who), who)


def _do(record: ImportRecord, step: Callable[[], list[str]], who: str) -> None:
    """Does it, and has the rows checked again: of this import, and of the others of the account that wait."""
    with errors.shown():
        with st.spinner("Asking the account, and waiting for its answer …", show_time=True):
            changed = step()
        for import_id in {record.id, *changed}:
            queue_check(import_id, who)
        st.rerun()


def queue_check(import_id: str, who: str) -> None:
    """Queues a check."""
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_check(import_id, who)
