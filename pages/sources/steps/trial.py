"""A run that sends nothing, with what it would come to; then the source is switched on."""

import streamlit as st

from ingest import jobs
from ingest import sources as kept
from ingest.store import runs
from pages.parts import errors
from pages.parts.attention import announce
from pages.parts.text import plain
from pages.sources.steps import place, words, working
from schemas.account import Account
from schemas.pull_run import OPEN, StoredSource


def show(stored: StoredSource, account: Account, who: str) -> None:
    """The trial, and the switch."""
    name = stored.source.name
    last = next((run for run in runs.of_source(name, limit=5) if run.kind == "dry"), None)
    if last and last.state in OPEN:
        _watch(last.id)
        return
    if last:
        rows = last.rows
        (st.error if last.state == "failed" else st.info)(f"**{'The trial failed.' if last.state == 'failed' else 'What the trial found'}** {plain(last.message)}", icon=":material/science:")
        with st.container(horizontal=True, key="numbers"):
            for label, value in (("Read", rows.read), ("Would be sent", rows.accepted), ("Need fixing", rows.rejected), ("Known already", rows.duplicate), ("Left out", rows.excluded)):
                st.metric(label, f"{value:,}", border=True)
    with st.container(horizontal=True):
        tried = last is not None and last.state == "done"
        if st.button("Try it again" if last else "Try it without sending", icon=":material/science:", type="secondary" if tried else "primary", disabled=runs.open_run(name) is not None):
            with errors.shown():
                jobs.queue_run(name, "dry", who)
                st.rerun()
        if st.button("Switch it on", icon=":material/power_settings_new:", type="primary" if tried else "secondary", disabled=not tried):
            with errors.shown():
                kept.enable(name, who)
                st.switch_page(place.PAGE, query_params={"source": name})
        if not tried:
            st.caption("It can be switched on once a trial went well.", width="content")


@st.fragment(run_every=0.5)
def _watch(run_id: str) -> None:
    run = runs.get(run_id)
    if run.state not in OPEN:
        st.rerun()
    announce(words.progress(run).partition(" ")[2])
    st.progress({"reading": 0.3, "checking": 0.6}.get(run.state, 0.0), text=words.progress(run))
    working.warn_without_worker()
