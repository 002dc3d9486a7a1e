"""The form: the four steps of the billing system's own builder, everything prefilled with what is likely."""

from zoneinfo import available_timezones

import streamlit as st

from pages.metrics.steps import draft as drafts
from pages.metrics.steps import filters, wording
from pages.metrics.steps.draft import Draft
from pages.metrics.steps.place import Place
from schemas.metric import METRIC_FUNCTIONS, CustomerMapping

NOT_ROUNDED = -1
DIGITS = (NOT_ROUNDED, *range(19))


def show(place: Place, occurring: filters.Occurring) -> Draft:
    """Draws the form; the draft as it stands now."""
    draft = place.draft
    said = {"event_type": _kind(place, draft)}
    if said["event_type"] != draft.event_type:
        return _of_another_kind(place, draft, said["event_type"])
    if not draft.filters.parts:
        st.markdown(":small[Every event counts.]")
    said["filters"] = filters.show(place, draft.filters, occurring)
    said |= _customer(place, draft) | _date(place, draft)
    st.header("4 · Calculation", anchor=False)
    said |= _calculation(place, draft) | _divided(place, draft) | _rounding(place, draft)
    return drafts.renamed(draft, draft.model_copy(update=said), place.kind)


def _of_another_kind(place: Place, draft: Draft, slug: str) -> Draft:
    """The proposal for another event type, under the name that was typed."""
    typed = {} if draft.name == drafts.name_of(draft, place.kind) else {"name": draft.name}
    place.replace(drafts.proposed(place.types[slug]).model_copy(update={"zone": draft.zone, **typed}))
    st.rerun(scope="fragment")


def _kind(place: Place, draft: Draft) -> str:
    st.header("1 · Events and filters", anchor=False)
    return st.selectbox("Kind of usage", list(place.types), index=list(place.types).index(draft.event_type), format_func=lambda slug: place.types[slug].name, key=place.key("event_type"))


def _choice(place: Place, label: str, options: list[str], chosen: str | None, key: str, **more: object) -> str | None:
    """A choice among fields. What was chosen stays choosable although it doesn't fit, so that nothing changes by itself."""
    options = options if chosen is None or chosen in options else [*options, chosen]
    return st.selectbox(label, options, index=options.index(chosen) if chosen in options else None, format_func=wording.field, key=place.key(key), **more)


def _customer(place: Place, draft: Draft) -> dict[str, object]:
    st.header("2 · Customer", anchor=False)
    left, right = st.columns(2)
    with left:
        field = _choice(place, "Column that names the customer", wording.texts(place.kind), draft.customer.field, "customer_field")
    with right:
        column = st.selectbox("It holds", list(wording.COLUMNS), index=list(wording.COLUMNS).index(draft.customer.column), format_func=wording.COLUMNS.get, key=place.key("customer_column"))
    return {"customer": CustomerMapping(field=field or "customer_id", column=column)}


def _date(place: Place, draft: Draft) -> dict[str, object]:
    st.header("3 · Date", anchor=False)
    left, right = st.columns(2)
    with left:
        field = _choice(place, "Column that says when", wording.dates(place.kind), draft.date, "date")
    with right:
        zones = _zones(draft.zone)
        zone = st.selectbox("Days and months begin in", zones, index=zones.index(draft.zone), key=place.key("zone"), help="The time zone of the contract: an event at 23:30 UTC on 31 October falls in November in Berlin.")
    return {"date": field or "timestamp", "zone": zone}


@st.cache_data
def _zones(chosen: str) -> list[str]:
    """UTC first, then every zone by its name; names of one computer's own are left out."""
    known = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/")))
    return list(dict.fromkeys(("UTC", *known, chosen)))


def _calculation(place: Place, draft: Draft) -> dict[str, object]:
    function = st.selectbox("What is calculated", METRIC_FUNCTIONS, index=METRIC_FUNCTIONS.index(draft.function), format_func=wording.function, key=place.key("function"))
    st.markdown(f":small[{wording.FUNCTIONS[function][1]}]")
    if function == "expression":
        return {"function": function, "formula": _formula(place, draft)}
    said: dict[str, object] = {"function": function}
    left, right = st.columns(2)
    with left:
        said["field"] = _field(place, draft, function)
    with right:
        if function == "percentile":
            said["p"] = st.text_input("Which percentile", value=draft.p, key=place.key("p"), help="Between 0 and 100: 95 is the p95, 50 the median.")
        elif function == "sum_product":
            said["times"] = _choice(place, "times", wording.numbers(place.kind), draft.times, "times", placeholder="Choose a column")
        elif function == "weighted_sum":
            said["per"] = st.selectbox("Counted", list(wording.PER), index=list(wording.PER).index(draft.per), format_func=wording.PER.get, key=place.key("per"))
    return said


def _field(place: Place, draft: Draft, function: str) -> str | None:
    """The column to calculate. A count needs none; different values can be counted of every column."""
    if function == "count":
        every = [None, *wording.types(place.kind)]
        return st.selectbox("Of", every, index=every.index(draft.field) if draft.field in every else 0, format_func=lambda name: "every event" if name is None else f"events with a {wording.field(name)}", key=place.key("field_count"))
    if function == "count_distinct":
        return _choice(place, "Of", list(wording.types(place.kind)), draft.field, "field_distinct", placeholder="Choose a column")
    return _choice(place, "Of", wording.numbers(place.kind), draft.field, "field", placeholder="Choose a column")


def _formula(place: Place, draft: Draft) -> str:
    said = st.text_input("Formula", value=draft.formula, placeholder="sum(cpu_hours) * 2 + max(users)", key=place.key("formula"), max_chars=1000)
    columns = ", ".join(f"`{name}`" for name in wording.numbers(place.kind)) or "none"
    with st.expander("What a formula can say"):
        st.markdown(f"Columns with numbers: {columns}.  \nTotals: `sum(…)`, `avg(…)`, `min(…)`, `max(…)`, `count()`, `count(distinct …)`.  \nArithmetic: `+ - * /`, brackets, `abs`, `round`, `floor`, `ceil`, `greatest`, `least`, `coalesce`, `case when … then … else … end`.  \n"
                    "With a total in it, it is calculated once for a customer: `sum(hours) * 2 + max(users)`. Without one, it is calculated for every event and added up: `hours * cores`.")
    return said


def _divided(place: Place, draft: Draft) -> dict[str, object]:
    options = wording.dimensions(place.kind)
    options += [name for name in draft.group_by if name not in options]
    chosen = st.multiselect("A quantity for each", options, default=list(draft.group_by), format_func=wording.field, key=place.key("group_by"), placeholder="customer only; choose a column to divide further", help="Dimensions: each of their values gets a quantity of its own, and may have a price of its own.")
    return {"group_by": tuple(chosen)}


def _rounding(place: Place, draft: Draft) -> dict[str, object]:
    left, right = st.columns(2)
    with left:
        digits = st.selectbox("Rounded to", DIGITS, index=DIGITS.index(NOT_ROUNDED if draft.digits is None else draft.digits), format_func=lambda each: "not rounded" if each == NOT_ROUNDED else "whole numbers" if each == 0 else f"{each} decimal{'s' if each > 1 else ''}", key=place.key("digits"))
    if digits == NOT_ROUNDED:
        return {"digits": None}
    with right:
        mode = st.selectbox("Rounded how", list(wording.MODES), index=list(wording.MODES).index(draft.mode), format_func=wording.MODES.get, key=place.key("mode"))
    return {"digits": digits, "mode": mode}
