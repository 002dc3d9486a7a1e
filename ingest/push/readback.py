"""Asking the account what it holds: single events, all events of an import, and counts and sums per customer and day."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest.billing import BillingClient
from ingest.engine import literal
from schemas.billing import Filter

PAGE = 10_000
SLICE = 8_000
"""Events asked for at once on average: far enough below a page that one page nearly always holds the slice."""
IDS_AT_ONCE = 500
LONGEST_PERIOD = 92
"""Days up to which counts are asked per day; beyond that, for the whole period at once."""

Held = dict[str, dict[str, dict[str, str]]]
"""What an account holds: first day of the span -> customer -> {"count": …, field: sum}, numbers as exact text."""


def ids_now_stored(client: BillingClient, slug: str, ids: Sequence[str], *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> set[str]:
    """Which of these events the account holds, looked for until all are there or the time is up, since storing may lag."""
    waited = 0.0
    while True:
        found = set(_stored(client, slug, ids))
        if len(found) == len(set(ids)) or waited >= seconds:
            return found
        sleep(1.0)
        waited += 1.0


def _stored(client: BillingClient, slug: str, ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        few = list(ids[start:start + IDS_AT_ONCE])
        for row in client.rows(slug, [Filter(column="data.event_id", operator="in", value=few)], limit=PAGE):
            yield str(row["data"]["event_id"])


def fetch_ids(client: BillingClient, slug: str, import_id: str, expected: int, connection: duckdb.DuckDBPyConnection) -> None:
    """Fills the table `found(event_id VARCHAR)` with the id of every event of an import that the account holds, repeated where it holds it twice.

    The ids are hashes, so they are asked for in equal slices of their range, each a page or two.
    """
    connection.execute("create or replace temp table found (event_id varchar)")
    with tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "page.json"
        for low, high in _slices(max(1, -(-expected // SLICE))):
            offset, more = 0, True
            while more:
                page_file.write_bytes(client.page(slug, _slice_filters(import_id, low, high), limit=PAGE, offset=offset, order_by="data.event_id"))
                count, total = _take(connection, page_file)
                offset += count
                more = count == PAGE or (count > 0 and offset < (total or 0))


def _take(connection: duckdb.DuckDBPyConnection, page: Path) -> tuple[int, int | None]:
    """Adds the ids of one page to `found`; how many they were, and how many the account says there are in all."""
    columns = "{'results': 'STRUCT(data STRUCT(event_id VARCHAR))[]', 'total_count': 'BIGINT'}"
    connection.execute(f"create or replace temp table page as from read_json({literal(page)}, columns = {columns}, maximum_object_size = {page.stat().st_size + 1})")
    connection.execute("insert into found select unnest(results).data.event_id from page")
    return connection.execute("select coalesce(len(results), 0), total_count from page").fetchone()


def _slice_filters(import_id: str, low: str, high: str | None) -> list[Filter]:
    filters = [Filter(column="data.import_id", operator="equals", value=import_id), Filter(column="data.event_id", operator="gte", value=low)]
    return [*filters, Filter(column="data.event_id", operator="lt", value=high)] if high else filters


def _slices(count: int) -> Iterator[tuple[str, str | None]]:
    """The range of ids cut into so many equal slices, as prefixes of eight hexadecimal digits."""
    edges = [f"{(index << 32) // count:08x}" for index in range(count)]
    yield from zip(edges, [*edges[1:], None], strict=True)


def held(client: BillingClient, slug: str, first: datetime, last: datetime, fields: Sequence[str] = ()) -> Held:
    """Counts, and sums of the fields, per customer for every day from `first` to `last` (UTC)."""
    result: Held = {}
    for start, end in _spans(first.date(), last.date()):
        filters = [Filter(column="timestamp", operator="gte", value=f"{start} 00:00:00"), Filter(column="timestamp", operator="lt", value=f"{end} 00:00:00")]
        customers = result.setdefault(start.isoformat(), {})
        for customer, value in _by_customer(client, slug, "COUNT", "timestamp", filters):
            customers.setdefault(customer, {})["count"] = str(int(value))
        for field in fields:
            for customer, value in _by_customer(client, slug, "SUM", f"data.{field}", filters):
                customers.setdefault(customer, {})[field] = str(value)
    return result


def count_of_import(client: BillingClient, slug: str, import_id: str) -> int:
    """How many events the account holds that name this import, whatever their ids."""
    rows = client.aggregate(slug, "COUNT", "timestamp", group_by=("customer_id",), filters=[Filter(column="data.import_id", operator="equals", value=import_id)])
    return sum(int(row["value"]) for row in rows)


def sums_of_import(client: BillingClient, slug: str, import_id: str, field: str) -> dict[str, Decimal]:
    """The sum of one field per customer over the events of one import."""
    return dict(_by_customer(client, slug, "SUM", f"data.{field}", [Filter(column="data.import_id", operator="equals", value=import_id)]))


def count_by_customer(client: BillingClient, slug: str, first: datetime, last: datetime) -> dict[str, int]:
    """How many events the account holds per customer from the first day to the last one (UTC)."""
    end = last.date() + timedelta(days=1)
    filters = [Filter(column="timestamp", operator="gte", value=f"{first.date()} 00:00:00"), Filter(column="timestamp", operator="lt", value=f"{end} 00:00:00")]
    return {customer: int(value) for customer, value in _by_customer(client, slug, "COUNT", "timestamp", filters)}


def _by_customer(client: BillingClient, slug: str, operation: str, column: str, filters: list[Filter]) -> Iterator[tuple[str, Decimal]]:
    for row in client.aggregate(slug, operation, column, group_by=("customer_id",), filters=filters):
        if row["value"] is not None:
            yield str(row["customer_id"]), Decimal(row["value"])


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    days = (last - first).days + 1
    if days > LONGEST_PERIOD:
        yield first, last + timedelta(days=1)
        return
    for index in range(days):
        yield first + timedelta(days=index), first + timedelta(days=index + 1)


def moment(text: str) -> datetime:
    """A stored timestamp text as UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def as_text(held_before: Held) -> str:
    """For the store."""
    return json.dumps(held_before, sort_keys=True)
