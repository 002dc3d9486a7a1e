"""Metrics: how events become a billed quantity. Until they can be written down here, each import shows its own totals."""

import streamlit as st

from ingest import month
from pages.parts import frame
from pages.parts.state import link_import, open_import
from pages.parts.text import month as in_words
from pages.parts.text import plain, shorten

SHOWN = 20

period = frame.period()
frame.begin("Metrics")
st.info("A metric says how events become a billed quantity. Start from 'total per customer'.", icon=":material/functions:")
st.markdown("""New metrics can't be written here in this version; the billing system itself has its own page for them. What works today: what an import comes to stands in its own review,
under Totals: total, count, smallest, largest, average or latest, per customer, per day and per dimension, as a table, a chart and a download.""")
checked = month.month(period, frame.account().name).in_states(("checked", "pushing", "stopped", "pushed", "proven"))
if checked:
    st.header(f"Totals of {in_words(period)}", anchor=False)
    for each in checked[:SHOWN]:
        link_import(each.id, f"{plain(each.event_type or '')}: totals of {plain(shorten(each.file_name))}", "review", icon=":material/bar_chart:")
elif st.button("Add usage", type="primary", icon=":material/add:"):
    open_import(None)
