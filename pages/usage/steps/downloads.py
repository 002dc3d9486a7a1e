"""Downloads of what a step found: made when somebody asks for them, in a file that is gone afterwards."""

import tempfile
from pathlib import Path

import streamlit as st

from ingest import imports, push, query
from pages.parts import tables
from pages.parts.ask import ask
from schemas.records import ImportRecord

EVIDENCE_SECONDS = 300.0
"""Millions of events are written out as text first."""


def rejected(record: ImportRecord, where: str) -> None:
    """The rejected rows with their reasons, as Excel and as CSV."""
    stem = Path(record.file_name).stem[:60] or "import"
    with st.container(horizontal=True):
        for ending, label in (("xlsx", "Rows to fix, for Excel"), ("csv", "Rows to fix, as CSV")):
            tables.download(label, lambda ending=ending: _rejected_bytes(record.id, ending), f"{stem} - rows to fix.{ending}", key=f"rejected_{ending}_{where}_{record.id}")


def evidence(push_id: str) -> None:
    """Everything an auditor needs about a push."""
    tables.download("Evidence for an auditor", lambda: _evidence_bytes(push_id), f"{push_id} - evidence.zip", key=f"evidence_{push_id}")


def _rejected_bytes(import_id: str, ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return ask(imports.write_rejected, import_id, Path(folder) / f"rejected.{ending}").read_bytes()


def _evidence_bytes(push_id: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return query.ask(push.evidence, (push_id, Path(folder) / "evidence.zip"), seconds=EVIDENCE_SECONDS).read_bytes()
