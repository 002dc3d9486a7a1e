"""What a metric makes of events, beside the form: the sentence, totals, quantities, a chart, the rows behind a number, a comparison."""

import pyarrow as pa
import streamlit as st

from ingest.errors import BadInput, NotReady
from pages.metrics.steps import asked, behind, comparing, data, reading_back, shown, wording
from pages.metrics.steps import draft as drafts
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import charts, errors, tables
from pages.parts.text import count, plain
from pages.usage.steps.aside import aside
from pages.usage.steps.words import amount
from schemas.metric import ADDITIVE, Metric, MetricPreview

TOP = 10
TABS = ("Quantities", "Over time", "Largest customers", "Compare")


def head(place: Place) -> Data | None:
    """Draws which events the preview counts; None where there are none yet."""
    st.header("What it makes", anchor=False)
    return data.choose(place)


def show(place: Place, chosen: Data | None) -> None:
    """Draws the preview."""
    metric, problems = drafts.metric_of(place.draft, place.kind)
    for problem in problems:
        st.warning(plain(problem), icon=":material/edit:")
    if metric is None:
        return
    try:
        counted = _said(place, metric)
    except BadInput as mistake:
        st.warning("The query has a mistake, which is shown beside it." if metric.sql is not None else errors.sentence(mistake), icon=":material/edit:")
        return
    if chosen is not None:
        _answer(place, counted, chosen)


def quantities(metric: Metric, chosen: Data, by: tuple[str, ...], limit: int) -> pa.Table:
    """The quantities, as the prices want them."""
    return asked.preview(metric, chosen, by, limit=limit).table


def _said(place: Place, metric: Metric) -> Metric:
    """Draws what the metric does in plain words, and what differs between the preview and the account; the metric as it is counted."""
    explained = asked.explained(place, metric)
    st.markdown(f"**{plain(explained.sentence)}**")
    _warn(explained.warnings)
    return explained.counted


def _warn(warnings: tuple[str, ...]) -> None:
    if warnings:
        st.warning("\n\n".join(plain(each) for each in warnings), icon=":material/warning:")


def _answer(place: Place, metric: Metric, chosen: Data) -> None:
    try:
        found = asked.preview(metric, chosen, ("customer", *metric.group_by))
    except NotReady as missing:
        st.info(plain(f"{missing.sentence} {missing.todo}"), icon=":material/cloud_download:")
        reading_back.button(place, metric, chosen)
        return
    _warn(found.warnings)
    for note in found.notes:
        aside(plain(note))
    if not found.table.num_rows:
        st.info("No event counts here: look at the filters and the days.", icon=":material/filter_alt_off:")
        return
    _numbers(metric, found)
    if metric.group_by and metric.sql is None:
        _by_dimension(place, metric, chosen)
    draw = (
        lambda: _quantities(place, metric, chosen), lambda: _over_time(metric, chosen), lambda: _top(place, metric, chosen), lambda: comparing.show(place, metric, chosen),
    )
    for tab, show_tab in zip(st.tabs(list(TABS), key=place.key("preview_tabs"), on_change="rerun"), draw, strict=True):
        if tab.open:
            with tab, errors.shown():
                show_tab()


def _numbers(metric: Metric, found: MetricPreview) -> None:
    """The total, and how many quantities it is made of."""
    with st.container(horizontal=True, key="metric_numbers"):
        label = "Total" if metric.function in ADDITIVE or metric.sql is not None else "Over all events"
        st.metric(label, "–" if found.total is None else amount(found.total), border=True)
        if "customer_id" in found.table.column_names:
            st.metric("Customers", f"{len(found.table.column('customer_id').unique()):,}", border=True)
        st.metric("Quantities", f"{found.groups:,}", border=True)


def _by_dimension(place: Place, metric: Metric, chosen: Data) -> None:
    """Each value of the dimensions over all customers: what one looks at first."""
    found = asked.preview(metric, chosen, metric.group_by)
    with st.expander(f"All customers together, by {', '.join(wording.said(name) for name in metric.group_by)}", expanded=found.table.num_rows <= TOP):
        shown.quantities(found.table, f"{metric.name} by {', '.join(metric.group_by)}", key=place.key("dimensions"))


def _quantities(place: Place, metric: Metric, chosen: Data) -> None:
    by = data.divided_by(place, metric)
    found = asked.preview(metric, chosen, by)
    if found.capped:
        aside(f"Only the first {found.table.num_rows:,} of {found.groups:,} quantities are shown.")
    picked = behind.choose(place, found.table, by)
    with st.container(horizontal=True):
        tables.download("These quantities, as CSV", lambda: tables.csv_bytes(shown.headed(found.table)), f"{shown.file_name(metric.name)}.csv", key=place.key("csv"))
    if picked is not None:
        behind.show(place, metric, chosen, by, picked)


def _over_time(metric: Metric, chosen: Data) -> None:
    split = metric.group_by[0] if metric.group_by else None
    found = asked.preview(metric, chosen, ("day", *([split] if split else [])))
    charts.over_days(found.table if metric.sql is None else _added_up(found.table, split), split, metric.name, value="quantity")
    aside(f"One quantity a day, {'all customers together' if metric.sql is None else 'those of all customers added up'}. Only the table of quantities is exact.")


def _added_up(table: pa.Table, split: str | None) -> pa.Table:
    """What SQL of its own answers for each customer, as one number a day to draw."""
    numbers = pa.array([None if each is None else float(each) for each in table.column("quantity").to_pylist()], pa.float64())
    table = table.set_column(table.column_names.index("quantity"), "quantity", numbers)
    return table.group_by(["day", *([split] if split else [])]).aggregate([("quantity", "sum")]).rename_columns(["day", *([split] if split else []), "quantity"])


def _top(place: Place, metric: Metric, chosen: Data) -> None:
    """The customers with most, all dimensions together."""
    found = asked.preview(metric, chosen, ("customer",), limit=TOP, order="quantity")
    top = found.table
    charts.largest(top, "customer_id", metric.name, value="quantity")
    shown.quantities(top, f"The customers with the largest {metric.name}", key=place.key("top"))
    if found.capped:
        aside(f"The largest {TOP} of {count(found.groups, 'customer')}.")
