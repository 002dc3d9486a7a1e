"""The rest of step Columns: the period of rows without a date, what makes a row the same row, and the totals the sender gave."""

import zoneinfo
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from ingest.errors import BadInput
from pages.parts import errors
from pages.parts.text import count, plain
from pages.usage.steps import words
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import Line, Place, count_of, period_of, total_of
from schemas.event_type import NUMERIC_TYPES, ROOT_FIELDS, EventType

ProposeKey = Callable[[Place, EventType, tuple[Line, ...]], tuple[tuple[str, ...], str]]


def period(place: Place, made: tuple[Line, ...]) -> None:
    """First and last day and time zone, where the rows carry no date."""
    if not any(line.choice.kind == "period" for line in made):
        return
    draft = place.draft()
    first, last = period_of(draft, datetime.now(UTC).date())
    st.header("Which period do these rows belong to?", anchor=False)
    days_key, zone_key = place.key("days"), place.key("zone")
    left, right = st.columns(2)
    left.date_input("First and last day", value=(first, last), format="YYYY-MM-DD", key=days_key, on_change=_days_chosen, args=(place, days_key))
    known = zones()
    right.selectbox("Time zone", known, index=known.index(draft.zone) if draft.zone in known else 0, key=zone_key, on_change=_zone_chosen, args=(place, zone_key))
    aside(f"Every row gets the end of the period: the last moment of {last.day} {last:%B %Y} in {plain(draft.zone)}.")


def key(place: Place, event_type: EventType, made: tuple[Line, ...], propose: ProposeKey, empty: dict[str, int]) -> tuple[str, ...] | None:
    """The fields that make a row the same row; None for all of them. `empty` says how many rows have nothing in a column."""
    st.header("Which columns make a row the same row?", anchor=False)
    st.markdown("So that a corrected quantity replaces instead of adding: a later row where these agree is taken for a correction of the same row, never for more usage. With all columns, a row with another quantity is another row, and counts as more usage.")
    names = tuple(line.field for line in made if line.choice.kind in ("column", "constant", "period"))
    proposed, why = without_gaps(*propose(place, event_type, made), empty_fields(made, empty))
    options = ["proposed", "all", "own"] if proposed and set(proposed) < set(names) else ["all", "own"]
    draft = place.draft()
    chosen = draft.identity if draft.identity in options else options[0]
    labels = {"proposed": f"{_said(proposed, names)} (proposed)", "all": "All columns", "own": "These columns:"}
    radio_key = place.key("identity")
    st.radio("The same row when these agree", options, index=options.index(chosen), format_func=labels.get, key=radio_key, on_change=_identity_chosen, args=(place, radio_key), label_visibility="collapsed")
    if why and chosen != "own":
        aside(f"{'Proposed' if proposed else 'All columns'}: {plain(why)}")
    if chosen == "own":
        return _own(place, names, empty_fields(made, empty))
    return proposed if chosen == "proposed" else None


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


def empty_fields(made: tuple[Line, ...], empty: dict[str, int]) -> dict[str, int]:
    """The fields that are empty in some rows, and in how many."""
    return {line.field: empty[line.choice.value] for line in made if line.choice.kind == "column" and empty.get(line.choice.value)}


def without_gaps(proposed: tuple[str, ...], why: str, gaps: dict[str, int]) -> tuple[tuple[str, ...], str]:
    """A proposed key, unless some of it is empty in some rows: such rows would need fixing, which nobody asked for."""
    holes = [field for field in proposed if field in gaps and field not in ROOT_FIELDS]
    return (proposed, why) if not holes else ((), f"what would tell the rows apart is empty in some of them ({', '.join(holes[:3])})")


def _own(place: Place, names: tuple[str, ...], gaps: dict[str, int]) -> tuple[str, ...] | None:
    chosen = [name for name in place.draft().key if name in names]
    own_key = place.key("own_key")
    st.multiselect("Columns that make a row the same row", names, default=chosen, format_func=words.name_of, key=own_key, on_change=_own_chosen, args=(place, own_key))
    for field in chosen:
        if field in gaps and field not in ROOT_FIELDS:
            st.warning(f"{count(gaps[field], 'row')} without {words.field(field)} would need fixing.", icon=":material/warning:")
    return tuple(chosen) or None


def _said(proposed: tuple[str, ...], names: tuple[str, ...]) -> str:
    """The proposed columns, or those that are left out where these are fewer."""
    others = tuple(name for name in names if name not in proposed)
    return _named(proposed) if len(proposed) <= max(4, len(others)) else f"All columns but {_named(others)}"


def _named(names: tuple[str, ...]) -> str:
    return " + ".join(words.field(name) for name in names)


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


def _identity_chosen(place: Place, key: str) -> None:
    place.change(identity=st.session_state[key])


def _own_chosen(place: Place, key: str) -> None:
    place.change(key=tuple(st.session_state[key]))


def _count_typed(place: Place, key: str) -> None:
    place.change(control_count=st.session_state[key] or "")


def _sum_typed(place: Place, field: str, key: str) -> None:
    place.change(control_sums={**place.draft().control_sums, field: st.session_state[key] or ""})
