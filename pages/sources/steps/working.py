"""Whether anybody works on what is shown as running."""

import streamlit as st

from ingest.processes import worker_runs


def warn_without_worker() -> None:
    """Says that nothing will happen, where no worker runs."""
    if not worker_runs():
        st.warning("Nothing is working on it: the worker isn't running. Start everything again with: make run", icon=":material/power_off:")
