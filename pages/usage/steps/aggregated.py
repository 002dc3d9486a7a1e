"""Usage that was added up before it came (`October: 320 hours`, a month beside its year): offered on Columns to be made a time that can be read. A correction like any other, which can be undone."""

import streamlit as st

from ingest import fixing, imports
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.text import plain
from pages.usage.steps.draft import Place
from schemas.correcting import CorrectionOffer


def show(place: Place) -> None:
    """The offers; nothing for most files."""
    for position, offer in enumerate(_offers(place.record.id, place.table)):
        with st.container(border=True, key=f"aggregated_{position}"):
            st.markdown(f":material/event: {plain(offer.text)}")
            if st.button("Yes, do that", key=place.key(f"aggregated_{position}"), icon=":material/check:"):
                with errors.shown():
                    fixing.correct(place.record.id, offer.corrections, place.who)
                    st.rerun()


@st.cache_data(ttl=3600, max_entries=100, show_spinner=False)
def _offers(import_id: str, table: str) -> tuple[CorrectionOffer, ...]:
    return ask(imports.period_offers, import_id)
