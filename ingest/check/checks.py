"""What can be wrong with a row. A check is an entry here; its SQL says for which cells it speaks.

`fact` checks ask a field's plan for a condition over its cell; the first that is true speaks for the cell. Checks without a condition
compare rows with each other or with the ledger (repeats.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ingest.check.plan import Plan
from schemas.check_setting import Severity

Condition = Callable[[Plan], str | None]


Level = Severity | Literal["off"]
SeverityOf = Callable[[str, str], Level]
"""How severe an issue of this code is in this field (an empty one for what concerns rows)."""


@dataclass(frozen=True)
class Check:
    """One check. `todo` says what the person does about it; `condition` gives SQL over the cells, None where rows are compared with others.

    `name` is what it is set by: alone, or with a field behind a dot where it `concerns` a field. `takes` are its parameters. A check that is `fixed`
    says that a row can't be made into an event; nobody can set it to less. One that is `asked` looks at nothing before it is set.
    """

    code: str
    severity: Severity
    title: str
    todo: str
    condition: Condition | None = None
    name: str = ""
    takes: tuple[str, ...] = ()
    concerns: Literal["field", "row"] = "field"
    fixed: bool = False
    asked: bool = False

    @property
    def called(self) -> str:
        """The name it is set by."""
        return self.name or self.code


def fact(name: str) -> Condition:
    """The condition that a field's plan knows under this name."""
    return lambda plan: plan.facts.get(name)


def _empty(plan: Plan) -> str | None:
    return f"{plan.source} is null" if (plan.required or "asked_for" in plan.facts) and "filled" not in plan.facts else None


CHECKS: dict[str, Check] = {check.code: check for check in (
    Check("missing_value", "error", "A required cell is empty", "Fill in the cell and check again, or go on without this row.", _empty, name="required"),
    Check("too_many_decimals", "error", "More decimals than the account keeps", "Round the number yourself: the account would cut it off silently.", fact("too_many_decimals"), fixed=True),
    Check("number_too_large", "error", "Number too large for the field", "Check for a slip of the keys; a number this large can't be stored.", fact("number_too_large"), fixed=True),
    Check("not_a_whole_number", "error", "Not a whole number", "The field takes whole numbers only. Correct the cell, or give the field the type Decimal.", fact("not_a_whole_number"), fixed=True),
    Check("not_a_number", "error", "Not a number", "Write it with digits only, without a unit, currency or percent sign.", fact("not_a_number"), fixed=True),
    Check("time_does_not_exist", "error", "A time that doesn't exist: the clocks went forward", "Correct the time, or say which time zone the column is in.", fact("time_does_not_exist"), fixed=True),
    Check("timestamp_too_fine", "error", "More digits of a second than the account keeps", "Round the time yourself: the account would cut it off silently.", fact("timestamp_too_fine"), fixed=True),
    Check("not_a_timestamp", "error", "Not a date and time", "Write it as in 2026-10-01 13:45:00.", fact("not_a_timestamp"), fixed=True),
    Check("not_a_date", "error", "Not a date", "Write it as in 2026-10-01.", fact("not_a_date"), fixed=True),
    Check("not_true_or_false", "error", "Neither yes nor no", "Write true or false.", fact("not_true_or_false"), fixed=True),
    Check("not_a_uuid", "error", "Not a UUID", "Write it as in 123e4567-e89b-12d3-a456-426614174000.", fact("not_a_uuid"), fixed=True),
    Check("spoilt_id", "error", "An id that a spreadsheet spoilt", "Take the id from where the file was made: a spreadsheet shortened it, or shows an error in its place.", fact("spoilt_id")),
    Check("outside_window", "error", "A time the account doesn't take", "Check the year. The account takes events of a certain age only; ask whoever looks after it.", fact("outside_window"), name="window"),
    Check("out_of_range", "error", "Outside the range that was set", "Check for a slip of the keys, or set the range wider.", fact("out_of_range"), name="range", takes=("min", "max"), asked=True),
    Check("not_allowed", "error", "Not one of the allowed values", "Write one of the allowed values, or allow this one.", fact("not_allowed"), name="allowed", takes=("values",), asked=True),
    Check("unlike_pattern", "error", "Not of the form that was set", "Correct the cell, or the form.", fact("unlike_pattern"), name="pattern", takes=("pattern",), asked=True),
    Check("wrong_length", "error", "Shorter or longer than was set", "Correct the cell, or set other lengths.", fact("wrong_length"), name="length", takes=("min", "max"), asked=True),
    Check("formula_fails", "error", "The formula doesn't hold", "Correct the row, or the formula.", fact("formula_fails"), name="formula", takes=("formula",), concerns="row", asked=True),
    Check("same_key_other_content", "error", "Rows with the same key but other content", "Correct or remove all but one of them, or choose other columns as the key.", concerns="row", fixed=True),
    Check("already_sent_other_content", "error", "Sent before with other content", "The account can't change what it has. See under What changed what is different; have the difference credited or charged there, and leave these rows out.", concerns="row", fixed=True),
    Check("not_unique", "error", "The same value as in another row", "Correct or remove all but one of them.", name="unique", takes=("fields",), asked=True),
    Check("customer_nearly_known", "warning", "The account doesn't know this customer, but one of nearly the same name", "Correct the customer where a known one is meant.", concerns="row"),
    Check("customer_unknown", "warning", "The account doesn't know this customer", "Check the customer, or create it in the account before anything is sent.", concerns="row"),
    Check("customer_looks_like_total", "warning", "A customer called like a total", "Remove the row where it only adds up others: its usage would count twice.", fact("looks_like_total"), concerns="row"),
    Check("customer_is_placeholder", "warning", "A customer that is none", "Say which customer is meant, or leave the row out: words such as n/a name nobody.", fact("is_placeholder"), concerns="row"),
    Check("spoilt_text", "warning", "Text that a spreadsheet spoilt", "Take it from where the file was made, where it matters: a spreadsheet shortened it, or shows an error in its place.", fact("spoilt_text")),
    Check("negative_quantity", "warning", "A number below zero", "It takes away from the customer's total. Check whether that is meant, or a slip.", fact("negative_quantity"), name="non_negative"),
    Check("unusually_large", "warning", "Far more than this customer usually has", "Check for a slip of the keys or another unit.", name="outlier", takes=("times",)),
    Check("customer_spelled_differently", "warning", "A customer written in two ways", "They count as two customers. Write them alike where one is meant.", concerns="row"),
    Check("text_spelled_differently", "warning", "A text written in two ways", "They count as two where usage is grouped or filtered by it. Write them alike where one is meant."),
    Check("timestamp_in_future", "warning", "Later than now", "Check the year and the order of day and month.", fact("timestamp_in_future"), name="future", concerns="row"),
    Check("outside_period", "warning", "Outside the period that was stated", "Check the date, or the period. It is billed in the month it falls into.", fact("outside_period"), name="period", takes=("min", "max"), concerns="row"),
    Check("outside_month", "warning", "In another month than nearly all other rows", "Check the date, or leave the row out. It is billed in the month it falls into.", name="month", concerns="row"),
    Check("timestamp_without_zone", "warning", "Time without a zone, read as UTC", "Say which time zone the column is in, where it isn't UTC.", fact("timestamp_without_zone")),
    Check("time_exists_twice", "warning", "A time that comes twice: the clocks went back", "It was read as the first of the two. Check whether that is right.", fact("time_exists_twice")),
    Check("identical_rows", "warning", "Rows that are identical", "Both are counted. Say so if they are one and the same event.", concerns="row"),
    Check("differs_only_in_quantity", "warning", "Same customer, time and dimensions, another quantity", "Both are counted. Check whether one was meant to replace the other.", concerns="row"),
    Check("days_without_usage", "warning", "A customer without usage on days where it always had some", "Ask the sender whether usage is missing.", name="gaps", concerns="row"),
    Check("unusual_volume", "warning", "Far more or fewer rows than in earlier imports", "Check that the file is whole and covers one period.", name="volume", takes=("share",), concerns="row"),
    Check("customer_rows_changed", "note", "A customer with far more or fewer rows than in the last import", "Check it where you didn't expect it.", name="customer_rows", takes=("share",), concerns="row"),
    Check("space_removed", "note", "Spaces at the edges of a cell", "They were left off. Nothing to do.", fact("space_removed")),
    Check("unit_removed", "note", "A unit, a currency or brackets around a number", "What stood around the number was taken off. Nothing to do.", fact("unit_removed")),
)}
OF_THE_FILE = ("unusual_volume", "days_without_usage", "customer_rows_changed")
"""What concerns no single row, so that no row can be held back for it."""

CELLS = tuple(check for check in CHECKS.values() if check.condition)


def by_default(code: str, field: str = "") -> Level:
    """How severe an issue is where nothing was set."""
    return CHECKS[code].severity


def errors_of(plan: Plan, severity: SeverityOf = by_default) -> list[tuple[str, str]]:
    """The errors that cells of this field may have: code and condition, the first that is true speaks."""
    return [(check.code, condition) for check in CELLS if severity(check.code, plan.field) == "error" and (condition := check.condition(plan))]


def remarks(plan: Plan, severity: SeverityOf = by_default) -> list[tuple[str, str]]:
    """The warnings and notes that cells of this field may have: code and condition."""
    return [(check.code, condition) for check in CELLS if severity(check.code, plan.field) in ("warning", "note") and (condition := check.condition(plan))]


def error_code(plan: Plan, severity: SeverityOf = by_default) -> str | None:
    """SQL for the code of the error in this field's cell, null for a good one; None when no cell can fail."""
    cases = " ".join(f"when {condition} then '{code}'" for code, condition in errors_of(plan, severity))
    return f"case {cases} end" if cases else None
