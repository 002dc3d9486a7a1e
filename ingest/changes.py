"""What changed since last time: an import held against an earlier one of its kind."""

from pathlib import Path

from ingest import check as checking
from ingest import files
from ingest.errors import BadInput, NotReady
from ingest.store import imports
from schemas.changing import Changes


def changes(import_id: str, against: str | None = None) -> Changes | None:
    """New, unchanged, changed and removed events, and each customer's totals before and after.

    Against the import that is named, else the last one before it of the same event type and account, of the same period or the month before. None where there is none.
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
    return checking.compare(now, _checked(other), import_id=import_id, against=earlier, same_period=earlier.period == record.period, keyed=bool(record.match and record.match.chosen_key))


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
