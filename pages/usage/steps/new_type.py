"""An event type made from the file: its name, which columns go with it, and under Advanced the names and types the billing system will use."""

from collections.abc import Collection

import streamlit as st

from pages.parts.text import count, plain, shorten
from pages.usage.steps import words
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import NewField, Place
from pages.usage.steps.new_fields import slug_of
from schemas.event_type import FIELD_TYPES, EventType
from schemas.matching import ColumnProfile

PAGE = 30
MANY = 3
"""More columns than this can be ticked or unticked all at once."""


def name(place: Place, proposal: EventType) -> None:
    """What the new kind of usage is called."""
    draft, key = place.draft(), place.key("name")
    st.text_input("What should it be called?", value=draft.name if draft.name is not None else proposal.name, key=key, max_chars=100, on_change=_named, args=(place, "name", key))


def columns(place: Place, made: dict[str, NewField], profiles: tuple[ColumnProfile, ...]) -> None:
    """Which other columns are sent: a tick each, with examples."""
    if not made:
        return
    st.markdown("**Which of the other columns are part of it?**")
    if len(made) > MANY:
        with st.container(horizontal=True):
            st.button("Tick all", key=place.key("tick_all"), on_click=_tick_all, args=(place, made, True), disabled=all(each.included for each in made.values()))
            st.button("Untick all", key=place.key("untick_all"), on_click=_tick_all, args=(place, made, False), disabled=not any(each.included for each in made.values()))
    by_column = {profile.column: profile for profile in profiles}
    for column in _page_of(place, list(made)):
        _tick(place, column, made[column], by_column[column])


def advanced(place: Place, proposal: EventType, made: dict[str, NewField], taken: Collection[str]) -> None:
    """Slug, field names and types, and our own two fields."""
    draft = place.draft()
    ids_key = place.key("with_ids")
    st.checkbox(
        "Add event_id and import_id, so that every event can be found again", value=draft.with_ids, key=ids_key, on_change=_named, args=(place, "with_ids", ids_key),
        help="Two text fields. With them a receipt can prove every single event; without them only counts and sums.",
    )
    panel = st.expander("Advanced: the names and types the billing system will use", key=place.key("advanced"), on_change="rerun")
    if not panel.open:
        return
    with panel:
        slug_key = place.key(f"slug_{slug_of(draft.model_copy(update={'slug': None}), proposal, taken)}")
        st.text_input("Slug", value=slug_of(draft, proposal, taken), key=slug_key, max_chars=100, on_change=_named, args=(place, "slug", slug_key), help="The short name that programs use.")
        for column in _page_of(place, [column for column in made if made[column].included], "types"):
            _field(place, column, made[column])


def _page_of(place: Place, names: list[str], what: str = "columns") -> list[str]:
    if len(names) <= PAGE:
        return names
    aside(count(len(names), "column"))
    page = st.pagination(-(-len(names) // PAGE), key=place.key(f"{what}_page")) or 1
    return names[(page - 1) * PAGE : page * PAGE]


def _tick(place: Place, column: str, made: NewField, profile: ColumnProfile) -> None:
    key = place.key(f"include_{column}")
    left, right = st.columns([2, 3], vertical_alignment="center", gap="xsmall")
    left.checkbox(plain(shorten(column)), value=made.included, key=key, on_change=_included, args=(place, column, made, key))
    with right:
        empty = f" · {count(profile.empty, 'row')} empty" if profile.empty else ""
        aside(f"{words.TYPES[made.type]} · {words.quoted(profile.examples, 30)}{empty}")


def _field(place: Place, column: str, made: NewField) -> None:
    name_key, type_key = place.key(f"name_{column}"), place.key(f"type_{column}")
    left, right = st.columns(2)
    left.text_input(f"Name of the field for {plain(column)}", value=made.name, key=name_key, max_chars=100, on_change=_field_changed, args=(place, column, made, name_key, type_key))
    right.selectbox(
        f"Type of the field for {plain(column)}", FIELD_TYPES, index=FIELD_TYPES.index(made.type), format_func=lambda kind: f"{kind} ({words.TYPES[kind]})",
        key=type_key, on_change=_field_changed, args=(place, column, made, name_key, type_key),
    )


def _named(place: Place, what: str, key: str) -> None:
    place.change(**{what: st.session_state[key]})


def _included(place: Place, column: str, made: NewField, key: str) -> None:
    place.change(columns={**place.draft().columns, column: made.model_copy(update={"included": st.session_state[key]})})


def _tick_all(place: Place, made: dict[str, NewField], included: bool) -> None:
    place.change(columns={**place.draft().columns, **{column: each.model_copy(update={"included": included}) for column, each in made.items()}})
    for column in made:
        if (key := place.key(f"include_{column}")) in st.session_state:
            st.session_state[key] = included


def _field_changed(place: Place, column: str, made: NewField, name_key: str, type_key: str) -> None:
    changed = made.model_copy(update={"name": st.session_state[name_key] or "", "type": st.session_state[type_key]})
    place.change(columns={**place.draft().columns, column: changed})
