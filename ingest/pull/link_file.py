"""The file that a link leads to: what its headers tell of it, and its bytes."""

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from ingest.errors import IngestError, Unreachable
from ingest.pull.landing import checked_size, copied, landing, moment_text
from ingest.pull.reach import Addresses
from ingest.pull.web import answered, client
from schemas.source import ListedFile

LONGEST_SECONDS = 3600
"""How long one file may take, however steadily it drips."""
TOLD_BYTES = 10_000


def listed_of(path: str, response: httpx.Response) -> ListedFile:
    """What the headers tell. The size is that of a file which isn't packed for its way."""
    length = response.headers.get("content-length", "")
    is_packed = "content-encoding" in response.headers
    return ListedFile(path=path, size=int(length) if length.isdecimal() and not is_packed else None, etag=response.headers.get("etag", ""), modified=_moment(response.headers.get("last-modified", "")))


def in_time(response: httpx.Response) -> Iterator[bytes]:
    """The bytes as they come. Raises Unreachable where that takes too long altogether."""
    until = time.monotonic() + LONGEST_SECONDS
    for chunk in response.iter_raw():
        if time.monotonic() > until:
            raise Unreachable(f"{response.url.host} sends the file too slowly: it isn't here after {LONGEST_SECONDS // 60} minutes.", "Ask whoever runs the server, or split the file.")
        yield chunk


def fetched_link(link: str, path: str, to: Path, called: str, addresses: Addresses, refusal: Callable[[str], IngestError]) -> ListedFile:
    """The file behind a signed link, as it was when it was fetched. `refusal` makes an error of what the service said."""
    with answered(link), client(link, addresses=addresses) as web, web.stream("GET", link, headers={"accept-encoding": "identity"}) as response:
        if response.status_code != 200:
            raise refusal(f"status code: {response.status_code} {_beginning(response)}")
        found = listed_of(path, response)
        checked_size(found.size, called)
        with landing(to) as handle:
            written = copied(in_time(response), handle, called)
    return found.model_copy(update={"size": written, "etag": found.etag.strip('"')})


def _beginning(response: httpx.Response) -> str:
    """The first part of an answer; one without an end isn't read to it."""
    return next(response.iter_bytes(TOLD_BYTES), b"").decode("utf-8", "replace")


def _moment(text: str) -> str:
    try:
        return moment_text(parsedate_to_datetime(text).timestamp()) if text else ""
    except (ValueError, TypeError, OverflowError):
        return ""
