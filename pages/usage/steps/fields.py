"""One row a field: where it comes from, three examples, the reason, and a tick where it has to be confirmed."""

import streamlit as st

from pages.parts.text import count, plain
from pages.usage.steps import words
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import Choice, Place
from pages.usage.steps.lines import Line, said
from schemas.matching import ColumnProfile, MatchSpec

PAGE = 30
CONSTANT, PERIOD, EMPTY = "same in every row", "one period", "stays empty"


def show(place: Place, made: tuple[Line, ...], profiles: tuple[ColumnProfile, ...], certain: set[str]) -> None:
    """The fields of an event type, editable; those to look at first where there are many."""
    by_column = {profile.column: profile for profile in profiles}
    ordered = made if len(made) <= PAGE else tuple(sorted(made, key=lambda line: line.field in certain))
    for line in _page_of(place, ordered):
        _row(place, line, by_column)


def summary(match: MatchSpec) -> None:
    """How the columns were matched, to read only."""
    said = [f"**{words.field(each.field)}** ← {words.source(each)} ({plain(each.why)})" for each in match.matches]
    if match.period:
        said.append(f"**Time** ← the end of the period that begins {plain(match.period.start)} and ends before {plain(match.period.end)} ({plain(match.period.zone)})")
    if match.ignored:
        said.append(f"Not sent: {words.listed(match.ignored, 30)}")
    key = "all columns" if match.key is None else ", ".join(words.field(name) for name in match.key)
    said.append(f"A row is the same row when these agree: {key}")
    st.markdown("\n".join(f"- {each}" for each in said))


def _page_of(place: Place, made: tuple[Line, ...]) -> tuple[Line, ...]:
    if len(made) <= PAGE:
        return made
    aside(f"{count(len(made), 'field')}; those to look at come first.")
    page = st.pagination(-(-len(made) // PAGE), key=place.key("fields_page")) or 1
    return made[(page - 1) * PAGE : page * PAGE]


def _row(place: Place, line: Line, by_column: dict[str, ColumnProfile]) -> None:
    with st.container(border=True, key=place.key(f"row_{line.field}")):
        left, right = st.columns([2, 3], vertical_alignment="top")
        with left:
            _choice(place, line, list(by_column))
        with right:
            _reason(line, by_column.get(line.choice.value) if line.choice.kind == "column" else None)
            _confirm(place, line)


def _choice(place: Place, line: Line, columns: list[str]) -> None:
    options = _options(line, columns)
    chosen = _option_of(line.choice)
    key = place.key(f"choice_{line.field}")
    index = options.index(chosen) if chosen in options else None
    st.selectbox(
        f"{words.field(line.field)} comes from", options, index=index, format_func=_option_label, key=key, on_change=_chosen, args=(place, line.field, key),
        placeholder="Choose a column", help=f"Field {plain(line.field)}: {words.TYPES[line.type]}",
    )
    if line.choice.kind == "constant":
        value_key = place.key(f"constant_{line.field}")
        st.text_input(f"Every row: {words.field(line.field)} =", value=line.choice.value, key=value_key, on_change=_constant_typed, args=(place, line.field, value_key))


def _reason(line: Line, profile: ColumnProfile | None) -> None:
    if profile is not None:
        aside(_examples(profile))
    if line.doubt and not line.proposed:
        st.markdown(f":material/help: **Please choose.** {plain(line.doubt)}")
        return
    badge = ":material/help: **Please confirm.**" if line.doubt else ":material/check: Certain:" if line.confidence == "certain" and line.proposed else ":material/check:"
    confidence = "" if line.confidence == "certain" or line.choice.kind == "empty" else f" ({words.CONFIDENCES[line.confidence]})"
    st.markdown(f"{badge} {plain(_capital(line.why) if line.doubt or not line.proposed else line.why)}{confidence}.")


def _examples(profile: ColumnProfile) -> str:
    shown = words.quoted(profile.examples)
    empty = f" · {count(profile.empty, 'row')} empty" if profile.empty else ""
    return f"For example {shown}{empty}"


def _confirm(place: Place, line: Line) -> None:
    if not line.proposed:
        return
    if line.choice.kind == "open":
        st.markdown(f":material/info: {plain(line.doubt)}")
    elif line.confidence != "certain":
        key = place.key(f"confirm_{line.field}")
        st.checkbox(_confirmation(line), value=not line.doubt, key=key, on_change=_confirmed, args=(place, line.field, key))


def _confirmation(line: Line) -> str:
    name = plain(said(line.field))
    if line.choice.kind == "column":
        return f"Yes, {plain(line.choice.value)} is {name}"
    return "Yes, the period below is right" if line.choice.kind == "period" else f"Yes, {name} stays empty"


def _options(line: Line, columns: list[str]) -> list[str]:
    others = [CONSTANT]
    if line.field == "timestamp":
        others = [PERIOD, CONSTANT]
    elif line.field != "customer_id":
        others = [CONSTANT, EMPTY]
    return [*(f"column {column}" for column in columns), *others]


def _option_of(choice: Choice) -> str | None:
    return {"column": f"column {choice.value}", "constant": CONSTANT, "period": PERIOD, "empty": EMPTY}.get(choice.kind)


def _option_label(option: str) -> str:
    labels = {CONSTANT: "(the same value in every row)", PERIOD: "(no date in the rows: all belong to one period)", EMPTY: "(nothing: stays empty)"}
    return labels.get(option) or option.removeprefix("column ")


def _choice_of(option: str | None) -> Choice:
    if option is None:
        return Choice(kind="open")
    kinds = {CONSTANT: "constant", PERIOD: "period", EMPTY: "empty"}
    return Choice(kind=kinds[option]) if option in kinds else Choice(kind="column", value=option.removeprefix("column "))


def _chosen(place: Place, field: str, key: str) -> None:
    place.keep(place.draft().with_choice(field, _choice_of(st.session_state[key])))


def _constant_typed(place: Place, field: str, key: str) -> None:
    place.keep(place.draft().with_choice(field, Choice(kind="constant", value=st.session_state[key] or "")))


def _confirmed(place: Place, field: str, key: str) -> None:
    place.keep(place.draft().with_confirmed(field, st.session_state[key]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
