"""Following a job: a small part of the page that looks at the store four times a second and starts the page again when the job is done."""

from collections.abc import Collection

import streamlit as st

from ingest import month
from ingest.processes import worker_runs
from pages.parts.attention import announce
from pages.parts.text import plain, state

SECONDS = 0.25


def follow(import_id: str, busy_states: Collection[str], *, saying: str = "") -> None:
    """Shows how far an import's job is, while its state is one of `busy_states`; then the whole page runs again."""
    _watch(import_id, tuple(busy_states), saying)


@st.fragment(run_every=SECONDS)
def _watch(import_id: str, busy_states: tuple[str, ...], saying: str) -> None:
    stage = month.stage(import_id)
    if stage.failure:
        st.error(plain(stage.failure), icon=":material/error:")
        return
    if stage.state not in busy_states and not stage.working:
        st.rerun()
    words = saying or f"This file is {state(stage.state)}."
    announce(words if stage.progress is None else f"{words} {int(stage.progress * 10) * 10} percent")
    percent = f", {int(stage.progress * 100)} %" if stage.progress is not None else ""
    so_far = f" {stage.message} so far{percent}." if stage.message.endswith(" rows") else ""
    st.progress(stage.progress or 0.0, text=f"{plain(words)}{so_far} You can close this page; it goes on.")
    if not worker_runs():
        st.warning("Nothing is working on it: the worker isn't running. Start everything again with: make run", icon=":material/power_off:")
