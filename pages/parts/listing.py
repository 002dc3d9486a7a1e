"""Imports as a list: each a link that opens where it was left, with its state in words."""

from collections.abc import Iterable

import streamlit as st

from ingest.month import Listed
from pages.parts.state import link_import
from pages.parts.text import STATES, ago, count, month, plain, shorten


def import_rows(listed: Iterable[Listed], *, with_account: bool = False) -> None:
    """One line an import."""
    for each in listed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            with st.container(width=300):
                link_import(each.id, plain(shorten(each.file_name, 38)), icon=STATES[each.state][1])
            st.markdown(f"**{STATES[each.state][0]}**", width=175)
            st.markdown(rows_in_words(each), width=390)
            st.caption(_about(each, with_account=with_account), width=320)


def rows_in_words(each: Listed) -> str:
    """The rows of an import, as far as they are known."""
    if each.state == "unreadable":
        return plain(shorten(each.message, 90))
    if each.rows is None:
        return "not counted yet"
    if each.accepted is None:
        return f"{count(each.rows, 'row')}: {each.rows - each.excluded:,} in the table, {each.excluded:,} left out" if each.excluded else count(each.rows, "row")
    parts = [(each.accepted, "ready"), (each.rejected, "needs fixing" if each.rejected == 1 else "need fixing"), (each.duplicate, "already sent or repeated"), (each.excluded, "left out")]
    return f"{count(each.rows, 'row')}: " + (", ".join(f"{amount:,} {word}" for amount, word in parts if amount) or "none")


def _about(each: Listed, *, with_account: bool) -> str:
    parts = [each.event_type and plain(each.event_type), each.period and month(each.period), with_account and each.account and plain(each.account), f"{plain(each.created_by)}, {ago(each.created_at)}"]
    return " · ".join(part for part in parts if part)
