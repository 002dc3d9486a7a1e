"""The rows behind a number: the very events that made a quantity, with the row numbers of the person's own spreadsheet."""

import pyarrow as pa
import streamlit as st

from pages.metrics.steps import asked, shown, wording
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import tables
from pages.parts.text import count, plain, shorten
from pages.usage.steps.aside import aside
from schemas.metric import Metric

OFFERED = 1_000
"""How many quantities can be chosen from by name; the grid shows them all."""


def choose(place: Place, table: pa.Table, by: tuple[str, ...]) -> dict[str, object] | None:
    """Draws the quantities. The group whose rows are asked for, by a click in the grid or by name."""
    groups = [name for name in table.column_names if name != "quantity"]
    generation = st.session_state.get(place.key("grid_generation"), 0)
    grid = place.key(f"quantities_{'_'.join(by)}_{generation}")
    shown.quantities(table, f"Quantities by {', '.join(by) or 'nothing'}", key=grid, on_select=lambda: _clicked(place, grid), selection_mode="single-row")
    rows = list(range(min(table.num_rows, OFFERED)))
    picked = place.key(f"picked_{'_'.join(by)}")
    if (clicked := st.session_state.pop(place.key("clicked"), None)) is not None and clicked < table.num_rows:
        rows = rows if clicked in rows else [*rows, clicked]
        st.session_state[picked] = clicked
    values = {row: tuple(table.column(name)[row].as_py() for name in groups) for row in rows}
    chosen = st.selectbox("Show the rows behind", [None, *rows], format_func=lambda row: "click a row above, or choose one here" if row is None else _label(values[row]), key=picked)
    return None if chosen is None else dict(zip(groups, values[chosen], strict=True))


def _clicked(place: Place, grid: str) -> None:
    rows = st.session_state[grid].selection.rows
    if rows:
        st.session_state[place.key("clicked")] = rows[0]


def _label(values: tuple[object, ...]) -> str:
    return " · ".join("(empty)" if value is None else shorten(str(value), 50) for value in values) or "everything"


def show(place: Place, metric: Metric, chosen: Data, group: dict[str, object]) -> None:
    """The rows of one quantity, a page at a time."""
    said = ", ".join(f"{wording.said(name)} {plain('(empty)' if value is None else shorten(str(value), 50))}" for name, value in group.items())
    total = asked.rows_behind(place, metric, chosen, group, 0, 1)[1]
    st.markdown(f"**{count(total, 'event')}** behind the quantity of {said or 'everything'}:")
    tables.paged(lambda offset, limit: asked.rows_behind(place, metric, chosen, group, offset, limit)[0], total, "Rows behind a quantity", key=place.key(f"behind_{hash(tuple(group.items()))}"), names={"customer_id": "Customer", "timestamp": "Time (UTC)"})
    aside("Row numbers are those of the file as your spreadsheet shows them.")
