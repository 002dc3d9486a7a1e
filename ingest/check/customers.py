"""Customers that may be one and the same, and customers whom the account doesn't know."""

from collections.abc import Mapping

import duckdb

from ingest.engine import literal
from ingest.values.text import SPACES, matches

SPELT_OUT = "replace(replace(replace(replace(lower(customer_id), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss')"
NAME = r"[\p{L}].* .*"
"""What begins with a letter and has a space in it is a name, in which dots, commas and accents are a matter of taste; in an id they aren't."""
PLAIN = f"case when {matches('customer_id', NAME)} then regexp_replace(strip_accents({SPELT_OUT}), '[^\\pL\\pN]', '', 'g') else lower(translate(customer_id, {literal(SPACES)}, '')) end"
COMPARED, RARER = 2_000, 20
"""Up to so many customers are held against each other for slips of the keys, those that have a twentieth of the other's rows at most."""


def find_customers(connection: duckdb.DuckDBPyConnection, unknown: Mapping[str, str]) -> None:
    """Makes the table `days` (rows by customer and day) and `customers`, adds to `findings` every row whose customer is written in a rarer way than elsewhere or isn't known, and to `hints` who may be meant."""
    connection.execute("""create table days as select customer_id, "timestamp"::date as day, count(*) as n from typed group by all""")
    connection.execute(f"create table customers as select customer_id, {PLAIN} as plain, sum(n) as n from days group by all")
    connection.execute("create table hints (code varchar, value varchar, hint varchar, field varchar, meant varchar)")
    _spellings(connection)
    if unknown:
        _unknown(connection, unknown)


def _spellings(connection: duckdb.DuckDBPyConnection) -> None:
    """Names that differ only in capitals, spaces and signs, and rare ones that are a slip of the keys away from a frequent one."""
    connection.execute("""
        create table spellings as select customer_id, first_value(customer_id) over (partition by plain order by n desc, customer_id) as usual
        from customers where plain in (select plain from customers group by 1 having count(*) > 1)""")
    _slips(connection)
    connection.execute("insert into findings select 'customer_spelled_differently', t._row, t.customer_id, 'customer_id' from typed t join spellings s using (customer_id) where s.customer_id <> s.usual")
    connection.execute("insert into hints (code, value, hint, meant) select 'customer_spelled_differently', customer_id, concat('''', customer_id, ''' is also written ''', usual, ''''), usual from spellings where customer_id <> usual")


def _slips(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds names without digits of which one long word differs by a letter; two in a very long one."""
    if connection.execute(f"select count(*) not between 2 and {COMPARED} or max(n) < {RARER} from customers").fetchone()[0]:
        return
    connection.execute(rf"""
        insert into spellings with
        named as (select customer_id, n, string_split_regex(lower(customer_id), '[^\pL]+') as parts from customers where not regexp_matches(customer_id, '\d')),
        pairs as (select few.customer_id, many.customer_id as usual, many.n, list_filter(list_zip(few.parts, many.parts), lambda each: each[1] <> each[2]) as differ
            from named few join named many on few.n * {RARER} <= many.n and len(few.parts) = len(many.parts)
            where few.customer_id not in (select customer_id from spellings))
        select customer_id, arg_max(usual, n) from pairs
        where len(differ) = 1 and least(length(differ[1][1]), length(differ[1][2])) >= 5 and damerau_levenshtein(differ[1][1], differ[1][2]) <= if(length(differ[1][2]) >= 10, 2, 1) group by 1""")


def _unknown(connection: duckdb.DuckDBPyConnection, unknown: Mapping[str, str]) -> None:
    """Customers whom the account doesn't know: those of nearly a known name, and the others."""
    connection.execute("create table strangers as select unnest(?::varchar[]) as customer_id, unnest(?::varchar[]) as meant", [list(unknown), list(unknown.values())])
    connection.execute("""
        insert into findings select if(s.meant = '', 'customer_unknown', 'customer_nearly_known'), t._row, t.customer_id, 'customer_id' from typed t join strangers s using (customer_id)""")
    connection.execute("insert into hints (code, value, hint) select 'customer_nearly_known', customer_id, concat('Did you mean ''', meant, ''' for ''', customer_id, '''?') from strangers where meant <> ''")
