"""Sources: usage that comes by itself. Nothing to show until there is one."""

import streamlit as st

from pages.parts import frame
from pages.parts.state import open_import

frame.begin("Sources")
st.info("Let usage come by itself from a database, a folder or an online sheet.", icon=":material/sync:")
st.markdown("""Connecting a source isn't possible in this version. What works today:
- drop every file in by hand, several at once: the same file twice is recognised, and a file whose set-up is known opens at its review;
- let a program of yours bring files in, by the command line: `python -m ingest check FILE --event-type SLUG`, then `push` (docs/command-line.md). They appear under Imports like all others.""")
if st.button("Add usage", type="primary", icon=":material/add:"):
    open_import(None)
