"""The portal's navigation. Pages lie one folder deeper than `pages/`: Streamlit runs files in `pages/` itself by their names, past this script."""

import streamlit as st

from pages.parts.errors import shown

# No icons here: Streamlit would make them the tab's icon too, and fetch that from the internet.
MENU = [
    st.Page("pages/usage/this_month.py", title="This month", default=True),
    st.Page("pages/usage/imports.py", title="Imports", url_path="imports"),
    st.Page("pages/sources/sources.py", title="Sources", url_path="sources"),
    st.Page("pages/metrics/metrics.py", title="Metrics", url_path="metrics"),
    st.Page("pages/admin/settings.py", title="Settings", url_path="settings"),
    st.Page("pages/metrics/one_metric.py", title="Metric", url_path="metric", visibility="hidden"),
    st.Page("pages/sources/one_source.py", title="Source", url_path="source", visibility="hidden"),
    st.Page("pages/sources/connect.py", title="Connect a source", url_path="connect", visibility="hidden"),
    st.Page("pages/usage/one_import.py", title="Import", url_path="import", visibility="hidden"),
]

page = st.navigation(MENU, position="top")
with shown():
    page.run()
