"""Review's tab Columns: how the cells of each column are, as bars that can be clicked and as a form, what stands in a column, and the rows behind each number."""

import altair
import pandas as pd
import pyarrow as pa
import streamlit as st

from ingest import overview
from pages.parts import tables
from pages.parts.ask import ask
from pages.parts.text import count, number, plain
from pages.usage.steps.aside import aside
from schemas.overview import STATES, CellState, ColumnOverview, ColumnValues
from schemas.records import ImportRecord

PAGE = 15
"""So many columns have a bar at once."""
WORDS: dict[CellState, str] = {"valid": "Valid", "corrected": "Corrected", "invalid": "Invalid", "empty": "Empty"}
MARKS: dict[CellState, str] = {"valid": "✓", "corrected": "✎", "invalid": "✗", "empty": "○"}
COLOURS: dict[CellState, str] = {"valid": "#a5d6a7", "corrected": "#90caf9", "invalid": "#ef9a9a", "empty": "#e0e0e0"}
"""All light, so that the marks on them can be read; nothing is told by colour alone."""
VISIBLE = 0.03
"""A part of a bar that is smaller than this share gets no mark."""


def show(record: ImportRecord) -> None:
    """Draws the tab of a checked import."""
    found = ask(overview.overview, record.id)
    if not found or not found[0].rows:
        aside("The file has no rows, so there is nothing to say of its columns.")
        return
    _bars(record, _page_of(record, found))
    with st.expander("The same as a table", key=f"columns_table_{record.id}"):
        _table(found)
    column = _chosen_column(record, found)
    left, right = st.columns(2)
    values = ask(overview.values, record.id, column.column)
    with left:
        _values(column, values)
    with right:
        _spread(values)
    _rows(record, column, values)


def _page_of(record: ImportRecord, found: tuple[ColumnOverview, ...]) -> tuple[ColumnOverview, ...]:
    if len(found) <= PAGE:
        return found
    aside(f"{count(len(found), 'column')}, {PAGE} at a time.")
    page = st.pagination(-(-len(found) // PAGE), key=f"columns_page_{record.id}") or 1
    return found[(page - 1) * PAGE : page * PAGE]


# The bars.


def _bars(record: ImportRecord, shown: tuple[ColumnOverview, ...]) -> None:
    key = f"column_bars_{record.id}_{record.check.rows}_{shown[0].column}"
    aside("Click a part of a bar to see its rows, or choose the column and the cells below.")
    st.altair_chart(_chart(shown), key=key, on_select=lambda: _clicked(record, key), selection_mode="part", alt=f"Valid, corrected, invalid and empty cells of {count(len(shown), 'column')}; the table below says the same")


def _chart(shown: tuple[ColumnOverview, ...]) -> altair.LayerChart:
    cells = [{"column": each.column, "cells": WORDS[state], "mark": MARKS[state], "count": amount, "share": amount / each.rows, "place": place} for each in shown for place, state in enumerate(STATES) if (amount := getattr(each, state))]
    data = pd.DataFrame(cells)
    labels = [f"{MARKS[state]} {WORDS[state]}" for state in STATES]
    data["label"] = data["mark"] + " " + data["cells"]
    base = altair.Chart(data).encode(
        y=altair.Y("column:N", sort=None, title=None, axis=altair.Axis(labelLimit=140)), x=altair.X("share:Q", stack="zero", title="Share of rows", axis=altair.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]), scale=altair.Scale(domain=[0, 1])), order="place:O",
        tooltip=[altair.Tooltip("column:N", title="Column"), altair.Tooltip("label:N", title="Cells"), altair.Tooltip("count:Q", title="Rows", format=",")],
    )
    colour = altair.Color("label:N", scale=altair.Scale(domain=labels, range=list(COLOURS.values())), legend=altair.Legend(title=None, orient="top", columns=2, symbolStrokeWidth=0))
    bars = base.mark_bar(cursor="pointer", stroke="#555", strokeWidth=0.5).encode(color=colour).add_params(altair.selection_point("part", fields=["column", "cells"]))
    marks = base.transform_filter(f"datum.share >= {VISIBLE}").mark_text(align="right", dx=-4, color="#111").encode(text="mark:N", x=altair.X("share:Q", stack="zero"))
    return (bars + marks).properties(height={"step": 26})


def _clicked(record: ImportRecord, key: str) -> None:
    """A part of a bar chooses the column and the cells of the form."""
    chosen = next(iter(st.session_state[key].selection.get("part") or []), None)
    if chosen:
        st.session_state[f"column_{record.id}"] = chosen["column"]
        st.session_state[f"cells_{record.id}_{chosen['column']}"] = next(state for state, word in WORDS.items() if word == chosen["cells"])


def _table(found: tuple[ColumnOverview, ...]) -> None:
    rows = [{"Column": each.column, "Field": each.field, **{WORDS[state]: getattr(each, state) for state in STATES}, "Different": each.distinct, "Counted": "exactly" if each.distinct_is_exact else "about"} for each in found]
    tables.show(pa.Table.from_pylist(rows), "Cells by column")


# One column.


def _chosen_column(record: ImportRecord, found: tuple[ColumnOverview, ...]) -> ColumnOverview:
    by_name = {each.column: each for each in found}
    first = max(found, key=lambda each: each.invalid).column
    key = f"column_{record.id}"
    if st.session_state.get(key) not in by_name:
        st.session_state[key] = first
    return by_name[st.selectbox("Column", list(by_name), key=key)]


def _values(column: ColumnOverview, values: ColumnValues) -> None:
    different = f"{'' if column.distinct_is_exact else 'about '}{count(column.distinct, 'different text')}"
    lines = [f"**{plain(column.column)}**" + (f" is matched to the field {plain(column.field)}." if column.field else " isn't sent."), f"{different}; {number(column.empty)} of {count(column.rows, 'cell')} empty."]
    if values.smallest is not None:
        lines.append(f"From {_quoted(_short(values.smallest))} to {_quoted(_short(values.largest))}" + (" (alphabetically)." if values.kind == "text" else "."))
    if values.examples:
        lines.append(f"For example {', '.join(_quoted(_short(each)) for each in values.examples)}.")
    st.markdown("  \n".join(lines))


def _spread(values: ColumnValues) -> None:
    """How numbers and times spread; the most frequent texts of anything else."""
    if values.histogram:
        data = pd.DataFrame([{"from": each.start, "to": each.end, "rows": each.count} for each in values.histogram])
        place = {"x": altair.X("from:T", title=None)} if values.kind == "time" else {"x": altair.X("from:Q", bin="binned", title=None), "x2": "to:Q"}
        drawn = altair.Chart(data).mark_bar().encode(**place, y=altair.Y("rows:Q", title="Rows"), tooltip=["from:N", "to:N", altair.Tooltip("rows:Q", format=",")])
        st.altair_chart(drawn.properties(height=180), alt=f"How the values of {values.column} spread, in {count(len(values.histogram), 'bar')}")
    if values.frequent:
        tables.show(pa.table({"Most frequent": [each.value for each in values.frequent], "Rows": [each.count for each in values.frequent]}), f"Most frequent texts of {values.column}")


# The rows behind a number.


def _rows(record: ImportRecord, column: ColumnOverview, values: ColumnValues) -> None:
    """The rows of one state, or of one frequent text."""
    counts = {state: getattr(column, state) for state in STATES}
    key, text_key = f"cells_{record.id}_{column.column}", f"cells_text_{record.id}_{column.column}"
    if st.session_state.get(key) not in counts:
        st.session_state[key] = max(counts, key=lambda state: (state == "invalid" and counts[state] > 0, counts[state]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = st.selectbox("Show the rows whose cell is", list(counts), format_func=lambda each: f"{MARKS[each]} {WORDS[each]} ({number(counts[each])})", key=key)
        frequent = {each.value: each.count for each in values.frequent}
        text = st.selectbox("or has the text", [None, *frequent], format_func=lambda each: "any" if each is None else f"{_short(each)} ({number(frequent[each])})", key=text_key)
    total = counts[state] if text is None else frequent[text]
    if not total:
        aside(f"No cell of {plain(column.column)} is {WORDS[state].lower()}.")
        return
    chosen = {"state": state} if text is None else {"value": text}
    tables.paged(lambda offset, limit: tables.as_in_file(ask(overview.rows, record.id, column.column, **chosen, offset=offset, limit=limit), record.report), total, f"Rows by their cell in {column.column}", key=f"column_rows_{record.id}_{column.column}_{state}_{text}")


def _quoted(text: str) -> str:
    return f"‘{plain(text)}’"


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
