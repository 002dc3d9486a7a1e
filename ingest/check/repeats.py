"""Rows held against each other and against what was sent before. Nearly every file has few such rows, so only they are looked at closely.

Works on the table `typed` (a view over the events written first) and fills the table `changes`: for each row that doesn't simply stay,
its new id, or why it is left out; and `remarks` and `problems`, the issues found on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest import ledger
from ingest.check import identity, questions
from ingest.check.plan import Plan
from ingest.engine import identifier, literal
from schemas.checking import Question
from schemas.event_type import NUMERIC_TYPES

REPEATED, SENT = "repeated in this file", "already sent"


@dataclass(frozen=True)
class Repeats:
    """What came of it: whether any row changed, how many were sent before, and what to ask."""

    changed: bool
    already_sent: int
    questions: tuple[Question, ...]


def find_repeats(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], key: tuple[str, ...] | None, answers: dict[str, str], ledger_paths: list[Path], sha256: str) -> Repeats:
    """Fills `changes` and `findings`."""
    connection.execute("create table changes (_row bigint, event_id uuid, outcome varchar, reason varchar)")
    connection.execute("create table findings (code varchar, _row bigint, value varchar)")
    asked = list(_within_file(connection, plans, key, answers))
    already = 0
    if ledger_paths:
        sent, question = _against_ledger(connection, ledger_paths, answers, sha256, keyed=key is not None)
        already, asked = sent, asked + question
    changed = connection.execute("select count(*) > 0 from changes").fetchone()[0]
    return Repeats(changed, already, tuple(asked))


# Inside the file.


def _within_file(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], key: tuple[str, ...] | None, answers: dict[str, str]) -> list[Question]:
    dimensions = [plan.field for plan in plans if plan.type not in NUMERIC_TYPES]
    numeric = [plan.field for plan in plans if plan.type in NUMERIC_TYPES]
    alike = f"hash({', '.join(identifier(name) for name in dimensions)})"
    connection.execute(f"create table alike as select {alike} as h from typed group by 1 having count(*) > 1")
    if key is not None:
        _same_key(connection)
    if not connection.execute("select count(*) > 0 from alike").fetchone()[0]:
        return []
    columns = ", ".join(identifier(name) for name in dimensions)
    connection.execute(f"create table close as select _row, event_id, content, {columns} from typed where {alike} in (select h from alike) and _row not in (select _row from changes)")
    asked = _identical(connection, answers) if key is None else []
    if numeric:
        _other_quantity(connection, dimensions)
    return asked


def _same_key(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows of one key: the same content counts once, different content can't be settled by a program."""
    connection.execute("create table keys as select event_id, count(*) as n from typed group by 1 having count(*) > 1")
    if not connection.execute("select count(*) > 0 from keys").fetchone()[0]:
        return
    connection.execute("""
        create table keyed as select _row, event_id, min(_row) over same as first_row, min(content) over same <> max(content) over same as differs
        from (select _row, event_id, content from typed where event_id in (select event_id from keys)) window same as (partition by event_id)""")
    connection.execute("insert into changes select _row, event_id, 'rejected', 'same_key_other_content' from keyed where differs")
    connection.execute("insert into findings select 'same_key_other_content', _row, case when _row = first_row then null else 'the same key as row ' || first_row end from keyed where differs")
    connection.execute("insert into changes select _row, event_id, 'duplicate', ? from keyed where not differs and _row > first_row", [REPEATED])


def _identical(connection: duckdb.DuckDBPyConnection, answers: dict[str, str]) -> list[Question]:
    """Identical rows stay separate events, each with an id of its own, unless the person says that they are one."""
    connection.execute("""
        create table twins as select * from (
            select _row, event_id, row_number() over same as occurrence, min(_row) over (partition by content) as first_row from close window same as (partition by content order by _row))
        where occurrence > 1""")
    rows = connection.execute("select count(*) from twins").fetchone()[0]
    if not rows:
        return []
    if answers.get("identical_rows") == "once":
        connection.execute("insert into changes select _row, event_id, 'duplicate', ? from twins", [REPEATED])
        return []
    connection.execute(f"insert into changes select _row, {identity.again('event_id', 'occurrence')}, null, null from twins")
    connection.execute("insert into findings select 'identical_rows', _row, 'the same as row ' || first_row from twins")
    return [] if "identical_rows" in answers else [questions.identical_rows(rows)]


def _other_quantity(connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str]) -> None:
    same = ", ".join(identifier(name) for name in dimensions)
    connection.execute(f"""
        insert into findings select 'differs_only_in_quantity', _row, 'like row ' || first_row from (
            select _row, content, first_value(_row) over same as first_row, first_value(content) over same as first_content from close window same as (partition by {same} order by _row))
        where content <> first_content""")


# Against what was sent before.


def _against_ledger(connection: duckdb.DuckDBPyConnection, paths: list[Path], answers: dict[str, str], sha256: str, *, keyed: bool) -> tuple[int, list[Question]]:
    connection.execute(f"create view ledger as {ledger.ledger_query(paths)}")
    connection.execute("create view current as select _row, coalesce(c.event_id, t.event_id) as event_id, t.content, c.outcome from typed t left join changes c using (_row)")
    if not connection.execute("select count(*) > 0 from changes").fetchone()[0]:
        connection.execute("create or replace view current as select _row, event_id, content, null as outcome from typed")
    _meet(connection, "current", "met", sha256)
    _meet_by_content(connection, sha256, keyed)
    elsewhere = connection.execute("select count(*) from met where not own and same").fetchone()[0]
    if elsewhere and answers.get("already_sent") == "new":
        _make_new(connection, sha256)
    connection.execute("delete from changes where _row in (select _row from met)")
    connection.execute("insert into changes select _row, event_id, case when same then 'duplicate' else 'rejected' end, case when same then ? else 'already_sent_other_content' end from met", [SENT])
    connection.execute("insert into findings select 'already_sent_other_content', _row, null from met where not same")
    sent = connection.execute("select count(*) from met where same").fetchone()[0]
    asked = [questions.already_sent(elsewhere)] if elsewhere and "already_sent" not in answers else []
    return sent, asked + _sent_with_other_answers(connection, answers, sha256)


def _meet(connection: duckdb.DuckDBPyConnection, rows: str, found: str, sha256: str) -> None:
    """The rows whose id is in the ledger: with the same content, and from this very file? The ledger is the big side, so it streams past."""
    connection.execute(f"create table {found}_sent as select event_id, content, sha256 = {literal(sha256)} as own from ledger where event_id in (select event_id from {rows} where outcome is null)")
    connection.execute(f"""
        create table {found} as select r._row, r.event_id, bool_or(s.content = r.content) as same, bool_or(s.own) as own
        from {rows} r join {found}_sent s on r.event_id = s.event_id where r.outcome is null group by all order by r._row""")


def _meet_by_content(connection: duckdb.DuckDBPyConnection, sha256: str, keyed: bool) -> None:
    """Rows that were sent under another identity, when other columns made a row the same row. Numbered twins have ids of their own and are left alone."""
    plain = "" if keyed else "and event_id = content"
    connection.execute(f"create table others as select _row, event_id, content from current where outcome is null and _row not in (select _row from met) {plain}")
    connection.execute(f"""
        insert into met select o._row, o.event_id, true, s.own from others o
        join (select content, bool_or(sha256 = {literal(sha256)}) as own from ledger where content in (select content from others) group by 1) s using (content) order by o._row""")


def _sent_with_other_answers(connection: duckdb.DuckDBPyConnection, answers: dict[str, str], sha256: str) -> list[Question]:
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
