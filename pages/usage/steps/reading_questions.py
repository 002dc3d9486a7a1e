"""What reading wasn't sure of: one question at a time, what each answer makes of the file side by side. An answer is merged into how the file is read."""

import streamlit as st

from ingest import attempt, doubts
from ingest.doubts import Option, ReadingQuestion
from ingest.errors import IngestError
from ingest.store.imports import pointers
from pages.parts import errors, frame, tables
from pages.parts.ask import ask
from pages.parts.state import link_import
from pages.parts.text import count, plain, shorten
from pages.usage.steps import found
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord

SIDE_BY_SIDE = 2
OFFERED = 3
"""So many answers have a button in the list of decisions."""


def show(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    """The first question without an answer, then those that have one."""
    known = doubts.answers(record.id)
    waiting = doubts.unanswered(report, known, record.read_spec)
    if waiting and record.state not in found.SENT:
        with st.container(border=True, key="reading_question"):
            _ask(record, waiting[0], len(waiting), actor)
    for question in report.questions:
        if question not in waiting:
            _answered(record, question, known, actor)


def brief(record: ImportRecord, question: ReadingQuestion, who: str, *, editable: bool) -> None:
    """One question in the list of decisions: how the file was read, and the other ways."""
    st.markdown(f":material/help: **{plain(question['text'])}**")
    taken = next((option for option in doubts.options(question) if option["value"] == question.get("answer")), None)
    if taken:
        st.markdown(f":small[Read now: {plain(shorten(str(taken['label']), 120))}, {count(record.report.rows, 'row')}.]")
    if not editable:
        return
    with st.container(horizontal=True):
        for option in doubts.options(question)[:OFFERED]:
            label = f"This is right: {option['label']}" if option is taken else f"Read instead: {option['label']}"
            if st.button(plain(shorten(label, 90)), key=f"brief_{record.id}_{question['name']}_{option['value']}"):
                with errors.shown():
                    _take(record, question, option, frame.Actor(name=who))
    link_import(record.id, "See them side by side", "file", icon=":material/compare:")


def _ask(record: ImportRecord, question: ReadingQuestion, waiting: int, actor: frame.Actor) -> None:
    more = f" (1 of {waiting} questions)" if waiting > 1 else ""
    st.markdown(f":material/help: **{plain(question['text'])}**{more}")
    options = doubts.options(question)
    if len(options) > SIDE_BY_SIDE:
        key = f"other_{record.id}_{question['name']}"
        other = st.selectbox("Compare with", range(1, len(options)), format_func=lambda position: shorten(str(options[position]["label"]), 80), key=key)
        options = [options[0], options[other or 1]]
    made = _tried(record, options)
    for position, (column, option) in enumerate(zip(st.columns(len(options), border=True), options, strict=True)):
        with column:
            _side(record, question, option, made[position] if made else None, actor, taken=option["value"] == question.get("answer"))
    st.markdown(f":small[{_until_then(question)}]")


def _until_then(question: ReadingQuestion) -> str:
    return "Nothing is sent until you say so. Without an answer the file stays as it was read, the first of these." if question.get("answer") else "Nothing is sent until you say so."


def _side(record: ImportRecord, question: ReadingQuestion, option: Option, made: attempt.Attempt | None, actor: frame.Actor, *, taken: bool) -> None:
    st.markdown(f"**{plain(shorten(str(option['label']), 120))}**{' (read like this now)' if taken else ''}")
    if made and made.table is not None:
        tables.show(made.table, f"The file read as {option['label']}", key=f"try_{record.id}_{question['name']}_{option['value']}")
    elif made:
        st.markdown(f":material/info: {plain(made.problem)}")
    if st.button("This is right", key=f"take_{record.id}_{question['name']}_{option['value']}", icon=":material/check:"):
        with errors.shown():
            _take(record, question, option, actor)


def _tried(record: ImportRecord, options: list[Option]) -> tuple[attempt.Attempt, ...] | None:
    try:
        return _attempts(record.id, pointers(record.id)[0] or "", tuple(doubts.merged(record.read_spec, each["spec"]).model_dump_json() for each in options))
    except IngestError as error:
        errors.show(error)
        return None


@st.cache_data(ttl=3600, max_entries=50, show_spinner="Reading the file both ways …")
def _attempts(import_id: str, raw_key: str, specs: tuple[str, ...]) -> tuple[attempt.Attempt, ...]:
    return ask(attempt.attempts, import_id, [ReadSpec.model_validate_json(spec) for spec in specs])


def _take(record: ImportRecord, question: ReadingQuestion, option: Option, actor: frame.Actor) -> None:
    """Keeps an answer; the file is read again where that changes how."""
    doubts.keep(record.id, {**doubts.answers(record.id), str(question["name"]): str(option["value"])})
    spec = doubts.merged(record.read_spec, option["spec"])
    if spec == record.read_spec:
        st.rerun()
    found.read_again(record, spec, actor.name)


def _answered(record: ImportRecord, question: ReadingQuestion, known: dict[str, str], actor: frame.Actor) -> None:
    given = next((option for option in doubts.options(question) if option["value"] == known.get(str(question["name"]))), None)
    if given is not None and given["spec"]:
        return  # it stands in the line of findings, with its own way to change it
    with st.container(horizontal=True, vertical_alignment="center"):
        if given is None:
            st.markdown(f":material/help: {plain(question['text'])}")
            return
        st.markdown(f":material/check: {plain(question['text'])} **{plain(shorten(str(given['label']), 80))}**")
        if record.state not in found.SENT and st.button("Ask me again", key=f"reask_{record.id}_{question['name']}"):
            doubts.keep(record.id, {name: value for name, value in known.items() if name != question["name"]})
            st.rerun()
