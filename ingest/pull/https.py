"""A link to one file: an export that lies at the same address each time."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import httpx
from pydantic import Field, SecretStr, model_validator

from ingest.errors import BadInput, IngestError, Refused
from ingest.pull.connector import Connection
from ingest.pull.guard import Resolve, allowed, resolved
from ingest.pull.landing import changed_meanwhile, checked_size, copied, landing
from ingest.pull.link_file import in_time, listed_of
from ingest.pull.reach import failed, steps_to, tls_context
from ingest.pull.web import PORTS, READ_SECONDS, answered, checked_link, client, refusal, shown
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
STEP_OF = {401: "sign-in", 403: "rights", 404: "path", 407: "sign-in", 410: "path"}


class LinkConnection(Connection):
    """Which link, and how to sign in there."""

    url: str = Field(title="Link", description="The link of the file. Where it has a key in it, put the link into the environment and write env:NAME.", examples=["https://example.com/exports/usage.csv"])
    user: str | None = Field(None, title="Name", description="For a sign-in with name and password.")
    password: SecretStr | None = Field(None, title="Password")
    token: SecretStr | None = Field(None, title="Token", description="For a sign-in with a token (bearer), in place of name and password.")
    headers: dict[str, SecretStr] = Field({}, title="Headers", description="Further headers, such as X-Api-Key.")
    ca_file: Path | None = Field(None, title="Certificate", description="A file (PEM) with the certificate of the authority that signed the server's, where it isn't a public one.")

    @model_validator(mode="after")
    def _fits(self) -> "LinkConnection":
        if self.token and self.user:
            raise ValueError("say a token, or a name and password, not both")
        if not all(HEADER.fullmatch(name) and value.get_secret_value().isprintable() for name, value in self.headers.items()):
            raise ValueError("a header is a word like X-Api-Key with one line of text")
        try:
            checked_link(self.url)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self


class Link:
    """One file; the path of a source's files says nothing here."""

    name = "https"
    title = "HTTPS link"
    kind: Literal["files"] = "files"
    model = LinkConnection
    libraries: tuple[str, ...] = ()

    def __init__(self, resolve: Resolve = resolved, seconds: float = READ_SECONDS) -> None:
        self._addresses, self._seconds = partial(allowed, resolve=resolve), seconds

    def rights(self, connection: LinkConnection | None, read: Read | None) -> str:
        """The right to get one link."""
        return f"The portal needs to get (GET) {shown(connection.url) if connection else 'the link'}, and nothing else. A sign-in of its own, that can be taken away alone, is best."

    def addresses(self, connection: LinkConnection) -> tuple[tuple[str, int], ...]:
        """The server of the link; where it redirects to, isn't known beforehand."""
        url = checked_link(connection.url)
        return ((url.host, url.port or PORTS[url.scheme]),)

    def test(self, connection: LinkConnection, read: Read | None = None) -> Diagnosis:
        """Name, port and TLS first, then what the server answers."""
        (host, port), = self.addresses(connection)
        try:
            context = tls_context(connection.ca_file) if checked_link(connection.url).scheme == "https" else None
        except BadInput as error:
            return Diagnosis(steps=(failed("tls", error),))
        steps = steps_to(host, port, self._addresses, context)
        if not steps[-1].ok:
            return Diagnosis(steps=steps)
        plain = () if context else (Step(name="tls", ok=True, text="The link isn't encrypted (http).", todo="Others on the way can read and change what is fetched: use https where the server has it."),)
        return Diagnosis(steps=(*steps, *plain, *self._answer_steps(connection)))

    def discover(self, connection: LinkConnection, within: str = "") -> tuple[Found, ...]:
        """The one file."""
        return tuple(Found(name=each.path, what="file") for each in self.list(connection, Files(path="")))

    def list(self, connection: LinkConnection, files: Files) -> Sequence[ListedFile]:
        """The file as the server tells of it, without its content."""
        with self._got(connection) as response:
            return (listed_of(_file_name(response), response),)

    def fetch(self, connection: LinkConnection, file: ListedFile, to: Path) -> ListedFile:
        """The file as it comes (packed, where the server packs it: reading unpacks it), if the server says afterwards that it is the same still."""
        called = shown(connection.url)
        with self._got(connection) as response:
            found = listed_of(file.path, response)
            checked_size(found.size, called)
            with landing(to) as handle:
                written = copied(in_time(response), handle, called)
                response.close()
                self._check_same(connection, found)
        return found.model_copy(update={"size": written})

    def _answer_steps(self, connection: LinkConnection) -> tuple[Step, ...]:
        try:
            with self._got(connection) as response:
                found = listed_of(_file_name(response), response)
                is_page = _is_page(response) and not _is_page_wanted(connection.url)
        except Refused as error:
            return (failed(STEP_OF.get(error.status, "path"), error),)
        except IngestError as error:
            return (failed("path", error),)
        page = Step(name="path", ok=True, text="A web page answers, not a file.", todo="Often that is the page to sign in on. Open the link in a private window of a browser: it has to begin a download.")
        there = Step(name="path", ok=True, text=f"{found.path} is there{f', {found.size:,} bytes' if found.size else ''}{f', of {found.modified}' if found.modified else ''}.")
        empty = (Step(name="empty", ok=True, text="The file is empty.", todo="Wait for the first export, or ask whoever makes it."),) if found.size == 0 else ()
        return (Step(name="sign-in", ok=True, text="The server lets the portal in."), page if is_page else there, *empty)

    @contextmanager
    def _got(self, connection: LinkConnection, known: ListedFile | None = None) -> Iterator[httpx.Response]:
        """The answer, its body still to come; 304 where the file is as `known`."""
        link = connection.url
        auth = (connection.user, connection.password.get_secret_value() if connection.password else "") if connection.user else None
        with answered(link), client(link, headers=_headers(connection), auth=auth, ca_file=connection.ca_file, addresses=self._addresses, seconds=self._seconds) as web:
            with web.stream("GET", link, headers=_unless(known)) as response:
                if not (response.status_code == 200 or known and response.status_code == 304):
                    raise refusal(response, link)
                if response.history and _is_page(response) and not _is_page_wanted(link):
                    raise Refused(f"{shown(link)} leads to a web page, not to a file: mostly one to sign in on.", "Check the sign-in, or get a link that needs none.", status=401)
                yield response

    def _check_same(self, connection: LinkConnection, found: ListedFile) -> None:
        """Raises Unreachable where the server tells of another file by now. One that tells nothing can't be asked."""
        if found.etag or found.modified:
            with self._got(connection, found) as response:
                now = listed_of(found.path, response)
            if response.status_code == 200 and (now.etag, now.modified) != (found.etag, found.modified):
                raise changed_meanwhile(shown(connection.url))


def _headers(connection: LinkConnection) -> dict[str, str]:
    own = {name: value.get_secret_value() for name, value in connection.headers.items()}
    return {"accept-encoding": "gzip, identity", "accept": "*/*", **own, **({"authorization": f"Bearer {connection.token.get_secret_value()}"} if connection.token else {})}


def _unless(known: ListedFile | None) -> dict[str, str]:
    """Headers that ask for a file only if it is another."""
    if known is None:
        return {}
    return {"if-none-match": known.etag} if known.etag else {"if-modified-since": format_datetime(datetime.fromisoformat(known.modified), usegmt=True)}


def _file_name(response: httpx.Response) -> str:
    """What the file is called: as the server says, else the end of the link."""
    said = re.search(r"filename\*?=(?:UTF-8''|utf-8'')?\"?([^\";]+)", response.headers.get("content-disposition", ""))
    asked = response.history[0].url if response.history else response.url
    name = unquote(said[1]) if said else unquote(asked.path.rstrip("/").rpartition("/")[2])
    return re.sub(r"[/\\\x00-\x1f]", "_", name).lstrip(".") or asked.host


def _is_page(response: httpx.Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html")


def _is_page_wanted(link: str) -> bool:
    """Whether a web page is what a link says it is; some programs export tables as such, under the name of a workbook."""
    return checked_link(link).path.lower().endswith((".html", ".htm", ".xls"))
