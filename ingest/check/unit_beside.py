"""Units in a column of their own: numbers that aren't in one unit must not be added up without a word. Which columns those are, their cells say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import duckdb

from ingest.check.totals import WIDEST, plain
from ingest.engine import engine, identifier
from ingest.errors import BadInput
from ingest.raw import raw_query
from ingest.values import numbers, units
from ingest.values.dressed import BARE
from ingest.values.text import matches, trimmed
from schemas.checking import Question, QuestionOption
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import NO_UNIT, UNIT_BESIDE, MatchSpec
from schemas.reading import ReadReport

LOOKED_AT, MOST = 2_000, 24
"""The first rows settle which columns may hold units, and one has few different ones."""


@dataclass(frozen=True)
class Beside:
    """A column of units, the field whose numbers stand beside it, and what the numbers of each unit add up to, the most frequent unit first."""

    column: str
    field: str
    header: str
    totals: Mapping[str, tuple[int, Fraction]]

    @property
    def targets(self) -> list[str]:
        """The units that all of them can be converted to, exactly; none for units of different kinds."""
        return units.targets(list(self.totals))


def unit_questions(raw_folder: Path, report: ReadReport, spec: MatchSpec) -> tuple[Question, ...]:
    """What is asked about units that stand in a column of their own. Raises BadInput where an answer names a column that isn't there."""
    answered = {name.removeprefix(UNIT_BESIDE): unit for name, unit in spec.answers.items() if name.startswith(UNIT_BESIDE)}
    for field, unit in answered.items():
        if unit not in (NO_UNIT, *report.columns):
            raise BadInput(f"The unit of {field} is to come from the column {unit!r}, which this file hasn't.", f"Say another with {UNIT_BESIDE}{field}, or {NO_UNIT}.")
    types = {field.name: field.type for field in spec.event_type.usage_fields}
    counted = {match.column: match.field for match in spec.matches if match.column in report.columns and types.get(match.field) in NUMERIC_TYPES}
    if not counted:
        return ()
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        found = list(_found(connection, report, counted, spec))
    sent = {match.column for match in spec.matches}
    return tuple(_question(each, sent=each.column in sent) for each in found if each.field not in answered and (each.targets or each.column not in sent))


def _found(connection: duckdb.DuckDBPyConnection, report: ReadReport, counted: Mapping[str, str], spec: MatchSpec) -> Iterator[Beside]:
    """The columns of units with several of them, each beside the nearest column of numbers before it, else behind it."""
    for column in _of_units(connection, [name for name in report.columns if name not in counted]):
        place = report.columns.index(column)
        numbers_at = [report.columns.index(name) for name in counted]
        header = report.columns[min(numbers_at, key=lambda each: (each > place, abs(each - place)))]
        mark = spec.answers.get(f"decimal_mark.{counted[header]}")
        totals = _totals(connection, column, header, mark)
        if len(totals) > 1:
            yield Beside(column, counted[header], header, totals)


def _of_units(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> list[str]:
    """The columns in whose first rows stand units and nothing else."""
    if not columns:
        return []
    texts = ", ".join(f"list(distinct {trimmed(identifier(name))})" for name in columns)
    named = ", ".join(map(identifier, columns))
    found = connection.execute(f"select {texts} from (select {named} from raw limit {LOOKED_AT})").fetchone()
    return [name for name, values in zip(columns, found, strict=True) if values and len(values) <= MOST and all(value in units.SPELLINGS for value in values)]


def _totals(connection: duckdb.DuckDBPyConnection, column: str, header: str, mark: str | None) -> dict[str, tuple[int, Fraction]]:
    """How many bare numbers each unit has, and their sum; nothing where a cell holds what is no unit."""
    number, unit = trimmed(identifier(header)), trimmed(identifier(column))
    mark = mark if mark in numbers.MARK else numbers.number_evidence(connection, f"(select {identifier(header)} from raw limit {LOOKED_AT})", number).mark
    read = f"try_cast({numbers.number_text('n', mark)} as decimal(38,9))"
    rows = connection.execute(f"select u, count(*), sum({read})::varchar from (select {unit} as u, {number} as n from raw) where n is not null and u is not null and {matches('n', BARE)} group by u order by 2 desc, 1 limit {MOST + 1}").fetchall()
    if len(rows) > MOST or any(spelt not in units.SPELLINGS for spelt, _, _ in rows):
        return {}
    found: dict[str, tuple[int, Fraction]] = {}
    for spelt, count, total in rows:
        before = found.get(units.SPELLINGS[spelt], (0, Fraction(0)))
        found[units.SPELLINGS[spelt]] = before[0] + count, before[1] + Fraction(total or 0)
    return found


def _question(found: Beside, *, sent: bool) -> Question:
    """Are the numbers in the units beside them? What are sent along as a dimension tell the rows apart, so that nothing waits for it."""
    counts = ", ".join(f"{count:,} in {unit}" for unit, (count, _) in found.totals.items())
    together = sum((total for _, total in found.totals.values()), Fraction(0))
    text = f"The numbers of column {found.header!r} have their units in column {found.column!r}, and not the same: {counts}."
    as_they_are = QuestionOption(value=NO_UNIT, label="Send the numbers as they are", effect=f"the column adds up to {_written(together)}, whatever the unit")
    if not found.targets:
        divide = f"They can't be added up. On Columns the file can be taken apart by {found.column!r}, so that each is a kind of usage of its own. Or are they to be sent as they are?"
        return Question(name=f"{UNIT_BESIDE}{found.field}", text=f"{text} {divide}", options=(as_they_are,))
    target = found.targets[0]
    converted = sum((total * units.factor(unit, target) for unit, (_, total) in found.totals.items()), Fraction(0))
    option = QuestionOption(value=found.column, label=f"Convert each by its unit in {found.column!r}", effect=f"in {target} the column adds up to {_written(converted)}; which unit they go into is asked next{f'; {found.column!r} goes along as it stands' if sent else ''}")
    return Question(name=f"{UNIT_BESIDE}{found.field}", text=f"{text} Are they to be converted to one unit?", options=(option, as_they_are), proposed=NO_UNIT if sent else found.column, blocking=not sent)


def _written(number: Fraction) -> str:
    with localcontext(prec=WIDEST):
        return f"{Decimal(plain(Decimal(number.numerator) / Decimal(number.denominator))):,f}"
