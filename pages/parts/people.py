"""Choosing a colleague: by a name that was typed before, or a new one."""

import streamlit as st

from ingest.store import handovers


def colleague(label: str, key: str) -> str:
    """A field for a colleague's name; what was chosen or typed, empty for nothing."""
    return st.selectbox(label, handovers.colleagues(), index=None, accept_new_options=True, placeholder="Choose a name, or type a new one", key=key) or ""
