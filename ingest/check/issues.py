"""Everything that was found, listed with its place: issues.parquet, and the same in groups."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.check.checks import CHECKS, error_code, remarks
from ingest.check.plan import Plan, alias
from ingest.check.rules import Rules
from ingest.engine import identifier, literal
from ingest.values.numbers import number_pattern
from ingest.values.text import matches, trimmed
from schemas.checking import IssueExample, IssueGroup
from schemas.matching import DecimalMark, MatchSpec

ISSUES = "issues.parquet"
LISTED = 10_000
"""How many cells of one remark are listed in issues.parquet; its count is exact all the same. Errors are listed without a limit."""
EXAMPLES = 5
HINTS = 5
MEANT = 200
"""For so many different cells of one kind of issue the text that is meant is kept."""
LEVELS = ("error", "warning", "note")
ALIKE = 60
"""From so many points of 100 on, an allowed value is offered for another one."""
COMPARED = 2_000
"""So many distinct values are held against the allowed ones."""
OTHER_MARK: dict[str, DecimalMark] = {"point": "comma", "comma": "point"}
Counts = dict[tuple[str, str | None], int]


def write(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules, spec: MatchSpec, out: Path) -> tuple[IssueGroup, ...]:
    """Writes issues.parquet out of `bad`, `findings` and the cells, and answers it in groups."""
    connection.execute('create table issues (code varchar, severity varchar, _file varchar, _sheet varchar, _row bigint, "column" varchar, value varchar, field varchar)')
    for plan in plans:
        if error_code(plan, rules.severity):
            error = alias("error", plan.field)
            connection.execute(f"insert into issues select {error}, 'error', _file, _sheet, _row, {_header(plan)}, {alias('raw', plan.field)}, {literal(plan.field)} from bad where {error} is not null")
    counts = Counter(_row_findings(connection, plans, rules)) + Counter(_cell_remarks(connection, plans, rules))
    _did_you_mean(connection, rules, spec)
    _other_marks(connection, spec)
    connection.register("codes", pa.Table.from_pylist([{"code": check.code, "title": check.title, "todo": check.todo, "place": place} for place, check in enumerate(CHECKS.values())]))
    connection.execute(f"""
        copy (select i.code, severity, _file, _sheet, _row, "column", i.value, concat_ws(' ', todo, hint) as todo from issues i join codes using (code)
            left join hints h on h.code = i.code and h.value = i.value and coalesce(h.field, i.field, '') = coalesce(i.field, '') order by _row nulls first, place, "column", i.field, i.value)
        to {literal(out / ISSUES)} (format parquet)""")
    return _groups(connection, counts, spec)


def raw_cell(plan: Plan) -> str:
    """SQL for the cell as it came."""
    return identifier(plan.column) if plan.column is not None else plan.source


def _header(plan: Plan) -> str:
    return literal(plan.column) if plan.column is not None else "null"


def _row_findings(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules) -> Counts:
    """What comparing rows found: every error, and the first ones of each remark. Returns how many there are of each."""
    columns = {plan.field: plan.column for plan in plans}
    found = connection.execute("select code, field, count(*) from findings group by all order by all").fetchall()
    for code, field, _ in found:
        severity = rules.severity(code, field or "")
        limit = "" if severity == "error" else f"order by _row limit {LISTED}"
        connection.execute(f"""
            insert into issues with f as materialized (select * from findings where code = $code and field is not distinct from $field {limit})
            select f.code, $severity, r._file, r._sheet, f._row, $column, f.value, f.field
            from f left join (select _row, _file, _sheet from raw where _row in (select _row from f)) r using (_row)""",
            {"severity": severity, "column": columns.get(field), "code": code, "field": field})
    return {(code, columns.get(field)): count for code, field, count in found}


def _cell_remarks(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Rules) -> Counts:
    wanted = [(plan, code, condition) for plan in plans for code, condition in remarks(plan, rules.severity) if code not in OF_TIME or _at_the_ends(connection, plan, condition)]
    unknown = [(plan, code, condition) for plan, code, condition in wanted if code not in plan.notes]
    found = connection.execute(f"select {', '.join(f'count(*) filter ({condition})' for _, _, condition in unknown)} from cells").fetchone() if unknown else ()
    counted = {(plan.field, code): count for (plan, code, _), count in zip(unknown, found, strict=True)}
    counts = {}
    for plan, code, condition in wanted:
        count = counted.get((plan.field, code), plan.notes.get(code, 0))
        if count:
            counts[code, plan.column] = count
            severity = rules.severity(code, plan.field)
            connection.execute(f"insert into issues select {literal(code)}, {literal(severity)}, _file, _sheet, _row, {_header(plan)}, {raw_cell(plan)}, {literal(plan.field)} from cells where {condition} limit {LISTED}")
    return counts


OF_TIME = ("timestamp_in_future", "outside_period", "outside_window")
"""What can't be true for a time between two others for which it isn't, so that looking at the first and the last tells whether to look at all."""


def _at_the_ends(connection: duckdb.DuckDBPyConnection, plan: Plan, condition: str) -> bool:
    return bool(connection.execute(f"""select bool_or({condition}) from (select unnest([min("timestamp"), max("timestamp")]) as {plan.value} from events)""").fetchone()[0])


def _did_you_mean(connection: duckdb.DuckDBPyConnection, rules: Rules, spec: MatchSpec) -> None:
    """Offers an allowed value for each distinct one that isn't allowed, where one is nearly the same."""
    for field, setting in rules.of("not_allowed"):
        values = [value for value, in connection.execute(f"select distinct value from issues where code = 'not_allowed' and field = ? order by 1 limit {COMPARED}", [field]).fetchall()]
        meant = _nearest(values, setting.values) if values else {}
        if meant:
            connection.execute("insert into hints select 'not_allowed', unnest(?::varchar[]), unnest(?::varchar[]), ?, unnest(?::varchar[])", [list(meant), [f"Did you mean {known!r} for {value!r}?" for value, known in meant.items()], field, list(meant.values())])


def _other_marks(connection: duckdb.DuckDBPyConnection, spec: MatchSpec) -> None:
    """Says of cells that are numbers with the other decimal mark than the answered one that they are: the question isn't asked again by itself."""
    for name, mark in spec.answers.items():
        question, _, field = name.partition(".")
        if question == "decimal_mark" and mark in OTHER_MARK:
            other = OTHER_MARK[mark]
            hint = f"Numbers with a decimal {other}: to have each read by its own mark, go to the tab Columns, to the answer about the decimal mark, and press Ask me again"
            connection.execute(f"insert into hints (code, value, hint, field) select distinct 'not_a_number', value, $hint, field from issues where code = 'not_a_number' and field = $field and {matches(trimmed('value'), number_pattern(other))} limit {COMPARED}", {"hint": hint, "field": field})


def _nearest(values: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    from rapidfuzz import fuzz, process

    found = {}
    for value in values:
        match = process.extractOne(value, allowed, scorer=fuzz.ratio, processor=_folded, score_cutoff=ALIKE)
        if match:
            found[value] = match[0]
    return found


def _folded(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _groups(connection: duckdb.DuckDBPyConnection, counts: Counts, spec: MatchSpec) -> tuple[IssueGroup, ...]:
    found = connection.execute(f"""
        select code, severity, "column", count(*), arg_min(struct_pack("row" := _row, value := value), coalesce(_row, 0), {EXAMPLES}) from issues group by all""").fetchall()
    hints = connection.execute(f"""
        select code, "column", string_agg(hint, '; ' order by hint) from (
            select distinct i.code, i."column", hint from issues i join hints h on h.code = i.code and h.value = i.value and coalesce(h.field, i.field, '') = coalesce(i.field, '') qualify row_number() over (partition by i.code, i."column" order by hint) <= {HINTS}) group by all""").fetchall()
    said = {(code, column): hint for code, column, hint in hints}
    meant = _meant(connection)
    groups = [
        _group(code, severity, column, counts.get((code, column), count), examples, _addition(code, said.get((code, column)), spec)).model_copy(update={"meant": meant.get((code, column), {})})
        for code, severity, column, count, examples in found
    ]
    return tuple(sorted(groups, key=lambda group: (LEVELS.index(group.severity), -group.count, group.code, group.column or "")))


def _meant(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str | None], dict[str, str]]:
    """The text that is meant by each of the first cells for which one is known, by code and column."""
    found: dict[tuple[str, str | None], dict[str, str]] = {}
    for code, column, value, meant in connection.execute(f"""
        select distinct i.code, i."column", {trimmed('i.value')}, h.meant from issues i join hints h on h.code = i.code and h.value = i.value and coalesce(h.field, i.field, '') = coalesce(i.field, '')
        where h.meant is not null order by all""").fetchall():
        if len(group := found.setdefault((code, column), {})) < MEANT:
            group[value] = meant
    return found


def _addition(code: str, hint: str | None, spec: MatchSpec) -> str:
    """What is said of this file beside what is to be done about a code anywhere."""
    if code == "formula_fails":
        return " ".join(f"It is: {setting.formula}." for name, setting in spec.checks.items() if setting.formula)
    return "" if not hint else hint if hint.endswith("?") else f"{hint}."


def _group(code: str, severity: str, column: str | None, count: int, examples: list[dict[str, object]], addition: str) -> IssueGroup:
    check = CHECKS[code]
    return IssueGroup(code=code, severity=severity, column=column, count=count, examples=tuple(IssueExample(**example) for example in examples), todo=f"{check.todo} {addition}".rstrip(), title=check.title)
