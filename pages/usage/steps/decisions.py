"""The one list of step Review: what needs an answer and what is good to know, largest effect first."""

from typing import Literal

import streamlit as st

from ingest import imports
from ingest.store.imports import same_file
from ingest.strangers import known_as
from pages.parts import errors, tables
from pages.parts.ask import ask
from pages.parts.state import link_import
from pages.parts.text import ago, count, number, plain
from pages.parts.upload_box import upload_box, upload_rows
from pages.usage.steps import downloads, fixing, strangers, words
from pages.usage.steps.aside import aside
from pages.usage.steps.asking import asked
from schemas.base import Frozen
from schemas.checking import CheckResult, IssueGroup, Question
from schemas.records import ImportRecord

SENT = ("pushing", "stopped", "pushed", "proven")
ASKED = {"timestamp_without_zone": "zone", "identical_rows": "identical_rows"}
"""Warnings that a question of this kind says already."""
RejectedChoice = Literal["stop", "continue"]


class Decision(Frozen):
    """One entry: its effect is how many rows hang on it. `open` says that somebody has to decide before anything is sent."""

    kind: Literal["question", "rejected", "warning", "note", "duplicate", "excluded"]
    effect: int
    open: bool = False
    question: Question | None = None
    groups: tuple[IssueGroup, ...] = ()


def decisions(check: CheckResult, choice: str | None) -> tuple[Decision, ...]:
    """Everything in the list, largest effect first; a blocking question holds back every row."""
    rows = check.rows
    found = [Decision(kind="question", effect=rows.read, open=question.blocking, question=question) for question in check.questions]
    if rows.rejected:
        wrong = tuple(sorted((group for group in check.issues if group.severity == "error"), key=lambda group: -group.count))
        found.append(Decision(kind="rejected", effect=rows.rejected, open=choice is None, groups=wrong))
    asked = {question.name.partition(".")[0] for question in check.questions}
    found += [Decision(kind="warning" if group.severity == "warning" else "note", effect=group.count, groups=(group,)) for group in check.issues if group.severity != "error" and ASKED.get(group.code) not in asked]
    if rows.duplicate:
        found.append(Decision(kind="duplicate", effect=rows.duplicate))
    if rows.excluded:
        found.append(Decision(kind="excluded", effect=rows.excluded))
    return tuple(sorted(found, key=lambda each: (-each.effect, not each.open)))


def reason_to_wait(check: CheckResult, choice: str | None) -> str:
    """Why sending can't be reviewed yet; empty when it can."""
    waiting = sum(question.blocking for question in check.questions)
    if waiting:
        return f"{count(waiting, 'question')} above {'has' if waiting == 1 else 'have'} no answer yet."
    if not check.rows.accepted:
        return _nothing_ready(check)
    if check.rows.rejected and choice is None:
        return f"Choose above what happens to the {count(check.rows.rejected, 'row')} that {'needs' if check.rows.rejected == 1 else 'need'} fixing."
    if check.rows.rejected and choice == "stop":
        return f"You chose to send nothing until the {count(check.rows.rejected, 'row')} {'is' if check.rows.rejected == 1 else 'are'} fixed."
    return ""


def nothing_to_decide(check: CheckResult) -> str:
    """What stands there where nobody has to decide anything."""
    rows = check.rows
    if rows.accepted == rows.read:
        return f"Nothing to decide. {'The one row is' if rows.read == 1 else f'All {number(rows.read)} rows are'} ready."
    return f"Nothing to decide. {words.things(rows.accepted, 'row is', 'rows are')} ready."


def show(record: ImportRecord, who: str, *, editable: bool) -> None:
    """Draws the list."""
    found = decisions(record.check, record.rejected_choice)
    if record.check.rows.accepted and not any(each.kind in ("question", "rejected", "warning") for each in found):
        st.success(nothing_to_decide(record.check), icon=":material/check_circle:")
    for position, each in enumerate(found):
        with st.container(border=True, key=f"decision_{position}"):
            _entry(record, each, who, position, editable=editable)


def _entry(record: ImportRecord, each: Decision, who: str, position: int, *, editable: bool) -> None:
    if each.kind == "question":
        _question(record, each.question, who, editable=editable)
    elif each.kind == "rejected":
        _rejected(record, each.groups, who, editable=editable)
    elif each.kind == "duplicate":
        _left_out(record, "duplicate", words.duplicates(record.check), position)
    elif each.kind == "excluded":
        _left_out(record, "excluded", f"**{words.things(each.effect, 'row is', 'rows are')} left out**: blank rows, titles, totals and notes aren't usage.", position)
    else:
        _remark(record, each.groups[0], who, editable=editable)


def _remark(record: ImportRecord, group: IssueGroup, who: str, *, editable: bool) -> None:
    """A warning, until somebody says that it was seen, or a note."""
    st.markdown(f"{':material/warning:' if group.severity == 'warning' else ':material/info:'} {words.group(group, record.report)}.")
    aside(plain(group.todo))
    if group.code == strangers.NEARLY and editable:
        strangers.offer(record, {name: known for name, known in sorted(known_as(record.id).items()) if known}, who, "decision")
    if group.severity == "warning":
        _noted(record, group, who, editable=editable)


def _noted(record: ImportRecord, group: IssueGroup, who: str, *, editable: bool) -> None:
    key = f"noted_{record.id}_{group.code}_{group.column}"
    if not group.acknowledged:
        if editable and st.button("Noted", key=key, icon=":material/check:", help="Say that you have seen this and that it may be so"):
            with errors.shown():
                answer(record, group.acknowledgement, "yes", who)
                st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":material/check: Noted.")
        if editable and st.button("Not any more", key=key):
            with errors.shown():
                answer(record, group.acknowledgement, None, who)
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
    from ingest import jobs  # dbos takes a second to import

    answers = {key: given for key, given in record.match.answers.items() if key != name}
    if value is not None:
        answers[name] = value
    imports.set_match(record.id, record.match.model_copy(update={"answers": answers}), record.account, who)
    jobs.queue_check(record.id, who)


def _rejected(record: ImportRecord, groups: tuple[IssueGroup, ...], who: str, *, editable: bool) -> None:
    st.markdown(f":material/error: {words.rows_to_fix(record.check)}")
    st.markdown("\n".join(f"- {words.group(group, record.report)}  \n  {plain(group.todo)}" for group in groups))
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
