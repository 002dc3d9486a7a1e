"""Prices and the lines of an invoice in words."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from ingest.wording import count
from schemas.price import FlatFee, Limited, Line, LineKind, Matrix, Metered, Package, PerUnit, Price, Terms, Tier, Tiered


def plain(value: Decimal) -> str:
    """A decimal as text: no exponent, no zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: Decimal, least: int = 0) -> str:
    """A number as people read it: 12,431.5. With at least so many digits after the point."""
    whole, _, digits = format(value, ",f").partition(".")
    digits = digits.rstrip("0").ljust(least, "0")
    return f"{whole}.{digits}" if digits else whole


def money(price: Terms, value: Decimal) -> str:
    """An amount as people read it: as many digits as the currency has, more only where the amount has more."""
    return number(value, price.currency_digits)


def line(price: Price, each: Line) -> str:
    """One line of an invoice: `first 100 hours at 0.10 = 10.00`."""
    return _LINES[each.kind](price, each)


def sentence(price: Price) -> str:
    """What a price says, in plain words, without its currency."""
    extra = [f"The first {number(price.included)}{_of(price)} cost nothing." if isinstance(price, Metered) and price.included else "", *(_limits(price) if isinstance(price, Limited) else ())]
    return " ".join(filter(None, (_PRICES[type(price)](price), *extra)))


def _of(price: Terms) -> str:
    return f" ({price.unit})" if price.unit else ""


def _limits(price: Limited) -> Iterator[str]:
    if price.minimum is not None:
        yield f"At least {money(price, price.minimum)}."
    if price.maximum is not None:
        yield f"At most {money(price, price.maximum)}."


def _units(price: Price, each: Line) -> str:
    place, tier = _place(price, each)
    if each.amount is None:
        return f"{place}{number(each.quantity)}, no price"
    return f"{place}{number(each.quantity)} at {money(price, each.unit_amount)}{tier} = {money(price, each.amount)}"


def _place(price: Price, each: Line) -> tuple[str, str]:
    """What stands before and after the units of a line: where they are among the tiers, or the dimension's value."""
    if isinstance(price, Matrix):
        return f"{each.value or '(empty)'}: ", ""
    if not isinstance(price, Tiered) or each.quantity < 0:
        return "", ""
    if price.is_volume:
        return "all ", f" (tier {_tier(each)})"
    return "next " if each.start else "first ", ""


def _tier(each: Line | Tier) -> str:
    if each.end is None:
        return f"above {number(each.start)}" if each.start else "any quantity"
    return f"{number(each.start)} to {number(each.end)}"


_LINES: dict[LineKind, Callable[[Price, Line], str]] = {
    "included": lambda _price, each: f"{number(each.quantity)} included",
    "units": _units,
    "packages": lambda price, each: f"{count(int(each.quantity), 'package')} of {number(price.package_size)} at {money(price, each.unit_amount)} = {money(price, each.amount)}",
    "flat_fee": lambda price, each: f"fee {money(price, each.amount)}" if each.start is None else f"fee of the tier {_tier(each)}: {money(price, each.amount)}",
    "minimum": lambda price, each: f"up to the minimum of {money(price, price.minimum)}: {money(price, each.amount)}",
    "maximum": lambda price, each: f"down to the maximum of {money(price, price.maximum)}: {money(price, each.amount)}",
}


def _tiers(price: Tiered) -> str:
    each = "; ".join(f"{_tier(tier)}: {money(price, tier.unit_amount)} each" + (f" and a fee of {money(price, tier.flat_fee)}" if tier.flat_fee else "") for tier in price.tiers)
    how = "All units cost what the tier says that they reach" if price.is_volume else "The units of each tier cost what it says"
    return f"{how}: {each}."


def _prices(price: Matrix) -> str:
    rest = f"any other {money(price, price.otherwise)}" if price.otherwise is not None else "any other has no price"
    return f"By {price.dimension}: {', '.join(f'{value} {money(price, amount)}' for value, amount in price.prices.items())}, {rest}."


_PRICES: dict[type, Callable[..., str]] = {
    PerUnit: lambda price: f"Each {price.unit or 'unit'} costs {money(price, price.unit_amount)}.",
    Tiered: _tiers,
    Package: lambda price: f"Each begun package of {number(price.package_size)}{_of(price)} costs {money(price, price.unit_amount)}.",
    FlatFee: lambda price: f"{money(price, price.unit_amount)}, whatever the quantity.",
    Matrix: _prices,
}
