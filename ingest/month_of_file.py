"""Which month a file without dates is probably about: what its name says, else the month after the last file of its kind. Always a proposal, with its reason."""

import re
from datetime import UTC, date, datetime

from ingest.errors import BadInput
from ingest.store import audit, setups
from ingest.store.database import store
from ingest.values.months import month_names, month_of
from schemas.matching import Period, ProposedPeriod
from schemas.recipe import Part
from schemas.records import ImportRecord

PROPOSED, SAID = "period-proposed", "period-said"
SHORTEST, CLEAR = 3, 4
"""Names of months with fewer letters stand in too many other words; without a year beside it, one with fewer than four is a word of its own in some language."""
ALONE = frozenset({"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "okt", "oct", "nov", "dez", "dec"})
_NAMES = "|".join(re.escape(name) for name in sorted((name for name in month_names() if len(name) >= SHORTEST), key=len, reverse=True))
_DAYS = re.compile(r"(?<!\d)(?:(?P<y>20\d\d)(?P<s>[-_.]?)(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12]\d|3[01])|(?P<d2>0[1-9]|[12]\d|3[01])(?P<s2>[-_.])(?P<m2>0[1-9]|1[0-2])(?P=s2)(?P<y2>20\d\d))(?!\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(20\d\d)[-_. ]?(?:M)?(0[1-9]|1[0-2])(?!\d)", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"(?<!\d)(0[1-9]|1[0-2])[-_. ](20\d\d)(?!\d)")
_NAMED = re.compile(rf"(?<![^\W\d_])({_NAMES})(?![^\W\d_])[-_. ']*(20\d\d(?!\d)|\d\d(?!\d))?", re.IGNORECASE)
_NAMED_LATER = re.compile(rf"(?<!\d)(20\d\d)[-_. ]*({_NAMES})(?![^\W\d_])", re.IGNORECASE)
Month = tuple[int, int]


def propose(record: ImportRecord, part: Part, name: str) -> ProposedPeriod:
    """The period of a file that follows the recipe of this name. Raises BadInput where it can't be told."""
    found = of_recipe(record, part)
    if found is None:
        raise BadInput(f"Rows of this kind carry no date, so the recipe {name!r} needs the period of this file.", "Say it with --period YYYY-MM, or choose it on the page.")
    return found


def of_recipe(record: ImportRecord, part: Part) -> ProposedPeriod | None:
    """The period that a file without dates is probably about; None where that can't be told."""
    return proposed(record, part.event_type, part.period_zone, datetime.now(UTC).date())


def note(import_id: str, found: ProposedPeriod, who: str) -> None:
    """Notes that a period was proposed and not said, so that it is shown until somebody says one."""
    with store().begin() as connection:
        audit.record(connection, who, PROPOSED, import_id, f"{found.period.start} {found.period.end} {found.why}")


def noted(record: ImportRecord) -> str:
    """Why an import has the period that it has, where nobody said it; else empty."""
    notes = [each for each in audit.entries(record.id) if each.action in (PROPOSED, SAID)]
    if not notes or notes[-1].action == SAID or not record.match or not record.match.period:
        return ""
    start, end, why = notes[-1].note.split(" ", 2)
    return why if (record.match.period.start, record.match.period.end) == (start, end) else ""


def say(record: ImportRecord, period: Period, who: str) -> None:
    """Notes that a person said the period, so that it counts as one no more that was only proposed."""
    with store().begin() as connection:
        audit.record(connection, who, SAID, record.id, f"{period.start} {period.end}")


def proposed(record: ImportRecord, slug: str, zone: str, today: date) -> ProposedPeriod | None:
    """The month of an import whose rows carry no date; None where neither its names nor an earlier file says one."""
    for text, why in _names(record):
        if named := month_in_name(text, today):
            return ProposedPeriod(period=whole_month(named, zone), why=why)
    last = setups.last_period(record.account, slug, but=record.id)
    following = _after((int(last[:4]), int(last[5:7]))) if last else None
    if following is None or following > (today.year, today.month):
        return None
    return ProposedPeriod(period=whole_month(following, zone), why=f"the month after the last file of this kind, which was for {last}")


def _names(record: ImportRecord) -> list[tuple[str, str]]:
    """Where a file may say its month: its name, that of its sheet, the lines above its table."""
    report = record.report
    above = [row.text for row in report.excluded if row.row < min(report.header_rows, default=1)] if report else []
    sheet = [f"{report.sheet}."] if report and report.sheet else []
    return [(record.file_name, "from the file's name"), *((name, "from the sheet's name") for name in sheet), *((f"{text}.", "from a line above the table") for text in above)]


def month_in_name(file_name: str, today: date) -> Month | None:
    """The one month that a file's name says, as (year, month). A single day says nothing: it may be when the file was made; a name without a year is the last such month that has begun."""
    text, days = file_name.rpartition(".")[0] or file_name, set()
    for found in _DAYS.finditer(text):
        days.add((int(found["y"] or found["y2"]), int(found["m"] or found["m2"]), int(found["d"] or found["d2"])))
    rest = _DAYS.sub(" ", text)
    months = {(int(year), int(month)) for year, month in _YEAR_FIRST.findall(rest)} | {(int(year), int(month)) for month, year in _MONTH_FIRST.findall(rest)} | _named(rest, today)
    if not months and len(days) > 1 and min(days)[2] == 1:
        months = {(year, month) for year, month, _ in days}
    return months.pop() if len(months) == 1 else None


def whole_month(month: Month, zone: str) -> Period:
    """A month as a period."""
    after = _after(month)
    return Period(start=f"{month[0]:04}-{month[1]:02}-01", end=f"{after[0]:04}-{after[1]:02}-01", zone=zone)


def _named(text: str, today: date) -> set[Month]:
    later = {(int(year), month_of(name)) for year, name in _NAMED_LATER.findall(text)}
    if later:
        return later
    return {_with_year(month_of(name), year, today) for name, year in _NAMED.findall(text) if year or len(name) >= CLEAR or name.casefold() in ALONE}


def _with_year(month: int, year: str, today: date) -> Month:
    if year:
        return int(year) % 100 + 2000, month
    return (today.year if month <= today.month else today.year - 1), month


def _after(month: Month) -> Month:
    return (month[0] + 1, 1) if month[1] == 12 else (month[0], month[1] + 1)
