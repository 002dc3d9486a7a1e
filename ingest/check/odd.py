"""What is odd about a file beside what was sent before: far larger numbers, days without usage, far more or fewer rows; and values that should be there only once.

Works on `typed` and on the small tables `days` and `customers` (customers.py), and fills `findings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest import ledger
from ingest.check.plan import Plan
from ingest.check.rules import Rules, number
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from schemas.event_type import NUMERIC_TYPES

STEPS = 8
"""Sizes are counted in steps of a logarithm, so many for each factor of e."""
TIMES, SPREAD, ENOUGH, RARE = "10", 6, 10, 50
"""A number is far larger from ten times the median on, six times the spread away from it, where a customer has ten numbers; at most one in fifty of them can be."""
SHARE = "0.5"
EARLIER, FEW = 3, 20
"""From three earlier imports on there is a usual volume; a customer with fewer than twenty rows may have any number of them."""
LONGEST, MEMORY = 400, 56
"""Days: a file over a longer time has no gaps, and so much before its first day is remembered."""


@dataclass(frozen=True)
class Past:
    """What was sent before: the ledger, this file's hash, the last import that was sent, and the events of the last few."""

    ledger: Sequence[Path]
    sha256: str
    last: str = ""
    events: Sequence[Path] = ()


def find_odd(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules, past: Past) -> None:
    """Fills `findings` with what is odd."""
    for field, setting in rules.of("not_unique"):
        _not_unique(connection, {plan.field for plan in plans}, (field, *setting.fields))
    for plan in plans:
        if plan.type in NUMERIC_TYPES and plan.column is not None and rules.on("unusually_large", plan.field):
            _unusually_large(connection, plan, rules.setting("unusually_large", plan.field).times or TIMES, past)
    if rules.on("days_without_usage"):
        _days_without_usage(connection, past)
    if past.ledger:
        connection.execute(f"create temp table sent_counts as select import_id, customer_id, count(*) as n from ({ledger.ledger_query(list(past.ledger))}) where sha256 <> {literal(past.sha256)} group by all")
        _count_new_rows(connection, past.last)
        if rules.on("unusual_volume"):
            _unusual_volume(connection, _share(rules, "unusual_volume"))
        if past.last and rules.on("customer_rows_changed"):
            _customer_rows_changed(connection, past.last, _share(rules, "customer_rows_changed"))


def _count_new_rows(connection: duckdb.DuckDBPyConnection, last: str) -> None:
    """The table `new_rows`: by customer how many rows are new, and how many the last import brought already, as a newer edition of its file has them."""
    connection.execute("""
        create temp table new_rows as select customer_id, count(*) filter (m._row is null) as n, count(*) filter (m.import_id = $last) as again, min(t._row) filter (m._row is null) as _row
        from typed t left join met m on m._row = t._row group by 1""", {"last": last})


def _share(rules: Rules, code: str) -> str:
    return number(rules.setting(code).share or SHARE, "The share")


def _not_unique(connection: duckdb.DuckDBPyConnection, known: set[str], fields: tuple[str, ...]) -> None:
    """Rows that share a value, or values, with another row; rows that are left out already don't count."""
    for name in fields:
        if name not in known:
            raise BadInput(f"The check unique is for the field {name!r}, which no column gives.", f"Fields: {', '.join(sorted(known))}.")
    columns = ", ".join(identifier(name) for name in fields)
    filled = " and ".join(f"{identifier(name)} is not null" for name in fields)
    connection.execute(f"""
        insert into findings select 'not_unique', _row, if(_row = first_row, shown, concat(shown, ', as in row ', first_row)), $field from (
            select _row, concat_ws(', ', {columns}) as shown, min(_row) over same as first_row, count(*) over same as n
            from (select _row, {columns} from typed where {filled} and _row not in (select _row from changes where outcome is not null)
                and hash({columns}) in (select hash({columns}) from typed group by 1 having count(*) > 1)) window same as (partition by {columns}))
        where n > 1""", {"field": fields[0]})


def _unusually_large(connection: duckdb.DuckDBPyConnection, plan: Plan, times: str, past: Past) -> None:
    """Numbers far above the customer's median, in this file and in earlier ones: by the logarithm, so that usage that spreads widely is still usual."""
    if Decimal(number(times, f"The check outlier of {plan.field}")) <= 1:
        raise BadInput(f"The check outlier of {plan.field}: {times!r} times isn't more than usual.", "Write a number above 1, such as 10.")
    column = identifier(plan.field)
    sources = " union all ".join(f"select customer_id, {each}::double as x from {place}" for place, each in [("typed", column), *_with_field(connection, plan.field, past.events)])
    connection.execute(f"create or replace temp table sizes as select customer_id, (round(ln(abs(x)) * {STEPS}))::int as size, count(*) as n from ({sources}) where x <> 0 and isfinite(x) group by all")
    connection.execute(f"""
        create or replace temp table limits as with
        sized as (select *, sum(n) over (partition by customer_id order by size) as upto, sum(n) over (partition by customer_id) as total from sizes),
        middle as (select customer_id, any_value(total) as total, min(size) filter (upto * 2 >= total) as middle, max(size) as largest from sized group by 1),
        wide as (select customer_id, middle, total, largest from middle where total >= {ENOUGH} and largest > middle + {STEPS} * ln({times})),
        away as (select customer_id, middle, total, abs(size - middle) as away, sum(n) as n from sizes join wide using (customer_id) group by all),
        ranked as (select *, sum(n) over (partition by customer_id order by away) as upto from away),
        spread as (select customer_id, any_value(middle) as middle, any_value(total) as total, min(away) filter (upto * 2 >= total) as spread from ranked group by 1),
        cut as (select customer_id, middle, total, middle + greatest({STEPS} * ln({times}), {SPREAD} * 1.4826 * spread) as cut from spread)
        select customer_id, exp(any_value(middle) / {STEPS}) as usual, exp(any_value(cut) / {STEPS}) as most from cut join sizes using (customer_id)
        where size > cut group by customer_id having sum(n) <= greatest(2, any_value(total) / {RARE})""")
    if connection.execute("select count(*) > 0 from limits").fetchone()[0]:
        connection.execute(f"""
            insert into findings select 'unusually_large', t._row, concat(t.{column}, ' where ', t.customer_id, ' usually has about ', format('{{:.3g}}', l.usual)), $field
            from typed t join limits l using (customer_id) where abs(t.{column}::double) > l.most""", {"field": plan.field})


def _with_field(connection: duckdb.DuckDBPyConnection, field: str, files: Sequence[Path]) -> list[tuple[str, str]]:
    """The earlier events that have this field as a number."""
    found = []
    for file in files:
        names = {name: kind for name, kind, *_ in connection.execute(f"describe select * from read_parquet({literal(file)})").fetchall()}
        if names.get(field, "VARCHAR").startswith(("DECIMAL", "BIGINT", "DOUBLE")):
            found.append((f"read_parquet({literal(file)})", identifier(field)))
    return found


def _days_without_usage(connection: duckdb.DuckDBPyConnection, past: Past) -> None:
    """Days on which a customer has nothing, where it has something on all such days of the week but for this one time.

    Said only of customers with usage as regular as that a day without any can't be chance: about the same number of rows each day, or many.
    """
    connection.execute("""
        create temp table span as with byday as (select day, sum(n) as n from days group by 1)
        select min(day) as first, max(day) as last from byday where n * 2 >= (select median(n) from byday)""")  # the day on which an export was cut off says nothing
    first, last = connection.execute("select first, last from span").fetchone()
    if first is None or (last - first).days > LONGEST:
        return
    connection.execute(f"create temp view known_days as select customer_id, day, n from days where day <= date '{last}'")
    if past.ledger:
        _remember_days(connection, past, first, last)
    connection.execute("""
        create temp table regular as select customer_id, since from (
            select customer_id, min(day) as since, count(*) as present, avg(n) as mean, stddev_pop(n) as spread, (select last from span) - min(day) + 1 as whole from known_days group by 1)
        where present >= 10 and present < whole and present * 2 >= whole and (mean >= 8 or spread * 4 <= mean)""")
    if connection.execute("select count(*) > 0 from regular").fetchone()[0]:
        _missing_days(connection)


def _remember_days(connection: duckdb.DuckDBPyConnection, past: Past, first: date, last: date) -> None:
    """Adds the days on which something was sent shortly before, or since, to `known_days`."""
    connection.execute(f"""
        create temp table all_days as select customer_id, day, max(n) as n from (
            from known_days union all
            select customer_id, "timestamp"::date as day, count(*) from ({ledger.ledger_query(list(past.ledger))})
            where "timestamp" >= $first::date - {MEMORY} and "timestamp" < $last::date + 1 group by all)
        group by all""", {"first": first, "last": last})
    connection.execute("create or replace temp view known_days as from all_days")


def _missing_days(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        create temp table missing as with
        filled as (select c.customer_id, c.day, k.n is not null as there
            from (select customer_id, unnest(generate_series(since::timestamp, (select last from span)::timestamp, interval 1 day))::date as day from regular) c left join known_days k using (customer_id, day)),
        usual as (select customer_id, isodow(day) as dow from filled group by all having avg(there::int) >= 0.5 and count(*) >= 2),
        expected as (select f.*, lag(f.there, 1, true) over (partition by f.customer_id order by f.day) as before from filled f join usual u on u.customer_id = f.customer_id and u.dow = isodow(f.day)),
        runs as (select *, sum((not there and before)::int) over (partition by customer_id order by day) as run from expected),
        few as (select customer_id from runs group by 1 having count(*) >= 10 and max(run) <= greatest(1, count(*) / 15) and sum((not there)::int) <= 0.3 * count(*))
        select customer_id, min(day) as "from", max(day) as "to", count(*) as n from runs where not there and customer_id in (select customer_id from few) group by customer_id, run
        having max(day) >= (select first from span)""")
    connection.execute("""
        create temp table absent as select distinct customer_id from missing where customer_id not in (select customer_id from customers)""")
    connection.execute("delete from missing where customer_id in (select customer_id from absent) and (select count(*) from absent) > (select count(*) from customers)")
    connection.execute("""
        insert into findings select 'days_without_usage', any_value(row_before), concat(customer_id, ' has nothing on ', "from", if("to" > "from", concat(' to ', "to"), '')), 'customer_id'
        from missing left join (select m.customer_id, m."from", coalesce(max(t._row) filter (t."timestamp" < m."from"), min(t._row)) as row_before from missing m join typed t on t.customer_id = m.customer_id group by all) using (customer_id, "from")
        group by customer_id, "from", "to" """)


def _unusual_volume(connection: duckdb.DuckDBPyConnection, share: str) -> None:
    """How many rows are new, beside how many an import usually brought."""
    connection.execute(f"""
        insert into findings select 'unusual_volume', null, concat(now, ' new rows, where an import usually brings ', usual), null from (
            select (select sum(n) from new_rows)::bigint as now, (select sum(again) from new_rows)::bigint as again, median(n)::bigint as usual, count(*) as imports from (select sum(n) as n from sent_counts group by import_id))
        where imports >= {EARLIER} and now > 0 and least(abs(now - usual), abs(now + again - usual)) > usual * {share}""")


def _customer_rows_changed(connection: duckdb.DuckDBPyConnection, last: str, share: str) -> None:
    """How many rows of each customer are new, beside how many the last import brought."""
    connection.execute(f"""
        insert into findings select 'customer_rows_changed', _row, concat(customer_id, ': ', coalesce(now, 0), if(now = 1, ' new row, ', ' new rows, '), coalesce(before, 0), ' in the last import'), 'customer_id' from (
            select customer_id, c.n as now, c.again, b.n as before, c._row from new_rows c full join (select customer_id, n from sent_counts where import_id = $last) b using (customer_id))
        where exists (from new_rows where n > 0) and greatest(coalesce(now, 0), coalesce(before, 0)) >= {FEW}
            and least(abs(coalesce(now, 0) - coalesce(before, 0)), abs(coalesce(now + again, 0) - coalesce(before, 0))) > coalesce(before, 0) * {share}""", {"last": last})
