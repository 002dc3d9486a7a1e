"""Where keyboard and screen reader are led: to a failure that a press brought about, to what has to be decided first; and what is said aloud as work goes on."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_guide = st.components.v2.component("intake_attention", html='<div role="status" aria-live="polite"></div>', js=(_HERE / "attention.js").read_text(encoding="utf-8"))
UNSEEN = """<style>
[class*=st-key-attention] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[data-led]:focus { outline: 3px solid var(--st-primary-color, #1f5fa8); outline-offset: 4px; border-radius: 0.4rem; }
</style>"""


def watch() -> None:
    """Leads to a failure that appears after somebody pressed a button. Once a page."""
    st.html(UNSEEN)
    _guide(key="attention", data={"watch": True})


def lead_to(key: str, once_for: str, *, after_press: bool = False) -> None:
    """Puts the keyboard's focus on the container of this key, once in a tab for whatever `once_for` names; `after_press`, only where somebody pressed a button just now."""
    _guide(key=f"attention_{key}", data={"to": key, "once": once_for, "afterPress": after_press})


def announce(text: str) -> None:
    """Says something to screen readers, politely, without showing it; the same text again isn't repeated."""
    _guide(key="attention_said", data={"say": text})
