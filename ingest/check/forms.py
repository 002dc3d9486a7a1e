"""Columns of numbers by the forms of their cells: cells of one form are read alike, so one of each says how the whole column is read.

How many cells have a form is kept beside a check, so that after a correction only the cells that it touched have to be looked at.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from ingest.check.plan import Plan
from ingest.engine import identifier, literal
from ingest.values import numbers
from ingest.values.text import matches

KEPT = "forms.parquet"
TABLE = 'create table if not exists forms ("column" varchar, form ubigint, cell varchar, n bigint)'
FIRST, FEW = 20_000, 2_000
"""A column with more forms than `FEW` in its first rows gains nothing by them."""
WRITTEN = rf"[\d.,+\-{numbers.MINUS}{numbers.APART}]*"
"""Nothing but digits and the marks that go with them."""
PLAIN_STEPS = frozenset({"source", "number", "value"})


def form(cell: str) -> str:
    """SQL for the form of a cell. Of a plain number it says how many digits there are and which of them are zeros at its ends; of another one all but which digit above zero it has; anything else is a form of its own."""
    front, end = f"case when prefix({cell}, '0') or prefix({cell}, '-') then strlen(ltrim({cell}, '-0')) end", f"case when suffix({cell}, '0') then strlen(rtrim({cell}, '0')) end"
    zeros = f"hash(strlen({cell}), instr({cell}, '.'), {front}, {end}, prefix({cell}, '-'))"
    return f"case when {matches(cell, numbers.PLAIN)} then {zeros} when {matches(cell, WRITTEN)} then hash(translate({cell}, '23456789', '11111111')) else hash({cell}) end"


def known(connection: duckdb.DuckDBPyConnection, columns: Iterable[str]) -> list[str]:
    """Those of the columns that have few forms, all of them in the table `forms`. The rows are the view `raw`."""
    connection.execute(TABLE)
    there = {name for name, in connection.execute('select distinct "column" from forms').fetchall()}
    return [name for name in columns if name in there or _count(connection, name)]


def relation(column: str) -> str:
    """A relation with one cell of each form in place of all rows."""
    return f"""(select row_number() over () as _row, cell as {identifier(column)} from forms where "column" = {literal(column)})"""


def suffice(plan: Plan) -> bool:
    """Whether one cell of each form says all of this plan: not where something is asked, or taken off the numbers, which depends on how many cells are written in which way."""
    return not plan.questions and not plan.notes and PLAIN_STEPS.issuperset(name for name, _ in plan.steps)


def keep(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Writes the forms that are known into the folder."""
    connection.execute(TABLE)
    connection.execute(f"copy forms to {literal(folder / KEPT)} (format parquet)")


def take_over(connection: duckdb.DuckDBPyConnection, folder: Path, before: str, after: str) -> None:
    """The table `forms` as it was kept in the folder, with the cells that were `before` in the rows that changed, and are `after` now."""
    kept = f"read_parquet({literal(folder / KEPT)})"
    columns = [name for name, in connection.execute(f'select distinct "column" from {kept}').fetchall()]
    changed = [f"select {literal(name)}, {form(identifier(name))}, {identifier(name)}, {n} from {rows}" for name in columns for n, rows in ((-1, before), (1, after))]
    connection.execute(f'create table forms as select "column", form, any_value(cell) as cell, sum(n)::bigint as n from ({" union all ".join([f"from {kept}", *changed])}) group by 1, 2 having sum(n) > 0')


def _count(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Counts the forms of a column, unless its first rows have many."""
    cell = identifier(column)
    if connection.execute(f"select count(distinct {form(cell)}) from (select {cell} from raw limit {FIRST})").fetchone()[0] > FEW:
        return False
    connection.execute(f"insert into forms select {literal(column)}, {form(cell)}, any_value({cell}), count(*) from raw group by 2")
    return True
