"""What the matched columns leave open (time zone, day or month first, decimal mark), asked where they are matched, so that Review doesn't ask again."""

from collections.abc import Sequence

import streamlit as st

from pages.parts.text import count
from pages.usage.steps.aside import aside
from pages.usage.steps.asking import asked
from pages.usage.steps.draft import Place
from schemas.checking import Question


def show(place: Place, questions: Sequence[Question], known: dict[str, str]) -> tuple[dict[str, str], str]:
    """Asks each; what stands chosen when somebody says that it looks right, and why that has to wait: empty where every answer is there. `known` are the answers so far."""
    if not questions:
        return {}, ""
    st.header("What these columns leave open", anchor=False)
    standing: dict[str, str] = {}
    for question in questions:
        with st.container(border=True):
            key = place.key(f"left_open_{question.name}_{[option.effect for option in question.options]}")  # with other effects it is another widget
            chosen = asked(question, key, given=known.get(question.name), on_change=lambda key=key, name=question.name: _chosen(place, key, name))
            if chosen is None or not question.blocking:
                aside("Nothing is sent until you answer." if question.blocking else "It is read like this unless you choose otherwise.")
        standing |= {question.name: chosen} if chosen is not None else {}
    waiting = sum(question.blocking and question.name not in standing for question in questions)
    return standing, f"{count(waiting, 'question')} about the columns {'has' if waiting == 1 else 'have'} no answer yet." if waiting else ""


def _chosen(place: Place, key: str, name: str) -> None:
    if st.session_state[key] is not None:
        place.change(answers={**place.draft().answers, name: st.session_state[key]})
