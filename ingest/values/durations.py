"""Lengths of time as people write them, `1:05:30`, `3h 25m` or `PT3H25M`, rewritten as a number of seconds with its unit: units.py goes on from there."""

from dataclasses import dataclass
from typing import Literal

import duckdb

from ingest.engine import literal
from ingest.values.numbers import MINUS
from ingest.values.text import matches

PairOrder = Literal["hours_minutes", "minutes_seconds"]
UNIT = "s"
SIGN = rf"([+\-{MINUS}]?)"
TENTHS = r"(?:[.,]\d{1,9})?"
CLOCK = rf"{SIGN}(?:(\d{{1,5}})(?:\.|d |,? (?:(?i:days?|tage?|jours?)),? ))?(\d{{1,5}}):([0-5]\d):([0-5]\d{TENTHS})"
PAIR = rf"{SIGN}(\d{{1,5}}):([0-5]\d)"
JOINED = r"(?: |, ?| ?(?:and|und|et|y|e) )?"


def _worded(digits: str, words: str) -> str:
    return rf"(?:({digits}) ?(?i:{words})\.?{JOINED})?"


WORDED = (
    SIGN + _worded(r"\d{1,6}", "d|days?|tg|tage?n?|jours?|días?|dias?|giorn[io]|dagen|dag") + _worded(r"\d{1,6}", "h|hrs?|hours?|std|stunden?|heures?|horas?|or[ae]|uur|timer|tim")
    + _worded(r"\d{1,6}", "m|mins?|minutes?|minuten?|minutos?|minut[oi]") + _worded(rf"\d{{1,6}}{TENTHS}", "s|secs?|seconds?|sek|sekunden?|secondes?|segundos?|second[oi]")
)
ISO = rf"{SIGN}P(?:(\d{{1,6}})D)?(?:T(?:(\d{{1,6}})H)?(?:(\d{{1,6}})M)?(?:(\d{{1,6}}{TENTHS})S)?)?"
PARTS = ("sign", "days", "hours", "minutes", "seconds")
SURE = rf"{CLOCK}|[+\-{MINUS}]?P(?:\d+D)?T\d.*[HMS]|.*\d ?\p{{L}}+\.?(?:{JOINED})\d.*\p{{L}}\.?"
"""What begins a column of lengths: a clock of three parts, ISO, or two units one after the other. `45m` alone may be metres."""
LOOK = r"'\d ?[:\pL]'"
"""SQL for what every length of time has, for a quick look."""
PAIRS: dict[PairOrder, str] = {"hours_minutes": "Hours and minutes", "minutes_seconds": "Minutes and seconds"}


@dataclass(frozen=True)
class LengthEvidence:
    """How many cells there are, how many of them are written as lengths of time, how many of those beyond doubt, and how many are two numbers with a colon; an example."""

    cells: int
    written: int
    sure: int
    clocks: int
    pairs: int
    example: str | None

    @property
    def any(self) -> bool:
        """Whether this is a column of lengths of time. A few of them among numbers are slips."""
        return bool(self.sure or self.pairs) and 2 * self.written >= self.cells


def length_evidence(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> LengthEvidence:
    """What the cells say. `relation` is SQL, `text` an expression over it."""
    clock, pair = matches("s", CLOCK), matches("s", PAIR)
    worded = f"({matches('s', WORDED)} or {matches('s', ISO)})"
    kind = f"case when not regexp_matches(s, {LOOK}) then 'none' when {clock} then 'clock' when {pair} then 'pair' when {worded} then case when {matches('s', SURE)} then 'sure' else 'worded' end else 'none' end"
    found = connection.execute(f"select {kind}, count(*), min(s) from (select {text} as s from {relation}) where s is not null group by 1").fetchall()
    counts, examples = {name: count for name, count, _ in found}, {name: example for name, _, example in found}
    clocks, pairs = counts.get("clock", 0), counts.get("pair", 0)
    cells, example = sum(counts.values()), next((examples[name] for name in ("pair", "clock", "sure") if name in examples), None)
    return LengthEvidence(cells, cells - counts.get("none", 0), clocks + counts.get("sure", 0), clocks, pairs, example)


def with_unit(text: str, order: PairOrder) -> str:
    """SQL for the cell, where it is a length of time as its seconds with their unit."""
    first, second = (3600, 60) if order == "hours_minutes" else (60, 1)
    pair = _split(text, PAIR, ("sign", "one", "two"))
    pairs = f"{_minus(pair)} || ({_whole(pair, 'one')} * {first} + {_whole(pair, 'two')} * {second})::varchar || ' {UNIT}'"
    cases = " ".join(f"when {matches(text, form)} then {_seconds(_split(text, form, PARTS))}" for form in (CLOCK, ISO, WORDED))
    return f"case when not regexp_matches({text}, {LOOK}) then {text} when {matches(text, PAIR)} then {pairs} {cases} else {text} end"


def _split(text: str, form: str, names: tuple[str, ...]) -> str:
    return f"regexp_extract({text}, {literal(f'^(?:{form})$')}, {list(names)})"


def _minus(part: str) -> str:
    return f"case when {part}.sign in ('-', '{MINUS}') then '-' else '' end"


def _whole(part: str, name: str) -> str:
    return f"coalesce(try_cast({part}.{name} as bigint), 0)"


def _seconds(part: str) -> str:
    """All parts as seconds; what stands behind the point of the seconds stays as it is."""
    whole = f"coalesce(try_cast(regexp_extract({part}.seconds, '^\\d+') as bigint), 0)"
    total = f"{_whole(part, 'days')} * 86400 + {_whole(part, 'hours')} * 3600 + {_whole(part, 'minutes')} * 60 + {whole}"
    return f"{_minus(part)} || ({total})::varchar || regexp_extract({part}.seconds, '[.,]\\d+$') || ' {UNIT}'"


def said_order(heading: str) -> PairOrder | None:
    """What a heading says of two numbers with a colon: `Dauer (mm:ss)`."""
    small = heading.lower()
    if "mm:ss" in small and "h:mm" not in small:
        return "minutes_seconds"
    return "hours_minutes" if "h:mm" in small and "mm:ss" not in small else None
