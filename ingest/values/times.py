"""Dates and times: each form is first rewritten to ISO, then everything is cast the same way."""

from dataclasses import dataclass
from typing import Literal

import duckdb

from ingest.engine import literal
from ingest.values.text import matches

DateOrder = Literal["day_first", "month_first"]
PLAIN_CLOCK = r"(?: \d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?"
PLAIN_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z?)?"
CAST_AS_IT_STANDS = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?Z?)?"
"""What the cast reads rightly by itself. It takes more than that, such as `epoch`, `infinity` or a zone in small letters, which it leaves off."""
PLAIN_DATE = r"\d{4}-\d{2}-\d{2}"
CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
TAIL = rf"(?:(?:[Tt]|,? +){CLOCK}(?: ?[AaPp]\.?[Mm]\.?)?)?(?: ?(?:[Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|[+-]\d{{2}}(?::?\d{{2}})?))?"
DAYS = {"iso": r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", "slashed": r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", "dotted": r"(\d{1,2})\.(\d{1,2})\.(\d{4})"}
FORMS = {
    **{name: day + TAIL for name, day in DAYS.items()},
    "compact": r"(?:19|20)\d{6}(?:[Tt]?\d{6}[Zz]?)?",
    "epoch": r"\d{10}(?:\.\d{1,6})?|\d{13}|\d{16}",
}
"""The forms a date may have; no text has two of them. A form's name is what the rest of this module knows it by."""
FIRST_YEAR, LAST_YEAR = 1970, 2200
PLAUSIBLE = f"timestamp '{FIRST_YEAR}-01-01', timestamp '{LAST_YEAR}-01-01'"
ZONED = r"[Zz]$|UTC$|GMT$|:\d{2}(?:\.\d+)? ?[+-]\d{2}(?::?\d{2})?$"


@dataclass(frozen=True)
class TimeEvidence:
    """Which forms the cells have, and what speaks for day or month first among the undotted ones."""

    cells: int
    forms: tuple[str, ...]
    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str | None = None

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
    found = dict(connection.execute(f"select {kind}, count(*) from (select {text} as s from {relation}) group by 1").fetchall())
    cells, forms = sum(found.values()) - found.get("empty", 0), tuple(name for name in FORMS if name in found)
    if "slashed" not in forms:
        return TimeEvidence(cells, forms)
    order = connection.execute(f"""
        select count(*) filter (a > 12 and b <= 12), count(*) filter (b > 12 and a <= 12), count(*) filter (a <= 12 and b <= 12 and a <> b), min(s) filter (a <= 12 and b <= 12 and a <> b)
        from (select s, split_part(replace(s, '-', '/'), '/', 1)::int as a, split_part(replace(s, '-', '/'), '/', 2)::int as b
              from (select {text} as s from {relation}) where {matches('s', FORMS['slashed'])})""").fetchone()
    return TimeEvidence(cells, forms, *order)


def iso_text(text: str, forms: tuple[str, ...], order: DateOrder) -> str:
    """The cell rewritten to ISO, epochs left as they are, null for a form that isn't among these."""
    cases = " ".join(f"when {matches(text, form)} then {sql}" for name in forms for form, sql in _ways(text, name, order))
    return f"case {cases} end" if cases else "null::varchar"


def _ways(text: str, name: str, order: DateOrder) -> list[tuple[str, str]]:
    """Patterns and how to rewrite what has them; the plain ones, which nearly all cells have, first and in one step."""
    if name == "epoch":
        return [(FORMS[name], text)]
    if name == "compact":
        return [(FORMS[name], _compact(rf"regexp_replace(upper({text}), '^(\d{{4}})(\d{{2}})(\d{{2}})', '\1-\2-\3')"))]
    target = {"iso": r"\1-\2-\3", "dotted": r"\3-\2-\1", "slashed": r"\3-\2-\1" if order == "day_first" else r"\3-\1-\2"}[name]
    dated = f"regexp_replace({text}, {literal(f'^{DAYS[name]}')}, {literal(target)})"
    plain = [(PLAIN_ISO, text)] if name == "iso" else [(DAYS[name] + PLAIN_CLOCK, dated)]
    return [*plain, (FORMS[name], _tidy_clock(dated))]


def _compact(dated: str) -> str:
    return rf"case when strlen({dated}) > 10 then regexp_replace({dated}, 'T?(\d{{2}})(\d{{2}})(\d{{2}})(Z?)$', 'T\1:\2:\3\4') else {dated} end"


def _tidy_clock(text: str) -> str:
    """The part after the date as the cast wants it: a space, capital letters, a point, the zone close by."""
    spaced = rf"regexp_replace(upper({text}), '^([-\d]+)(?:T|,? +)', '\1 ')"
    pointed = f"replace({spaced}, ',', '.')"
    zoned = rf"regexp_replace(regexp_replace({pointed}, ' ?(UTC|GMT)$', 'Z'), ' +(Z|[+-]\d{{2}}(?::?\d{{2}})?)$', '\1')"
    whole = rf"regexp_replace({zoned}, ' (\d{{1,2}}:\d{{2}})(Z|[+-])', ' \1:00\2')"
    return rf"regexp_replace({whole}, ' ?([AP])\.?M\.?', ' \1M')"


def is_zoned(iso: str, forms: tuple[str, ...]) -> str:
    """Whether the cell says its zone itself; seconds since 1970 do."""
    epoch = f"{matches(iso, FORMS['epoch'])} or " if "epoch" in forms else ""
    return f"({epoch}suffix({iso}, 'Z') or regexp_matches({iso}, {literal(ZONED)}))"


def parsed(iso: str, zoned: str, forms: tuple[str, ...]) -> str:
    """The timestamp: in UTC where the cell says its zone, else as the clock on the wall showed it. Null where there is no such day or hour."""
    cases = []
    if "epoch" in forms:
        seconds = f"try_cast(split_part({iso}, '.', 1) || rpad(split_part({iso}, '.', 2), 6, '0') as bigint)"
        micros = f"case strlen(split_part({iso}, '.', 1)) when 10 then {seconds} when 13 then try_cast({iso} as bigint) * 1000 else try_cast({iso} as bigint) end"
        cases.append(f"when {matches(iso, FORMS['epoch'])} then make_timestamp({micros})")
    cases.append(f"when suffix({iso}, 'M') then try_strptime({iso}, ['%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S.%f %p'])")
    cases.append(f"when {zoned} and not suffix({iso}, 'Z') then try_cast({iso} as timestamptz)::timestamp")
    return f"case {' '.join(cases)} else try_cast({iso} as timestamp) end"


def plausible(moment: str) -> str:
    """The timestamp, null where its year can't be meant."""
    return f"case when {moment} >= timestamp '{FIRST_YEAR}-01-01' and {moment} < timestamp '{LAST_YEAR}-01-01' then {moment} end"


def too_fine(moment: str, iso: str, digits: int) -> str:
    """Whether the cell has more digits of a second than are kept, other than zeros."""
    beyond = rf"regexp_matches({iso}, '[:\d]\.\d{{6}}\d*[1-9]')"
    return beyond if digits >= 6 else f"(epoch_us({moment}) % {10 ** (6 - digits)} <> 0 or {beyond})"
