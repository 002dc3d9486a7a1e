"""The forms in which dates and times are written, and how each is rewritten to ISO."""

from dataclasses import dataclass, field
from typing import Literal

from ingest.engine import literal
from ingest.values.months import WEEKDAY
from ingest.values.text import matches

DateOrder = Literal["day_first", "month_first"]
PLAIN_CLOCK = r"(?: \d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?"
PLAIN_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z?)?"
CLOCK = r"\d{1,2}(?::\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|h\d{2})"
HALVES = r" ?[AaPp]\.?[Mm]\.?"
ZONE_NAMES = {
    "CET": "+01:00", "CEST": "+02:00", "MEZ": "+01:00", "MESZ": "+02:00", "WET": "+00:00", "WEST": "+01:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "EDT": "-04:00", "MDT": "-06:00",
    "PST": "-08:00", "PDT": "-07:00", "JST": "+09:00", "KST": "+09:00", "HKT": "+08:00", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00",
    "BST": "", "IST": "", "EST": "", "CST": "", "CDT": "", "MST": "",
}
"""Names of zones and how far they are from UTC; nothing for those that mean different things in different places: which of them is meant is asked as for a time without a zone."""
ZONE = rf" ?(?:[Zz]|(?:[Uu][Tt][Cc]|[Gg][Mm][Tt])(?:[+-]\d{{1,2}}(?::?\d{{2}})?)?|[+-]\d{{2}}(?::?\d{{2}})?|{'|'.join(ZONE_NAMES)})"
TAIL = rf"(?:[Tt]\d{{2}}|(?:[Tt]|,? +)(?:{CLOCK}(?:{HALVES})?|\d{{1,2}}{HALVES})(?: Uhr)?| \d{{1,2}} Uhr)?(?:{ZONE})?"
LATE_TAIL = rf"(?:(?:[Tt:]|,? +(?:(?:at|um|kl\.?|à|om) )?)(?:{CLOCK}(?:{HALVES})?|\d{{1,2}}{HALVES})(?: Uhr)?)?(?:{ZONE})?"
"""What may follow a month's name: `1 October 2026 at 5:06 pm`, `01/Oct/2026:13:45:00 +0200`."""
DAYS = {
    "iso": r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", "slashed": r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", "dotted": r"(\d{1,2})\.(\d{1,2})\.(\d{4})",
    "slashed_short": r"(\d{1,2})/(\d{1,2})/(\d{2})", "dotted_short": r"(\d{2})\.(\d{2})\.(\d{2})",
}
OF = r"(?:(?:de|del|of) +)?"
WORD = r"(\p{L}{3,12})"
NAMED = {
    "named": rf"{WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th|er|º|ª|\.)?[ ./-]*{OF}{WORD}\.?[ ,./-]*{OF}(\d{{4}})({LATE_TAIL})",
    "named_short": rf"{WEEKDAY}(\d{{1,2}})\.?[ ./-]{WORD}\.?[ ./-](\d{{2}})({LATE_TAIL})",
    "named_month_first": rf"{WEEKDAY}{WORD}\.?[ -](\d{{1,2}})(?:st|nd|rd|th)?(?:, ?| +|-)(\d{{4}})({LATE_TAIL})",
    "named_year_first": rf"(\d{{4}})[ ./-]{WORD}\.?[ ./-](\d{{1,2}})({LATE_TAIL})",
    "named_period": rf"{WORD}\.?[ ./-]{OF}(\d{{4}})",
}
PARTS = {"named": "dmyt", "named_short": "dmyt", "named_month_first": "mdyt", "named_year_first": "ymdt", "named_period": "my"}
"""What the groups of a named form are: day, month, year, the time of day."""
HOUR = r"20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])"
FORMS = {
    **{name: day + TAIL for name, day in DAYS.items()},
    "compact": rf"(?:19|20)\d{{6}}(?:[Tt]?\d{{4}}(?:\d{{2}}(?:\.\d{{1,9}})?)?(?:{ZONE})?)?",
    "hour": HOUR,
    "epoch": r"\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19}",
    **NAMED,
    "week_day": r"\d{4}-?W\d{2}-?[1-7]",
    "ordinal": r"(?:19|20)\d{2}-[0-3]\d{2}",
    "serial": r"[2-9]\d{4}(?:[.,]\d{1,13})?",
    "month": r"(?:19|20)\d{2}[-/.](?:0[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[./-](?:19|20)\d{2}",
    "week": r"\d{4}-?W\d{2}",
    "quarter": r"\d{4}-?Q[1-4]",
}
"""The forms a date may have; a text that fits two of them has the first. A form's name is what the rest of this package knows it by."""
PERIODS = ("named_period", "month", "week", "quarter")
"""Forms that name a month, week or quarter instead of a moment."""
SHORT = ("slashed_short", "dotted_short", "named_short")
"""Forms whose year has two digits."""


@dataclass(frozen=True)
class TimeReading:
    """How the cells of a column are to be read: the forms they have and what was answered, or is proposed, where those leave something open."""

    forms: tuple[str, ...]
    order: DateOrder = "day_first"
    century: str = "2000"
    serial: str = "1900"
    epoch: str = "date_and_hour"
    period: str = "end"
    words: tuple[tuple[str, int], ...] = field(default=())
    """The names of months that occur, as they stand in small letters, and their numbers."""
    zones: tuple[str, ...] = ()
    """The names of zones that occur."""
    end_of_day: str = " 23:59:59.999"
    """The last moment of a day that is kept; nothing where only the day is."""


def iso_text(text: str, reading: TimeReading) -> str:
    """The cell rewritten to ISO, epochs left as seconds, null for a form that isn't among these."""
    cases = " ".join(f"when {matches(text, form)} then {sql}" for name in FORMS if name in reading.forms for form, sql in _ways(text, name, reading))
    return f"case {cases} end" if cases else "null::varchar"


def _ways(text: str, name: str, reading: TimeReading) -> list[tuple[str, str]]:
    """Patterns and how to rewrite what has them; the plain ones, which nearly all cells have, first and in one step."""
    if name in DAYS:
        dated = f"regexp_replace({text}, {literal(f'^{DAYS[name]}')}, {literal(_target(name, reading))})"
        plain = [(PLAIN_ISO, text)] if name == "iso" else [(DAYS[name] + PLAIN_CLOCK, dated)]
        return [*plain, (FORMS[name], _tidy_clock(dated, reading))]
    if name in NAMED:
        return [(FORMS[name], _named(text, name, reading))]
    return [(FORMS[name], _OTHERS[name](text, reading))]


def _target(name: str, reading: TimeReading) -> str:
    if name == "iso":
        return r"\1-\2-\3"
    month_first = name.startswith("slashed") and reading.order == "month_first"
    year = rf"{reading.century[:2]}\3" if name in SHORT else r"\3"
    return year + (r"-\1-\2" if month_first else r"-\2-\1")


def _named(text: str, name: str, reading: TimeReading) -> str:
    def part(letter: str) -> str:
        return f"regexp_extract({text}, {literal(f'^{NAMED[name]}$')}, {PARTS[name].index(letter) + 1})"

    numbers = " ".join(f"when {literal(word)} then '{number:02}'" for word, number in reading.words)
    month = f"case lower({part('m')}) {numbers} end" if numbers else "null::varchar"
    year = f"{literal(reading.century[:2])} || {part('y')}" if name in SHORT else part("y")
    if name in PERIODS:
        return _of_period(f"try_cast({year} || '-' || {month} || '-01' as date)", "1 month", reading)
    return _tidy_clock(f"({year} || '-' || {month} || '-' || {part('d')} || {part('t')})", reading)


def _compact(text: str, reading: TimeReading) -> str:
    dated = rf"regexp_replace(upper({text}), '^(\d{{4}})(\d{{2}})(\d{{2}})', '\1-\2-\3')"
    clocked = rf"regexp_replace(regexp_replace({dated}, '^(.{{10}})T?(\d{{2}})(\d{{2}})', '\1T\2:\3'), '^(.{{16}})(\d{{2}})', '\1:\2')"
    return f"case when strlen({text}) > 8 then {_tidy_clock(clocked, reading)} else {dated} end"


def _epoch(text: str, reading: TimeReading) -> str:
    """Seconds, whatever unit it was in: what has more digits than ten has a thousand, a million or a billion of them in a second."""
    return rf"case when strlen({text}) > 10 then regexp_replace({text}, '^(\d{{10}})(\d+)$', '\1.\2') else {text} end"


def _hour(text: str, reading: TimeReading) -> str:
    return rf"regexp_replace({text}, '^(\d{{4}})(\d{{2}})(\d{{2}})(\d{{2}})$', '\1-\2-\3 \4:00:00')" if reading.epoch == "date_and_hour" else text


def _serial(text: str, reading: TimeReading) -> str:
    """Days since the turn of 1900 as Excel counts them (or since 1904, as it did on the Mac), to the millisecond: finer than that, a number of days is noise."""
    first = "1899-12-30" if reading.serial == "1900" else "1904-01-01"
    return f"strftime(timestamp '{first}' + to_milliseconds(round(try_cast(replace({text}, ',', '.') as decimal(20,13)) * 86400000)::bigint), '%Y-%m-%d %H:%M:%S.%g')"


def _month(text: str, reading: TimeReading) -> str:
    dated = rf"regexp_replace(regexp_replace({text}, '^(\d{{4}})[-/.](\d{{2}})$', '\1-\2-01'), '^(\d{{1,2}})[./-](\d{{4}})$', '\2-\1-01')"
    return _of_period(f"try_cast({dated} as date)", "1 month", reading)


def _quarter(text: str, reading: TimeReading) -> str:
    first = f"try_cast(left({text}, 4) || '-' || (right({text}, 1)::int * 3 - 2) || '-01' as date)"
    return _of_period(first, "3 months", reading)


def _monday(text: str) -> str:
    return f"try_strptime(left({text}, 4) || '-W' || substr(split_part({text}, 'W', 2), 1, 2) || '-1', '%G-W%V-%u')"


def _week_day(text: str, reading: TimeReading) -> str:
    return f"strftime({_monday(text)} + to_days(right({text}, 1)::int - 1), '%Y-%m-%d')"


def _of_period(first: str, length: str, reading: TimeReading) -> str:
    """The first day of a period, or its last moment."""
    if reading.period == "start":
        return f"strftime({first}, '%Y-%m-%d')"
    return f"strftime({first} + interval '{length}' - interval '1 day', '%Y-%m-%d') || {literal(reading.end_of_day)}"


_OTHERS = {
    "compact": _compact, "hour": _hour, "epoch": _epoch, "serial": _serial, "month": _month, "quarter": _quarter, "week_day": _week_day,
    "week": lambda text, reading: _of_period(_monday(text), "7 days", reading),
    "ordinal": lambda text, reading: f"strftime(try_strptime({text}, '%Y-%j'), '%Y-%m-%d')",
}


def _tidy_clock(text: str, reading: TimeReading) -> str:
    """The part after the date as the cast wants it: a space, capital letters, a point, the zone close by and as a number."""
    spaced = rf"regexp_replace(replace(upper({text}), ' UHR', ''), '^([-\d]+)(?:[T:]|,? +(?:(?:AT|UM|KL\.?|À|OM) )?)', '\1 ')"
    pointed = rf"regexp_replace(replace({spaced}, ',', '.'), ' (\d{{1,2}})H(\d{{2}})', ' \1:\2')"
    for name in reading.zones:
        pointed = rf"regexp_replace({pointed}, ' ?{name}$', '{ZONE_NAMES[name]}')"
    shifted = rf"regexp_replace(regexp_replace({pointed}, ' ?(?:UTC|GMT)([+-]\d{{2}})', '\1'), ' ?(?:UTC|GMT)([+-])(\d)', '\10\2')"
    zoned = rf"regexp_replace(regexp_replace({shifted}, ' ?(UTC|GMT)$', 'Z'), ' +(Z|[+-]\d{{2}}(?::?\d{{2}})?)$', '\1')"
    whole = rf"regexp_replace(regexp_replace({zoned}, ' (\d{{1,2}})(Z|[+-]\d{{2}}(?::?\d{{2}})?)?$', ' \1:00:00\2'), ' (\d{{1,2}}:\d{{2}})(Z|[+-])', ' \1:00\2')"
    return rf"regexp_replace({whole}, ' ?([AP])\.?M\.?', ' \1M')"
