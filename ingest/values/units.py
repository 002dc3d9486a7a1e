"""The units that stand beside numbers, and the exact factors between them."""

from dataclasses import dataclass
from fractions import Fraction

DIGITS = 18
"""A factor with more decimals than this is not offered: what it gives could not be kept exactly."""


@dataclass(frozen=True)
class Unit:
    """One unit: what it measures, and how many of the smallest such unit it is."""

    name: str
    kind: str
    size: Fraction


def _table() -> dict[str, tuple[Unit, tuple[str, ...]]]:
    rows: list[tuple[str, str, Fraction | int, str]] = [
        ("B", "data", 1, "B byte bytes Byte Bytes"), ("bit", "bits", 1, "bit bits Bit Bits"), ("Kbit", "bits", 1000, "Kbit kbit"), ("Mbit", "bits", 10**6, "Mbit"), ("Gbit", "bits", 10**9, "Gbit"),
        ("Kb", "Kb", 1, "Kb"), ("Mb", "Mb", 1, "Mb"), ("Gb", "Gb", 1, "Gb"), ("Tb", "Tb", 1, "Tb"),  # bits to some, bytes to others: never converted
        ("ns", "time", 1, "ns"), ("µs", "time", 10**3, "µs μs us"), ("ms", "time", 10**6, "ms msec millisecond milliseconds"),
        ("s", "time", 10**9, "s sec secs second seconds Sek Sek. Sekunde Sekunden"), ("min", "time", 60 * 10**9, "min mins minute minutes Min Min. Minute Minuten"),
        ("h", "time", 3600 * 10**9, "h H hr hrs hour hours Std Std. Stunde Stunden heure heures hora horas ora ore"), ("day", "time", 86400 * 10**9, "d day days Tag Tage Tagen jour jours día días"),
        ("Wh", "energy", 1, "Wh"), ("kWh", "energy", 10**3, "kWh KWh kwh KWH"), ("MWh", "energy", 10**6, "MWh"), ("GWh", "energy", 10**9, "GWh"),
        ("W", "power", 1, "W"), ("kW", "power", 10**3, "kW KW"), ("MW", "power", 10**6, "MW"), ("g", "weight", 1, "g"), ("kg", "weight", 1000, "kg KG Kg"), ("t", "weight", 10**6, "t"),
        ("m", "m", 1, "m"), ("km", "km", 1, "km"), ("l", "l", 1, "l L"), ("m³", "m³", 1, "m³ m3"), ("m²", "m²", 1, "m² m2"), ("month", "month", 1, "mo mos Mo month months Monat Monate"),
        ("%", "percent", 1, "%"), ("‰", "permille", 1, "‰"),
    ]
    rows += [(f"{sign}B", "data", 1000**power, f"{sign}B {sign.lower()}B {sign.lower()}b {sign}Byte {sign}Bytes") for power, sign in enumerate("KMGTPE", start=1)]
    rows += [(f"{sign}iB", "data", 1024**power, f"{sign}iB {sign.lower()}iB {sign.lower()}ib {sign}IB") for power, sign in enumerate("KMGTPE", start=1)]
    counted = ("request requests req reqs", "call calls", "unit units", "event events", "user users", "seat seats", "token tokens", "credit credits", "message messages msg msgs", "item items", "piece pieces pcs pc", "vCPU vCPUs vcpu", "core cores")
    rows += [(words.split()[0], words.split()[0], 1, words) for words in (*counted, "Stück Stk Stk. St. stk")]
    joined = [(f"{left}-{right}", " ".join(f"{one}{mark}{other}" for one in (left, f"{left}s") for other in others.split() for mark in ("-", "·", "*", ""))) for left in ("GB", "GiB", "TB", "TiB", "MB", "vCPU", "CPU", "core", "node", "instance") for right, others in (("h", "h hr hrs hour hours Hour Hours Hrs"), ("month", "month months Month Mo mo"))]
    rows += [(name, name, 1, words) for name, words in joined]
    return {name: (Unit(name, kind, Fraction(size)), tuple(spelt.split())) for name, kind, size, spelt in rows}


_TABLE = _table()
UNITS: dict[str, Unit] = {name: unit for name, (unit, _) in _TABLE.items()}
SPELLINGS: dict[str, str] = {spelt: name for name, (_, spellings) in _TABLE.items() for spelt in spellings}
"""Every way to write a unit, and the unit. Capital letters matter: 5 MB is no 5 mb of anything else, but 5 Mb may be."""
SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₪": "ILS", "₴": "UAH", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON", "Fr.": "CHF", "SFr.": "CHF", "Rs.": "INR", "Rs": "INR", "R$": "BRL", "US$": "USD", "$": "$", "kr": "kr", "kr.": "kr"}
"""Signs of currencies; a dollar and a crown are those of several countries, and stay what they are."""
CODES = ["AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR"]
CURRENCIES: dict[str, str] = {**SIGNS, **{code: code for code in CODES}}


def factor(unit: str, target: str) -> Fraction | None:
    """What a number of one unit is multiplied by to be one of the other; None where they can't be converted. Not every number of one unit has an end in the other: 90 minutes have in hours, 10 haven't."""
    if unit == target:
        return Fraction(1)
    one, other = UNITS.get(unit), UNITS.get(target)
    if not one or not other or one.kind != other.kind:
        return None
    found = one.size / other.size
    return found if 10**DIGITS % (found.denominator // endless(found.denominator)) == 0 else None


def endless(denominator: int) -> int:
    """What of a denominator makes a fraction without an end: all of it but twos and fives."""
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator


def exact(unit: str, target: str) -> bool:
    """Whether every number of one unit can be written as one of the other."""
    found = factor(unit, target)
    return found is not None and endless(found.denominator) == 1


def kin(units: list[str]) -> list[str]:
    """The units of the same kind as all these, the ones that occur first."""
    others = [name for name, unit in UNITS.items() if any(name != each and unit.kind == UNITS[each].kind for each in units if each in UNITS)]
    return [target for target in dict.fromkeys([*units, *others]) if all(factor(unit, target) is not None for unit in units)]


def targets(units: list[str]) -> list[str]:
    """The units into which numbers of all these can be converted exactly, the ones that occur first."""
    return [target for target in kin(units) if all(exact(unit, target) for unit in units)]
