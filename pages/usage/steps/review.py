"""Step 2c, Review: the row equation, one list of decisions, and what these events will come to."""

import pyarrow as pa
import streamlit as st

from ingest import imports, month
from pages.parts import attention, errors, follow, frame, tables
from pages.parts.ask import ask
from pages.parts.state import link_import, open_import
from pages.parts.text import count, moment, number, plain
from pages.usage.steps import changed_tab, checks_tab, customers_tab, decisions, downloads, fields, fixing, known, overview_tab, recipe, several, totals, words
from pages.usage.steps.aside import aside
from schemas.records import ImportRecord

SENT = ("pushing", "stopped", "pushed", "proven")
TABS = ("Rows to fix", "Customers", "What changed", "Totals", "Columns", "Checks")


def show(record: ImportRecord, actor: frame.Actor) -> None:
    """Draws the step."""
    if record.match is None:
        st.info("First say what this usage is.", icon=":material/view_column:")
        link_import(record.id, "Go to Columns", "columns", icon=":material/arrow_back:")
    elif record.check is None or record.state in ("matched", "checking"):
        _checking(record, actor.name)
    else:
        _reviewed(record, actor.name)


def _reviewed(record: ImportRecord, who: str) -> None:
    editable = record.state not in SENT
    if editable:
        known.say(record)
        recipe.say(record)
    with st.container(key="summary"):
        st.header(words.equation(record.check), anchor=False)
        several.equation(record)
        _comparisons(record)
    attention.announce(words.equation(record.check).replace("*", ""))
    if editable and decisions.reason_to_wait(record):
        attention.lead_to("summary", record.id)
    if not editable:
        st.info("This import was sent; nothing can be decided about it here any more.", icon=":material/lock:")
    st.subheader("Decisions", anchor=False)
    decisions.show(record, who, editable=editable)
    _button(record, editable=editable)
    recipe.keep(record, who)
    _tabs(record, who, editable=editable)


def _comparisons(record: ImportRecord) -> None:
    found = sorted(record.check.comparisons, key=lambda each: each.agrees)
    if not found:
        return
    st.markdown("  \n".join(words.comparison(each) for each in found))
    left_out = record.check.rows.excluded - len(record.report.excluded)
    if left_out > 0 and any(not each.agrees and each.what.startswith("sum of") for each in found):
        aside(f"{words.things(left_out, 'row that was', 'rows that were')} left out on purpose {'isn' if left_out == 1 else 'aren'}'t in the file's sum: that is part of the difference.")


def _button(record: ImportRecord, *, editable: bool) -> None:
    reason = decisions.reason_to_wait(record) if editable else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Review sending" if editable else "Open sending", type="primary", disabled=bool(reason), key="review_sending"):
            open_import(record.id, "send")
        if reason:
            st.markdown(f":material/info: {reason}")


def _checking(record: ImportRecord, who: str) -> None:
    """While the check runs, or waits, or has failed."""
    stage = month.stage(record.id)
    if stage.failure:
        st.error(plain(stage.failure), icon=":material/error:")
    elif stage.working or record.state == "checking":
        follow.follow(record.id, ("matched", "checking"), saying=f"Checking {count(record.report.rows, 'row')}.")
        return
    else:
        st.info("The columns are matched; the rows haven't been checked yet.", icon=":material/pending:")
        if record.message:
            st.error(plain(record.message), icon=":material/error:")
    if st.button("Check again" if stage.failure else "Check the rows", type="primary", key="check_now"):
        with errors.shown():
            _queue_check(record.id, who)
            st.rerun()


def _queue_check(import_id: str, who: str) -> None:
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_check(import_id, who)


def _tabs(record: ImportRecord, who: str, *, editable: bool) -> None:
    draw = (
        lambda: _rows_to_fix(record, who, editable=editable), lambda: customers_tab.show(record, editable=editable), lambda: changed_tab.show(record, who, editable=editable), lambda: totals.show(record), lambda: _columns(record, who, editable=editable),
        lambda: checks_tab.show(record, who, editable=editable),
    )
    for tab, show_tab in zip(st.tabs(list(TABS), key=f"review_tabs_{record.id}", on_change="rerun"), draw, strict=True):
        if tab.open:
            with tab, errors.shown():
                show_tab()


def _rows_to_fix(record: ImportRecord, who: str, *, editable: bool) -> None:
    fixing.corrections(record, who, editable=editable)
    rejected = record.check.rows.rejected
    wrong = [group for group in record.check.issues if group.severity == "error"]
    if record.report.row_step:
        aside(words.shared_rows(record.report))
    only_bad = st.toggle("Show only the bad rows", value=True, key=f"only_bad_{record.id}")
    if not only_bad:
        tables.paged(lambda offset, limit: tables.as_in_file(ask(imports.raw_rows, record.id, offset=offset, limit=limit), record.report), record.report.rows, "All rows as read", key=f"all_rows_{record.id}")
        return
    if not wrong:
        aside("No row needs fixing.")
        if editable:
            fixing.show(record, who, None, 0)
        return
    chosen = st.selectbox("Which problem", [None, *range(len(wrong))], format_func=lambda position: "All problems" if position is None else _group_label(wrong[position]), key=f"problem_{record.id}")
    group = wrong[chosen] if chosen is not None else None
    code, column, total = (group.code, group.column, group.count) if group else (None, None, rejected)
    if editable:
        fixing.show(record, who, group, total)
        downloads.rejected(record, "tab")
        return
    tables.paged(lambda offset, limit: _with_heading(tables.as_in_file(ask(imports.problem_rows, record.id, code=code, column=column, offset=offset, limit=limit), record.report)), total, "Rows with a problem", key=f"problem_rows_{record.id}")
    if rejected:
        downloads.rejected(record, "tab")


def _with_heading(table: pa.Table) -> pa.Table:
    """The column that says what is wrong, under a heading in words, unless the file has a column of that name."""
    heading = "What is wrong"
    return table if heading in table.column_names else table.rename_columns([heading if position == 1 else name for position, name in enumerate(table.column_names)])


def _group_label(group) -> str:  # noqa: ANN001
    return f"{group.title or group.code}{f' in {group.column}' if group.column else ''} ({number(group.count)})"


def _columns(record: ImportRecord, who: str, *, editable: bool) -> None:
    overview_tab.show(imports.read_record(record.id))
    st.subheader("How they were matched", anchor=False)
    fields.summary(record.match)
    for name, value in sorted(record.match.without_acknowledgements.answers.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"- Answered: {plain(name.replace('_', ' ').replace('.', ', '))} → **{plain(value.replace('_', ' '))}**")
            if editable and st.button("Ask me again", key=f"ask_again_{record.id}_{name}"):
                with errors.shown():
                    decisions.answer(record, name, None, who)
                    st.rerun()
    if record.check.first_timestamp:
        aside(f"First {moment(record.check.first_timestamp)}, last {moment(record.check.last_timestamp)}.")
    if editable:
        link_import(record.id, "Change the columns", "columns", icon=":material/edit:")
