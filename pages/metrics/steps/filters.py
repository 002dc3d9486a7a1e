"""Which events count: groups of conditions of which all hold, or any, groups in groups."""

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from pages.metrics.steps import wording
from pages.metrics.steps.draft import NO_VALUE, SEVERAL, Draft, Group, Line
from pages.metrics.steps.place import Place
from schemas.event_type import FieldType

DEEPEST = 3
JOINED = {"all": "all of these hold", "any": "any of these holds"}
STYLE = "<style>[class*=_remove_line_] [data-testid=stMarkdownContainer] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }</style>"
"""The button that takes a condition out shows a cross only; its name is read aloud."""
Occurring = Callable[[str], Sequence[str]]
"""The values of a field that occur in the events at hand."""


def show(place: Place, group: Group, occurring: Occurring) -> Group:
    """Draws the filters; what they say now."""
    st.html(STYLE)
    return _group(place, group, occurring, 0)


def _group(place: Place, group: Group, occurring: Occurring, depth: int) -> Group:
    with st.container(border=depth > 0, gap="small", key=place.key(f"group_{group.id}")):
        kind = _joined(place, group, depth)
        parts = tuple(_group(place, part, occurring, depth + 1) if isinstance(part, Group) else _line(place, part, occurring) for part in group.parts)
        _buttons(place, group, depth)
    return group.model_copy(update={"kind": kind, "parts": parts})


def _joined(place: Place, group: Group, depth: int) -> str:
    if len(group.parts) < 2 and not depth:
        return group.kind
    label = "Events count where" if not depth else "and where" if place.draft.filters.kind == "all" else "or where"
    return st.segmented_control(label, list(JOINED), default=group.kind, format_func=JOINED.get, key=place.key(f"joined_{group.id}"), required=True)


def _buttons(place: Place, group: Group, depth: int) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button("Add a condition", icon=":material/add:", type="tertiary", key=place.key(f"add_{group.id}"), on_click=_add, args=(place, group.id, "line"))
        if depth < DEEPEST:
            st.button("Add a group", icon=":material/add_box:", type="tertiary", key=place.key(f"add_group_{group.id}"), on_click=_add, args=(place, group.id, "group"), help="Conditions in brackets: all of them, or any of them.")
        if depth:
            st.button("Remove this group", icon=":material/delete:", type="tertiary", key=place.key(f"remove_{group.id}"), on_click=_remove, args=(place, group.id))


def _add(place: Place, into: int, what: str) -> None:
    """Adds a condition on the field that likely is meant, or a group with one of these."""
    number = max(place.draft.filters.ids()) + 1
    dimensions = wording.dimensions(place.kind)
    line = Line(id=number, field=dimensions[0] if dimensions else "customer_id")
    part = line if what == "line" else Group(id=number, kind="any", parts=(line.model_copy(update={"id": number + 1}),))
    place.change(lambda draft: _with_filters(draft, draft.filters.with_part(into, part)))


def _remove(place: Place, number: int) -> None:
    place.change(lambda draft: _with_filters(draft, draft.filters.without(number)))


def _with_filters(draft: Draft, filters: Group) -> Draft:
    return draft.model_copy(update={"filters": filters})


def _line(place: Place, line: Line, occurring: Occurring) -> Line:
    types = wording.types(place.kind)
    names = list(types) if line.field in types else [*types, line.field]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        field = st.selectbox(f"Column of condition {line.id}", names, index=names.index(line.field), format_func=wording.field, key=place.key(f"field_{line.id}"), label_visibility="collapsed", width=150)
        kind = types.get(field, "String")
        fitting = wording.fitting(kind)
        operator = st.selectbox(f"Comparison of condition {line.id}", fitting, index=fitting.index(line.operator) if line.operator in fitting else 0, format_func=lambda each: wording.operator(each, kind), key=place.key(f"operator_{line.id}_{kind}"), label_visibility="collapsed", width=130)
        values = line.values if field == line.field else ()
        values = _values(place, line.id, field, kind, operator, values, occurring)
        st.button(f"Remove condition {line.id}", icon=":material/close:", type="tertiary", key=place.key(f"remove_line_{line.id}"), on_click=_remove, args=(place, line.id))
    return line.model_copy(update={"field": field, "operator": operator, "values": values})


def _values(place: Place, number: int, field: str, kind: FieldType, operator: str, values: tuple[str, ...], occurring: Occurring) -> tuple[str, ...]:
    """The widget that fits the type and the comparison; what it says, as texts."""
    if operator in NO_VALUE:
        return ()
    key = place.key(f"value_{number}_{field}_{operator}")
    label = f"Value of condition {number}"
    if operator in SEVERAL:
        known = list(dict.fromkeys((*occurring(field), *values)))
        return tuple(st.multiselect(label, known, default=[each for each in values if each], accept_new_options=True, placeholder="Choose or type", key=key, label_visibility="collapsed", width=185))
    if operator == "between":
        first = _one(place, f"{label}, at least", kind, values[:1], f"{key}_first", "from")
        return first + _one(place, f"{label}, at most", kind, values[1:2], f"{key}_last", "to")
    if kind in ("String", "UUID") and operator in ("equals", "not_equals"):
        known = list(dict.fromkeys((*occurring(field), *values)))
        chosen = st.selectbox(label, known, index=known.index(values[0]) if values else None, accept_new_options=True, placeholder="Choose or type", key=key, label_visibility="collapsed", width=185)
        return (chosen,) if chosen is not None else ()
    return _one(place, label, kind, values[:1], key, "")


def _one(place: Place, label: str, kind: FieldType, values: tuple[str, ...], key: str, placeholder: str) -> tuple[str, ...]:
    """One value: a choice of yes and no, a day, or what is typed."""
    if kind == "Bool":
        said = st.selectbox(label, ["true", "false"], index=["true", "false"].index(values[0]) if values and values[0] in ("true", "false") else 0, format_func={"true": "yes (true)", "false": "no (false)"}.get, key=key, label_visibility="collapsed", width=150)
        return (said,)
    if kind == "Date32":
        said = st.date_input(label, value=_day(values), min_value=date(1900, 1, 1), max_value=date(2299, 12, 31), format="YYYY-MM-DD", key=key, label_visibility="collapsed", width=150)
        return (said.isoformat(),) if said else ("",)
    example = {"DateTime64": "2026-10-31 14:00", "Int64": "a number", "Float64": "a number", "Decimal": "a number"}.get(kind, "a text")
    return (st.text_input(label, value=values[0] if values else "", placeholder=f"{placeholder} {example}".strip(), key=key, label_visibility="collapsed", width=185 if not placeholder else 120),)


def _day(values: tuple[str, ...]) -> date | None:
    try:
        return date.fromisoformat(values[0]) if values else None
    except ValueError:
        return None
