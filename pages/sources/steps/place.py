"""Where the pages of sources are, and which source is open."""

import streamlit as st

LIST_PAGE = "pages/sources/sources.py"
PAGE = "pages/sources/one_source.py"
CONNECT_PAGE = "pages/sources/connect.py"


def link(name: str, label: str, page: str = PAGE, icon: str | None = ":material/sync:") -> None:
    """A link to a source. The label is Markdown: escape what people wrote."""
    st.page_link(page, label=label, icon=icon, query_params={"source": name})
