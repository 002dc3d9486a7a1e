"""One source: how it is, its runs with where every row went, and what can be done: read now, read days again, pause."""

import altair
import pandas as pd
import streamlit as st

from ingest import jobs, pulling, sources
from ingest.pull import schedule
from ingest.pull.connectors import connector
from ingest.store import imports, runs
from ingest.store import sources as stored_sources
from pages.parts import errors, frame
from pages.parts.ask import ask
from pages.parts.attention import announce
from pages.parts.state import IMPORT_PAGE, import_address, link_import
from pages.parts.text import ago, count, moment, plain, shorten
from pages.parts.text import state as import_state
from pages.sources.steps import place, words, working
from schemas.pull_run import OPEN, PullRun, StoredSource
from schemas.source import Schedule

MOST = 30
WORKING = ("queued", "reading", "checking", "pushing")


def _page() -> None:
    name = st.query_params.get("source") or ""
    actor = frame.begin(name or "Source")
    st.page_link(place.LIST_PAGE, label="All sources", icon=":material/arrow_back:")
    if not stored_sources.exists(name):
        st.warning("There is no source of this name. It may have been removed.", icon=":material/search_off:")
        return
    stored = stored_sources.get(name)
    _head(stored)
    _buttons(stored, actor.name)
    _alarms(stored, actor.name)
    waiting = runs.open_run(name)
    if waiting:
        _open(waiting, actor.name)
    tabs = st.tabs(["Runs", "Read days again", "Set-up"], key="source_tabs", on_change="rerun")
    for tab, draw in zip(tabs, (_runs, _backfill, _setup), strict=True):
        if tab.open:
            with tab, errors.shown():
                draw(stored, actor.name)


def _head(stored: StoredSource) -> None:
    source = stored.source
    real = [run for run in runs.of_source(source.name, limit=MOST) if run.kind != "dry"]
    last, brought = next(iter(real), None), next((run for run in real if run.state == "done"), None)
    icon, said = words.health(stored, last, stored_sources.open_alarms(source.name))
    st.markdown(f"{icon} **{said}**  \n{plain(connector(source.connector).title)}, {plain(schedule.in_words(source.schedule))}; {'sends by itself when nothing is wrong' if source.push == 'automatic' else 'asks before it sends'}. To account {plain(source.account or frame.account().name)}.")
    with st.container(horizontal=True, key="numbers"):
        if source.read.cursor:
            st.metric("Newest data", (stored.newest or "–")[:19].replace("T", " "), border=True, help="The largest cursor that was read. Everything before it is proven in the account, or stays as a row to fix.")
        else:
            st.metric("New rows", f"{brought.rows.new:,}" if brought else "–", border=True, help="Those of the last run that is done.")
        st.metric("Last run", ago(last.started_at) if last else "never", border=True)
        st.metric("Next run", _next(stored), border=True, help=f"By the clock of {source.schedule.zone}. The Set-up tab lists the next five.")


def _next(stored: StoredSource) -> str:
    if stored.state == "paused":
        return "paused"
    return words.near(stored.next_at, stored.source.schedule.zone) if stored.next_at and stored.enabled else schedule.in_words(Schedule(after=stored.source.schedule.after))


def _buttons(stored: StoredSource, who: str) -> None:
    name, running = stored.source.name, runs.open_run(stored.source.name)
    busy = running is not None
    if not stored.enabled and not running:
        _go_on(stored, who)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Read what is new", type="primary", icon=":material/sync:", disabled=busy):
            _begin(name, "by hand", who)
        if st.button("Try it without sending", icon=":material/science:", disabled=busy, help="Reads and checks what is new, says what would come of it, and keeps nothing."):
            _begin(name, "dry", who)
        if stored.state == "paused":
            if st.button("Let it run by itself", icon=":material/play_arrow:"):
                with errors.shown():
                    sources.enable(name, who)
                    st.rerun()
        elif st.button("Pause", icon=":material/pause:"):
            sources.enable(name, who, on=False)
            st.rerun()
        if busy:
            st.caption(f"A run {'waits for you' if running.state == 'waiting' else 'is on its way'}, so no other can begin.", width="content")


def _go_on(stored: StoredSource, who: str) -> None:
    """What can be done with a source that isn't switched on: set it up to its end, or switch it on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Go on setting it up", type="primary", icon=":material/edit:"):
            st.switch_page(place.CONNECT_PAGE, query_params={"source": stored.source.name})
        if st.button("Switch it on", icon=":material/power_settings_new:"):
            with errors.shown():
                sources.enable(stored.source.name, who)
                st.rerun()


def _begin(name: str, kind: str, who: str, **window: str) -> None:
    with errors.shown():
        jobs.queue_run(name, kind, who, **window)
        st.rerun()


def _alarms(stored: StoredSource, who: str) -> None:
    for alarm in stored_sources.open_alarms(stored.source.name):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.warning(f"{plain(alarm.text)} ({ago(alarm.at)})", icon=":material/warning:")
        if right.button("Seen", key=f"alarm_{alarm.id}", help="Takes the alarm away. It comes again with the next run that has reason for it."):
            stored_sources.close_alarms(stored.source.name, (alarm.kind,))
            st.rerun()


def _open(run: PullRun, who: str) -> None:
    if run.state in WORKING:
        _watch(run.id)
        return
    st.info(f"**A run waits for you.** {plain(run.message)}", icon=":material/front_hand:")
    found = [record for import_id in run.imports if (record := imports.get(import_id)).state not in ("discarded", "proven")]
    for record in found[1:]:
        link_import(record.id, f"{plain(record.file_name)}: {import_state(record.state)}", icon=":material/open_in_new:")
    if found and st.button(f"Look at {plain(shorten(found[0].file_name, 50))}", type="primary", icon=":material/rule:"):
        st.switch_page(IMPORT_PAGE, query_params=import_address(found[0].id))
    if st.button("Give this run up", icon=":material/undo:", help="Nothing of it is sent. The next run reads its rows again."):
        with errors.shown():
            pulling.stop(run.id, who)
            st.rerun()


@st.fragment(run_every=0.5)
def _watch(run_id: str) -> None:
    run = runs.get(run_id)
    if run.state not in WORKING:
        st.rerun()
    announce(words.progress(run).partition(" ")[2])
    st.progress({"queued": 0.0, "reading": 0.2, "checking": 0.5, "pushing": 0.8}[run.state], text=f"{words.progress(run)} You can close this page; it goes on.")
    working.warn_without_worker()


def _runs(stored: StoredSource, who: str) -> None:
    found = runs.of_source(stored.source.name, limit=MOST)
    if not found:
        st.markdown("It was never read." + (" *Try it without sending* shows what would come of it." if stored.enabled else ""))
        return
    _chart([run for run in found if run.kind != "dry" and run.state == "done"])
    for run in found:
        _run(run)


def _chart(found: list[PullRun]) -> None:
    shown = {"accepted": "ready", "rejected": "need fixing"}
    table = pd.DataFrame([{"run": words.short(run.started_at), "rows": getattr(run.rows, field), "what": said} for run in reversed(found) for field, said in shown.items()])
    if len(found) < 2 or not table["rows"].sum():
        return
    colors = altair.Color("what:N", title=None, sort=None, scale=altair.Scale(domain=list(shown.values()), range=["#1f5fa8", "#d9822b"]))
    x = altair.X("run:O", title="Run (UTC)", sort=None, axis=altair.Axis(labelAngle=0, labelOverlap=True))
    chart = altair.Chart(table).mark_bar(size=14).encode(x=x, y=altair.Y("rows:Q", title="New rows"), color=colors, tooltip=["run:O", "what:N", "rows:Q"])
    st.altair_chart(chart.properties(height=180), alt=f"Rows of the last {len(found)} runs, by what became of them")


def _run(run: PullRun) -> None:
    rows = run.rows
    sent = "" if run.kind == "dry" else f", {run.sent:,} sent"
    said = f"{words.state(run)} · {moment(run.started_at)} · {words.KINDS[run.kind]} · {count(rows.new, 'new row')}{sent}"
    with st.expander(said, expanded=run.state in OPEN, key=f"run_{run.id}"):
        st.markdown(f"**{rows.read:,} read** = {rows.accepted:,} ready + {rows.rejected:,} need fixing + {rows.duplicate:,} known already + {rows.excluded:,} left out. "
                    f"{_besides(run)}**{_sent(run)}**")
        window = f"from {run.since or 'the beginning'} to before {run.until or 'the end'}" if run.since or run.until else "all of it"
        seconds = f", read in {run.read_seconds:.1f} seconds" if run.read_seconds is not None else ""
        st.markdown(f":small[Read: {plain(window)}{seconds}. Begun by {plain(run.who)}.]")
        for import_id in run.imports:
            record = imports.get(import_id)
            if record.state != "discarded":
                link_import(import_id, f"{plain(record.file_name)}: {import_state(record.state)}", icon=":material/description:")
        st.markdown("  \n".join(f":small[{plain(line.at[11:19])}  {plain(line.text)}]" for line in run.log))


def _besides(run: PullRun) -> str:
    changed, removed = run.rows.changed, run.rows.removed
    return (f"{count(changed, 'row was', 'rows were')} changed since they were sent. " if changed else "") + (f"{count(removed, 'row is', 'rows are')} in the source no more. " if removed else "")


def _sent(run: PullRun) -> str:
    if run.kind == "dry":
        return "Nothing was sent or kept."
    return f"{run.sent:,} sent, {run.proven:,} found in the account." if run.sent or run.state not in OPEN else "Nothing is sent yet."


def _backfill(stored: StoredSource, who: str) -> None:
    if stored.source.read.files:
        st.markdown("Each file is read once, and again when it changes, so there are no days to read again.")
        return
    if not stored.source.read.cursor:
        st.markdown("This source is read as a whole each time, so there is nothing to read again: what is missing comes with the next run.")
        return
    st.markdown("Reads the rows of some days again, as a run of its own. What was sent already isn't sent again; where the source was read to stays as it is.")
    with st.form("backfill", border=False):
        days = st.date_input("Days", value=(), key="backfill_days", help="The first and the last day; both count.")
        counting, running = st.columns(2)
        counted = counting.form_submit_button("Count the rows", icon=":material/science:", width="stretch")
        asked = running.form_submit_button("Read these days again", icon=":material/history:", width="stretch")
    if (counted or asked) and len(days) != 2:
        st.warning("Choose the first and the last day.", icon=":material/date_range:")
    elif counted:
        with st.spinner("Counting …", show_time=True):
            st.info(plain(ask(sources.counted, stored.source, str(days[0]), str(days[1]))["message"]), icon=":material/science:")
    elif asked:
        _begin(stored.source.name, "backfill", who, since=str(days[0]), until=str(days[1]))


def _setup(stored: StoredSource, who: str) -> None:
    from datetime import UTC, datetime

    upcoming = schedule.next_times(stored.source.schedule, datetime.now(UTC))
    st.markdown(f"**{plain(words.beginning(schedule.in_words(stored.source.schedule)))}.** " + (f"The next runs: {plain(words.upcoming(upcoming, stored.source.schedule.zone))}." if upcoming else ""))
    place.link(stored.source.name, "Change the set-up", place.CONNECT_PAGE, ":material/edit:")
    text = sources.to_yaml(stored.source)
    st.code(text, language="yaml")
    st.download_button("Download as YAML", text, file_name=f"{stored.source.name}.yaml", mime="application/yaml", icon=":material/download:", on_click="ignore", help="Without secrets. `python -m ingest source add --file` takes it.")
    with st.expander("Remove this source", icon=":material/delete:"):
        st.markdown("It is read no more, and its runs are forgotten. Its imports, and what was sent, stay.")
        sure = st.text_input("Type its name to remove it", key="remove_name")
        if st.button("Remove", disabled=sure != stored.source.name, key="remove_source"):
            stored_sources.remove(stored.source.name, who)
            st.switch_page(place.LIST_PAGE)


_page()
