"""Asking a web service for JSON: every number as it was written, with what to do when the service is busy, and a new sign-in when the old one runs out in the middle."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.web import answered, refusal, shown

TRIES = 4
LONGEST_WAIT = 60.0
BUSY = (429, 500, 502, 503, 504)
MOST_BYTES = 256 * 1024**2
"""One answer is held in memory; more than this is no page."""
Headers = Callable[[bool], Mapping[str, str]]
pause = time.sleep
"""How a busy service is waited for; tests don't."""


class Number(str):
    """A number as it stands in JSON: no digit is lost."""

    __slots__ = ()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: object


@dataclass
class WebApi:
    """A service. `sign_in` gives the headers of the sign-in; told True, those of a new one. `failure` makes a sentence of a no."""

    web: httpx.Client
    sign_in: Headers = lambda fresh: {}
    failure: Callable[[Answer, httpx.Response], IngestError] = lambda answer, response: refusal(response, str(response.request.url))
    wait: Callable[[float], None] = field(default_factory=lambda: pause)

    def ask(self, method: str, link: str, *, params: Mapping[str, str] | None = None, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, after as many tries as a busy service takes. Only what changes nothing there may be asked. Raises Refused or Unreachable in the end."""
        renewed = False
        for left in range(TRIES - 1, -1, -1):
            try:
                answer, response = self._once(method, link, params, body, {**self.sign_in(False), **(headers or {})})
            except Unreachable:
                if left == 0:
                    raise
                self.wait(2.0 ** (TRIES - 1 - left))
                continue
            if response.status_code < 400:
                return answer
            if response.status_code == 401 and not renewed and left:
                renewed = True
                self.sign_in(True)
                continue
            told = retry_after(response.headers.get("retry-after", ""))
            if response.status_code not in BUSY or left == 0 or (told or 0) > LONGEST_WAIT:
                raise self.failure(answer, response)
            self.wait(told if told is not None else 2.0 ** (TRIES - 1 - left))
        raise Unreachable(f"{shown(link)} doesn't let the portal in for long enough.", "Try again later.")

    def _once(self, method: str, link: str, params: Mapping[str, str] | None, body: object, headers: Mapping[str, str]) -> tuple[Answer, httpx.Response]:
        url = httpx.URL(link).copy_merge_params(params) if params else httpx.URL(link)
        with answered(link), self.web.stream(method, url, json=body, headers={"accept": "application/json", **headers}) as response:
            content = _whole(response, link)
        return Answer(response.status_code, response.headers, parsed(content, link) if response.status_code < 400 else _said(content)), response


def parsed(content: bytes, link: str) -> object:
    """JSON with its numbers as text. Raises Refused where it is something else."""
    try:
        return json.loads(content, parse_float=Number, parse_int=Number, parse_constant=Number)
    except (ValueError, RecursionError):
        is_page = content.lstrip()[:1] == b"<"
        raise Refused(f"{shown(link)} answers with {'a web page' if is_page else 'something that is not JSON'}.", "Check the link and the sign-in: mostly a web page is the one to sign in on.") from None


def retry_after(text: str) -> float | None:
    """Seconds until a service wants to be asked again; it says how many, or until when."""
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def member(body: object, *names: str) -> object:
    """What lies at these names in an answer, None where it doesn't."""
    for name in names:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _whole(response: httpx.Response, link: str) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MOST_BYTES:
            raise BadInput(f"One answer of {shown(link)} is larger than {MOST_BYTES // 1024**2} MB.", "Ask for smaller pages.")
    return bytes(content)


def _said(content: bytes) -> object:
    """What stands in a refusal, for finding out which it is; it is never shown."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content[:10_000].decode("utf-8", "replace")
