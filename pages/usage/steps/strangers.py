"""Customers whom the account doesn't know, and the known one that may be meant: one press maps the name, as a correction that can be undone."""

import streamlit as st

from pages.parts import errors
from pages.parts.text import plain
from pages.usage.steps import fixing
from pages.usage.steps.aside import aside
from schemas.correcting import MapValues
from schemas.records import ImportRecord

NEARLY = "customer_nearly_known"
SHOWN = 10


def offer(record: ImportRecord, meant: dict[str, str], who: str, where: str) -> None:
    """A button for each customer whose name is nearly that of a known one (`meant`: name → known one)."""
    column = record.match.of("customer_id").column
    if column is None or not meant:
        return
    for position, (name, known) in enumerate(list(meant.items())[:SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"‘{plain(name)}’: is **{plain(known)}** meant?")
            if st.button(f"Yes, it is {plain(known)}", key=f"meant_{where}_{record.id}_{position}_{name}"):
                _map(record, column, {name: known}, who)
    if len(meant) > 1 and st.button(f"Yes, all {len(meant)} of them", key=f"meant_all_{where}_{record.id}"):
        _map(record, column, meant, who)
    if len(meant) > SHOWN:
        aside(f"The first {SHOWN} of {len(meant)}.")


def _map(record: ImportRecord, column: str, values: dict[str, str], who: str) -> None:
    with errors.shown():
        fixing.correct(record, [MapValues(column=column, values=values)], who)
        st.rerun()
