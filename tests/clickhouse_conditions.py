"""Values for conditions on each type: ordinary ones, the edges of the type, and texts that mean something to somebody else."""

from decimal import Decimal

FIELDS = {"String": ("s",), "UUID": ("u",), "Bool": ("b",), "Int64": ("n", "cpu hours"), "Float64": ("f",), "Decimal": ("d", "m"), "Date32": ("dt",), "DateTime64": ("t", "timestamp")}
VALUES = {
    "String": ["eu", "", " eu", "é", "it's", "a%b", "back\\slash", "007", "E", "_", "%", "\\", "--", "\n", "💥"], "Bool": [True, False],
    "UUID": ["00000000-0000-0000-0000-000000000005", "80000000-0000-0000-0000-000000000000", "FFFFFFFF-0000-0000-0000-000000000000"],
    "Int64": [7, 0, -1, 2**53 + 1, 2**53, 2**63 - 1, -(2**63), Decimal("7"), Decimal("1e3"), "1000"],
    "Float64": [Decimal("0.1"), Decimal("2.675"), 0, Decimal("-0.3"), Decimal("1e16"), 7, Decimal("5e-324"), Decimal("1e-100"), "0.285"],
    "Decimal": [Decimal("0.1"), Decimal("1e-18"), 0, Decimal("-2.5"), Decimal("999.99"), 1, "12.34", Decimal("12345678901234567890.123456789012345678"), Decimal("99999999999999999999.999999999999999999"), Decimal("999.995")],
    "Date32": ["2026-10-01", "1960-01-01", "2100-02-28", "2026-10-31", "1900-01-01", "2299-12-31"],
    "DateTime64": ["2026-10-01", "2026-10-25", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00+00:00", "1960-01-01 00:30:00", "1960-01-01", "2026-09-30 23:59:59.999", "2026-03-29 02:30:00"],
}


def values_for(kind: str, operator: str) -> list[object]:
    """What one operator is tried with on one type."""
    found = VALUES[kind]
    if operator in ("is_empty", "is_not_empty"):
        return [None]
    if operator in ("in", "not_in"):
        return [tuple(found), tuple(found[:1]), tuple(found[1::2])]
    return [*zip(found, found[1:], strict=False), (found[0], found[0])] if operator == "between" else found
