"""Connecting a source, from where it is to its first run: where → what to read → columns → when → try it. Each part opens when the one before is done; what was said is kept, so a reload lands in the same place."""

from collections.abc import Callable

import streamlit as st

from ingest import sources as kept
from ingest.errors import BadInput
from ingest.store import sources as stored_sources
from pages.parts import attention, errors, frame
from pages.parts.text import shorten
from pages.sources.steps import columns, data, place, trial, when, where
from schemas.pull_run import StoredSource

PARTS = ("Where it is", "What to read", "Columns", "When, and what then", "Try it and switch it on")


def _page() -> None:
    name = st.query_params.get("source") or ""
    actor = frame.begin(f"Connect: {shorten(name, 50)}" if name else "Connect a source")
    st.page_link(place.LIST_PAGE, label="All sources", icon=":material/arrow_back:")
    stored = stored_sources.get(name) if name and stored_sources.exists(name) else None
    _part(0, stored is not None, lambda: where.show(stored, actor.name))
    if stored is None:
        return
    account = frame.account()
    for number, draw in enumerate((data.show, columns.show, when.show, trial.show), 1):
        if number and not _is_done(stored, number - 1):
            st.caption(f"Then: {', '.join(PARTS[number:])}.")
            return
        done = _is_done(stored, number)
        _part(number, done, lambda draw=draw: draw(stored, account, actor.name), aside=done and number < len(PARTS) - 1 and _is_done(stored, number + 1))
        if not done:
            attention.lead_to("sample" if number == 2 else f"part_{number}", f"{name} {number}", after_press=True)


def _part(number: int, done: bool, draw: Callable[[], None], *, aside: bool = False) -> None:
    """One part; folded away once the next one is done, too."""
    title = f"{number + 1}  {PARTS[number]}{' (done)' if done else ''}"
    if aside:
        with st.expander(title, icon=":material/check_circle:", key=f"aside_{number}"), errors.shown():
            draw()
        return
    with st.container(key=f"part_{number}"):
        st.subheader(title, anchor=False, divider="gray")
        with errors.shown():
            draw()


def _is_done(stored: StoredSource, number: int) -> bool:
    """Whether a part is said to its end."""
    source = stored.source
    read = source.read
    if number == 0:
        return True
    if number == 1:
        return bool(read.table or read.sql or read.files or read.rows)
    if number == 2:
        return bool(source.recipe or (source.event_type and {"customer_id", "timestamp"} <= {*source.match, *source.constants}))
    try:
        kept.refuse_incomplete(source)
    except BadInput:
        return False
    return number == 3 or stored.enabled


_page()

