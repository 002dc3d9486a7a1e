"""What an import comes to by the metrics that bill its event type, for its review."""

import streamlit as st

from ingest.errors import IngestError
from ingest.imports.metrics import period_of
from ingest.store import metrics
from pages.metrics.steps import asked
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import PAGE
from pages.parts import errors
from pages.parts.text import count, plain
from pages.usage.steps.words import amount
from schemas.metric import StoredMetric
from schemas.records import ImportRecord

SHOWN = 20
"""How many metrics are counted in a review."""


def show(record: ImportRecord) -> None:
    """Each metric of the import's event type with its total, and the way to a new one."""
    found = [each for each in metrics.listed(record.account or "") if each.metric.event_type == record.event_type]
    st.subheader("Billable metrics of this event type", anchor=False)
    if not found:
        st.markdown("None is kept here yet. A metric says how events become a billed quantity.")
    for each in found[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.page_link(PAGE, label=plain(each.metric.name), icon=":material/functions:", query_params={"metric": each.metric.name, "import": record.id})
            st.markdown(_total(each, record), width="content")
    st.page_link(PAGE, label="New metric from this", icon=":material/add:", query_params={"import": record.id})


def _total(stored: StoredMetric, record: ImportRecord) -> str:
    start, end = period_of((record.id,))
    try:
        found = asked.preview(stored.metric, Data(imports=(record.id,), start=start, end=end), ("customer",), limit=1)
    except IngestError as error:
        return f":material/warning: {errors.sentence(error)}"
    return f"**{'–' if found.total is None else amount(found.total)}** for {count(found.groups, 'customer')}"
