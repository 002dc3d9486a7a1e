"""What stands alone in a file: rows in another month than nearly all the others, and values that are usually written in another way.

Works on the small table `days` and on columns of `typed`; its rows are looked at only where something was found. Fills `findings` and `hints`.
"""

from collections.abc import Sequence
from datetime import timedelta

import duckdb

from ingest.check.plan import Plan
from ingest.check.rules import Rules
from ingest.engine import identifier, literal
from ingest.values.zones import said_zone, to_utc
from schemas.matching import MatchSpec

ENOUGH, NEARLY, ROUGHLY = 20, 0.95, 0.9
"""From so many events on a file has a month, if such a share falls into it; by days of UTC, which begin at other hours, a little less will do."""
FEW, OFTEN = 200, 5
"""A field has few values up to so many different ones, each used so often on average."""
FIRST = 20_000
"""Rows that are enough to see that a field has more values than that."""
LETTERS = r"\pL"


def find_strays(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules, spec: MatchSpec) -> None:
    """Adds the rows outside the file's month, and those whose text is written in a rarer way."""
    time = next(plan for plan in plans if plan.field == "timestamp")
    if time.column is not None and spec.period is None and not {"outside_period", "out_of_range"} & set(time.facts) and rules.on("outside_month"):
        _outside_month(connection, time.column, spec.answers.get("zone.timestamp") or said_zone(time.column), rules)
    texts = [plan.field for plan in plans if plan.type == "String" and plan.field != "customer_id" and plan.column is not None and "not_allowed" not in plan.facts and rules.on("text_spelled_differently", plan.field)]
    for field in _with_few_values(connection, texts):
        _spelled_differently(connection, field)


def _outside_month(connection: duckdb.DuckDBPyConnection, column: str, zone: str | None, rules: Rules) -> None:
    """The rows in other months, except for those that are said to be in the future already; where nobody said a zone, a time is in a month by the offset that it was written with."""
    month, most, total = connection.execute("""
        select arg_max(month, n), max(n), sum(n) from (select date_trunc('month', day)::timestamp as month, sum(n) as n from days group by 1)""").fetchone()
    if not total or total < ENOUGH or not ROUGHLY * float(total) <= most < total:
        return
    start, end = (to_utc(each, zone or "UTC") for each in (month, (month + timedelta(days=31)).replace(day=1)))
    latest = "moment_of_check()" if rules.on("timestamp_in_future") else "'infinity'"
    stray = "{moment} not between timestamp '" + f"{start}' and timestamp '{end}' - interval 1 microsecond"
    connection.execute(f"""create or replace temp table strays as select _row, "timestamp" from typed where {stray.format(moment='"timestamp"')}""")
    if zone is None:
        written = stray.format(moment=f's."timestamp" + {_offset(f"raw.{identifier(column)}")}')
        connection.execute(f"create or replace temp table strays as select s.* from strays s join raw using (_row) where {written}")
    connection.execute(f"""
        insert into findings select 'outside_month', _row, strftime("timestamp", '%Y-%m-%d %H:%M:%S'), 'timestamp' from strays
        where "timestamp" <= {latest} and (select count(*) from strays) <= {1 - NEARLY:.2f} * {total}""")


def _offset(text: str) -> str:
    """SQL for the offset from UTC that a time was written with (`10:00+02:00`); none where it has none."""
    found = rf"regexp_extract({text}, '\d:\d\d\S*\s?([+-]\d\d):?(\d\d)?\s*$', ['hours', 'minutes'])"
    return f"to_minutes(coalesce(try_cast({found}.hours as integer) * 60 + if({found}.hours[1] = '-', -1, 1) * coalesce(try_cast({found}.minutes as integer), 0), 0))"


def _with_few_values(connection: duckdb.DuckDBPyConnection, fields: Sequence[str]) -> list[str]:
    """The fields that may have few values: those that have few in the first rows."""
    if not fields:
        return []
    columns = ", ".join(map(identifier, fields))
    found = connection.execute(f"select {', '.join(f'count(distinct {identifier(field)})' for field in fields)} from (select {columns} from typed limit {FIRST})").fetchone()
    return [field for field, different in zip(fields, found, strict=True) if different <= FEW]


def _spelled_differently(connection: duckdb.DuckDBPyConnection, field: str) -> None:
    """Values that are alike but for capitals, spaces, hyphens and underscores, where one of them is the usual one."""
    name = identifier(field)
    connection.execute(f"""
        create or replace temp table used as select value, n, {_plain('value')} as plain
        from (select {name} as value, count(*) as n from typed group by 1) where regexp_matches(value, '{LETTERS}')""")
    connection.execute(f"""
        create or replace temp table written as select value, usual from (select value, first_value(value) over (partition by plain order by n desc, value) as usual from used)
        where value <> usual and (select count(*) <= {FEW} and sum(n) >= {OFTEN} * count(distinct plain) from used)""")
    if connection.execute("select count(*) > 0 from written").fetchone()[0]:
        connection.execute(f"insert into findings select 'text_spelled_differently', t._row, w.value, {literal(field)} from typed t join written w on t.{name} = w.value")
        connection.execute(f"""insert into hints select 'text_spelled_differently', value, concat('''', value, ''' is also written ''', usual, ''''), {literal(field)}, usual from written""")


def _plain(text: str) -> str:
    """SQL for a text without capitals and without what separates its words. Between two digits (1-12 and 11-2) and at the edges (A- and A) a sign has a meaning."""
    spaced = rf"regexp_replace(lower({text}), '[\s_-]+', ' ', 'g')"
    joined = rf"regexp_replace(regexp_replace({spaced}, '([^\d ]) ', '\1', 'g'), ' ([^\d ])', '\1', 'g')"
    return f"concat(regexp_extract({text}, '^[_-]*'), '|', {joined}, '|', regexp_extract({text}, '[_-]*$'))"
