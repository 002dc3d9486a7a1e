"""A button for a file of any size: the browser asks our own route for it and saves it from the disk. Python never holds it."""

from pathlib import Path

import streamlit as st

from ingest import download

_HERE = Path(__file__).parent
_HTML = """
<button type="button"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4v10m0 0-4-4m4 4 4-4M5 19h14"/></svg><span></span></button>
<div class="said" role="status" aria-live="polite"></div>
"""
_button = st.components.v2.component(
    "intake_download_button", html=_HTML, css=(_HERE / "download_button.css").read_text(encoding="utf-8"), js=(_HERE / "download_button.js").read_text(encoding="utf-8"),
)


def download_button(label: str, what: str, *args: str, file_name: str, key: str) -> None:
    """The button. `what` is one of ingest.download's kinds, `args` what it is about; whoever sees the button may have the file."""
    _button(key=key, width="content", data={"label": label, "ticket": download.mint(what, *args, file_name=file_name)})
