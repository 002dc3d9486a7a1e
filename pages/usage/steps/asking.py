"""How a question of the data is put: its options with their effects, or a time zone to choose."""

from collections.abc import Callable

import streamlit as st

from pages.parts.text import plain
from pages.usage.steps import identity
from schemas.checking import Question


def asked(question: Question, key: str, *, given: str | None = None, disabled: bool = False, on_change: Callable[[], None] | None = None) -> str | None:
    """Shows a question; what stands chosen, None for nothing. `given` is the answer somebody gave before."""
    st.markdown(f":material/help: **{plain(question.text)}**")
    return (_zone if question.name.startswith("zone.") else _option)(question, key, given, disabled, on_change)


def _option(question: Question, key: str, given: str | None, disabled: bool, on_change: Callable[[], None] | None) -> str | None:
    """One of the options, the likely one first. It is chosen beforehand only where the data is read that way already."""
    options = sorted(question.options, key=lambda option: option.value != question.proposed)
    labels = {option.value: f"{plain(option.label)}{f': {plain(option.effect)}' if option.effect else ''}" for option in options}
    index = 0 if options and not question.blocking and options[0].value == question.proposed else None
    if given in labels:
        index = list(labels).index(given)
    return st.radio(plain(question.text), list(labels), index=index, format_func=labels.get, key=key, label_visibility="collapsed", disabled=disabled, on_change=on_change)


def _zone(question: Question, key: str, given: str | None, disabled: bool, on_change: Callable[[], None] | None) -> str | None:
    """One of the world's time zones; the offered ones, each with what becomes of the rows, and the browser's come first. None is chosen beforehand where the bill hangs on it."""
    effects = {option.value: option.effect for option in question.options}
    zones = identity.zones(list(effects))
    chosen = given or (None if question.blocking else question.proposed)
    index = zones.index(chosen) if chosen in zones else None
    return st.selectbox("Time zone", zones, index=index, key=key, disabled=disabled, on_change=on_change, placeholder="Choose a time zone", format_func=lambda zone: f"{zone}: {effects[zone]}" if zone in effects else zone)
