"""Corrections of an import, as documents."""

from collections.abc import Sequence
from pathlib import Path

from ingest import imports
from ingest.commands.documents import Document, check_document, shown
from ingest.errors import BadInput
from ingest.settings import settings
from schemas.correcting import CORRECTION, Condition, Correction, DropRows, Edit, FillDown, MapValues, SetCells


def correct_import(import_id: str, *, add: Sequence[str], edits: Sequence[str], replaced: Sequence[str], fill: Sequence[str], dropped: Sequence[int], reason: str, bring: Path | None, turn: str | None) -> Document:
    """Adds corrections, or undoes or redoes some, and checks the import again where its columns are matched."""
    from ingest import fixing

    who = settings().user
    added = _corrections(add, edits, replaced, fill, dropped, reason)
    if added:
        fixing.correct(import_id, added, who)
    if bring:
        fixing.bring_back(import_id, bring, shown(bring.name), who)
    if turn == "redo":
        fixing.redo(import_id, who)
    elif turn:
        fixing.undo(import_id, who, everything=turn == "undo-all")
    record = imports.read_record(import_id)
    if record.match and not record.check:
        record = imports.check(import_id)
    listed = [each.model_dump(mode="json") for each in fixing.listed(import_id)]
    return {"import_id": import_id, "corrections": listed, "check": check_document(record, record.match, ()) if record.check else None}


def _corrections(add: Sequence[str], edits: Sequence[str], replaced: Sequence[str], fill: Sequence[str], dropped: Sequence[int], reason: str) -> list[Correction]:
    cells = tuple(_edit(text) for text in edits)
    values = [_cut(text, ":", "--replace") for text in replaced]
    if dropped and not reason:
        raise BadInput("It isn't said why the rows are left out.", "Add --reason.")
    return [
        *(CORRECTION.validate_json(text) for text in add), *([SetCells(edits=cells)] if cells else []),
        *(MapValues(column=column, values=dict([_cut(rest, "=", "--replace")])) for column, rest in values), *(FillDown(column=column) for column in fill),
        *([DropRows(where=Condition(rows=tuple(dropped)), reason=reason)] if dropped else []),
    ]


def _edit(text: str) -> Edit:
    row, rest = _cut(text, ":", "--set")
    column, value = _cut(rest, "=", "--set")
    if not row.isdecimal():
        raise BadInput(f"--set {text!r} doesn't begin with a row number.", "Write --set ROW:COLUMN=VALUE.")
    return Edit(row=int(row), column=column, value=value)


def _cut(text: str, mark: str, flag: str) -> tuple[str, str]:
    first, found, rest = text.partition(mark)
    if not found:
        raise BadInput(f"{flag} {text!r} has no {mark!r}.", "Write --set ROW:COLUMN=VALUE, or --replace COLUMN:OLD=NEW.")
    return first, rest
