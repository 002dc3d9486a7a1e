"""Workbooks to fill in, offered where somebody has no file yet."""

import streamlit as st

from pages.parts import errors, kinds
from pages.parts.download_button import download_button
from pages.parts.text import plain
from schemas.account import Account
from schemas.event_type import EventType


def button(account: Account, kind: EventType, label: str = "Template for Excel") -> None:
    """The workbook of one kind of usage."""
    download_button(label, "template", account.name, kind.slug, file_name=f"{kind.name[:60]} - template.xlsx", key=f"template_{kind.slug}")


def offer(account: Account) -> None:
    """A place to choose one; the account is only asked which it has once somebody opens it."""
    panel = st.popover("Get a template to fill in", icon=":material/table_view:", key="template_offer", on_change="rerun")
    if panel.open:
        with panel, errors.shown():
            found = kinds.event_types(account)
            if not found:
                st.markdown("This account has no kind of usage yet. The first file makes the first one.")
                return
            slug = st.selectbox("What is the usage?", list(found), format_func=lambda each: found[each].name, key="template_kind")
            st.markdown(f"An Excel workbook with the columns of {plain(found[slug].name)}, an example and an explanation of each. Fill it in and drop it here: its columns need no answers.")
            button(account, found[slug], "Download the template")
