"""Columns of numbers: how each is read, and what it leaves open."""

from dataclasses import replace

from ingest.check import readings
from ingest.check.column import Column
from ingest.check.plan import Plan
from ingest.check.worn import Worn, convert, undress
from ingest.values import numbers
from ingest.values.text import trimmed
from schemas.checking import Question
from schemas.event_type import FieldType

EMPTIES = tuple(readings.EMPTY)


def read_number(column: Column) -> Plan:
    """How a column of numbers is read: the short way where every cell is plain."""
    _answers_are_known(column)
    answer = column.answer("decimal_mark", (*readings.MARKS, readings.EACH))
    if answer != "comma" and _is_plain(column, answer):
        return _plain_number(column)
    return _written_number(column, answer)


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
    return _negative(column) if column.found["minus"] else {}


def _plain_number(column: Column) -> Plan:
    source, found = column.step("source"), column.found
    digits = numbers.Widths(found["whole"], found["fraction"])
    if column.field.type == "Decimal" and digits.whole + digits.fraction > numbers.NARROW:
        digits = numbers.widths(column.connection, column.relation, column.text, column.profile.decimal_scale, numbers.WIDE)
    value, sql_type = _number_value(column.field.type, source, digits)
    shown = {"decimal_mark": "point"} if found["unlike_thousands"] else {}
    plan = column.plan([("source", column.text), ("value", value)], sql_type, {**column.filled_everywhere, **_below_zero(column)}, shown=shown)
    return plan if column.filled_everywhere else _with_empty(column, plan, column.rows - found["cells"], column.text, "{s}")


def _written_number(column: Column, answer: str | None) -> Plan:
    source, number, value = column.step("source"), column.step("number"), column.step("value")
    worn = undress(column, column.tidy())
    evidence = numbers.number_evidence(column.connection, worn.relation, worn.core)
    mark = evidence.mark if answer in (None, readings.EACH) else answer
    asked = _mark_question(column, worn, evidence) if not answer else ()
    written = numbers.number_by_its_own_mark if answer == readings.EACH else numbers.number_text
    text = written(worn.core, mark, exponents=column.field.type == "Float64")
    worn, converted, more = convert(column, worn, text)
    scale, whole = column.profile.decimal_scale, numbers.WIDE - column.profile.decimal_scale
    digits = numbers.widths(column.connection, worn.relation, converted, scale, whole)
    sql, sql_type = _number_value(column.field.type, number, digits)
    facts = {"not_a_number": f"{source} is not null and {value} is null", "number_too_large": f"{number} is not null and {value} is null", **(_negative(column) if worn.found else _below_zero(column)), **worn.facts}
    if column.field.type == "Int64":
        facts["not_a_whole_number"] = f"contains({number}, '.')"
        facts["number_too_large"] = f"{number} is not null and not contains({number}, '.') and {value} is null"
    if column.field.type == "Decimal":
        facts["too_many_decimals"] = f"{numbers.fraction_digits(number)} > {scale}"
        facts["number_too_large"] = f"{numbers.whole_digits(number)} > {whole}"
        sql = f"case when {numbers.fraction_digits(number)} <= {scale} and {numbers.whole_digits(number)} <= {whole} then {sql} end"
    plan = column.plan([*worn.steps, ("number", converted), ("value", sql)], sql_type, facts, questions=asked + more, mark=mark, shown={"decimal_mark": mark} if bool(evidence.point) != bool(evidence.comma) else {})
    return _with_empty(column, plan, column.rows - (evidence.cells if worn.filled is None else worn.filled), trimmed(column.text), written("{s}", mark))


def _with_empty(column: Column, plan: Plan, empty: int, text: str, number: str) -> Plan:
    """The plan with what an empty cell means: asked where some are empty and others aren't, as answered where it was."""
    filled = column.rows - empty
    if not empty or column.match.column is None or plan.required:
        return plan
    answer = column.answer("empty", EMPTIES)
    if answer == "zero":
        *others, (name, sql) = plan.steps
        return replace(plan, steps=(*others, (name, f"case when {plan.source} is null then 0 else {sql} end")))
    if answer == "unknown":
        return replace(plan, required=True)
    if answer is not None or not filled:
        return plan
    asked = readings.empty_cells(column.connection, column.relation, text, number, column.field.name, column.header, empty, filled)
    return replace(plan, questions=(*plan.questions, asked))


def _answers_are_known(column: Column) -> None:
    """A slip in an answer must not pass only because this file doesn't raise the question."""
    column.answer("empty", EMPTIES)
    column.answer("percent", tuple(readings.PERCENT))


def _negative(column: Column) -> dict[str, str]:
    return {"negative_quantity": f"{column.step('value')} < 0"}


def _mark_question(column: Column, worn: Worn, evidence: numbers.NumberEvidence) -> tuple[Question, ...]:
    if not evidence.open or column.match.column is None:
        return ()
    return (readings.decimal_mark(column.connection, worn.relation, worn.core, column.field.name, column.header, evidence),)


def _number_value(kind: FieldType, number: str, digits: numbers.Widths) -> tuple[str, str]:
    if kind == "Int64":
        return f"case when not contains({number}, '.') then try_cast({number} as bigint) end", "BIGINT"
    if kind == "Float64":
        return f"case when isfinite(try_cast({number} as double)) then try_cast({number} as double) end", "DOUBLE"
    return numbers.to_decimal(number, digits), numbers.decimal_type(digits)
