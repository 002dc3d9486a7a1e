"""The rest of step Columns: the period of rows without a date, and the totals the sender gave."""

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from ingest.errors import BadInput
from pages.parts import errors
from pages.parts.text import plain
from pages.usage.steps import words
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import Place, period_of
from pages.usage.steps.lines import Line
from pages.usage.steps.typed import count_of, total_of
from schemas.event_type import NUMERIC_TYPES


def period(place: Place, made: tuple[Line, ...]) -> None:
    """First and last day and time zone, where the rows carry no date."""
    if not any(line.choice.kind == "period" for line in made):
        return
    draft, why = place.dated()
    first, last = period_of(draft, datetime.now(UTC).date())
    st.header("Which period do these rows belong to?", anchor=False)
    days_key, zone_key = place.key("days"), place.key("zone")
    left, right = st.columns(2)
    left.date_input("First and last day", value=(first, last), format="YYYY-MM-DD", key=days_key, on_change=_days_chosen, args=(place, days_key))
    known = zones()
    right.selectbox("Time zone", known, index=known.index(draft.zone) if draft.zone in known else 0, key=zone_key, on_change=_zone_chosen, args=(place, zone_key))
    if why:
        aside(f"Proposed: {first:%B %Y}, {plain(why)}.")
    aside(f"Every row gets the end of the period: the last moment of {last.day} {last:%B %Y} in {plain(draft.zone)}.")


def control_totals(place: Place, made: tuple[Line, ...]) -> None:
    """What the sender said the file should come to, to be compared at every step."""
    draft = place.draft()
    given = bool(draft.control_count or any(draft.control_sums.values()))
    with st.expander("Did the sender give totals? (optional)", expanded=given):
        aside("They are compared with the file at every step; a difference is shown before anything is sent.")
        count_key = place.key("control_count")
        st.text_input("Number of rows", value=draft.control_count, key=count_key, placeholder="such as 12431", on_change=_count_typed, args=(place, count_key))
        for line in made:
            if line.type in NUMERIC_TYPES and line.choice.kind == "column":
                sum_key = place.key(f"control_{line.field}")
                st.text_input(f"Total of {words.field(line.field)}", value=draft.control_sums.get(line.field, ""), key=sum_key, placeholder="such as 1234.50", on_change=_sum_typed, args=(place, line.field, sum_key))


def problem(place: Place) -> str:
    """Why these answers can't be taken yet; empty when they can."""
    draft = place.draft()
    try:
        count_of(draft.control_count)
        for text in draft.control_sums.values():
            total_of(text)
    except BadInput as error:
        return errors.sentence(error)
    if draft.identity == "own" and not draft.key:
        return "Choose at least one column that makes a row the same row."
    return ""


def zones(first: Sequence[str] = ()) -> list[str]:
    """UTC, the browser's zone, those named, then all."""
    everywhere = sorted(zoneinfo.available_timezones())
    return list(dict.fromkeys(["UTC", *([st.context.timezone] if st.context.timezone in everywhere else []), *first, *everywhere]))


def _days_chosen(place: Place, key: str) -> None:
    days = st.session_state[key]
    if len(days) == 2:
        draft = place.draft().with_confirmed("timestamp", True)
        place.keep(draft.model_copy(update={"first_day": days[0].isoformat(), "last_day": days[1].isoformat()}))


def _zone_chosen(place: Place, key: str) -> None:
    place.change(zone=st.session_state[key])


def _count_typed(place: Place, key: str) -> None:
    place.change(control_count=st.session_state[key] or "")


def _sum_typed(place: Place, field: str, key: str) -> None:
    place.change(control_sums={**place.draft().control_sums, field: st.session_state[key] or ""})
