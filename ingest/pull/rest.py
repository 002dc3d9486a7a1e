"""Web services that answer with JSON, page by page; and Stripe, whose lists all have one shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused
from ingest.pull.connector import Connection
from ingest.pull.flat import Aside, aside, columns_of, first_rows, flattened, written_rows
from ingest.pull.guard import allowed
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.rest_pages import pages
from ingest.pull.web import PORTS, checked_link, client, shown
from ingest.pull.web_api import WebApi
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

PER_SECOND = {"unix seconds": 1, "unix milliseconds": 1000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RestConnection(Connection):
    """Where the service is, how to sign in, and how it pages."""

    url: str = Field(title="Link", description="The link that is asked; where several are read, their common beginning.", examples=["https://api.example.com/v1/usage"])
    method: Literal["GET", "POST"] = Field("GET", title="Method", description="POST only for services that are searched with it; it is sent again when the service is busy.")
    headers: dict[str, SecretStr] = Field({}, title="Headers", description="Further headers, such as X-Api-Key.")
    parameters: dict[str, SecretStr] = Field({}, title="Parameters", description="What comes after the question mark.")
    body: dict[str, object] = Field({}, title="Content", description="What is sent with POST, as JSON.")
    user: str | None = Field(None, title="Name", description="For a sign-in with name and password.")
    password: SecretStr | None = Field(None, title="Password")
    token: SecretStr | None = Field(None, title="Token", description="For a sign-in with a token (bearer).")
    paging: Literal["none", "next link", "link header", "cursor", "page", "offset", "last row"] = Field("none", title="Pages", description="How the next page is asked for: by a link in the answer, by a header, by a mark from the answer, by its number, by the number of rows before it, or by the id of the last row.")
    next_path: str | None = Field(None, title="Where the next page is named", description="A JSON path to the link or mark of the next page; for the last row: its column.", examples=["$.next"])
    more_path: str | None = Field(None, title="Where it says that there is more", examples=["$.has_more"])
    page_parameter: str = Field("page", title="Parameter of the page", examples=["page", "offset", "cursor", "starting_after"])
    first_page: int = Field(1, title="Number of the first page")
    size_parameter: str | None = Field(None, title="Parameter of the size", examples=["limit"])
    page_size: int = Field(100, ge=1, title="Rows of a page")
    since_parameter: str | None = Field(None, title="Parameter from when", description="Gets the beginning of what is read, so that the service sends less. Rows at that very moment have to be among what it sends.", examples=["updated_since"])
    until_parameter: str | None = Field(None, title="Parameter until when", examples=["updated_before"])
    times: Literal["as they are", "unix seconds", "unix milliseconds"] = Field("as they are", title="Times", description="How the service writes the column that tells what is new.")
    ca_file: Path | None = Field(None, title="Certificate", description="A file (PEM) with the certificate of the authority that signed the server's, where it isn't a public one.")


class StripeConnection(Connection):
    """The account whose lists are read."""

    api_key: SecretStr = Field(title="Key", description="A restricted key that may only read.", examples=["rk_live_…"])
    account: str | None = Field(None, title="Connected account", examples=["acct_…"])
    url: str = Field("https://api.stripe.com", title="Address")
    ca_file: Path | None = Field(None, title="Certificate", description="A file (PEM), where the address isn't Stripe's own.")


class RestApi:
    """Rows out of a web service."""

    name = "rest"
    title = "REST API"
    kind: Literal["tables"] = "tables"
    model: type[Connection] = RestConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: Connection | None, read: Read | None) -> str:
        """What the sign-in has to be allowed."""
        return f"A key or user that may read (GET) {shown(self._rest(connection).url) if connection else 'the list of usage'}, and nothing else."

    def addresses(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        """The service."""
        url = checked_link(self._rest(connection).url)
        return ((url.host, url.port or PORTS[url.scheme]),)

    def test(self, connection: Connection, read: Read | None = None) -> Diagnosis:
        """Name, port, TLS, sign-in, and whether there are rows where they should be."""
        (host, port), = self.addresses(connection)
        try:
            context = tls_context(self._rest(connection).ca_file) if checked_link(self._rest(connection).url).scheme == "https" else None
        except BadInput as error:
            return Diagnosis(steps=(Step(name="tls", ok=False, text=error.sentence, todo=error.todo),))
        steps = steps_to(host, port, allowed, context)
        return Diagnosis(steps=(*steps, *self._answer_steps(connection, read or Read()))) if steps[-1].ok else Diagnosis(steps=steps)

    def _answer_steps(self, connection: Connection, read: Read) -> tuple[Step, ...]:
        try:
            with aside() as rows:
                self._take(connection, read, Window(), rows, most=1)
                columns = columns_of(rows, read, self._cursor_kind(connection, read)) if rows.rows else ()
        except Refused as error:
            name = {401: "sign-in", 403: "rights"}.get(error.status, "path")
            return (Step(name=name, ok=False, text=error.sentence, todo=error.todo),)
        except IngestError as error:
            return (Step(name="path", ok=False, text=error.sentence, todo=error.todo),)
        signed_in = Step(name="sign-in", ok=True, text="The service lets the portal in.")
        if not columns:
            return (signed_in, Step(name="empty", ok=True, text="There are no rows.", todo="Check the parameters, or wait for the first rows."))
        return (signed_in, Step(name="path", ok=True, text=f"The first page has {rows.rows:,} rows with {len(columns)} columns."))

    def discover(self, connection: Connection, within: str = "") -> tuple[Found, ...]:
        """The one list that the link leads to."""
        read = Read(table=within or None)
        return (Found(name=within or self._rest(connection).url.partition("?")[0].rstrip("/").rpartition("/")[2], columns=self.columns(connection, read)),)

    def columns(self, connection: Connection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of the first page."""
        with aside() as rows:
            self._take(connection, read, Window(), rows, most=1)
            return columns_of(rows, read, self._cursor_kind(connection, read))

    def preview(self, connection: Connection, read: Read, limit: int = 100) -> pa.Table:
        """Rows of the first pages; with a cursor the newest of them."""
        with aside() as rows:
            self._take(connection, read, Window(), rows, most=limit)
            return first_rows(rows, read, limit, self._cursor_kind(connection, read))

    def count(self, connection: Connection, read: Read, window: Window) -> Fetched:
        """What `fetch` would find; a service can't be asked how much that is, so it is fetched and forgotten."""
        with aside() as rows:
            return self._written(connection, read, window, rows, rows.folder / "counted.parquet")

    def fetch(self, connection: Connection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window, once all pages are here."""
        with aside() as rows:
            return self._written(connection, read, window, rows, to)

    def _written(self, connection: Connection, read: Read, window: Window, rows: Aside, to: Path) -> Fetched:
        self._take(connection, read, window, rows)
        return written_rows(rows, read, window, to, f"{self.title} {read.table or ''}".strip(), self._cursor_kind(connection, read))

    def _take(self, connection: Connection, read: Read, window: Window, rows: Aside, most: int | None = None) -> None:
        """Puts the pages aside: all of them, or until there are as many rows."""
        if read.sql:
            raise BadInput("A web service isn't asked with SQL.", "Leave sql out; parameters say what is read.")
        rest = self._rest(connection)
        link = f"{rest.url.rstrip('/')}/{read.table.lstrip('/')}" if read.table else rest.url
        with _service(rest) as api:
            for page in pages(api, rest, link, read.rows or self._rows_path, _parameters(rest, window)):
                rows.add_flat([_with_times(dict(flattened(row)), read.cursor, rest.times) for row in page])
                if most is not None and rows.rows >= most:
                    return

    _rows_path: str | None = None

    def _rest(self, connection: Connection) -> RestConnection:
        return connection

    def _cursor_kind(self, connection: Connection, read: Read) -> str | None:
        """The cursor's kind, where the connection tells it."""
        return "time" if read.cursor and self._rest(connection).times in PER_SECOND else None


class Stripe(RestApi):
    """Lists of Stripe, and of services that were built like it."""

    name = "stripe"
    title = "Stripe"
    model = StripeConnection
    _rows_path = "$.data[*]"

    def rights(self, connection: Connection | None, read: Read | None) -> str:
        """The kind of key."""
        return f"A restricted key (Developers, API keys) with the right Read for {(read.table if read and read.table else 'what is read')}, and None for everything else."

    def discover(self, connection: Connection, within: str = "") -> tuple[Found, ...]:
        """The lists that hold usage or what it belongs to."""
        lists = ("v1/events", "v1/invoiceitems", "v1/invoices", "v1/charges", "v1/balance_transactions", "v1/customers", "v1/subscriptions")
        return tuple(Found(name=each, what="list", cursor="created", key=("id",)) for each in lists)

    def _rest(self, connection: Connection) -> RestConnection:
        account = {"Stripe-Account": SecretStr(connection.account)} if connection.account else {}
        return RestConnection(
            url=connection.url, token=connection.api_key, headers=account, paging="last row", next_path="id", more_path="$.has_more", page_parameter="starting_after",
            size_parameter="limit", page_size=100, since_parameter="created[gte]", until_parameter="created[lt]", times="unix seconds", ca_file=connection.ca_file)


@contextmanager
def _service(rest: RestConnection) -> Iterator[WebApi]:
    auth = (rest.user, rest.password.get_secret_value() if rest.password else "") if rest.user else None
    own = {name: value.get_secret_value() for name, value in rest.headers.items()}
    if rest.token:
        own["authorization"] = f"Bearer {rest.token.get_secret_value()}"
    with client(rest.url, headers=own, auth=auth, ca_file=rest.ca_file) as web:
        yield WebApi(web)


def _parameters(rest: RestConnection, window: Window) -> dict[str, str]:
    """The parameters of the first page. Bounds are rounded outwards: the rows are held to the window once they are here."""
    bounds = ((rest.since_parameter, window.since, False), (rest.until_parameter, window.until, True))
    return {**{name: value.get_secret_value() for name, value in rest.parameters.items()}, **{name: _bound(text, rest.times, up=up) for name, text, up in bounds if name and text is not None}}


def _bound(text: str, times: str, *, up: bool) -> str:
    if times not in PER_SECOND:
        return text
    unit = timedelta(seconds=1) / PER_SECOND[times]
    since = datetime.fromisoformat(text) - EPOCH
    return str(-(-since // unit) if up else since // unit)


def _with_times(row: dict[str, str | None], cursor: str | None, times: str) -> dict[str, str | None]:
    """A row whose cursor is written as windows are."""
    number = row.get(cursor) if cursor and times in PER_SECOND else None
    if number is None:
        return row
    try:
        moment = EPOCH + timedelta(microseconds=int(Decimal(number) * 1_000_000 / PER_SECOND[times]))
    except (ArithmeticError, ValueError):
        return row  # it is told once all rows are here
    return {**row, cursor: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
