"""The portal's navigation. Pages lie one folder deeper than `pages/`: Streamlit runs files in `pages/` itself by their names, past this script."""

import streamlit as st

from pages.parts.errors import shown

MENU = [
    st.Page("pages/usage/this_month.py", title="This month", icon=":material/calendar_month:", default=True),
    st.Page("pages/usage/imports.py", title="Imports", icon=":material/inventory_2:", url_path="imports"),
    st.Page("pages/sources/sources.py", title="Sources", icon=":material/sync:", url_path="sources"),
    st.Page("pages/metrics/metrics.py", title="Metrics", icon=":material/functions:", url_path="metrics"),
    st.Page("pages/admin/settings.py", title="Settings", icon=":material/settings:", url_path="settings"),
    st.Page("pages/usage/one_import.py", title="Import", icon=":material/upload_file:", url_path="import", visibility="hidden"),
]

page = st.navigation(MENU)
with shown():
    page.run()
