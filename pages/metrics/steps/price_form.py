"""The form of a price: what kind, what units cost, and what limits there are. Each tier is a line of fields, so that it can be filled in by keyboard and by voice alike."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.metrics.steps import address
from pages.metrics.steps import price_draft as drafts
from pages.metrics.steps.price_draft import ROUNDINGS, TYPES, PriceDraft, TierLine, ValueLine
from pages.parts.text import plain
from pages.usage.steps.aside import aside
from schemas.currency import DIGITS

_USUAL = ("USD", "EUR", "GBP")
CURRENCIES = (*_USUAL, *sorted(set(DIGITS) - set(_USUAL)))
PRICE = "price"
"""What the draft is called in the address."""
Occurring = Callable[[str], Sequence[str]]
"""The values of a dimension that occur in the quantities at hand."""


class Kept:
    """The draft of a price in this browser tab, else the one in the address, else `base`, what it is before anybody changes it. `key` names it, and with it the widgets. Another draft gets fresh widgets."""

    def __init__(self, key: str, base: PriceDraft) -> None:
        self._name, self._base = f"price_{key}", base
        if self._name not in st.session_state:
            st.session_state[self._name] = (0, address.said(PRICE, PriceDraft) or base)

    @property
    def draft(self) -> PriceDraft:
        """The draft as it stands."""
        return st.session_state[self._name][1]

    def key(self, name: str) -> str:
        """A widget's key."""
        return f"{self._name}_{st.session_state[self._name][0]}_{name}"

    def keep(self, draft: PriceDraft) -> None:
        """Remembers what the widgets say, here and in the address."""
        address.say(PRICE, draft, self._base)
        st.session_state[self._name] = (st.session_state[self._name][0], draft)

    def change(self, how: Callable[..., PriceDraft], *args: object) -> None:
        """Changes the draft from a callback."""
        self.keep(how(self.draft, *args))

    def replace(self, draft: PriceDraft) -> None:
        """Another draft altogether."""
        st.session_state[self._name] = (st.session_state[self._name][0] + 1, draft)


def show(kept: Kept, dimensions: Sequence[str], occurring: Occurring) -> PriceDraft:
    """Draws the form; the draft as it stands now."""
    draft = kept.draft
    said: dict[str, object] = _kind(kept, draft)
    draft = draft.model_copy(update=said)
    if draft.has_tiers:
        draft = draft.model_copy(update={"tiers": _tiers(kept, draft)})
    elif draft.pricing_type == "matrix":
        draft = draft.model_copy(update=_matrix(kept, draft, dimensions, occurring))
    else:
        draft = draft.model_copy(update=_single(kept, draft))
    draft = draft.model_copy(update=_limits(kept, draft))
    kept.keep(draft)
    return draft


def _kind(kept: Kept, draft: PriceDraft) -> dict[str, object]:
    kind = st.selectbox("Kind of price", list(TYPES), index=list(TYPES).index(draft.pricing_type), format_func=lambda each: TYPES[each][0], key=kept.key("type"))
    aside(plain(TYPES[kind][1]))
    left, right = st.columns(2)
    currency = left.selectbox("Currency", CURRENCIES, index=CURRENCIES.index(draft.currency), key=kept.key("currency"))
    unit = right.text_input("A unit is called", value=draft.unit, placeholder="hour", max_chars=40, key=kept.key("unit"))
    return {"pricing_type": kind, "currency": currency, "unit": unit}


def _single(kept: Kept, draft: PriceDraft) -> dict[str, object]:
    if draft.pricing_type != "package":
        label = "Fee" if draft.pricing_type == "flat_fee" else f"Price of each {draft.unit.strip() or 'unit'}"
        return {"unit_amount": st.text_input(f"{label}, in {draft.currency}", value=draft.unit_amount, placeholder="0.10", key=kept.key("amount"))}
    left, right = st.columns(2)
    size = left.text_input("Units in a package", value=draft.package_size, placeholder="100", key=kept.key("size"))
    return {"package_size": size, "unit_amount": right.text_input(f"Price of a package, in {draft.currency}", value=draft.unit_amount, placeholder="8.00", key=kept.key("amount"))}


def _tiers(kept: Kept, draft: PriceDraft) -> tuple[TierLine, ...]:
    last = draft.tiers[-1].id
    lines = tuple(_tier(kept, draft, place, line, is_last=line.id == last) for place, line in enumerate(draft.tiers, 1))
    st.button("Add a tier", icon=":material/add:", type="tertiary", key=kept.key("add_tier"), on_click=kept.change, args=(drafts.with_tier,))
    return lines


def _tier(kept: Kept, draft: PriceDraft, place: int, line: TierLine, *, is_last: bool) -> TierLine:
    said: dict[str, object] = {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if is_last:
            st.text_input(f"Tier {place} up to", value="", placeholder="no end", disabled=True, key=kept.key("end"), width=130)
        else:
            said["up_to"] = st.text_input(f"Tier {place} up to", value=line.up_to, placeholder=str(10 ** (place + 1)), key=kept.key(f"up_to_{line.id}"), width=130)
        said["unit_amount"] = st.text_input(f"Price in tier {place}", value=line.unit_amount, placeholder="0.10", key=kept.key(f"tier_amount_{line.id}"), width=110)
        if draft.has_fees:
            said["flat_fee"] = st.text_input(f"Fee of tier {place}", value=line.flat_fee, placeholder="0.00", key=kept.key(f"tier_fee_{line.id}"), width=110)
        if not is_last and len(draft.tiers) > 1:
            st.button("Remove", icon=":material/close:", type="tertiary", key=kept.key(f"remove_tier_{line.id}"), on_click=kept.change, args=(drafts.without_tier, line.id))
    return line.model_copy(update=said)


def _matrix(kept: Kept, draft: PriceDraft, dimensions: Sequence[str], occurring: Occurring) -> dict[str, object]:
    known = list(dict.fromkeys((*dimensions, *([draft.dimension] if draft.dimension else []))))
    if not known:
        st.info("This metric has one quantity for each customer. Divide it by a column first (*A quantity for each*, in its form): then each value of that column can have a price.", icon=":material/info:")
        return {"dimension": None}
    dimension = st.selectbox("Column", known, index=known.index(draft.dimension) if draft.dimension in known else 0, key=kept.key("dimension"))
    lines = tuple(_value(kept, draft, line) for line in draft.prices)
    with st.container(horizontal=True, gap="small"):
        st.button("Add a value", icon=":material/add:", type="tertiary", key=kept.key("add_value"), on_click=kept.change, args=(drafts.with_values, ("",)))
        if new := [value for value in occurring(dimension) if value and value not in {line.value for line in lines}]:
            st.button(f"Add the {len(new)} that occur", icon=":material/playlist_add:", type="tertiary", key=kept.key("add_values"), on_click=kept.change, args=(drafts.with_values, new))
    otherwise = st.text_input(f"Price of any other value, in {draft.currency} (empty: it has none)", value=draft.otherwise, key=kept.key("otherwise"))
    return {"dimension": dimension, "prices": lines, "otherwise": otherwise}


def _value(kept: Kept, draft: PriceDraft, line: ValueLine) -> ValueLine:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        value = st.text_input("Value", value=line.value, key=kept.key(f"value_{line.id}"), width=220)
        amount = st.text_input(f"Price of each, in {draft.currency}", value=line.amount, placeholder="0.10", key=kept.key(f"value_amount_{line.id}"), width=150)
        st.button("Remove", icon=":material/close:", type="tertiary", key=kept.key(f"remove_value_{line.id}"), on_click=kept.change, args=(drafts.without_value, line.id))
    return line.model_copy(update={"value": value, "amount": amount})


def _limits(kept: Kept, draft: PriceDraft) -> dict[str, object]:
    labels = {"included": ("Included units", "These cost nothing; tiers and packages count what remains."), "minimum": (f"At least, in {draft.currency}", "What a customer pays at least."), "maximum": (f"At most, in {draft.currency}", "What a customer pays at most.")}
    with st.expander("Included units, minimum, maximum, rounding" if "included" in draft.limits else "Minimum, maximum, rounding" if draft.limits else "Rounding", key=kept.key("more"), expanded=bool(draft.included or draft.minimum or draft.maximum)):
        said: dict[str, object] = {}
        for column, name in zip(st.columns(len(draft.limits)) if draft.limits else (), draft.limits, strict=True):
            said[name] = column.text_input(labels[name][0], value=getattr(draft, name), help=labels[name][1], key=kept.key(name))
        left, right = st.columns(2)
        said["mode"] = left.selectbox("Rounded", list(ROUNDINGS), index=list(ROUNDINGS).index(draft.mode), format_func=ROUNDINGS.get, key=kept.key("mode"))
        usual = f"as {draft.currency} has them: {DIGITS[draft.currency]}"
        chosen = right.selectbox("Digits after the point", (usual, *map(str, range(19))), index=0 if draft.digits is None else draft.digits + 1, key=kept.key(f"digits_{draft.currency}"))
        said["digits"] = None if chosen == usual else int(chosen)
    return said
