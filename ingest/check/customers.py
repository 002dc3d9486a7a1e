"""Customers that may be one and the same, and customers whom the account doesn't know."""

from collections.abc import Mapping

import duckdb

from ingest.engine import literal
from ingest.values.text import SPACES

PLAIN = f"lower(translate(customer_id, {literal(SPACES)}, ''))"


def find_customers(connection: duckdb.DuckDBPyConnection, unknown: Mapping[str, str]) -> None:
    """Makes the table `days` (rows by customer and day) and `customers`, adds to `findings` every row whose customer is written in a rarer way than elsewhere or isn't known, and to `hints` who may be meant."""
    connection.execute("""create table days as select customer_id, "timestamp"::date as day, count(*) as n from typed group by all""")
    connection.execute(f"create table customers as select customer_id, {PLAIN} as plain, sum(n) as n from days group by all")
    connection.execute("create table hints (code varchar, value varchar, hint varchar)")
    _spellings(connection)
    if unknown:
        _unknown(connection, unknown)


def _spellings(connection: duckdb.DuckDBPyConnection) -> None:
    """Names that differ only in capitals or spaces."""
    connection.execute("""
        create table spellings as select customer_id, first_value(customer_id) over (partition by plain order by n desc, customer_id) as usual
        from customers where plain in (select plain from customers group by 1 having count(*) > 1)""")
    connection.execute("insert into findings (code, _row, value) select 'customer_spelled_differently', _row, customer_id from typed join spellings using (customer_id) where customer_id <> usual")
    connection.execute("insert into hints select 'customer_spelled_differently', customer_id, concat('''', customer_id, ''' is also written ''', usual, '''') from spellings where customer_id <> usual")


def _unknown(connection: duckdb.DuckDBPyConnection, unknown: Mapping[str, str]) -> None:
    """Customers whom the account doesn't know: those of nearly a known name, and the others."""
    connection.execute("create table strangers as select unnest(?::varchar[]) as customer_id, unnest(?::varchar[]) as meant", [list(unknown), list(unknown.values())])
    connection.execute("""
        insert into findings select if(meant = '', 'customer_unknown', 'customer_nearly_known'), _row, customer_id, 'customer_id' from typed join strangers using (customer_id)""")
    connection.execute("insert into hints select 'customer_nearly_known', customer_id, concat('Did you mean ''', meant, ''' for ''', customer_id, '''?') from strangers where meant <> ''")
