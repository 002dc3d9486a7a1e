"""Sources: usage that comes by itself. Nothing to show until there is one."""

import streamlit as st

from pages.parts import frame
from pages.parts.state import open_import

frame.begin("Sources")
st.info("Let usage come by itself from a database, a folder or an online sheet.", icon=":material/sync:")
st.markdown("Connecting a source isn't possible yet. Until then, every file can be dropped in by hand, and the same file twice is recognised.")
if st.button("Add usage", type="primary", icon=":material/add:"):
    open_import(None)
