"""SQL that people typed, previewed as the billing system runs it: once for each customer and period, its templates filled in; in a locked process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial

import duckdb
import pyarrow as pa
from sqlglot import exp

from ingest.clickhouse import Table, bind, parse, templates, translate
from ingest.engine import identifier
from ingest.errors import BadInput, NotReady
from ingest.metric.events import Opened
from ingest.metric.throwaway import SECONDS, answers
from ingest.wording import count
from schemas.held import AccountCustomer
from schemas.metric import Metric, MetricPreviewSpec

QUANTITY, CUSTOMER = "quantity", "customer_id"
ROWS = 10_000
"""The most rows of one answer."""
RUNS = 5_000
"""The most times that SQL is run for one preview: customers times days."""
BOUNDS = ("start_date", "end_date")
CUSTOM = "customer.custom_data."
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answers:
    """What all runs answered, one below the other: the groups' columns, then `quantity`; the types that ClickHouse gives them."""

    columns: tuple[tuple[str, str], ...]
    rows: pa.Table
    notes: tuple[str, ...] = ()


def answered(found: Opened, metric: Metric, spec: MetricPreviewSpec, customers: Sequence[AccountCustomer] | None, seconds: float = SECONDS) -> Answers:
    """The answers of a metric's SQL. Raises SqlMistake where it can't be read, SqlRefused where it was stopped, NotReady where it asks for what isn't known here."""
    tree = parse(metric.sql or "")
    asked = sorted(templates(tree) - set(BOUNDS))
    people, left_out = _people(found, spec, asked, customers)
    periods = _periods(spec)
    if len(people) * len(periods) > RUNS:
        raise BadInput(f"This SQL would be run {len(people) * len(periods):,} times, once for each customer and period; {RUNS:,} is the most.", "Preview a shorter period, or without days.")
    runs, columns = [], _check(tree, found.table, spec.by)
    for labels, first, last in periods:
        made = lru_cache(partial(_translated, tree, found.table, first, last))
        for who in people:
            sql, columns = made(*((name, _bound(name, who[name])) for name in asked))
            runs.append(({**labels, **({CUSTOMER: who[CUSTOMER]} if asked else {})}, *_with_parameters(sql, who)))
    rows = answers([(sql, values) for _, sql, values in runs], prepare=[_materialised(found, tree, sorts=bool(asked))], tables=[found.table.name], rows=ROWS, seconds=seconds)
    kept = [(name, kind) for name, kind in columns if name not in (QUANTITY, *runs[0][0])] if runs else []
    shown = (*((name, "String") for name in (CUSTOMER, "day", "month") if runs and name in runs[0][0]), *kept, next(each for each in columns if each[0] == QUANTITY))
    tables = [_labelled(table, labels, shown) for (labels, _, _), table in zip(runs, rows, strict=True)]
    notes = () if not left_out else (f"{count(left_out, 'customer')} without a value that this SQL asks for {'is' if left_out == 1 else 'are'} left out.",)
    return Answers(shown, pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({name: pa.array([], pa.string()) for name, _ in shown}), notes)


def check(metric: Metric, table: Table) -> None:
    """Raises BadInput where SQL can't be read, or can't be run over this table, or returns no quantity."""
    _check(parse(metric.sql or ""), table, ("customer",))


def _check(tree: exp.Expression, table: Table, by: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The columns that SQL returns."""
    asked = templates(tree) - set(BOUNDS)
    _, columns = _translated(tree, table, "2026-01-01", "2026-01-01", *((name, _bound(name, "1")) for name in asked))
    _check_columns(columns, by, has_customer=bool(asked))
    return columns


def _translated(tree: exp.Expression, table: Table, first: str, last: str, *customer: tuple[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    made = translate(bind(tree, {"start_date": first, "end_date": last, **dict(customer)}), [table])
    return made.sql, made.columns


def _bound(template: str, value: str) -> str:
    """What stands for a customer's value in SQL that is translated: of ids a mark, which becomes a parameter, so that it is done once and not for each customer; other values may be made numbers there."""
    return value if template.startswith(CUSTOM) else _mark(template)


def _people(found: Opened, spec: MetricPreviewSpec, asked: Sequence[str], customers: Sequence[AccountCustomer] | None) -> tuple[list[dict[str, str]], int]:
    """What the templates say of each customer who has events in the period, and how many customers lack something; one without anything, where the SQL asks nothing of a customer."""
    if not asked:
        return [{}], 0
    if customers is None and asked != ["customer.external_id"]:
        raise NotReady(f"This SQL asks for {' and '.join(f'{{{{{name}}}}}' for name in asked)}, and what the account knows of its customers wasn't read yet.", "Read it from the account first.")
    known = {name: each for each in customers or () for name in (each.id, each.external_id) if name}
    everybody = [_said(who, known.get(who), asked) for who in _customers(found.connection, found.table.name, spec)]
    people = [each for each in everybody if all(name in each for name in asked)]
    return people, len(everybody) - len(people)


def _said(who: str, known: AccountCustomer | None, asked: Sequence[str]) -> dict[str, str]:
    values = {CUSTOMER: who, "customer.external_id": known.external_id or who if known else who, **({"customer.id": known.id} if known else {})}
    custom = {f"{CUSTOM}{key}": value for key, value in known.custom_data.items()} if known else {}
    return {name: value for name, value in {**values, **custom}.items() if name in (CUSTOMER, *asked)}


def _customers(connection: duckdb.DuckDBPyConnection, table: str, spec: MetricPreviewSpec) -> list[str]:
    """Who has events around the period: a day more on both sides, whatever the zone."""
    around = [date.fromisoformat(spec.start) - DAY, date.fromisoformat(spec.end) + 2 * DAY]
    return [who for who, in connection.execute(f'select distinct customer_id from {identifier(table)} where "timestamp" between ? and ? order by 1', around).fetchall()]


def _periods(spec: MetricPreviewSpec) -> list[tuple[dict[str, str], str, str]]:
    """The periods to run for: the whole, or each of its days or months, with what they are called."""
    if "day" not in spec.by and "month" not in spec.by:
        return [({}, spec.start, spec.end)]
    first, last = date.fromisoformat(spec.start), date.fromisoformat(spec.end)
    days = [first + number * DAY for number in range(min((last - first).days + 1, RUNS + 1))]
    parts: dict[tuple[tuple[str, str], ...], list[date]] = {}
    for day in days:
        labels = {"day": str(day), "month": f"{day:%Y-%m}"}
        parts.setdefault(tuple((name, labels[name]) for name in ("day", "month") if name in spec.by), []).append(day)
    return [(dict(labels), str(of[0]), str(of[-1])) for labels, of in parts.items()]


def _check_columns(columns: Sequence[tuple[str, str]], by: Sequence[str], *, has_customer: bool) -> None:
    names = [name for name, _ in columns]
    if QUANTITY not in names:
        raise BadInput("This SQL returns no column named quantity.", f"Write … AS \"quantity\" behind what is billed; it returns {', '.join(names)}.")
    missing = [name for name in by if name not in (*names, "customer", "day", "month")]
    if missing:
        raise BadInput(f"This SQL returns no column named {missing[0]!r} to group by.", f"It returns {', '.join(names)}.")
    if "customer" in by and not has_customer and CUSTOMER not in names:
        raise BadInput("This SQL doesn't ask for a customer, and returns no customer_id, so its quantity belongs to nobody.", "Add a condition such as customer_id = CAST({{customer.external_id}} AS String), or return customer_id.")


def _mark(template: str) -> str:
    return f"{{{{{template}}}}}"


def _with_parameters(sql: str, who: Mapping[str, str]) -> tuple[str, list[str]]:
    """The SQL with parameters for the marks, and their values."""
    used = [name for name in who if f"'{_mark(name)}'" in sql]
    for number, name in enumerate(used, 1):
        sql = sql.replace(f"'{_mark(name)}'", f"${number}")
    return sql, [who[name] for name in used]


def _materialised(found: Opened, tree: exp.Expression, *, sorts: bool) -> str:
    """SQL that makes the table in the locked process, so that nothing there has to open a file: the columns that the SQL names, together for each customer where it is run for each."""
    named = {each.name for each in tree.find_all(exp.Column, exp.Identifier)}
    stars = any(isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)) for select in tree.find_all(exp.Select) for each in select.expressions)
    needed = [name for name in found.table.columns if stars or name.removeprefix("data.") in named or name in named or name == CUSTOMER]
    order = f" order by {CUSTOMER}" if sorts else ""
    return f"create table {identifier(found.table.name)} as select {', '.join(map(identifier, needed))} from ({found.relation}){order}"


def _labelled(table: pa.Table, labels: Mapping[str, str], shown: Sequence[tuple[str, str]]) -> pa.Table:
    """An answer with what its run was for, its columns in the order that is shown."""
    return pa.table({name: pa.array([labels[name]] * table.num_rows, pa.string()) if name in labels else table.column(name) for name, _ in shown})
