"""Step 2a, File: the drop area, then what was found in the file, with a way to change each part of it."""

import streamlit as st

from ingest import dismissing, imports
from ingest.apart import FROM_BYTES
from ingest.errors import BadInput
from ingest.raw import row_in_file
from ingest.store.imports import pointers
from pages.parts import errors, frame, template
from pages.parts.follow import follow
from pages.parts.state import open_import
from pages.parts.text import count, number, plain
from pages.parts.upload_box import start_reading, upload_box
from pages.usage.steps import first_rows, found, reading_questions
from pages.usage.steps.draft import Place
from pages.usage.steps.typed import count_of
from schemas.reading import ReadReport
from schemas.records import ImportRecord

SENT = found.SENT


def show(record: ImportRecord | None, actor: frame.Actor) -> None:
    """Draws the step."""
    if record is None:
        upload_box("add_usage", actor.name, account=frame.account().name)
        template.offer(frame.account())
    elif record.state == "reading":
        _reading(record, actor)
    elif record.state == "unreadable" or record.report is None:
        _unreadable(record, actor)
    else:
        _read(record, record.report, actor)


def _reading(record: ImportRecord, actor: frame.Actor) -> None:
    if record.job is None:
        st.warning("This file is here, but its reading was never started.", icon=":material/pause_circle:")
        if st.button("Read it now", type="primary"):
            start_reading(record.id, actor.name)
            st.rerun()
        return
    follow(record.id, ("reading",), saying="The file is being read.")
    if record.size >= FROM_BYTES and st.button("Stop reading", icon=":material/stop_circle:"):
        with errors.shown():
            imports.stop_reading(record.id, actor.name)


def _unreadable(record: ImportRecord, actor: frame.Actor) -> None:
    st.error(plain(record.message) or "This file can't be read.", icon=":material/error:")
    if not record.size:
        st.markdown("Nothing came: the file has 0 bytes. Look at it where it lies, or ask whoever made it to export it again.")
    as_text = record.size > 0 and not record.file_name.lower().endswith(found.NAMED["workbook"])
    st.markdown(f"Nothing of it was sent. Choose another file{', or say yourself how this one is to be read' if as_text else ''}.")
    with st.container(horizontal=True):
        _choose_another(record, actor, kind="primary")
        if st.button("Read it again", icon=":material/refresh:"):
            found.read_again(record, record.read_spec, actor.name)
        if as_text:
            found.change_all(record, actor)


def _choose_another(record: ImportRecord, actor: frame.Actor, kind: str = "secondary") -> None:
    if st.button("Choose another file", type=kind, icon=":material/upload_file:"):
        dismissing.dismiss(record.id, "Another file was chosen instead.", actor.name)
        open_import(None)


def _read(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    if record.message:
        st.warning(plain(record.message), icon=":material/info:")
    found.show(record, report, actor)
    if other := found.other_than_named(record, report):
        st.info(other, icon=":material/info:")
    for warning in report.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    reading_questions.show(record, report, actor)
    st.markdown(first_rows.summary(report))
    first_rows.show(record, report)
    _totals(record, report, actor)
    _continue(record, report, actor)


def _totals(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    for totals in report.totals:
        cells = ", ".join(f"{plain(column)}: {plain(text)}" for column, text in totals.values.items() if text.strip())
        st.info(f"Row {row_in_file(totals.row, report)} looks like a totals row ({cells}). It is left out and compared with our own sums when the file is checked.", icon=":material/functions:")
    if record.state in SENT or not report.columns:
        return
    place = Place(record=record, raw_key=pointers(record.id)[0] or "", who=actor.name)
    with st.expander("Did the sender say how many rows there are? Type it in to compare (optional)", icon=":material/calculate:"):
        st.text_input("Number of rows the sender gave", value=place.draft().control_count, key="control_count", placeholder=str(report.rows), on_change=_count_typed, args=(place,), width=260)
        _compare(place, report)
        st.caption("Totals of amounts can be given in the next step, when it is known which columns are amounts.")


def _count_typed(place: Place) -> None:
    place.change(control_count=st.session_state["control_count"] or "")


def _compare(place: Place, report: ReadReport) -> None:
    given = place.draft().control_count
    if not given.strip():
        return
    try:
        expected = count_of(given)
    except BadInput as error:
        errors.show(error)
        return
    if expected == report.rows:
        st.success(f"Agrees: {count(report.rows, 'row')} in the table.", icon=":material/check_circle:")
    elif expected is not None:
        st.warning(f"Doesn't agree: the sender says {number(expected)}, the table has {number(report.rows)} ({number(abs(report.rows - expected))} {'more' if report.rows > expected else 'fewer'}).", icon=":material/difference:")


def _continue(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    reason = "" if report.rows and report.columns else "There are no rows to go on with. Choose another header row or another file."
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Continue", type="primary", disabled=bool(reason)):
            open_import(record.id, "columns")
        if reason:
            st.markdown(f":material/info: {reason}")
            _choose_another(record, actor)
