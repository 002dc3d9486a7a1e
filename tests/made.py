"""Imports made ready for a test, without a file: checked events straight from a query."""

from pathlib import Path

from ingest import files
from ingest.engine import engine, literal
from ingest.store import accounts, imports
from schemas.checking import CheckResult, FieldSummary, RowCounts
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.reading import ReadReport

CALLS = EventType(name="API calls", slug="api_calls", fields=(Field(name="quantity", type="Decimal"), Field(name="region", type="String"), Field(name="event_id", type="String"), Field(name="import_id", type="String")))
CALLS_WITHOUT_IDS = EventType(name="API calls", slug="api_calls", fields=CALLS.usage_fields)


def checked_import(count: int, *, event_type: EventType = CALLS, account: str | None = None, seed: str = "a", file_name: str = "calls.csv") -> str:
    """An import in state `checked` with so many events of ten customers in October 2026; the same seed gives the same event ids."""
    sha256 = (seed * 64)[:64]
    import_id = imports.add(file_name, sha256, 1, "anna")
    key = files.stage_key("check", seed, str(count))
    folder = files.make_stage(import_id, "check", key, lambda part: write_events(part, count, seed))
    for name in ("issues.parquet", "left_out.parquet"):
        _empty(folder / name)
    (folder / "match.json").write_text(_match(event_type).model_dump_json())
    (folder / "result.json").write_text(_result(count).model_dump_json())
    imports.change(import_id, state="checked", check_key=key, account=account or accounts.account().name, event_type=event_type.slug, period="2026-10", report=ReadReport(file=file_name, rows=count, columns=("customer", "time", "quantity", "region")), match=_match(event_type), check=_result(count))
    return import_id


def write_events(folder: Path, count: int, seed: str) -> None:
    """events.parquet as a check writes it."""
    with engine() as connection:
        connection.execute(
            f"copy (select md5({literal(seed)} || i)::uuid as event_id, md5('content' || {literal(seed)} || i)::uuid as content, 'cus_' || (i % 10) as customer_id, timestamp '2026-10-01' + to_milliseconds(i * 7) as timestamp,"
            f" ((i % 1000) / 100)::decimal(18, 2) as quantity, 'eu-' || (i % 3) as region, i + 2 as _row from range({int(count)}) t(i)) to {literal(folder / 'events.parquet')} (format parquet)"
        )


def _empty(path: Path) -> None:
    with engine() as connection:
        connection.execute(f"copy (select 1 as _row where false) to {literal(path)} (format parquet)")


def _match(event_type: EventType) -> MatchSpec:
    columns = {"customer_id": "customer", "timestamp": "time", "quantity": "quantity", "region": "region"}
    return MatchSpec(event_type=event_type, matches=tuple(FieldMatch(field=field, column=column) for field, column in columns.items()))


def _result(count: int) -> CheckResult:
    return CheckResult(
        rows=RowCounts(read=count, accepted=count, rejected=0, duplicate=0, excluded=0), matches=(), issues=(), fields=(FieldSummary(field="quantity", sql_type="DECIMAL(18,2)"),),
        customers=min(10, count), first_timestamp="2026-10-01T00:00:00+00:00", last_timestamp="2026-10-31T00:00:00+00:00", key=("customer_id", "quantity", "region", "timestamp"),
    )
