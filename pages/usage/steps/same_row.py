"""Which columns make a row the same row: what the rows speak for, each with its reason and what it would do to them, and free choice."""

from collections.abc import Sequence

import streamlit as st

from ingest.match import key_warning
from pages.parts.text import count, plain
from pages.usage.steps import words
from pages.usage.steps.draft import Place
from pages.usage.steps.lines import Line
from schemas.event_type import ROOT_FIELDS
from schemas.matching import KeyCandidate

OWN = "own"


def key(place: Place, made: tuple[Line, ...], candidates: Sequence[KeyCandidate], empty: dict[str, int]) -> tuple[str, ...] | None:
    """The fields that make a row the same row; None for all of them. `empty` says how many rows have nothing in a column."""
    st.header("Which columns make a row the same row?", anchor=False)
    st.markdown("So that a corrected quantity replaces instead of adding: a later row where these agree is taken for a correction of the same row, never for more usage. With all columns, a row with another quantity is another row, and counts as more usage.")
    names = tuple(line.field for line in made if line.choice.kind in ("column", "constant", "period"))
    offered = candidates or (KeyCandidate(fields=(), why=""),)
    options = [*range(len(offered)), OWN]
    chosen = chosen_of(place.draft().identity, place.draft().key, offered)
    labels = {**{position: label(each, names, first=position == 0) for position, each in enumerate(offered)}, OWN: "These columns:"}
    radio_key = place.key(f"identity_{'|'.join(labels.values())}")  # another offer is another widget
    captions = [*(reason(each) for each in offered), "Choose them yourself."]
    st.radio("The same row when these agree", options, index=options.index(chosen), format_func=labels.get, captions=captions, key=radio_key, on_change=_chosen, args=(place, radio_key, tuple(offered)), label_visibility="collapsed")
    found = _own(place, names, empty_fields(made, empty)) if chosen == OWN else offered[chosen].fields or None
    _warn(key_warning(offered, found or ()))
    return found


def chosen_of(identity: str, fields: tuple[str, ...], offered: Sequence[KeyCandidate]) -> int | str:
    """Which of the offered keys stands chosen; OWN where it is none of them."""
    if identity in ("proposed", OWN):
        return 0 if identity == "proposed" else OWN
    wanted = set(fields) if identity == "offered" else set()
    return next((position for position, each in enumerate(offered) if set(each.fields) == wanted), OWN)


def label(each: KeyCandidate, names: tuple[str, ...], *, first: bool) -> str:
    """A key in a few words."""
    marks = [mark for mark, holds in (("proposed", first and each.fields), ("used before", each.before)) if holds]
    said = _said(each.fields, names) if each.fields else "All columns"
    return f"{said} ({', '.join(marks)})" if marks else said


def reason(each: KeyCandidate) -> str:
    """Why a key is offered and what it would do to the rows, as a sentence."""
    return f"{plain(each.why[:1].upper())}{plain(each.why[1:])}." if each.why else ""


def empty_fields(made: tuple[Line, ...], empty: dict[str, int]) -> dict[str, int]:
    """The fields that are empty in some rows, and in how many."""
    return {line.field: empty[line.choice.value] for line in made if line.choice.kind == "column" and empty.get(line.choice.value)}


def _own(place: Place, names: tuple[str, ...], gaps: dict[str, int]) -> tuple[str, ...] | None:
    chosen = [name for name in place.draft().key if name in names]
    own_key = place.key("own_key")
    st.multiselect("Columns that make a row the same row", names, default=chosen, format_func=words.name_of, key=own_key, on_change=_own_chosen, args=(place, own_key))
    if not set(ROOT_FIELDS) <= set(chosen):
        for field in chosen:
            if field in gaps and field not in ROOT_FIELDS:
                _warn(f"{count(gaps[field], 'row')} without {words.name_of(field)} would need fixing.")
    return tuple(chosen) or None


def _warn(sentence: str) -> None:
    if sentence:
        st.warning(plain(sentence), icon=":material/warning:")


def _said(proposed: tuple[str, ...], names: tuple[str, ...]) -> str:
    """The columns of a key, or those that are left out where these are fewer."""
    others = tuple(name for name in names if name not in proposed)
    return _named(proposed) if not others or len(proposed) <= max(4, len(others)) else f"All columns but {_named(others)}"


def _named(names: tuple[str, ...]) -> str:
    return " + ".join(words.field(name) for name in names)


def _chosen(place: Place, key: str, offered: tuple[KeyCandidate, ...]) -> None:
    chosen = st.session_state[key]
    if chosen not in (*range(len(offered)), OWN):
        return  # what stood there before the offer changed
    if chosen == OWN:
        place.change(identity=OWN, key=place.draft().key or offered[0].fields)
    elif chosen == 0:
        place.change(identity="proposed", key=())
    else:
        fields = offered[chosen].fields
        place.change(identity="offered" if fields else "all", key=fields)


def _own_chosen(place: Place, key: str) -> None:
    place.change(key=tuple(st.session_state[key]))
