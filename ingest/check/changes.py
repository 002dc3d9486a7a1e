"""What changed between two imports: events told apart by their ids, in SQL over what their checks wrote."""

from pathlib import Path

import duckdb

from ingest.aside import set_aside
from ingest.check.corrected import CHANGED
from ingest.check.run import EVENTS
from ingest.check.totals import plain
from ingest.engine import engine, identifier, literal
from schemas.changing import ChangedEvent, Changes, CustomerChange, RemovedEvent
from schemas.records import ImportRecord

OWN = ("event_id", "content", "customer_id", "timestamp", "_row", "_outcome", "_reason")
NUMBERS = ("DECIMAL", "BIGINT", "DOUBLE")
LISTED, CUSTOMERS = 100, 1_000
"""So many changed and removed events, and customers, are listed; all are counted."""


def compare(now: Path, earlier: Path, *, import_id: str, against: ImportRecord, same_period: bool, keyed: bool) -> Changes:
    """Two checked imports held against each other. `now` and `earlier` are their check folders; without a key, an event of the same customer, time and dimensions is the same one with other numbers."""
    with engine() as connection:
        after, before = _view(connection, "after", now), _view(connection, "before", earlier)
        fields = [name for name in after if name not in OWN] + [name for name in before if name not in OWN and name not in after]
        _pair(connection, _dimensions(after, before), keyed=keyed)
        counts = dict(connection.execute("select what, count(*) from pairs group by 1").fetchall())
        numbers = [name for name in fields if any(kinds.get(name, "").startswith(NUMBERS) for kinds in (after, before))]
        customers, differing, same = _customers(connection, after, before, numbers)
        return Changes(
            import_id=import_id, against=against.id, against_file=against.file_name, against_period=against.period, same_period=same_period,
            new=counts.get("new", 0), unchanged=counts.get("unchanged", 0), changed=counts.get("changed", 0), removed=counts.get("removed", 0),
            examples=_changed(connection, after, before, fields), gone=_removed(connection, before), customers=customers, customers_changed=differing, customers_unchanged=same,
        )


def _view(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> dict[str, str]:
    """Everything a file says was used: its accepted events, and those that were left out only because they, others under their id, or what they correct, were sent before. The columns with their types."""
    parts = [f"select *, null::varchar as _outcome, null::varchar as _reason from read_parquet({literal(folder / EVENTS)})"]
    if aside := set_aside(connection, folder):
        parts.append(f"select * from ({aside}) where _reason like 'already sent%' or _reason = 'already_sent_other_content' or starts_with(_reason, {literal(CHANGED)})")
    connection.execute(f"create view {name} as {' union all by name '.join(parts)}")
    return {column: kind for column, kind, *_ in connection.execute(f"describe {name}").fetchall()}


def _dimensions(after: dict[str, str], before: dict[str, str]) -> list[str]:
    return ["customer_id", "timestamp", *(name for name in after if name in before and name not in OWN and not after[name].startswith(NUMBERS) and not before[name].startswith(NUMBERS))]


def _pair(connection: duckdb.DuckDBPyConnection, dimensions: list[str], *, keyed: bool) -> None:
    """The table `pairs`: each event with its row after and before, and what became of it. Where all columns are the key, a removed and a new event that differ only in numbers are one that changed."""
    connection.execute("""
        create table pairs as select a._row as now, b._row as earlier, case when b.event_id is null then 'new' when a.event_id is null then 'removed' when a.content = b.content then 'unchanged' else 'changed' end as what
        from (select event_id, content, _row from after) a full join (select event_id, content, _row from before) b on a.event_id = b.event_id""")
    if keyed:
        return
    names = ", ".join(identifier(name) for name in dimensions)
    connection.execute(f"""
        create table moved as with
        came as (select hash({names}) as h, row_number() over (partition by h order by _row) as place, _row as now from after where _row in (select now from pairs where what = 'new')),
        went as (select hash({names}) as h, row_number() over (partition by h order by _row) as place, _row as earlier from before where _row in (select earlier from pairs where what = 'removed'))
        select now, earlier, 'changed' as what from came join went using (h, place)""")
    connection.execute("delete from pairs where (what = 'new' and now in (select now from moved)) or (what = 'removed' and earlier in (select earlier from moved))")
    connection.execute("insert into pairs select * from moved")


def _changed(connection: duckdb.DuckDBPyConnection, after: dict[str, str], before: dict[str, str], fields: list[str]) -> tuple[ChangedEvent, ...]:
    names = ["customer_id", "timestamp", *fields]
    columns = ", ".join(f"{_text('b', name, before)}, {_text('a', name, after)}" for name in names)
    rows = connection.execute(f"""
        select a._row, a.customer_id, a."timestamp"::varchar, {columns} from (select * from pairs where what = 'changed' order by now limit {LISTED}) p
        join after a on a._row = p.now join before b on b._row = p.earlier order by a._row""").fetchall()
    return tuple(ChangedEvent(row=row, customer_id=customer, timestamp=moment, fields={name: (values[2 * place], values[2 * place + 1]) for place, name in enumerate(names) if values[2 * place] != values[2 * place + 1]}) for row, customer, moment, *values in rows)


def _text(table: str, name: str, kinds: dict[str, str]) -> str:
    """A value as text that doesn't depend on how wide its column's decimals are."""
    if name not in kinds:
        return "null"
    text = f"{table}.{identifier(name)}::varchar"
    return f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end" if kinds[name].startswith("DECIMAL") else text


def _removed(connection: duckdb.DuckDBPyConnection, before: dict[str, str]) -> tuple[RemovedEvent, ...]:
    fields = [name for name in before if name not in OWN]
    columns = "".join(f", {_text('b', name, before)}" for name in fields)
    rows = connection.execute(f"""
        select b._row, b.customer_id, b."timestamp"::varchar{columns} from (select * from pairs where what = 'removed' order by earlier limit {LISTED}) p join before b on b._row = p.earlier order by b._row""").fetchall()
    return tuple(RemovedEvent(row=row, customer_id=customer, timestamp=moment, fields=dict(zip(fields, values, strict=True))) for row, customer, moment, *values in rows)


def _customers(connection: duckdb.DuckDBPyConnection, after: dict[str, str], before: dict[str, str], numbers: list[str]) -> tuple[tuple[CustomerChange, ...], int, int]:
    """Customers whose events or totals changed, how many those are, and how many stayed as they were."""
    for name, kinds in (("after", after), ("before", before)):
        sums = "".join(f", {_sum(field, kinds)} as s{place}" for place, field in enumerate(numbers))
        connection.execute(f"create table {name}_totals as select customer_id, count(*) as n{sums} from {name} group by 1")
    pairs = "".join(f", coalesce(b.s{place}, 0) as b{place}, coalesce(a.s{place}, 0) as a{place}" for place in range(len(numbers)))
    differ = " or ".join(["bn <> an", *(f"b{place} <> a{place}" for place in range(len(numbers)))])
    connection.execute(f"create table sides as select customer_id, coalesce(b.n, 0) as bn, coalesce(a.n, 0) as an{pairs} from after_totals a full join before_totals b using (customer_id)")
    differing, same = connection.execute(f"select count(*) filter ({differ}), count(*) filter (not ({differ})) from sides").fetchone()
    largest = "abs(a0 - b0) desc, abs(an - bn) desc" if numbers else "abs(an - bn) desc"
    rows = connection.execute(f"select * from sides where {differ} order by {largest}, customer_id limit {CUSTOMERS}").fetchall()
    found = tuple(CustomerChange(customer_id=customer, events=(was, now), totals={name: (plain(sums[2 * place]), plain(sums[2 * place + 1])) for place, name in enumerate(numbers)}) for customer, was, now, *sums in rows)
    return found, differing, same


def _sum(field: str, kinds: dict[str, str]) -> str:
    kind = kinds.get(field, "")
    if not kind.startswith(NUMBERS):
        return "0"
    return f"fsum({identifier(field)})" if kind == "DOUBLE" else f"sum({identifier(field)})"
