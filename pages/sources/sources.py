"""Sources: usage that comes by itself. How each is, what it brought last, when it is read next, and what waits for a person."""

import streamlit as st

from ingest.pull import schedule
from ingest.pull.connectors import connector
from ingest.store import runs, sources
from pages.parts import errors, frame
from pages.parts.text import ago, count, plain
from pages.sources.steps import place, words
from schemas.pull_run import PullRun, StoredSource


def _page() -> None:
    frame.begin("Sources")
    known = sources.listed()
    if not known:
        st.info("Let usage come by itself from a database, a folder or an online sheet. You see every step before anything is sent.", icon=":material/sync:")
    if st.button("Connect a source", type="primary", icon=":material/add:"):
        st.switch_page(place.CONNECT_PAGE)
    last = runs.last_of_each()
    for each in known:
        with st.container(border=True), errors.shown():
            _one(each, last.get(each.source.name))


def _one(stored: StoredSource, last: PullRun | None) -> None:
    source = stored.source
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        place.link(source.name, f"**{plain(source.name)}**")
        st.markdown(f"{plain(connector(source.connector).title)}, {plain(schedule.in_words(source.schedule))}; {'sends by itself' if source.push == 'automatic' else 'asks before it sends'}")
        st.markdown(f":small[{_newest(stored, last)}]")
    with right:
        alarms = sources.open_alarms(source.name)
        icon, said = words.health(stored, last, alarms)
        st.markdown(f"{icon} **{said}**")
        if stored.next_at and stored.state == "active" and stored.enabled:
            st.markdown(f":small[Next run {plain(words.near(stored.next_at, source.schedule.zone))}]")
        for alarm in alarms[:3]:
            st.markdown(f":small[:material/warning: {plain(alarm.text)}]")


def _newest(stored: StoredSource, last: PullRun | None) -> str:
    parts = [f"Last run {ago(last.started_at)}: {count(last.rows.new, 'new row')}" if last else "Never read", f"newest data {plain(stored.newest)}" if stored.newest else ""]
    return " · ".join(part for part in parts if part)


_page()
