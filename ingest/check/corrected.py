"""Rows that may be corrections of events another file brought, where no key tells: the same customer, time and dimensions, another number, and the event that was sent stands in the file no more.

The account can't change or take back an event, so such a row would be billed beside the earlier one. Adds to the table `changes` what was answered.
"""

from collections.abc import Mapping, Sequence

import duckdb

from ingest import files
from ingest.check import questions
from ingest.check.plan import Plan
from ingest.check.totals import plain
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.store import imports
from schemas.checking import Question
from schemas.deciding import CHANGED_ROWS, LEAVE_OUT, SEND
from schemas.event_type import NUMERIC_TYPES

CHANGED = "changed since it was sent"
"""How the reason of a row begins that was left out because of it."""
NUMBERS = ("DECIMAL", "BIGINT", "DOUBLE")
OWN = ("event_id", "content", "_row", "import_id")


def find_corrected(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], answers: Mapping[str, str], sha256: str) -> list[Question]:
    """What is asked about such rows; with the answer that they stay behind they become excluded ones, each with what was sent before. Needs the views `typed` and `ledger`."""
    if answers.get(CHANGED_ROWS, SEND) not in (LEAVE_OUT, SEND):
        raise BadInput(f"{answers[CHANGED_ROWS]!r} is no answer to {CHANGED_ROWS}.", f"It can be {LEAVE_OUT} or {SEND}.")
    if not _find_gone(connection, sha256) or not _view_sent(connection):
        return []
    _pair(connection, plans)
    rows = connection.execute("select count(*) from corrected").fetchone()[0]
    if rows and answers.get(CHANGED_ROWS) == LEAVE_OUT:
        connection.execute("insert into changes select t._row, t.event_id, 'excluded', c.said from corrected c join typed t using (_row) order by t._row")
    if not rows or CHANGED_ROWS in answers:
        return []
    numbers = [plan.field for plan in plans if plan.type in NUMERIC_TYPES]
    alike = connection.execute("select count(*) > 0 from changes where outcome = 'duplicate' and reason like 'already sent%'").fetchone()[0]
    row, said = connection.execute("select _row, said from corrected order by _row limit 1").fetchone()
    return [questions.changed_rows(rows, row, said.removeprefix(f"{CHANGED}: "), _sums(connection, numbers), same_export=alike)]


def _find_gone(connection: duckdb.DuckDBPyConnection, sha256: str) -> bool:
    """The tables `fresh` (rows that would be sent, with a sent event's customer and time) and `gone` (such events of other files that this one hasn't). Only the file's own time is looked at, so a new month costs little."""
    between = '"timestamp" between (select min("timestamp") from typed) and (select max("timestamp") from typed)'
    connection.execute(f"create table sent_then as select event_id, content, import_id, customer_id, \"timestamp\" from ledger where {between} and sha256 <> {literal(sha256)}")
    connection.execute("""
        create table fresh as select _row, customer_id, "timestamp" from typed
        where (customer_id, "timestamp") in (select (customer_id, "timestamp") from sent_then) and _row not in (select _row from changes where outcome is not null)""")
    connection.execute("""
        create table gone as select event_id, import_id from sent_then where (customer_id, "timestamp") in (select (customer_id, "timestamp") from fresh)
        and event_id not in (select coalesce(c.event_id, t.event_id) from typed t left join changes c using (_row)) and content not in (select content from typed)""")
    return connection.execute("select count(*) > 0 from gone").fetchone()[0]


def _view_sent(connection: duckdb.DuckDBPyConnection) -> bool:
    """The view `sent`: those events with all their fields, as the checks hold them that were sent. False where none is kept any more."""
    brought = [import_id for import_id, in connection.execute("select distinct import_id from gone order by 1").fetchall()]
    parts = [(import_id, path) for import_id, key in imports.sent_checks(brought) if (path := files.stage_folder(import_id, "check", key) / "events.parquet").exists()]
    read = " union all by name ".join(f"select *, {literal(import_id)} as import_id from read_parquet({literal(path)})" for import_id, path in parts)
    if read:
        connection.execute(f"create view sent as select distinct on (event_id) * from ({read}) where (event_id, import_id) in (select (event_id, import_id) from gone)")
        _name_senders(connection, brought)
    return bool(read)


def _name_senders(connection: duckdb.DuckDBPyConnection, import_ids: Sequence[str]) -> None:
    """The table `files_then`: each import's file, and how its rows are numbered in it."""
    named = [(record.id, record.file_name, record.report.row_step if record.report else None) for record in map(imports.get, import_ids)]
    ids, names, steps = (list(each) for each in zip(*named, strict=True))
    connection.execute("create table files_then as select unnest(?::varchar[]) as import_id, unnest(?::varchar[]) as file_name, unnest(?::bigint[]) as row_step", [ids, names, steps])


def _pair(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> None:
    """The table `corrected`: each row with the event it may correct, in the order of their files where several have the same dimensions, and what was sent then in words."""
    kinds = {name: kind for name, kind, *_ in connection.execute("describe sent").fetchall() if name not in OWN}
    numbers = [plan.field for plan in plans if plan.type in NUMERIC_TYPES and kinds.get(plan.field, "").startswith(NUMBERS)]
    dimensions = ", ".join(identifier(plan.field) for plan in plans if plan.type not in NUMERIC_TYPES and plan.field in kinds)
    place = f'hash({dimensions}) as "h:", row_number() over (partition by {dimensions} order by _row) as "place:"'  # no field is called so
    values = "".join(f", {identifier(name)} as {identifier(f'n:{name}')}" for name in numbers)
    words = [f"case when t.{identifier(name)} is distinct from {_then(name)} then concat({literal(f'{name} was ')}, coalesce({_text(_then(name), kinds[name])}, 'empty')) end" for name in numbers]
    said = f"concat({literal(f'{CHANGED}: ')}, coalesce(nullif(concat_ws(', ', {', '.join(words)}), ''), 'other content') , ' (', f.file_name, ', row ', case when f.row_step > 0 then went.earlier % f.row_step else went.earlier end, ')')" if words else literal(f"{CHANGED}: other content")
    connection.execute(f"""
        create table corrected as with
        came as (select *, {place} from typed where _row in (select _row from fresh)),
        went as (select import_id, _row as earlier, {place}{values} from sent)
        select t._row, went.* exclude ("h:", "place:"), {said} as said from came t join went using ("h:", "place:") join files_then f on f.import_id = went.import_id""")


def _then(name: str) -> str:
    return f"went.{identifier(f'n:{name}')}"


def _text(value: str, kind: str) -> str:
    text = f"{value}::varchar"
    return f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end" if kind.startswith("DECIMAL") else text


def _sums(connection: duckdb.DuckDBPyConnection, numbers: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of each number that was sent then: what those events add up to, and what these rows do."""
    there = {name for name, *_ in connection.execute("describe corrected").fetchall()}
    known = [name for name in numbers if f"n:{name}" in there]
    if not known:
        return {}
    columns = ", ".join(f"sum({identifier(f'n:{name}')}), sum(t.{identifier(name)})" for name in known)
    found = connection.execute(f"select {columns} from corrected join typed t using (_row)").fetchone()
    return {name: (plain(found[2 * place] or 0), plain(found[2 * place + 1] or 0)) for place, name in enumerate(known)}
