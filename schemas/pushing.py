"""Sending events, batch by batch, and proving that they arrived."""

from typing import Literal

from schemas.base import Frozen
from schemas.checking import Comparison, RowCounts

BatchState = Literal["planned", "sending", "accepted", "rejected", "unknown", "split"]
PushState = Literal["queued", "planning", "sending", "verifying", "stopped", "waiting", "finished"]


class EventCounts(Frozen):
    """What became of a push's events. planned = accepted + rejected + unknown + not reached yet; sent counts those whose POST was begun."""

    planned: int = 0
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0


class CustomerDifference(Frozen):
    """A customer for whom the account doesn't show what was sent."""

    customer_id: str
    sent: int
    found: int


class Proof(Frozen):
    """What reading back showed. `level` says how: event by event, or by counts and sums per customer and day, before and after."""

    found: int = 0
    missing: int = 0
    extra: int = 0
    agrees: bool = False
    level: Literal["event", "counts", "none"] = "none"
    checked_at: str | None = None
    differences: tuple[CustomerDifference, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    note: str = ""


class MetricDifference(Frozen):
    """A customer for whom the account counts something else than we do; of the first dimension that differs, where the metric has some."""

    customer_id: str
    ours: str | None
    theirs: str | None
    dimension: tuple[str | None, ...] = ()


class MetricProof(Frozen):
    """Whether a billable metric comes to the same in the account as here, customer by customer, over the days of a push."""

    name: str
    customers: int = 0
    """How many were compared."""
    agree: int = 0
    first: str = ""
    last: str = ""
    differences: tuple[MetricDifference, ...] = ()
    note: str = ""
    """What was compared with what, which customers were not, or why nothing could be."""

    @property
    def agrees(self) -> bool:
        """Whether something was compared, and all of it is the same."""
        return 0 < self.customers == self.agree


class UnknownCustomer(Frozen):
    """A customer of an import whom the account doesn't know, and the id of the known one that may be meant, with what is nearly the same name. `spellings` is how else the file writes it: in other capitals, spaces and signs."""

    customer_id: str
    rows: int
    first_row: int
    meant: str = ""
    meant_name: str = ""
    spellings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the file calls it, the most frequent name first."""
        return (self.customer_id, *self.spellings)


class PushSummary(Frozen):
    """What will happen, in numbers, before anything is sent. `held` and `held_elsewhere` are None where the account can't say."""

    account: str
    account_kind: str
    event_type: str
    events: int
    customers: int
    first_timestamp: str | None
    last_timestamp: str | None
    batches: int
    seconds: float
    rows: RowCounts
    held: int | None = None
    held_elsewhere: int | None = None
    unknown_customers: tuple[str, ...] = ()
    unknown_customer_count: int = 0
    customers_not_looked_up: int = 0
    """How many customers there are, where those are too many to ask the account about."""
    meant_customers: tuple[UnknownCustomer, ...] = ()
    """Those of the unknown ones whose name is nearly that of a known one."""
    reasons_not_to: tuple[str, ...] = ()
    """Why this can't be sent yet; empty when it can."""


class Receipt(Frozen):
    """What happened, for the person and for an auditor. Written once when a push ends; a later look at the account adds a new proof."""

    push_id: str
    import_id: str
    account: str
    event_type: str
    rows: RowCounts
    events: EventCounts
    batches: int
    proof: Proof
    state: PushState
    source_sha256: str
    source_file: str
    events_sha256: str
    pushed_by: str
    started_at: str
    ended_at: str | None = None
    key: tuple[str, ...] = ()
    identity_version: int = 1
    message: str = ""
    metrics: tuple[MetricProof, ...] = ()
    """What the account's registered metrics make of these events. The proof says nothing about them, and doesn't depend on them."""

    @property
    def outcome(self) -> Literal["stopped", "proven", "pushed"]:
        """The state that the import is in after this: nothing is proven where nothing was stored."""
        return "stopped" if self.state == "stopped" else "proven" if self.proof.agrees and self.events.accepted else "pushed"


class PushProgress(Frozen):
    """How far a push is, for a page or a command that follows it."""

    push_id: str
    import_id: str
    account: str
    state: PushState
    events: EventCounts
    batches: int = 0
    batches_settled: int = 0
    message: str = ""
    receipt: Receipt | None = None
