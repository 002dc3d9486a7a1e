"""Field types: which JSON values each takes, and how they are kept."""

import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from functools import cache, partial

import pyarrow as pa

from ingest.sandbox.replies import EPOCH, MICROSECOND, decimal_text, text, timestamp_text

Stored = tuple[object, str]
"""A value as the column keeps it, and as JSON text."""

WIDE = Context(prec=80)
NUMBER = re.compile(r"[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")
TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

ALIASES = {
    "boolean": "Bool", "bool": "Bool", "string": "String", "int": "Int64", "int64": "Int64", "float": "Float64", "float64": "Float64", "double": "Float64",
    "date": "Date32", "date32": "Date32", "datetime": "DateTime64", "datetime64": "DateTime64", "timestamp": "DateTime64", "uuid": "UUID", "decimal": "Decimal",
}
"""Names in lower case that the official client turns into the canonical ones, and the two it passes on."""


@dataclass(frozen=True)
class Kind:
    """A field type. `read` raises ValueError with what it expected; `compared_as` is the SQL type that filters compare in."""

    name: str
    sql: str
    arrow: pa.DataType
    read: Callable[[object], Stored]
    compared_as: str
    numeric: bool = False


@cache
def kind(name: str) -> Kind:
    """The type of that name or alias. Raises ValueError for an unknown one, with the known ones."""
    canonical = ALIASES.get(name.lower(), name)
    if canonical in PLAIN:
        return PLAIN[canonical]
    if found := re.fullmatch(r"DateTime64\(([0-6])\)", canonical):
        return _timestamps(canonical, int(found[1]))
    if (found := re.fullmatch(r"Decimal\(([0-9]{1,2}), ?([0-9]{1,2})\)", canonical)) and 0 < int(found[1]) <= 38 and int(found[2]) <= int(found[1]):
        return _decimals(canonical, int(found[1]), int(found[2]))
    if found := re.fullmatch(r"Array\((\w+)\)", canonical):
        return Kind(f"Array({kind(found[1]).name})", "varchar", pa.string(), partial(_read_array, kind(found[1])), "varchar")
    raise ValueError(f"unknown type {name!r}; known types are {', '.join(PLAIN)}")


def read_timestamp(value: object, digits: int = 3) -> int:
    """Microseconds since 1970 in UTC, cut (not rounded) to `digits` of a second, which is what DateTime64 does. No zone means UTC."""
    found = TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("invalid datetime format")
    day, clock, fraction, zone = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{zone or 'Z'}")
    if not 1900 <= moment.year <= 2299:
        raise ValueError("the year must lie between 1900 and 2299")
    return (moment - EPOCH) // MICROSECOND + int((fraction or "")[:digits].ljust(6, "0"))


def read_moment(value: object) -> str:
    """A timestamp or a day in a filter, as DuckDB reads it, uncut."""
    if isinstance(value, str) and DATE.fullmatch(value):
        return date.fromisoformat(value).isoformat()
    return (EPOCH + read_timestamp(value, 6) * MICROSECOND).strftime("%Y-%m-%d %H:%M:%S.%f")


def _read_string(value: object) -> Stored:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return value, text(value)


def _read_int(value: object) -> Stored:
    number = _number(value)
    if number.adjusted() > 20 or number != number.to_integral_value() or not -(2**63) <= number < 2**63:
        raise ValueError("expected a whole number of 64 bits")
    whole = int(number)
    return whole, str(whole)


def _read_float(value: object) -> Stored:
    number = float(_number(value))
    if not math.isfinite(number):
        raise ValueError("expected a number that 64 bits can hold")
    return number, repr(number)


def _read_decimal(width: int, scale: int, value: object) -> Stored:
    number = Decimal(value) if isinstance(value, str) and NUMBER.fullmatch(value) else _number(value)
    if number and number.adjusted() >= width - scale:
        raise ValueError(f"expected at most {width - scale} digits before the point")
    if number.adjusted() < -80:
        raise ValueError(f"expected at most {scale} digits after the point")
    kept = number.quantize(Decimal(1).scaleb(-scale), context=WIDE)
    if kept != number:
        raise ValueError(f"expected at most {scale} digits after the point")
    return kept, decimal_text(kept)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("expected a number")
    return Decimal(value)


def _read_bool(value: object) -> Stored:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value, "true" if value else "false"


def _read_date(value: object) -> Stored:
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise ValueError("expected a date like 2026-06-17")
    return date.fromisoformat(value), f'"{value}"'


def _read_uuid(value: object) -> Stored:
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise ValueError("expected a UUID")
    plain = str(uuid.UUID(value))
    return plain, f'"{plain}"'


def _read_timestamp(digits: int, value: object) -> Stored:
    moment = read_timestamp(value, digits)
    return moment, f'"{timestamp_text(moment)}"'


def _read_array(inner: Kind, value: object) -> Stored:
    if not isinstance(value, list):
        raise ValueError("expected an array")
    written = "[" + ",".join("null" if each is None else inner.read(each)[1] for each in value) + "]"
    return written, written


def _timestamps(name: str, digits: int) -> Kind:
    return Kind(name, "timestamp", pa.timestamp("us"), partial(_read_timestamp, digits), "timestamp")


def _decimals(name: str, width: int, scale: int) -> Kind:
    return Kind(name, f"decimal({width}, {scale})", pa.decimal128(width, scale), partial(_read_decimal, width, scale), "decimal(38, 18)", numeric=True)


PLAIN = {each.name: each for each in (
    Kind("String", "varchar", pa.string(), _read_string, "varchar"),
    Kind("Int64", "bigint", pa.int64(), _read_int, "decimal(38, 18)", numeric=True),
    Kind("Float64", "double", pa.float64(), _read_float, "double", numeric=True),
    _decimals("Decimal", 38, 18),
    Kind("Bool", "boolean", pa.bool_(), _read_bool, "boolean"),
    Kind("Date32", "date", pa.date32(), _read_date, "date"),
    _timestamps("DateTime64", 3),
    Kind("UUID", "varchar", pa.string(), _read_uuid, "varchar"),
)}
"""The documented types. A bare DateTime64 keeps milliseconds; the sandbox's Decimal is Decimal(38, 18)."""
