"""From matched columns to plans: one scan over all of them settles the plain ones, the others are looked at one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

import duckdb

from ingest.check import forms
from ingest.check.amounts import read_number
from ingest.check.checks import CHECKS, error_code
from ingest.check.column import OF_THE_CLOCK, Column, Probe
from ingest.check.moments import read_date, read_timestamp
from ingest.check.plan import Plan, cells
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.values import numbers, others, times, zones
from ingest.values.labels import PLACEHOLDERS, TOTALS_START, says_total
from ingest.values.spoilt import is_spoilt, looks_spoilt, spoilt
from ingest.values.text import has_edges, matches, trimmed
from schemas.account import AccountProfile
from schemas.event_type import NUMERIC_TYPES, ROOT_FIELDS, Field, FieldType
from schemas.matching import FieldMatch, MatchSpec, Period

WRITTEN = {"day_first": "day first", "month_first": "month first", "point": "decimal point", "comma": "decimal comma"}
MICROSECOND = timedelta(microseconds=1)


def make_plans(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, profile: AccountProfile) -> tuple[Plan, ...]:
    """A plan for every matched field, the root fields first. The raw rows are the view `raw`."""
    return settle(read_columns(connection, spec, profile), spec, profile)


def read_columns(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, profile: AccountProfile, same: Mapping[str, Plan] = MappingProxyType({})) -> list[tuple[Column, Plan]]:
    """Every matched column with the plan that its own cells speak for. `same` are the plans, by field, of columns whose cells were looked at before."""
    required = {*ROOT_FIELDS, *(() if set(ROOT_FIELDS) <= set(spec.key or ()) else spec.key or ())}  # beside customer and time, an empty dimension is as good as any other
    fields = [field for field in (Field(name="customer_id", type="String"), Field(name="timestamp", type="DateTime64"), *spec.event_type.usage_fields) if spec.of(field.name)]
    _fill_from_above(connection, [spec.of(field.name).column for field in fields if spec.answers.get(f"empty.{field.name}") == "above"])
    make = partial(_columns, connection, spec, profile, required)
    settled = _by_forms(connection, spec, [field for field in fields if field.name not in same], make)
    rest = make([field for field in fields if field.name not in same and field.name not in settled], "raw")
    taken = make([field for field in fields if field.name in same], None)
    settled |= {column.field.name: (column, same.get(column.field.name) or _plan(column)) for column in (*rest, *taken)}
    return [settled[field.name] for field in fields]


def _by_forms(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, fields: Sequence[Field], make: Callable[[list[Field], str], list[Column]]) -> dict[str, tuple[Column, Plan]]:
    """By field, the columns of numbers for which one cell of each form says all. Where each number is read by its own mark, how many have which counts."""
    numeric = [field for field in fields if field.type in NUMERIC_TYPES and spec.of(field.name).column is not None and spec.answers.get(f"decimal_mark.{field.name}") in (None, "point", "comma")]
    known = forms.known(connection, dict.fromkeys(spec.of(field.name).column for field in numeric))
    columns = [column for field in numeric if (name := spec.of(field.name).column) in known for column in make([field], forms.relation(name))]
    return {column.field.name: (column, plan) for column in columns if forms.suffice(plan := _plan(column))}


def _columns(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, profile: AccountProfile, required: set[str], fields: list[Field], relation: str | None) -> list[Column]:
    """The columns of these fields with what a scan over the relation saw of them; nothing was seen where there is none."""
    matched = [(field, spec.of(field.name)) for field in fields]
    probes, rows = _probe(connection, matched, relation) if relation else ({}, 0)
    return [Column(connection, field, match, *_place(match, relation), field.name in required, spec.answers, profile, probes.get(field.name, {}), 1 if match.column is None else rows) for field, match in matched]


def settle(read: Sequence[tuple[Column, Plan]], spec: MatchSpec, profile: AccountProfile) -> tuple[Plan, ...]:
    """The plans, with what the columns say about each other."""
    plans = _settled_by_others([column for column, _ in read], [plan for _, plan in read])
    if spec.of("timestamp") is None and spec.period:
        plans.insert(1, _period_plan(spec.period, profile))
    return _one_clock(plans)


def _settled_by_others(columns: Sequence[Column], plans: Sequence[Plan]) -> list[Plan]:
    """The plans, those that leave open what other columns of the file show read like them. It is still asked where the bill hangs on it."""
    found = []
    for column, plan in zip(columns, plans, strict=True):
        for name in ("date_order", "decimal_mark"):
            shown = {other.shown[name] for other in plans if name in other.shown}
            asked = next((question for question in plan.questions if question.name == f"{name}.{plan.field}"), None)
            if asked and len(shown) == 1 and name not in plan.shown:
                likely, = shown
                plan = _plan(replace(column, answers={**column.answers, asked.name: likely}))
                again = asked.model_copy(update={"proposed": likely, "blocking": name == "decimal_mark" or plan.field == "timestamp", "text": f"{asked.text} Other columns of this file have the {WRITTEN[likely]}."})
                plan = replace(plan, questions=(again, *plan.questions), shown={} if again.blocking else {name: likely})
        found.append(plan)
    return found


def _one_clock(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """One question about the zone or the century, not one for each column: until something else is said, the times of a file are written as its timestamp is."""
    asked = {question.name for plan in plans for question in plan.questions}
    once = [name for name in OF_THE_CLOCK if f"{name}.timestamp" in asked]
    return tuple(plan if plan.field == "timestamp" else _without(plan, once) for plan in plans)


def _without(plan: Plan, names: Sequence[str]) -> Plan:
    """The plan without these questions, and without the warning that one of them is about."""
    kept = tuple(question for question in plan.questions if question.name not in [f"{name}.{plan.field}" for name in names])
    if "zone" not in names:
        return replace(plan, questions=kept)
    unsaid = "timestamp_without_zone"
    return replace(plan, questions=kept, facts={name: sql for name, sql in plan.facts.items() if name != unsaid}, notes={name: count for name, count in plan.notes.items() if name != unsaid})


def _fill_from_above(connection: duckdb.DuckDBPyConnection, columns: Sequence[str | None]) -> None:
    """Makes `raw` a view in which the empty cells of these columns have what stands above them."""
    texts = {identifier(name): trimmed(identifier(name)) for name in columns if name is not None}
    if not texts:
        return
    above = "last_value({text} ignore nulls) over (order by _row rows between unbounded preceding and current row)"
    filled = ", ".join(f"case when {text} is null then {above.format(text=text)} else {name} end as {name}" for name, text in texts.items())
    connection.execute("alter view raw rename to raw_unfilled")
    connection.execute(f"create view raw as select * replace ({filled}) from raw_unfilled")


def _place(match: FieldMatch, relation: str | None) -> tuple[str, str]:
    return (relation or "raw", identifier(match.column)) if match.column is not None else ("(select 1)", literal(match.constant or ""))


def _plan(column: Column) -> Plan:
    plan = READERS[column.field.type](column)
    if column.match.column is None:
        _constant_is_good(column, plan)
    return plan


def _constant_is_good(column: Column, plan: Plan) -> None:
    code = error_code(plan)
    wrong = column.connection.execute(f"select {code or 'null'} from ({cells('select 1 as one', (plan,))})").fetchone()[0]
    if wrong:
        raise BadInput(f"The value {column.match.constant!r} can't go into the field {column.field.name!r}: {CHECKS[wrong].title.lower()}.", CHECKS[wrong].todo)


# The common scan: a few counts per column, enough to know whether the plain way of reading it can fail.


def _form(pattern: str) -> str:
    """Whether {x} has this form, ready for format()."""
    return matches("{x}", pattern.replace("{", "{{").replace("}", "}}"))


POINT = "(instr({x}, '.') > 0)::int"
FRACTION = f"((strlen({{x}}) - instr({{x}}, '.')) * {POINT})"
WHOLE = f"(strlen({{x}}) - {FRACTION} - {POINT})"
CELLS = {"cells": "count({x})"}
NUMBER = {
    **CELLS, "plain": f"count(*) filter ({_form(numbers.PLAIN)})", "whole": f"max({WHOLE})", "fraction": f"max({FRACTION})",
    "minus": f"count(*) filter (contains({{x}}, '-') or contains({{x}}, '{numbers.MINUS}'))",
    "unlike_thousands": f"count(*) filter ({FRACTION} not in (0, 3))",
}
AS_IT_STANDS = f"case when {{x}} like '{times.USUAL}' then true else {_form(times.CAST_AS_IT_STANDS)} end"
TIME = {
    **CELLS, "read": f"count(try_cast({{x}} as timestamp)) filter ({AS_IT_STANDS})", "first": "min(try_cast({x} as timestamp))", "last": "max(try_cast({x} as timestamp))", "longest": "max(strlen({x}))",
    "below_milliseconds": "count(*) filter (contains({x}, '.') and epoch_us(try_cast({x} as timestamp)) % 1000 <> 0)",
    "zulu": "count(*) filter (suffix({x}, 'Z'))",
}
PROBES: dict[FieldType, dict[str, str]] = {
    "String": {**CELLS, "blank": "count(*) filter ({x} = '')", "edges": "count(*) filter (" + has_edges("{x}") + ")", "odd": "count(*) filter (" + looks_spoilt("{x}") + ")"},
    "Int64": NUMBER, "Float64": NUMBER, "Decimal": NUMBER,
    "DateTime64": TIME,
    "Date32": {**CELLS, "plain": f"count(try_cast({{x}} as date)) filter ({_form(times.PLAIN_DATE)})", "first": "min(try_cast({x} as date))", "last": "max(try_cast({x} as date))"},
    "Bool": {
        **CELLS, "read": "count(" + others.to_bool("{x}") + ")", "filled": "count(" + trimmed("{x}") + ")",
        "crosses": "count(*) filter (" + others.is_cross(trimmed("{x}")) + ")",
    },
    "UUID": {**CELLS, "read": "count(try_cast({x} as uuid)) filter (strlen({x}) = 36)"},
}
"""No empty text has one of these forms, so a column where all cells that aren't null have it has no empty text either."""


def _probe(connection: duckdb.DuckDBPyConnection, fields: list[tuple[Field, FieldMatch]], relation: str) -> tuple[dict[str, Probe], int]:
    wanted = [(field.name, name, sql.format(x=identifier(match.column))) for field, match in fields if match.column is not None for name, sql in PROBES[field.type].items()]
    answer = connection.execute(f"select count(*), {', '.join(sql for _, _, sql in wanted)} from {relation}" if wanted else f"select count(*) from {relation}").fetchone()
    probes: dict[str, dict[str, object]] = {field.name: {name: None for name in PROBES[field.type]} for field, _ in fields}
    for (field, name, _), value in zip(wanted, answer[1:], strict=True):
        probes[field][name] = value
    return probes, answer[0]


# One reader for each type.


def _text(column: Column) -> Plan:
    found = column.found
    if found["cells"] is not None and not found["edges"] and not found["blank"]:
        source, facts = column.text, column.filled_everywhere
    else:
        source, facts = trimmed(column.text), {}
    if found["edges"]:
        facts = {**facts, "space_removed": f"{column.step('source')} is not null and {has_edges(column.text)}"}
    if (column.found["odd"] or column.match.column is None) and is_spoilt(column.connection, column.relation, trimmed(column.text)):
        facts = {**facts, "spoilt_id" if column.required else "spoilt_text": spoilt(column.step("source"))}
    if column.field.name == "customer_id":
        facts = {**facts, **_no_customers(column)}
    return column.plan([("source", source), ("value", column.step("source"))], "VARCHAR", facts)


def _no_customers(column: Column) -> dict[str, str]:
    """The facts that a customer is called like a total, in rows that reading couldn't tell from usage, and that it is no name at all."""
    text = trimmed("label")
    found = column.connection.execute(f"""
        with labels as materialized (select {column.text} as label, count(*) as n from {column.relation} group by 1)
        select distinct {text} from labels
        where regexp_matches(label, {literal(TOTALS_START)}) or (strlen(label) < 20 and lower({text}) in {PLACEHOLDERS}) limit 1000""").fetchall()
    labels = sorted(label for label, in found if label is not None)
    facts = {"looks_like_total": [label for label in labels if says_total(label)], "is_placeholder": [label for label in labels if label.lower() in PLACEHOLDERS]}
    return {name: f"{column.step('source')} in ({', '.join(map(literal, those))})" for name, those in facts.items() if those}


def _other(column: Column, sql: Callable[[str], str], sql_type: str, problem: str) -> Plan:
    source, found = column.step("source"), column.found
    if found["cells"] is not None and found["cells"] == found["read"]:
        return column.plan([("source", column.text), ("value", sql(source))], sql_type, column.filled_everywhere)
    return column.plan([("source", trimmed(column.text)), ("value", sql(source))], sql_type, {problem: f"{source} is not null and {column.step('value')} is null"})


def _bool(column: Column) -> Plan:
    """Yes and no. Where crosses and nothing else stand in a column, an empty cell says no."""
    found = column.found
    if not found["crosses"] or found["crosses"] != found["filled"]:
        return _other(column, others.to_bool, "BOOLEAN", "not_true_or_false")
    return column.plan([("source", trimmed(column.text)), ("value", f"{column.step('source')} is not null")], "BOOLEAN", {})


READERS: dict[FieldType, Callable[[Column], Plan]] = {
    "String": _text, "Int64": read_number, "Float64": read_number, "Decimal": read_number, "DateTime64": read_timestamp, "Date32": read_date, "Bool": _bool,
    "UUID": lambda column: _other(column, others.to_uuid, "UUID", "not_a_uuid"),
}


def _period_plan(period: Period, profile: AccountProfile) -> Plan:
    """The same moment for every row: the last one of the period that the account can keep."""
    end = zones.to_utc(datetime.fromisoformat(period.end), period.zone) - MICROSECOND
    step = 10 ** (6 - min(profile.timestamp_digits, 6))
    last = end.replace(microsecond=end.microsecond // step * step)
    moment = f"timestamp '{last:%Y-%m-%d %H:%M:%S.%f}'"
    return Plan(field="timestamp", type="DateTime64", column=None, steps=(("source", literal(f"{last}")), ("value", moment)), sql_type="TIMESTAMP", required=True, facts={"filled": "true"})
