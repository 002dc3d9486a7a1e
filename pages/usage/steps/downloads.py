"""Downloads of what a step found: made when somebody asks for them, by another process, and saved by the browser from the disk."""

from pathlib import Path

import streamlit as st

from pages.parts.download_button import download_button
from schemas.records import ImportRecord


def rejected(record: ImportRecord, where: str) -> None:
    """The rejected rows with their reasons, as Excel and as CSV."""
    with st.container(horizontal=True):
        for ending, label in (("xlsx", "Rows to fix, for Excel"), ("csv", "Rows to fix, as CSV")):
            download_button(label, "rejected", record.id, file_name=f"{_stem(record)} - rows to fix.{ending}", key=f"rejected_{ending}_{where}_{record.id}")


def events(record: ImportRecord) -> None:
    """Every event that is ready, or was sent."""
    download_button("All events, as CSV", "events", record.id, file_name=f"{_stem(record)} - events.csv", key=f"events_csv_{record.id}")


def evidence(push_id: str) -> None:
    """Everything an auditor needs about a push."""
    download_button("Evidence for an auditor", "evidence", push_id, file_name=f"{push_id} - evidence.zip", key=f"evidence_{push_id}")


def _stem(record: ImportRecord) -> str:
    return Path(record.file_name).stem[:60] or "import"
