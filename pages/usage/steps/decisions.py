"""The one list of step Review: what somebody has to decide and what is good to know, largest effect first."""

import streamlit as st

from ingest import deciding, doubts, imports, strangers
from ingest.doubts import READING
from ingest.effects import effects
from ingest.errors import IngestError
from ingest.store.imports import pointers, same_file
from pages.parts import errors, tables
from pages.parts.ask import ask
from pages.parts.state import link_import
from pages.parts.text import ago, count, number, plain
from pages.parts.upload_box import upload_box, upload_rows
from pages.usage.steps import downloads, everywhere, fixing, handing, period_line, reading_questions, words
from pages.usage.steps import strangers as unknown_customers
from pages.usage.steps.aside import aside
from pages.usage.steps.asking import asked
from schemas.checking import CheckResult, Question
from schemas.deciding import Decision, Effect
from schemas.records import ImportRecord

SENT = deciding.SENT
GIVEN = ("reading", "question", "rejected", "customers", "changes", "kept_rule", "warning")
"""Kinds of decisions that a colleague can be asked for."""
MANY = 3
"""From so many open warnings on, all can be noted at once."""


def reason_to_wait(record: ImportRecord) -> str:
    """Why sending can't be reviewed yet; empty when it can."""
    return reason(record.check, record.rejected_choice, deciding.decisions(record))


def reason(check: CheckResult, choice: str | None, found: tuple[Decision, ...]) -> str:
    """The same out of the list and what was found."""
    waiting = sum(each.open for each in found if each.kind in ("question", "reading"))
    if waiting:
        return f"{count(waiting, 'question')} above {'has' if waiting == 1 else 'have'} no answer yet."
    if not check.rows.accepted:
        return _nothing_ready(check)
    if check.rows.rejected and choice is None:
        return f"Choose above what happens to the {count(check.rows.rejected, 'row')} that {'needs' if check.rows.rejected == 1 else 'need'} fixing."
    if check.rows.rejected and choice == "stop":
        return f"You chose to send nothing until the {count(check.rows.rejected, 'row')} {'is' if check.rows.rejected == 1 else 'are'} fixed."
    unseen = sum(each.open for each in found)
    return f"{count(unseen, 'decision')} above {'is' if unseen == 1 else 'are'} still open: say that you have seen {'it' if unseen == 1 else 'them'}." if unseen else ""


def nothing_to_decide(check: CheckResult) -> str:
    """What stands there where nobody has to decide anything."""
    rows = check.rows
    if rows.accepted == rows.read:
        return f"Nothing to decide. {'The one row is' if rows.read == 1 else f'All {number(rows.read)} rows are'} ready."
    return f"Nothing to decide. {words.things(rows.accepted, 'row is', 'rows are')} ready."


def show(record: ImportRecord, who: str, *, editable: bool) -> None:
    """Draws the list; what reading wasn't sure of stands first, since every row hangs on it."""
    found = deciding.decisions(record)
    unsure = {f"{READING}{each['name']}": each for each in doubts.open_ones(record)}
    if record.check.rows.accepted and not any(each.kind in GIVEN for each in found):
        st.success(nothing_to_decide(record.check), icon=":material/check_circle:")
    period_line.show(record, who, editable=editable)
    for each in (each for each in found if each.kind == "reading"):
        with st.container(border=True, key=f"reading_{record.id}_{unsure[each.name]['name']}"):
            reading_questions.brief(record, unsure[each.name], who, editable=editable)
            handing.show(record, each, who, editable=editable)
    totals = _effects_or_sentence(record, found) if found else {}
    for position, each in enumerate(each for each in found if each.kind != "reading"):
        with st.container(border=True, key=f"decision_{position}"):
            _entry(record, each, who, position, editable=editable)
            _below(record, each, totals.get(each.name), who, editable=editable)
    if (said := strangers.answer(record.id)) and (said.too_many or not said.asked):
        with st.container(border=True, key="customers_not_asked"):
            unknown_customers.not_asked(record, said, who, editable=editable)
    if editable:
        _note_all(record, found, who)


def _effects_or_sentence(record: ImportRecord, found: tuple[Decision, ...]) -> dict[str, Effect]:
    """What hangs on each decision; the list stands without it where counting takes too long."""
    try:
        return _effects(record.id, pointers(record.id)[1] or "", tuple(each.name for each in found))
    except IngestError as error:
        errors.show(error)
        return {}


@st.cache_data(ttl=3600, max_entries=200, show_spinner=False)
def _effects(import_id: str, check_key: str, names: tuple[str, ...]) -> dict[str, Effect]:
    """What hangs on each decision; `check_key` and `names` are only there so that it is asked for again when they change."""
    return ask(effects, import_id)


def _entry(record: ImportRecord, each: Decision, who: str, position: int, *, editable: bool) -> None:
    if each.kind == "question":
        _question(record, each.question, who, editable=editable)
    elif each.kind == "rejected":
        _rejected(record, each, who, editable=editable)
    elif each.kind == "customers":
        unknown_customers.show(record, each, who, editable=editable)
        _seen(record, each, who, "Leave them as they are", "Left as they are.", editable=editable)
    elif each.kind == "changes":
        _changes(record, each, who, editable=editable)
    elif each.kind == "kept_rule":
        _kept_rule(record, each, who, editable=editable)
    elif each.kind == "duplicate":
        _left_out(record, "duplicate", words.duplicates(record.check), position)
    elif each.kind == "excluded":
        _left_out(record, "excluded", f"**{words.things(each.rows, 'row is', 'rows are')} left out** and not billed{plain(deciding.why_left_out(record.check))}.", position)
    else:
        _remark(record, each, who, editable=editable)


def _below(record: ImportRecord, each: Decision, effect: Effect | None, who: str, *, editable: bool) -> None:
    """Its effect in numbers, and who is asked to decide."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        said = words.effect(each, effect)
        if said:
            aside(said)
        if each.kind in GIVEN:
            handing.show(record, each, who, editable=editable)


def _remark(record: ImportRecord, each: Decision, who: str, *, editable: bool) -> None:
    """A warning, until somebody says that it was seen, or a note."""
    group = each.groups[0]
    st.markdown(f"{':material/warning:' if each.kind == 'warning' else ':material/info:'} {words.group(group, record.report)}.")
    aside(plain(group.todo))
    if editable:
        fixing.offer_meant(record, group, who)
    if each.kind == "warning":
        _seen(record, each, who, "Noted", "Noted.", editable=editable)


def _changes(record: ImportRecord, each: Decision, who: str, *, editable: bool) -> None:
    """Where this file takes back what another one said for the same period."""
    st.markdown(f":material/difference: {words.since_last_time(each.changes)}")
    link_import(each.changes.against, f"Look at {plain(each.changes.against_file)}", icon=":material/arrow_forward:")
    _seen(record, each, who, "I have seen this", "Seen.", editable=editable)


def _kept_rule(record: ImportRecord, each: Decision, who: str, *, editable: bool) -> None:
    """Rows that nobody looking at this file has left out."""
    st.markdown(f":material/warning: **{words.things(each.rows, 'row of this file is', 'rows of this file are')} left out by a rule that was kept with the recipe.** {everywhere.in_words(each.rule, record.report)}.")
    aside("Is it right for this file, too? Look at these rows below, under *left out*. If they are usage, undo the rule under *Rows to fix*.")
    _seen(record, each, who, "That is right", "Seen.", editable=editable)


def _seen(record: ImportRecord, each: Decision, who: str, label: str, done: str, *, editable: bool) -> None:
    key = f"noted_{record.id}_{each.name}"
    if not each.settled:
        if editable and st.button(label, key=key, icon=":material/check:", help="Say that you have seen this and that it may be so"):
            _acknowledge(record, [each.name], who, seen=True)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {done}", width="content")
        if editable and st.button("Not any more", key=f"{key}_back"):
            _acknowledge(record, [each.name], who, seen=False)


def _note_all(record: ImportRecord, found: tuple[Decision, ...], who: str) -> None:
    names = [each.name for each in found if each.open and each.kind == "warning" and not each.handover]
    if len(names) >= MANY and st.button(f"I have read all {len(names)} warnings: note them", key=f"note_all_{record.id}", icon=":material/done_all:"):
        _acknowledge(record, names, who, seen=True)


def _acknowledge(record: ImportRecord, names: list[str], who: str, *, seen: bool) -> None:
    with errors.shown():
        deciding.acknowledge(record.id, names, who, seen=seen)
        st.rerun()


def _question(record: ImportRecord, question: Question, who: str, *, editable: bool) -> None:
    key = f"answer_{record.id}_{question.name}"
    chosen = asked(question, key, disabled=not editable)
    aside("Nothing is sent until you answer." if question.blocking else "You can go on without answering.")
    if st.button("Answer", key=f"{key}_button", disabled=not editable or chosen is None):
        with errors.shown():
            answer(record, question.name, chosen, who)
            st.rerun()


def answer(record: ImportRecord, name: str, value: str | None, who: str) -> None:
    """Stores an answer (None takes one back) and checks again."""
    answers = {key: given for key, given in record.match.answers.items() if key != name}
    if value is not None:
        answers[name] = value
    imports.set_match(record.id, record.match.model_copy(update={"answers": answers}), record.account, who)
    fixing.check_again(record, who)


def _rejected(record: ImportRecord, each: Decision, who: str, *, editable: bool) -> None:
    st.markdown(f":material/error: {words.rows_to_fix(record.check)}")
    st.markdown("\n".join(f"- {words.group(group, record.report)}  \n  {plain(group.todo)}" for group in each.groups))
    if editable:
        for group in each.groups:
            fixing.offer_meant(record, group, who)
    with st.container(horizontal=True, vertical_alignment="center"):
        if editable:
            fixing.lead_here(record)
        downloads.rejected(record, "decision")
    if editable or record.rejected_choice == "continue":
        _bring_back(record, who)
    one = record.check.rows.rejected == 1
    labels = {"continue": _go_on(record.check), "stop": f"Send nothing until {'it is' if one else 'they are'} fixed"}
    index = list(labels).index(record.rejected_choice) if record.rejected_choice else None
    key = f"rejected_{record.id}"
    st.radio(f"What happens to {'this row' if one else 'these rows'}?", list(labels), index=index, format_func=labels.get, key=key, on_change=_chosen, args=(record.id, key, who), disabled=not editable)


def _bring_back(record: ImportRecord, who: str) -> None:
    """Where the corrected rows are dropped: they replace these; where the rest was sent already, they become an import of their own that settles these."""
    panel = st.expander("Bring the corrected rows back", key=f"bring_back_{record.id}", on_change="rerun", icon=":material/upload_file:")
    if panel.open:
        with panel:
            if record.state in SENT:
                upload_box(f"fixes_{record.id}", who, account=record.account, fixes=record.id)
            else:
                _replace_rows(record, who)


def _replace_rows(record: ImportRecord, who: str) -> None:
    """Only the rows that the file names change, each cell as a correction that can be undone; the rows are checked again."""
    aside("Only the cells that differ are changed, in the rows that the file names. You can undo it.")
    aside("A row that is missing from the file stays as it is. To leave rows out, go to *Rows to fix*, *Everywhere at once*, *Leave rows out*.")
    taken = upload_rows(f"fixes_{record.id}", who, record.id)
    if any(taken):
        fixing.check_again(record, who)
        st.rerun()
    if taken:
        st.info("Nothing in this file differs from what is here, so nothing was changed.", icon=":material/info:")


def _go_on(check: CheckResult) -> str:
    if not check.rows.accepted:
        return f"Go on without {'it' if check.rows.rejected == 1 else 'them'} (but no other row is ready)"
    without = "it: send the {}; this one stays" if check.rows.rejected == 1 else "them: send the {}; these stay"
    return f"Go on without {without.format(count(check.rows.accepted, 'ready row'))} open on This month"


def _chosen(import_id: str, key: str, who: str) -> None:
    if st.session_state[key] is not None:
        imports.choose_rejected(import_id, st.session_state[key], who)


def _left_out(record: ImportRecord, outcome: str, sentence: str, position: int) -> None:
    st.markdown(f":material/info: {sentence}")
    if outcome == "duplicate" and record.check.already_sent:
        _same_file(record)
    panel = st.expander("Show these rows", key=f"left_out_{record.id}_{position}", on_change="rerun")
    if panel.open:
        with panel, errors.shown():
            total = getattr(record.check.rows, outcome)
            tables.paged(lambda offset, limit: tables.as_in_file(ask(imports.left_out_rows, record.id, outcome, offset=offset, limit=limit).drop_columns(["outcome"]), record.report), total, sentence_without_marks(sentence), key=f"left_out_rows_{record.id}_{outcome}")


def _same_file(record: ImportRecord) -> None:
    """Links to the imports that sent this very file before."""
    for earlier in same_file(record.sha256):
        if earlier.id != record.id and earlier.account == record.account and earlier.state in SENT:
            link_import(earlier.id, f"This very file was sent by {plain(earlier.created_by)}, {ago(earlier.created_at)}: see its receipt", "send", icon=":material/receipt_long:")


def sentence_without_marks(sentence: str) -> str:
    """A sentence without its Markdown, for descriptions that are read aloud."""
    return sentence.replace("*", "")


def _nothing_ready(check: CheckResult) -> str:
    rows = check.rows
    if rows.duplicate == rows.read - rows.excluded and rows.duplicate:
        return f"Nothing is ready to send: {'the one row was' if rows.duplicate == 1 else f'all {number(rows.duplicate)} rows were'} {words.duplicate_kind(check)}."
    if rows.rejected == rows.read - rows.excluded and rows.rejected:
        return f"Nothing is ready to send: {'the one row needs' if rows.rejected == 1 else f'all {number(rows.rejected)} rows need'} fixing."
    return "Nothing is ready to send."
