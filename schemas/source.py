"""Sources: where usage lives, how it is read, and when it comes by itself."""

from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from schemas.base import Frozen

NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
Operator = Literal["equals", "not_equals", "gt", "gte", "lt", "lte", "in", "contains", "is_null", "is_not_null"]
NUMBERS_ARE_TEXT = ConfigDict(coerce_numbers_to_str=True)
"""Who writes `start: 1000` or `value: 5` means its digits."""
OnRejected = Literal["continue", "wait"]
OnDrift = Literal["ask", "take"]
OnEmpty = Literal["fine", "alarm"]


def seconds_of(text: object) -> object:
    """`15m`, `1h`, `2d`, `90s` or `0` as a span of time; anything else as it is."""
    if isinstance(text, str) and text.strip()[-1:].lower() in UNITS and text.strip()[:-1].strip().isdecimal():
        return timedelta(seconds=int(text.strip()[:-1]) * UNITS[text.strip()[-1].lower()])
    return timedelta(seconds=int(text)) if isinstance(text, int) or isinstance(text, str) and text.strip().isdecimal() else text


def span_text(span: timedelta) -> str:
    """A span of time as `seconds_of` reads it, in the largest unit that says it whole."""
    seconds = int(span.total_seconds())
    unit = next((name for name in ("w", "d", "h", "m") if seconds and seconds % UNITS[name] == 0), "s")
    return f"{seconds // UNITS[unit]}{unit}"


Span = Annotated[timedelta, BeforeValidator(seconds_of), PlainSerializer(span_text, return_type=str), Field(ge=timedelta(0))]


def zone_name(name: str | None) -> str | None:
    """An IANA zone. Raises ValueError for one that isn't there."""
    if name is not None:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin") from None
    return name


class Where(Frozen):
    """One condition on a column; all of them hold."""

    model_config = NUMBERS_ARE_TEXT

    column: str
    operator: Operator
    value: str | None = None
    values: tuple[str, ...] = ()


class Files(Frozen):
    """Which files are usage."""

    path: str = Field(description="The folder and the names of the files; * stands for any letters, ** for any folders.", examples=["exports/*.csv"])
    changed_since: str | None = Field(None, description="Older files are left out: a date like 2026-10-01.")


class Read(Frozen):
    """What is read from a source, and how it is known what is new."""

    model_config = NUMBERS_ARE_TEXT

    table: str | None = Field(None, description="The table, view, collection or sheet.", examples=["public.usage"])
    sql: str | None = Field(None, description="A query in place of a table.")
    files: Files | None = None
    columns: tuple[str, ...] = Field((), description="The columns to take; none for all of them.")
    where: tuple[Where, ...] = ()
    cursor: str | None = Field(None, description="A column that grows with every new or changed row, such as updated_at.")
    cursor_zone: str = Field("UTC", description="The time zone of a cursor that says none.")
    key: tuple[str, ...] = Field((), description="The columns that make a row the same row.")
    start: str | None = Field(None, description="Rows with a cursor before this were billed elsewhere: they are never read.")
    compare: bool = Field(False, description="Read everything each time and compare it with the last time, for sources without a cursor.")
    rows: str | None = Field(None, description="Where the rows are in the answer of a web service: a JSON path.", examples=["$.data[*]"])

    _zone = field_validator("cursor_zone")(zone_name)

    @model_validator(mode="after")
    def _one_of(self) -> "Read":
        if sum(each is not None for each in (self.table, self.sql, self.files)) > 1:
            raise ValueError("say one of table, sql and files")
        if self.compare and self.cursor:
            raise ValueError("a source with a cursor isn't compared: leave cursor or compare out")
        return self


class Schedule(Frozen):
    """When a source is read; none of these means by hand."""

    every: Span | None = None
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    at: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="The time of day, for `days` and `monthly`.")
    monthly: str | None = Field(None, description='"2nd", "last day", "first working day", "last working day".')
    cron: str | None = None
    after: str | None = Field(None, description="Another source: this one is read when that one was.")
    zone: str = "UTC"
    grace: Span = Field(timedelta(hours=12), description="How late a run that was missed is still made up for, once.")

    _zone = field_validator("zone")(zone_name)


class Volume(Frozen):
    """How many rows a run may bring to be sent without asking, as shares of the usual number."""

    low: float = Field(0.0, ge=0)
    high: float = Field(10.0, gt=0)


class Source(Frozen):
    """A place that usage comes from. Secrets in `connection` are references (`env:NAME`, `file:PATH`), or stored apart and sealed."""

    model_config = NUMBERS_ARE_TEXT

    name: str = Field(pattern=NAME)
    connector: str
    connection: dict[str, object] = {}
    read: Read = Read()
    lookback: Span = Field(timedelta(0), description="Read again rows whose cursor is up to this much older than the newest one seen, for rows that come late.")
    safety_lag: Span = Field(timedelta(0), description="Leave the newest rows for the next run: those younger than this.")
    event_type: str | None = None
    match: dict[str, str] = {}
    constants: dict[str, str] = {}
    answers: dict[str, str] = {}
    recipe: str | None = None
    schedule: Schedule = Schedule()
    push: Literal["automatic", "ask"] = "ask"
    rejected: OnRejected = "continue"
    rejected_share: float = Field(0.1, ge=0, le=1, description="Where more than this share of the rows needs fixing, a person is asked first.")
    drift: OnDrift = Field("ask", description="What happens when a new column would fill a field of the event. A column that bills and is gone always waits for a person.")
    empty: OnEmpty = "fine"
    volume: Volume = Volume()
    silent_after: Span | None = Field(None, description="An alarm is raised when nothing new came for this long.")
    account: str | None = None


class SourceColumn(Frozen):
    """A column as the source has it. `kind` is what it is good for here."""

    name: str
    type: str
    kind: Literal["text", "integer", "decimal", "float", "time", "naive_time", "date", "bool", "other"] = "other"


class Found(Frozen):
    """Something that can be read: a table, a view, a sheet, a folder or a file."""

    name: str
    what: str = "table"
    rows: int | None = None
    columns: tuple[SourceColumn, ...] = ()
    cursor: str | None = None
    """The column that probably tells what is new."""
    key: tuple[str, ...] = ()
    """The columns that are known to tell rows apart."""
    note: str = ""


class Step(Frozen):
    """One thing that was tried, how it went in a sentence, and what to do where it didn't work."""

    name: Literal["name", "port", "tls", "sign-in", "rights", "empty", "path", "query"]
    ok: bool
    text: str
    todo: str = ""


class Diagnosis(Frozen):
    """What a test of a connection found, step by step; it stops at the first that fails. A warning is a step that is fine and says what to mind."""

    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Whether everything worked."""
        return all(step.ok for step in self.steps)


class Window(Frozen):
    """Which rows a run reads: `since` ≤ cursor < `until`, each as text as the source's own type writes it (times: ISO with an offset, in UTC); None for no bound."""

    since: str | None = None
    until: str | None = None


class Fetched(Frozen):
    """What came of reading a window: the rows that were written, and the largest cursor among them (as `Window` writes it)."""

    rows: int
    newest: str | None = None
    columns: tuple[SourceColumn, ...] = ()
    without_cursor: int = 0
    """Rows whose cursor is empty: no window will ever have them."""


class ListedFile(Frozen):
    """A file as its place lists it. What isn't known is empty."""

    path: str
    size: int | None = None
    etag: str = ""
    modified: str = ""
    """ISO, UTC."""
