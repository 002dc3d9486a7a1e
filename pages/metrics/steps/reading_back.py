"""Reading what the account holds, when somebody asks for it: it may take a while."""

import streamlit as st

from pages.metrics.steps import asked
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import errors
from pages.parts.text import plain
from schemas.metric import Metric


def button(place: Place, metric: Metric, chosen: Data) -> None:
    """A button that reads it and shows the page again."""
    if st.button("Read it from the account", icon=":material/cloud_download:", key=place.key("read_account")):
        with errors.shown(), st.spinner(f"Reading from {plain(place.account.name)} what it holds of these days …", show_time=True):
            asked.read_account(metric, chosen)
            st.rerun(scope="fragment")
