"""A check with everything that is known elsewhere: which customers the account has, and what was sent for the same period before."""

from decimal import Decimal

from ingest import imports, since, strangers
from ingest.changes import changes
from ingest.store import accounts
from ingest.store import imports as records
from schemas.changing import Changes
from schemas.deciding import SinceLastTime
from schemas.records import ImportRecord

LOOKED_BACK = 12
"""So many imports that were sent last are looked through for one of the same period."""


def check(import_id: str) -> ImportRecord:
    """Checks an import; a second time where the account doesn't know some of its customers. It counts as being checked until all of that is done."""
    return look_around(imports.check(import_id, "checking"))


def look_around(record: ImportRecord) -> ImportRecord:
    """An import whose rows were checked, with what others know about it."""
    if strangers.look_up(record):
        record = imports.check(record.id, "checking")
    since.keep(record.id, _otherwise(record))
    return imports.check(record.id)


def _otherwise(record: ImportRecord) -> SinceLastTime | None:
    """What this file says otherwise than the one that was sent last for its period; None where they have nothing in common, so that one is no newer edition of the other."""
    if record.report and record.report.format == "pulled":
        return None  # what is new in a table is no newer edition of what was new before
    ledger_name = accounts.account(record.account).ledger_name
    sent = (records.get(each.import_id) for each in records.last_sent(ledger_name, record.event_type, but=record.id, most=LOOKED_BACK))
    earlier = next((each for each in sent if each.period == record.period and each.sha256 != record.sha256 and record.fixes != each.id), None)
    found = changes(record.id, earlier.id) if earlier else None
    if not found or not (found.unchanged or found.changed) or not (found.changed or found.removed):
        return None
    return SinceLastTime(against=found.against, against_file=found.against_file, new=found.new, changed=found.changed, removed=found.removed, totals=_totals(found))


def _totals(found: Changes) -> dict[str, tuple[str, str]]:
    """Each number's total before and after, of the customers for whom it changed; nothing where not all of those are listed."""
    if len(found.customers) < found.customers_changed:
        return {}
    fields = dict.fromkeys(field for each in found.customers for field in each.totals)
    return {field: tuple(f"{sum((Decimal(each.totals[field][side]) for each in found.customers), Decimal(0)):f}" for side in (0, 1)) for field in fields}
