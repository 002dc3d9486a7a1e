"""Which kind of usage a row is: columns that may say it, and columns that are a usage each. Only ever offered."""

from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

from ingest.engine import engine, identifier
from ingest.match.names import PLACE, is_identifying, is_money, readings
from ingest.match.suggest import wears_a_currency
from ingest.raw import as_read
from ingest.values.text import trimmed
from ingest.values.units import SPELLINGS, targets
from schemas.correcting import creates
from schemas.dividing import DivisionOffer, KindFound
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import ColumnProfile
from schemas.reading import ReadReport

KINDS = (
    "meter", "meter name", "metric", "metric name", "usage type", "usage kind", "kind of usage", "type of usage", "event type", "event name", "service", "service name", "kind", "measure", "meter category", "charge type", "record type", "billing metric",
    "zahler", "messgrosse", "verbrauchsart", "nutzungsart", "leistungsart", "leistung", "dienst", "abrechnungsart", "art", "service type", "type d usage", "type de consommation", "servicio", "tipo de uso", "servizio", "dienst naam",
)
"""Headings of columns that say which kind of usage a row is."""
UNIT = PLACE["unit"][0]
QUANTITY = PLACE["quantity"][0]
ROOTS = {PLACE["customer"][0], PLACE["timestamp"][0]}
DIFFERS = "differs with it"
MOST = 12
"""More kinds than these are a dimension of one kind of usage."""
PARTS_OF_A_DATE = {"month", "year", "day", "hour", "monat", "jahr", "tag", "stunde", "mois", "annee", "jour", "mes", "ano", "dia", "mese", "anno", "giorno"}
STRONG = {"quantity", "qty", "consumption", "menge", "verbrauch", "quantite", "cantidad", "quantita"}
"""What a heading ends in that is simply the quantity: `Verbrauchte Menge`."""
SHOWN = 50


def kinds_in(raw_folder: Path, report: ReadReport, column: str, *, but: Collection[str] = (), limit: int = SHOWN) -> tuple[KindFound, ...]:
    """The texts of a column as it was read, most rows first; the empty one is an empty text. `but` are left out."""
    with engine() as connection:
        rows = connection.execute(f"""
            select coalesce({trimmed(identifier(column))}, '') as value, count(*) as n from ({as_read(raw_folder, report)}) group by 1
            having not list_contains(?::varchar[], value) order by n desc, value limit ?""", [list(but), limit]).fetchall()
    return tuple(KindFound(value=value, rows=count) for value, count in rows)


def offers(raw_folder: Path, report: ReadReport, profiles: Sequence[ColumnProfile]) -> tuple[DivisionOffer, ...]:
    """Ways to take this file apart, the likeliest first: none for an ordinary file."""
    added = {name for each in report.corrections for name in creates(each)}
    profiles = [profile for profile in profiles if profile.column not in added]
    unit = next((profile.column for profile in profiles if UNIT in _groups(profile.column) and _distinct(profile) > 1), None)
    likely = [profile.column for profile in profiles if profile.column != unit and 1 < _distinct(profile) <= 2 * MOST and profile.rows > profile.distinct and _may_say(profile, unit)]
    by_column = [offer for column in likely if (offer := _by_column(raw_folder, report, column, unit))]
    if unit and not any(offer.why.endswith(DIFFERS) for offer in by_column):
        by_column += _by_unit(raw_folder, report, unit)
    beside = _measures(profiles)
    return (*sorted(by_column, key=lambda offer: len(offer.kinds)), *([beside] if beside else []))


def _distinct(profile: ColumnProfile) -> int:
    """About how many texts a column has: the count is an estimate, which can be too low by one."""
    return max(profile.distinct, len(set(profile.examples)))


def _may_say(profile: ColumnProfile, unit: str | None) -> bool:
    if any(name in KINDS for name in readings(profile.column)):
        return True
    return unit is not None and profile.proposed_type == "String" and not is_identifying(profile.column) and not _groups(profile.column) & ROOTS


def _by_column(raw_folder: Path, report: ReadReport, column: str, unit: str | None) -> DivisionOffer | None:
    """The offer of a column that has a telling name, or whose every text comes with a unit of its own."""
    found = kinds_in(raw_folder, report, column, limit=MOST + 1)
    named = any(name in KINDS for name in readings(column))
    if not 1 < len(found) <= MOST:
        return None
    if unit and _settles(raw_folder, report, column, unit):
        return DivisionOffer(column=column, kinds=found, why=f"{unit!r} {DIFFERS}")
    return DivisionOffer(column=column, kinds=found, why="its heading speaks of kinds of usage") if named else None


def _by_unit(raw_folder: Path, report: ReadReport, unit: str) -> list[DivisionOffer]:
    """The offer of the units themselves, where they are of different kinds, so that no conversion makes one of them."""
    found = kinds_in(raw_folder, report, unit, limit=MOST + 1)
    known = [SPELLINGS.get(each.value) for each in found]
    if not 1 < len(found) <= MOST or not all(known) or targets(list(dict.fromkeys(known))):
        return []
    return [DivisionOffer(column=unit, kinds=found, why="these units measure different things")]


def _settles(raw_folder: Path, report: ReadReport, column: str, unit: str) -> bool:
    """Whether each text of the column has one unit, and several units occur."""
    with engine() as connection:
        each, units = connection.execute(f"""
            with pairs as (select distinct {trimmed(identifier(column))} as kind, {trimmed(identifier(unit))} as unit from ({as_read(raw_folder, report)}))
            select (select max(n) from (select count(*) as n from pairs group by kind)), count(distinct unit) from pairs""").fetchone()
    return each == 1 and units > 1


def _measures(profiles: Sequence[ColumnProfile]) -> DivisionOffer | None:
    """Numbers side by side of which none is simply the quantity, a price or a name."""
    runs = [[profile.column for profile in run] for good, run in groupby(profiles, key=_is_measure) if good]
    longest = max(runs, key=len, default=[])
    if len(longest) < 2 or any(QUANTITY in _groups(profile.column) or any(name.split()[-1] in STRONG for name in readings(profile.column)) for profile in profiles):
        return None
    return DivisionOffer(measures=tuple(longest), why="these numbers stand side by side, and none of them is called a quantity")


def _is_measure(profile: ColumnProfile) -> bool:
    named = set(readings(profile.column))
    return profile.proposed_type in NUMERIC_TYPES and not named & PARTS_OF_A_DATE and not is_money(profile.column) and not is_identifying(profile.column) and not wears_a_currency(profile)


def _groups(column: str) -> set[int]:
    return {PLACE[name][0] for name in readings(column) if name in PLACE}
