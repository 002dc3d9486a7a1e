"""Rows held against each other and against what was sent before. Nearly every file has few such rows, so only they are looked at closely.

Works on the table `typed` (a view over the events written first) and fills the table `changes`: for each row that doesn't simply stay,
its new id, or why it is left out; and `remarks` and `problems`, the issues found on the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest import ledger
from ingest.check import again, identity, questions
from ingest.check.corrected import find_corrected
from ingest.check.plan import Plan
from ingest.check.totals import plain
from ingest.engine import identifier, literal
from ingest.store import imports
from schemas.checking import Question, SentBefore
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import EarlierKey

REPEATED, SENT = "repeated in this file", "already sent"
PASTED_ROWS, PASTED_SHARE = 10, 10
"""From so many rows on, and one in so many of the file, rows that repeat others at one and the same distance look like a block that was pasted twice."""


@dataclass(frozen=True)
class Repeats:
    """What came of it: how many rows were sent before, by which other files, and what to ask."""

    already_sent: int
    sent_by: tuple[SentBefore, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Before:
    """What is known about what was sent: the account's ledger, this file's hash, and the key that such usage was last sent under."""

    ledger: Sequence[Path]
    sha256: str
    key: EarlierKey | None = None
    numbered: bool = False
    """Whether a source numbers its rows, so that two of the same content are two; only those sent without a number may be the same."""


def find_repeats(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], key: tuple[str, ...] | None, answers: Mapping[str, str], before: Before, earlier: again.Earlier | None = None) -> Repeats:
    """Fills `changes` and `findings`. `earlier` is the check that `typed` was written out of."""
    connection.execute("create table changes (_row bigint, event_id uuid, outcome varchar, reason varchar)")
    connection.execute("create table findings (code varchar, _row bigint, value varchar, field varchar)")
    connection.execute("create table twins (_row bigint, event_id uuid, occurrence bigint, first_row bigint)")
    _within_file(connection, plans, key, answers, earlier)
    already, senders, asked = 0, (), []
    if before.ledger:
        already, senders, asked = _against_ledger(connection, before, answers, keyed=key is not None)
        asked += _another_key(connection, before.key, key, answers)
        told = key is not None and not any(plan.field in key for plan in plans if plan.type in NUMERIC_TYPES)
        asked += find_corrected(connection, plans, answers, before.sha256) if not told and not any(each.blocking for each in asked) else []
    return Repeats(already, senders, (*_twins_question(connection, plans, answers), *asked))


# Inside the file.


def _within_file(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], key: tuple[str, ...] | None, answers: Mapping[str, str], earlier: again.Earlier | None) -> None:
    dimensions = [plan.field for plan in plans if plan.type not in NUMERIC_TYPES]
    alike = f"hash({', '.join(identifier(name) for name in dimensions)})"
    connection.execute(f"create table alike as select {alike} as h from typed where {again.may_repeat(earlier, alike) if earlier else 'true'} group by 1 having count(*) > 1")
    if key is not None:
        _same_key(connection, key)
    if not connection.execute("select count(*) > 0 from alike").fetchone()[0]:
        return
    columns = ", ".join(identifier(name) for name in dimensions)
    connection.execute(f"create table close as select _row, event_id, content, {columns} from typed where {alike} in (select h from alike) and _row not in (select _row from changes)")
    if key is None:
        _identical(connection, answers)
    if len(dimensions) < len(plans):
        _other_quantity(connection, dimensions)


def _same_key(connection: duckdb.DuckDBPyConnection, key: tuple[str, ...]) -> None:
    """Rows of one key: the same content counts once, different content can't be settled by a program. A key of one column is where it shows."""
    connection.execute("create table keys as select event_id, count(*) as n from typed group by 1 having count(*) > 1")
    if not connection.execute("select count(*) > 0 from keys").fetchone()[0]:
        return
    connection.execute("""
        create table keyed as select _row, event_id, min(_row) over same as first_row, min(content) over same <> max(content) over same as differs
        from (select _row, event_id, content from typed where event_id in (select event_id from keys)) window same as (partition by event_id)""")
    connection.execute("insert into changes select _row, event_id, 'rejected', 'same_key_other_content' from keyed where differs")
    connection.execute("insert into findings select 'same_key_other_content', _row, case when _row = first_row then null else 'the same key as row ' || first_row end, ? from keyed where differs", [key[0] if len(key) == 1 else None])
    connection.execute("insert into changes select _row, event_id, 'duplicate', ? from keyed where not differs and _row > first_row", [REPEATED])


def _identical(connection: duckdb.DuckDBPyConnection, answers: Mapping[str, str]) -> None:
    """Identical rows stay separate events, each with an id of its own, unless the person says that they are one."""
    connection.execute("""
        insert into twins select * from (
            select _row, event_id, row_number() over same as occurrence, min(_row) over (partition by content) as first_row from close window same as (partition by content order by _row))
        where occurrence > 1""")
    if answers.get("identical_rows") == "once":
        connection.execute("insert into changes select _row, event_id, 'duplicate', ? from twins", [REPEATED])
        return
    connection.execute(f"insert into changes select _row, {identity.again('event_id', 'occurrence')}, null, null from twins")
    connection.execute("insert into findings (code, _row, value) select 'identical_rows', _row, 'the same as row ' || first_row from twins")


def _twins_question(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], answers: Mapping[str, str]) -> list[Question]:
    """Whether identical rows are separate usage: asked where some of them would be sent, since then the bill hangs on it."""
    waiting = "from twins where _row in (select _row from changes where outcome is null)"
    rows, row, first = connection.execute(f"select count(*), min(_row), arg_min(first_row, _row) {waiting}").fetchone()
    if not rows or "identical_rows" in answers:
        return []
    numeric = [plan.field for plan in plans if plan.type in NUMERIC_TYPES]
    sums = connection.execute(f"select {', '.join(f'sum({identifier(name)})' for name in numeric)} from typed where _row in (select _row {waiting})").fetchone() if numeric else ()
    total = connection.execute("select count(*) from typed").fetchone()[0]
    block = connection.execute(f"select count(*) as n, min(_row), max(_row), min(first_row), max(first_row) {waiting} group by _row - first_row order by n desc limit 1").fetchone()
    pasted = block[1:] if block[0] >= PASTED_ROWS and block[0] * PASTED_SHARE >= total else None
    return [questions.identical_rows(rows, row, first, {name: plain(value) for name, value in zip(numeric, sums, strict=True) if value}, pasted)]


def _other_quantity(connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str]) -> None:
    same = ", ".join(identifier(name) for name in dimensions)
    connection.execute(f"""
        insert into findings (code, _row, value) select 'differs_only_in_quantity', _row, 'like row ' || first_row from (
            select _row, content, first_value(_row) over same as first_row, first_value(content) over same as first_content from close window same as (partition by {same} order by _row))
        where content <> first_content""")


# Against what was sent before.


def _against_ledger(connection: duckdb.DuckDBPyConnection, before: Before, answers: Mapping[str, str], *, keyed: bool) -> tuple[int, tuple[SentBefore, ...], list[Question]]:
    connection.execute(f"create view ledger as {ledger.ledger_query(list(before.ledger))}")
    connection.execute("create view current as select _row, coalesce(c.event_id, t.event_id) as event_id, t.content, c.outcome from typed t left join changes c using (_row)")
    if not connection.execute("select count(*) > 0 from changes").fetchone()[0]:
        connection.execute("create or replace view current as select _row, event_id, content, null as outcome from typed")
    _meet(connection, "current", "met", before.sha256)
    _meet_by_content(connection, before, keyed)
    elsewhere = _senders(connection)
    if elsewhere and answers.get("already_sent") == "new":
        _make_new(connection, before.sha256)
    senders = _senders(connection)
    _leave_out_met(connection)
    sent = connection.execute("select count(*) from met where same").fetchone()[0]
    asked = [questions.already_sent(elsewhere)] if elsewhere and "already_sent" not in answers else []
    return sent, senders, asked + _sent_with_other_answers(connection, answers, before.sha256)


def _leave_out_met(connection: duckdb.DuckDBPyConnection) -> None:
    """What was sent before goes out of the events, with the file that brought it where that was another one."""
    brought = [import_id for import_id, in connection.execute("select distinct import_id from met where not own or not same order by 1").fetchall()]
    connection.execute("create table senders as select unnest(?::varchar[]) as import_id, unnest(?::varchar[]) as named", [brought, list(map(questions.sender, _sent_before(dict.fromkeys(brought, 0))))])
    connection.execute("delete from changes where _row in (select _row from met)")
    connection.execute("""
        insert into changes select _row, event_id, case when same then 'duplicate' else 'rejected' end, case when not same then 'already_sent_other_content' else concat_ws(' by ', $sent, if(own, null, named)) end
        from met left join senders using (import_id) order by _row""", {"sent": SENT})
    connection.execute("insert into findings (code, _row, value) select 'already_sent_other_content', _row, 'in ' || named from met join senders using (import_id) where not same")


def _sent_before(rows: Mapping[str, int]) -> tuple[SentBefore, ...]:
    """Imports that sent something, each with its file."""
    names = imports.sent_files(list(rows)) if rows else {}
    return tuple(SentBefore(import_id=import_id, rows=found, **names.get(import_id, {})) for import_id, found in rows.items())


def _senders(connection: duckdb.DuckDBPyConnection) -> tuple[SentBefore, ...]:
    """The imports of other files that sent rows of this one."""
    found = connection.execute("select import_id, count(*) from met where not own and same group by 1 order by 2 desc, 1").fetchall()
    return _sent_before(dict(found))


def _another_key(connection: duckdb.DuckDBPyConnection, earlier: EarlierKey | None, key: tuple[str, ...] | None, answers: Mapping[str, str]) -> list[Question]:
    """Rows that may be corrections of sent ones and aren't recognised as such, because such usage was sent under another key."""
    if earlier is None or set(earlier.fields) == set(key or ()) or answers.get("key_changed") == "send":
        return []
    close = connection.execute("""
        select count(*) from typed where _row not in (select _row from changes where outcome is not null)
        and (customer_id, "timestamp") in (select (customer_id, "timestamp") from ledger)""").fetchone()[0]
    return [questions.key_changed(earlier, close)]


def _meet(connection: duckdb.DuckDBPyConnection, rows: str, found: str, sha256: str) -> None:
    """The rows whose id is in the ledger: with the same content, from this very file, and by which import? The ledger is the big side, so it streams past."""
    connection.execute(f"create table {found}_sent as select event_id, content, import_id, sha256 = {literal(sha256)} as own from ledger where event_id in (select event_id from {rows} where outcome is null)")
    connection.execute(f"""
        create table {found} as select r._row, r.event_id, bool_or(s.content = r.content) as same, bool_or(s.own) as own, min(s.import_id) as import_id
        from {rows} r join {found}_sent s on r.event_id = s.event_id where r.outcome is null group by all order by r._row""")


def _meet_by_content(connection: duckdb.DuckDBPyConnection, before: Before, keyed: bool) -> None:
    """Rows that were sent under another identity, when other columns made a row the same row. Numbered twins have ids of their own and are left alone."""
    plain, unnumbered = "" if keyed else "and event_id = content", "and event_id = content" if before.numbered else ""
    connection.execute(f"create table others as select _row, event_id, content from current where outcome is null and _row not in (select _row from met) {plain}")
    connection.execute(f"""
        insert into met select o._row, o.event_id, true, s.own, s.import_id from others o
        join (select content, bool_or(sha256 = {literal(before.sha256)}) as own, min(import_id) as import_id from ledger where content in (select content from others) {unnumbered} group by 1) s using (content) order by o._row""")


def _sent_with_other_answers(connection: duckdb.DuckDBPyConnection, answers: Mapping[str, str], sha256: str) -> list[Question]:
    """Events of this very file that were sent and don't come out of it any more: read in another way, its rows would be billed twice."""
    gone = connection.execute(f"""
        select count(*) from ledger where sha256 = {literal(sha256)} and content not in (select content from typed)
        and event_id not in (select coalesce(c.event_id, t.event_id) from typed t left join changes c using (_row))""").fetchone()[0]
    waiting = connection.execute("select count(*) from typed where _row not in (select _row from changes where outcome is not null)").fetchone()[0]
    if not gone or not waiting or answers.get("sent_differently") == "send":
        return []
    return [questions.sent_differently(gone, waiting)]


def _make_new(connection: duckdb.DuckDBPyConnection, sha256: str) -> None:
    """Usage that only looks like what another file brought gets ids of its own; those may have been sent before, too."""
    connection.execute(f"""
        create table renewed as select m._row, {identity.elsewhere('m.event_id', sha256)} as event_id, c.content, null as outcome
        from met m join current c using (_row) where not m.own and m.same""")
    connection.execute("delete from met where not own and same")
    connection.execute("delete from changes where _row in (select _row from renewed)")
    connection.execute("insert into changes select _row, event_id, null, null from renewed")
    _meet(connection, "renewed", "met_again", sha256)
    connection.execute("insert into met select * from met_again")
