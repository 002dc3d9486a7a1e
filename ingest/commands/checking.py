"""A file imported, matched and checked, and what it comes to, as documents."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest import imports
from ingest.commands.documents import Document, check_document, event_type_of, shown, with_customers
from ingest.errors import BadInput, Unreadable
from ingest.settings import settings
from ingest.store import accounts, recipes
from schemas.account import Account
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType
from schemas.matching import Period
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
) -> Document:
    """Imports a file (the same bytes are the same import), matches and checks it: as a recipe says, or as is said here."""
    from ingest import match as matching

    found = accounts.account(account)
    given = recipes.get(recipe) if recipe else None
    event_type = event_type_of(found, _slug(slug, given))
    record = imports.start_or_find(path, shown(path.name), settings().user, account=found.name, event_type=event_type.slug)
    answers = {**answers, **({"zone.timestamp": zone} if zone else {})}
    questions, followed = (), {}
    if given:
        followed = _follow(record.id, given, event_type, found, answers, matches, _period(period, zone), check_settings(checks))
    else:
        record = imports.read(record.id, ReadSpec(sheet=sheet) if sheet else None)
        if record.state == "unreadable":
            raise Unreadable(record.message)
        spec, questions = matching.build_spec(
            imports.read_record(record.id).report, imports.columns(record.id), event_type, chosen=matches, constants=constants, key=key, period=_period(period, zone),
            answers=answers, control_count=control_count, control_sums=control_sums,
            earlier=None if key else imports.earlier_key(record.id, event_type.slug, found.name),
        )
        imports.set_match(record.id, spec.model_copy(update={"checks": check_settings(checks)}), found.name, settings().user)
    record = with_customers(imports.check(record.id), found)
    if out_dir:
        _write_check(record, out_dir)
    return {**check_document(record, record.match, questions), **followed}


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


def _follow(import_id: str, given: StoredRecipe, event_type: EventType, found: Account, answers: Mapping[str, str], matches: Mapping[str, str], period: Period | None, checks: Mapping[str, CheckSetting]) -> Document:
    from ingest.recipes import follow

    drifted = follow(import_id, given.recipe, event_type, found.name, settings().user, answers=answers, matches=matches, period=period, checks=checks)
    return {"recipe": {"name": given.recipe.name, "version": given.version, **drifted.model_dump(mode="json")}}


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
