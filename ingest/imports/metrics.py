"""Metrics over imports: what pages ask for through the query process, and commands directly. An answer stays in memory until the events, the metric or the question are others."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pyarrow as pa

from ingest import files, held
from ingest.engine import engine, literal
from ingest.errors import BadInput, NotReady
from ingest.imports.current import check_folder, raw_folder, read_record
from ingest.metric import rows, run
from ingest.metric.events import Events
from ingest.raw import as_read, row_label
from ingest.store import accounts, imports
from ingest.values.exact import WIDE
from schemas.account import Account
from schemas.event_type import EventType
from schemas.held import HeldEvents
from schemas.metric import Metric, MetricPreview, MetricPreviewSpec
from schemas.records import ImportRecord

FOREVER = "2299-12-31"
DAY = timedelta(days=1)
Against = Literal["period", "import", "account"]


@dataclass(frozen=True)
class Comparison:
    """A metric now and before, by customer, the largest change first: `customer_id`, `before`, `after`, `change`, `what` (new, gone, changed, the same). Numbers are exact text; null where there is none."""

    table: pa.Table
    before: str
    """What it is held against, in words."""
    start: str
    end: str
    total_before: str | None
    total_after: str | None


def preview_metric(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec) -> MetricPreview:
    """What a metric makes of the accepted events of some imports, alone or with what their account holds. Raises NotReady where that wasn't read back yet."""
    return _previewed(_events(import_ids, metric, spec), metric, spec, _account(import_ids))


def drill(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec, group: Mapping[str, object], *, offset: int = 0, limit: int = 50) -> rows.RowsBehind:
    """The very events behind one line of a preview, `_row` as in the person's own file, with `_file` and `_sheet`."""
    found = rows.rows_behind(_events(import_ids, metric, spec), metric, spec, group, offset=offset, limit=limit)
    return rows.RowsBehind(_labelled(found.rows), found.events, found.counting)


def compare(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec, against: Against = "period") -> Comparison:
    """The metric by customer beside the same metric of the period before, by earlier imports or by what the account holds, or of the import before. Raises NotReady where there is nothing to compare with."""
    by = spec.model_copy(update={"by": ("customer",)})
    earlier, asked, words = _before(import_ids, metric, by, against)
    after, before = preview_metric(import_ids, metric, by), _previewed(earlier, metric, asked, _account(import_ids))
    return Comparison(_beside(before.table, after.table), words, asked.start, asked.end, before.total, after.total)


def period_of(import_ids: Sequence[str]) -> tuple[str, str]:
    """The days of some imports: the whole months from the first event's to the last one's where they have a period, else the days of their events."""
    found = [imports.get(each) for each in import_ids]
    months = sorted(each.period for each in found if each.period and len(each.period) == 7)
    if months and len(months) == len(found):
        return f"{months[0]}-01", _last_day(months[-1])
    checks = [each.check for each in found if each.check and each.check.first_timestamp and each.check.last_timestamp]
    if not checks:
        raise BadInput("This import has no events, so it has no period.", "Say --from and --to.")
    return min(str(each.first_timestamp) for each in checks)[:10], max(str(each.last_timestamp) for each in checks)[:10]


def read_account(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec) -> HeldEvents:
    """Reads back what the account holds of these days, and whom it knows, where a metric's SQL asks; for jobs and commands. Raises Outside where the account can't be reached."""
    account, event_type = _account(import_ids), _event_type(import_ids)
    if metric.sql:
        held.read_customers(account)
    return held.read(account, event_type, *span(metric, spec))


def account_events(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec) -> HeldEvents | None:
    """What was read back of these days, with when; None where nothing was."""
    return held.kept(_account(import_ids), _event_type(import_ids), *span(metric, spec))


def span(metric: Metric, spec: MetricPreviewSpec) -> tuple[str | None, str]:
    """The days (UTC) whose events a preview could need: a day more on both sides where the zone isn't UTC; all, where a level holds until the next event, another date decides, or SQL says something of its own."""
    if metric.sql is not None or metric.function == "weighted_sum" or metric.date != "timestamp":
        return None, FOREVER
    around = timedelta(days=0 if (spec.zone or metric.zone) == "UTC" else 1)
    return str(date.fromisoformat(spec.start) - around), str(date.fromisoformat(spec.end) + around)


def event_type_of(import_id: str) -> EventType:
    """The event type an import was matched to."""
    return _event_type((import_id,))


def _previewed(events: Events, metric: Metric, spec: MetricPreviewSpec, account: Account) -> MetricPreview:
    return _remembered(events, metric, spec, account, held.customers_read(account) if metric.sql else None)


@lru_cache(maxsize=32)
def _remembered(events: Events, metric: Metric, spec: MetricPreviewSpec, account: Account, customers_read: float | None) -> MetricPreview:
    """`customers_read` says when the customers were read: other customers, another question."""
    return run.preview(events, metric, spec, held.kept_customers(account) if customers_read else None)


def _events(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec) -> Events:
    account, event_type = _account(import_ids), _event_type(import_ids)
    if event_type.slug != metric.event_type:
        raise BadInput(f"The metric {metric.name!r} counts events of {metric.event_type!r}, and these are of {event_type.slug!r}.", "Choose another metric, or another import.")
    folders = tuple((each, check_folder(each)) for each in import_ids)
    if spec.account_events == "none":
        return Events(event_type, account.profile, folders)
    return Events(event_type, account.profile, folders, _kept(account, event_type, metric, spec), spec.account_events)


def _kept(account: Account, event_type: EventType, metric: Metric, spec: MetricPreviewSpec) -> Path:
    found = held.kept(account, event_type, *span(metric, spec))
    if found is None:
        raise NotReady(f"What the account {account.name!r} holds of these days wasn't read yet.", "Read it from the account first.")
    return held.path_of(found)


def _account(import_ids: Sequence[str]) -> Account:
    record = imports.get(import_ids[0])
    if record.account is None:
        raise NotReady("This import belongs to no account yet.", "Say what this usage is first.")
    return accounts.account(record.account)


def _event_type(import_ids: Sequence[str]) -> EventType:
    types = [record.match.event_type for each in import_ids if (record := imports.get(each)).match]
    if not types:
        raise NotReady("The columns of this import aren't matched yet.", "Say what this usage is first.")
    if len({each.slug for each in types}) > 1:
        raise BadInput("These imports are of different event types.", "Choose imports of one.")
    return types[0]


# What a metric is held against.


def _before(import_ids: Sequence[str], metric: Metric, spec: MetricPreviewSpec, against: Against) -> tuple[Events, MetricPreviewSpec, str]:
    """The events, the question about them, and what they are called."""
    account, event_type, record = _account(import_ids), _event_type(import_ids), imports.get(import_ids[0])
    if against == "import":
        other = _import_before(record)
        start, end = period_of((other.id,)) if other.period != record.period else (spec.start, spec.end)
        return Events(event_type, account.profile, ((other.id, check_folder(other.id)),)), _asked(spec, start, end), f"{other.file_name}, {start} to {end}"
    start, end = period_before(spec.start, spec.end)
    asked = _asked(spec, start, end)
    if against == "account":
        return Events(event_type, account.profile, held=_kept(account, event_type, metric, asked)), asked, f"what the account holds, {start} to {end}"
    found = _imports_of(record, start, end)
    if not found:
        raise NotReady(f"There is no import of {event_type.name} for {start} to {end}.", "Compare with what the account holds of these days, or with another import.")
    return Events(event_type, account.profile, tuple((each, files.stage_folder(each, "check", key)) for each, _, key in found)), asked, f"{', '.join(name for _, name, _ in found)}, {start} to {end}"


def _asked(spec: MetricPreviewSpec, start: str, end: str) -> MetricPreviewSpec:
    return spec.model_copy(update={"start": start, "end": end, "account_events": "none"})


def _import_before(record: ImportRecord) -> ImportRecord:
    """The last import of the same kind before this one, rather of the same month or the month before."""
    months = [record.period, period_before(f"{record.period}-01", _last_day(record.period))[0][:7]] if record.period else []
    named = imports.before(record, months)
    others = [imports.get(named)] if named else [each for each in imports.like(record) if each.created_at < record.created_at]
    if not others:
        raise NotReady("This is the first import of its kind, so there is none before it.", "Compare with the period before instead.")
    return others[0]


def _imports_of(record: ImportRecord, start: str, end: str) -> list[tuple[str, str, str]]:
    """The imports of these months that were sent, else the newest of each month that was checked: id, file name, check key."""
    first, last = int(start[:4]) * 12 + int(start[5:7]) - 1, int(end[:4]) * 12 + int(end[5:7]) - 1
    months = [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, last + 1)]
    return [each for month in months for each in (imports.of_period(record, month, imports.SENT) or imports.of_period(record, month, ("checked",))[-1:])]


def period_before(start: str, end: str) -> tuple[str, str]:
    """The period before this one: as many whole months where it is whole months, else as many days."""
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first.day == 1 and (last + DAY).day == 1:
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        begin = first.year * 12 + first.month - 1 - months
        return str(date(begin // 12, begin % 12 + 1, 1)), str(first - DAY)
    return str(first - (last - first) - DAY), str(first - DAY)


def _last_day(month: str) -> str:
    return f"{month}-{monthrange(int(month[:4]), int(month[5:7]))[1]}"


def _beside(before: pa.Table, after: pa.Table) -> pa.Table:
    """Two previews by customer, as one table."""
    then, now = _by_customer(before), _by_customer(after)
    found = [(who, then.get(who), now.get(who), _change(then, now, who)) for who in {**now, **then}]
    ordered = sorted(found, key=lambda each: (-abs(each[3]) if each[3] is not None else 0, str(each[0])))
    what = [_what(who, then, now, change) for who, _, _, change in ordered]
    numbers = {name: [None if each[place] is None else run.plain(str(each[place])) for each in ordered] for place, name in ((1, "before"), (2, "after"), (3, "change"))}
    return pa.table({"customer_id": pa.array([each[0] for each in ordered], pa.string()), **{name: pa.array(values, pa.string()) for name, values in numbers.items()}, "what": pa.array(what, pa.string())})


def _by_customer(table: pa.Table) -> dict[str, Decimal | None]:
    return {who: None if quantity is None else Decimal(quantity) for who, quantity in zip(table.column("customer_id").to_pylist(), table.column("quantity").to_pylist(), strict=True)}


def _change(then: Mapping[str, Decimal | None], now: Mapping[str, Decimal | None], who: str) -> Decimal | None:
    """How much more it is now; None where one of the two is no number."""
    before, after = then.get(who, Decimal(0)), now.get(who, Decimal(0))
    return WIDE.subtract(after, before) if before is not None and after is not None and before.is_finite() and after.is_finite() else None


def _what(who: str, then: Mapping[str, Decimal | None], now: Mapping[str, Decimal | None], change: Decimal | None) -> str:
    return "new" if who not in then else "gone" if who not in now else "the same" if change == 0 else "changed"


# The rows behind a number, as a person finds them.


def _labelled(table: pa.Table) -> pa.Table:
    """The rows with their numbers as their own file has them, and the file and sheet they stand in; those that the account holds have none."""
    with engine() as connection:
        connection.register("found", table.append_column("_place", pa.array(range(table.num_rows), pa.int64())))
        labels = [_labels(each) for each in table.column("_import").unique().to_pylist() if each is not None]
        connection.execute(f"create table labels as {' union all '.join(labels) or 'select null::varchar as _import, null::bigint as _row, null as label, null::varchar as _file, null::varchar as _sheet where false'}")
        columns = ", ".join(f'found."{name}"' for name in table.column_names if name not in ("_row", "_counts", "_import"))
        return connection.execute(f"select _counts, label::varchar as _row, labels._file, labels._sheet, _import, {columns} from found left join labels using (_import, _row) order by _place").to_arrow_table()


def _labels(import_id: str) -> str:
    """SQL: what a person calls the rows of an import among those found."""
    report = read_record(import_id).report
    return f"select {literal(import_id)} as _import, _row, ({row_label('_row', report.row_step)})::varchar as label, _file, _sheet from ({as_read(raw_folder(import_id), report)}) where _row in (select _row from found where _import = {literal(import_id)})"
