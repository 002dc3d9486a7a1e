"""What hangs on each decision in numbers: the exact totals of the rows it is about. For the query process: it reads event files."""

from pathlib import Path

import duckdb

from ingest import files
from ingest.aside import set_aside
from ingest.deciding import decisions
from ingest.engine import engine, identifier, literal
from ingest.store import imports
from schemas.deciding import Effect
from schemas.records import ImportRecord

EVENTS, ISSUES = "events.parquet", "issues.parquet"


def effects(import_id: str) -> dict[str, Effect]:
    """By the decision's name; one whose rows aren't all known, can't be read as numbers, or add up to more than fits, isn't there."""
    record = imports.get(import_id)
    _, key = imports.pointers(import_id)
    numbers = {each.field: each.sql_type for each in record.check.fields if each.sum is not None} if record.check else {}
    if not key or not record.check.rows.read:
        return {}
    folder = files.stage_folder(import_id, "check", key)
    with engine() as connection:
        _view(connection, folder)
        return {name: effect for name, effect in (*_of_warnings(connection, record, numbers), *_of_outcomes(connection, record, numbers)) if effect}


def _view(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The view `used`: every row that could be read as an event, with what became of it where it isn't sent."""
    aside = set_aside(connection, folder)
    connection.execute(f"create view used as select *, null::varchar as _outcome from read_parquet({literal(folder / EVENTS)}){f' union all by name {aside}' if aside else ''}")
    connection.execute(f"create view issues as select * from read_parquet({literal(folder / ISSUES)})")


def _of_warnings(connection: duckdb.DuckDBPyConnection, record: ImportRecord, numbers: dict[str, str]) -> list[tuple[str, Effect | None]]:
    found = []
    for each in decisions(record):
        if each.kind not in ("warning", "note", "customers"):
            continue
        codes = [group.code for group in each.groups]
        column = None if each.kind == "customers" else each.groups[0].column
        rows = "select distinct _row from issues where code in (select unnest(?::varchar[])) and (? is null or \"column\" is not distinct from ?)"
        found.append((each.name, _effect(connection, f"_row in ({rows})", [codes, column, column], numbers, each.rows)))
    return found


def _of_outcomes(connection: duckdb.DuckDBPyConnection, record: ImportRecord, numbers: dict[str, str]) -> list[tuple[str, Effect | None]]:
    rows = record.check.rows
    return [(name, _effect(connection, "_outcome = ?", [name], numbers, expected)) for name, expected in (("duplicate", rows.duplicate), ("rejected", rows.rejected)) if expected]


def _effect(connection: duckdb.DuckDBPyConnection, where: str, values: list[object], numbers: dict[str, str], expected: int) -> Effect | None:
    sums = "".join(f", {'fsum' if kind == 'DOUBLE' else 'sum'}({identifier(name)})::varchar" for name, kind in numbers.items())
    try:
        rows, customers, *totals = connection.execute(f"select count(*), count(distinct customer_id){sums} from used where {where}", values).fetchone()
    except duckdb.OutOfRangeException:
        return None
    if rows != expected:
        return None
    return Effect(customers=customers, totals={name: _plain(total) for name, total in zip(numbers, totals, strict=True) if total is not None})


def _plain(total: str) -> str:
    """A number without trailing zeros behind its point."""
    return total.rstrip("0").rstrip(".") if "." in total and "e" not in total.lower() else total
