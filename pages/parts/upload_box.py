"""The drop area. Stands in until the component is there."""

import streamlit as st


def upload_box(key: str, actor_name: str, *, account: str | None = None, fixes: str | None = None) -> None:
    """Lets a person drop files, starts an import for each, and goes there. `fixes` names the import whose bad rows they bring back."""
    st.info("Drop a CSV or Excel file. Nothing is sent until you say so.")
