"""Rows that only add up the rows of one customer above them, as `Acme Total` does below those of Acme: sent as usage of a customer of that name, they would be billed twice.

Reading leaves out such rows where nothing else stands in them; here are those that have a date or other texts, too. Works on the table `customers`, and adds to `changes` what was answered and to `findings` what is only called so.
"""

from collections.abc import Mapping, Sequence

import duckdb

from ingest.check import questions
from ingest.check.plan import Plan
from ingest.check.totals import plain
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.values.labels import GROUP_TOTAL
from schemas.checking import Question
from schemas.deciding import CUSTOMER_TOTALS, LEAVE_OUT, SEND
from schemas.event_type import NUMERIC_TYPES

REASON = "a total of rows above it"


def find_group_totals(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], answers: Mapping[str, str]) -> list[Question]:
    """What is asked about such rows; with the answer that they are left out they become excluded ones."""
    if answers.get(CUSTOMER_TOTALS, SEND) not in (LEAVE_OUT, SEND):
        raise BadInput(f"{answers[CUSTOMER_TOTALS]!r} is no answer to {CUSTOMER_TOTALS}.", f"It can be {LEAVE_OUT} or {SEND}.")
    numbers = [plan.field for plan in plans if plan.type in NUMERIC_TYPES]
    if answers.get(CUSTOMER_TOTALS) == SEND or not numbers or not _find_names(connection):
        return []
    _find_rows(connection, numbers)
    _point_out_others(connection)
    rows, row, label, customer = connection.execute("select count(*), min(_row), arg_min(label, _row), arg_min(customer, _row) from group_totals").fetchone()
    if rows and CUSTOMER_TOTALS in answers:
        connection.execute("delete from changes where _row in (select _row from group_totals)")
        connection.execute("insert into changes select _row, event_id, 'excluded', ? from group_totals join typed using (_row) order by _row", [REASON])
    if not rows or CUSTOMER_TOTALS in answers:
        return []
    sums = connection.execute(f"select {', '.join(f'sum({identifier(name)})' for name in numbers)} from typed where _row in (select _row from group_totals)").fetchone()
    return [questions.customer_totals(rows, row, label, customer, {name: plain(total) for name, total in zip(numbers, sums, strict=True) if total})]


def _point_out_others(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds to `findings` the rows of such a name that add up nothing, as where one of the rows above needs fixing: nobody is asked about them, so that they would go unseen."""
    connection.execute("""
        insert into findings select 'customer_looks_like_total', _row, customer_id, 'customer_id' from typed where customer_id in (select label from totals_of)
            and _row not in (select _row from group_totals) and _row not in (select _row from changes where outcome is not null)""")


def _find_names(connection: duckdb.DuckDBPyConnection) -> bool:
    """The table `totals_of`: customers that are called like the total of another one. Whether there are any."""
    parts = f"regexp_extract(lower(trim(customer_id)), {literal(f'^(?:{GROUP_TOTAL})$')}, ['behind', 'before'])"
    connection.execute(f"""
        create table totals_of as with named as (select customer_id as label, {parts} as part from customers)
        select label, customer_id as customer from named join customers on lower(trim(customer_id)) = trim(part.behind || part.before) where part.behind || part.before <> ''""")
    return connection.execute("select count(*) > 0 from totals_of").fetchone()[0]


def _find_rows(connection: duckdb.DuckDBPyConnection, numbers: Sequence[str]) -> None:
    """The table `group_totals`: rows of such a name of which a number is the sum of the customer's rows since the last total, to twelve digits."""
    above = "partition by customer order by _row rows between unbounded preceding and 1 preceding"
    own = "".join(f", {identifier(name)}::double as {identifier(f'n:{name}')}" for name in numbers)
    sums = "".join(f", sum({identifier(f'n:{name}')}) filter (label is null) over part as {identifier(f's:{name}')}" for name in numbers)
    agree = " or ".join(f"({identifier(f'n:{name}')} <> 0 and abs({identifier(f'n:{name}')} - {identifier(f's:{name}')}) <= 1e-12 * abs({identifier(f's:{name}')}))" for name in numbers)
    connection.execute(f"""
        create table group_totals as with
        names as (select label as name, label, customer from totals_of union all select distinct customer, null, customer from totals_of),
        these as (select _row, label, customer{own} from typed join names on customer_id = name where _row not in (select _row from changes where outcome is not null)),
        parts as (select *, coalesce(count(label) over ({above}), 0) as part from these),
        summed as (select *{sums} from parts window part as (partition by customer, part))
        select _row, label, customer from summed where label is not null and ({agree})""")
