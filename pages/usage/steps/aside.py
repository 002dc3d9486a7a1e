"""Small print: like st.caption, but dark enough to be read by everybody (Streamlit's own grey fails the contrast that accessibility asks for)."""

import streamlit as st


def aside(text: str) -> None:
    """Shows a line of small print; Markdown, so escape what people wrote."""
    st.markdown(f":small[{text}]")
