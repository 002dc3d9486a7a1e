"""A metric held against itself: the period before, the import before, or what the account holds of the period before."""

import streamlit as st

from ingest.errors import NotReady
from ingest.imports.metrics import Against, period_before
from pages.metrics.steps import asked, reading_back, shown
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import tables
from pages.parts.text import plain
from pages.usage.steps.aside import aside
from pages.usage.steps.words import amount
from schemas.metric import Metric

WITH: dict[Against, str] = {"period": "the period before", "import": "the import before", "account": "what the account holds of the period before"}


def show(place: Place, metric: Metric, chosen: Data) -> None:
    """Draws the comparison."""
    against = st.segmented_control("Compare with", list(WITH), default="period", format_func=WITH.get, key=place.key("against"), required=True)
    try:
        found = asked.compare(metric, chosen, against)
    except NotReady as missing:
        st.info(plain(f"{missing.sentence} {missing.todo}"), icon=":material/compare_arrows:")
        if against == "account":
            start, end = period_before(chosen.start, chosen.end)
            reading_back.button(place, metric, chosen.model_copy(update={"start": start, "end": end}))
        return
    st.markdown(f"Before: {plain(found.before)}.")
    with st.container(horizontal=True):
        st.metric("Before", _amount(found.total_before), border=True)
        st.metric("Now", _amount(found.total_after), border=True)
    shown.quantities(found.table, "The metric by customer, before and now, the largest change first", key=place.key("compared"))
    tables.download("This comparison, as CSV", lambda: tables.csv_bytes(found.table), f"{shown.file_name(metric.name)} compared.csv", key=place.key("compared_csv"))
    aside("The largest change stands first.")


def _amount(total: str | None) -> str:
    return "–" if total is None else amount(total)
