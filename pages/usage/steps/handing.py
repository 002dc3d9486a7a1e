"""Giving a decision to a colleague, with a comment, and taking it back."""

import streamlit as st

from ingest.store import handovers
from pages.parts import errors, people
from pages.parts.text import ago, plain
from schemas.deciding import Decision, Handover
from schemas.records import ImportRecord


def show(record: ImportRecord, decision: Decision, who: str, *, editable: bool) -> None:
    """Who is asked to decide, or a way to ask somebody."""
    if decision.handover:
        given(decision.handover, who, editable=editable and not decision.settled)
    elif editable and not decision.settled:
        with st.popover("Give to a colleague", icon=":material/person_add:"):
            _give(record, decision, who)


def given(handover: Handover, who: str, *, editable: bool) -> None:
    """Whom a decision waits for, and why; with a way to take it back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/person: {in_words(handover)}", width="content")
        if editable and st.button("Take it back", key=f"take_back_{handover.import_id}_{handover.decision}"):
            with errors.shown():
                handovers.take_back(handover.import_id, handover.decision, who)
                st.rerun()


def in_words(handover: Handover) -> str:
    """`waiting for Ana: …`, with who asked, and when."""
    comment = f": {plain(handover.comment)}" if handover.comment else ""
    return f"**waiting for {plain(handover.colleague)}**{comment} (asked by {plain(handover.who)}, {ago(handover.at)})"


def _give(record: ImportRecord, decision: Decision, who: str) -> None:
    with st.form(f"hand_{record.id}_{decision.name}", border=False):
        name = people.colleague("Who is to decide?", f"hand_to_{record.id}_{decision.name}")
        comment = st.text_area("What should they know?", key=f"hand_comment_{record.id}_{decision.name}", max_chars=handovers.MAX_COMMENT, height=80)
        pressed = st.form_submit_button("Give", icon=":material/person_add:")
    if pressed:
        with errors.shown():
            handovers.give(record.id, decision.name, name, comment or "", who)
            st.rerun()
