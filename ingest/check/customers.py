"""Customers that may be one and the same: their names differ only in capitals or spaces."""

import duckdb

from ingest.engine import literal
from ingest.values.text import SPACES

SHOWN = 5
PLAIN = f"lower(translate(customer_id, {literal(SPACES)}, ''))"


def find_spellings(connection: duckdb.DuckDBPyConnection) -> str:
    """Adds to `findings` every row whose customer is written in a rarer way than elsewhere in the file. Answers which, as a sentence; empty for none."""
    connection.execute(f"create table customers as select customer_id, {PLAIN} as plain, count(*) as n from typed group by all")
    connection.execute("""
        create table spellings as select customer_id, first_value(customer_id) over (partition by plain order by n desc, customer_id) as usual
        from customers where plain in (select plain from customers group by 1 having count(*) > 1)""")
    connection.execute("insert into findings select 'customer_spelled_differently', _row, customer_id from typed join spellings using (customer_id) where customer_id <> usual")
    pairs = connection.execute(f"select customer_id, usual from spellings where customer_id <> usual order by 1 limit {SHOWN}").fetchall()
    return "; ".join(f"{customer!r} is also written {usual!r}" for customer, usual in pairs)
