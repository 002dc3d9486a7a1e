"""Imports: all of them, searchable, each opening where it was left."""

import streamlit as st

from ingest import month
from pages.parts import frame, listing, state
from pages.parts.text import STATES, count

PAGE = 25
GROUPS = {
    "All": (),
    "Waiting for you": month.WAITING,
    "Being worked on": month.WORKING,
    "Sent, not proven yet": ("pushed",),
    "Sent and proven": ("proven",),
    "Dismissed": ("discarded",),
}


def _empty() -> None:
    st.info("Your imports will be listed here, each with its receipt.", icon=":material/inventory_2:")


def _search() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="q", placeholder="File, person, event type, account, month such as 2026-10", type="search", live=True, width=420, bind="query-params")
        group = st.selectbox("State", list(GROUPS), index=1 if "waiting" in st.query_params else 0, key="imports_state", width=220)
    return text or "", group


def _list(who: str) -> None:
    text, group = _search()
    page = st.session_state.get("imports_page") or 1
    found, total = month.listed(text, states=GROUPS[group], limit=PAGE, offset=(page - 1) * PAGE)
    if total and not found:
        page, (found, total) = 1, month.listed(text, states=GROUPS[group], limit=PAGE)
    st.caption(f"{count(total, 'import')} found" if total else "Nothing found. Try another word or another state.")
    listing.import_rows(found, who, with_account=True)
    if total > PAGE:
        st.pagination(-(-total // PAGE), key="imports_page")


assert set(sum((tuple(group) for group in GROUPS.values()), ())) <= set(STATES)
actor = frame.begin("Imports")
if st.button("Add usage", type="primary", icon=":material/add:"):
    state.open_import(None)
if month.how_many():
    _list(actor.name)
else:
    _empty()
