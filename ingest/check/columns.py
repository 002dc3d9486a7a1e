"""From matched columns to plans: one scan over all of them settles the plain ones, the others are looked at one by one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from ingest.check import questions
from ingest.check.checks import CHECKS, error_code
from ingest.check.plan import Plan, alias, cells
from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.values import numbers, others, times, zones
from ingest.values.labels import TOTALS_START, says_total
from ingest.values.text import has_edges, matches, trimmed, without_edges
from schemas.account import AccountProfile
from schemas.checking import Question
from schemas.event_type import ROOT_FIELDS, Field, FieldType
from schemas.matching import FieldMatch, MatchSpec, Period

MICROSECOND = timedelta(microseconds=1)
Probe = Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """One matched column (or constant) on its way to a plan. `relation` and `text` are SQL; `found` is what the common scan saw."""

    connection: duckdb.DuckDBPyConnection
    field: Field
    match: FieldMatch
    relation: str
    text: str
    required: bool
    answers: Mapping[str, str]
    profile: AccountProfile
    found: Probe
    rows: int

    @property
    def header(self) -> str:
        """What the person knows it by."""
        return self.match.column or "(the same for every row)"

    @property
    def filled_everywhere(self) -> dict[str, str]:
        """The fact that no cell is empty, where that is so."""
        return {"filled": "true"} if self.found["cells"] == self.rows else {}

    def step(self, name: str) -> str:
        """The column of cells that holds one of this field's steps."""
        return alias(name, self.field.name)

    def answer(self, question: str, allowed: tuple[str, ...]) -> str | None:
        """The answer to one of this column's questions. Raises BadInput for one that isn't on offer."""
        name = f"{question}.{self.field.name}"
        given = self.answers.get(name)
        if given is not None and given not in allowed:
            raise BadInput(f"{given!r} is no answer to {name}.", f"It can be {' or '.join(allowed)}.")
        return given

    def plan(self, steps: list[tuple[str, str]], sql_type: str, facts: Mapping[str, str], **more: object) -> Plan:
        """The plan of this column."""
        return Plan(field=self.field.name, type=self.field.type, column=self.match.column, steps=tuple(steps), sql_type=sql_type, required=self.required, facts=facts, **more)


def make_plans(connection: duckdb.DuckDBPyConnection, spec: MatchSpec, profile: AccountProfile) -> tuple[Plan, ...]:
    """A plan for every matched field, the root fields first. The raw rows are the view `raw`."""
    required = {*ROOT_FIELDS, *(() if set(ROOT_FIELDS) <= set(spec.key or ()) else spec.key or ())}  # beside customer and time, an empty dimension is as good as any other
    fields = [field for field in (Field(name="customer_id", type="String"), Field(name="timestamp", type="DateTime64"), *spec.event_type.usage_fields) if spec.of(field.name)]
    probes, rows = _probe(connection, [(field, spec.of(field.name)) for field in fields])
    plans = [_plan(Column(connection, field, match, *_place(match), field.name in required, spec.answers, profile, probes[field.name], 1 if match.column is None else rows))
             for field in fields for match in [spec.of(field.name)]]
    if spec.of("timestamp") is None and spec.period:
        plans.insert(1, _period_plan(spec.period, profile))
    return tuple(plans)


def _place(match: FieldMatch) -> tuple[str, str]:
    return ("raw", identifier(match.column)) if match.column is not None else ("(select 1)", literal(match.constant or ""))


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
TIME = {
    **CELLS, "read": f"count(try_cast({{x}} as timestamp)) filter ({_form(times.CAST_AS_IT_STANDS)})", "first": "min(try_cast({x} as timestamp))", "last": "max(try_cast({x} as timestamp))", "longest": "max(strlen({x}))",
    "below_milliseconds": "count(*) filter (contains({x}, '.') and epoch_us(try_cast({x} as timestamp)) % 1000 <> 0)",
    "zulu": "count(*) filter (suffix({x}, 'Z'))",
}
PROBES: dict[FieldType, dict[str, str]] = {
    "String": {**CELLS, "blank": "count(*) filter ({x} = '')", "edges": "count(*) filter (" + has_edges("{x}") + ")"},
    "Int64": NUMBER, "Float64": NUMBER, "Decimal": NUMBER,
    "DateTime64": TIME,
    "Date32": {**CELLS, "plain": f"count(try_cast({{x}} as date)) filter ({_form(times.PLAIN_DATE)})", "first": "min(try_cast({x} as date))", "last": "max(try_cast({x} as date))"},
    "Bool": {**CELLS, "read": "count(" + others.to_bool("{x}") + ")"},
    "UUID": {**CELLS, "read": "count(try_cast({x} as uuid)) filter (strlen({x}) = 36)"},
}
"""No empty text has one of these forms, so a column where all cells that aren't null have it has no empty text either."""


def _probe(connection: duckdb.DuckDBPyConnection, fields: list[tuple[Field, FieldMatch]]) -> tuple[dict[str, Probe], int]:
    wanted = [(field.name, name, sql.format(x=identifier(match.column))) for field, match in fields if match.column is not None for name, sql in PROBES[field.type].items()]
    answer = connection.execute(f"select count(*), {', '.join(sql for _, _, sql in wanted)} from raw" if wanted else "select count(*) from raw").fetchone()
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
    if column.field.name == "customer_id" and (labels := _totals_labels(column)):
        facts = {**facts, "looks_like_total": f"{column.step('source')} in ({', '.join(map(literal, labels))})"}
    return column.plan([("source", source), ("value", column.step("source"))], "VARCHAR", facts)


def _totals_labels(column: Column) -> list[str]:
    """The customers called like a total: rows that reading couldn't tell from usage, as a subtotal between full rows."""
    found = column.connection.execute(f"select distinct {trimmed(column.text)} from {column.relation} where regexp_matches({column.text}, {literal(TOTALS_START)}) limit 1000").fetchall()
    return sorted(label for label, in found if label is not None and says_total(label))


def _number(column: Column) -> Plan:
    answer = column.answer("decimal_mark", ("point", "comma"))
    if answer != "comma" and _is_plain(column, answer):
        return _plain_number(column)
    return _written_number(column, answer)


def _tidy(column: Column) -> str:
    """The column's text without spaces at its edges; the column itself where no cell has any."""
    edges = column.connection.execute(f"select count(*) filter (not {without_edges(column.text)}) from {column.relation}").fetchone()[0]
    return trimmed(column.text) if edges else column.text


def _is_plain(column: Column, answer: str | None) -> bool:
    found = column.found
    if not found["cells"] or found["cells"] != found["plain"]:
        return False
    if answer is None and found["fraction"] == 3 and not found["unlike_thousands"] and found["whole"] <= 4:
        return False
    limit = {"Int64": 18, "Float64": 300, "Decimal": numbers.WIDE - column.profile.decimal_scale}[column.field.type]
    return found["whole"] <= limit and found["fraction"] <= {"Int64": 0, "Float64": 300, "Decimal": column.profile.decimal_scale}[column.field.type]


def _below_zero(column: Column) -> dict[str, str]:
    """The fact that a number is negative; left out where no cell has a minus sign."""
    return {"negative_quantity": f"{column.step('value')} < 0"} if column.found["minus"] else {}


def _plain_number(column: Column) -> Plan:
    source, found = column.step("source"), column.found
    digits = numbers.Widths(found["whole"], found["fraction"])
    if column.field.type == "Decimal" and digits.whole + digits.fraction > numbers.NARROW:
        digits = numbers.widths(column.connection, column.relation, column.text, column.profile.decimal_scale, numbers.WIDE)
    value, sql_type = _number_value(column.field.type, source, digits)
    return column.plan([("source", column.text), ("value", value)], sql_type, {**column.filled_everywhere, **_below_zero(column)})


def _written_number(column: Column, answer: str | None) -> Plan:
    source, number, value = column.step("source"), column.step("number"), column.step("value")
    tidy = _tidy(column)
    evidence = numbers.number_evidence(column.connection, column.relation, tidy)
    mark = answer or evidence.mark
    asked = _mark_question(column, evidence) if not answer else ()
    text = numbers.number_text(source, mark, exponents=column.field.type == "Float64")
    scale, whole = column.profile.decimal_scale, numbers.WIDE - column.profile.decimal_scale
    digits = numbers.widths(column.connection, f"(select {tidy} as {source} from {column.relation})", text, scale, whole)
    sql, sql_type = _number_value(column.field.type, number, digits)
    facts = {"not_a_number": f"{source} is not null and {value} is null", "number_too_large": f"{number} is not null and {value} is null", **_below_zero(column)}
    if column.field.type == "Int64":
        facts["not_a_whole_number"] = f"contains({number}, '.')"
        facts["number_too_large"] = f"{number} is not null and not contains({number}, '.') and {value} is null"
    if column.field.type == "Decimal":
        facts["too_many_decimals"] = f"{numbers.fraction_digits(number)} > {scale}"
        facts["number_too_large"] = f"{numbers.whole_digits(number)} > {whole}"
        sql = f"case when {numbers.fraction_digits(number)} <= {scale} and {numbers.whole_digits(number)} <= {whole} then {sql} end"
    return column.plan([("source", tidy), ("number", text), ("value", sql)], sql_type, facts, questions=asked, mark=mark)


def _mark_question(column: Column, evidence: numbers.NumberEvidence) -> tuple[Question, ...]:
    if not evidence.open or column.match.column is None:
        return ()
    return (questions.decimal_mark(column.connection, column.relation, trimmed(column.text), column.field.name, column.header, evidence),)


def _number_value(kind: FieldType, number: str, digits: numbers.Widths) -> tuple[str, str]:
    if kind == "Int64":
        return f"case when not contains({number}, '.') then try_cast({number} as bigint) end", "BIGINT"
    if kind == "Float64":
        return f"case when isfinite(try_cast({number} as double)) then try_cast({number} as double) end", "DOUBLE"
    return numbers.to_decimal(number, digits), numbers.decimal_type(digits)


def _timestamp(column: Column) -> Plan:
    name = column.answers.get(f"zone.{column.field.name}")
    order = column.answer("date_order", ("day_first", "month_first"))
    found = column.found
    kept = min(column.profile.timestamp_digits, 6)
    if found["cells"] and found["cells"] == found["read"] and _in_years(found["first"], found["last"]):
        if found["zulu"] == found["cells"] and _keeps_all(found, 20, kept):
            return column.plan([("source", column.text), ("value", f"try_cast({column.step('source')} as timestamp)")], "TIMESTAMP", {**column.filled_everywhere, **_future(column)})
        if not found["zulu"] and _keeps_all(found, 19, kept):
            return _local_timestamp(column, name, [("source", column.text), ("local", f"try_cast({column.step('source')} as timestamp)")], column.filled_everywhere, found["first"], found["last"])
    return _written_timestamp(column, name, order, kept)


def _keeps_all(found: Probe, without_fraction: int, kept: int) -> bool:
    """Whether no time can have more digits of a second than are kept."""
    return found["longest"] <= without_fraction or (kept == 3 and found["longest"] <= without_fraction + 4 and not found["below_milliseconds"])


def _in_years(first: datetime, last: datetime) -> bool:
    """Whether both are within the plausible years; infinity comes as the first or last moment that Python knows."""
    return first.year >= times.FIRST_YEAR and last.year < times.LAST_YEAR


def _future(column: Column) -> dict[str, str]:
    return {"timestamp_in_future": f"{column.step('value')} > moment_of_check()"} if column.field.name == "timestamp" else {}


def _local_timestamp(column: Column, name: str | None, steps: list[tuple[str, str]], facts: dict[str, str], first: datetime, last: datetime) -> Plan:
    """A column whose times all leave the zone open."""
    local = column.step("local")
    reading = zones.local_time(local, name or "UTC", first, last)
    facts = {**facts, **_future(column), **_zone_facts(reading, "true")}
    value = f"case when not {reading.missing} then {reading.utc} end" if reading.missing else reading.utc
    asked, notes = (), {}
    if name is None:
        facts["timestamp_without_zone"] = f"{local} is not null"
        asked, notes = (_zone_question(column, steps, "true", column.found["cells"], first, last),), {"timestamp_without_zone": column.found["cells"]}
    return column.plan([*steps, ("value", value)], "TIMESTAMP", facts, questions=asked, notes=notes)


def _zone_question(column: Column, steps: list[tuple[str, str]], naive: str, count: int, first: datetime, last: datetime) -> Question:
    local = f"select {column.step('local')} as t from ({cells(f'select {column.text} from {column.relation}', (column.plan(steps, 'TIMESTAMP', {}),))}) where {naive}"
    return questions.time_zone(column.connection, local, column.field.name, column.header, count, first, last)


def _zone_facts(reading: zones.LocalTime, naive: str) -> dict[str, str]:
    known = {"time_does_not_exist": reading.missing, "time_exists_twice": reading.twice}
    return {name: f"{naive} and {condition}" for name, condition in known.items() if condition}


def _written_timestamp(column: Column, name: str | None, order: str | None, kept: int) -> Plan:
    source, iso, zoned, local, value = (column.step(step) for step in ("source", "iso", "zoned", "local", "value"))
    tidy = _tidy(column)
    evidence = times.time_evidence(column.connection, column.relation, tidy)
    asked = _order_question(column, evidence, order)
    steps = [
        ("source", tidy), ("iso", times.iso_text(source, evidence.forms, order or _proposed(asked) or evidence.order)), ("zoned", times.is_zoned(iso, evidence.forms)),
        ("local", times.plausible(times.parsed(iso, zoned, evidence.forms))),
    ]
    naive, first, last = _naive(column, steps)
    facts = {"not_a_timestamp": f"{source} is not null and {value} is null", "timestamp_too_fine": times.too_fine(local, iso, kept), **_future(column)}
    if not naive:
        return column.plan([*steps, ("value", local)], "TIMESTAMP", facts, questions=asked)
    reading = zones.local_time(local, name or "UTC", first, last)
    facts |= _zone_facts(reading, f"{local} is not null and not {zoned}")
    shifted = f"case when {zoned} then {local} {f'when {reading.missing} then null' if reading.missing else ''} else {reading.utc} end"
    notes: dict[str, int] = {}
    if name is None:
        facts["timestamp_without_zone"], notes = f"{local} is not null and not {zoned}", {"timestamp_without_zone": naive}
        asked += (_zone_question(column, steps, f"not {zoned}", naive, first, last),) if column.match.column is not None else ()
    return column.plan([*steps, ("value", shifted)], "TIMESTAMP", facts, questions=asked, notes=notes)


def _order_question(column: Column, evidence: times.TimeEvidence, order: str | None) -> tuple[Question, ...]:
    if order or not evidence.open or column.match.column is None:
        return ()
    return (questions.date_order(column.connection, column.relation, trimmed(column.text), column.field.name, column.header, evidence),)


def _proposed(asked: tuple[Question, ...]) -> str | None:
    return asked[0].proposed if asked else None


def _naive(column: Column, steps: list[tuple[str, str]]) -> tuple[int, datetime | None, datetime | None]:
    """How many times leave the zone open, and the first and last of them."""
    plan = column.plan(steps, "TIMESTAMP", {})
    local, zoned = column.step("local"), column.step("zoned")
    naive = f"filter (not {zoned})"
    return column.connection.execute(f"select count({local}) {naive}, min({local}) {naive}, max({local}) {naive} from ({cells(f'select * from {column.relation}', (plan,))})").fetchone()


def _date(column: Column) -> Plan:
    order, found = column.answer("date_order", ("day_first", "month_first")), column.found
    if found["cells"] and found["cells"] == found["plain"] and found["first"].year >= 1900 and found["last"].year < 2300:
        return column.plan([("source", column.text), ("value", f"try_cast({column.step('source')} as date)")], "DATE", column.filled_everywhere)
    source, iso, local, value = (column.step(step) for step in ("source", "iso", "local", "value"))
    tidy = _tidy(column)
    evidence = times.time_evidence(column.connection, column.relation, tidy)
    asked = _order_question(column, evidence, order)
    forms = tuple(form for form in evidence.forms if form != "epoch")
    steps = [
        ("source", tidy), ("iso", times.iso_text(source, forms, order or _proposed(asked) or evidence.order)),
        ("local", times.parsed(iso, times.is_zoned(iso, forms), forms)), ("value", f"case when {local}::time = time '00:00:00' and year({local}) between 1900 and 2299 then {local}::date end"),
    ]
    return column.plan(steps, "DATE", {"not_a_date": f"{source} is not null and {value} is null"}, questions=asked)


def _other(column: Column, sql: Callable[[str], str], sql_type: str, problem: str) -> Plan:
    source, found = column.step("source"), column.found
    if found["cells"] is not None and found["cells"] == found["read"]:
        return column.plan([("source", column.text), ("value", sql(source))], sql_type, column.filled_everywhere)
    return column.plan([("source", trimmed(column.text)), ("value", sql(source))], sql_type, {problem: f"{source} is not null and {column.step('value')} is null"})


READERS: dict[FieldType, Callable[[Column], Plan]] = {
    "String": _text, "Int64": _number, "Float64": _number, "Decimal": _number, "DateTime64": _timestamp, "Date32": _date,
    "Bool": lambda column: _other(column, others.to_bool, "BOOLEAN", "not_true_or_false"),
    "UUID": lambda column: _other(column, others.to_uuid, "UUID", "not_a_uuid"),
}


def _period_plan(period: Period, profile: AccountProfile) -> Plan:
    """The same moment for every row: the last one of the period that the account can keep."""
    end = zones.to_utc(datetime.fromisoformat(period.end), period.zone) - MICROSECOND
    step = 10 ** (6 - min(profile.timestamp_digits, 6))
    last = end.replace(microsecond=end.microsecond // step * step)
    moment = f"timestamp '{last:%Y-%m-%d %H:%M:%S.%f}'"
    return Plan(field="timestamp", type="DateTime64", column=None, steps=(("source", literal(f"{last}")), ("value", moment)), sql_type="TIMESTAMP", required=True, facts={"filled": "true"})
