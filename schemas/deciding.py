"""What somebody has to decide, or should know, before an import is sent: one list, each entry with its effect."""

from typing import Literal

from schemas.base import Frozen
from schemas.checking import IssueGroup, Question
from schemas.correcting import DropRows

DecisionKind = Literal["reading", "question", "rejected", "customers", "changes", "kept_rule", "warning", "note", "duplicate", "excluded"]

CHANGED_ROWS, CUSTOMER_TOTALS, LEAVE_OUT, SEND = "changed_rows", "customer_totals", "leave_out", "send"
"""The questions what becomes of rows that say otherwise what was sent, where no key tells, and of rows that add up a customer's others; and their answers."""


class Handover(Frozen):
    """A decision that was given to a colleague: `who` asked `colleague` to take it, and why."""

    import_id: str
    decision: str
    colleague: str
    comment: str
    who: str
    at: str


class SinceLastTime(Frozen):
    """What a file says otherwise than the import `against`, which was sent for the same period: events changed and gone, and totals before and after, as text."""

    against: str
    against_file: str
    new: int
    changed: int
    removed: int
    totals: dict[str, tuple[str, str]] = {}


class Decision(Frozen):
    """One entry of the list. `rows` is its effect; `open` says that somebody has to decide before anything is sent, `settled` that somebody did."""

    name: str
    """What it is called on the command line and in the store: a question's name, the answer that acknowledges a warning, or its kind."""
    kind: DecisionKind
    rows: int
    text: str
    """A sentence for people."""
    open: bool = False
    settled: bool = False
    question: Question | None = None
    groups: tuple[IssueGroup, ...] = ()
    changes: SinceLastTime | None = None
    rule: DropRows | None = None
    handover: Handover | None = None

    @property
    def acknowledgements(self) -> tuple[str, ...]:
        """The answers that say it was seen."""
        if self.kind in ("changes", "kept_rule"):
            return (self.name,)
        return tuple(group.acknowledgement for group in self.groups if group.acknowledged is not None) if self.kind in ("warning", "customers") else ()


class Effect(Frozen):
    """What hangs on a decision in numbers: the exact totals of its rows, as text; none for rows whose numbers can't be read."""

    totals: dict[str, str] = {}
    customers: int = 0
