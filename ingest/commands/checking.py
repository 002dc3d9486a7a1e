"""A file imported, matched and checked, and what it comes to, as documents."""

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ingest import doubts, imports, month_of_file
from ingest.commands.documents import Document, check_document, event_type_of, shown, with_customers
from ingest.doubts import READING
from ingest.errors import BadInput, Unreadable
from ingest.settings import settings
from ingest.store import accounts, recipes
from ingest.store import imports as records
from schemas.account import Account
from schemas.check_setting import CheckSetting
from schemas.checking import Question, QuestionOption
from schemas.event_type import ROOT_FIELDS, EventType
from schemas.matching import Period, ProposedPeriod
from schemas.previewing import FUNCTIONS, PreviewSpec
from schemas.reading import ReadSpec
from schemas.recipe import StoredRecipe
from schemas.records import ImportRecord

PARAMETERS = re.compile(rf",(?=(?:{'|'.join(CheckSetting.model_fields)}):)")
"""A comma is one between parameters where another parameter's name follows; those of a formula are its own."""
LISTS = ("values", "fields")


def check_file(
    path: Path, *, slug: str | None, account: str | None, recipe: str | None, matches: Mapping[str, str], constants: Mapping[str, str], key: list[str] | None, answers: Mapping[str, str], zone: str | None,
    period: str | None, sheet: str | None, control_count: int | None, control_sums: Mapping[str, str], out_dir: Path | None, checks: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None, by: str | None = None, by_sheet: bool = False, measures: Sequence[str] = (), takes_offers: bool = False,
) -> Document:
    """Imports a file (the same bytes are the same import), matches and checks it: as a recipe says, or as is said here. One with several kinds of usage becomes an import for each."""
    found = accounts.account(account)
    given = recipes.get(recipe) if recipe else None
    doubtful, answers = ({name: value for name, value in answers.items() if name.startswith(READING) is reads} for reads in (True, False))
    asked = Asked(matches=matches, constants=constants, answers={**answers, **({"zone.timestamp": zone} if zone else {})}, key=key, period=_period(period, zone), control_count=control_count, control_sums=control_sums, checks=tuple(checks))
    slugs = _slugs(slug, given, kinds or {}, divides=bool(by or by_sheet))
    types = [event_type_of(found, each) for each in slugs]
    record = imports.start_or_find(path, shown(path.name), settings().user, account=found.name, event_type=types[0].slug, divided=bool(kinds) or bool(given and given.recipe.is_divided))
    questions, offers, followed = {}, {}, {}
    if given:
        followed = _follow(record.id, given, types, found, asked)
        _answer_reading(record.id, doubtful)
        members = imports.together(records.get(record.id))
    else:
        _read(record, sheet, measures)
        _answer_reading(record.id, doubtful)
        members = _divided(record.id, kinds, by, by_sheet) if kinds else [record]
        offers = {each.id: _offers(each.id, take=takes_offers) for each in members}
        for member, event_type in zip(members, types, strict=True):
            questions[member.id] = _match(member.id, event_type, found, asked.of(event_type.slug, slugs, types))
    checked = [with_customers(imports.check(each.id), found) for each in members]
    for each in checked if out_dir else ():
        _write_check(each, out_dir / each.event_type if len(checked) > 1 else out_dir)
    documents = [{**check_document(each, each.match, questions.get(each.id, ())), "offers": offers.get(each.id, [])} for each in checked]
    return {**documents[0], "events": _events_document(record.id), **({"kinds": documents} if len(documents) > 1 else {}), **followed}


class Asked(NamedTuple):
    """What was said about matching on the command line."""

    matches: Mapping[str, str]
    constants: Mapping[str, str]
    answers: Mapping[str, str]
    key: list[str] | None
    period: Period | None
    control_count: int | None
    control_sums: Mapping[str, str]
    checks: tuple[str, ...]

    def of(self, slug: str, slugs: Sequence[str], types: Sequence[EventType]) -> "Asked":
        """What was said about one kind of usage: by its slug and a dot before the name; else about all that have the field."""
        if len(slugs) == 1:
            return self
        known = {*ROOT_FIELDS, *(field.name for each in types if each.slug == slug for field in each.usage_fields)}
        everywhere = {field.name for each in types for field in each.usage_fields}
        fields = [{name: value for name, value in _of(slug, slugs, pairs).items() if name in known or name not in everywhere} for pairs in (self.matches, self.constants, self.control_sums)]
        checks = tuple(_of(slug, slugs, {text: text for text in self.checks}))
        return self._replace(matches=fields[0], constants=fields[1], control_sums=fields[2], answers=_of(slug, slugs, self.answers), checks=checks)


def _of(slug: str, slugs: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """What is said of all kinds, then what of this one, without its name."""
    mine = {name.removeprefix(f"{slug}."): value for name, value in said.items() if name.startswith(f"{slug}.")}
    return {**{name: value for name, value in said.items() if not any(name.startswith(f"{each}.") for each in slugs)}, **mine}


def _slugs(slug: str | None, given: StoredRecipe | None, kinds: Mapping[str, str], *, divides: bool) -> list[str]:
    """The event types of the file's kinds of usage, each once."""
    if not kinds and divides:
        raise BadInput("It isn't said which kinds of usage there are.", "Add --kind VALUE=SLUG for each.")
    if kinds and (slug or given):
        raise BadInput("With --kind, the event types are those of the kinds.", f"Leave {'--recipe' if given else '--event-type'} out.")
    if given and given.recipe.is_divided:
        return [_slug(slug, given), *(part.event_type for part in given.recipe.others)]
    return list(dict.fromkeys(kinds.values())) or [_slug(slug, given)]


def _read(record: ImportRecord, sheet: str | None, measures: Sequence[str]) -> None:
    if record.division:
        return  # it was read, and divided as it was read then
    spec = {**({"sheet": sheet} if sheet else {}), **({"turn": "measures", "measures": tuple(measures)} if measures else {})}
    record = imports.read(record.id, ReadSpec(**spec) if spec else None)
    if record.state == "unreadable":
        raise Unreadable(record.message)


def _answer_reading(import_id: str, said: Mapping[str, str]) -> None:
    """Reads the file as it was answered; an answer that it is read by already stays."""
    for name, value in said.items():
        doubts.answer(import_id, name, value)


def _divided(import_id: str, kinds: Mapping[str, str], by: str | None, by_sheet: bool) -> list[ImportRecord]:
    """An import for each event type; another division than before, of which nothing was sent, is made anew."""
    report = imports.read_record(import_id).report
    if not by and not by_sheet and not report.turned:
        raise BadInput("It isn't said where the kind of usage stands.", "Add --by COLUMN or --by-sheet.")
    column = None if by_sheet else by or report.columns[-2]
    values = [[value for value, slug in kinds.items() if slug == each] for each in dict.fromkeys(kinds.values())]
    if records.get(import_id).division and not imports.is_divided_so(import_id, column, values):
        import_id = imports.put_together(import_id, settings().user).id
    return imports.divide(import_id, column, values, settings().user)


def _offers(import_id: str, *, take: bool) -> list[Document]:
    """What can be made of columns that say the time in pieces, and isn't yet; with `take` it is made."""
    from ingest import fixing

    found = imports.period_offers(import_id)
    for each in found if take else ():
        fixing.correct(import_id, each.corrections, settings().user)
    return [] if take else [each.model_dump(mode="json") for each in found]


def _match(import_id: str, event_type: EventType, found: Account, asked: Asked) -> tuple[Question, ...]:
    from ingest import match as matching

    proposed = _proposed_period(import_id, event_type, found, asked)
    spec, questions = matching.build_spec(
        imports.read_record(import_id).report, imports.columns(import_id), event_type, chosen=asked.matches, constants=asked.constants, key=asked.key, period=proposed.period if proposed else asked.period, answers=asked.answers,
        control_count=asked.control_count, control_sums=asked.control_sums, earlier=None if asked.key else imports.earlier_key(import_id, event_type.slug, found.name),
    )
    imports.set_match(import_id, spec.model_copy(update={"checks": check_settings(asked.checks)}), found.name, settings().user)
    if proposed is None:
        return questions
    month_of_file.note(import_id, proposed, settings().user)
    month = proposed.period.start[:7]
    text = f"The rows carry no date. Are they of {month}, {proposed.why}? Say --period {month}, or another month."
    return (*questions, Question(name="period", text=text, options=(QuestionOption(value=month, label=month, effect=proposed.why),), proposed=month, blocking=False))


def _proposed_period(import_id: str, event_type: EventType, found: Account, asked: Asked) -> ProposedPeriod | None:
    """The month of rows without a date, where it isn't said; None where they have one, or nothing speaks for any."""
    dated = {*asked.matches, *asked.constants, *(each.field for each in imports.suggestions(import_id, event_type))}
    if asked.period or "timestamp" in dated:
        return None
    record = imports.read_record(import_id).model_copy(update={"account": found.name})
    return month_of_file.proposed(record, event_type.slug, asked.answers.get("zone.timestamp", "UTC"), datetime.now(UTC).date())


def _events_document(import_id: str) -> Document:
    equation = imports.events(import_id)
    return {**equation.model_dump(mode="json"), "usages": equation.usages, "events": equation.events}


def check_settings(texts: Sequence[str]) -> dict[str, CheckSetting]:
    """`name`, `name=key:value,key:value` and `name={JSON}` as settings of checks."""
    found = {}
    for text in texts:
        name, _, said = text.partition("=")
        found[name.strip()] = CheckSetting.model_validate_json(said) if said.startswith("{") else CheckSetting(**dict(_parameter(each, text) for each in PARAMETERS.split(said) if each))
    return found


def _parameter(text: str, whole: str) -> tuple[str, object]:
    name, colon, value = text.partition(":")
    if not colon or name.strip() not in CheckSetting.model_fields:
        raise BadInput(f"--check {whole!r} can't be understood.", "Write --check NAME, --check NAME=key:value,key:value or --check NAME={JSON}; docs/checks.md lists them.")
    return name.strip(), tuple(value.split("|")) if name.strip() in LISTS else value


def _slug(slug: str | None, given: StoredRecipe | None) -> str:
    if slug and given and slug != given.recipe.event_type:
        raise BadInput(f"The recipe {given.recipe.name!r} is for {given.recipe.event_type!r}, not for {slug!r}.", "Leave --event-type out.")
    if not slug and not given:
        raise BadInput("It isn't said what this usage is.", "Add --event-type SLUG or --recipe NAME.")
    return slug or given.recipe.event_type


def _follow(import_id: str, given: StoredRecipe, types: Sequence[EventType], found: Account, asked: Asked) -> Document:
    from ingest.recipes import follow

    drifted = follow(import_id, given.recipe, types[0], found.name, settings().user, answers=asked.answers, matches=asked.matches, period=asked.period, checks=check_settings(asked.checks), others=types[1:])
    record = imports.read_record(import_id)
    said = {"period": {**record.match.period.model_dump(mode="json"), "proposed": month_of_file.noted(record)}} if record.match.period else {}
    return {"recipe": {"name": given.recipe.name, "version": given.version, **drifted.model_dump(mode="json"), **said}}


def _period(text: str | None, zone: str | None) -> Period | None:
    if text is None:
        return None
    year, _, month = text.partition("-")
    if not (year.isdecimal() and len(year) == 4 and int(year) >= 1 and month.isdecimal() and 1 <= int(month) <= 12):
        raise BadInput(f"--period {text!r} is not a month.", "Write it as YYYY-MM.")
    following = (int(year) + 1, 1) if int(month) == 12 else (int(year), int(month) + 1)
    return Period(start=f"{year}-{int(month):02d}-01", end=f"{following[0]:04d}-{following[1]:02d}-01", zone=zone or "UTC")


def _write_check(record: ImportRecord, out_dir: Path) -> None:
    from ingest import check as checking

    out_dir.mkdir(parents=True, exist_ok=True)
    folder = imports.check_folder(record.id)
    part = out_dir / "events.parquet.part"
    shutil.copyfile(folder / "events.parquet", part)
    part.replace(out_dir / "events.parquet")
    checking.issues_csv(folder, out_dir / "issues.csv")


def preview_import(import_id: str, *, by: tuple[str, ...], field: str | None, function: str | None) -> Document:
    """Totals of an import's accepted events."""
    function = function or ("sum" if field else "count")
    if function not in FUNCTIONS:
        raise BadInput(f"There is no function {function!r}.", f"Known functions: {', '.join(FUNCTIONS)}.")
    spec = PreviewSpec(by=by, field=field, function=function)
    table = imports.preview(import_id, spec)
    return {"import_id": import_id, "by": list(by), "field": field, "function": function, "rows": table.to_pylist()}


def changes_of(import_id: str, against: str | None) -> Document:
    """What changed since an earlier import of the same kind."""
    found = imports.changes(import_id, against)
    return found.model_dump(mode="json") if found else {"import_id": import_id, "against": None}
