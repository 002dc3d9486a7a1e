"""The first rows of a file as they stand there: names, rows of the table, and between them what was left out or repaired, said in words and by colour."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import streamlit as st

from ingest import imports
from ingest.raw import row_in_file
from ingest.store.imports import pointers
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.text import count, number
from schemas.reading import ReadReport
from schemas.records import ImportRecord

ROWS = 20
COLOURED_COLUMNS = 60
NAMES, LEFT_OUT, REPAIRED, DOUBTFUL = "column names", "left out", "repaired", "doubtful"
COLOURS = {NAMES: "rgba(31, 95, 168, 0.16)", LEFT_OUT: "rgba(128, 128, 128, 0.28)", REPAIRED: "rgba(214, 158, 0, 0.25)", DOUBTFUL: "rgba(200, 40, 40, 0.22)"}
"""Light enough over both themes; the word in the column beside it says the same."""


def show(record: ImportRecord, report: ReadReport) -> None:
    """The preview, and how its numbers are to be read."""
    if not report.columns:
        st.info("No columns found. Choose another header row.", icon=":material/info:")
        return
    with errors.shown():
        _grid(report, _first(record.id, pointers(record.id)[0] or ""))
    if report.rows > ROWS:
        st.caption(f"The first {ROWS} of {number(report.rows)} rows. The numbers at the left are those of your own spreadsheet.")


def summary(report: ReadReport) -> str:
    """How many rows were read, the same equation as in every later step: names aren't counted, what was left out is."""
    columns = count(len(report.columns), "column")
    if not report.excluded:
        return f"**{count(report.rows, 'row')}** read, in **{columns}**, as they stand in your file:"
    return f"**{count(report.rows + len(report.excluded), 'row')} read = {number(report.rows)} in the table + {number(len(report.excluded))} left out**, in **{columns}**, as they stand in your file:"


def _grid(report: ReadReport, rows: pa.Table) -> None:
    lines = list(laid_out(report, rows))
    names = _own_names(report)
    frame = pd.DataFrame([[number_, said, *cells] for number_, _, said, cells in lines], columns=["Row", names[0], *names[1:]])
    kinds = [kind for _, kind, _, _ in lines]
    coloured = frame if len(report.columns) > COLOURED_COLUMNS else frame.style.apply(_colours, kinds=kinds, axis=None)
    config = {"Row": st.column_config.NumberColumn(format="%d", pinned=True, width="small", help="The row as your spreadsheet numbers it"), names[0]: st.column_config.TextColumn("What it is", width=130 if set(kinds) <= {"", NAMES} else 220)}
    for position, column in enumerate(report.columns, 1):
        config[names[position]] = st.column_config.Column(column)
    st.dataframe(coloured, placeholder="(empty)", alt=f"The first rows of the file: {len(lines)} rows, {len(report.columns)} columns", column_config=config, hide_index=True, key="first_rows")


def _own_names(report: ReadReport) -> list[str]:
    """Names inside the grid that are ours, so that no heading of the file can collide with them."""
    return ["what", *(f"column {position}" for position in range(len(report.columns)))]


def laid_out(report: ReadReport, rows: pa.Table) -> Iterator[tuple[int, str, str, list[str | None]]]:
    """Row number, kind, the kind in words, and the cells: rows of the table between the others, in the file's order."""
    numbers = rows.column("_row").to_pylist()
    cells = [rows.column(position).to_pylist() for position in range(1, rows.num_columns)]
    last = numbers[-1] if numbers and report.rows > len(numbers) else None
    repairs = {each.row: each for each in report.repairs}
    found: list[tuple[int, str, str, list[str | None]]] = []
    if report.header_rows:
        found.append((report.header_rows[-1], NAMES, NAMES if len(report.header_rows) == 1 else f"{NAMES} (rows {', '.join(map(str, report.header_rows))})", list(report.columns)))
    found += [(each.row, LEFT_OUT, f"{LEFT_OUT}: {each.reason}", [each.text or None, *[None] * (len(report.columns) - 1)]) for each in report.excluded if last is None or each.row < last]
    for position, row in enumerate(numbers):
        repair = repairs.get(row)
        kind = "" if repair is None else DOUBTFUL if repair.doubtful else REPAIRED
        found.append((row, kind, f"{kind}: {repair.what}" if repair else "", [column[position] for column in cells]))
    for row, *rest in sorted(found, key=lambda line: line[0])[: 3 * ROWS]:
        yield (row_in_file(row, report), *rest)


def _colours(frame: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    styles = [f"background-color: {COLOURS[kind]}{'; font-weight: bold' if kind == NAMES else ''}" if kind else "" for kind in kinds]
    return pd.DataFrame({name: styles for name in frame.columns}, index=frame.index)


@st.cache_data(ttl=3600, max_entries=50, show_spinner=False)
def _first(import_id: str, raw_key: str) -> pa.Table:
    return ask(imports.raw_rows, import_id, limit=ROWS)
