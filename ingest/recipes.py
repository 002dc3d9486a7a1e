"""Recipes at work: made from an import that came out right, suggested for files they fit, followed by the next file of the kind, written down as YAML."""

from collections.abc import Mapping, Sequence

import yaml
from pydantic import ValidationError
from rapidfuzz import fuzz

from ingest import fixing, imports, month_of_file
from ingest.errors import BadInput, NotReady, Unreadable
from ingest.store import corrections, divisions
from ingest.store import imports as records
from ingest.store import recipes as stored
from schemas.check_setting import CheckSetting
from schemas.correcting import Correction, DropRows, SetCells, SetWhere, creates
from schemas.event_type import ROOT_FIELDS, EventType
from schemas.matching import ACKNOWLEDGED, FieldMatch, MatchSpec, Period
from schemas.reading import ReadReport
from schemas.recipe import Drift, Part, Recipe, StoredRecipe
from schemas.records import ImportRecord

OF_ONE_FILE = ("sent_differently", "changed_rows")
"""Answers that hold for one file only."""
ALIKE = 80.0
"""How alike, out of 100, a gone and a new column's names must be to be taken for one another in a suggestion."""


def save_from(import_id: str, name: str, who: str) -> StoredRecipe:
    """A recipe of how an import is read, matched and corrected; single cells and rows, which are this file's own, are left out."""
    return stored.save(made_from(import_id, name), who)


def made_from(import_id: str, name: str) -> Recipe:
    """That recipe, without keeping it."""
    members = imports.together(imports.read_record(import_id))
    first, *others = [_learnt(each.id) for each in members]
    record, division = members[0], divisions.get(members[0].division) if members[0].division else None
    added = {column for correction in corrections_of(record.id) for column in creates(correction)}
    return Recipe(
        **first, name=name.strip(), columns=tuple(column for column in imports.read_record(record.id).report.columns if column not in added), read=record.read_spec.model_copy(update={"keep_rows": ()}),
        by=division and division.column, others=tuple(Part(**each) for each in others), left_out=division.left_out if division else (),
    )


def corrections_of(import_id: str) -> list[Correction]:
    """The corrections of an import that are done."""
    return [each.correction for each in corrections.of_import(import_id) if not each.undone]


def kept_corrections(import_id: str) -> tuple[Correction, ...]:
    """The corrections of an import that a recipe made from it repeats in every later file."""
    return tuple(_brought(each, by_recipe=False) for each in corrections_of(import_id) if _of_the_kind(each))


def _learnt(import_id: str) -> dict[str, object]:
    """The fields of a Part, as one import has them."""
    record = imports.read_record(import_id)
    match = record.match
    if match is None:
        raise NotReady(f"The columns of {'this import' if not record.division else 'another kind of usage in this file'} aren't matched yet, so there is nothing to keep.", "Say what this usage is first.")
    return {
        "event_type": match.event_type.slug, "values": imports.values_of(record), "matches": tuple(_plain(each) for each in match.matches), "ignored": match.ignored, "key": match.key,
        "answers": {question: value for question, value in {**(record.check.settled if record.check else {}), **match.answers}.items() if question not in OF_ONE_FILE and not question.startswith(ACKNOWLEDGED)},
        "checks": match.checks, "corrections": kept_corrections(import_id), "has_period": match.period is not None,
        "period_zone": match.period.zone if match.period else "UTC",
    }


def fitting(import_id: str) -> list[tuple[StoredRecipe, Drift]]:
    """Recipes that an import fits, the best first: all columns that the recipe uses are there, or all sheets that it takes apart."""
    report = imports.read_record(import_id).report
    found = [(each, _drift_of(each.recipe, report)) for each in stored.newest() if _fits(each.recipe, report)]
    return sorted(found, key=lambda pair: (len(pair[1].gone) + len(pair[1].new), pair[0].recipe.name))


def _fits(recipe: Recipe, report: ReadReport) -> bool:
    if recipe.is_by_sheet:
        return {sheet for part in recipe.parts for sheet in part.values} <= set(report.sheets)
    return not recipe.columns or needed(recipe) <= set(report.columns)


def _drift_of(recipe: Recipe, report: ReadReport) -> Drift:
    """How the file differs; nothing is known of a sheet that wasn't read."""
    if recipe.is_by_sheet and report.sheet != recipe.read.sheet:
        return Drift()
    return drift(_as_it_comes(recipe), report.columns)


def _as_it_comes(recipe: Recipe) -> Recipe:
    """A recipe with the columns that its files have before some are turned into rows."""
    return recipe.model_copy(update={"columns": (*(name for name in recipe.columns if name not in _turned(recipe)), *recipe.read.measures)})


def drift(recipe: Recipe, columns: tuple[str, ...]) -> Drift:
    """How a file's columns differ from the recipe's."""
    return between(recipe.columns, columns)


def between(before: tuple[str, ...], columns: tuple[str, ...]) -> Drift:
    """How a file's columns differ from those that there were before."""
    gone, new = tuple(name for name in before if name not in columns), tuple(name for name in columns if name not in before)
    scores = sorted(((fuzz.ratio(_folded(old), _folded(name)), old, name) for old in gone for name in new), reverse=True)
    renamed: dict[str, str] = {}
    for score, old, name in scores:
        if score >= ALIKE and old not in renamed and name not in renamed.values():
            renamed[old] = name
    return Drift(gone=gone, new=new, renamed=renamed)


def needed(recipe: Recipe) -> set[str]:
    """The columns of the file, as it comes, that a recipe can't do without."""
    parts = recipe.parts if recipe.by else (recipe,)  # other sheets have columns of their own
    made = {name for part in parts for correction in part.corrections for name in creates(correction)}
    taken = {match.column for part in parts for match in part.matches if match.column is not None} | ({recipe.by} if recipe.by else set())
    return taken - made - set(_turned(recipe)) | set(recipe.read.measures)


def _turned(recipe: Recipe) -> tuple[str, ...]:
    """The two columns that take the place of those that are turned into rows."""
    return recipe.columns[-2:] if recipe.read.turn == "measures" else ()


def follow(import_id: str, recipe: Recipe, event_type: EventType, account: str, who: str, *, answers: Mapping[str, str] | None = None, matches: Mapping[str, str] | None = None, period: Period | None = None, checks: Mapping[str, CheckSetting] | None = None, others: Sequence[EventType] = ()) -> Drift:
    """Reads, corrects and matches an import as the recipe says; what is said here goes before it. How the file's columns drifted from the recipe's. `others` are the event types of the other kinds of usage in the file.

    Raises BadInput where a needed column is gone, naming what it may be called now, or where the period has to be said. A period that is only proposed is noted (ingest/month_of_file.py).
    """
    record = imports.read(import_id, recipe.read)
    if record.state == "unreadable":
        raise Unreadable(record.message)
    drifted = drift(recipe, record.report.columns)
    dateless = next((part for part in recipe.parts if part.has_period), None)
    proposed = month_of_file.propose(record.model_copy(update={"account": account}), dateless, recipe.name) if dateless and period is None else None
    period = proposed.period if proposed else period
    if recipe.by is not None and recipe.by not in record.report.columns:
        raise BadInput(f"The recipe {recipe.name!r} takes the kind of usage from the column {recipe.by!r}, which this file hasn't.", f"New in this file: {', '.join(map(repr, drifted.new)) or 'nothing'}.")
    types = {each.slug: each for each in (event_type, *others)}
    members = imports.divide(import_id, recipe.by, [part.values for part in recipe.parts], who, left_out=recipe.left_out) if recipe.is_divided else [record]
    try:
        for member, part in zip(members, recipe.parts, strict=True):
            _keep_corrections(member.id, part, who)
            said = {field: column for field, column in (matches or {}).items() if len(members) == 1 or types[part.event_type].has(field) or field in ROOT_FIELDS}
            spec = _spec(imports.read_record(member.id), recipe.name, part, types[part.event_type], dict(answers or {}), said, period if part.has_period or not recipe.is_divided else None, drifted, dict(checks or {}))
            imports.set_match(member.id, spec, account, who)
            if proposed and spec.period:
                month_of_file.note(member.id, proposed, who)
    except BadInput:
        if not record.division and recipe.is_divided:
            imports.put_together(import_id, who)
            records.change(import_id, state="read", match=record.match, event_type=record.event_type)  # as it was, so that it can be set up in another way
        raise
    return drifted


def as_document(recipe: Recipe) -> dict[str, object]:
    """A recipe as plain values, without what says nothing."""
    others = [_part_document(each) for each in recipe.others]
    return {"name": recipe.name, **_part_document(recipe), **({"others": others} if others else {})}


def _part_document(part: Part) -> dict[str, object]:
    corrections = [{"kind": each.kind, **each.model_dump(mode="json", exclude_defaults=True)} for each in part.corrections]
    return {**part.model_dump(mode="json", exclude_defaults=True), **({"corrections": corrections} if corrections else {})}


def to_yaml(recipe: Recipe) -> str:
    """A recipe as text that people can read, keep and bring to another installation."""
    return yaml.safe_dump(as_document(recipe), sort_keys=False, allow_unicode=True, width=120)


def from_yaml(text: str) -> Recipe:
    """A recipe out of its text. Raises BadInput with the place where it can't be understood."""
    try:
        return Recipe.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        raise BadInput(f"This is no recipe: the text can't be read{f' at line {place.line + 1}' if place else ''}.", "Use a file that was exported here.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"This is no recipe: {'.'.join(map(str, first['loc'])) or 'the text'}: {first['msg'].removeprefix('Value error, ')}.", "Use a file that was exported here.") from error


def _plain(match: FieldMatch) -> FieldMatch:
    return FieldMatch(field=match.field, column=match.column, constant=match.constant, why="the recipe says so")


def _of_the_kind(correction: Correction) -> bool:
    """Whether a correction speaks of every file of a kind: of no rows by their numbers."""
    if isinstance(correction, SetCells) or getattr(correction, "of_this_file", False):
        return False
    return not (isinstance(correction, SetWhere | DropRows) and correction.where.rows)


def _keep_corrections(import_id: str, recipe: Part, who: str) -> None:
    """The recipe's corrections, unless the import has corrections already: following a recipe twice corrects once."""
    if recipe.corrections and not corrections.of_import(import_id):
        fixing.correct(import_id, [_brought(each, by_recipe=True) for each in recipe.corrections], who)


def _brought(correction: Correction, *, by_recipe: bool) -> Correction:
    """The correction saying whether a recipe brought it, where that has to be known."""
    return correction.model_copy(update={"of_recipe": by_recipe}) if isinstance(correction, DropRows) else correction


def _spec(record: ImportRecord, name: str, recipe: Part, event_type: EventType, answers: dict[str, str], said: dict[str, str], period: Period | None, drifted: Drift, checks: dict[str, CheckSetting]) -> MatchSpec:
    columns = record.report.columns
    matches = [each.model_copy(update={"column": said[each.field], "why": "you said so"}) if each.field in said else each for each in recipe.matches]
    matches += [FieldMatch(field=field, column=column) for field, column in said.items() if _is_silent_on(recipe, field)]
    for match in matches:
        if match.column is not None and match.column not in columns:
            raise BadInput(f"The recipe {name!r} takes {match.field} from the column {match.column!r}, which this file hasn't.", _instead(match, drifted))
    used = {match.column for match in matches}
    return MatchSpec(
        event_type=event_type, matches=tuple(matches), ignored=tuple(column for column in columns if column not in used), key=recipe.key, period=period,
        answers={**recipe.answers, **answers}, checks={**recipe.checks, **checks},
    )


def _is_silent_on(recipe: Part, field: str) -> bool:
    return all(match.field != field for match in recipe.matches)


def _instead(match: FieldMatch, drifted: Drift) -> str:
    likely = drifted.renamed.get(match.column or "")
    named = f"It may be called {likely!r} now: " if likely else f"New in this file: {', '.join(map(repr, drifted.new)) or 'nothing'}. "
    return f"{named}say which column it is with --match {match.field}={likely or 'COLUMN'}."


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())

