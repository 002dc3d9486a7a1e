"""ClickHouse's types: read from text, written as ClickHouse writes them, and what DuckDB keeps such values in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.errors import BadInput

INTEGERS = {f"{sign}Int{bits}": (sign == "U", bits) for sign in ("", "U") for bits in (8, 16, 32, 64)}
FLOATS = ("Float32", "Float64")
TIMES = ("DateTime", "DateTime64")
DAYS = ("Date", "Date32")
IN_DUCKDB = {
    "Int8": "TINYINT", "Int16": "SMALLINT", "Int32": "INTEGER", "Int64": "BIGINT", "UInt8": "UTINYINT", "UInt16": "USMALLINT", "UInt32": "UINTEGER", "UInt64": "UBIGINT",
    "Float32": "FLOAT", "Float64": "DOUBLE", "String": "VARCHAR", "Bool": "BOOLEAN", "Date": "DATE", "Date32": "DATE", "DateTime": "TIMESTAMP", "DateTime64": "TIMESTAMP", "UUID": "UUID", "Nothing": "INTEGER",
}
DECIMAL_DIGITS = {32: 9, 64: 18, 128: 38, 256: 76}
WIDEST = 38
"""Digits of DuckDB's widest decimal."""


@dataclass(frozen=True)
class Type:
    """One type. `digits` and `scale` are a decimal's; a time's digits of a second are its `scale`."""

    name: str
    nullable: bool = False
    digits: int = 0
    scale: int = 0
    zone: str | None = None
    inner: tuple["Type", ...] = ()

    def __str__(self) -> str:
        return f"Nullable({self._bare})" if self.nullable else self._bare

    @property
    def _bare(self) -> str:
        zone = f"'{self.zone}'" if self.zone else ""
        if self.name == "Decimal":
            return f"Decimal({self.digits}, {self.scale})"
        if self.name == "DateTime64":
            return f"DateTime64({self.scale}, {zone})" if zone else f"DateTime64({self.scale})"
        if self.name == "DateTime":
            return f"DateTime({zone})" if zone else "DateTime"
        return f"{self.name}({', '.join(str(each) for each in self.inner)})" if self.inner else self.name

    @property
    def duckdb(self) -> str:
        """What DuckDB keeps such values in; decimals as wide as it can."""
        if self.name == "Decimal":
            return f"DECIMAL({min(self.digits, WIDEST)}, {self.scale})"
        return IN_DUCKDB[self.name]

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def is_float(self) -> bool:
        return self.name in FLOATS

    @property
    def is_decimal(self) -> bool:
        return self.name == "Decimal"

    @property
    def is_number(self) -> bool:
        return self.is_integer or self.is_float or self.is_decimal or self.name == "Bool"

    @property
    def is_time(self) -> bool:
        return self.name in TIMES

    @property
    def is_day(self) -> bool:
        return self.name in DAYS

    @property
    def is_null(self) -> bool:
        return self.name == "Nothing"

    def or_null(self, nullable: bool = True) -> "Type":
        """The same, nullable."""
        return replace(self, nullable=nullable)


def integer(bits: int, unsigned: bool) -> Type:
    return Type(f"{'U' if unsigned else ''}Int{bits}")


def decimal(digits: int, scale: int) -> Type:
    return Type("Decimal", digits=digits, scale=scale)


def storage(digits: int) -> int:
    """The digits of the ClickHouse integer that keeps a decimal of so many digits: 9, 18, 38 or 76."""
    return next(each for each in DECIMAL_DIGITS.values() if digits <= each)


UINT8, UINT64, INT64, FLOAT64, STRING, BOOL, DATE, DATE32, UUID = (Type(name) for name in ("UInt8", "UInt64", "Int64", "Float64", "String", "Bool", "Date", "Date32", "UUID"))
NOTHING = Type("Nothing", nullable=True)
DATETIME = Type("DateTime")
KNOWN = "String, Int8 to Int64, UInt8 to UInt64, Float64, Decimal(P, S), Bool, Date, Date32, DateTime, DateTime64(P), UUID"
SPELLINGS = {"bool": "Bool", "boolean": "Bool", "date": "Date", "date32": "Date32", "datetime": "DateTime", "timestamp": "DateTime", "uuid": "UUID", "varchar": "String", "text": "String", "string": "String", "double": "Float64",
             "float": "Float32", "real": "Float32", "bigint": "Int64", "int": "Int32", "integer": "Int32", "smallint": "Int16", "tinyint": "Int8", "decimal": "Decimal", "numeric": "Decimal", "dec": "Decimal", "datetime64": "DateTime64"}
CASED = {"string", "datetime64", "uuid"}
"""Names that ClickHouse takes in one spelling only."""


def read_type(text: str) -> Type:
    """The type of a ClickHouse type's text. Raises BadInput for one that isn't known here."""
    name, _, inside = text.strip().partition("(")
    name, inside = name.strip(), inside.rstrip().removesuffix(")").strip()
    if name == "Nullable":
        return read_type(inside).or_null()
    if name == "LowCardinality":
        return read_type(inside)
    bare = _bare(name)
    if bare is None:
        raise BadInput(f"The type {text} can't be previewed here.", f"Known are {KNOWN}, and Nullable of each.")
    return _with_arguments(bare, [each.strip() for each in inside.split(",")] if inside else [], text)


def _bare(name: str) -> str | None:
    if name in IN_DUCKDB or name == "Decimal" or re.fullmatch(r"Decimal(32|64|128|256)", name):
        return name
    found = SPELLINGS.get(name.lower())
    return found if found and name.lower() not in CASED else None


def _with_arguments(name: str, given: Sequence[str], text: str) -> Type:
    try:
        if name == "Decimal":
            return decimal(*map(int, given)) if len(given) == 2 else decimal(int(given[0]) if given else 10, 0)
        if name.startswith("Decimal"):
            return decimal(DECIMAL_DIGITS[int(name[7:])], int(given[0]))
        if name == "DateTime64":
            return Type(name, scale=int(given[0]) if given else 3, zone=given[1].strip("'") if len(given) > 1 else None)
        if name == "DateTime":
            return Type(name, zone=given[0].strip("'") if given else None)
    except (ValueError, IndexError):
        given = ["?"]
    if given:
        raise BadInput(f"The type {text} isn't written as ClickHouse writes it.", f"Known are {KNOWN}.")
    return Type(name)


def common(types: Sequence[Type]) -> Type | None:
    """The type that holds values of all of these, as ClickHouse chooses it; None where there is none."""
    nullable = any(each.nullable for each in types)
    known = [each.or_null(False) for each in types if not each.is_null]
    if not known:
        return NOTHING
    if all(each == known[0] for each in known):
        return known[0].or_null(nullable)
    found = _common_number(known) if all(each.is_number for each in known) else _common_time(known)
    return found.or_null(nullable) if found else None


def _common_number(types: Sequence[Type]) -> Type | None:
    if all(each.is_integer or each.name == "Bool" for each in types):
        return BOOL if any(each.name == "Bool" for each in types) and all(each.name in ("Bool", "UInt8") for each in types) else _common_integer(types)
    if any(each.is_decimal for each in types):
        return _common_decimal(types)
    widest = max((_bits(each) for each in types if each.is_integer), default=0)
    return None if widest == 64 else FLOAT64 if any(each.name == "Float64" for each in types) or widest == 32 else Type("Float32")


def _bits(kind: Type) -> int:
    return INTEGERS.get(kind.name, (True, 8))[1]


def _common_integer(types: Sequence[Type]) -> Type | None:
    signs = [INTEGERS.get(each.name, (True, 8)) for each in types]
    signed = max((bits for unsigned, bits in signs if not unsigned), default=0)
    plain = max((bits for unsigned, bits in signs if unsigned), default=0)
    if not signed:
        return integer(plain, True)
    bits = max(signed, plain * 2) if plain else signed
    return integer(bits, False) if bits <= 64 else None


DIGITS_OF_INTEGER = {8: 3, 16: 5, 32: 10, 64: 19}


def _common_decimal(types: Sequence[Type]) -> Type | None:
    if any(each.is_float for each in types):
        return None
    scale = max(each.scale for each in types if each.is_decimal)
    digits = max(each.digits if each.is_decimal else DIGITS_OF_INTEGER[_bits(each)] + scale for each in types)
    return decimal(storage(digits), scale) if digits <= 76 else None


def _common_time(types: Sequence[Type]) -> Type | None:
    if not all(each.is_time or each.is_day for each in types):
        return None
    if all(each.is_day for each in types):
        return DATE32
    times = [each for each in types if each.is_time]
    if any(each.name == "DateTime64" for each in times) or any(each.name == "Date32" for each in types):
        return Type("DateTime64", scale=max(each.scale for each in times), zone=times[0].zone)
    return times[0]
