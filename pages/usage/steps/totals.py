"""What the ready events come to: totals per customer, per day and per dimension, as a table and over time."""

import streamlit as st

from ingest import imports, push
from ingest.errors import IngestError
from ingest.store.imports import pointers
from pages.metrics.steps import of_import
from pages.parts import charts, errors, tables
from pages.parts.ask import ask
from pages.parts.text import count, moment
from pages.usage.steps import downloads, words
from pages.usage.steps.aside import aside
from schemas.event_type import NUMERIC_TYPES, OUR_FIELDS
from schemas.previewing import FUNCTIONS, PreviewSpec
from schemas.records import ImportRecord


def show(record: ImportRecord) -> None:
    """Draws the tab."""
    if not record.check.rows.accepted:
        aside("No row is ready, so there is nothing to total yet.")
        return
    st.markdown(f"{count(record.check.rows.accepted, 'event')}, first {moment(record.check.first_timestamp)}, last {moment(record.check.last_timestamp)}.")
    unknown = unknown_customers(record)
    if unknown:
        st.warning(unknown, icon=":material/person_off:")
    by, field, function = _chosen(record)
    table = ask(imports.preview, record.id, PreviewSpec(by=by, field=field, function=function))
    title = f"{words.FUNCTIONS[function]}{'' if field is None else f' of {words.name_of(field)}'}"
    _chart(record, by, field, function, title)
    tables.show(table, f"{title} by {', '.join(by)}", names={**headings(table.column_names), "value": title})
    with st.container(horizontal=True):
        tables.download("This table, as CSV", lambda: tables.csv_bytes(table), "totals.csv", key=f"totals_csv_{record.id}")
        downloads.events(record)
    of_import.show(record)


def unknown_customers(record: ImportRecord) -> str:
    """A sentence about customers the account doesn't know, or that it can't be asked; empty where all are known."""
    try:
        found = _summary(record.id, pointers(record.id)[1] or "", record.account or "")
    except IngestError as error:
        return f"Whether the account knows all customers can't be said now. {errors.sentence(error)}"
    if not found.unknown_customer_count:
        return words.not_looked_up(found.customers_not_looked_up) if found.customers_not_looked_up else ""
    return f"{words.things(found.unknown_customer_count, 'customer is', 'customers are')} not known to the account: {words.listed(found.unknown_customers, 20)}. Their usage is stored, but no invoice shows it until they are there."


def headings(names: list[str]) -> dict[str, str]:
    """Column headings of our own tables in people's words."""
    ours = {"customer": "Customer", "day": "Day", "events": "Events", "first": "First (UTC)", "last": "Last (UTC)", "value": "Value"}
    return {name: ours[name] for name in names if name in ours}


def dimensions(record: ImportRecord) -> list[str]:
    """Fields that totals can be taken by: those that are matched and no amounts."""
    return [field.name for field in record.match.event_type.usage_fields if field.name not in OUR_FIELDS and field.type not in ("Float64", "Decimal") and field.name not in ("customer", "day") and record.match.of(field.name)]


def numbers(record: ImportRecord) -> list[str]:
    """Fields that can be added up."""
    return [field.name for field in record.match.event_type.usage_fields if field.type in NUMERIC_TYPES and record.match.of(field.name)]


def _chosen(record: ImportRecord) -> tuple[tuple[str, ...], str | None, str]:
    left, middle, right = st.columns(3)
    amounts = numbers(record)
    fields = [*amounts, *(field for field in dimensions(record) if field not in amounts)]
    by = left.multiselect("Totals by", ["customer", "day", *dimensions(record)], default=["customer"], format_func=words.name_of, key=f"totals_by_{record.id}")
    field = middle.selectbox("Of", [None, *fields], index=1 if amounts else 0, format_func=lambda name: "events" if name is None else words.name_of(name), key=f"totals_field_{record.id}")
    functions = ["count"] if field is None else [each for each in FUNCTIONS if each != "count" and (field in amounts or each in ("distinct", "min", "max", "latest"))]
    function = right.selectbox("What", functions, format_func=words.FUNCTIONS.get, key=f"totals_function_{record.id}_{field}")
    return tuple(by) or ("customer",), field, function


def _chart(record: ImportRecord, by: tuple[str, ...], field: str | None, function: str, title: str) -> None:
    """The chosen total over the days of the period, one line for each value of the first dimension where there are few."""
    split = next((name for name in by if name not in ("customer", "day")), None)
    table = ask(imports.preview, record.id, PreviewSpec(by=("day", *([split] if split else [])), field=field, function=function))
    charts.over_days(table, split, title)


@st.cache_data(ttl=120, max_entries=100, show_spinner="Asking the account about these customers, and waiting for its answer …", show_time=True)
def _summary(import_id: str, check_key: str, account: str):  # noqa: ANN202
    return ask(push.summary, import_id)
