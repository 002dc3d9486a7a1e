"""Our own sums, and the control totals of the sender and of the file held against them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext

import duckdb

from ingest.check.plan import Plan
from ingest.engine import identifier
from ingest.errors import BadInput
from ingest.values.dressed import parse_number
from schemas.checking import Comparison, FieldSummary
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import MatchSpec
from schemas.reading import ReadReport

REPEATED_ROWS = "select _row from changes where outcome = 'duplicate' and reason = 'repeated in this file'"
WIDEST = 80
"""Digits: more than the sum of two numbers of 38 has, wherever their points are."""


def numeric(plans: Iterable[Plan]) -> list[Plan]:
    """The fields that can be added up."""
    return [plan for plan in plans if plan.type in NUMERIC_TYPES]


def exact_sum(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> str:
    """The sum of a column as text, without zeros at its end; exact for whole numbers and decimals, "0" for no rows."""
    try:
        total = connection.execute(f"select sum({column}) from {relation}").fetchone()[0]
    except duckdb.OutOfRangeException:
        total = connection.execute(f"select sum(trunc({column})::decimal(38,0)), sum({column} - trunc({column})) from {relation}").fetchone()
        with localcontext(prec=WIDEST):
            total = Decimal(total[0]) + Decimal(total[1])
    if isinstance(total, float):
        total = connection.execute(f"select fsum({column}) from {relation}").fetchone()[0]
        return plain(float(f"{total:.12g}"))  # what is left of the order in which threads added it up
    return plain(total or 0)


def plain(number: object) -> str:
    """A number as text without an exponent or zeros at the end of its fraction."""
    text = format(number, "f") if isinstance(number, Decimal) else repr(number) if isinstance(number, float) else str(number)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def summaries(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> tuple[FieldSummary, ...]:
    """Type and sum of every field of the accepted events."""
    return tuple(FieldSummary(field=plan.field, sql_type=plan.sql_type, sum=exact_sum(connection, "events", identifier(plan.field)) if plan.type in NUMERIC_TYPES else None) for plan in plans)


def comparisons(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], spec: MatchSpec, report: ReadReport, accepted: int, sums: Mapping[str, str]) -> tuple[Comparison, ...]:
    """Every control total, once against all readable rows of the file and, where that differs, against the accepted ones."""
    return (*_counts(spec, report, accepted), *_sender_sums(connection, plans, spec, report, accepted, sums), *_totals_rows(connection, plans, report))


def _counts(spec: MatchSpec, report: ReadReport, accepted: int) -> Iterable[Comparison]:
    if spec.control_count is None:
        return
    expected = str(spec.control_count)
    yield Comparison(what="rows", expected=expected, found=str(report.rows), agrees=expected == str(report.rows), source="sender")
    if accepted != report.rows:
        yield Comparison(what="accepted rows", expected=expected, found=str(accepted), agrees=expected == str(accepted), source="sender")


def _sender_sums(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], spec: MatchSpec, report: ReadReport, accepted: int, sums: Mapping[str, str]) -> Iterable[Comparison]:
    known = {plan.field: plan for plan in numeric(plans)}
    for name, text in spec.control_sums.items():
        if name not in known:
            raise BadInput(f"There is no number {name!r} to add up.", f"Control sums can be given for {', '.join(known) or 'no field of this file'}.")
        expected = _number(connection, text, known[name])
        if expected is None:
            raise BadInput(f"The control sum {text!r} of {name} is not a number.", "Write it with digits only.")
        whole = exact_sum(connection, "cells", known[name].value)
        yield _compared(f"sum of {name}", expected, whole, "sender")
        if accepted != report.rows:
            yield _compared(f"sum of {name} over accepted rows", expected, sums[name], "sender")


def _totals_rows(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], report: ReadReport) -> Iterable[Comparison]:
    repeated = bool(report.totals) and connection.execute(f"select count(*) > 0 from ({REPEATED_ROWS})").fetchone()[0]
    for row in report.totals:
        for plan in numeric(plans):
            text = row.values.get(plan.column or "")
            expected = _number(connection, text, plan) if text else None
            if expected is not None:
                what = f"sum of {plan.field} (row {row.row})"
                yield _compared(what, expected, exact_sum(connection, "cells", plan.value), "totals row")
                if repeated:
                    yield _compared(f"{what} without repeated rows", expected, exact_sum(connection, f"(select * from cells where _row not in ({REPEATED_ROWS}))", plan.value), "totals row")


def _compared(what: str, expected: str, found: str, source: str) -> Comparison:
    return Comparison(what=what, expected=expected, found=found, agrees=Decimal(expected) == Decimal(found), source=source)


def _number(connection: duckdb.DuckDBPyConnection, text: str, plan: Plan) -> str | None:
    number = parse_number(connection, text, plan.mark)
    return plain(Decimal(number)) if number is not None else None
