"""One file, several kinds of usage: its rows divided among imports of the same bytes, so that each is checked, sent and proven by itself, and no row is lost between them."""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest import files
from ingest import match as matching
from ingest.errors import BadInput, NotReady
from ingest.imports.current import BUSY, raw_folder, read_record, source_path
from ingest.imports.reading import read
from ingest.store import divisions, imports, pushes
from ingest.values.text import SPACES
from schemas.checking import Question, QuestionOption
from schemas.dividing import KIND, LEAVE_OUT, OTHERS, Division, EventEquation, KindCount, KindFound, Share
from schemas.records import ImportRecord

ASKED = 8
"""Each of so many kinds is asked about by itself, the rest together."""


def divide(import_id: str, column: str | None, kinds: Sequence[Sequence[str]], who: str, *, left_out: Sequence[str] = ()) -> list[ImportRecord]:
    """Divides a file that was read by a column (None: by its sheets): an import for each of `kinds`, which are texts of the column or names of sheets; the first is this one.

    A file that is divided in this way already stays as it is. Raises BadInput where the file hasn't the column or the sheet, or a kind is named twice.
    """
    record = read_record(import_id)
    kinds, left_out = [tuple(value.strip(SPACES) for value in kind) for kind in kinds], [value.strip(SPACES) for value in left_out]
    if is_divided_so(import_id, column, kinds):
        return together(record)
    _can_be_divided(record, column, kinds, left_out)
    members = [import_id, *(_sibling(record, who) for _ in kinds[1:])]
    shares = tuple(Share(import_id=each, values=values) for each, values in zip(members, kinds, strict=True))
    for share in shares if column is None else ():
        read(share.import_id, record.read_spec.model_copy(update={"sheet": share.values[0], "header_rows": None, "keep_rows": ()}))
    divisions.keep(f"div_{secrets.token_hex(8)}", Division(column=column, shares=shares, left_out=tuple(left_out)), who)
    return [imports.get(each) for each in members]


def is_divided_so(import_id: str, column: str | None, kinds: Sequence[Sequence[str]]) -> bool:
    """Whether these kinds are those that a file is divided into; it may know more texts of each by now."""
    record = imports.get(import_id)
    if record.division is None:
        return False
    division = divisions.get(record.division)
    return division.column == column and len(division.shares) == len(kinds) and all(set(kind) <= set(share.values) for kind, share in zip(kinds, division.shares, strict=True))


def together(record: ImportRecord) -> list[ImportRecord]:
    """All imports of a divided file, this one among them; only this one of any other."""
    return [imports.get(share.import_id) for share in divisions.get(record.division).shares] if record.division else [record]


def values_of(record: ImportRecord) -> tuple[str, ...]:
    """The texts, or the sheet, that say that a row is of this import's kind; none where the file isn't divided."""
    return divisions.get(record.division).of(record.id).values if record.division else ()


def put_together(import_id: str, who: str) -> ImportRecord:
    """Undoes a division: the first import has all rows again, the others are discarded. Raises BadInput once something was sent."""
    record = imports.get(import_id)
    members = together(record)
    if any(pushes.of_import(each.id) for each in members):
        raise BadInput("Some of this file was sent, so it stays taken apart.", "Go on with its parts.")
    if record.division:
        by_sheet = divisions.get(record.division).column is None
        divisions.remove(record.division, [each.id for each in members], who)
        for each in members[1:]:
            imports.change(each.id, state="discarded")
        first = imports.change(members[0].id, state="matched" if members[0].match else "read", rejected_choice=None)
        return read(first.id, first.read_spec.model_copy(update={"sheet": None})) if by_sheet else first
    return record


def assign(record: ImportRecord, answers: Mapping[str, str], who: str) -> None:
    """Takes the answers to `questions`: the event type that such rows are, or that they are no usage. It holds for all imports of the file, which are checked again."""
    division = changed = divisions.get(record.division)
    members = together(record)
    if any(each.state in BUSY for each in members):
        raise NotReady("Another part of this file is being sent; this can't be changed now.", "Wait until it is done, or stop it.")
    for name, answer in answers.items():
        value = name.removeprefix(KIND)
        values = tuple(each.value for each in _of_no_kind(record, changed)[ASKED:]) if name == OTHERS else (value,)
        changed = changed.with_values(_meant(members, division, answer), tuple(each for each in values if each not in changed.known))
    if changed != division:
        divisions.keep(record.division, changed, who)


def questions(record: ImportRecord) -> tuple[Question, ...]:
    """What the rows of no kind of usage are; none of an import's file may be sent before that is answered."""
    if not record.division:
        return ()
    division = divisions.get(record.division)
    found = _of_no_kind(record, division)
    options = tuple(QuestionOption(value=next(filter(None, share.values), share.import_id), label=f"The same as {_listed(share.values)}") for share in division.shares)
    options = (*options, QuestionOption(value=LEAVE_OUT, label="No usage: leave them out"))
    place = f"in {division.column!r}" if division.column else "as the name of their sheet"
    asked = [Question(name=f"{KIND}{each.value}", text=f"{_said(each, division.column)}, which is no kind of usage yet. What are {'they' if division.column else 'its rows'}?", options=options) for each in found[:ASKED]]
    rest = found[ASKED:]
    if rest:
        asked.append(Question(name=OTHERS, text=f"{len(rest):,} more kinds ({', '.join(repr(each.value) for each in rest[:3])} …) {place} are no kind of usage yet. What are they?", options=options))
    return tuple(asked)


def events(import_id: str) -> EventEquation:
    """The second line of the row equation: how the rows of the whole file become usages of its kinds, and events."""
    record = read_record(import_id)
    members = together(record)
    if not record.division:
        return _equation(record, [_count(record, record.report.rows, ())])
    division = divisions.get(record.division)
    if division.column is None:
        return EventEquation(rows=sum(each.report.rows for each in members), kinds=tuple(_count(each, each.report.rows, division.of(each.id).values) for each in members))
    rows = {each.value: each.rows for each in matching.kinds_in(raw_folder(import_id), record.report, division.column, limit=record.report.rows)}
    kinds = [_count(each, sum(rows.get(value, 0) for value in division.of(each.id).values), division.of(each.id).values) for each in members]
    left_out, open_ones = tuple(value for value in division.left_out if value in rows), tuple(value for value in rows if value not in division.known)
    others = [KindCount(values=values, left_out=values is left_out, usages=sum(rows[value] for value in values)) for values in (left_out, open_ones) if values]
    return _equation(record, [*kinds, *others])


def _equation(record: ImportRecord, kinds: Sequence[KindCount]) -> EventEquation:
    turned = record.report.turned
    return EventEquation(rows=turned.rows if turned else record.report.rows, per_row=len(turned.columns) if turned else 1, empty=turned.empty if turned else 0, kinds=tuple(kinds))


def _count(record: ImportRecord, usages: int, values: tuple[str, ...]) -> KindCount:
    """What became of one kind. Rows that reading left out, and those of other kinds, are no usages of it."""
    if record.check is None:
        return KindCount(values=values, import_id=record.id, event_type=record.event_type, usages=usages)
    rows = record.check.rows
    return KindCount(values=values, import_id=record.id, event_type=record.event_type, usages=usages, accepted=rows.accepted, rejected=rows.rejected, duplicate=rows.duplicate, excluded=rows.excluded - (rows.read - usages))


def _can_be_divided(record: ImportRecord, column: str | None, kinds: Sequence[tuple[str, ...]], left_out: Sequence[str]) -> None:
    values = [*(value for kind in kinds for value in kind), *left_out]
    if record.state in BUSY or pushes.of_import(record.id):
        raise NotReady("This import was sent, at least in part; it can't be taken apart any more.")
    if record.division:
        raise BadInput("This file is taken apart already.", "Put it together again first.")
    there = imports.get(record.id).report.columns  # without those that corrections add: the texts as they came decide
    if column is not None and column not in there:
        raise BadInput(f"The file has no column {column!r}.", f"It has {', '.join(map(repr, there))}.")
    if column is None and (unknown := [value for kind in kinds for value in kind if value not in record.report.sheets]):  # one that is no usage may be missing
        raise BadInput(f"The file has no sheet {unknown[0]!r}.", f"It has {', '.join(map(repr, record.report.sheets))}.")
    if column is None and any(len(kind) > 1 for kind in kinds):
        raise BadInput("Each sheet is a kind of usage of its own here.", "Sheets of the same columns can be read together, in step File.")
    if not kinds or not all(kinds):
        raise BadInput("It isn't said which kinds of usage there are.", "Name one at least.")
    if twice := [value for value in values if values.count(value) > 1]:
        raise BadInput(f"{twice[0]!r} can't be two kinds of usage.", "Name it once.")


def _sibling(record: ImportRecord, who: str) -> str:
    """Another import of the same bytes, read the same way; the files are shared."""
    import_id = imports.add(record.file_name, record.sha256, record.size, who, account=record.account)
    source = source_path(record.id)
    _share(source, files.import_folder(import_id) / "source" / source.name)
    raw = raw_folder(record.id)
    for path in raw.iterdir():
        _share(path, files.import_folder(import_id) / raw.name / path.name)
    imports.change(import_id, read_spec=record.read_spec, report=imports.get(record.id).report, raw_key=imports.pointers(record.id)[0], state="read", period=record.period)
    return import_id


def _share(source: Path, target: Path) -> None:
    """The same bytes under another name; a copy where the disk can't do that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with files.full_disk_is_a_sentence():
            shutil.copyfile(source, target)


def _of_no_kind(record: ImportRecord, division: Division) -> tuple[KindFound, ...]:
    report = read_record(record.id).report
    if division.column is None:
        return tuple(KindFound(value=name, rows=0) for name in report.sheets if name not in division.known)
    return matching.kinds_in(raw_folder(record.id), report, division.column, but=division.known, limit=1000)


def _meant(members: Sequence[ImportRecord], division: Division, answer: str) -> str | None:
    """The import that an answer names by a text it takes already, or by its event type; None for no usage."""
    if answer == LEAVE_OUT:
        return None
    found = [each.id for each in members if answer in (*division.of(each.id).values, each.event_type, each.id)]
    if not found:
        raise BadInput(f"{answer!r} is no kind of usage of this file.", f"Known are {', '.join([*(value for share in division.shares for value in share.values), LEAVE_OUT])}.")
    return found[0]


def _listed(values: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(value or "(nothing)" for value in values[:most]) + (" …" if len(values) > most else "")


def _said(found: KindFound, column: str | None) -> str:
    if column is None:
        return f"There is a sheet {found.value!r}"
    return f"{f'{found.rows:,} rows say' if found.rows > 1 else 'One row says'} {found.value or '(nothing)'!r} in {column!r}"
