"""Columns whose numbers wear something: what is taken off, and which unit the numbers get."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ingest.check import readings
from ingest.check.column import Column
from ingest.check.plan import cells
from ingest.engine import literal
from ingest.errors import BadInput
from ingest.values import durations, units
from ingest.values.dressed import Dress, dress, parts, scaled, spelt, undressed, unit_of
from ingest.values.numbers import without_zeros
from schemas.checking import Question

PERCENT, UNREAD = "%", "can't be read"
Factors = Mapping[str, Fraction]


@dataclass(frozen=True)
class Worn:
    """A column of numbers by themselves. `core` is the number's text, a column of `relation` (SQL); `found` what was taken off, None where nothing was."""

    steps: tuple[tuple[str, str], ...]
    relation: str
    core: str
    unit: str = "''"
    found: Dress | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    filled: int | None = None
    """How many cells aren't empty, where it was counted."""
    lengths: durations.LengthEvidence | None = None
    """What says that cells are lengths of time, where some are."""
    asked: tuple[Question, ...] = ()


def undress(column: Column, tidy: str) -> Worn:
    """The column's numbers without what stands around them; as it is where nothing does. Lengths of time are seconds first."""
    source, written, part, core, unit = (column.step(name) for name in ("source", "written", "parts", "core", "unit"))
    steps, relation = (("source", tidy),), f"(select *, {tidy} as {source} from {column.relation})"
    lengths = durations.length_evidence(column.connection, column.relation, tidy)
    asked: tuple[Question, ...] = ()
    if lengths.any:
        order, asked = _pair_order(column, lengths, relation)
        steps, relation = (*steps, ("written", durations.with_unit(source, order))), f"(select *, {durations.with_unit(source, order)} as {written} from {relation})"
    else:
        written = source
    present = spelt(column.connection, relation, written)
    if present is None:
        return Worn((("source", tidy),), relation, source)
    steps = (*steps, ("parts", parts(written)), ("core", undressed(written, part)), ("unit", unit_of(part, present)))
    relation = f"({cells(f'select * from {column.relation}', (column.plan(list(steps), 'VARCHAR', {}),))})"
    found = dress(column.connection, relation, core, unit, source)
    filled = column.connection.execute(f"select count({source}) from {relation}").fetchone()[0]
    facts = {"unit_removed": f"{column.step('value')} is not null and {core} <> {source}"} if found.dressed else {}
    return Worn(steps, relation, core, unit, found, facts, filled, lengths if lengths.any else None, asked)


def _pair_order(column: Column, lengths: durations.LengthEvidence, relation: str) -> tuple[durations.PairOrder, tuple[Question, ...]]:
    """What `5:12` is, as answered or as the heading says, and the question about it where neither does."""
    answer = column.answer("duration", tuple(durations.PAIRS)) or durations.said_order(column.header)
    likely: durations.PairOrder = "minutes_seconds" if lengths.clocks else "hours_minutes"
    if answer or not lengths.pairs or column.match.column is None:
        return answer or likely, ()
    return likely, (readings.pair_order(column.connection, relation, column.step("source"), column.field.name, column.header, lengths, likely if lengths.clocks else None),)


def convert(column: Column, worn: Worn, number: str) -> tuple[Worn, str, tuple[Question, ...]]:
    """The column with its plain numbers as one more step, SQL for them in the unit that was chosen, and what is still to be chosen. What can't be converted is no number until it is."""
    answered = column.answers.get(f"unit.{column.field.name}")
    if worn.found is None or not worn.found.named:
        return worn, number, ()
    share = column.answer("percent", tuple(readings.PERCENT))
    offered = _offered(worn.found)
    if answered is not None and answered not in (*offered, *units.kin(_others(worn.found))):
        raise BadInput(f"{answered!r} is no answer to unit.{column.field.name}.", f"It can be {' or '.join(offered) or 'left out'}.")
    plain = column.step("plain")
    worn = replace(worn, steps=(*worn.steps, ("plain", number)), relation=f"(select *, {number} as {plain} from {worn.relation})")
    asked = (*worn.asked, *_questions(column, worn, plain, offered, answered, share)) if column.match.column is not None else ()
    return worn, _times(plain, worn.unit, _factors(worn.found, answered, share)), asked


def _others(found: Dress) -> list[str]:
    return [unit for unit in found.named if unit != PERCENT]


def _offered(found: Dress) -> tuple[str, ...]:
    """The units that numbers can be converted to, exactly; each of those that occur where there is no way between them."""
    named, bare = _others(found), "" in dict(found.units)
    if not named:
        return ()
    one_currency = len(named) == 1 and named[0] not in units.UNITS
    return (*(units.targets(named) or named), *((readings.NONE,) if bare and not one_currency else ()))


def _mixed(found: Dress) -> bool:
    """Whether cells differ in their unit. A number beside others with one currency is in that currency."""
    named, bare = _others(found), "" in dict(found.units)
    return len(named) > 1 or (bare and any(unit in units.UNITS for unit in named))


def _proposed(found: Dress) -> str | None:
    """What the numbers are in until somebody says so. Beside numbers without any unit, none is likely."""
    named = _others(found)
    if not named:
        return None
    if not _mixed(found):
        return named[0]
    bare = dict(found.units).get("", 0)
    if bare >= readings.SLIPS * (found.cells - bare) and readings.NONE in _offered(found):
        return readings.NONE
    return None if bare else next(iter(units.targets(named)), None)


def _factors(found: Dress, answered: str | None, share: str | None) -> Factors:
    """What the numbers of each unit are multiplied by; a unit that is missing can't be converted."""
    one = Fraction(1)
    target = answered or _proposed(found) or ("" if found.usual == PERCENT else found.usual)
    known = {unit: times for unit in _others(found) if (times := one if unit == target else units.factor(unit, target)) is not None}
    bare = {"": one} if "" in dict(found.units) and (answered or found.usual in ("", PERCENT) or not _mixed(found)) else {}
    percent = {PERCENT: Fraction(1, 100) if share == "fraction" else one} if share or found.usual == PERCENT else {}
    return {**known, **bare, **percent}


def _times(number: str, unit: str, factors: Factors) -> str:
    if not factors:
        return "null::varchar"
    if set(factors.values()) == {Fraction(1)}:
        return f"case when {unit} in ({', '.join(map(literal, factors))}) then {number} end"
    cases = " ".join(f"when {literal(name)} then {number if times == 1 else without_zeros(scaled(f'({number})', times))}" for name, times in factors.items())
    return f"case {unit} {cases} end"


def _questions(column: Column, worn: Worn, plain: str, offered: tuple[str, ...], answered: str | None, share: str | None) -> tuple[Question, ...]:
    found, name, header = worn.found, column.field.name, column.header
    asked: tuple[Question, ...] = ()
    if answered is None and (_mixed(found) or len(offered) > 1):
        shown = [target for target in offered if not _mixed(found) or target in found.named or target == readings.NONE] or offered
        fitting = _effects(column, worn, plain, {target: _factors(found, target, share) for target in units.kin(_others(found)) if target not in offered})
        totals = {**_effects(column, worn, plain, {target: _factors(found, target, share) for target in shown}), **{target: effect for target, effect in fitting.items() if UNREAD not in effect}}
        asked = (readings.unit(name, header, found, totals, _proposed(found), worn.lengths),)
    if PERCENT in found.named and share is None:
        totals = _effects(column, worn, plain, {way: _factors(found, answered, way) for way in readings.PERCENT})
        asked += (readings.percent(name, header, found, totals),)
    return asked


def _effects(column: Column, worn: Worn, plain: str, ways: Mapping[str, Factors]) -> dict[str, str]:
    """What the column adds up to under each answer, in one pass."""
    if not ways:
        return {}
    sums = ", ".join(f"sum(try_cast({_times('n', 'u', factors)} as decimal(38,9))), count(*) filter (({_times('n', 'u', factors)}) is null)" for factors in ways.values())
    found = column.connection.execute(f"select {sums} from (select {plain} as n, {worn.unit} as u from {worn.relation} where {worn.core} is not null)").fetchone()
    return {way: f"the column adds up to {readings.plain_text(found[2 * place] or 0)}" + (f"; {found[2 * place + 1]:,} {UNREAD}" if found[2 * place + 1] else "") for place, way in enumerate(ways)}
