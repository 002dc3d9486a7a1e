"""A file that holds several kinds of usage: offered on Columns, never taken apart unasked; and on Review the second line of the row equation, from rows to events."""

from collections.abc import Sequence

import streamlit as st

from ingest import imports
from ingest.errors import IngestError
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.state import Step, open_import
from pages.parts.text import count, number, plain, shorten
from pages.usage.steps import found, words
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import Place
from schemas.correcting import creates
from schemas.dividing import DivisionOffer, EventEquation, KindCount, KindFound
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import ColumnProfile
from schemas.records import ImportRecord

ONE, SHEETS, BESIDE, COLUMN = "one", "sheets", "beside", "column"
OWN, AS, NO_USAGE = "own", "as ", "no usage"
LISTED = 12
"""More kinds than these aren't given a choice each: the rest is asked about on Review."""


def show(place: Place, profiles: Sequence[ColumnProfile]) -> None:
    """On Columns: what this file was taken apart into, or the ways in which it can be."""
    if place.record.division:
        _divided(place)
    elif place.record.fixes is None and place.record.report.rows:
        _offer(place, profiles)


def equation(record: ImportRecord) -> None:
    """On Review: how the rows of the whole file become usages of its kinds, and events; nothing where each row is simply one."""
    if not record.division and not record.report.turned:
        return
    state = "|".join(f"{each.id} {each.state} {each.event_type} {each.check and each.check.rows.model_dump_json()}" for each in imports.together(record))
    with errors.shown():
        st.markdown(in_words(_events(record.id, state), record.id))
    _others(record, "review")


def in_words(found: EventEquation, mine: str) -> str:
    """`3 rows × 3 columns − 5 empty cells = 1 calls (this import) + 2 storage + 1 of no kind: 3 events ready`."""
    cells = f" × {number(found.per_row)} columns − {count(found.empty, 'empty cell')}" if found.per_row > 1 else ""
    parts = [_part(each, mine) for each in found.kinds] if len(found.kinds) > 1 else [count(found.usages, "usage")]
    ready = "not all of them are checked yet" if found.events is None else f"{count(found.events, 'event')} ready"
    return f":material/call_split: **{count(found.rows, 'row')} of the file{cells} = {' + '.join(parts)}**: {ready}."


def _part(each: KindCount, mine: str) -> str:
    if each.import_id is None:
        return f"{number(each.usages)} {'left out' if each.left_out else 'of no kind yet'} ({_named(each.values)})"
    return f"{number(each.usages)} {_named(each.values)}{' (this import)' if each.import_id == mine else ''}"


def _named(values: Sequence[str], most: int = 3) -> str:
    return plain(shorten(", ".join(value or "(nothing)" for value in values[:most]) + (" …" if len(values) > most else ""), 60))


@st.cache_data(ttl=3600, max_entries=200, show_spinner=False)
def _events(import_id: str, state: str) -> EventEquation:
    return ask(imports.events, import_id)


# What was taken apart.


def _divided(place: Place) -> None:
    with st.container(border=True, key="several_kinds"):
        st.markdown(f":material/call_split: This file is taken apart into its kinds of usage. **Here: {_named(imports.values_of(place.record))}**; only its rows are matched below.")
        _others(place.record, "columns")
        if st.button("Put it together again", key=place.key("put_together"), icon=":material/call_merge:"):
            with errors.shown():
                open_import(imports.put_together(place.record.id, place.who).id, "columns")


def _others(record: ImportRecord, step: Step) -> None:
    """Ways to the other kinds of usage of the same file. Buttons: a link from a page to itself leaves the old address in the browser."""
    for each in imports.together(record):
        if each.id != record.id and st.button(f"{_named(imports.values_of(each))}: {_how_far(each)}", key=f"go_{each.id}_{step}", icon=":material/arrow_forward:"):
            open_import(each.id, step if each.match else "columns")


def _how_far(record: ImportRecord) -> str:
    if record.state == "discarded":
        return "dismissed"
    if record.match is None:
        return "say what this usage is"
    if record.check is None:
        return "not checked yet"
    if record.state in found.SENT:
        return "sent, or on its way"
    waiting = sum(question.blocking for question in record.check.questions)
    return f"{number(record.check.rows.accepted)} ready, {words.things(record.check.rows.rejected, 'needs', 'need')} fixing" + (f", {count(waiting, 'question')} open" if waiting else "")


# What can be taken apart.


def _offer(place: Place, profiles: Sequence[ColumnProfile]) -> None:
    offers = _offers(place.record.id, place.table)
    with st.expander("Does this file hold several kinds of usage?", icon=":material/call_split:", expanded=bool(offers)):
        if offers:
            st.markdown(f"It may: {'; '.join(_reason(each) for each in offers)}. It stays one kind of usage unless you say otherwise.")
        ways = _ways(place, profiles)
        way = st.radio("What tells them apart", list(ways), format_func=ways.get, key=place.key("several"), index=0)
        if way == COLUMN:
            _by_column(place, [each.column for each in offers if each.column], profiles)
        elif way == SHEETS:
            _choices(place, None, [KindFound(value=name, rows=0) for name in place.record.report.sheets])
        elif way == BESIDE:
            _beside(place, next((each for each in offers if each.measures), None), profiles)


def _ways(place: Place, profiles: Sequence[ColumnProfile]) -> dict[str, str]:
    ways = {ONE: "Nothing: it is all one kind of usage", COLUMN: "A column says of each row which kind it is"}
    if len(place.record.report.sheets) > 1 and not place.record.report.row_step:
        ways[SHEETS] = "Each sheet is a kind of usage"
    if not place.record.report.turned and sum(profile.proposed_type in NUMERIC_TYPES for profile in profiles) > 1:
        ways[BESIDE] = "A row holds several usages: each has a column of its own"
    return ways


def _reason(offer: DivisionOffer) -> str:
    if offer.measures:
        return f"{words.listed(offer.measures)} ({plain(offer.why)})"
    return f"{plain(offer.column)} says {words.listed([each.value or '(nothing)' for each in offer.kinds])} ({plain(offer.why)})"


def _by_column(place: Place, likely: Sequence[str], profiles: Sequence[ColumnProfile]) -> None:
    added = {name for each in place.record.report.corrections for name in creates(each)}
    columns = list(dict.fromkeys([*likely, *(profile.column for profile in profiles if profile.column not in added)]))
    column = st.selectbox("Column that says which kind of usage a row is", columns, key=place.key("several_column"))
    try:
        _choices(place, column, _kinds_in(place.record.id, place.table, column))
    except IngestError as error:
        errors.show(error)


def _choices(place: Place, column: str | None, kinds: Sequence[KindFound]) -> None:
    """For each kind whether it is one of its own, the same as another one, or no usage; then the button."""
    shown = kinds[:LISTED]
    chosen = {each.value: _choice(place, column, each, [other.value for other in shown if other != each] if column is not None else []) for each in shown}
    if len(kinds) > LISTED:
        aside(f"There are more than {LISTED}. What the others are is asked on Review, before anything is sent.")
    own = [value for value, choice in chosen.items() if choice == OWN]
    groups = [[value, *(other for other, choice in chosen.items() if choice == f"{AS}{value}")] for value in own]
    reason = _reason_to_wait(chosen, own)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Take it apart", key=place.key("take_apart"), icon=":material/call_split:", disabled=bool(reason))
        st.markdown(f":material/info: {reason}" if reason else f"Into {count(len(own), 'kind')} of usage, each with its own columns, checks and receipt.")
    if pressed:
        with errors.shown():
            imports.divide(place.record.id, column, groups, place.who, left_out=[value for value, choice in chosen.items() if choice == NO_USAGE])
            open_import(place.record.id, "columns")


def _reason_to_wait(chosen: dict[str, str], own: Sequence[str]) -> str:
    astray = [value for value, choice in chosen.items() if choice.startswith(AS) and choice.removeprefix(AS) not in own]
    if astray:
        return f"{_named(astray[:1])} is said to be the same as one that is no kind of its own."
    return "" if own else "At least one must be a kind of its own."


def _choice(place: Place, column: str | None, kind: KindFound, others: Sequence[str]) -> str:
    labels = {OWN: "a kind of usage of its own", **{f"{AS}{each}": f"the same kind as {each or '(nothing)'}" for each in others}, NO_USAGE: "no usage: leave it out"}
    rows = f" ({count(kind.rows, 'row')})" if kind.rows else ""
    name = plain(shorten(kind.value)) if kind.value else f"Nothing in {plain(column)}"
    return st.selectbox(f"{name}{rows} is", list(labels), format_func=labels.get, key=place.key(f"kind_{column}_{kind.value}"))


def _beside(place: Place, offer: DivisionOffer | None, profiles: Sequence[ColumnProfile]) -> None:
    """Which columns are usages of their own; the file is read again, a row for each."""
    numbers = [profile.column for profile in profiles if profile.proposed_type in NUMERIC_TYPES]
    chosen = st.multiselect("Columns that are a usage each", numbers, default=list(offer.measures) if offer else [], key=place.key("measures"))
    aside("Each becomes a row of its own with the column's name beside it; an empty cell gives no row, and is counted. Row numbers stay those of your file.")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Make a row of each", key=place.key("turn"), icon=":material/view_stream:", disabled=len(chosen) < 2)
        if len(chosen) < 2:
            st.markdown(":material/info: Choose at least two columns.")
    if pressed:
        found.read_again(place.record, place.record.read_spec.model_copy(update={"turn": "measures", "measures": tuple(chosen)}), place.who)


@st.cache_data(ttl=3600, max_entries=100, show_spinner=False)
def _offers(import_id: str, table: str) -> tuple[DivisionOffer, ...]:
    return ask(imports.offers, import_id)


@st.cache_data(ttl=3600, max_entries=100, show_spinner=False)
def _kinds_in(import_id: str, table: str, column: str) -> tuple[KindFound, ...]:
    return ask(imports.kinds_in, import_id, column)
