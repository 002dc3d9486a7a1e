"""What changed since last time: an import held against an earlier one of its kind, and its customers against those of the month before."""

from pathlib import Path

import pyarrow as pa

from ingest import check as checking
from ingest import files
from ingest.errors import BadInput, NotReady
from ingest.metric import by_customer as comparing
from ingest.store import imports
from schemas.changing import Changes, Months
from schemas.reading import ReadReport
from schemas.records import ImportRecord


def changes(import_id: str, against: str | None = None) -> Changes | None:
    """New, unchanged, changed and removed events, and each customer's totals before and after; found out once for two checks and then kept.

    Against the import that is named, else the last one before it of the same event type and account, of the same period or the month before, rather one that was sent. None where there is none.
    """
    record, now = imports.get(import_id), _checked(import_id)
    other = against or imports.before(record, [each for each in (record.period, _month_before(record.period)) if each])
    if other is None:
        return None
    earlier = imports.get(other)
    if other == import_id:
        raise BadInput("An import can't be compared with itself.", "Name another with --against.")
    if earlier.event_type != record.event_type:
        raise BadInput(f"The import {other!r} can't be compared with this one: it is of {earlier.event_type or 'no event type'}, not of {record.event_type}.", "Name another with --against.")
    before = _checked(other)

    def work(folder: Path) -> None:
        found = checking.compare(now, before, import_id=import_id, against=earlier, same_period=earlier.period == record.period, keyed=bool(record.match and record.match.chosen_key))
        (folder / "changes.json").write_text(found.model_dump_json(), encoding="utf-8")

    made = files.make_stage(import_id, "changes", files.stage_key("changes", f"{now.name}|{other}|{before.name}|{earlier.file_name}", ""), work)
    return Changes.model_validate_json((made / "changes.json").read_bytes())


def comparable(import_id: str) -> list[ImportRecord]:
    """What an import can be compared with: the others of its event type and account, newest first."""
    return imports.like(imports.get(import_id))


def report_of(import_id: str) -> ReadReport | None:
    """How the rows of an earlier import are numbered."""
    return imports.get(import_id).report


def months(import_id: str) -> Months:
    """Which files the customers of an import are held against."""
    record = imports.get(import_id)
    before, beside = _of_months(record)
    return Months(
        month=record.period, month_before=_month_before(record.period), before=tuple(name for _, name, _ in before), beside=tuple(name for _, name, _ in beside), fields=tuple(comparing.fields(_checked(import_id))),
    )


def customers(import_id: str, field: str | None, *, offset: int = 0, limit: int = 50) -> tuple[dict[str, int], pa.Table]:
    """Customers of the month before and of this month, the largest change first: how many are new, gone, changed, the same, and some of them. Without a field events are counted."""
    before, beside = _of_months(imports.get(import_id))
    return comparing.by_customer([_checked(import_id), *_folders(beside)], _folders(before), field, offset=offset, limit=limit)


def _of_months(record: ImportRecord) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """The imports of the month before (those that were sent, else the newest that was checked), and those of this month that were sent."""
    month_before = _month_before(record.period)
    if record.period is None or month_before is None:
        return [], []
    before = imports.of_period(record, month_before, imports.SENT) or imports.of_period(record, month_before, ("checked",))[-1:]
    return before, imports.of_period(record, record.period, imports.SENT)


def _folders(found: list[tuple[str, str, str]]) -> list[Path]:
    return [files.stage_folder(import_id, "check", key) for import_id, _, key in found]


def _checked(import_id: str) -> Path:
    _, key = imports.pointers(import_id)
    if key is None:
        raise NotReady(f"The import {import_id!r} hasn't been checked yet, so it can't be compared.", "Check it first.")
    return files.stage_folder(import_id, "check", key)


def _month_before(period: str | None) -> str | None:
    if not period or len(period) != 7:
        return None
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]) - 2, 12)
    return f"{year:04d}-{month + 1:02d}"
