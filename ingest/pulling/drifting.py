"""Columns that came or went since this source was last sent. One that billed and is gone stops the run; one that would bill now is asked about, or taken along, as the source says."""

from collections.abc import Sequence

from ingest import imports, recipes
from ingest.errors import BadInput
from ingest.store import imports as records
from schemas.event_type import ROOT_FIELDS
from schemas.matching import FieldMatch, MatchSpec
from schemas.records import ImportRecord
from schemas.source import Source


def last_match(source: Source, slug: str) -> MatchSpec | None:
    """How the columns of this source were matched when usage of this kind was last sent; None where it never was."""
    last = records.last_of(f"source {source.name}", slug)
    return last.match if last else None


def refuse_gone(columns: tuple[str, ...], source: Source, last: MatchSpec) -> None:
    """Raises BadInput for a column that isn't there any more, and from which a field came until now."""
    there = {_folded(name) for name in columns}
    filled = {match.field: match.column for match in last.matches if match.column is not None} | source.match
    for field, column in filled.items():
        if _folded(column) not in there and field not in source.constants:
            likely = recipes.between(_known(last), columns).renamed.get(column)
            called = f"It may be called {likely!r} now. " if likely else ""
            raise BadInput(f"There is no column {column!r} any more, from which {field} came until now.", f"{called}Say which column it is under match: of the source ({field}: {likely or 'COLUMN'}), then run it again; or, for this time only, match the import on its page.")


def as_before(spec: MatchSpec, source: Source, last: MatchSpec | None) -> MatchSpec:
    """What is certain of a specification; once usage was sent, of the fields that were filled then or that the source names itself."""
    said = {*source.match, *source.constants}
    return _with(spec, [match for match in spec.matches if match.confidence == "certain" and (last is None or match.field in said or last.of(match.field))])


def with_new_columns(record: ImportRecord, spec: MatchSpec, source: Source, last: MatchSpec) -> tuple[MatchSpec, str]:
    """The specification with columns that came, and a sentence about them. One that would fill a field which nothing filled until now is asked about (raises BadInput), or fills it where the source says `take`.

    Without a key of the source's own, a row with one more field would be another row, and be billed once more where it is read again: there such a column is left aside.
    """
    fitting = _fitting(record, spec, last)
    if fitting and source.drift == "ask":
        field, column = fitting[0].field, fitting[0].column
        raise BadInput(
            f"The column {column!r} is new and would fill the field {field}, which nothing filled until now: that may change what is billed.",
            f"Add it under match: of the source ({field}: {column}) or say drift: take, then run it again; or match this import on its page: what is left out there stays left out.")
    taken = fitting if source.read.key else []
    spec = _with(spec, (*spec.matches, *taken))
    aside = [name for name in spec.ignored if name not in _known(last)]
    said = [*([f"New and taken along: {_listed([match.column for match in taken])}."] if taken else []), *([f"New and left aside: {_listed(aside)}."] if aside else [])]
    if fitting and not taken:
        said.append("With a key of the source, which tells rows apart whatever their fields, it could be taken along.")
    return spec, " ".join(said)


def _fitting(record: ImportRecord, spec: MatchSpec, last: MatchSpec) -> list[FieldMatch]:
    """Columns that certainly are fields nothing fills: those that are new, or whose field is. What was left out before stays so."""
    fields = {*ROOT_FIELDS, *(field.name for field in last.event_type.fields)}
    found = [each for each in imports.suggestions(record.id, spec.event_type) if each.confidence == "certain" and each.column in spec.ignored and spec.of(each.field) is None]
    return [FieldMatch(field=each.field, column=each.column, why=each.why) for each in found if each.column not in _known(last) or each.field not in fields]


def _with(spec: MatchSpec, matches: Sequence[FieldMatch]) -> MatchSpec:
    """The specification with these matches; every other column is left aside, and a key that has fields which aren't matched now is none."""
    names = dict.fromkeys((*(match.column for match in spec.matches if match.column is not None), *spec.ignored))
    used, fields = {match.column for match in matches}, {match.field for match in matches} | ({"timestamp"} if spec.period else set())
    key = spec.key if spec.key and set(spec.key) <= fields else None
    return spec.model_copy(update={"matches": tuple(matches), "ignored": tuple(name for name in names if name not in used), "key": key})


def _known(last: MatchSpec) -> tuple[str, ...]:
    return (*(match.column for match in last.matches if match.column is not None), *last.ignored)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _folded(name: str) -> str:
    return name.strip().casefold()
