"""Dates and times: each form is first rewritten to ISO (forms.py), then everything is cast the same way."""

from dataclasses import dataclass, replace

import duckdb

from ingest.engine import literal
from ingest.values.forms import FORMS, NAMED, PARTS, PERIODS, PLAIN_ISO, ZONE_NAMES, DateOrder
from ingest.values.months import month_names, month_of
from ingest.values.text import matches

CAST_AS_IT_STANDS = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?Z?)?"
"""What the cast reads rightly by itself. It takes more than that, such as `epoch`, `infinity` or a zone in small letters, which it leaves off."""
USUAL = "____-__-_____:__:__Z"
"""The usual one among those, quicker to find than by its pattern: what can be cast and looks like this has digits, and a T or a space in the middle."""
PLAIN_DATE = r"\d{4}-\d{2}-\d{2}"
FIRST_YEAR, LAST_YEAR = 1970, 2200
OFFSET = r"[+-]\d{2}(?::?\d{2})?"
SECONDS = r"\d{10}(?:\.\d{1,9})?"
ZONED = rf"[Zz]$|UTC$|GMT$|:\d{{2}}(?:\.\d+)?(?: [AP]M)? ?{OFFSET}$|[AP]M ?{OFFSET}$"
SLASHED = ("slashed", "slashed_short")


@dataclass(frozen=True)
class TimeEvidence:
    """Which forms the cells have, how many have each, and what speaks for day or month first among the undotted ones."""

    cells: int
    counts: tuple[tuple[str, int], ...]
    examples: tuple[tuple[str, str], ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str | None = None
    zones: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms that are read. A few names of months or weeks among moments are slips, not periods."""
        counts = dict(self.counts)
        periods = sum(counts.get(name, 0) for name in PERIODS)
        return tuple(name for name in counts if name not in PERIODS or 2 * periods > sum(counts.values()))

    def without(self, *forms: str) -> "TimeEvidence":
        """The same where these forms are none."""
        return replace(self, counts=tuple(pair for pair in self.counts if pair[0] not in forms))

    def having(self, *forms: str) -> int:
        """How many cells have one of these forms."""
        return sum(count for name, count in self.counts if name in forms and name in self.forms)

    def example_of(self, *forms: str) -> str:
        """A cell that has one of these forms."""
        return next(example for name, example in self.examples if name in forms)

    @property
    def order(self) -> DateOrder:
        """The order with more evidence; day first where there is none."""
        return "month_first" if self.month_first > self.day_first else "day_first"

    @property
    def open(self) -> bool:
        """Whether a person has to say which it is: two readings, and it makes a difference."""
        if self.day_first and self.month_first:
            return True
        return not self.day_first and not self.month_first and self.either > 0


def time_evidence(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> TimeEvidence:
    """What the cells say about their form and order."""
    kind = " ".join(f"when {matches('s', form)} then {literal(name)}" for name, form in FORMS.items())
    kind = f"case when s is null then 'empty' when {matches('s', PLAIN_ISO)} then 'iso' {kind} else 'none' end"
    ends = "list(distinct regexp_extract(s, '([A-Z]{3,4})$', 1)) filter (suffix(s, 'T') or suffix(s, 'Z') or suffix(s, 'K'))"
    rows = connection.execute(f"select {kind}, count(*), min(s), {ends} from (select {text} as s from {relation}) group by 1").fetchall()
    found = {name: (count, example) for name, count, example, _ in rows}
    zones = tuple(name for name in ZONE_NAMES if any(name in (each or ()) for *_, each in rows))
    cells = sum(count for count, _ in found.values()) - found.get("empty", (0, ""))[0]
    counts = tuple((name, found[name][0]) for name in FORMS if name in found)
    examples = tuple((name, found[name][1]) for name in FORMS if name in found)
    words = tuple(pair for name in NAMED if name in found for pair in _words(connection, relation, text, name))
    order = _order(connection, relation, text) if found.keys() & set(SLASHED) else ()
    return TimeEvidence(cells, counts, examples, tuple(sorted(set(words))), **dict(zip(("day_first", "month_first", "either", "example"), order, strict=False)), zones=zones)


def named_date(text: str) -> str:
    """Whether a cell names a month in words, with a day and a year."""
    names = "|".join(sorted(month_names(), key=len, reverse=True))
    return f"({' or '.join(matches(text, FORMS[name]) for name in ('named', 'named_month_first', 'named_year_first'))}) and regexp_matches({text}, {literal(f'(?i)(?:^|[^{chr(92)}pL])(?:{names})(?:[^{chr(92)}pL]|$)')})"


def _words(connection: duckdb.DuckDBPyConnection, relation: str, text: str, name: str) -> list[tuple[str, int]]:
    """The names of months that cells of this form have. What names no month is left out, so that its cell is none either."""
    word = f"lower(regexp_extract(s, {literal(f'^{NAMED[name]}$')}, {PARTS[name].index('m') + 1}))"
    found = connection.execute(f"select distinct {word} from (select {text} as s from {relation}) where {matches('s', FORMS[name])} order by 1 limit 1000").fetchall()
    return [(each, number) for each, in found if (number := month_of(each))]


def _order(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> tuple[int, int, int, str | None]:
    slashed = " or ".join(matches("s", FORMS[name]) for name in SLASHED)
    return connection.execute(f"""
        select count(*) filter (a > 12 and b <= 12), count(*) filter (b > 12 and a <= 12), count(*) filter (a <= 12 and b <= 12 and a <> b), min(s) filter (a <= 12 and b <= 12 and a <> b)
        from (select s, split_part(replace(s, '-', '/'), '/', 1)::int as a, split_part(replace(s, '-', '/'), '/', 2)::int as b
              from (select {text} as s from {relation}) where {slashed})""").fetchone()


def is_zoned(iso: str, forms: tuple[str, ...]) -> str:
    """Whether the cell says its zone itself; seconds since 1970 do."""
    epoch = f"{matches(iso, SECONDS)} or " if _has_seconds(forms) else ""
    return f"({epoch}suffix({iso}, 'Z') or regexp_matches({iso}, {literal(ZONED)}))"


def _has_seconds(forms: tuple[str, ...]) -> bool:
    return "epoch" in forms or "hour" in forms


def parsed(iso: str, zoned: str, forms: tuple[str, ...]) -> str:
    """The timestamp: in UTC where the cell says its zone, else as the clock on the wall showed it. Null where there is no such day or hour."""
    cases = []
    if _has_seconds(forms):
        micros = f"try_cast(split_part({iso}, '.', 1) || left(rpad(split_part({iso}, '.', 2), 6, '0'), 6) as bigint)"
        cases.append(f"when {matches(iso, SECONDS)} then make_timestamp({micros})")
    halves = "['%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S.%f %p', '%Y-%m-%d %I %p']"
    cases.append(f"when suffix({iso}, 'M') then try_strptime({iso}, {halves})")
    split = rf"regexp_replace({iso}, '(M)(Z|{OFFSET})$', '\1')"
    cases.append(f"when {zoned} and contains({iso}, 'M') then try_cast(try_strptime({split}, {halves})::varchar || substr({iso}, strlen({split}) + 1) as timestamptz)::timestamp")
    cases.append(f"when {zoned} and not suffix({iso}, 'Z') then try_cast({iso} as timestamptz)::timestamp")
    return f"case {' '.join(cases)} else try_cast({iso} as timestamp) end"


def plausible(moment: str) -> str:
    """The timestamp, null where its year can't be meant."""
    return f"case when {moment} >= timestamp '{FIRST_YEAR}-01-01' and {moment} < timestamp '{LAST_YEAR}-01-01' then {moment} end"


def cut_off(moment: str, digits: int) -> str:
    """The timestamp with so many digits of a second; the further ones are left off, so that none moves into another second."""
    return f"make_timestamp(epoch_us({moment}) - epoch_us({moment}) % {10 ** (6 - digits)})"


def too_fine(moment: str, iso: str, digits: int) -> str:
    """Whether the cell has more digits of a second than are kept, other than zeros."""
    beyond = rf"regexp_matches({iso}, '[:\d]\.\d{{6}}\d*[1-9]')"
    return beyond if digits >= 6 else f"(epoch_us({moment}) % {10 ** (6 - digits)} <> 0 or {beyond})"
