"""The rows behind a number: the very events that made a quantity, with the row numbers of the person's own spreadsheet."""

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from pages.metrics.steps import asked, shown, wording
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import tables
from pages.parts.text import count, plain, shorten
from pages.usage.steps.aside import aside
from schemas.metric import Metric

OFFERED = 1_000
"""How many quantities can be chosen from by name; the grid has them all."""
NAMES = {"_counts": "Decides it", "customer_id": "Customer", "timestamp": "Time (UTC)"}
THERE = "_there"
"""The column of times in the metric's zone."""


def choose(place: Place, table: pa.Table, by: tuple[str, ...]) -> dict[str, object] | None:
    """Draws the quantities. The group whose rows are asked for, by a click in the grid or by name."""
    groups = [name for name in table.column_names if name != "quantity"]
    grid, picked, clicked = (place.key(f"{what}_{'_'.join(by)}") for what in ("grid", "picked", "clicked"))
    shown.quantities(table, f"Quantities by {', '.join(by) or 'nothing'}", key=grid, on_select=lambda: _clicked(grid, picked, clicked), selection_mode="single-row")
    rows = sorted({*range(min(table.num_rows, OFFERED)), *((last,) if (last := st.session_state.get(clicked)) is not None and last < table.num_rows else ())})
    values = {row: tuple(table.column(name)[row].as_py() for name in groups) for row in rows}
    chosen = st.selectbox("Show the rows behind", [None, *rows], format_func=lambda row: "click a row above, or choose one here" if row is None else _label(values[row]), key=picked)
    return None if chosen is None else dict(zip(groups, values[chosen], strict=True))


def _clicked(grid: str, picked: str, clicked: str) -> None:
    rows = st.session_state[grid].selection.rows
    st.session_state[picked] = st.session_state[clicked] = rows[0] if rows else None


def _label(values: tuple[object, ...]) -> str:
    return " · ".join(_value(each) for each in values) or "everything"


def _value(value: object) -> str:
    return "(empty)" if value is None else shorten(str(value), 50)


def show(place: Place, metric: Metric, chosen: Data, by: tuple[str, ...], group: dict[str, object]) -> None:
    """The rows of one quantity, a page at a time."""
    first = asked.drill(metric, chosen, by, group, 0, tables.PAGE_ROWS)
    said = ", ".join(f"{wording.said(name)} **{plain(_value(value))}**" for name, value in group.items()) or "everything"
    deciding = "" if first.counting == first.events else f"; {count(first.counting, 'of them decides', 'of them decide')} the number" if first.counting else ""
    st.markdown(f"{count(first.events, 'event')} behind the quantity of {said}{deciding}.")
    key = place.key(f"behind_{'_'.join(map(str, group.values()))}")
    names = {**NAMES, THERE: f"Time ({metric.zone.rpartition('/')[2].replace('_', ' ')})"}
    tables.paged(lambda offset, limit: _columns(first.rows if offset == 0 else asked.drill(metric, chosen, by, group, offset, limit).rows, metric.zone), first.events, "Rows behind a quantity", key=key, names=names)
    aside(f"Row numbers are those of the file as your spreadsheet shows them.{'' if chosen.account_events == 'none' else ' Events without one are held by the account.'}")


def _columns(table: pa.Table, zone: str) -> pa.Table:
    """The columns that say something: not one that is empty in every row, nor what is the same for all; and the time as the clocks of the metric's zone showed it."""
    if zone != "UTC":
        table = table.add_column(table.column_names.index("timestamp"), THERE, _there(table.column("timestamp"), zone))
    idle = {name for name in ("_file", "_sheet", "_import", "event_id", "import_id") if name in table.column_names and (name in ("_import", "event_id", "import_id") or len(table.column(name).unique()) < 2)}
    idle |= {"_counts"} if "_counts" in table.column_names and len(table.column("_counts").unique()) < 2 else set()
    return table.select([name for name in table.column_names if name not in idle])


def _there(times: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    utc = times if times.type.tz else pc.assume_timezone(times, "UTC")
    return pc.local_timestamp(utc.cast(pa.timestamp(times.type.unit, tz=zone)))
