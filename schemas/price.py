"""What a quantity costs: a price that somebody attaches to a metric to see what each customer would pay, and the lines that come of it.

Amounts are in major units (3 is three dollars) and exact. How each kind is calculated: ingest/metric/pricing.py.
"""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.base import Frozen
from schemas.currency import DIGITS

PricingType = Literal["per_unit", "volume", "volume_with_flat_fee", "tiered", "tiered_with_flat_fee", "package", "flat_fee", "matrix"]
PRICING_TYPES: tuple[PricingType, ...] = get_args(PricingType)
RoundingMode = Literal["half_up", "half_even", "up", "down"]


def _exact(value: object) -> object:
    if isinstance(value, float | bool):
        raise ValueError("must be written as a decimal number: one that a computer counts in binary isn't exact")
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=38, decimal_places=18)]
Positive = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, max_digits=38, decimal_places=18)]


class MoneyRounding(Frozen):
    """How what a customer pays is rounded, once, after everything was added up. `up` and `down` are away from zero and towards it. No `digits`: as many as the currency has."""

    mode: RoundingMode = "half_up"
    digits: int | None = Field(None, ge=0, le=18)


class Tier(NamedTuple):
    """One tier: units above `start`, up to and with `end` (None where it never ends)."""

    start: Decimal
    end: Decimal | None
    unit_amount: Decimal
    flat_fee: Decimal


class Terms(Frozen):
    """What every price has."""

    currency: str
    unit: str = Field("", max_length=40)
    """What one of the quantity is called: hour."""
    rounding: MoneyRounding = MoneyRounding()

    @field_validator("currency")
    @classmethod
    def _is_known(cls, code: str) -> str:
        if code.upper() not in DIGITS:
            raise ValueError(f"{code!r} is no currency of ISO 4217, such as USD, EUR or JPY")
        return code.upper()

    @property
    def currency_digits(self) -> int:
        """How many digits after the point the currency has."""
        return DIGITS[self.currency]

    @property
    def digits(self) -> int:
        """How many digits after the point an amount to pay has."""
        return self.currency_digits if self.rounding.digits is None else self.rounding.digits


class Limited(Terms):
    """A price with a least and a largest charge for each line of an invoice."""

    minimum: Amount | None = None
    maximum: Amount | None = None

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) must not be more than maximum ({self.maximum})")
        return self


class Metered(Limited):
    """A price of units, the first of which may be free."""

    included: Amount = Decimal(0)
    """Units that cost nothing; they are taken off before tiers and packages are counted."""


class PerUnit(Metered):
    """Every unit costs the same."""

    pricing_type: Literal["per_unit"] = "per_unit"
    unit_amount: Amount

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        """The one tier there is."""
        return (Tier(Decimal(0), None, self.unit_amount, Decimal(0)),)


class Tiered(Metered):
    """Tiers as parallel lists. `tiered`: each tier's units cost what the tier says; `volume`: all units cost what the tier says that the quantity reaches. A quantity equal to `up_to` lies in that tier."""

    pricing_type: Literal["volume", "volume_with_flat_fee", "tiered", "tiered_with_flat_fee"]
    up_to: tuple[Positive | None, ...] = Field(min_length=1)
    """Where each tier ends; the last one is null."""
    unit_amount: tuple[Amount, ...]
    flat_fee: tuple[Amount, ...] = ()
    """What a tier costs beside its units, as soon as any unit is in it."""

    @model_validator(mode="after")
    def _is_parallel(self) -> Self:
        for name, is_wanted in (("unit_amount", True), ("flat_fee", self.has_fees)):
            given = len(getattr(self, name))
            if is_wanted and given != len(self.up_to):
                raise ValueError(f"{name} has {given} of {len(self.up_to)} values: one is needed for each tier of up_to")
            if given and not is_wanted:
                raise ValueError(f"{name} has no meaning for {self.pricing_type}; the pricing_type with it is {self.pricing_type}_with_flat_fee")
        return self

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        *ends, last = self.up_to
        if last is not None:
            raise ValueError(f"up_to must end with null: nothing says what units above {last} cost")
        if None in ends:
            raise ValueError("up_to has null before its end: only the last tier has no end")
        for before, after in zip(ends, ends[1:], strict=False):
            if before >= after:
                raise ValueError(f"up_to must rise from tier to tier: {after} comes after {before}")
        return self

    @property
    def is_volume(self) -> bool:
        """Whether all units cost what the tier says that they reach."""
        return self.pricing_type.startswith("volume")

    @property
    def has_fees(self) -> bool:
        """Whether its tiers have a flat fee each."""
        return self.pricing_type.endswith("_with_flat_fee")

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers, one by one."""
        fees = self.flat_fee or (Decimal(0),) * len(self.up_to)
        return tuple(Tier(*each) for each in zip((Decimal(0), *self.up_to[:-1]), self.up_to, self.unit_amount, fees, strict=True))


class Package(Metered):
    """Units are sold in packages; one that is begun is paid whole."""

    pricing_type: Literal["package"] = "package"
    unit_amount: Amount
    """What one package costs."""
    package_size: Positive


class FlatFee(Terms):
    """The same for every customer, whatever the quantity."""

    pricing_type: Literal["flat_fee"] = "flat_fee"
    unit_amount: Amount


class Matrix(Limited):
    """Every unit costs what the value of a dimension says: another price for each region."""

    pricing_type: Literal["matrix"] = "matrix"
    dimension: str = Field(min_length=1)
    """The metric's field whose values have prices."""
    prices: dict[str, Amount] = Field(min_length=1)
    otherwise: Amount | None = None
    """What units of any other value cost; None where they have no price, and whoever used some can't be charged."""


Price = Annotated[PerUnit | Tiered | Package | FlatFee | Matrix, Field(discriminator="pricing_type")]


class StoredPrice(Frozen):
    """A price as it is kept here for a metric of an account."""

    account: str
    metric: str
    price: Price
    who: str
    at: str


LineKind = Literal["included", "units", "packages", "flat_fee", "minimum", "maximum"]


class Line(NamedTuple):
    """One line of a charge. Its amount is exact, or None where the price says nothing about it."""

    kind: LineKind
    amount: Decimal | None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    start: Decimal | None = None
    """Where the tier begins and ends, for units and a tier's fee."""
    end: Decimal | None = None
    value: str | None = None
    """The dimension's value, for units of a matrix."""


class Charge(NamedTuple):
    """What one customer pays: `amount` is the sum of the lines, rounded; None where it can't be said, and `note` says why."""

    quantity: Decimal
    lines: tuple[Line, ...]
    amount: Decimal | None
    note: str = ""
