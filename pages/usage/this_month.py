"""This month: what is expected, what came, what waits for you, what is proven; who is missing, and which rows are still to be fixed."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import streamlit as st

from ingest import deciding, month
from ingest.errors import IngestError
from ingest.raw import row_in_file
from ingest.settings import PROJECT
from ingest.store import accounts, imports, open_rows
from pages.parts import errors, frame, listing, people, template
from pages.parts.ask import ask
from pages.parts.download_button import download_button
from pages.parts.state import IMPORTS_PAGE, link_import, open_import, remembered
from pages.parts.text import ago, count, day, number, plain, shorten, spoken
from pages.parts.text import month as in_words
from pages.parts.text import state as state_in_words
from pages.parts.upload_box import start_reading, upload_box
from pages.usage.steps import handing
from schemas.records import OpenRows

SHOWN = 8
FEW = 3
OPEN_SHOWN = 10
TABLE_ROWS = 200
SAID, SAID_BY_ACCOUNT = 30, 200
"""How much is shown of a cell, and of what the account says about a row."""
SAMPLES = PROJECT / "docs" / "samples"


def _page() -> None:
    period = frame.period()
    actor = frame.begin(f"This month: {in_words(period)}")
    _invoices(period)
    here = month.month(period, frame.account().name)
    still_open = open_rows.all_open()
    if here.imports or here.expected:
        _full(here, still_open, actor)
    else:
        _empty(period, actor)
    if here.waiting_elsewhere:
        st.page_link(IMPORTS_PAGE, label=f"{count(here.waiting_elsewhere, 'import')} of other months {'waits' if here.waiting_elsewhere == 1 else 'wait'} for you", icon=":material/pending_actions:", query_params={"waiting": "yes"})
    _sent_elsewhere(period)
    _given(actor)
    _to_fix(still_open, actor)
    _quiet(here)


def _sent_elsewhere(period: str) -> None:
    """What was sent last, where that was for another month: it is looked for here first."""
    last = month.last_sent(frame.account().name)
    if last and last.period and last.period != period:
        done = last.state in ("pushed", "proven")
        link_import(last.id, f"{'Last sent' if done else state_in_words(last.state).capitalize()}: {plain(shorten(last.file_name, 60))}, {in_words(last.period)}: see {'its receipt' if done else 'how far it is'}", "send", icon=":material/receipt_long:")


def _invoices(period: str) -> None:
    """By when the month's usage must be there, for accounts whose day is known."""
    if by := accounts.settings_of(frame.account().name).invoices_on(period):
        left = (by - datetime.now(UTC).date()).days
        when = "today" if left == 0 else f"in {count(left, 'day')}" if left > 0 else f"{count(-left, 'day')} ago"
        st.markdown(f":material/event: Invoices for {in_words(period)} {'were' if left < 0 else 'are'} made on **{day(by.isoformat())}** ({when}).")


def _empty(period: str, actor: frame.Actor) -> None:
    st.info(f"No usage for {in_words(period)} yet. Drop a file here, connect a source, or try a sample.", icon=":material/calendar_month:")
    upload_box("first_usage", actor.name, account=frame.account().name)
    with st.container(horizontal=True, vertical_alignment="center"):
        template.offer(frame.account())
        st.page_link("pages/sources/sources.py", label="Connect a source", icon=":material/sync:")
        samples = sorted(path for path in SAMPLES.glob("*") if path.suffix in (".csv", ".xlsx")) if SAMPLES.is_dir() else []
        if samples:
            _samples(samples, actor)


def _samples(samples: list[Path], actor: frame.Actor) -> None:
    with st.popover("Try a sample", icon=":material/science:"):
        chosen = st.radio("Sample", samples, format_func=lambda path: path.name)
        if st.button("Bring it in", type="primary"):
            from ingest import imports as stages  # loads every stage

            record = stages.start(chosen, chosen.name, actor.name, account=frame.account().name)
            start_reading(record.id, actor.name)
            open_import(record.id)


def _full(here: month.Month, still_open: list[OpenRows], actor: frame.Actor) -> None:
    waiting, working = here.in_states(month.WAITING), here.in_states(month.WORKING)
    unreadable = tuple(each for each in waiting if each.state == "unreadable")
    section = partial(_section, who=actor.name)
    if st.button("Add usage", type="primary", icon=":material/add:"):
        open_import(None)
    _numbers(here, waiting, still_open)
    if working:
        section("Being worked on", working)
    section("Waiting for you", tuple(each for each in waiting if each not in unreadable))
    _expected(here)
    section("Sent, not proven yet", here.in_states(("pushed",)))
    section("Sent and proven", here.in_states(("proven",)))
    section("Can't be read: dismiss them, or say how they are to be read", unreadable, most=FEW)


def _numbers(here: month.Month, waiting: tuple[month.Listed, ...], still_open: list[OpenRows]) -> None:
    values = {
        "Expected": (len(here.expected), "Files like those of earlier months"),
        "Arrived": (len(here.imports), "Files that are here, for this month or with a month not known yet"),
        "Waiting for you": (len(waiting), "Files that go no further without you"),
        "Sent": (len(here.in_states(("pushing", "stopped", "pushed", "proven"))), "Files of which something was sent"),
        "Proven": (len(here.in_states(("proven",))), "Files whose every event was found again in the account"),
        "Missing": (len(here.missing), "Expected files that aren't here"),
        "Rows to fix": (sum(each.count for each in still_open), "From any month: rows that aren't billed yet"),
    }
    with st.container(horizontal=True, key="numbers"):
        for label, (value, meaning) in values.items():
            st.metric(label, number(value), border=True, width=142, help=meaning)


def _section(title: str, found: tuple[month.Listed, ...], who: str, most: int = SHOWN) -> None:
    if not found:
        return
    st.header(f"{title} ({len(found)})", anchor=False)
    listing.import_rows(found[:most], who)
    if len(found) > most:
        st.page_link(IMPORTS_PAGE, label=f"All {len(found)} are on the Imports page", icon=":material/arrow_forward:")


def _expected(here: month.Month) -> None:
    if not here.expected:
        return
    st.header(f"Expected ({len(here.expected)})", anchor=False)
    if not here.missing:
        st.markdown(":material/check_circle: Every file of the earlier months has its counterpart.")
    for each in here.missing[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            st.markdown(":material/event_busy: **missing**", width=120)
            st.markdown(f"{plain(spoken(each.event_type))}, in {in_words(each.last_period)} as *{plain(shorten(each.last_file, 60))}*", width=700)
    if len(here.missing) > SHOWN:
        st.caption(f"And {number(len(here.missing) - SHOWN)} more, in this list:")
    with st.expander(f"All {len(here.expected)}: {len(here.arrived)} arrived, {len(here.missing)} missing"):
        _expected_table(here)


def _expected_table(here: month.Month) -> None:
    rows = [*here.missing, *here.arrived][:TABLE_ROWS]
    st.dataframe(
        {
            "Event type": [spoken(each.event_type) for each in rows],
            "Last time": [each.last_file for each in rows],
            in_words(here.period): [each.arrived.file_name if each.arrived else "missing" for each in rows],
            "State": [state_in_words(each.arrived.state) if each.arrived else "" for each in rows],
        },
        alt=f"{len(here.expected)} files expected in {in_words(here.period)}", hide_index=True, key="expected",
    )


def _quiet(here: month.Month) -> None:
    """Customers of last month without usage, counted in a query process: it has to look into the events."""
    if not here.in_states(("checked", *month.SENT)):
        return
    try:
        quiet = _quiet_customers(here.period, frame.account().name, tuple((each.id, each.state) for each in here.imports))
    except IngestError as error:
        errors.show(error)
        return
    if not quiet:
        return
    st.header(f"Customers without usage ({number(len(quiet))})", anchor=False)
    st.markdown(f"They had usage in {in_words(month.earlier_period(here.period))} and have none for {in_words(here.period)} yet.")
    rows = quiet[:TABLE_ROWS]
    st.dataframe(
        {"Customer": [each.customer_id for each in rows], "Event types": [", ".join(map(spoken, each.event_types)) for each in rows], "Events last month": [each.events for each in rows]},
        alt=f"{len(quiet)} customers without usage this month", hide_index=True, key="quiet_customers", height=min(38 + 35 * len(rows), 320),
    )


@st.cache_data(ttl=300, max_entries=100, show_spinner=False)
def _quiet_customers(period: str, account: str, changes: object) -> list[month.Quiet]:
    """`changes` is only there so that the answer is asked for again when the month's imports change."""
    return ask(month.quiet_customers, period, account)


def _given(actor: frame.Actor) -> None:
    """Decisions that colleagues were asked for, those for the person who looks first."""
    found = sorted(deciding.waiting(frame.account().name), key=lambda each: each[0].colleague.casefold() != actor.name.casefold())
    if not found:
        return
    st.header(f"Waiting for colleagues ({number(len(found))})", anchor=False)
    for handover, decision in found[:OPEN_SHOWN]:
        with st.container(border=True):
            link_import(handover.import_id, plain(shorten(imports.get(handover.import_id).file_name, 60)), "review", icon=":material/rule:")
            st.markdown(plain(shorten(decision.text, 200)))
            handing.given(handover, actor.name, editable=True)
    if len(found) > OPEN_SHOWN:
        st.caption(f"And {number(len(found) - OPEN_SHOWN)} more, each on Review of its file.")


def _to_fix(still_open: list[OpenRows], actor: frame.Actor) -> None:
    if not still_open:
        return
    total = sum(each.count for each in still_open)
    st.header(f"Rows to fix ({number(total)})", anchor=False)
    st.markdown(f"{count(total, 'row needs', 'rows need')} fixing and will not be billed yet. {'It stays' if total == 1 else 'They stay'} here, whatever the month, until somebody fixes or dismisses {'it' if total == 1 else 'them'}.")
    page = st.session_state.get("open_page") or 1
    for each in still_open[(page - 1) * OPEN_SHOWN : page * OPEN_SHOWN]:
        _open_entry(each, actor)
    if len(still_open) > OPEN_SHOWN:
        st.pagination(-(-len(still_open) // OPEN_SHOWN), key="open_page")


def _open_entry(each: OpenRows, actor: frame.Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        with st.container(width=240):
            link_import(each.import_id, plain(shorten(each.file_name, 36)), "review", icon=":material/build:")
        st.markdown(_what(each), width=330)
        st.caption(f"{plain(each.owner)}, opened {ago(each.since)}", width=160)
        download_button("Download", "rejected", each.import_id, file_name=f"{Path(each.file_name).stem[:60] or 'import'} - rows to fix.xlsx", key=f"get_{each.id}")
        if st.button("Settle", key=f"open_settle_{each.id}", help="Mark as fixed, dismiss, or give to a colleague"):
            remembered.settling = None if remembered.settling == each.id else each.id
    if remembered.settling == each.id:
        with st.container(border=True):
            _settle(each, actor)


def _what(each: OpenRows) -> str:
    where = f" in *{plain(each.column)}*" if each.column else ""
    report = imports.get(each.import_id).report
    first = f" (first: row {row_in_file(each.first_row, report) if report else each.first_row}: {plain(shorten(each.first_value or '', SAID if each.column else SAID_BY_ACCOUNT)) or 'empty'})" if each.first_row else ""
    return f"**{count(each.count, 'row')}**: {plain(_words(each.code))}{where}{first}"


def _words(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


def _settle(each: OpenRows, actor: frame.Actor) -> None:
    with st.form(f"settle_{each.id}", border=False):
        reason = st.text_input("Why? Somebody will read this later.", key=f"reason_{each.id}", placeholder="such as: credited by hand, ticket 4711")
        with st.container(horizontal=True):
            fixed = st.form_submit_button("Mark as fixed", icon=":material/check:")
            dismissed = st.form_submit_button("Dismiss", icon=":material/do_not_disturb_on:")
    with st.form(f"give_{each.id}", border=False):
        owner = people.colleague("Give to a colleague", f"owner_{each.id}")
        given = st.form_submit_button("Give", icon=":material/person_add:")
    with errors.shown():
        if fixed or dismissed:
            open_rows.settle(each.id, "fixed" if fixed else "dismissed", reason or "", actor.name)
        if given and owner and owner.strip():
            open_rows.assign(each.id, owner.strip(), actor.name)
    if (fixed or dismissed) and reason and reason.strip() or given and owner and owner.strip():
        remembered.settling = None
        st.rerun()


_page()
