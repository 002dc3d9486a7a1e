"""Review's tab Customers: last month, this month and the change of each, the largest first, with those that came or went."""

import streamlit as st

from ingest import changes, imports, strangers
from pages.parts import tables
from pages.parts.ask import ask
from pages.parts.text import count, month, number
from pages.usage.steps import totals, words
from pages.usage.steps.aside import aside
from schemas.changing import Months
from schemas.records import ImportRecord

PAGE = 50
WHAT = {"new": "nothing last month", "gone": "nothing this month", "changed": "", "the same": "the same"}


def show(record: ImportRecord, *, editable: bool) -> None:
    """Draws the tab of a checked import."""
    if not record.check.rows.accepted:
        aside("No row is ready, so there are no customers yet.")
        return
    aside(f"{count(record.check.customers, 'customer')} with rows that are ready.")
    _unknown(record, editable=editable)
    held = ask(changes.months, record.id)
    if held.before:
        _compared(record, held)
        with st.expander("First and last day, and all totals of this file", key=f"customer_totals_{record.id}", on_change="rerun") as panel:
            if panel.open:
                _totals(record)
        return
    aside(f"No file of {month(held.month_before)} is here, so there is nothing to compare with." if held.month_before else "These rows belong to no month, so there is nothing to compare with.")
    _totals(record)


def _unknown(record: ImportRecord, *, editable: bool) -> None:
    unknown = totals.unknown_customers(record)
    if unknown:
        st.warning(f"{unknown}{' The decisions above offer what can be done about them.' if editable and strangers.known_as(record.id) else ''}", icon=":material/person_off:")


def _totals(record: ImportRecord) -> None:
    table = ask(imports.overview, record.id)
    tables.show(table, "Events and totals per customer", names=totals.headings(table.column_names))


def _compared(record: ImportRecord, held: Months) -> None:
    aside(_sources(held))
    fields = [*held.fields, None]
    field = st.selectbox("Compare", fields, format_func=lambda name: "the number of events" if name is None else f"total of {words.name_of(name)}", key=f"customers_field_{record.id}")
    page = st.session_state.get(f"customers_{record.id}_page") or 1
    counts, table = ask(changes.customers, record.id, field, offset=(page - 1) * PAGE, limit=PAGE)
    st.markdown(_counted(counts))
    shown = table.set_column(table.column_names.index("what"), "what", [[WHAT[each] for each in table.column("what").to_pylist()]])
    names = {"customer": "Customer", "before": month(held.month_before), "after": month(held.month), "change": "Change", "what": "Remark"}
    tables.paged(lambda _offset, _limit: shown, sum(counts.values()), "Customers, last month and this month", key=f"customers_{record.id}", rows=PAGE, names=names)


def _sources(held: Months) -> str:
    """What stands behind the two columns."""
    before = f"{month(held.month_before)}: {words.listed(held.before, 3)}."
    beside = f", with what was sent for it before: {words.listed(held.beside, 3)}" if held.beside else ""
    return f"{before} {month(held.month)}: this file{beside}."


def _counted(counts: dict[str, int]) -> str:
    """How many customers came, went and changed."""
    said = [
        f"**{count(counts['gone'], 'customer')} of last month {'has' if counts['gone'] == 1 else 'have'} nothing this month**" if counts.get("gone") else "",
        f"{count(counts['new'], 'customer')} had nothing last month" if counts.get("new") else "", f"{number(counts['changed'])} changed" if counts.get("changed") else "",
        f"{number(counts['the same'])} the same" if counts.get("the same") else "",
    ]
    return f"{'; '.join(each for each in said if each)}."
