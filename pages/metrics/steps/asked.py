"""What the pages of metrics ask: in the query processes, and once only for the same question about the same events."""

from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from ingest import imports, query
from ingest.imports import metrics as previews
from ingest.metric import explain
from ingest.metric.explain import Explained
from ingest.metric.rows import RowsBehind
from ingest.store.imports import pointers
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts.ask import ask
from schemas.event_type import EventType
from schemas.metric import Metric, MetricPreview, MetricPreviewSpec

REMEMBERED = 100
READ_SECONDS = 300.0
Group = dict[str, object]


def explained(place: Place, metric: Metric) -> Explained:
    """The metric in words and in SQL. Raises BadInput where it can't be counted."""
    return _explained(metric.model_dump_json(), place.kind.model_dump_json(), place.account.profile.model_dump_json(), place)


def preview(metric: Metric, chosen: Data, by: tuple[str, ...], **more: Any) -> MetricPreview:
    """The quantities of the chosen events. Raises NotReady where what the account holds counts too and wasn't read yet."""
    spec = chosen.spec(by, **more)
    with _counting():
        if chosen.account_events != "none" or metric.sql is not None:
            return ask(previews.preview_metric, chosen.imports, metric, spec)  # the account's side may have been read anew
        return _preview(_state(chosen), metric.model_dump_json(), spec.model_dump_json())


def drill(metric: Metric, chosen: Data, by: tuple[str, ...], group: Group, offset: int, limit: int) -> RowsBehind:
    """A page of the events behind one quantity."""
    with _counting():
        return ask(previews.drill, chosen.imports, metric, chosen.spec(by), group, offset=offset, limit=limit)


def compare(metric: Metric, chosen: Data, against: previews.Against) -> previews.Comparison:
    """The metric by customer, now and before."""
    with _counting():
        return ask(previews.compare, chosen.imports, metric, chosen.spec(("customer",)), against)


def read_account(metric: Metric, chosen: Data) -> None:
    """Reads what the account holds of these days, in a process of its own. Raises Outside where it can't be asked."""
    query.make(previews.read_account, (chosen.imports, metric, chosen.spec(())), seconds=READ_SECONDS)


def occurring(chosen: Data | None, field: str) -> tuple[str, ...]:
    """The values of a field that the chosen events have, the frequent ones first."""
    return _occurring(_state(chosen), field) if chosen else ()


def _counting() -> AbstractContextManager[None]:
    """Says that something is counted, and for how long already, unless that is over in a moment."""
    return st.spinner("Counting …", show_time=True)


def _state(chosen: Data) -> tuple[tuple[str, str], ...]:
    """The imports with what their checks are kept under: other events, another question."""
    return tuple((each, pointers(each)[1] or "") for each in chosen.imports)


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _explained(metric: str, kind: str, profile: str, _place: Place) -> Explained:
    return ask(explain.explain, Metric.model_validate_json(metric), EventType.model_validate_json(kind), _place.account.profile)


@st.cache_data(max_entries=REMEMBERED, ttl=600, show_spinner=False)
def _preview(state: tuple[tuple[str, str], ...], metric: str, spec: str) -> MetricPreview:
    return ask(previews.preview_metric, [each for each, _ in state], Metric.model_validate_json(metric), MetricPreviewSpec.model_validate_json(spec))


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _occurring(state: tuple[tuple[str, str], ...], field: str) -> tuple[str, ...]:
    return ask(explain.occurring, [imports.check_folder(each) for each, _ in state], field)
