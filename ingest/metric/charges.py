"""A preview's quantities with a price: what each customer pays, as a document for the command line and as a table for a page."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import pyarrow as pa

from ingest.metric import price_words
from ingest.metric.pricing import charge
from schemas.price import Charge, Line, Matrix, Price

QUANTITY = "quantity"
NAN = Decimal("nan")


class Charged(NamedTuple):
    """What customers pay. `table` has a row for each: the groups, then `quantity`, `amount` and `note` as text; those without an amount first, then the largest."""

    table: pa.Table
    total: Decimal
    without: int
    """How many rows have no amount: they are not in the total."""


def charges(price: Price, quantities: pa.Table) -> Iterator[tuple[dict[str, object], Charge]]:
    """The groups of each invoice line and its charge, in the order of the quantities. These were previewed by `pricing.grouping`, so the values of a matrix's dimension are parts of one charge."""
    groups = [name for name in quantities.column_names if name != QUANTITY and not (isinstance(price, Matrix) and name == price.dimension)]
    own = quantities.column(price.dimension).to_pylist() if isinstance(price, Matrix) else [None] * quantities.num_rows
    found: dict[tuple[object, ...], dict[str | None, Decimal]] = {}
    for key, value, quantity in zip(_keys(quantities, groups), own, quantities.column(QUANTITY).to_pylist(), strict=True):
        found.setdefault(key, {})[None if value is None else _text(value)] = _number(quantity)
    for key, parts in found.items():
        yield dict(zip(groups, key, strict=True)), charge(price, parts)


def document(price: Price, quantities: pa.Table) -> dict[str, object]:
    """What a command prints of a priced preview."""
    rows = [{**groups, **_charge_document(price, each)} for groups, each in charges(price, quantities)]
    total = sum((Decimal(row["amount"]) for row in rows if row["amount"] is not None), Decimal(0))
    return {"currency": price.currency, "rows": rows, "total": f"{total:.{price.digits}f}", "without_amount": sum(row["amount"] is None for row in rows)}


def table(price: Price, quantities: pa.Table) -> Charged:
    """What a page shows of it."""
    found = sorted(charges(price, quantities), key=lambda each: (each[1].amount is not None, -(each[1].amount or 0), *map(_text, each[0].values())))
    groups = [name for name in quantities.column_names if name != QUANTITY and not (isinstance(price, Matrix) and name == price.dimension)]
    columns = {name: pa.array([_text(each[name]) for each, _ in found], pa.string()) for name in groups}
    columns[QUANTITY] = pa.array([price_words.plain(each.quantity) for _, each in found], pa.string())
    columns["amount"] = pa.array([None if each.amount is None else str(each.amount) for _, each in found], pa.string())
    columns["note"] = pa.array([each.note for _, each in found], pa.string())
    return Charged(pa.table(columns), sum((each.amount for _, each in found if each.amount is not None), Decimal(0)), sum(each.amount is None for _, each in found))


def lines(price: Price, quantities: pa.Table) -> pa.Table:
    """Every line of every customer, as text: the groups, `what` in words, a tier's `from` and `to`, `quantity`, `unit_amount`, `amount`."""
    rows = [{**{name: _text(value) for name, value in groups.items()}, **_line_row(price, line)} for groups, each in charges(price, quantities) for line in each.lines]
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]}) if rows else pa.table({})


def _line_row(price: Price, line: Line) -> dict[str, str | None]:
    said = {"from": line.start, "to": line.end, QUANTITY: line.quantity, "unit_amount": line.unit_amount, "amount": line.amount}
    return {"what": price_words.line(price, line), **{name: None if each is None else price_words.plain(each) for name, each in said.items()}}


def _keys(quantities: pa.Table, groups: list[str]) -> Iterator[tuple[object, ...]]:
    return zip(*(quantities.column(name).to_pylist() for name in groups), strict=True)


def _number(quantity: object) -> Decimal:
    """A quantity as it stands in a preview; no number for an empty one."""
    try:
        return Decimal(str(quantity))
    except InvalidOperation:
        return NAN


def _text(value: object) -> str:
    """A group's value as people write it: nothing for an empty one, `true`, decimals without an exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return price_words.plain(value) if isinstance(value, Decimal) else str(value)


def _charge_document(price: Price, found: Charge) -> dict[str, object]:
    amount = None if found.amount is None else str(found.amount)
    return {QUANTITY: price_words.plain(found.quantity), "amount": amount, "lines": [_line_document(price, line) for line in found.lines], **({"note": found.note} if found.note else {})}


def _line_document(price: Price, line: Line) -> dict[str, object]:
    """A line, without what it has nothing to say about; a tier's `from` and `to`, null where it never ends."""
    tier = {"from": line.start, "to": line.end} if line.start is not None else {}
    value = {price.dimension: line.value or None} if isinstance(price, Matrix) and line.value is not None else {}
    said = {**tier, QUANTITY: line.quantity, "unit_amount": line.unit_amount, "amount": line.amount}
    exact = {name: None if each is None else price_words.plain(each) for name, each in said.items() if each is not None or name in ("to", "amount")}
    return {"kind": line.kind, **value, **exact, "text": price_words.line(price, line)}
