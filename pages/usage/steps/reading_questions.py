"""What reading wasn't sure of: one question at a time, what each answer makes of the file side by side. An answer is merged into how the file is read."""

import json

import streamlit as st

from ingest import attempt, files
from ingest.errors import IngestError
from ingest.store.imports import pointers
from pages.parts import errors, frame, tables
from pages.parts.ask import ask
from pages.parts.state import link_import
from pages.parts.text import count, plain, shorten
from pages.usage.steps import found
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord

ReadingQuestion = dict[str, object]
Option = dict[str, object]
SIDE_BY_SIDE = 2
OFFERED = 3
"""So many answers have a button in the list of decisions."""


def show(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    """The first question without an answer, then those that have one."""
    known = answers(record.id)
    waiting = unanswered(report, known, record.read_spec)
    if waiting and record.state not in found.SENT:
        with st.container(border=True, key="reading_question"):
            _ask(record, waiting[0], len(waiting), actor)
    for question in report.questions:
        if question not in waiting:
            _answered(record, question, known, actor)


def open_ones(record: ImportRecord) -> list[ReadingQuestion]:
    """Those of an import that nobody has answered."""
    return unanswered(record.report, answers(record.id), record.read_spec) if record.report else []


def brief(record: ImportRecord, question: ReadingQuestion, who: str, *, editable: bool) -> None:
    """One question in the list of decisions: how the file was read, and the other ways."""
    st.markdown(f":material/help: **{plain(question['text'])}**")
    taken = next((option for option in _options(question) if option["value"] == question.get("answer")), None)
    if taken:
        st.markdown(f":small[Read now: {plain(shorten(str(taken['label']), 120))}, {count(record.report.rows, 'row')}.]")
    if not editable:
        return
    with st.container(horizontal=True):
        for option in _options(question)[:OFFERED]:
            label = f"This is right: {option['label']}" if option is taken else f"Read instead: {option['label']}"
            if st.button(plain(shorten(label, 90)), key=f"brief_{record.id}_{question['name']}_{option['value']}"):
                with errors.shown():
                    _take(record, question, option, frame.Actor(name=who))
    link_import(record.id, "See them side by side", "file", icon=":material/compare:")


def unanswered(report: ReadReport, known: dict[str, str], spec: ReadSpec) -> list[ReadingQuestion]:
    """The questions of a reading that can be answered here and that nobody has answered, or whose answer isn't how the file is read (`spec`) any more."""
    return [each for each in report.questions if _options(each) and not any(option["value"] == known.get(str(each["name"])) and merged(spec, option["spec"]) == spec for option in _options(each))]


def merged(spec: ReadSpec, change: dict[str, object]) -> ReadSpec:
    """How to read the file after an answer: what the answer says, and what was said before about anything else."""
    return ReadSpec.model_validate({**spec.model_dump(), **change})


def answers(import_id: str) -> dict[str, str]:
    """Question → the value of the answer, as somebody gave it for this import."""
    try:
        return json.loads(_place(import_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def _place(import_id: str):  # noqa: ANN202  (a path)
    return files.import_folder(import_id) / "reading-answers.json"


def _keep(import_id: str, given: dict[str, str]) -> None:
    files.write_whole(_place(import_id), json.dumps(given, ensure_ascii=False).encode())


def _options(question: ReadingQuestion) -> list[Option]:
    """The options that say how the file is read with them, the one that was taken first."""
    options = [each for each in question.get("options", ()) if isinstance(each.get("spec"), dict)]
    return sorted(options, key=lambda option: option["value"] != question.get("answer"))


def _ask(record: ImportRecord, question: ReadingQuestion, waiting: int, actor: frame.Actor) -> None:
    more = f" (1 of {waiting} questions)" if waiting > 1 else ""
    st.markdown(f":material/help: **{plain(question['text'])}**{more}")
    options = _options(question)
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
        return _attempts(record.id, pointers(record.id)[0] or "", tuple(merged(record.read_spec, each["spec"]).model_dump_json() for each in options))
    except IngestError as error:
        errors.show(error)
        return None


@st.cache_data(ttl=3600, max_entries=50, show_spinner="Reading the file both ways …")
def _attempts(import_id: str, raw_key: str, specs: tuple[str, ...]) -> tuple[attempt.Attempt, ...]:
    return ask(attempt.attempts, import_id, [ReadSpec.model_validate_json(spec) for spec in specs])


def _take(record: ImportRecord, question: ReadingQuestion, option: Option, actor: frame.Actor) -> None:
    """Keeps an answer; the file is read again where that changes how."""
    _keep(record.id, {**answers(record.id), str(question["name"]): str(option["value"])})
    spec = merged(record.read_spec, option["spec"])
    if spec == record.read_spec:
        st.rerun()
    found.read_again(record, spec, actor.name)


def _answered(record: ImportRecord, question: ReadingQuestion, known: dict[str, str], actor: frame.Actor) -> None:
    given = next((option for option in _options(question) if option["value"] == known.get(str(question["name"]))), None)
    if given is not None and given["spec"]:
        return  # it stands in the line of findings, with its own way to change it
    with st.container(horizontal=True, vertical_alignment="center"):
        if given is None:
            st.markdown(f":material/help: {plain(question['text'])}")
            return
        st.markdown(f":material/check: {plain(question['text'])} **{plain(shorten(str(given['label']), 80))}**")
        if record.state not in found.SENT and st.button("Ask me again", key=f"reask_{record.id}_{question['name']}"):
            _keep(record.id, {name: value for name, value in known.items() if name != question["name"]})
            st.rerun()
