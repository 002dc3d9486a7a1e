"""Failures of the billing API as our own errors: what httpx raises, and what the API answers, each with a sentence that holds no secret."""

import json
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from socket import gaierror
from typing import NamedTuple

import httpx

from ingest.errors import BadInput, Broken, IngestError, Refused, Unreachable

CHECK_ADDRESS = "Check the address of the account under Settings, Accounts."
TRY_AGAIN = "Try again in a while."
LONGEST_DETAIL = 400


class Failure(NamedTuple):
    """What one of httpx's exceptions means. `sent` is False where nothing of the request can have reached the other side."""

    error: type[IngestError]
    sentence: str
    todo: str
    sent: bool = True


FAILURES: dict[type[Exception], Failure] = {
    httpx.ConnectTimeout: Failure(Unreachable, "{host} didn't answer the call in time; nothing was sent this time.", TRY_AGAIN, sent=False),
    httpx.PoolTimeout: Failure(Unreachable, "All connections to {host} were busy for too long; nothing was sent this time.", TRY_AGAIN, sent=False),
    httpx.ConnectError: Failure(Unreachable, "{host} can't be reached; nothing was sent this time.", "Check that it is running, and the network; under Settings, Accounts, its connection can be tested.", sent=False),
    httpx.ProxyError: Failure(Unreachable, "The proxy on the way to {host} refused the connection; nothing was sent this time.", "Ask whoever looks after the network.", sent=False),
    httpx.ReadTimeout: Failure(Unreachable, "{host} took the request but didn't answer in time.", TRY_AGAIN),
    httpx.WriteTimeout: Failure(Unreachable, "{host} stopped taking the request half-way.", TRY_AGAIN),
    httpx.TimeoutException: Failure(Unreachable, "{host} took too long.", TRY_AGAIN),
    httpx.ReadError: Failure(Unreachable, "The connection to {host} broke before its answer was complete.", TRY_AGAIN),
    httpx.WriteError: Failure(Unreachable, "The connection to {host} broke while the request was being sent.", TRY_AGAIN),
    httpx.CloseError: Failure(Unreachable, "The connection to {host} broke while it was being closed.", TRY_AGAIN),
    httpx.NetworkError: Failure(Unreachable, "The connection to {host} broke.", TRY_AGAIN),
    httpx.RemoteProtocolError: Failure(Unreachable, "{host} hung up without a complete answer.", TRY_AGAIN),
    httpx.LocalProtocolError: Failure(Unreachable, "The talk with {host} broke off.", TRY_AGAIN),
    httpx.ProtocolError: Failure(Unreachable, "The talk with {host} broke off.", TRY_AGAIN),
    httpx.DecodingError: Failure(Unreachable, "The answer of {host} was damaged on the way.", TRY_AGAIN),
    httpx.TooManyRedirects: Failure(Unreachable, "{host} sends every request on to somewhere else.", CHECK_ADDRESS),
    httpx.UnsupportedProtocol: Failure(BadInput, "The address of {host} isn't one of a billing API.", "It must begin with https:// or http://."),
    httpx.InvalidURL: Failure(BadInput, "The address of {host} isn't one of a billing API.", "It must begin with https:// or http://."),
    httpx.TransportError: Failure(Unreachable, "The connection to {host} failed.", TRY_AGAIN),
    httpx.RequestError: Failure(Unreachable, "The request to {host} failed.", TRY_AGAIN),
    httpx.HTTPError: Failure(Unreachable, "The request to {host} failed.", TRY_AGAIN),
    httpx.CookieConflict: Failure(Broken, "The client of the billing API was misused.", ""),
    httpx.StreamError: Failure(Broken, "The client of the billing API was misused.", ""),
}
"""A class that isn't here counts as the nearest one above it that is."""

CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (ssl.SSLCertVerificationError, "{host} shows a certificate that can't be trusted; nothing was sent this time.", "Check the address of the account under Settings, Accounts, or ask whoever looks after the network."),
    (ssl.SSLError, "{host} can't agree on a secure connection; nothing was sent this time.", CHECK_ADDRESS),
    (gaierror, "The address of {host} leads to no computer; nothing was sent this time.", CHECK_ADDRESS),
)
"""Reasons for a failed connection that have a sentence of their own."""

ANSWERS: dict[int, tuple[str, str]] = {
    400: ("{host} found something wrong with the request", "Correct what it names."),
    401: ("{host} doesn't accept the key", "Check its API key under Settings, Accounts."),
    403: ("{host} doesn't let this key into the organisation", "Check its organisation id and key under Settings, Accounts."),
    404: ("{host} doesn't know this", "Check the event type, and the address of the account under Settings, Accounts."),
    409: ("{host} has had this request before, with other content", ""),
    413: ("{host} finds the request too large", "Make the batches of the account smaller."),
    422: ("{host} can't read the request", "Correct what it names."),
    429: ("{host} asks for a pause: too many requests", TRY_AGAIN),
}


def unreachable(error: Exception, host: str) -> IngestError:
    """Our error for one of httpx's."""
    failure = next(FAILURES[each] for each in type(error).__mro__ if each in FAILURES)
    sentence, todo = next(((sentence, todo) for cause, sentence, todo in CAUSES if _caused_by(error, cause)), (failure.sentence, failure.todo))
    if failure.error is Unreachable:
        return Unreachable(sentence.format(host=host), todo, sent=failure.sent)
    return failure.error(failure.sentence.format(host=host), failure.todo)


def refused(response: httpx.Response, host: str, secret: str, now: float) -> Refused:
    """Our error for an answer that isn't 2xx."""
    status = response.status_code
    sentence, todo = ANSWERS.get(status) or _other_answer(status)
    detail = detail_of(response.text).replace(secret, "…") if secret else detail_of(response.text)
    return Refused(f"{sentence.format(host=host)} ({status}){f': {detail}' if detail else ''}.", todo, status=status, retry_after=retry_after(response.headers.get("retry-after"), now))


def detail_of(body: str) -> str:
    """What an error reply says, in words: a text, or the first places of a validation error. Empty where it says nothing readable."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""  # a page of HTML helps nobody
    said = next((document[key] for key in ("detail", "message", "Message", "error") if document.get(key)), "") if isinstance(document, dict) else document
    words = "; ".join(_places(said)) if isinstance(said, list) else said if isinstance(said, str) else ""
    return " ".join(words.split()).rstrip(".")[:LONGEST_DETAIL]


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait, from the header's seconds or its date; None where it says nothing usable."""
    if header is None:
        return None
    try:
        seconds = float(header) if header.strip().replace(".", "", 1).isdigit() else parsedate_to_datetime(header).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds)


def _other_answer(status: int) -> tuple[str, str]:
    if status >= 500:
        return "{host} has a problem of its own", TRY_AGAIN
    if 300 <= status < 400:
        return "{host} sends the request on to somewhere else", CHECK_ADDRESS
    return "{host} said no", ""


def _places(problems: list[object]) -> Iterator[str]:
    """The first three entries of the documented validation error: `event 3, timestamp: invalid datetime format`."""
    for each in problems[:3]:
        if isinstance(each, dict):
            loc = () if "json" in str(each.get("type")) else each.get("loc") or ()  # there a number is a place in the text
            where = [f"event {part + 1}" if isinstance(part, int) else str(part) for part in loc if part not in ("body", "query", "path", "header")]
            yield f"{', '.join(where)}: {each.get('msg', '')}" if where else str(each.get("msg", ""))
    if len(problems) > 3:
        yield f"and {len(problems) - 3} more"


def _caused_by(error: BaseException | None, cause: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, cause):
            return True
        error = error.__cause__ or error.__context__
    return False
