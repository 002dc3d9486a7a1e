"""Signed tickets: the right to do one thing over a route of ours, given by a page to the browser that shows it. No cookie gives any right there."""

import base64
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ingest.settings import settings


class No(Exception):
    """A request that is refused: status, a sentence for the person, and where an upload really is."""

    def __init__(self, status: int, sentence: str, offset: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.offset = offset


Ticket = TypeVar("Ticket", bound=BaseModel)
"""A frozen record with `expires`, in seconds since 1970."""


def signed(ticket: BaseModel) -> str:
    """The token that stands for a ticket."""
    body = base64.urlsafe_b64encode(ticket.model_dump_json().encode()).decode()
    return f"{body}.{_signature(body)}"


def opened(token: str, kind: type[Ticket], *, refusal: str, now: float | None = None) -> Ticket:
    """The ticket inside a token. Raises No, with the refusal as its sentence, for one that isn't ours or of another kind; another sentence for one that is too old."""
    body, _, signature = token.partition(".")
    if not body or not signature.isascii() or not hmac.compare_digest(signature, _signature(body)):
        raise No(401, refusal)
    try:
        ticket = kind.model_validate_json(base64.urlsafe_b64decode(body))
    except (ValueError, ValidationError):
        raise No(401, refusal) from None
    if ticket.expires < (now or time.time()):
        raise No(401, "This page has been open for too long. Reload the page and try again.")
    return ticket


def same_origin(request: Request, refusal: str) -> None:
    """Raises No for a request that another site's page sent."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host") or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise No(403, refusal)


def answered(work: Callable[[Request], Awaitable[dict[str, object] | Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The route of a piece of work: its answer, or its refusal, as JSON."""
    async def route(request: Request) -> Response:
        try:
            answer = await work(request)
        except No as no:
            return JSONResponse({"sentence": no.sentence, "offset": no.offset}, status_code=no.status)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return route


def _signature(body: str) -> str:
    return hmac.new(_key(), body.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    """The key that signs tickets: made once, kept in the data folder, so that a restart doesn't break running uploads."""
    path = settings().home / "ticket.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"ticket.key.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(32))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()
