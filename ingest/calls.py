"""A source that is run by a signed web call: whoever makes the usage says when it is there.

    POST /call/{source}     X-Intake-Signature: t=<seconds since 1970>,v1=<hmac-sha256 of "t.body", hexadecimal>     → 202 {"run_id"}

The key is made by `source call-key NAME` and shown once. A call is good for five minutes, and once.
"""

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import deque

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ingest import tickets
from ingest.errors import BadInput
from ingest.store import sources
from ingest.store.secrets import seal, unseal
from ingest.tickets import No

TOLERANCE = 300
LARGEST = 64 * 1024
CALLS_PER_MINUTE = 30
CALLERS = 10_000
SIGNATURE = re.compile(r"t=(?P<moment>\d{1,12}),v1=(?P<proof>[0-9a-f]{64})")
_seen: dict[str, int] = {}
_seeing = threading.Lock()
_calls: dict[str, deque[float]] = {}


def new_key(name: str) -> str:
    """A new key for calls of a source, which nobody is shown again; an older one is good no longer."""
    key = secrets.token_urlsafe(32)
    sources.change(name, call_key=seal(key, _owner(name)))
    return key


def signature(key: str, body: bytes, moment: int) -> str:
    """The header of a call."""
    return f"t={moment},v1={_proof(key, body, moment)}"


async def call(request: Request) -> JSONResponse:
    """Queues a run of the source that is called."""
    _not_too_often(request.client.host if request.client else "")
    body = await _body(request)
    return await to_thread.run_sync(_called, request.path_params["source"], request.headers.get("x-intake-signature", ""), body)


routes = [Route("/call/{source}", tickets.answered(call), methods=["POST"])]


def _called(name: str, header: str, body: bytes) -> JSONResponse:
    from ingest.jobs import queue_run  # loads the executor, which no other route needs

    sealed = sources.call_key(name)
    if sealed is None:
        raise No(404, "There is no source of this name that can be called. Make a key with: source call-key NAME.")
    _once(_checked(header, body, unseal(sealed, _owner(name))))
    stored = sources.get(name)
    if stored.state == "paused":
        raise No(409, f"The source {name!r} is paused, so calls don't run it. Let it go on first.")
    try:
        run = queue_run(name, "called", "web call")
    except BadInput as error:
        raise No(409, str(error)) from error
    return JSONResponse({"run_id": run.id, "source": name}, status_code=202)


def _checked(header: str, body: bytes, key: str) -> str:
    """The proof of a call that is rightly signed and not too old."""
    given = SIGNATURE.fullmatch(header.replace(" ", ""))
    if not given:
        raise No(401, "This call isn't signed. Send the header X-Intake-Signature: t=…,v1=….")
    moment = int(given["moment"])
    if not hmac.compare_digest(given["proof"], _proof(key, body, moment)):
        raise No(401, 'The signature isn\'t right. It is the HMAC-SHA256 of "t.body" with the key of this source, in hexadecimal.')
    if abs(time.time() - moment) > TOLERANCE:
        raise No(401, "This call was signed more than five minutes ago or ahead. Sign it anew, and look whether your clock is right.")
    return given["proof"]


def _once(proof: str) -> None:
    """Refuses a call that came before. Those that are too old to be taken are forgotten."""
    now = int(time.time())
    with _seeing:
        for old in [each for each, until in _seen.items() if until < now]:
            del _seen[old]
        if proof in _seen:
            raise No(409, "This very call came before. Sign each call anew.")
        _seen[proof] = now + 2 * TOLERANCE


def _not_too_often(caller: str) -> None:
    """Refuses a caller that asks more often than any schedule would."""
    now = time.monotonic()
    if len(_calls) > CALLERS:
        _calls.clear()
    lately = _calls.setdefault(caller, deque())
    while lately and lately[0] < now - 60:
        lately.popleft()
    if len(lately) >= CALLS_PER_MINUTE:
        raise No(429, f"More than {CALLS_PER_MINUTE} calls came within a minute. Wait a minute.")
    lately.append(now)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise No(413, "This call is too long. It needs no body.")
    return bytes(body)


def _proof(key: str, body: bytes, moment: int) -> str:
    return hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def _owner(name: str) -> str:
    return f"source:{name}:call"
