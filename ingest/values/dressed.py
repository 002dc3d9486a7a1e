"""What stands around a number: a currency, a unit, a percent sign, parentheses or a minus behind it for what is negative."""

import re
from dataclasses import dataclass
from fractions import Fraction

import duckdb

from ingest.engine import literal
from ingest.values.numbers import APART, EXPONENT, MINUS, number_text
from ingest.values.text import matches
from ingest.values.units import CURRENCIES, SPELLINGS, endless
from schemas.matching import DecimalMark

BARE = rf"[+\-{MINUS}]?[\d.,{APART}]+{EXPONENT}"
"""A number by itself, as far as its characters go; whether it is one is not decided here."""


def _any(words: list[str]) -> str:
    return "|".join(re.escape(word).replace("/", "\\/") for word in sorted(words, key=len, reverse=True))


SPACE = rf"[{APART}]*"
CURRENCY = _any(list(CURRENCIES))
DRESSED = (
    rf"(\()?{SPACE}([+\-{MINUS}])?{SPACE}({CURRENCY})?{SPACE}([+\-{MINUS}])?{SPACE}([.,]?\d[\d.,{APART}]*{EXPONENT}|[.,]?\d){SPACE}({CURRENCY}|{_any(list(SPELLINGS))})?{SPACE}(\))?([\-{MINUS}])?"
)
"""Whether its parts go together is another question: see `undressed`."""
PARTS = ("opened", "sign", "before", "inner", "number", "after", "closed", "behind")


@dataclass(frozen=True)
class Dress:
    """What stands around the numbers of a column: how many cells have each unit or currency, none for bare ones."""

    cells: int
    units: tuple[tuple[str, int], ...]
    examples: tuple[tuple[str, str], ...]
    dressed: int

    @property
    def usual(self) -> str:
        """The unit that most cells have; the first in order among equals."""
        return max(self.units, key=lambda pair: (pair[1], pair[0]))[0] if self.units else ""

    @property
    def named(self) -> list[str]:
        """The units that occur, the most frequent first."""
        return [unit for unit, _ in sorted(self.units, key=lambda pair: (-pair[1], pair[0])) if unit]


def parts(text: str) -> str:
    """The parts of a cell that is a number with something around it, as a struct; every part is empty for anything else."""
    return f"regexp_extract({text}, {literal(f'^(?:{DRESSED})$')}, {list(PARTS)})"


def undressed(text: str, part: str) -> str:
    """The number by itself with its sign in front; null where the parts contradict each other. What is bare already stays as it is."""
    def has(*names: str) -> str:
        return " + ".join(f"({part}.{name} <> '')::int" for name in names)

    number = f"rtrim({part}.number, {literal(APART)})"
    whole = f"(({part}.opened <> '') = ({part}.closed <> '')) and {has('opened', 'sign', 'inner', 'behind')} <= 1 and {has('before', 'after')} <= 1 and ({part}.behind = '' or regexp_matches({number}, '\\d$'))"
    minus = f"case when {part}.opened <> '' or {part}.behind <> '' or {part}.sign in ('-', '{MINUS}') or {part}.inner in ('-', '{MINUS}') then '-' else '' end"
    return f"case when {matches(text, BARE)} then {text} when {part}.number <> '' and {whole} then {minus} || {number} end"


def unit_of(part: str, present: list[str]) -> str:
    """The unit or currency of a cell, by the name it is known by; `present` are the ways to write them that occur."""
    cases = " ".join(f"when {literal(spelt)} then {literal(SPELLINGS.get(spelt) or CURRENCIES[spelt])}" for spelt in present)
    written = f"({part}.before || {part}.after)"
    return f"case {written} {cases} else '' end" if cases else "''"


def is_dressed(text: str) -> str:
    """Whether a cell is a number with something around it."""
    return f"(not {matches(text, BARE)} and {matches(text, DRESSED)} and regexp_matches({text}, '[^\\d()+.,\\-]'))"


def spelt(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> list[str] | None:
    """How the units and currencies of a column are written; None where no cell has anything around its number."""
    found = connection.execute(f"""
        select distinct p.before || p.after from (select {parts('s')} as p from (select {text} as s from {relation}) where not {matches('s', BARE)}) where p.number <> '' order by 1""").fetchall()
    return [each for each, in found if each in SPELLINGS or each in CURRENCIES] if found else None


def dress(connection: duckdb.DuckDBPyConnection, relation: str, core: str, unit: str, text: str) -> Dress:
    """How many cells have which unit. `core`, `unit` and `text` are columns of `relation`."""
    found = connection.execute(f"select {unit}, count(*), min({text}), count(*) filter ({core} <> {text}) from {relation} where {core} is not null and regexp_matches({core}, '\\d') group by 1 order by 1").fetchall()
    return Dress(sum(row[1] for row in found), tuple((row[0], row[1]) for row in found), tuple((row[0], row[2]) for row in found), sum(row[3] for row in found))


def scaled(number: str, times: Fraction) -> str:
    """A plain number multiplied, digit for digit; null where it would have more than 38 digits, or no end, as a minute that is a sixtieth of an hour."""
    rest = endless(times.denominator)
    ending = times * rest
    places = next(places for places in range(40) if 10**places % ending.denominator == 0)
    whole = ending.numerator * 10**places // ending.denominator
    digits = f"try_cast(replace({number}, '.', '') as hugeint)"
    fits = f"strlen(replace({number}, '.', '')) <= {38 - len(str(whole))}" + (f" and {digits} % {rest} = 0" if rest > 1 else "")
    product = f"(case when {fits} then {digits}{f' // {rest}' if rest > 1 else ''} * {whole}::hugeint end)"
    after = f"(case when contains({number}, '.') then strlen({number}) - instr({number}, '.') else 0 end + {places})"
    padded = f"lpad(abs({product})::varchar, greatest(strlen(abs({product})::varchar), {after} + 1)::int, '0')"
    return f"(case when prefix({number}, '-') and {product} <> 0 then '-' else '' end || left({padded}, (strlen({padded}) - {after})::int) || case when {after} > 0 then '.' || right({padded}, ({after})::int) else '' end)"


def parse_number(connection: duckdb.DuckDBPyConnection, text: str, mark: DecimalMark) -> str | None:
    """One text as a plain number, or None: for totals that a person typed or a file carries. A currency is taken off; what has a unit is no total of ours."""
    cell = f"select trim(?::varchar, {literal(APART)}) as s"
    core = f"select case when p.after in ({', '.join(map(literal, SPELLINGS))}) then null else {undressed('s', 'p')} end as n from (select s, {parts('s')} as p from ({cell}))"
    return connection.execute(f"select {number_text('n', mark)} from ({core})", [text]).fetchone()[0]
