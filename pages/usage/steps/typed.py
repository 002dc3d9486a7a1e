"""Numbers that somebody typed, in any way that can be one thing only."""

import re
from decimal import Decimal

from ingest.errors import BadInput


def count_of(text: str) -> int | None:
    """A number of rows somebody typed; None for nothing. `12,431`, `12.431` and `12 431` are all 12431, since rows come whole."""
    digits = re.sub(r"[\s.,'’]", "", text)
    if not digits:
        return None
    if not digits.isdecimal():
        raise BadInput(f"The number of rows {text.strip()!r} isn't a number.", "Type it in digits, such as 12431.")
    return int(digits)


def total_of(text: str) -> Decimal | None:
    """A sum somebody typed; None for nothing. A comma is taken only where it can just be one thing: `1,234.50` or `1.234,50`, never `1,234`."""
    plain = re.sub(r"[\s'’]", "", text)
    if not plain:
        return None
    if re.fullmatch(r"-?\d+(\.\d+)?", plain):
        return Decimal(plain)
    if re.fullmatch(r"-?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})", plain):
        return Decimal(plain.replace(",", ""))
    if re.fullmatch(r"-?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})", plain):
        return Decimal(plain.replace(".", "").replace(",", "."))
    if re.fullmatch(r"-?\d+,(\d{1,2}|\d{4,})", plain):
        return Decimal(plain.replace(",", "."))
    raise BadInput(f"The total {text.strip()!r} can be read in more than one way, or isn't a number.", "Type it with a point before the decimals and nothing else, such as 1234.50.")
