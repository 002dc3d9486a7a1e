"""What changed between two imports of the same kind."""

from schemas.base import Frozen


class ChangedEvent(Frozen):
    """One event that came with other content: where it stands now, and each field with its values before and after."""

    row: int
    customer_id: str
    timestamp: str
    fields: dict[str, tuple[str | None, str | None]]


class RemovedEvent(Frozen):
    """One event that isn't there any more: where it stood, with its values."""

    row: int
    customer_id: str
    timestamp: str
    fields: dict[str, str | None]


class CustomerChange(Frozen):
    """One customer before and after: events, and the exact total of every number, as text."""

    customer_id: str
    events: tuple[int, int]
    totals: dict[str, tuple[str, str]]


class Changes(Frozen):
    """New, unchanged, changed and removed events, and what that does to each customer's totals."""

    import_id: str
    against: str
    against_file: str
    against_period: str | None
    same_period: bool
    new: int
    unchanged: int
    changed: int
    removed: int
    examples: tuple[ChangedEvent, ...] = ()
    """The first changed events, by their row."""
    gone: tuple[RemovedEvent, ...] = ()
    """The first removed events, by their row in the earlier file."""
    customers: tuple[CustomerChange, ...] = ()
    """Customers with other totals or another number of events, the largest difference first."""
    customers_changed: int = 0
    customers_unchanged: int = 0


class Months(Frozen):
    """Whose customers are held side by side: the files of the month before, and those of this month that were sent beside this one."""

    month: str | None
    month_before: str | None
    before: tuple[str, ...]
    beside: tuple[str, ...]
    fields: tuple[str, ...]
