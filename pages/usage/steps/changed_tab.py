"""Review's tab What changed: this import held against an earlier one, before anything is sent."""

import pyarrow as pa
import streamlit as st

from ingest import changes
from pages.parts import errors, tables
from pages.parts.ask import ask
from pages.parts.state import link_import
from pages.parts.text import ago, count, month, number, plain
from pages.usage.steps import decisions, words
from pages.usage.steps.aside import aside
from schemas.changing import Changes, CustomerChange
from schemas.deciding import CHANGED_ROWS, LEAVE_OUT, SEND
from schemas.reading import ReadReport
from schemas.records import ImportRecord

ANSWERED = {LEAVE_OUT: "The changed rows stay behind: they stand under *left out*, each with what was sent before. The account keeps what it has.", SEND: "The changed rows go as well, beside what was sent before: have the earlier events credited in the account."}
FIELDS = 3
"""So many numbers of a customer have columns of their own."""


def show(record: ImportRecord, who: str, *, editable: bool) -> None:
    """Draws the tab of a checked import."""
    _decide(record, who, editable=editable)
    others = {each.id: each for each in changes.comparable(record.id)}
    if not others:
        aside("This is the first file of its kind in this account, so there is nothing to compare it with.")
        return
    chosen = st.selectbox(
        "Compare with", [None, *others], format_func=lambda each: "the last file before this one" if each is None else _named(others[each]), key=f"changes_against_{record.id}",
        help="The last one that was sent for the same month, else for the month before",
    )
    found = ask(changes.changes, record.id, chosen)
    if found is None:
        aside("No file of this month or the month before is here. Choose one above to compare with.")
        return
    _said(record, found)
    _customers(found)
    if found.same_period:
        _events(record, found)


def _named(record: ImportRecord) -> str:
    return f"{record.file_name} ({month(record.period) if record.period else 'no month'}, {ago(record.created_at)})"


def _decide(record: ImportRecord, who: str, *, editable: bool) -> None:
    """What becomes of changed rows that no key tells apart from new ones: one press for each answer, and the way back."""
    question = next((each for each in record.check.questions if each.name == CHANGED_ROWS), None)
    given = record.match.answers.get(CHANGED_ROWS)
    if question is None and given is None:
        return
    with st.container(border=True, key=f"changed_rows_{record.id}"):
        st.markdown(f":material/help: **{plain(question.text)}**" if question else f":material/check: {ANSWERED.get(given, '')}")
        for option in question.options if question else ():
            st.markdown(f"- **{plain(option.label)}**: {plain(option.effect)}")
        with st.container(horizontal=True):
            for value, label in {option.value: option.label for option in question.options}.items() if question else {None: "Ask me again"}.items():
                if editable and st.button(label, key=f"{CHANGED_ROWS}_{record.id}_{value}"):
                    with errors.shown():
                        decisions.answer(record, CHANGED_ROWS, value, who)
                        st.rerun()
        if question:
            link_import(record.id, "Or choose the columns that make a row the same row, so that a change is recognised", "columns", icon=":material/view_column:")


def _said(record: ImportRecord, found: Changes) -> None:
    link_import(found.against, f"{plain(found.against_file)}, {month(found.against_period) if found.against_period else 'no month'}", "review", icon=":material/compare_arrows:")
    if not found.same_period:
        aside(f"It is of another month, so all {number(found.new)} ready events are new: here is what that does to each customer's totals. {_customers_said(found)}")
        return
    st.markdown(f"**{number(found.new)} new**, {number(found.unchanged)} unchanged, **{number(found.changed)} changed** and **{number(found.removed)} removed** {'event' if found.removed == 1 else 'events'}. {_customers_said(found)}")
    if record.check.rows.rejected:
        aside(f"{words.things(record.check.rows.rejected, 'row needs', 'rows need')} fixing and {'counts' if record.check.rows.rejected == 1 else 'count'} nowhere here: what such a row held before shows as removed.")


def _customers_said(found: Changes) -> str:
    same = f"{number(found.customers_unchanged)} stay as they were" if found.customers_unchanged else ""
    changed = f"{count(found.customers_changed, 'customer')} {'has' if found.customers_changed == 1 else 'have'} other totals" if found.customers_changed else "No customer's total changes"
    return f"{changed}{'; ' + same if same else ''}."


def _customers(found: Changes) -> None:
    if not found.customers:
        return
    st.subheader("The effect on each customer", anchor=False)
    rows = [_customer(each) for each in found.customers]
    tables.show(pa.Table.from_pylist(rows), "Customers before and after")
    if len(found.customers) < found.customers_changed:
        aside(f"The {number(len(found.customers))} with the largest changes of {number(found.customers_changed)}.")


def _customer(each: CustomerChange) -> dict[str, object]:
    totals = {f"{words.name_of(name)} {when}": value for name, pair in list(each.totals.items())[:FIELDS] for when, value in zip(("before", "now"), pair, strict=True)}
    return {"Customer": each.customer_id, **totals, "Events before": each.events[0], "Events now": each.events[1], "Remark": "gone" if not each.events[1] else "new" if not each.events[0] else ""}


def _events(record: ImportRecord, found: Changes) -> None:
    if found.examples:
        st.subheader("Changed events", anchor=False)
        tables.show(tables.as_in_file(_changed(found), record.report), "Events that changed, field by field")
        _first_of(len(found.examples), found.changed)
    if found.gone:
        st.subheader("Removed events", anchor=False)
        tables.show(_gone(found, changes.report_of(found.against)), "Events that aren't there any more", names={"_row": "Row then"})
        _first_of(len(found.gone), found.removed)


def _changed(found: Changes) -> pa.Table:
    """One line a changed field."""
    return pa.Table.from_pylist([
        {"_row": each.row, "Customer": each.customer_id, "Time (UTC)": each.timestamp, "Field": words.name_of(name), "Before": before or "(empty)", "Now": now or "(empty)"}
        for each in found.examples for name, (before, now) in each.fields.items()
    ])


def _gone(found: Changes, report: ReadReport | None) -> pa.Table:
    table = pa.Table.from_pylist([{"_row": each.row, "Customer": each.customer_id, "Time (UTC)": each.timestamp, **each.fields} for each in found.gone])
    return tables.as_in_file(table, report) if report else table


def _first_of(shown: int, total: int) -> None:
    if shown < total:
        aside(f"The first {number(shown)} of {number(total)}.")
