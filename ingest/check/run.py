"""One check from raw rows to events, issues and the equation of rows.

Few passes, whatever the file: one scan that settles how each column is read (columns.py), one that writes the events, one over hashes that finds
repeats. Everything else looks only at the rows that something is wrong with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest import ledger
from ingest.aside import SET_ASIDE
from ingest.check import again, identity, issues, totals
from ingest.check.again import Basis, Earlier
from ingest.check.checks import CHECKS, error_code, errors_of
from ingest.check.column import Column
from ingest.check.columns import make_plans, read_columns, settle
from ingest.check.customers import find_customers
from ingest.check.group_totals import find_group_totals
from ingest.check.odd import Past, find_odd
from ingest.check.plan import Plan, alias, cells, each_step_once
from ingest.check.repeats import Before, Repeats, find_repeats
from ingest.check.rules import Rules, configured, rules_of
from ingest.check.strays import find_strays
from ingest.engine import engine, identifier, literal
from ingest.errors import Broken
from ingest.raw import dropped_query, raw_query
from ingest.store.clock import now
from schemas.account import Account
from schemas.checking import CheckResult, IssueGroup, KeptRule, Question, RowCounts
from schemas.correcting import DropRows
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import DecimalMark, EarlierKey, MatchSpec
from schemas.reading import ReadReport

EVENTS, LEFT_OUT = "events.parquet", "left_out.parquet"
FORMAT = "format parquet, codec uncompressed, dictionary_size_limit 5000"
"""Half of an event is hashes, which don't shrink; what repeats goes into dictionaries."""


def check_raw(
    raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account, *, import_id: str, sha256: str, out: Path, at: str | None = None, earlier: EarlierKey | None = None,
    history: Sequence[Path] = (), unknown: Mapping[str, str] | None = None, made: Sequence[Path] = (),
) -> CheckResult:
    """Writes events.parquet, issues.parquet and left_out.parquet into `out`. The same input gives the same tables.

    `at` is the moment that "in the future" is held against, `earlier` the key that such usage was last sent under, `history` the events of imports that were
    sent before, `unknown` the customers whom the account doesn't know, each with a known one of nearly the same name or an empty text,
    `made` the checks of this import that were made before: what they say of rows that are still the same needn't be found out again.
    """
    slug, rules = match_spec.event_type.slug, rules_of(match_spec)
    past = Past(tuple(ledger.ledger_files(account.ledger_name, slug)), sha256, earlier.import_id if earlier else "", tuple(history))
    with engine() as connection:
        connection.execute(f"create macro moment_of_check() as timestamp {literal((at or now())[:19])}")
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        connection.execute(f"create view dropped as {dropped_query(raw_folder, report)}")
        before = again.find(made, raw_folder, report, match_spec)
        same = again.same_plans(before, match_spec, account.profile)
        if before and again.touched_few(connection, before, raw_folder, report):
            again.take_forms(connection, before, match_spec, account.profile)
        else:
            before = None
        columns = read_columns(connection, match_spec, account.profile, same)
        plans = configured(connection, settle(columns, match_spec, account.profile), match_spec, account.profile, rules)
        key = _chosen_key(match_spec, plans)
        _view_cells(connection, plans)
        basis = _basis(raw_folder, report, match_spec, account, columns, plans, key, rules)
        written, before = _write_typed(connection, plans, basis, before, raw_folder, report, out, rules)
        _find_bad(connection, plans, rules, some=written < report.rows)
        repeats = find_repeats(connection, plans, key, match_spec.answers, Before(past.ledger, sha256, _key_before(earlier, match_spec), numbered=bool(match_spec.key_columns)), before)
        again.keep(connection, out, basis)
        find_customers(connection, unknown or {})
        totals_of_customers = find_group_totals(connection, plans, match_spec.answers)
        find_odd(connection, plans, rules, past)
        find_strays(connection, plans, rules, match_spec)
        _hold_back(connection, rules)
        _settle_events(connection, out)
        groups = issues.write(connection, plans, rules, match_spec, out)
        _write_left_out(connection, plans, report, out)
        version = ledger.ledger_version(account.ledger_name, slug)
        return _result(connection, plans, match_spec, report, replace(repeats, questions=(*totals_of_customers, *_asked(repeats, rules))), groups, version)


def _asked(repeats: Repeats, rules: Rules) -> tuple[Question, ...]:
    """The questions about repeats. Where identical rows were set to be an error, none of them is left to ask about."""
    return tuple(question for question in repeats.questions if question.name != "identical_rows" or rules.severity("identical_rows") != "error")


def column_questions(raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account) -> tuple[Question, ...]:
    """What the matched columns leave open (zone, day or month first, decimal mark), each with the effect of its answers, before anything is checked."""
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        return tuple(question for plan in make_plans(connection, match_spec, account.profile) for question in plan.questions)


def decimal_marks(raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account) -> dict[str, DecimalMark]:
    """The decimal mark of every matched column of numbers, as it is read."""
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        return {plan.column: plan.mark for plan in make_plans(connection, match_spec, account.profile) if plan.column is not None and plan.type in NUMERIC_TYPES}


def try_settings(raw_folder: Path, report: ReadReport, match_spec: MatchSpec, account: Account) -> None:
    """Raises BadInput where a check of the match can't be made as it is set."""
    rules = rules_of(match_spec)
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(raw_folder, report)}")
        configured(connection, make_plans(connection, match_spec, account.profile), match_spec, account.profile, rules)


def _chosen_key(spec: MatchSpec, plans: Sequence[Plan]) -> tuple[str, ...] | None:
    """The fields of the identity, None for all of them: naming every field is no other answer than naming none."""
    if spec.key_columns:
        return spec.key or ()
    return None if not spec.key or {plan.field for plan in plans} <= set(spec.key) else spec.key


def _key_before(earlier: EarlierKey | None, spec: MatchSpec) -> EarlierKey | None:
    """The earlier key, where it is another one than columns beside the fields make now."""
    return None if earlier and spec.key_columns and set(earlier.fields) == set(spec.chosen_key) else earlier


def _basis(raw_folder: Path, report: ReadReport, spec: MatchSpec, account: Account, columns: Sequence[tuple[Column, Plan]], plans: Sequence[Plan], key: tuple[str, ...] | None, rules: Rules) -> Basis:
    """What a later check of this import has to have in common with this one to build upon it."""
    errors = _errors(plans, rules)
    return Basis(
        raw=raw_folder.name, version=again.VERSION, asked=again.asked(spec, account.profile), corrections=report.corrections, plans={plan.field: plan for _, plan in columns if not plan.questions}, slug=spec.event_type.slug, key=key, beside=identity.beside(spec.key_columns, spec.key_space),
        keeps_ids=key is None or spec.answers.get("already_sent") != "new", types={plan.field: plan.sql_type for plan in plans}, read={plan.field: f"{plan.steps} {errors.get(plan.field)}" for plan in plans},
    )


def _view_cells(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> None:
    connection.execute(f"create view cells as {cells('select * from raw', tuple(plans))}")


# Events.


def _errors(plans: Sequence[Plan], rules: Rules) -> dict[str, str]:
    return {plan.field: code for plan in plans if (code := error_code(plan, rules.severity))}


def _write_typed(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], basis: Basis, before: Earlier | None, raw_folder: Path, report: ReadReport, out: Path, rules: Rules) -> tuple[int, Earlier | None]:
    """Writes the events of all rows without an error in a cell, and says how many; the earlier check that some of them come from, where they must be the same."""
    codes = _errors(plans, rules)
    marked = "".join(f", {code} as {alias('error', field)}" for field, code in codes.items())
    good = " and ".join(f"{alias('error', field)} is null" for field in codes) or "true"
    connection.execute(f"create view checked as select *{marked} from cells")
    target = f"{literal(out / 'typed.parquet')} ({FORMAT})"
    written = again.write_typed(connection, before, basis, raw_folder, report, plans, codes, target)
    if written is None:
        before = None
        connection.execute("create view raw_anew as select * from raw")
        connection.execute("create or replace view bad_before as select null::bigint as _row where false")
        with each_step_once(connection):
            written = connection.execute(f"copy (select {identity.event_columns(plans, basis.slug, basis.key, basis.beside)}, _row from checked where {good}) to {target}").fetchone()[0]
    connection.execute(f"create view typed as select * from read_parquet({literal(out / 'typed.parquet')})")
    _nothing_was_lost(connection, plans, written)
    return written, before


def _nothing_was_lost(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], written: int) -> None:
    """A column that was found to be clean must have a value in every row: what the first scan proved is held against what was written."""
    whole = [plan.field for plan in plans if plan.required or "filled" in plan.facts]
    found = connection.execute(f"select {', '.join(f'count({identifier(name)})' for name in whole)} from typed").fetchone()
    for name, count in zip(whole, found, strict=True):
        if count != written:
            raise Broken(f"Values were lost: {written:,} events were written, but only {count:,} have a {name}.")


def _find_bad(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules, *, some: bool) -> None:
    """The table `bad`: the rows that weren't written, and what is wrong with each. Only they are looked at again."""
    codes = _errors(plans, rules)
    failing = [plan for plan in plans if plan.field in codes]
    columns = "".join(f", {codes[plan.field]} as {alias('error', plan.field)}, {issues.raw_cell(plan)} as {alias('raw', plan.field)}" for plan in failing)
    needed = "".join(f", {identifier(name)}" for name in dict.fromkeys(plan.column for plan in plans if plan.column is not None))
    connection.execute(f"create table bad_raw as select _row, _file, _sheet{needed} from raw_anew {'anti join (select _row from typed) using (_row)' if some else 'where false'}")
    connection.execute(f"create table bad as select _row, _file, _sheet, {_reasons(failing, rules)} as reason{columns} from ({cells('select * from bad_raw', tuple(plans))})")
    again.add_bad(connection)
    connection.execute("drop table bad_raw")


def _reasons(failing: Sequence[Plan], rules: Rules) -> str:
    """SQL for what is wrong with a row, in words."""
    columns = [f" ({plan.column})" if plan.column is not None else "" for plan in failing]
    words = [" ".join(f"when {condition} then {literal(CHECKS[code].title + column)}" for code, condition in errors_of(plan, rules.severity)) for plan, column in zip(failing, columns, strict=True)]
    return f"concat_ws('; ', {', '.join(f'case {each} end' for each in words)})" if words else "null::varchar"


def _hold_back(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Findings that were set to be errors keep their rows from going, those set to "off" are forgotten. A row that is left out already has no such error."""
    found = connection.execute("select distinct code, coalesce(field, '') from findings").fetchall()
    levels = {(code, field): rules.severity(code, field) for code, field in found if not CHECKS[code].fixed}
    off, held = ([f"{code}.{field}" for (code, field), each in levels.items() if each == level] for level in ("off", "error"))
    if off:
        connection.execute("delete from findings where concat(code, '.', field) in (select unnest(?::varchar[]))", [off])
    if not held:
        return
    connection.execute("create temp table held as select _row, min(code) as code from findings where concat(code, '.', field) in (select unnest(?::varchar[])) group by _row", [held])
    connection.execute("delete from held where _row in (select _row from changes where outcome is not null)")
    connection.execute("delete from findings where concat(code, '.', field) in (select unnest(?::varchar[])) and _row not in (select _row from held)", [held])
    connection.execute("delete from changes where _row in (select _row from held)")
    connection.execute("insert into changes select _row, event_id, 'rejected', held.code from held join typed using (_row)")


def _settle_events(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    """events.parquet: what was written first, or the same without the rows that are left out and with the new ids of repeated ones; those that were typed are set aside."""
    typed, events = out / "typed.parquet", out / EVENTS
    if connection.execute("select count(*) > 0 from changes").fetchone()[0]:
        connection.execute(f"copy (select t.*, c.outcome as _outcome, c.reason as _reason from typed t join changes c using (_row) where c.outcome is not null order by t._row) to {literal(out / SET_ASIDE)} ({FORMAT})")
        connection.execute(f"""
            copy (select t.* replace (coalesce(c.event_id, t.event_id) as event_id) from typed t left join changes c using (_row) where c.outcome is null order by t._row)
            to {literal(events)} ({FORMAT})""")
        typed.unlink()
    else:
        typed.replace(events)
    connection.execute(f"create view events as select * from read_parquet({literal(events)})")


# The rows that aren't accepted.


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


def _result(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], spec: MatchSpec, report: ReadReport, repeats: Repeats, groups: tuple[IssueGroup, ...], version: str) -> CheckResult:
    outcomes = dict(connection.execute("select outcome, count(*) from left_out group by 1").fetchall())
    accepted, customers, first, last = connection.execute('select count(*), count(distinct customer_id), min("timestamp"), max("timestamp") from events').fetchone()
    month = connection.execute("""
        select strftime(day, '%Y-%m') as month from (select "timestamp"::date as day, count(*) as n from events group by 1) group by 1 order by sum(n) desc, 1 limit 1""").fetchone()
    rows = RowCounts(read=report.rows + len(report.excluded), accepted=accepted, **{name: outcomes.get(name, 0) for name in ("rejected", "duplicate", "excluded")})
    fields = totals.summaries(connection, plans)
    return CheckResult(
        rows=rows, matches=spec.matches, issues=groups, questions=(*(question for plan in plans for question in plan.questions), *repeats.questions),
        comparisons=totals.comparisons(connection, plans, spec, report, accepted, {field.field: field.sum for field in fields}), fields=fields, customers=customers,
        first_timestamp=_moment(first), last_timestamp=_moment(last), reasons=_why_left_out(connection), month=month and month[0], key=spec.key or tuple(plan.field for plan in plans), already_sent=repeats.already_sent, sent_by=repeats.sent_by, ledger_version=version,
        settled={f"{name}.{plan.field}": value for plan in plans for name, value in plan.shown.items()}, kept_rules=_kept_rules(connection, report),
    )


def _why_left_out(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Why rows are left out, the most frequent reason first."""
    return dict(connection.execute("select reason, count(*) from left_out where outcome = 'excluded' group by 1 order by 2 desc, 1").fetchall())


def _kept_rules(connection: duckdb.DuckDBPyConnection, report: ReadReport) -> tuple[KeptRule, ...]:
    """The rules of a recipe that left rows out, by their reasons."""
    rules = {each.reason: each for each in report.corrections if isinstance(each, DropRows) and each.of_recipe}
    if not rules:
        return ()
    rows = dict(connection.execute("select reason, count(*) from dropped group by 1").fetchall())
    return tuple(KeptRule(rule=rule, rows=rows[reason]) for reason, rule in rules.items() if reason in rows)


def _moment(moment: object) -> str | None:
    return None if moment is None else f"{moment.isoformat()}+00:00"
