"""What an account holds already, read back into Parquet, so that a preview can count it too. Read by a job or a command, never by a page; a page asks what is `kept`.

    held/<account and event type>/<span>.json       what was read, and when
    held/<account and event type>/<span>-<n>.parquet
"""

import hashlib
import io
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.json

from ingest import files
from ingest.billing import BillingClient
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput, Outside
from ingest.settings import settings
from schemas.account import Account
from schemas.billing import Filter
from schemas.event_type import EventType
from schemas.held import AccountCustomer, HeldEvents

PAGE = 10_000
SLICE = 8_000
"""Events asked for at once on average, so that one page nearly always holds the slice."""
MOST = 5_000_000
"""The most events that are read back."""
SQL_TYPES = {"String": "varchar", "Int64": "bigint", "Float64": "double", "Bool": "boolean", "Date32": "date", "DateTime64": "timestamp", "UUID": "uuid"}
ARROW_TYPES = {"Int64": pa.decimal128(38, 0), "Float64": pa.float64(), "Bool": pa.bool_()}
"""How a value comes in JSON, where that isn't as text. Arrow reads decimals exactly, as numbers and as text; DuckDB would read them as floats."""
SUPERSEDED_SECONDS = 3600.0
"""A file that was read earlier may still be looked at by a page."""


def read(account: Account, event_type: EventType, first: str | None, last: str) -> HeldEvents:
    """The account's events from the first day to the last, read now unless what is kept is still what the account holds. Raises Outside for an account that gives no answer."""
    with BillingClient(account) as client:
        counts = _counts(client, event_type.slug, _within(first, last))
        total, hashed = sum(counts.values()), hashlib.sha256(json.dumps(sorted(counts.items())).encode()).hexdigest()[:24]
        found = _of_span(account, event_type, first, last)
        if found and found.counts == hashed:
            return found
        if total > MOST:
            raise BadInput(f"The account {account.name!r} holds {total:,} events of these days, more than the {MOST:,} that are read back for a preview.", "Preview a shorter period, or the import alone.")
        return _read(client, account, event_type, HeldEvents(account=account.name, event_type=event_type.slug, first=first, last=last, events=total, counts=hashed, read_at=_now(), file=""))


def kept(account: Account, event_type: EventType, first: str | None, last: str) -> HeldEvents | None:
    """What was read of these days the last time; None where nothing was."""
    spans = [HeldEvents.model_validate_json(path.read_bytes()) for path in _folder(account, event_type).glob("*.json")]
    fitting = [each for each in spans if each.covers(first, last) and path_of(each).exists()]
    return max(fitting, key=lambda each: each.read_at, default=None)


def path_of(held: HeldEvents) -> Path:
    """The Parquet file of events that were read."""
    return settings().home / held.file


def read_customers(account: Account) -> list[AccountCustomer]:
    """The account's customers, read now and kept."""
    with BillingClient(account) as client:
        found = [_customer(each) for each in client.customers() if each.get("id")]
    path = _customers_path(account)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_whole(path, json.dumps([each.model_dump() for each in found]).encode())
    return found


def kept_customers(account: Account) -> list[AccountCustomer] | None:
    """The account's customers as they were read the last time; None where they never were."""
    path = _customers_path(account)
    return [AccountCustomer.model_validate(each) for each in json.loads(path.read_bytes())] if path.exists() else None


def customers_read(account: Account) -> float | None:
    """When the account's customers were read, as a number that another reading changes; None where they never were."""
    path = _customers_path(account)
    return path.stat().st_mtime if path.exists() else None


def _customer(found: dict[str, object]) -> AccountCustomer:
    said = found.get("custom_data")
    texts = {str(name): value if isinstance(value, str) else json.dumps(value, default=str) for name, value in said.items() if value is not None} if isinstance(said, dict) else {}
    return AccountCustomer(id=str(found["id"]), external_id=str(found["external_id"]) if found.get("external_id") else None, custom_data=texts)


def _read(client: BillingClient, account: Account, event_type: EventType, wanted: HeldEvents) -> HeldEvents:
    folder = _folder(account, event_type)
    folder.mkdir(parents=True, exist_ok=True)
    files.check_free_disk()
    name = _span_name(wanted)
    path = folder / f"{name}-{secrets.token_hex(4)}.parquet"
    events = _write(client, event_type, _within(wanted.first, wanted.last), wanted.events, account.profile.decimal_scale, path)
    if events != wanted.events:
        path.unlink()
        raise Outside(f"The account {account.name!r} says it holds {wanted.events:,} events of these days, but gave {events:,}.", "Something is being sent there right now: try again in a moment.")
    held = wanted.model_copy(update={"file": str(path.relative_to(settings().home))})
    files.write_whole(folder / f"{name}.json", held.model_dump_json().encode())
    for old in folder.glob(f"{name}-*.parquet"):
        if old != path and time.time() - old.stat().st_mtime > SUPERSEDED_SECONDS:
            old.unlink(missing_ok=True)
    return held


def _write(client: BillingClient, event_type: EventType, filters: Sequence[Filter], expected: int, scale: int, path: Path) -> int:
    """Writes the events, page by page; how many they were."""
    types = {"customer_id": "varchar", "timestamp": "timestamp", **{field.name: SQL_TYPES.get(field.type, f"decimal(38, {scale})") for field in event_type.fields}}
    with engine() as connection, files.full_disk_is_a_sentence():
        connection.execute(f"create table held ({', '.join(f'{identifier(name)} {kind}' for name, kind in types.items())})")
        schema = _schema(event_type, scale)
        for page in _pages(client, event_type, filters, expected):
            _take(connection, page, schema, types)
        connection.execute(f"copy held to {literal(path)} (format parquet, compression zstd)")
        return connection.execute("select count(*) from held").fetchone()[0]


def _pages(client: BillingClient, event_type: EventType, filters: Sequence[Filter], expected: int) -> Iterator[bytes]:
    """The pages as the account wrote them. Event ids are hashes, so they are asked for in slices of their range; without ids the pages follow the time."""
    by_id = event_type.has("event_id")
    order = "data.event_id" if by_id else "timestamp"
    for few in _slices(expected) if by_id else [[]]:
        offset, more = 0, True
        while more:
            page = client.page(event_type.slug, [*filters, *few], limit=PAGE, offset=offset, order_by=order)
            yield page
            count, total = _size(page)
            offset += count
            more = count == PAGE or (count > 0 and offset < (total or 0))


def _slices(expected: int) -> Iterator[list[Filter]]:
    """Filters that cut the range of ids into equal parts, the last one for events without an id."""
    count = max(1, -(-expected // SLICE))
    edges = [f"{(index << 32) // count:08x}" for index in range(1, count)]
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        bounds = (("gte", low), ("lt", high))
        yield [Filter(column="data.event_id", operator=operator, value=edge) for operator, edge in bounds if edge] or [Filter(column="data.event_id", operator="is_null", value=False)]
    yield [Filter(column="data.event_id", operator="is_null", value=True)]


def _size(page: bytes) -> tuple[int, int | None]:
    """How many events a page has, and how many the account says there are in all."""
    found = _parsed(page, pa.schema([("results", pa.list_(pa.struct([("customer_id", pa.string())]))), ("total_count", pa.int64())]))
    return len(found["results"].combine_chunks().flatten()), found["total_count"][0].as_py()


def _take(connection: duckdb.DuckDBPyConnection, page: bytes, schema: pa.Schema, types: dict[str, str]) -> None:
    """Adds a page's events to the table `held`."""
    connection.register("page", _parsed(page, schema))
    columns = ", ".join(f"cast(event.{'' if name in ('customer_id', 'timestamp') else 'data.'}{identifier(name)} as {kind})" for name, kind in types.items())
    try:
        connection.execute(f"insert into held select {columns} from (select unnest(results) as event from page)")
    except duckdb.Error as error:
        raise Outside("The account's answer holds a value that isn't of its field's type.", "Preview the import alone, and tell whoever looks after the account.") from error
    finally:
        connection.unregister("page")


def _schema(event_type: EventType, scale: int) -> pa.Schema:
    data = pa.struct([(field.name, pa.decimal128(38, scale) if field.type == "Decimal" else ARROW_TYPES.get(field.type, pa.string())) for field in event_type.fields])
    return pa.schema([("results", pa.list_(pa.struct([("customer_id", pa.string()), ("timestamp", pa.string()), ("data", data)])))])


def _parsed(page: bytes, schema: pa.Schema) -> pa.Table:
    try:
        return pyarrow.json.read_json(
            io.BytesIO(page), read_options=pyarrow.json.ReadOptions(block_size=len(page) + 1), parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid as error:
        raise Outside("The account's answer isn't a list of events as its documentation has it.", "Preview the import alone, and tell whoever looks after the account.") from error


def _within(first: str | None, last: str) -> list[Filter]:
    """Filters for a span of days; a time of the last day is before the next midnight."""
    bounds = (("gte", first and f"{first} 00:00:00"), ("lte", f"{last} 23:59:59.999999"))
    return [Filter(column="timestamp", operator=operator, value=value) for operator, value in bounds if value]


def _counts(client: BillingClient, slug: str, filters: Sequence[Filter]) -> dict[str, int]:
    return {str(row["customer_id"]): int(row["value"]) for row in client.aggregate(slug, "COUNT", "timestamp", group_by=("customer_id",), filters=filters)}


def _of_span(account: Account, event_type: EventType, first: str | None, last: str) -> HeldEvents | None:
    found = kept(account, event_type, first, last)
    return found if found and (found.first, found.last) == (first, last) else None


def _folder(account: Account, event_type: EventType) -> Path:
    """The fields are part of the name: a type that got another field is read anew."""
    fields = ",".join(f"{field.name}:{field.type}" for field in event_type.fields)
    return settings().home / "held" / hashlib.sha256(f"{account.ledger_name}|{event_type.slug}|{fields}".encode()).hexdigest()[:24]


def _span_name(held: HeldEvents) -> str:
    return hashlib.sha256(f"{held.first}|{held.last}".encode()).hexdigest()[:16]


def _customers_path(account: Account) -> Path:
    return settings().home / "held" / f"customers-{hashlib.sha256(account.ledger_name.encode()).hexdigest()[:24]}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
