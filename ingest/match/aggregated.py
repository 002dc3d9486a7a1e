"""Usage that was added up before it came: what the cells say about months in ways that are no date yet, with the corrections that make one of them. Only ever offered."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path

from ingest.match.kinds import kinds_in
from ingest.match.names import is_of, readings
from ingest.raw import added_columns
from ingest.values.months import month_of
from schemas.correcting import Correction, CorrectionOffer, Join, ReplacePattern, Split, creates, needs
from schemas.matching import ColumnProfile
from schemas.reading import ReadReport

MONTHS = {"month", "usage month", "billing month", "service month", "monat", "leistungsmonat", "abrechnungsmonat", "mois", "mes", "mese", "maand"}
YEARS = {"year", "usage year", "billing year", "jahr", "annee", "ano", "anno", "jaar"}
YEAR = re.compile(r"(?:19|20)\d\d")
NUMBER = re.compile(r"0?[1-9]|1[0-2]")
WORD = re.compile(r"([^\W\d_]{3,})\.?")
MONTH_AND_AMOUNT = re.compile(r"(?P<month>(?P<word>[^\W\d_]{3,})\.?(?:[ ./'-]*(?P<year>(?:19|20)\d\d))?|(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2]))\s*(?P<mark>[:=|–—]| - )\s*[-+(]?\d.*")
SAID = r"^\s*(\p{L}{3,})\.?\s*$"
LOOKED_AT = 50


def offers(raw_folder: Path, report: ReadReport, profiles: Sequence[ColumnProfile], year: int) -> tuple[CorrectionOffer, ...]:
    """What can be made of columns that name months without being dates. `year` is the one that months without a year are taken for."""
    corrected = {name for each in report.corrections for name in (*needs(each), *creates(each))}
    skipped = {*corrected, *added_columns(report.columns), *(profile.column for profile in profiles if profile.proposed_type in ("DateTime64", "Date32"))}
    cells = {profile.column: [found.value for found in kinds_in(raw_folder, report, profile.column, but=[""], limit=LOOKED_AT)] for profile in profiles if profile.column not in skipped and _may_be(profile)}
    found = {column: values for column, values in cells.items() if values}
    if any(profile.proposed_type in ("DateTime64", "Date32") and is_of(profile.column, "timestamp") for profile in profiles):
        found = {column: values for column, values in found.items() if not _speaks_of(column, MONTHS | YEARS)}  # they only repeat the date
    return tuple(_found(report, found, year))


def _may_be(profile: ColumnProfile) -> bool:
    """Whether the first cells leave room for a month: looking at all would take long."""
    return bool(profile.examples) and (_speaks_of(profile.column, MONTHS | YEARS) or all(map(MONTH_AND_AMOUNT.fullmatch, profile.examples)))


def _found(report: ReadReport, cells: dict[str, list[str]], year: int) -> Iterator[CorrectionOffer]:
    years = [column for column, values in cells.items() if _speaks_of(column, YEARS) and all(map(YEAR.fullmatch, values))]
    for column, values in cells.items():
        if _speaks_of(column, MONTHS) and (all(map(NUMBER.fullmatch, values)) or _names_months(values)):
            if years:
                yield _joined(report, column, years[0], " " if _names_months(values) else "/")
            elif _names_months(values):
                yield CorrectionOffer(text=f"{column!r} names months without a year ({values[0]!r}). Are they of {year}?", corrections=(_with_year(column, year),))
        elif offer := _apart(report, column, values, year):
            yield offer


def _joined(report: ReadReport, month: str, year: str, separator: str) -> CorrectionOffer:
    into = _new(report, "period")
    return CorrectionOffer(text=f"{month!r} and {year!r} say together which month a row is of. Shall they be joined, as {into!r}?", corrections=(Join(columns=(month, year), separator=separator, into=into),))


def _apart(report: ReadReport, column: str, values: Sequence[str], year: int) -> CorrectionOffer | None:
    """The offer for cells such as `October: 320 hours`."""
    matched = [found for value in values if (found := MONTH_AND_AMOUNT.fullmatch(value.strip())) and (found["word"] is None or month_of(found["word"]))]
    marks = {found["mark"] for found in matched}
    if len(matched) < len(values) or len(marks) != 1:
        return None
    month, quantity = _new(report, "month"), _new(report, "quantity")
    corrections: list[Correction] = [Split(column=column, separator=marks.pop().strip(), into=(month, quantity))]
    bare = [found for found in matched if found["word"] and not found["year"]]
    said = f" The months have no year: they are taken for months of {year}." if bare else ""
    return CorrectionOffer(text=f"{column!r} holds the month and the amount in one cell ({values[0]!r}). Shall they be taken apart, as {month!r} and {quantity!r}?{said}", corrections=(*corrections, *([_with_year(month, year)] if bare else [])))


def _with_year(column: str, year: int) -> ReplacePattern:
    """The year belongs to this file: next year's is another."""
    return ReplacePattern(column=column, pattern=SAID, replacement=rf"\1 {year}", of_this_file=True)


def _names_months(values: Sequence[str]) -> bool:
    return all((found := WORD.fullmatch(value.strip())) and month_of(found[1]) for value in values)


def _speaks_of(column: str, headings: set[str]) -> bool:
    return any(name in headings for name in readings(column))


def _new(report: ReadReport, name: str) -> str:
    """A name for a new column that no other has."""
    taken = {column.lower() for column in report.columns}
    return next(free for free in chain([name], (f"{name}_{number}" for number in count(2))) if free not in taken)
