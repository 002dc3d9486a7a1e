"""Where a source is: which kind, how it is reached, and the connection tried step by step."""

import re

import streamlit as st

from ingest import sources as kept
from ingest.errors import BadInput
from ingest.pull.connectors import CONNECTORS, connector
from ingest.store import sources as stored_sources
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.text import plain
from pages.sources.steps import form
from schemas.pull_run import StoredSource
from schemas.source import NAME, Diagnosis, Source

FIRST = ("postgresql", "mysql", "mariadb", "s3", "https", "sftp", "folder", "google_sheets", "clickhouse", "sqlite", "duckdb")


def show(stored: StoredSource | None, who: str) -> None:
    """The form, and what came of the last test."""
    if stored and not st.session_state.get("where_open"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.markdown(f"**{plain(stored.source.name)}**: {plain(connector(stored.source.connector).title)}. {plain(_reached(stored.source))}")
        if right.button("Change", key="where_change"):
            st.session_state["where_open"] = True
            st.rerun()
        return
    known = stored.source if stored else None
    titles = _titles()
    name = known.name if known else st.text_input("What should it be called?", key="connect_name", max_chars=100, placeholder="such as usage-db")
    kind = known.connector if known else st.selectbox("What is it?", list(titles), format_func=titles.get, index=None, key="connect_kind", placeholder="Choose a database, a bucket, a folder, a sheet …")
    if not kind:
        st.caption("Then it says how to reach it, and which rights it needs.")
        return
    with st.form("where", border=False):
        said = form.ask(connector(kind).model, known.connection if known else {}, f"where_{kind}")
        pressed = st.form_submit_button("Test the connection", type="primary", icon=":material/cable:")
    with st.expander("What it needs: rights, and addresses that have to be reached", icon=":material/key:"):
        st.markdown("Hand this to whoever looks after it. Reading is enough.")
        st.code(connector(kind).rights(None, None), language=None, wrap_lines=True)
    if pressed:
        _test(name, kind, said, known, who)


def _titles() -> dict[str, str]:
    order = [*FIRST, *(name for name in CONNECTORS if name not in FIRST)]
    return {name: title for name in order if (title := _title(name))}


def _title(name: str) -> str | None:
    try:
        return connector(name).title
    except (ImportError, AttributeError):
        return None


def _test(name: str, kind: str, said: dict[str, object], known: Source | None, who: str) -> None:
    """Tries it, and keeps it where it works."""
    if not name.strip():
        st.warning("Give it a name first.", icon=":material/edit:")
        return
    if not re.fullmatch(NAME, name.strip()):
        st.warning("A name begins with a letter or a digit and holds only letters of the English alphabet, digits, spaces and . _ -", icon=":material/edit:")
        return
    missing = [info.title or field for field, info in connector(kind).model.model_fields.items() if info.is_required() and field not in said]
    if missing:
        st.warning(f"Still missing: {', '.join(missing)}.", icon=":material/edit:")
        return
    if known is None and stored_sources.exists(name.strip()):
        st.warning("There is a source of this name already. Choose another name.", icon=":material/edit:")
        return
    with errors.shown():
        secret = {field: value for field, value in (known.connection if known else {}).items() if said.get(field) == form.KEPT}
        source = kept.from_document({**(known.model_dump(mode="json") if known else {}), "name": name.strip(), "connector": kind, "connection": {**said, **secret}})
        with st.spinner("Trying the connection …", show_time=True):
            found: Diagnosis = ask(kept.test, source)
        steps(found)
        if found.ok:
            kept.keep_draft(source, who)
            st.session_state["where_open"] = False
            st.session_state["where_tested"] = found
            st.query_params["source"] = source.name
            st.rerun()


def steps(found: Diagnosis) -> None:
    """What a test found, step by step."""
    for each in found.steps:
        icon = ":material/check_circle:" if each.ok else ":material/error:"
        todo = f" {plain(each.todo)}" if each.todo else ""
        (st.markdown if each.ok else st.error)(f"{icon if each.ok else ''} {plain(each.text)}{todo}".strip())


def _reached(source: Source) -> str:
    """Where it is, in short: its addresses, or the first thing that was said of it."""
    try:
        found = connector(source.connector).addresses(connector(source.connector).model.model_validate(source.connection))
    except (BadInput, ValueError):
        return ""
    secret = kept.secret_fields(source.connector)
    first = next((value for field, value in source.connection.items() if isinstance(value, str) and field not in secret), "")
    return ", ".join(f"{host}:{port}" for host, port in found) or first
