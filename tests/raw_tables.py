"""Small tables as reading would have left them, and a check of them: what the tests of match, check and metric begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest import ledger
from ingest.check import check_raw
from schemas.account import Account, AccountProfile
from schemas.checking import CheckResult
from schemas.event_type import EventType, Field
from schemas.matching import EarlierKey, FieldMatch, MatchSpec
from schemas.reading import ReadReport

ACCOUNT = Account(name="Practice", kind="sandbox", base_url="http://127.0.0.1:1", organisation="org", api_key="key")
AT = "2026-11-23T10:00:00"


@dataclass(frozen=True)
class Checked:
    """A check and where its files are."""

    result: CheckResult
    report: ReadReport
    raw: Path
    out: Path

    def issues(self, *columns: str) -> list[tuple]:
        """Columns of issues.parquet as rows."""
        return duckdb.sql(f"select {', '.join(columns)} from '{self.out}/issues.parquet'").fetchall()

    def events(self, *columns: str) -> list[tuple]:
        """Columns of events.parquet as rows, in the order of the file."""
        return duckdb.sql(f"select {', '.join(columns)} from '{self.out}/events.parquet'").fetchall()

    def left_out(self) -> list[tuple]:
        """Row, outcome and reason of everything that isn't accepted."""
        return duckdb.sql(f"select _row, outcome, reason from '{self.out}/left_out.parquet'").fetchall()

    @property
    def codes(self) -> list[str]:
        """The codes of all issues, sorted."""
        return sorted(code for code, in self.issues("code"))


def raw_table(folder: Path, columns: Sequence[str], rows: Sequence[Sequence[str | None]], **report: object) -> ReadReport:
    """Writes raw.parquet; empty cells are null, as reading leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = {"_file": ["usage.csv"] * len(rows), "_sheet": [None] * len(rows), **{name: [row[place] or None for row in rows] for place, name in enumerate(columns)}}
    pq.write_table(pa.table(cells, schema=pa.schema([(name, pa.string()) for name in cells])), folder / "raw.parquet")
    return ReadReport(file="usage.csv", columns=tuple(columns), rows=len(rows), **report)


def event_type(**fields: str) -> EventType:
    """An event type with these fields."""
    return EventType(name="Usage", slug="usage", fields=tuple(Field(name=name, type=kind) for name, kind in fields.items()))


def spec(fields: Mapping[str, str], columns: Mapping[str, str], **more: object) -> MatchSpec:
    """A match of fields to columns; a value that begins with `=` is a constant."""
    matches = tuple(FieldMatch(field=field, constant=column[1:]) if column.startswith("=") else FieldMatch(field=field, column=column) for field, column in columns.items())
    return MatchSpec(event_type=event_type(**fields), matches=matches, **more)


def check(folder: Path, columns: Sequence[str], rows: Sequence[Sequence[str | None]], match: MatchSpec, *, sha256: str = "a" * 64, profile: AccountProfile | None = None, earlier: EarlierKey | None = None, **report: object) -> Checked:
    """Checks a small table."""
    found = raw_table(folder / "raw", columns, rows, **report)
    out = folder / f"out-{len(list(folder.iterdir()))}"
    out.mkdir()
    account = ACCOUNT.model_copy(update={"profile": profile or AccountProfile()})
    return Checked(check_raw(folder / "raw", found, match, account, import_id="1", sha256=sha256, out=out, at=AT, earlier=earlier), found, folder / "raw", out)


def check_column(folder: Path, kind: str, cells: Sequence[str | None], *, answers: Mapping[str, str] | None = None, profile: AccountProfile | None = None) -> Checked:
    """Checks one data column of a type: the field is `value`, the header `Value`, customers and times are fine."""
    rows = [(f"c{number}", f"2026-10-01T00:00:{number % 60:02d}Z", cell) for number, cell in enumerate(cells)]
    return check(folder, ("Customer", "Time", "Value"), rows, spec({"value": kind}, {"customer_id": "Customer", "timestamp": "Time", "value": "Value"}, answers=dict(answers or {})), profile=profile)


def check_times(folder: Path, cells: Sequence[str | None], *, answers: Mapping[str, str] | None = None, profile: AccountProfile | None = None) -> Checked:
    """Checks a column of timestamps."""
    rows = [(f"c{number}", cell) for number, cell in enumerate(cells)]
    return check(folder, ("Customer", "Time"), rows, spec({}, {"customer_id": "Customer", "timestamp": "Time"}, answers=dict(answers or {})), profile=profile)


def send(checked: Checked, sha256: str = "a" * 64, slug: str = "usage") -> None:
    """Puts the events of a check into the ledger, as a push does once they are accepted."""
    target = ledger.ledger_folder(ACCOUNT.ledger_name, slug)
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"push-{len(list(target.iterdir()))}.parquet"
    duckdb.sql(f"copy (select event_id, content, customer_id, timestamp, '1' as import_id, '{sha256}' as sha256 from '{checked.out}/events.parquet') to '{part}' (format parquet)")
