"""Where somebody builds a metric: the account, its kinds of usage, and the draft, which outlives a run of the page."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.metrics.steps import address
from pages.metrics.steps.draft import Draft
from schemas.account import Account
from schemas.event_type import EventType
from schemas.metric import StoredMetric

PAGE = "pages/metrics/one_metric.py"
LIST_PAGE = "pages/metrics/metrics.py"
_KEPT = "metric_draft"
DRAFT = "draft"
"""What the draft is called in the address."""


@dataclass
class Kept:
    """A draft of this browser tab. Another draft that takes its place gets another generation, and with it fresh widgets."""

    about: tuple[str, ...]
    draft: Draft
    generation: int


@dataclass(frozen=True)
class Place:
    """What the parts of the builder share."""

    account: Account
    who: str
    types: dict[str, EventType]
    stored: StoredMetric | None
    base: Draft
    """What the draft is before anybody changes it: the stored metric, or what is proposed."""

    @property
    def draft(self) -> Draft:
        """The draft as it stands."""
        return st.session_state[_KEPT].draft

    @property
    def kind(self) -> EventType:
        """The event type of the draft."""
        return self.types[self.draft.event_type]

    def key(self, name: str) -> str:
        """A widget's key."""
        return f"metric_{st.session_state[_KEPT].generation}_{name}"

    def keep(self, draft: Draft) -> None:
        """Remembers what the widgets say, here and in the address."""
        st.session_state[_KEPT].draft = draft
        address.say(DRAFT, draft, self.base)

    def change(self, how: Callable[[Draft], Draft]) -> None:
        """Changes the draft from a callback."""
        st.session_state[_KEPT].draft = how(self.draft)

    def replace(self, draft: Draft) -> None:
        """Another draft altogether."""
        kept = st.session_state[_KEPT]
        kept.draft, kept.generation = draft, kept.generation + 1


def begin(about: tuple[str, ...], base: Draft) -> None:
    """Finds the draft: this tab's own, else the one in the address, else the base. `about` says what is being built, so that another metric begins anew."""
    kept = st.session_state.get(_KEPT)
    if kept is None or kept.about != about:
        st.session_state[_KEPT] = Kept(about, address.said(DRAFT, Draft) or base, kept.generation + 1 if kept else 0)


def begin_anew() -> None:
    """Forgets the draft: what is opened next begins from its base."""
    st.session_state.pop(_KEPT, None)


def now_about(about: tuple[str, ...]) -> None:
    """The draft was saved: it is about a stored metric now."""
    st.session_state[_KEPT].about = about
    address.forget(DRAFT)
