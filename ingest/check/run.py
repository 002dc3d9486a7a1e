"""One check from raw rows to events, issues and the equation of rows.

Few passes, whatever the file: one scan that settles how each column is read (columns.py), one that writes the events, one over hashes that finds
repeats. Everything else looks only at the rows that something is wrong with.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest import ledger
from ingest.check import identity, totals
from ingest.check.checks import CHECKS, error_code, errors_of, remarks
from ingest.check.columns import make_plans
from ingest.check.customers import find_spellings
from ingest.check.plan import Plan, alias, cells, each_step_once
from ingest.check.repeats import Before, Repeats, find_repeats
from ingest.engine import engine, identifier, literal
from ingest.errors import Broken
from ingest.raw import dropped_query, raw_query
from ingest.store.clock import now
from schemas.account import Account
from schemas.checking import CheckResult, IssueExample, IssueGroup, Question, RowCounts
from schemas.matching import EarlierKey, MatchSpec
from schemas.reading import ReadReport

EVENTS, ISSUES, LEFT_OUT = "events.parquet", "issues.parquet", "left_out.parquet"
FORMAT = "format parquet, codec uncompressed, dictionary_size_limit 5000"
"""Half of an event is hashes, which don't shrink; what repeats goes into dictionaries."""
LISTED = 10_000
"""How many cells of one remark are listed in issues.parquet; its count is exact all the same. Errors are listed without a limit."""
EXAMPLES = 5
LEVELS = ("error", "warning", "note")


def check_raw(raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account, *, import_id: str, sha256: str, out: Path, at: str | None = None, earlier: EarlierKey | None = None) -> CheckResult:
    """Writes events.parquet, issues.parquet and left_out.parquet into `out`. The same input gives the same tables; `at` is the moment that "in the future" is held against, `earlier` the key that such usage was last sent under."""
    slug = match_spec.event_type.slug
    with engine() as connection:
        connection.execute(f"create macro moment_of_check() as timestamp {literal((at or now())[:19])}")
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        connection.execute(f"create view dropped as {dropped_query(raw_folder, report)}")
        plans = make_plans(connection, match_spec, account.profile)
        key = _chosen_key(match_spec, plans)
        _view_cells(connection, plans)
        written = _write_typed(connection, plans, slug, key, out)
        _find_bad(connection, plans, some=written < report.rows)
        repeats = find_repeats(connection, plans, key, match_spec.answers, Before(ledger.ledger_files(account.ledger_name, slug), sha256, earlier))
        hints = {"customer_spelled_differently": find_spellings(connection)}
        _settle_events(connection, repeats, out)
        counts = _list_issues(connection, plans)
        _write_issues(connection, out)
        _write_left_out(connection, plans, report, out)
        return _result(connection, plans, match_spec, report, repeats, counts, hints, ledger.ledger_version(account.ledger_name, slug))


def column_questions(raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account) -> tuple[Question, ...]:
    """What the matched columns leave open (zone, day or month first, decimal mark), each with the effect of its answers, before anything is checked."""
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        return tuple(question for plan in make_plans(connection, match_spec, account.profile) for question in plan.questions)


def _chosen_key(spec: MatchSpec, plans: Sequence[Plan]) -> tuple[str, ...] | None:
    """The fields of the identity, None for all of them: naming every field is no other answer than naming none."""
    return None if not spec.key or {plan.field for plan in plans} <= set(spec.key) else spec.key


def _view_cells(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> None:
    connection.execute(f"create view cells as {cells('select * from raw', tuple(plans))}")


# Events.


def _errors(plans: Sequence[Plan]) -> dict[str, str]:
    return {plan.field: code for plan in plans if (code := error_code(plan))}


def _write_typed(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], slug: str, key: tuple[str, ...] | None, out: Path) -> int:
    """Writes the events of all rows without an error in a cell, in the order of the file, and says how many."""
    codes = _errors(plans)
    marked = "".join(f", {code} as {alias('error', field)}" for field, code in codes.items())
    good = " and ".join(f"{alias('error', field)} is null" for field in codes) or "true"
    connection.execute(f"create view checked as select *{marked} from cells")
    target = out / "typed.parquet"
    with each_step_once(connection):
        written = connection.execute(f"copy (select {identity.event_columns(plans, slug, key)}, _row from checked where {good}) to {literal(target)} ({FORMAT})").fetchone()[0]
    connection.execute(f"create view typed as select * from read_parquet({literal(target)})")
    _nothing_was_lost(connection, plans, written)
    return written


def _nothing_was_lost(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], written: int) -> None:
    """A column that was found to be clean must have a value in every row: what the first scan proved is held against what was written."""
    whole = [plan.field for plan in plans if plan.required or "filled" in plan.facts]
    found = connection.execute(f"select {', '.join(f'count({identifier(name)})' for name in whole)} from typed").fetchone()
    for name, count in zip(whole, found, strict=True):
        if count != written:
            raise Broken(f"Values were lost: {written:,} events were written, but only {count:,} have a {name}.")


def _find_bad(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], *, some: bool) -> None:
    """The table `bad`: the rows that weren't written, and what is wrong with each. Only they are looked at again."""
    codes = _errors(plans)
    failing = [plan for plan in plans if plan.field in codes]
    columns = "".join(f", {codes[plan.field]} as {alias('error', plan.field)}, {_raw_cell(plan)} as {alias('raw', plan.field)}" for plan in failing)
    needed = "".join(f", {identifier(name)}" for name in dict.fromkeys(plan.column for plan in plans if plan.column is not None))
    connection.execute(f"create table bad_raw as select _row, _file, _sheet{needed} from raw where {'_row not in (select _row from typed)' if some else 'false'}")
    connection.execute(f"create table bad as select _row, _file, _sheet, {_reasons(failing)} as reason{columns} from ({cells('select * from bad_raw', tuple(plans))})")
    connection.execute("drop table bad_raw")


def _settle_events(connection: duckdb.DuckDBPyConnection, repeats: Repeats, out: Path) -> None:
    """events.parquet: what was written first, or the same without the rows that are left out and with the new ids of repeated ones."""
    typed, events = out / "typed.parquet", out / EVENTS
    if repeats.changed:
        connection.execute(f"""
            copy (select t.* replace (coalesce(c.event_id, t.event_id) as event_id) from typed t left join changes c using (_row) where c.outcome is null order by t._row)
            to {literal(events)} ({FORMAT})""")
        typed.unlink()
    else:
        typed.replace(events)
    connection.execute(f"create view events as select * from read_parquet({literal(events)})")


# Issues.


def _list_issues(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> dict[tuple[str, str | None], int]:
    """Fills the table `issues`. Returns the exact counts of the remarks that aren't listed cell by cell."""
    connection.execute('create table issues (code varchar, _file varchar, _sheet varchar, _row bigint, "column" varchar, value varchar, field varchar)')
    for plan in plans:
        if error_code(plan):
            error = alias("error", plan.field)
            connection.execute(f"insert into issues select {error}, _file, _sheet, _row, {_header(plan)}, {alias('raw', plan.field)}, {literal(plan.field)} from bad where {error} is not null")
    return {**_row_findings(connection), **_cell_remarks(connection, plans)}


def _row_findings(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str | None], int]:
    """What comparing rows found: every error, and the first ones of each remark. Returns how many there are of each."""
    counts: dict[tuple[str, str | None], int] = dict(((code, None), count) for code, count in connection.execute("select code, count(*) from findings group by 1").fetchall())
    for code, _ in counts:
        limit = "" if CHECKS[code].severity == "error" else f"order by _row limit {LISTED}"
        connection.execute(f"""
            insert into issues select f.code, r._file, r._sheet, f._row, null, f.value, null
            from (select * from findings where code = ? {limit}) f join (select _row, _file, _sheet from raw) r using (_row)""", [code])
    return counts


def _reasons(failing: Sequence[Plan]) -> str:
    """SQL for what is wrong with a row, in words."""
    columns = [f" ({plan.column})" if plan.column is not None else "" for plan in failing]
    words = [" ".join(f"when {condition} then {literal(CHECKS[code].title + column)}" for code, condition in errors_of(plan)) for plan, column in zip(failing, columns, strict=True)]
    return f"concat_ws('; ', {', '.join(f'case {each} end' for each in words)})" if words else "null::varchar"


def _raw_cell(plan: Plan) -> str:
    return identifier(plan.column) if plan.column is not None else plan.source


def _header(plan: Plan) -> str:
    return literal(plan.column) if plan.column is not None else "null"


def _cell_remarks(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> dict[tuple[str, str | None], int]:
    last = connection.execute('select max("timestamp") > moment_of_check() from events').fetchone()[0]
    wanted = [(plan, code, condition) for plan in plans for code, condition in remarks(plan) if code != "timestamp_in_future" or last]
    unknown = [(plan, code, condition) for plan, code, condition in wanted if code not in plan.notes]
    found = connection.execute(f"select {', '.join(f'count(*) filter ({condition})' for _, _, condition in unknown)} from cells").fetchone() if unknown else ()
    counted = {(plan.field, code): count for (plan, code, _), count in zip(unknown, found, strict=True)}
    counts = {}
    for plan, code, condition in wanted:
        count = counted.get((plan.field, code), plan.notes.get(code, 0))
        if count:
            counts[code, plan.column] = count
            connection.execute(f"insert into issues select {literal(code)}, _file, _sheet, _row, {_header(plan)}, {_raw_cell(plan)}, {literal(plan.field)} from cells where {condition} limit {LISTED}")
    return counts


def _write_issues(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    codes = [{"code": check.code, "severity": check.severity, "title": check.title, "todo": check.todo, "place": place} for place, check in enumerate(CHECKS.values())]
    connection.register("codes", pa.Table.from_pylist(codes))
    connection.execute(f"""
        copy (select code, severity, _file, _sheet, _row, "column", value, todo from issues join codes using (code) order by _row, place, "column", field)
        to {literal(out / ISSUES)} (format parquet)""")


def _write_left_out(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], report: ReadReport, out: Path) -> None:
    excluded = pa.table({"_row": pa.array([row.row for row in report.excluded], pa.int64()), "reason": pa.array([row.reason for row in report.excluded], pa.string())})
    connection.register("excluded", excluded)
    connection.execute("""
        create table left_out as
        select _row, 'rejected' as outcome, reason, null::uuid as event_id from bad
        union all select _row, outcome, coalesce(title, reason), event_id from changes left join codes on code = reason where outcome is not null
        union all select _row, 'excluded', reason, null from excluded
        union all select _row, 'excluded', reason, null from dropped""")
    connection.execute(f"copy (select * from left_out order by _row, outcome) to {literal(out / LEFT_OUT)} (format parquet)")


# The result.


def _result(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], spec: MatchSpec, report: ReadReport, repeats: Repeats, counts: dict[tuple[str, str | None], int],
    hints: Mapping[str, str], version: str,
) -> CheckResult:
    outcomes = dict(connection.execute("select outcome, count(*) from left_out group by 1").fetchall())
    accepted, customers, first, last = connection.execute('select count(*), count(distinct customer_id), min("timestamp"), max("timestamp") from events').fetchone()
    rows = RowCounts(read=report.rows + len(report.excluded), accepted=accepted, **{name: outcomes.get(name, 0) for name in ("rejected", "duplicate", "excluded")})
    fields = totals.summaries(connection, plans)
    return CheckResult(
        rows=rows, matches=spec.matches, issues=_groups(connection, counts, hints), questions=(*(question for plan in plans for question in plan.questions), *repeats.questions),
        comparisons=totals.comparisons(connection, plans, spec, report, accepted, {field.field: field.sum for field in fields}), fields=fields, customers=customers,
        first_timestamp=_moment(first), last_timestamp=_moment(last), key=spec.key or tuple(plan.field for plan in plans), already_sent=repeats.already_sent, sent_by=repeats.sent_by, ledger_version=version,
    )


def _moment(moment: object) -> str | None:
    return None if moment is None else f"{moment.isoformat()}+00:00"


def _groups(connection: duckdb.DuckDBPyConnection, counts: dict[tuple[str, str | None], int], hints: Mapping[str, str]) -> tuple[IssueGroup, ...]:
    found = connection.execute(f"""
        select code, "column", count(*), arg_min(struct_pack("row" := _row, value := value), _row, {EXAMPLES}) from issues group by 1, 2""").fetchall()
    groups = [_group(code, column, counts.get((code, column), count), examples, hints.get(code, "")) for code, column, count, examples in found]
    return tuple(sorted(groups, key=lambda group: (LEVELS.index(group.severity), -group.count, group.code, group.column or "")))


def _group(code: str, column: str | None, count: int, examples: list[dict[str, object]], hint: str) -> IssueGroup:
    check = CHECKS[code]
    return IssueGroup(code=code, severity=check.severity, column=column, count=count, examples=tuple(IssueExample(**example) for example in examples), todo=f"{check.todo} {hint}." if hint else check.todo, title=check.title)
