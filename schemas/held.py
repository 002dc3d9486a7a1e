"""Events that an account holds, as they were read back."""

from schemas.base import Frozen


class HeldEvents(Frozen):
    """The events of one type that an account held, of a span of days (UTC, both counted in), when they were read."""

    account: str
    event_type: str
    first: str | None = None
    """None: from the very beginning."""
    last: str
    events: int
    counts: str
    """A hash of how many events each customer has: another one means that the account holds something else by now."""
    read_at: str
    file: str
    """The Parquet file's path inside the data folder: customer_id, timestamp, and the data fields under their own names."""

    def covers(self, first: str | None, last: str) -> bool:
        """Whether these days are among those that were read."""
        return self.last >= last and (self.first is None or (first is not None and self.first <= first))


class AccountCustomer(Frozen):
    """A customer as the account knows it: what templates of typed SQL can ask of it."""

    id: str
    external_id: str | None = None
    custom_data: dict[str, str] = {}
