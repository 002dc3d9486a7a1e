"""Connecting a source, from where it is to its first run: where → what to read → columns → when → try it. Each part opens when the one before is done; what was said is kept, so a reload lands in the same place."""

from collections.abc import Callable

import streamlit as st

from ingest import sources as kept
from ingest.errors import BadInput
from ingest.pull import schedule
from ingest.store import sources as stored_sources
from pages.parts import attention, errors, frame
from pages.parts.text import plain, shorten, spoken
from pages.sources.steps import columns, data, place, trial, when, where
from schemas.pull_run import StoredSource
from schemas.source import Schedule, Source

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
        _part(number, done, lambda draw=draw: draw(stored, account, actor.name), aside=_in_short(stored.source, number) if done and _is_folded(stored, number) else "")
        if not done:
            attention.lead_to("sample" if number == 2 else f"part_{number}", f"{name} {number}", after_press=True)


def _part(number: int, done: bool, draw: Callable[[], None], *, aside: str = "") -> None:
    """One part; folded away where it is said in short."""
    title = f"{number + 1}  {PARTS[number]}{' (done)' if done else ''}"
    if aside:
        with st.expander(f"{title}: {plain(shorten(aside, 90))}", icon=":material/check_circle:", key=f"aside_{number}"), errors.shown():
            draw()
        return
    with st.container(key=f"part_{number}"):
        st.header(title, anchor=False, divider="gray")
        with errors.shown():
            draw()


def _is_folded(stored: StoredSource, number: int) -> bool:
    """The first rows stay in sight until the columns are said, the trial always."""
    return _is_done(stored, 2) if number == 1 else number < len(PARTS) - 1


def _in_short(source: Source, number: int) -> str:
    read = source.read
    if number == 1:
        return read.files.path if read.files else read.table or "a query"
    if number == 2:
        return spoken(source.recipe or source.event_type or "")
    return f"{schedule.in_words(source.schedule)}; {'sends by itself' if source.push == 'automatic' else 'asks before it sends'}"


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
    is_said = source.schedule != Schedule() or source.push == "automatic" or st.session_state.get("when_said") == source.name
    return stored.enabled or number == 3 and is_said


_page()

