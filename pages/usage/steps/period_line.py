"""The month of rows without dates, where nobody said it: shown with its reason wherever somebody decides, and changed in place."""

import streamlit as st

from ingest import imports, month_of_file
from pages.parts import errors, frame
from pages.parts.text import month, plain
from pages.usage.steps import fixing
from schemas.records import ImportRecord


def show(record: ImportRecord, who: str, *, editable: bool) -> None:
    """Draws it; nothing where somebody said the period, or rows have dates."""
    why = month_of_file.noted(record)
    if not why:
        return
    with st.container(border=True, key=f"period_{record.id}"):
        st.markdown(f":material/event: The rows of this file carry no date. They count for **{month(record.match.period.start[:7])}**, {plain(why)}.")
        if editable:
            with st.container(horizontal=True):
                if st.button("That is right", key=f"period_right_{record.id}", icon=":material/check:"):
                    month_of_file.say(record, record.match.period, who)
                    st.rerun()
                with st.popover("Another month"):
                    _another(record, who)


def _another(record: ImportRecord, who: str) -> None:
    with st.form(f"period_form_{record.id}", border=False):
        chosen = st.selectbox("Month", frame.months(), format_func=month, index=None, key=f"period_month_{record.id}")
        pressed = st.form_submit_button("Use this month")
    if pressed and chosen:
        with errors.shown():
            period = month_of_file.whole_month((int(chosen[:4]), int(chosen[5:])), record.match.period.zone)
            imports.set_match(record.id, record.match.model_copy(update={"period": period}), record.account, who)
            month_of_file.say(record, period, who)
            fixing.check_again(record, who)
            st.rerun()
