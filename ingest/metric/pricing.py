"""What customers would pay: a price applied to quantities, in exact decimals, as the lines of an invoice.

The rules, where the billing system's public documentation leaves room (docs/metrics.md, Prices):
- Included units come off first; tiers and packages count what remains.
- A quantity equal to `up_to` lies in that tier. Fractions of units are charged as fractions; a begun package is charged whole.
- A tier's fee is charged as soon as any unit is in the tier, so a quantity of 0 costs nothing but a flat fee or a minimum.
- A negative quantity is a credit in the first tier: no fee, only whole packages, and no included units are used. A minimum lifts it.
- Minimum and maximum are a line of their own. The sum of the lines is rounded, once; the total is the sum of what was rounded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import Literal

from schemas.price import Charge, FlatFee, Limited, Line, Matrix, Metered, Package, PerUnit, Price, RoundingMode, Tier, Tiered

_DIGITS = 1000
EXACT = Context(prec=_DIGITS, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Where anything would be rounded, this raises: also a float's largest and smallest quantities fit."""
_ROUNDED: dict[RoundingMode, Context] = {
    mode: Context(prec=_DIGITS, rounding=way) for mode, way in (("half_up", ROUND_HALF_UP), ("half_even", ROUND_HALF_EVEN), ("up", ROUND_UP), ("down", ROUND_DOWN))
}
NOTHING = Decimal(0)


def charge(price: Price, quantities: Mapping[str | None, Decimal]) -> Charge:
    """What one customer pays for the quantities of a period: one for each value of a matrix's dimension (None: the events have none), else a single one under any name."""
    with localcontext(EXACT):
        if isinstance(price, FlatFee):
            return Charge(sum(quantities.values(), NOTHING), (Line("flat_fee", price.unit_amount),), rounded(price, price.unit_amount))
        if odd := [each for each in quantities.values() if not each.is_finite()]:
            return Charge(odd[0], (), None, "The quantity is no number that can be charged")
        quantity = sum(quantities.values(), NOTHING)
        lines = tuple(_matrix(price, quantities) if isinstance(price, Matrix) else _LINES[type(price)](price, quantity))
        unknown = [line.value for line in lines if line.amount is None]
        if unknown:
            return Charge(quantity, lines, None, f"No price for {price.dimension} {', '.join(value or '(empty)' for value in unknown)}")
        lines += tuple(_limited(price, sum((line.amount for line in lines), NOTHING)))
        return Charge(quantity, lines, rounded(price, sum((line.amount for line in lines), NOTHING)), "A negative quantity: shown as a credit" if quantity < 0 else "")


def rounded(price: Price, amount: Decimal) -> Decimal:
    """An amount as it is paid: as many digits as the price says, never a negative zero."""
    found = amount.quantize(Decimal(1).scaleb(-price.digits), context=_ROUNDED[price.rounding.mode])
    return found if found else abs(found)


def grouping(price: Price, by: Sequence[str]) -> tuple[str, ...]:
    """What quantities must be previewed by for a price: the customer; months, each of them charged by itself; dimensions, unless the price is one flat fee; never days. And the matrix's own dimension, the last one."""
    kept = [name for name in by if name not in ("customer", "day") and (name == "month" or not isinstance(price, FlatFee))]
    own = price.dimension if isinstance(price, Matrix) else None
    return ("customer", *(name for name in kept if name != own), *([own] if own else []))


def to_pricing_data(price: Price, units: Literal["major", "minor"] = "major") -> dict[str, object]:
    """A price as the API's `pricing_data`. `units` is "minor" for an account that counts in cents; rounding, included units, minimum and maximum have no published key and are left out."""
    factor = price.currency_digits if units == "minor" else 0

    def number(value: Decimal | None) -> object:
        return None if value is None else _json_number(value.scaleb(factor, EXACT))

    said: dict[str, object] = {"pricing_type": price.pricing_type, "currency": price.currency}
    if isinstance(price, Matrix):
        return {**said, "dimensions": [{"name": price.dimension, "column_name": price.dimension}], "prices": {value: number(amount) for value, amount in price.prices.items()}}
    if isinstance(price, Tiered):
        fees = {"flat_fee": [number(fee) for fee in price.flat_fee]} if price.flat_fee else {}
        return {**said, "unit_amount": [number(amount) for amount in price.unit_amount], **fees, "up_to": [None if end is None else _json_number(end) for end in price.up_to]}
    return {**said, "unit_amount": number(price.unit_amount), **({"package_size": _json_number(price.package_size)} if isinstance(price, Package) else {})}


def _json_number(value: Decimal) -> int | float | str:
    """A number that JSON writes with the very same digits; text where it has too many of them for that."""
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else format(value, "f")


def _included(price: Metered, quantity: Decimal) -> Decimal:
    return max(min(quantity, price.included), NOTHING)


def _with_included(of_the_rest: Callable[..., Iterator[Line]]) -> Callable[..., Iterator[Line]]:
    """Lines of a quantity: the units that cost nothing, then those of what remains."""

    def lines(price: Metered, quantity: Decimal) -> Iterator[Line]:
        free = _included(price, quantity)
        if free:
            yield Line("included", NOTHING, free)
        yield from of_the_rest(price, quantity - free)

    return lines


def _graduated(price: PerUnit | Tiered, units: Decimal) -> Iterator[Line]:
    for tier in price.tiers:
        within = units if units < 0 else min(units, tier.end if tier.end is not None else units) - tier.start
        yield from _in_tier(tier, within)
        if tier.end is None or units <= tier.end:
            return


def _volume(price: Tiered, units: Decimal) -> Iterator[Line]:
    yield from _in_tier(next(tier for tier in price.tiers if tier.end is None or units <= tier.end), units)


def _tiered(price: Tiered, units: Decimal) -> Iterator[Line]:
    return (_volume if price.is_volume else _graduated)(price, units)


def _in_tier(tier: Tier, units: Decimal) -> Iterator[Line]:
    if units:
        yield Line("units", units * tier.unit_amount, units, tier.unit_amount, tier.start, tier.end)
    if units > 0 and tier.flat_fee:
        yield Line("flat_fee", tier.flat_fee, start=tier.start, end=tier.end)


def _packages(price: Package, units: Decimal) -> Iterator[Line]:
    whole, begun = divmod(units, price.package_size)
    if packages := whole + (begun > 0):
        yield Line("packages", packages * price.unit_amount, packages, price.unit_amount)


def _matrix(price: Matrix, quantities: Mapping[str | None, Decimal]) -> Iterator[Line]:
    for value, units in quantities.items():
        each = price.prices.get(value, price.otherwise)
        if units:
            yield Line("units", None if each is None else units * each, units, each, value=value or "")


def _limited(price: Limited, amount: Decimal) -> Iterator[Line]:
    """The line that brings an amount up to the minimum, or down to the maximum."""
    if price.minimum is not None and amount < price.minimum:
        yield Line("minimum", price.minimum - amount)
    if price.maximum is not None and amount > price.maximum:
        yield Line("maximum", price.maximum - amount)


_LINES: dict[type, Callable[..., Iterator[Line]]] = {PerUnit: _with_included(_graduated), Tiered: _with_included(_tiered), Package: _with_included(_packages)}
