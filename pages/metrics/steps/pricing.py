"""The prices of a metric: a form for one, and what each customer would pay for the quantities previewed."""

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from schemas.metric import Metric

MOST = 100_000
"""How many quantities are priced at most: the limit to preview them with."""


def show(metric: Metric, account: str, quantities: Callable[[tuple[str, ...]], pa.Table], *, who: str, key: str) -> None:
    """Draws the price of a metric of an account, and what it makes of the quantities.

    `quantities(by)` previews the metric with `limit=MOST`, grouped by `by` (of "customer", "month" and fields): a table with those columns and `quantity` as text. It may raise IngestErrors. `key` makes the widgets' names unique: the import's id and the period, say.
    """
    st.caption("Prices come here.")
