"""One metric: how events become a quantity, built in a form or as a query, beside what it makes of usage that was not sent yet."""

from collections.abc import Callable

import streamlit as st

from ingest import month
from ingest.errors import Outside
from ingest.store import imports, metrics
from pages.metrics.steps import asked, data, form, preview, pricing, saving, sql
from pages.metrics.steps import draft as drafts
from pages.metrics.steps import place as places
from pages.metrics.steps.asked import occurring
from pages.metrics.steps.data import Data
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
    """The name, the buttons, and the tab that is open. Runs by itself: a change doesn't draw the frame of the page again."""
    place.keep(place.draft.model_copy(update={"name": st.session_state.get(place.key("name"), place.draft.name)}))
    head = st.container()
    tabs = st.tabs(list(TABS), key=place.key("tabs"), default="SQL" if place.draft.sql is not None else "Form", on_change="rerun")
    for tab, draw in zip(tabs, (_form, sql.show, _prices), strict=True):
        if tab.open:
            with tab, errors.shown():
                _beside(place, draw) if draw is not _prices else draw(place)
    with head:
        st.session_state[place.key("name")] = place.draft.name  # the form proposes one
        st.text_input("Name", max_chars=100, key=place.key("name"))
        saving.buttons(place)


def _beside(place: Place, draw: Callable[[Place, Data | None], None]) -> None:
    """The form, or the query, and beside it what it makes."""
    left, right = st.columns(2, gap="large")
    with right:
        chosen = preview.head(place)
    with left, errors.shown():
        draw(place, chosen)
    with right, errors.shown():
        preview.show(place, chosen)


def _form(place: Place, chosen: Data | None) -> None:
    if place.draft.sql is not None:
        sql.form_is_off(place)
        return
    place.keep(form.show(place, lambda field: occurring(chosen, field)))


def _prices(place: Place) -> None:
    """What customers would pay for the events that are chosen."""
    metric, problems = drafts.metric_of(place.draft, place.kind)
    chosen = data.choose(place)
    if metric is None or problems:
        st.info(f"First finish the metric: {plain(problems[0])}", icon=":material/edit:")
    elif chosen is not None:
        counted = asked.explained(place, metric).counted
        pricing.show(counted, place.account.name, lambda by: preview.quantities(counted, chosen, by, pricing.MOST), who=place.who, key=place.key("prices"))


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
