"""Tables on the screen and as files. Grids come with a description, row numbers first; files are safe to open in a spreadsheet."""

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import streamlit as st

from ingest.raw import ORIGINAL_ROW, row_in_file
from schemas.reading import ReadReport

PAGE_ROWS = 50
_NAMES = {"_row": "Row", "_file": "File", "_sheet": "Sheet"}
_FORMULA = r"^[=+\-@\t\r\n]"
_NUMBER = r"^[+-]?[0-9][0-9.,  ']*([eE][+-]?[0-9]+)?%?$"


def show(table: pa.Table, what: str, *, key: str | None = None, height: int | str = "auto", names: dict[str, str] | None = None) -> None:
    """An Arrow table, read-only. `what` says in a few words what it holds, for those who can't see it."""
    config = {column: _column(table, column, {**_NAMES, **(names or {})}) for column in table.column_names}
    st.dataframe(_numbers_as_text(table), placeholder="(empty)", alt=f"{what}: {table.num_rows} rows, {table.num_columns} columns", column_config=config, hide_index=True, key=key, height=height)


def paged(fetch: Callable[[int, int], pa.Table], total: int, what: str, *, key: str, rows: int = PAGE_ROWS, names: dict[str, str] | None = None) -> None:
    """A table a page at a time: `fetch(offset, limit)` brings the rows."""
    pages = max(1, -(-total // rows))
    page = min(st.session_state.get(f"{key}_page") or 1, pages)
    show(fetch((page - 1) * rows, rows), what, key=key, names=names)
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{(page - 1) * rows + 1:,} to {min(page * rows, total):,} of {total:,}", width="content")
            st.pagination(pages, key=f"{key}_page")


def as_in_file(table: pa.Table, report: ReadReport) -> pa.Table:
    """The table with rows numbered as the person's own file numbers them, also in the column that says where brought-back rows were."""
    for name, kind in (("_row", pa.int64()), (ORIGINAL_ROW, pa.string())) if report.row_step else ():
        if name in table.column_names:
            numbers = [_in_file(each, report) for each in table.column(name).to_pylist()]
            table = table.set_column(table.column_names.index(name), name, pa.array(numbers, kind))
    return table


def _in_file(number: int | str | None, report: ReadReport) -> int | str | None:
    if number is None or not str(number).isdecimal():
        return number
    return type(number)(row_in_file(int(number), report))


def download(label: str, make: Callable[[], bytes], file_name: str, *, key: str, disabled: bool = False) -> None:
    """A button for a file that is only made when somebody wants it."""
    st.download_button(label, make, file_name=file_name, mime=_mime(file_name), key=key, on_click="ignore", icon=":material/download:", disabled=disabled)


def csv_bytes(table: pa.Table) -> bytes:
    """The table as CSV, UTF-8 with a mark so that Excel reads it right, and no cell that a spreadsheet would run."""
    out = io.BytesIO()
    out.write(b"\xef\xbb\xbf")
    pa.csv.write_csv(harmless(table), out)
    return out.getvalue()


def harmless(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text (and column name) that a spreadsheet would take for a formula; numbers stay."""
    columns = [_harmless(column) if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column for column in table.columns]
    names = [f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else name for name in table.column_names]
    return pa.table(columns, names=names)


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    risky = pc.and_(pc.match_substring_regex(column, _FORMULA), pc.invert(pc.match_substring_regex(column, _NUMBER)))
    return pc.if_else(pc.fill_null(risky, False), pc.binary_join_element_wise("'", column.cast(pa.string()), ""), column.cast(pa.string()))


def _numbers_as_text(table: pa.Table) -> pa.Table:
    """Decimals as text: the browser would round them."""
    columns = [column.cast(pa.string()) if pa.types.is_decimal(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _column(table: pa.Table, column: str, names: dict[str, str]) -> object:
    label = names.get(column, column)
    kind = table.schema.field(column).type
    if column == "_row":
        return st.column_config.NumberColumn(label, format="%d", pinned=True, width="small", help="The row as your spreadsheet numbers it")
    if pa.types.is_integer(kind):
        return st.column_config.NumberColumn(label, format="localized")
    return st.column_config.Column(label, alignment="right") if pa.types.is_decimal(kind) else st.column_config.Column(label)


def _mime(file_name: str) -> str:
    kinds = {"csv": "text/csv", "yaml": "application/yaml", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "json": "application/json", "parquet": "application/vnd.apache.parquet"}
    return kinds.get(file_name.rpartition(".")[2], "application/octet-stream")
