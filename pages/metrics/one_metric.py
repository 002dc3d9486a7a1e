"""One metric: how events become a quantity, built in a form or as a query, beside what it makes of usage that was not sent yet."""

import streamlit as st

from ingest import month
from ingest.errors import Outside
from ingest.store import accounts, imports, metrics
from pages.metrics.steps import data, form, preview, saving, sql
from pages.metrics.steps import draft as drafts
from pages.metrics.steps import place as places
from pages.metrics.steps.asked import occurring
from pages.metrics.steps.place import LIST_PAGE, Place
from pages.parts import errors, frame, kinds
from pages.parts.state import link_account, open_import
from pages.parts.text import plain, shorten
from schemas.account import Account
from schemas.event_type import EventType
from schemas.metric import StoredMetric

TABS = ("Form", "SQL", "Prices")


def _page() -> None:
    name = st.query_params.get("metric")
    actor = frame.begin(f"Metric: {shorten(name, 60)}" if name else "New metric")
    st.page_link(LIST_PAGE, label="All metrics", icon=":material/arrow_back:")
    account = frame.account()
    stored = _stored(account, name)
    if name and stored is None:
        st.warning(f"{plain(account.name)} has no metric of this name here. It may be another account's, or have been removed.", icon=":material/search_off:")
        return
    types = _types(account)
    if not types:
        _nothing_to_count()
        return
    place = _place(account, actor.name, types, stored)
    saving.state(place)
    _builder(place)


def _place(account: Account, who: str, types: dict[str, EventType], stored: StoredMetric | None) -> Place:
    base = drafts.of(stored.metric) if stored else drafts.proposed(types[_likely(account, types)])
    if base.event_type not in types:
        types = {**types, base.event_type: EventType(name=base.event_type, slug=base.event_type)}
    places.begin((account.name, stored.metric.name if stored else ""), base)
    return Place(account=account, who=who, types=types, stored=stored, base=base)


@st.fragment
@errors.shown()
def _builder(place: Place) -> None:
    """The form and what it makes. Runs by itself: a change doesn't draw the frame of the page again."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        metric = _left(place)
    with right, st.container(key="metric_preview"):
        preview.show(place, metric)


def _left(place: Place) -> preview.Made:
    """The name, and the tab that is open; the metric that the draft makes."""
    draft = place.draft
    draft = draft.model_copy(update={"name": st.text_input("Name", value=draft.name, max_chars=100, key=place.key("name"))})
    place.keep(draft)
    tabs = st.tabs(list(TABS), key=place.key("tabs"), default="SQL" if draft.sql is not None else "Form", on_change="rerun")
    for tab, draw in zip(tabs, (_form, sql.show, saving.prices), strict=True):
        if tab.open:
            with tab, errors.shown():
                draw(place)
    saving.buttons(place)
    return preview.made(place)


def _form(place: Place) -> None:
    if place.draft.sql is not None:
        sql.form_is_off(place)
        return
    place.keep(form.show(place, lambda field: occurring(place, field)))


def _stored(account: Account, name: str | None) -> StoredMetric | None:
    return next((each for each in metrics.listed(account.name) if each.metric.name == name), None) if name else None


def _types(account: Account) -> dict[str, EventType]:
    """The account's kinds of usage; those of its imports where it can't be asked."""
    try:
        return kinds.event_types(account)
    except Outside as error:
        errors.show(error)
        link_account()
        found = {each.event_type: each.id for each in reversed(month.with_events(account.name)) if each.event_type}
        return {slug: imports.get(import_id).match.event_type for slug, import_id in found.items()}


def _likely(account: Account, types: dict[str, EventType]) -> str:
    """The event type of the import in the address, else of the newest import of the month, else of the newest one."""
    known = [each for each in month.with_events(account.name) if each.event_type in types]
    asked = next((each for each in known if each.id == st.query_params.get("import")), None)
    here = next((each for each in known if each.period == frame.period()), None)
    found = asked or here or next(iter(known), None)
    return found.event_type if found else next(iter(types))


def _nothing_to_count() -> None:
    st.info("A metric says how events become a billed quantity. This account has no kind of usage yet: the first file makes the first one.", icon=":material/functions:")
    if st.button("Add usage", type="primary", icon=":material/add:"):
        open_import(None)


_page()
