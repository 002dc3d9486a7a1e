"""What checking found: issues, counts that must add up, open questions."""

from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from schemas.base import Frozen
from schemas.check_setting import Severity
from schemas.correcting import DropRows
from schemas.matching import ACKNOWLEDGED, FieldMatch

YES = "yes"
"""The answer that acknowledges a warning whatever its number of rows; a number acknowledges so many and fewer."""
Outcome = Literal["rejected", "duplicate", "excluded"]


def was_seen(answer: str | None, rows: int) -> bool:
    """Whether an answer acknowledges something about so many rows."""
    return answer == YES or (answer or "").isdecimal() and int(answer) >= rows


class RowCounts(Frozen):
    """The row equation: read = accepted + rejected + duplicate + excluded. A record that doesn't add up can't be made."""

    read: int
    accepted: int
    rejected: int
    duplicate: int
    excluded: int

    @model_validator(mode="after")
    def _adds_up(self) -> "RowCounts":
        if self.read != self.accepted + self.rejected + self.duplicate + self.excluded:
            raise ValueError(f"Rows are not conserved: {self.read} read, but {self.accepted} accepted, {self.rejected} rejected, {self.duplicate} duplicate, {self.excluded} excluded")
        return self


class IssueExample(Frozen):
    """One place where an issue shows: the row as the person's spreadsheet numbers it, None for what concerns no row, and the raw cell."""

    row: int | None
    value: str | None


class IssueGroup(Frozen):
    """All issues of one code in one column."""

    code: str
    severity: Severity
    column: str | None
    count: int
    examples: tuple[IssueExample, ...]
    todo: str
    title: str = ""
    meant: dict[str, str] = {}
    """For cells of which it is known what is meant, that text: a usual way of writing, or an allowed value."""
    acknowledged: bool | None = None
    """Whether somebody said that this warning was seen; None for what needs no such word."""

    @property
    def acknowledgement(self) -> str:
        """The name of the answer that acknowledges it."""
        return f"{ACKNOWLEDGED}{self.code}" + (f".{self.column}" if self.column else "")


class QuestionOption(Frozen):
    """One possible answer, with what it would mean."""

    value: str
    label: str
    effect: str = ""


class Question(Frozen):
    """Something the data leaves open. Nothing is sent while a blocking question has no answer."""

    name: str
    text: str
    options: tuple[QuestionOption, ...]
    proposed: str | None = None
    blocking: bool = True


class Comparison(Frozen):
    """One control total held against our own number. Numbers are exact decimals, as text."""

    what: str
    expected: str
    found: str
    agrees: bool
    source: Literal["sender", "totals row", "account"]
    stage: str = "check"


class FieldSummary(Frozen):
    """What became of one field: used for the preview and the control totals. Sums are exact, as text."""

    field: str
    sql_type: str
    sum: str | None = None


class SentBefore(Frozen):
    """An import of another file that sent rows of this one before. Its name and time are empty where nobody knows them any more."""

    import_id: str
    rows: int
    file_name: str = ""
    sent_at: str = ""


class KeptRule(Frozen):
    """A rule for leaving rows out that a recipe brought, and how many rows of this file it left out."""

    rule: DropRows
    rows: int


class CheckResult(Frozen):
    """The outcome of one check of one import."""

    rows: RowCounts
    matches: tuple[FieldMatch, ...]
    issues: tuple[IssueGroup, ...]
    questions: tuple[Question, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    fields: tuple[FieldSummary, ...] = ()
    customers: int = 0
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    month: str | None = None
    """The month that most events fall in, YYYY-MM: a few strays don't move a file to another one."""
    key: tuple[str, ...] = ()
    """The fields that made the identity, resolved."""
    already_sent: int = 0
    """How many of the duplicates were sent to the account before; the rest repeat inside the file."""
    sent_by: tuple[SentBefore, ...] = ()
    """The imports of other files that sent some of them, most rows first."""
    ledger_version: str = ""
    """The state of the account's ledger the duplicates were sought in."""
    settled: dict[str, str] = {}
    """Answers that the cells gave themselves, by the question it would have been, such as `date_order.timestamp: day_first`: a recipe keeps them, since the next file may be too short to give them."""

    reasons: dict[str, int] = {}
    """Why rows were left out and how many for each reason, the most frequent first."""
    kept_rules: tuple[KeptRule, ...] = ()
    """Rules of a recipe that left out rows of this file."""

    def acknowledged_by(self, answers: Mapping[str, str]) -> "CheckResult":
        """The same, each warning saying whether these answers acknowledge it: as many rows as there are now, or more."""
        seen = tuple(each.model_copy(update={"acknowledged": was_seen(answers.get(each.acknowledgement), each.count)}) if each.severity == "warning" else each for each in self.issues)
        return self.model_copy(update={"issues": seen})

    @property
    def open_warnings(self) -> tuple[str, ...]:
        """The answers that would acknowledge the warnings nobody acknowledged yet."""
        return tuple(each.acknowledgement for each in self.issues if each.severity == "warning" and not each.acknowledged)
