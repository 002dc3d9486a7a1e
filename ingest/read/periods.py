"""Names of columns that are months, days, quarters or years, in the ways people write them."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

PeriodKind = Literal["month", "day", "quarter", "year"]
MONTHS = (
    "january januar janvier enero gennaio januari janeiro", "february februar fevrier febrero febbraio februari fevereiro", "march marz maerz mrz mars marzo maart marco",
    "april avril abril aprile", "may mai mayo maggio mei maio", "june juni juin junio giugno junho", "july juli juillet julio luglio julho", "august aout agosto augustus",
    "september septembre septiembre setiembre settembre setembro", "october oktober octobre octubre ottobre outubro", "november novembre noviembre novembro", "december dezember decembre diciembre dicembre dezembro",
)
SHORTEST = 3
MIN_COLUMNS = 3
GAP = r"[\s._/'’-]*"
YEAR = r"((?:19|20)\d\d)"
NAMED = re.compile(rf"([^\W\d]{{3,}})\.?(?:{GAP}{YEAR}|{GAP}(\d\d))?")
NAMED_LATER = re.compile(rf"{YEAR}{GAP}([^\W\d]{{3,}})\.?")
NUMBERED = re.compile(rf"{YEAR}(?:[-/.]|-?M)?(0[1-9]|1[0-2])|{YEAR}[-/.]([1-9])")
NUMBERED_LATER = re.compile(rf"(0?[1-9]|1[0-2])[-/.]{YEAR}")
DAY = re.compile(rf"{YEAR}-(\d\d)-(\d\d)(?:[T ]00:00(?::00)?)?")
DOTTED_DAY = re.compile(rf"(\d\d?)\.(\d\d?)\.{YEAR}")
QUARTER = re.compile(rf"[QT]([1-4])(?:{GAP}{YEAR}|{GAP}(\d\d))?", re.IGNORECASE)
QUARTER_LATER = re.compile(rf"{YEAR}{GAP}[QT]([1-4])", re.IGNORECASE)
BRACKETS = re.compile(r"\s*[\[(][^\])]*[\])]$")


class Period(NamedTuple):
    """A stretch of time by its kind and the place of its first day; the year may be left open."""

    kind: PeriodKind
    year: int | None
    month: int = 1
    day: int = 1

    @property
    def written(self) -> str:
        """As 2026-10 or 2026-Q4, of which checking takes the end; a day, and a year, as the date of its first day."""
        if self.kind == "quarter":
            return f"{self.year:04}-Q{(self.month + 2) // 3}"
        return f"{self.year:04}-{self.month:02}" + ("" if self.kind == "month" else f"-{self.day:02}")


def _prefixes() -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for number, names in enumerate(MONTHS, 1):
        for name in names.split():
            for length in range(SHORTEST, len(name) + 1):
                found.setdefault(name[:length], set()).add(number)
    return {prefix: next(iter(numbers)) for prefix, numbers in found.items() if len(numbers) == 1}


BY_NAME = _prefixes()


def period_of(name: str) -> Period | None:
    """The period that a column's name is, or None."""
    text = "".join(char for char in unicodedata.normalize("NFKD", name.strip().casefold()) if not unicodedata.combining(char))
    if (match := NAMED.fullmatch(text)) and match[1] in BY_NAME:
        return Period("month", _year(match[2], match[3]), BY_NAME[match[1]])
    if (match := NAMED_LATER.fullmatch(text)) and match[2] in BY_NAME:
        return Period("month", int(match[1]), BY_NAME[match[2]])
    return _by_numbers(text.upper())


def _by_numbers(text: str) -> Period | None:
    if match := NUMBERED.fullmatch(text):
        return Period("month", int(match[1] or match[3]), int(match[2] or match[4]))
    if match := NUMBERED_LATER.fullmatch(text):
        return Period("month", int(match[2]), int(match[1]))
    if match := DAY.fullmatch(text):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := DOTTED_DAY.fullmatch(text):
        return _day(int(match[3]), int(match[2]), int(match[1]))
    if match := QUARTER.fullmatch(text):
        return Period("quarter", _year(match[2], match[3]), 3 * int(match[1]) - 2)
    if match := QUARTER_LATER.fullmatch(text):
        return Period("quarter", int(match[1]), 3 * int(match[2]) - 2)
    return Period("year", int(text)) if re.fullmatch(YEAR, text) else None


def _day(year: int, month: int, day: int) -> Period | None:
    return Period("day", year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _year(long: str | None, short: str | None) -> int | None:
    return int(long) if long else 2000 + int(short) if short else None


def periods_of(names: Sequence[str]) -> dict[str, Period]:
    """The columns that stand for periods of one kind, where there are several and no two the same; words that all of them share don't count."""
    found = {name: period for name in names if (period := period_of(name) or period_of(BRACKETS.sub("", name)))}
    found = found or _after_shared_words(names)
    if found and all(period.kind == "day" and period.day == 1 for period in found.values()):
        found = {name: period._replace(kind="month") for name, period in found.items()}
    kinds = [period.kind for period in found.values()]
    kind = max(sorted(set(kinds)), key=kinds.count, default=None)
    found = {name: period for name, period in found.items() if period.kind == kind}
    return found if len(found) >= MIN_COLUMNS and len(set(found.values())) == len(found) and len({period.year is None for period in found.values()}) == 1 else {}


def _after_shared_words(names: Sequence[str]) -> dict[str, Period]:
    """Periods behind a word that stands before all of them, as in `usage 2026-10`."""
    split = {name: name.strip().split(maxsplit=1) for name in names}
    found = {name: (words[0], period) for name, words in split.items() if len(words) == 2 and (period := period_of(words[1]))}
    return {name: period for name, (_, period) in found.items()} if len({word for word, _ in found.values()}) == 1 else {}
