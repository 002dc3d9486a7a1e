"""Charts of quantities: over the days, one line a value, and the largest ones. Exact numbers stand in the tables beside them."""

import altair
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from pages.parts.text import count, plain

FEW_DAYS = 3
DAYS = altair.Axis(format="%-d %b", tickCount={"interval": "day", "step": 3}, labelOverlap=True)
LINES = 8
"""How many lines a chart can have before nobody can tell them apart."""
HEIGHT = 260


def over_days(table: pa.Table, split: str | None, title: str, value: str = "value") -> None:
    """The column `value` over the column `day`; one line for each value of `split`. Raises nothing: where there would be too many lines, it says so."""
    if "day" not in table.column_names or not table.num_rows:
        return
    if split and len(set(table.column(split).to_pylist())) > LINES:
        st.markdown(f":small[More than {LINES} values of {plain(split)}: the chart would show too many lines.]")
        return
    shown = _named(_chartable(table, value), split)
    days = len(set(shown.column("day").to_pylist()))
    drawn = _bars(shown, split, title, value) if days < FEW_DAYS else _line(shown, split, title, value)
    st.altair_chart(drawn.properties(height=HEIGHT), alt=f"{title} per day, {count(days, 'day')}")


def largest(table: pa.Table, name: str, title: str, value: str = "value") -> None:
    """A bar for each row, in the order of the table."""
    shown = _chartable(table, value).to_pandas()
    chart = altair.Chart(shown).mark_bar().encode(y=altair.Y(f"{_escaped(name)}:N", sort=None, title=None, axis=altair.Axis(labelLimit=180)), x=altair.X(f"{_escaped(value)}:Q", title=title))
    st.altair_chart(chart.properties(height=90 + 26 * len(shown)), alt=f"{title}: the largest {len(shown)}")


def _line(shown: pa.Table, split: str | None, title: str, value: str) -> altair.Chart:
    """One line a value of `split`, told apart by dashes as well as by colour."""
    chart = altair.Chart(shown.to_pandas()).mark_line(point=True).encode(x=altair.X("day:T", title="Day", axis=DAYS), y=altair.Y(f"{_escaped(value)}:Q", title=title))
    name = f"{_escaped(split)}:N" if split else ""
    return chart.encode(color=altair.Color(name, title=split), strokeDash=altair.StrokeDash(name, title=split)) if split else chart


def _bars(shown: pa.Table, split: str | None, title: str, value: str) -> altair.Chart:
    """For one or two days: a bar each, side by side."""
    chart = altair.Chart(shown.to_pandas()).mark_bar().encode(x=altair.X("yearmonthdate(day):O", title="Day"), y=altair.Y(f"{_escaped(value)}:Q", title=title))
    name = f"{_escaped(split)}:N" if split else ""
    return chart.encode(color=altair.Color(name, title=split), xOffset=altair.XOffset(name)) if split else chart


def _chartable(table: pa.Table, value: str) -> pa.Table:
    """The values as floating numbers, also where they are exact or text; days as days."""
    if "day" in table.column_names:
        table = table.set_column(table.column_names.index("day"), "day", table.column("day").cast(pa.date32()))
    values = table.column(value)
    if pa.types.is_decimal(values.type) or pa.types.is_string(values.type):
        values = pa.array([None if each is None else float(each) for each in values.to_pylist()], type=pa.float64())
    return table.set_column(table.column_names.index(value), value, values)


def _named(table: pa.Table, split: str | None) -> pa.Table:
    """The values of `split` as texts, one that is missing by its name."""
    return table.set_column(table.column_names.index(split), split, pc.fill_null(table.column(split).cast(pa.string()), "(empty)")) if split else table


def _escaped(name: str) -> str:
    """A column's name for Vega, where a point or a bracket would mean a path."""
    return "".join(f"\\{character}" if character in ".[]\\:'\"" else character for character in name)
