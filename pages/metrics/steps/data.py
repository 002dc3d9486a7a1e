"""What a preview counts: which events, from when to when, divided by what. Kept in the address."""

from calendar import monthrange
from datetime import date
from typing import Literal

import streamlit as st

from ingest import month
from ingest.month import Listed
from pages.metrics.steps import wording
from pages.metrics.steps.place import Place
from pages.parts import frame
from pages.parts.text import count, plain, shorten
from pages.parts.text import month as in_words
from pages.parts.text import state as state_in_words
from schemas.base import Frozen
from schemas.metric import Metric, MetricPreviewSpec

AccountEvents = Literal["none", "add", "replace"]
MERGED: dict[AccountEvents, str] = {"none": "these events alone", "add": "these, added to what the account holds", "replace": "these, in place of what the account holds of their days"}


class Data(Frozen):
    """What is counted."""

    imports: tuple[str, ...]
    start: str
    end: str
    account_events: AccountEvents = "none"

    def spec(self, by: tuple[str, ...], **more: object) -> MetricPreviewSpec:
        """The question to ask for it."""
        return MetricPreviewSpec(start=self.start, end=self.end, by=by, account_events=self.account_events, **more)


def choose(place: Place) -> Data | None:
    """Draws the choice; None, and why, where no import has such events."""
    known = month.with_events(place.account.name, place.draft.event_type)
    if not known:
        st.info(f"No import has events of {plain(place.kind.name)} yet, so there is nothing to preview. Everything else works.", icon=":material/bar_chart:")
        return None
    options = _options(known)
    chosen = _import(place, options)
    start, end = _period(place, options[chosen])
    merged = _merged(place)
    return Data(imports=chosen, start=start.isoformat(), end=end.isoformat(), account_events=merged)


def _merged(place: Place) -> AccountEvents:
    """Whether what the account holds counts too."""
    asked = st.query_params.get("counted", "")
    merged = st.selectbox("Counted are", list(MERGED), index=list(MERGED).index(asked) if asked in MERGED else 0, format_func=MERGED.get, key=place.key("merged"))
    _say("counted", "" if merged == "none" else merged)
    return merged


def _options(known: list[Listed]) -> dict[tuple[str, ...], tuple[Listed, ...]]:
    """Every import, and first those of the month at hand together, where there are several."""
    here = tuple(each for each in known if each.period == frame.period())
    together = {tuple(each.id for each in here): here} if len(here) > 1 else {}
    first = sorted(known, key=lambda each: each.period != frame.period())
    return {**together, **{(each.id,): (each,) for each in first}}


def _import(place: Place, options: dict[tuple[str, ...], tuple[Listed, ...]]) -> tuple[str, ...]:
    asked = tuple(st.query_params.get("import", "").split(","))
    listed = list(options)
    chosen = st.selectbox("Events of", listed, index=listed.index(asked) if asked in options else 0, format_func=lambda ids: _label(options[ids]), key=place.key(f"import_{place.draft.event_type}"))
    if chosen != listed[0] or asked in options:
        _say("import", ",".join(chosen))
    return chosen


def _label(listed: tuple[Listed, ...]) -> str:
    about = f"{count(sum(each.accepted or 0 for each in listed), 'event')}"
    if len(listed) > 1:
        return f"all {len(listed)} imports of {in_words(listed[0].period or '')} · {about}"
    only = listed[0]
    return " · ".join(part for part in (shorten(only.file_name, 40), only.period and in_words(only.period), about, state_in_words(only.state)) if part)


def _period(place: Place, listed: tuple[Listed, ...]) -> tuple[date, date]:
    """From and to, both counted in: the month of the import, unless somebody says otherwise."""
    first, last = days_of(listed[0].period or frame.period())
    key = place.key(f"{'_'.join(each.id for each in listed)}_{frame.period()}")
    left, right = st.columns(2)
    start = left.date_input("From", value=_said("from") or first, min_value=date(1900, 1, 1), max_value=date(2299, 12, 31), format="YYYY-MM-DD", key=f"{key}_from")
    end = right.date_input("To, counted in", value=_said("to") or last, min_value=date(1900, 1, 1), max_value=date(2299, 12, 31), format="YYYY-MM-DD", key=f"{key}_to")
    start, end = start or first, end or last
    for name, value, usual in (("from", start, first), ("to", end, last)):
        _say(name, "" if value == usual else value.isoformat())
    return start, end


def days_of(period: str) -> tuple[date, date]:
    """The first and the last day of a month."""
    year, number = int(period[:4]), int(period[5:7])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])


def _said(name: str) -> date | None:
    try:
        return date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def _say(name: str, value: str) -> None:
    if not value:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def divided_by(place: Place, metric: Metric) -> tuple[str, ...]:
    """By what the quantities are divided: as they are billed, unless somebody says otherwise."""
    dimensions = wording.dimensions(place.kind) if metric.sql is None else metric.group_by
    options = ["customer", "day", "month", *dimensions]
    usual = ["customer", *(each for each in metric.group_by if each in options)]
    asked = [each for each in st.query_params.get("by", "").split(",") if each in options]
    chosen = st.multiselect("Quantities by", options, default=asked or usual, format_func=wording.field, key=place.key(f"by_{'_'.join(metric.group_by)}"), placeholder="one quantity for everything")
    _say("by", "" if chosen == usual else ",".join(chosen))
    return tuple(chosen)
