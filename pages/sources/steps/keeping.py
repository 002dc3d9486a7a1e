"""Changes of a source that is being set up: kept at once, so that nothing is lost with a reload."""

import streamlit as st

from ingest import sources as kept
from schemas.pull_run import StoredSource


def keep(stored: StoredSource, who: str, **values: object) -> None:
    """Sets fields of the source, and draws the page anew."""
    kept.keep_draft(kept.from_document({**stored.source.model_dump(mode="json"), **values}), who)
    st.rerun()
