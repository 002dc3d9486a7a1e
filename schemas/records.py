"""The rows of the store that pages and commands read."""

from typing import Literal

from schemas.base import Frozen
from schemas.checking import CheckResult
from schemas.matching import MatchSpec
from schemas.reading import ReadReport, ReadSpec

ImportState = Literal["reading", "unreadable", "read", "matched", "checking", "checked", "pushing", "stopped", "pushed", "proven", "discarded"]
OpenState = Literal["open", "fixed", "dismissed"]


class ImportRecord(Frozen):
    """One import as the store knows it. Everything else is in its folder."""

    id: str
    file_name: str
    sha256: str
    size: int
    created_by: str
    created_at: str
    state: ImportState
    account: str | None = None
    event_type: str | None = None
    period: str | None = None
    read_spec: ReadSpec = ReadSpec()
    report: ReadReport | None = None
    match: MatchSpec | None = None
    check: CheckResult | None = None
    rejected_choice: Literal["stop", "continue"] | None = None
    message: str = ""
    fixes: str | None = None
    """The import whose rejected rows this one brings back, corrected."""
    job: str | None = None
    progress: float | None = None
    division: str | None = None
    """The division it belongs to, where the file holds several kinds of usage."""
    run: str | None = None
    """The run of a source that brought it."""


class OpenRows(Frozen):
    """Rejected rows of one import that are not billed yet: one entry per code and column."""

    id: int
    import_id: str
    file_name: str
    code: str
    column: str | None
    count: int
    first_row: int | None
    first_value: str | None
    owner: str
    since: str
    state: OpenState = "open"
    reason: str = ""


class AuditEntry(Frozen):
    """Who did what, when, to which import, push or account."""

    at: str
    who: str
    action: str
    subject: str
    note: str = ""


class CustomerName(Frozen):
    """What a customer is called in files: another name of `customer_id`, or None for one whose usage is never billed."""

    name: str
    customer_id: str | None
    who: str
    at: str
