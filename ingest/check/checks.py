"""What can be wrong with a row. A check is an entry here; its SQL says for which cells it speaks.

`fact` checks ask a field's plan for a condition over its cell; the first that is true speaks for the cell. Checks without a condition
compare rows with each other or with the ledger (repeats.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.check.plan import Plan
from schemas.checking import Severity

Condition = Callable[[Plan], str | None]


@dataclass(frozen=True)
class Check:
    """One check. `todo` says what the person does about it; `condition` gives SQL over the cells, None where the check doesn't apply."""

    code: str
    severity: Severity
    title: str
    todo: str
    condition: Condition | None = None


def fact(name: str) -> Condition:
    """The condition that a field's plan knows under this name."""
    return lambda plan: plan.facts.get(name)


def _empty(plan: Plan) -> str | None:
    return f"{plan.source} is null" if plan.required and "filled" not in plan.facts else None


CHECKS: dict[str, Check] = {check.code: check for check in (
    Check("missing_value", "error", "A required cell is empty", "Fill in the cell and check again, or go on without this row.", _empty),
    Check("too_many_decimals", "error", "More decimals than the account keeps", "Round the number yourself: the account would cut it off silently.", fact("too_many_decimals")),
    Check("number_too_large", "error", "Number too large for the field", "Check for a slip of the keys; a number this large can't be stored.", fact("number_too_large")),
    Check("not_a_whole_number", "error", "Not a whole number", "The field takes whole numbers only. Correct the cell, or give the field the type Decimal.", fact("not_a_whole_number")),
    Check("not_a_number", "error", "Not a number", "Write it with digits only, without a unit, currency or percent sign.", fact("not_a_number")),
    Check("time_does_not_exist", "error", "A time that doesn't exist: the clocks went forward", "Correct the time, or say which time zone the column is in.", fact("time_does_not_exist")),
    Check("timestamp_too_fine", "error", "More digits of a second than the account keeps", "Round the time yourself: the account would cut it off silently.", fact("timestamp_too_fine")),
    Check("not_a_timestamp", "error", "Not a date and time", "Write it as in 2026-10-01 13:45:00.", fact("not_a_timestamp")),
    Check("not_a_date", "error", "Not a date", "Write it as in 2026-10-01.", fact("not_a_date")),
    Check("not_true_or_false", "error", "Neither yes nor no", "Write true or false.", fact("not_true_or_false")),
    Check("not_a_uuid", "error", "Not a UUID", "Write it as in 123e4567-e89b-12d3-a456-426614174000.", fact("not_a_uuid")),
    Check("same_key_other_content", "error", "Rows with the same key but other content", "Correct or remove all but one of them, or choose other columns as the key.", None),
    Check("already_sent_other_content", "error", "Sent before with other content", "A sent event can't be changed by sending it again. Check which of the two is right.", None),
    Check("customer_looks_like_total", "warning", "A customer called like a total", "Remove the row where it only adds up others: its usage would count twice.", fact("looks_like_total")),
    Check("negative_quantity", "warning", "A number below zero", "It takes away from the customer's total. Check whether that is meant, or a slip.", fact("negative_quantity")),
    Check("customer_spelled_differently", "warning", "A customer written in two ways", "They count as two customers. Write them alike where one is meant.", None),
    Check("timestamp_in_future", "warning", "Later than now", "Check the year and the order of day and month.", fact("timestamp_in_future")),
    Check("timestamp_without_zone", "warning", "Time without a zone, read as UTC", "Say which time zone the column is in, where it isn't UTC.", fact("timestamp_without_zone")),
    Check("time_exists_twice", "warning", "A time that comes twice: the clocks went back", "It was read as the first of the two. Check whether that is right.", fact("time_exists_twice")),
    Check("identical_rows", "warning", "Rows that are identical", "Both are counted. Say so if they are one and the same event.", None),
    Check("differs_only_in_quantity", "warning", "Same customer, time and dimensions, another quantity", "Both are counted. Check whether one was meant to replace the other.", None),
    Check("space_removed", "note", "Spaces at the edges of a cell", "They were left off. Nothing to do.", fact("space_removed")),
)}

CELL_ERRORS = tuple(check for check in CHECKS.values() if check.severity == "error" and check.condition)
CELL_REMARKS = tuple(check for check in CHECKS.values() if check.severity != "error" and check.condition)


def errors_of(plan: Plan) -> list[tuple[str, str]]:
    """The errors that cells of this field may have: code and condition, the first that is true speaks."""
    return [(check.code, condition) for check in CELL_ERRORS if (condition := check.condition(plan))]


def remarks(plan: Plan) -> list[tuple[str, str]]:
    """The warnings and notes that cells of this field may have: code and condition."""
    return [(check.code, condition) for check in CELL_REMARKS if (condition := check.condition(plan))]


def error_code(plan: Plan) -> str | None:
    """SQL for the code of the error in this field's cell, null for a good one; None when no cell can fail."""
    cases = " ".join(f"when {condition} then '{code}'" for code, condition in errors_of(plan))
    return f"case {cases} end" if cases else None
