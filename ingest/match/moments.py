"""The day in one column and the time of day in another: offered to be joined, where the cells of both make moments. Only ever offered."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.engine import engine, identifier
from ingest.match.names import is_duration, words
from ingest.match.profile import MOSTLY, TESTS
from ingest.raw import added_columns, raw_query
from ingest.values.text import trimmed
from ingest.values.zones import said_zone
from ingest.wording import count
from schemas.correcting import CorrectionOffer, Join, creates, needs
from schemas.matching import ColumnProfile
from schemas.reading import ReadReport

CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?")
OF_THE_DAY = {"date", "day", "datum", "tag", "fecha", "data", "dag", "jour", "dia", "giorno"}
OF_THE_CLOCK = {"time", "zeit", "uhrzeit", "heure", "hora", "ora", "tijd", "tid", "clock", "hour"}
LOOKED_AT = 2_000
"""Rows whose two cells are read together before anything is offered."""


def joins(raw_folder: Path, report: ReadReport, profiles: Sequence[ColumnProfile]) -> tuple[CorrectionOffer, ...]:
    """The offers, the first for the time of the usage; none where a column holds whole moments already."""
    corrected = {name for each in report.corrections for name in (*needs(each), *creates(each))}
    left = [profile for profile in profiles if profile.column not in {*corrected, *added_columns(report.columns)} and profile.examples]
    if any(profile.proposed_type == "DateTime64" and not _is_clock(profile) for profile in profiles):
        return ()
    days = [profile for profile in left if profile.proposed_type == "Date32"]
    pairs = [(day, clock) for clock in left if days and _is_clock(clock) and (day := _nearest(days, clock, report.columns)) and _make_moments(raw_folder, report, day.column, clock.column)]
    return tuple(_offers(pairs, report))


def _is_clock(profile: ColumnProfile) -> bool:
    """Whether the first cells are times of day, and the heading doesn't say that they are how long something took."""
    return not is_duration(profile.column) and bool(profile.examples) and all(map(CLOCK.fullmatch, profile.examples)) and (profile.proposed_type != "Decimal" or bool(set(words(profile.column).split()) & OF_THE_CLOCK))


def _nearest(days: Sequence[ColumnProfile], clock: ColumnProfile, columns: Sequence[str]) -> ColumnProfile:
    """The day that belongs to a time: of the same name but for the words of day and time, else the nearest column."""
    return min(days, key=lambda day: (_said(day.column, OF_THE_DAY) != _said(clock.column, OF_THE_CLOCK), abs(columns.index(day.column) - columns.index(clock.column))))


def _said(column: str, but: set[str]) -> list[str]:
    return [word for word in words(column).split() if word not in but]


def _make_moments(raw_folder: Path, report: ReadReport, day: str, clock: str) -> bool:
    """Whether the cells of both, one behind the other, are dates with a time of day."""
    first, second = (trimmed(identifier(column)) for column in (day, clock))
    with engine() as connection:
        rows, good = connection.execute(f"""
            select count(*), count(*) filter (({TESTS["dates"].replace("{t}", "t")}) and {TESTS["clocks"].replace("{t}", "t")})
            from (select concat_ws(' ', {first}, {second}) as t from ({raw_query(raw_folder, report)}) where {first} is not null and {second} is not null limit {LOOKED_AT})""").fetchone()
    return rows > 0 and good >= MOSTLY * rows


def _offers(pairs: Sequence[tuple[ColumnProfile, ColumnProfile]], report: ReadReport) -> Iterator[CorrectionOffer]:
    taken = {column.lower() for column in report.columns}
    for day, clock in pairs:
        zone = said_zone(clock.column) or said_zone(day.column)
        zoned = f" ({zone})" if zone and said_zone(f"timestamp ({zone})") == zone else ""
        into = next(name for name in (f"timestamp{zoned}", f"{day.column} and {clock.column}", f"{day.column} and {clock.column} joined") if name.lower() not in taken)
        taken.add(into.lower())
        empty = f" In {count(clock.empty, 'row')} there is no time of day: that is the beginning of the day." if clock.empty else ""
        text = f"{day.column!r} holds days ({day.examples[0]}) and {clock.column!r} the time of day ({clock.examples[0]}). Shall they be joined, as {into!r} ({day.examples[0]} {clock.examples[0]})?{empty}"
        yield CorrectionOffer(text=text, corrections=(Join(columns=(day.column, clock.column), separator=" ", into=into),))
