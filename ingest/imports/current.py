"""An import as it is now: its bytes, the folders its stages made, and the table with the corrections since."""

from pathlib import Path

from ingest import files
from ingest.correct import columns_after, fitting
from ingest.errors import NotReady, Unreadable
from ingest.store import corrections, customer_names, divisions, imports
from schemas.correcting import Condition, Correction, DropRows, MapValues, Test, WithUnit
from schemas.matching import NO_UNIT, UNIT_BESIDE
from schemas.reading import ReadReport
from schemas.records import ImportRecord

BUSY = ("pushing",)
NEVER_BILLED = "A customer that is never billed"
NO_KIND = "No kind of usage yet"


def source_path(import_id: str) -> Path:
    """The bytes as they came."""
    record = imports.get(import_id)
    return files.import_folder(import_id) / "source" / record.sha256


def raw_folder(import_id: str) -> Path:
    """The folder with the current raw.parquet."""
    raw_key, _ = imports.pointers(import_id)
    if raw_key is None:
        raise NotReady("This file hasn't been read yet.")
    return files.stage_folder(import_id, "raw", raw_key)


def check_folder(import_id: str) -> Path:
    """The folder with the current events.parquet, issues.parquet and left_out.parquet."""
    _, check_key = imports.pointers(import_id)
    if check_key is None:
        raise NotReady("This import hasn't been checked yet.")
    return files.stage_folder(import_id, "check", check_key)


def read_record(import_id: str) -> ImportRecord:
    """An import that was read, its report with the corrections since. Raises Unreadable or NotReady where it wasn't."""
    record = imports.get(import_id)
    if record.state == "unreadable":
        raise Unreadable(record.message)
    if record.report is None:
        raise NotReady("This file hasn't been read yet.")
    return record.model_copy(update={"report": with_corrections(record)})


def with_corrections(record: ImportRecord) -> ReadReport:
    """What was read together with the corrections that fit it: the import's own, then the units that stand in a column of their own, and what the account calls its customers."""
    report = record.report.model_copy(update={"totals": ()}) if record.division else record.report  # a totals row is about all kinds of usage
    done = fitting(report.columns, [*_of_other_kinds(record), *(each.correction for each in corrections.of_import(record.id) if not each.undone), *_of_units(record), *_of_account(record)])
    return report.model_copy(update={"corrections": done, "columns": columns_after(report.columns, done)}) if done else report


def _of_other_kinds(record: ImportRecord) -> list[Correction]:
    """The rows of other kinds of usage as rows left out. It goes before every correction, so that the texts as they came decide, and decide the same for all imports of the file."""
    division = divisions.get(record.division) if record.division else None
    if division is None or division.column is None:
        return []
    if division.column not in record.report.columns:
        raise NotReady(f"The file was taken apart by its column {division.column!r}, which isn't there any more.", "Put it together again, or read it as before.")
    others = [DropRows(where=_said(division.column, share.values), reason=f"Another kind of usage ({_listed(share.values)}): see import {share.import_id}") for share in division.shares if share.import_id != record.id]
    left_out = [DropRows(where=_said(division.column, division.left_out), reason=f"No usage, as you said ({_listed(division.left_out)})")] if division.left_out else []
    rest = Condition(tests=(Test(column=division.column, operator="none_of", values=division.known),))
    return [*others, *left_out, DropRows(where=rest, reason=NO_KIND)]


def _said(column: str, values: tuple[str, ...]) -> Condition:
    return Condition(tests=(Test(column=column, operator="one_of", values=values),))


def _listed(values: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(value or "nothing" for value in values[:most]) + (" …" if len(values) > most else "")


def _of_units(record: ImportRecord) -> list[Correction]:
    """Where it was answered that numbers have their unit in another column: each number with its unit."""
    answers = record.match.answers if record.match else {}
    beside = [(record.match.of(name.removeprefix(UNIT_BESIDE)), unit) for name, unit in answers.items() if name.startswith(UNIT_BESIDE) and unit != NO_UNIT]
    return [WithUnit(column=match.column, unit=unit) for match, unit in beside if match and match.column is not None]


def _of_account(record: ImportRecord) -> list[Correction]:
    """The account's customer names as corrections of the column that customers come from."""
    match = record.match and record.match.of("customer_id")
    if not match or match.column is None or record.account is None:
        return []
    names = customer_names.of_account(record.account)
    meant = {each.name: each.customer_id for each in names if each.customer_id is not None}
    unbilled = tuple(each.name for each in names if each.customer_id is None)
    where = Condition(tests=(Test(column=match.column, operator="one_of", values=unbilled),))
    return [*([MapValues(column=match.column, values=meant)] if meant else []), *([DropRows(where=where, reason=NEVER_BILLED)] if unbilled else [])]


def table_key(import_id: str, report: ReadReport) -> str:
    """A name for the table as it is now: what was read, and the corrections since."""
    return f"{raw_folder(import_id).name}|{[each.model_dump_json() for each in report.corrections]}"
