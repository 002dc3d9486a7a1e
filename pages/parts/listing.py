"""Imports as a list: each a link that opens where it was left, with its state in words, and a way to dismiss it or bring it back."""

from collections.abc import Iterable

import streamlit as st

from ingest import dismissing
from ingest.month import Listed
from pages.parts import errors
from pages.parts.state import link_import, remembered
from pages.parts.text import STATES, ago, count, month, plain, shorten, spoken

MESSAGE = 160


def import_rows(listed: Iterable[Listed], who: str, *, with_account: bool = False) -> None:
    """One line an import."""
    for each in listed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            with st.container(width=240):
                _name(each)
            st.markdown(f"**{STATES[each.state][0]}**", width=150)
            st.markdown(rows_in_words(each), width=290)
            st.caption(_about(each, with_account=with_account), width="stretch")
            _buttons(each, who)
        if remembered.dismissing == each.id and each.state in dismissing.DISMISSIBLE:
            with st.container(border=True):
                _dismissal(each, who)


def rows_in_words(each: Listed) -> str:
    """The rows of an import, as far as they are known."""
    if each.state == "discarded":
        return _reason(each.id)
    if each.state == "unreadable":
        return plain(shorten(each.message, MESSAGE))
    if each.rows is None:
        return "not counted yet"
    if each.accepted is None:
        return f"{count(each.rows, 'row')}: {each.rows - each.excluded:,} in the table, {each.excluded:,} left out" if each.excluded else count(each.rows, "row")
    parts = [(each.accepted, "ready"), (each.rejected, "needs fixing" if each.rejected == 1 else "need fixing"), (each.duplicate, "already sent or repeated"), (each.excluded, "left out")]
    return f"{count(each.rows, 'row')}: " + (", ".join(f"{amount:,} {word}" for amount, word in parts if amount) or "none")


def _name(each: Listed) -> None:
    name = plain(shorten(each.file_name, 36))
    if each.state == "discarded":
        st.markdown(f"{STATES[each.state][1]} {name}")
    else:
        link_import(each.id, name, icon=STATES[each.state][1])


def _buttons(each: Listed, who: str) -> None:
    if each.state in dismissing.DISMISSIBLE and st.button("Dismiss", key=f"dismiss_{each.id}", help="Take this file off the lists, with a reason. It can be brought back."):
        remembered.dismissing = None if remembered.dismissing == each.id else each.id
    elif each.state == "discarded" and st.button("Bring back", key=f"bring_back_{each.id}", icon=":material/undo:"):
        with errors.shown():
            dismissing.bring_back(each.id, who)
            st.rerun()


def _dismissal(each: Listed, who: str) -> None:
    with st.form(f"dismissal_{each.id}", border=False):
        reason = st.text_input("Why? Somebody will read this later.", key=f"dismissal_reason_{each.id}", placeholder="such as: a new export is coming")
        pressed = st.form_submit_button("Dismiss this file", icon=":material/do_not_disturb_on:")
    if pressed:
        with errors.shown():
            dismissing.dismiss(each.id, reason or "", who)
            remembered.dismissing = None
            st.toast("Dismissed. On the Imports page, under Dismissed, it can be brought back.")
            st.rerun()


def _reason(import_id: str) -> str:
    who, at, reason = dismissing.why(import_id)
    return f"by {plain(who)}, {ago(at)}{f': {plain(shorten(reason, 90))}' if reason else ''}" if who else ""


def _about(each: Listed, *, with_account: bool) -> str:
    parts = [each.event_type and plain(spoken(each.event_type)), each.period and month(each.period), with_account and each.account and plain(each.account), f"{plain(each.created_by)}, {ago(each.created_at)}"]
    return " · ".join(part for part in parts if part)
