"""A price as it stands in the form: texts, half-finished at times. And the words that the form uses."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from ingest.errors import BadInput
from ingest.metric.price_file import from_values
from schemas.base import Frozen
from schemas.price import MoneyRounding, Price, PricingType, RoundingMode, Tiered

TYPES: dict[PricingType, tuple[str, str]] = {
    "per_unit": ("Per unit", "Every unit costs the same: 150 at 0.10 = 15.00."),
    "tiered": ("Tiered", "The units of each tier have their own price: the first 100 at 0.10, the next 50 at 0.08 = 14.00."),
    "tiered_with_flat_fee": ("Tiered, with a fee for each tier", "As tiered, and each tier has a fee as soon as any unit is in it: 14.00 and the fee of the second tier, 5.00 = 19.00."),
    "volume": ("Volume", "All units cost what the tier says that they reach: 150 at 0.08 = 12.00."),
    "volume_with_flat_fee": ("Volume, with a fee for each tier", "As volume, and the tier that is reached has a fee: 12.00 and 5.00 = 17.00."),
    "package": ("Packages", "Units are sold in packages, and a begun one is paid whole: 150 in packages of 100 at 8.00 = 16.00."),
    "flat_fee": ("Flat fee", "Every customer pays the same, whatever the quantity."),
    "matrix": ("By the value of a column", "Another price for each value of a dimension: eu-west-1 at 0.10, us-east-1 at 0.12."),
}
ROUNDINGS: dict[RoundingMode, str] = {"half_up": "to the nearest, halves up", "half_even": "to the nearest, halves to the even digit", "up": "up", "down": "down"}
_SPOKEN = {"unit_amount": "the price", "up_to": "“up to”", "flat_fee": "the fee", "package_size": "the size of a package", "otherwise": "the price of any other", "included": "what is included"}


class TierLine(Frozen):
    """One tier as typed; of the last one, `up_to` says nothing."""

    id: int
    up_to: str = ""
    unit_amount: str = ""
    flat_fee: str = ""


class ValueLine(Frozen):
    """The price of one value of a dimension, as typed."""

    id: int
    value: str = ""
    amount: str = ""


class PriceDraft(Frozen):
    """What the form holds."""

    pricing_type: PricingType = "per_unit"
    currency: str = "USD"
    unit: str = ""
    unit_amount: str = ""
    package_size: str = ""
    tiers: tuple[TierLine, ...] = (TierLine(id=0), TierLine(id=1))
    dimension: str | None = None
    prices: tuple[ValueLine, ...] = ()
    otherwise: str = ""
    included: str = ""
    minimum: str = ""
    maximum: str = ""
    mode: RoundingMode = "half_up"
    digits: int | None = None

    @property
    def has_tiers(self) -> bool:
        """Whether its kind has tiers."""
        return self.pricing_type.startswith(("tiered", "volume"))

    @property
    def has_fees(self) -> bool:
        """Whether its tiers have fees."""
        return self.pricing_type.endswith("_with_flat_fee")

    @property
    def limits(self) -> tuple[str, ...]:
        """Which of included, minimum and maximum its kind has."""
        return () if self.pricing_type == "flat_fee" else ("minimum", "maximum") if self.pricing_type == "matrix" else ("included", "minimum", "maximum")


def of(price: Price) -> PriceDraft:
    """The form of a price."""
    tiers = tuple(TierLine(id=place, up_to=_text(tier.end), unit_amount=_text(tier.unit_amount), flat_fee=_text(tier.flat_fee) if price.has_fees else "") for place, tier in enumerate(price.tiers)) if isinstance(price, Tiered) else PriceDraft().tiers
    values = tuple(ValueLine(id=place, value=value, amount=_text(amount)) for place, (value, amount) in enumerate(getattr(price, "prices", {}).items()))
    single = {name: _text(getattr(price, name, None)) for name in ("package_size", "otherwise", "minimum", "maximum")}
    return PriceDraft(
        pricing_type=price.pricing_type, currency=price.currency, unit=price.unit, unit_amount="" if isinstance(price, Tiered) else _text(getattr(price, "unit_amount", None)), tiers=tiers, dimension=getattr(price, "dimension", None),
        prices=values, included=_text(getattr(price, "included", None) or None), mode=price.rounding.mode, digits=price.rounding.digits, **single,
    )


def price_of(draft: PriceDraft) -> Price:
    """The price that the form says. Raises BadInput with what is left to do."""
    said = {"pricing_type": draft.pricing_type, "currency": draft.currency, "unit": draft.unit.strip(), "rounding": MoneyRounding(mode=draft.mode, digits=draft.digits).model_dump()}
    said |= _charged(draft)
    said |= {name: _number(text, f"the {name}" if name != "included" else _SPOKEN[name]) for name in draft.limits if (text := getattr(draft, name).strip())}
    try:
        return from_values(said)
    except BadInput as error:
        raise BadInput(_in_words(error.sentence)) from error


def _charged(draft: PriceDraft) -> dict[str, object]:
    """What units cost, by the kind of price."""
    if draft.has_tiers:
        return _tiers(draft)
    if draft.pricing_type == "matrix":
        values = [line.value.strip() for line in draft.prices]
        if not draft.dimension or not all(values) or not values:
            raise BadInput("Choose the column, and give each of its values a price.")
        if twice := [value for value in values if values.count(value) > 1]:
            raise BadInput(f"“{twice[0]}” has two prices.", "Remove one of them.")
        otherwise = {"otherwise": _number(draft.otherwise, "the price of any other value")} if draft.otherwise.strip() else {}
        return {"dimension": draft.dimension, "prices": {line.value.strip(): _number(line.amount, f"the price of {line.value}") for line in draft.prices}, **otherwise}
    size = {"package_size": _number(draft.package_size, "the size of a package")} if draft.pricing_type == "package" else {}
    return {"unit_amount": _number(draft.unit_amount, "the price"), **size}


def _tiers(draft: PriceDraft) -> dict[str, object]:
    *inner, _last = draft.tiers
    return {
        "up_to": [*(_number(line.up_to, f"where tier {place} ends") for place, line in enumerate(inner, 1)), None],
        "unit_amount": [_number(line.unit_amount, f"the price of tier {place}") for place, line in enumerate(draft.tiers, 1)],
        **({"flat_fee": [_number(line.flat_fee or "0", f"the fee of tier {place}") for place, line in enumerate(draft.tiers, 1)]} if draft.has_fees else {}),
    }


def _number(text: str, what: str) -> str:
    """The number that was typed, as text. Raises BadInput for anything else: a comma would be guessed at."""
    text = text.strip().replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    if not text:
        raise BadInput(f"Still missing: {what}.")
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or "_" in text:
        raise BadInput(f"“{text}” can't be {what}.", "Write a number with a point and no other mark: 1234.50.")
    return format(found, "f")


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")


def _in_words(sentence: str) -> str:
    for name, spoken in _SPOKEN.items():
        sentence = sentence.replace(name, spoken)
    return sentence


def with_tier(draft: PriceDraft) -> PriceDraft:
    """The draft with another tier before the last one."""
    *inner, last = draft.tiers
    return draft.model_copy(update={"tiers": (*inner, TierLine(id=_next(draft.tiers)), last)})


def without_tier(draft: PriceDraft, number: int) -> PriceDraft:
    """The draft without a tier."""
    return draft.model_copy(update={"tiers": tuple(line for line in draft.tiers if line.id != number)})


def with_values(draft: PriceDraft, values: Sequence[str]) -> PriceDraft:
    """The draft with lines for these values, of which those that are there stay."""
    known = {line.value for line in draft.prices}
    first = _next(draft.prices)
    new = (ValueLine(id=first + place, value=value) for place, value in enumerate(each for each in values if not each or each not in known))
    return draft.model_copy(update={"prices": (*draft.prices, *new)})


def without_value(draft: PriceDraft, number: int) -> PriceDraft:
    """The draft without a value's line."""
    return draft.model_copy(update={"prices": tuple(line for line in draft.prices if line.id != number)})


def _next(lines: Sequence[TierLine | ValueLine]) -> int:
    return max((line.id for line in lines), default=-1) + 1
