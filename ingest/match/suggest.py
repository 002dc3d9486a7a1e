"""Columns proposed for fields. Names alone are right four times in five, so only an equal name is certain, and what the cells look like has a say."""

import re
from collections.abc import Iterator, Sequence
from math import ceil

from rapidfuzz import fuzz

from ingest.match.names import BRACKETS, PLACE, SYNONYMS, field_names, is_identifying, is_money, is_surely_money, readings, words
from ingest.raw import OWN_COLUMNS, added_columns
from ingest.values.units import CODES, SIGNS
from schemas.event_type import NUMERIC_TYPES, OUR_FIELDS, ROOT_FIELDS, EventType, Field, FieldType
from schemas.matching import ColumnProfile, Suggestion
from schemas.reading import Confidence

RANK: dict[Confidence, int] = {"certain": 0, "likely": 1, "possible": 2}
LIKELY, POSSIBLE = 90, 84
MANY = 3
CURRENCY = re.compile(rf"{'|'.join(map(re.escape, SIGNS))}|\b(?:{'|'.join(CODES)})\b")
DAYS_ONLY = 6
"""How much less telling a column of days is than one of times."""
METERED = {"usage", "consumed", "billed", "metered", "used", "quantity", "qty"}
"""Words that make an amount one of usage, and not of money."""
FITS: dict[FieldType, tuple[FieldType, ...]] = {
    "Int64": NUMERIC_TYPES, "Float64": NUMERIC_TYPES, "Decimal": NUMERIC_TYPES,
    "DateTime64": ("DateTime64", "Date32"), "Date32": ("DateTime64", "Date32"), "UUID": ("UUID",), "Bool": ("Bool", "Int64"),
}
"""Which proposed types of a column fit a field; a String takes anything."""

Candidate = tuple[tuple[int, float], Suggestion]


def suggest(profiles: Sequence[ColumnProfile], event_type: EventType) -> tuple[Suggestion, ...]:
    """At most one column a field and one field a column, the surest first; in the order of the event type's fields, root fields first."""
    added = added_columns([profile.column for profile in profiles])
    profiles = [profile for profile in profiles if profile.column not in added]
    fields = (Field(name="customer_id", type="String"), Field(name="timestamp", type="DateTime64"), *event_type.usage_fields)
    made_from = field_names(tuple(profile.column for profile in profiles), (*ROOT_FIELDS, *OUR_FIELDS, "content", *OWN_COLUMNS))
    candidates = [found for field in fields for profile in profiles for found in _candidates(field, profile, made_from[profile.column])]
    candidates += [*_only_time(profiles), *(found for field in event_type.usage_fields for found in _only_number(field, profiles))]
    chosen: dict[str, Suggestion] = {}
    used: set[str] = set()
    for _, found in sorted(candidates, key=lambda candidate: candidate[0]):
        if found.field not in chosen and found.column not in used:
            chosen[found.field] = found
            used.add(found.column)
    return tuple(_doubted(chosen[field.name], candidates, {each.column for name, each in chosen.items() if name != field.name}) for field in fields if field.name in chosen)


def _doubted(found: Suggestion, candidates: Sequence[Candidate], elsewhere: set[str]) -> Suggestion:
    """A certain proposal is certain only when no other free column has as good a claim."""
    claim = next(ceil(score) for (_, score), each in candidates if each is found)
    rivals = [each.column for (rank, score), each in candidates if each.field == found.field and each.column not in {found.column, *elsewhere} and rank == 0 and ceil(score) <= claim]
    if found.confidence == "certain" and rivals:
        return found.model_copy(update={"confidence": "possible", "why": f"several columns have this name: {found.column!r} and {rivals[0]!r}"})
    return found


def _candidates(field: Field, profile: ColumnProfile, made_from: str) -> Iterator[Candidate]:
    """Scores of certain ones: 0 the very name, up to 1 the same words, up to 2 the same words without what is in brackets. The column a field was made from goes first."""
    names, wanted = readings(profile.column), words(field.name)
    bare = words(BRACKETS.sub(" ", profile.column))
    bracketed = BRACKETS.search(profile.column) is not None
    first = 0.5 if made_from == field.name else 0
    if profile.column == field.name:
        yield _candidate(field, profile, "the same name", "certain", 0)
    elif not bracketed and words(profile.column) == wanted:
        yield _candidate(field, profile, "the same name", "certain", 1 - first)
    elif first or (bare or words(profile.column)) == wanted:
        yield _candidate(field, profile, "the same name, apart from what is in brackets" if bracketed else "the same name", "certain", 2 - first)
    elif _fits(field, profile):
        yield from _by_meaning(field, profile, names, wanted)


def _candidate(field: Field, profile: ColumnProfile, why: str, confidence: Confidence, score: float) -> Candidate:
    return (RANK[confidence], score), Suggestion(field=field.name, column=profile.column, why=why, confidence=confidence)


def _fits(field: Field, profile: ColumnProfile) -> bool:
    if field.name in ROOT_FIELDS and 0 < profile.rows == profile.empty:
        return False
    if field.type == "String":
        return field.name != "customer_id" or profile.proposed_type not in ("Decimal", "Float64", "DateTime64", "Date32", "Bool")
    return profile.proposed_type in FITS[field.type] or profile.empty == profile.rows and PLACE.get(words(field.name), (None, 0))[0] != PLACE["quantity"][0]


def _by_meaning(field: Field, profile: ColumnProfile, names: tuple[str, ...], wanted: str) -> Iterator[Candidate]:
    if wanted in names:
        yield _candidate(field, profile, "the same name, apart from what stands around it", "likely", 0)
        return
    group = PLACE.get(wanted, (None, 0))[0]
    if group == PLACE["quantity"][0] and not is_money(field.name) and wears_a_currency(profile):
        return
    known = [PLACE[name] for name in names if name in PLACE]
    places = [place for found, place in known if found == group]
    if places:
        yield _candidate(field, profile, f"{profile.column!r} is another word for {SYNONYMS[group][0]}", "likely", 1 + min(places) + (DAYS_ONLY if field.type == "DateTime64" and profile.proposed_type == "Date32" else 0))
        return
    if known and group is not None:
        return  # both names are known, and they mean different things
    ends = [place for name in names for tail in _tails(name) for found, place in [PLACE.get(tail, (None, 0))] if group is not None and found == group]
    if ends and not (group == PLACE["quantity"][0] and is_surely_money(profile.column) and not set(words(profile.column).split()) & METERED):
        yield _candidate(field, profile, f"{profile.column!r} ends in another word for {SYNONYMS[group][0]}", "possible", 1 + min(ends))
        return
    score = max(max(fuzz.ratio(name, wanted), fuzz.token_sort_ratio(name, wanted)) for name in names) if names else 0
    if score >= LIKELY and len(wanted) > MANY:
        yield _candidate(field, profile, f"a similar name ({score:.0f} of 100)", "likely", 200 - score)
    elif score >= POSSIBLE or (len(wanted) > MANY and any(_contains(name, wanted) for name in names)):
        yield _candidate(field, profile, "a similar name", "possible", 200 - score)


def wears_a_currency(profile: ColumnProfile) -> bool:
    """Whether cells say that they are money."""
    return bool(profile.examples) and all(CURRENCY.search(text) for text in profile.examples)


def _tails(name: str) -> list[str]:
    """What a name ends in: `bill payer account id` in `payer account id`, `account id`, `id`."""
    parts = name.split()
    return [" ".join(parts[place:]) for place in range(1, len(parts))]


def _contains(name: str, wanted: str) -> bool:
    return set(wanted.split()) <= set(name.split())


def _only_time(profiles: Sequence[ColumnProfile]) -> Iterator[Candidate]:
    """The one column whose cells are times; with several of them, only a person knows."""
    dated = [profile for profile in profiles if profile.proposed_type in ("DateTime64", "Date32")]
    if len(dated) == 1:
        yield _candidate(Field(name="timestamp", type="DateTime64"), dated[0], "its cells look like timestamps", "possible", 300)


def _only_number(field: Field, profiles: Sequence[ColumnProfile]) -> Iterator[Candidate]:
    """The one column of numbers that are neither money nor names of something, for the field that is how much was used."""
    if field.type not in NUMERIC_TYPES or PLACE.get(words(field.name), (None, 0))[0] != PLACE["quantity"][0]:
        return
    counted = [profile for profile in profiles if profile.proposed_type in NUMERIC_TYPES and not is_surely_money(profile.column) and not is_identifying(profile.column) and not wears_a_currency(profile)]
    if len(counted) == 1:
        yield _candidate(field, counted[0], "it is the only column of numbers that aren't money", "possible", 300)
