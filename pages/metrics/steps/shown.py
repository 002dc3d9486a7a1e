"""Quantities as tables: exact, to the right, under people's headings."""

import re

import pyarrow as pa
import streamlit as st

from pages.metrics.steps import wording


def quantities(table: pa.Table, what: str, *, key: str, **more: object) -> object:
    """A table of quantities. `more` goes to st.dataframe; what that answers."""
    config = {name: st.column_config.Column(wording.heading(name), alignment="right" if name in NUMBERS else None) for name in table.column_names}
    return st.dataframe(_texts(table), placeholder="(empty)", alt=f"{what}: {table.num_rows} rows", column_config=config, hide_index=True, key=key, **more)


NUMBERS = ("quantity", "before", "after", "change")


def headed(table: pa.Table) -> pa.Table:
    """The table under the names it is downloaded with: those of the command line."""
    return _texts(table)


def file_name(text: str) -> str:
    """A metric's name as a file's."""
    return re.sub(r"[^\w .-]+", "_", text).strip() or "metric"


def _texts(table: pa.Table) -> pa.Table:
    return pa.table([column.cast(pa.string()) if pa.types.is_decimal(column.type) else column for column in table.columns], names=table.column_names)
