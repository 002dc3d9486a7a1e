"""A billing API that misbehaves, and a way to serve one: for tests that need more than good weather.

    with served(Faults(build_app(data), plan=["store_then_cut", None, "refuse_503"])) as url: …
    with served(Faults(build_app(data), seed=7)) as url: …          # prints the seed

Only POST /usage is hit; everything else passes. A plan says what happens to each such request in turn, and after it nothing more happens; a seed draws
from WEIGHTS for ever. `faults.happened` tells what was done, with the key it was done to.
"""

import asyncio
import random
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

Fault = str | None

WEIGHTS: dict[Fault, int] = {
    None: 60, "refuse_503": 8, "refuse_429": 5, "cut_before": 5, "store_then_500": 6, "store_then_cut": 6, "store_then_truncate": 3, "delay": 3, "deliver_twice": 4,
}
"""What a seeded run draws from: faults after which sending again with the same key must end right."""
FAULTS = (*(each for each in WEIGHTS if each), "store_then_422", "store_twice", "swallow")
"""Every fault. The last three break the API's promises: refused but stored, stored twice, acknowledged but not stored."""


class Faults:
    """An ASGI application in front of another, with one fault or none for each POST /usage."""

    def __init__(self, app: Any, plan: Iterable[Fault] = (), *, seed: int | None = None, weights: dict[Fault, int] = WEIGHTS, delay: float = 0.05, retry_after: str = "1") -> None:
        self.app = app
        self.delay = delay
        self.retry_after = retry_after
        self.happened: list[tuple[Fault, str | None]] = []
        self._plan = iter(plan)
        self._random = random.Random(seed) if seed is not None else None
        self._weights = weights
        if seed is not None:
            print(f"faults: seed {seed}")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/usage/"):
            await self.app(scope, receive, send)
            return
        fault = self._next()
        self.happened.append((fault, _header(scope, b"idempotency-key")))
        body = await _body(receive)
        await getattr(self, f"_{fault or 'pass_on'}")(scope, body, receive, send)

    def _next(self) -> Fault:
        if self._random:
            return self._random.choices(list(self._weights), list(self._weights.values()))[0]
        return next(self._plan, None)

    async def _pass_on(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await self.app(scope, _again(body, receive), send)

    async def _refuse_503(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await _reply(send, 503, b'{"detail": "Service Unavailable"}')

    async def _refuse_429(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await _reply(send, 429, b'{"detail": "Too many requests"}', [(b"retry-after", self.retry_after.encode())])

    async def _cut_before(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await _cut(scope, receive)

    async def _store_then_cut(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await self._store(scope, body, receive)
        await _cut(scope, receive)

    async def _store_then_500(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await self._store(scope, body, receive)
        await _reply(send, 500, b'{"detail": "Internal Server Error"}')

    async def _store_then_422(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await self._store(scope, body, receive)
        await _reply(send, 422, b'{"detail": [{"loc": ["body", 0, "timestamp"], "msg": "invalid datetime format", "type": "value_error.datetime"}]}')

    async def _store_then_truncate(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await self._store(scope, body, receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"sta', "more_body": True})
        await _cut(scope, receive)

    async def _swallow(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await _reply(send, 200, b'{"status": "ok"}')

    async def _delay(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await asyncio.sleep(self.delay)
        await self.app(scope, _again(body, receive), send)

    async def _deliver_twice(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        """As a proxy does that tries again by itself: the same request, the same key."""
        await self._store(scope, body, receive)
        await self.app(scope, _again(body, receive), send)

    async def _store_twice(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        """The key is lost on the way, so both count."""
        await self._store({**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"idempotency-key"]}, body, receive)
        await self.app(scope, _again(body, receive), send)

    async def _store(self, scope: Any, body: bytes, receive: Any) -> None:
        async def nowhere(_message: Any) -> None:
            return None

        await self.app(scope, _again(body, receive), nowhere)


class _Protocol(H11Protocol):
    """Remembers its connections, so that a fault can cut one."""

    open: dict[tuple[str, int], asyncio.Transport] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.open[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.open.pop(self.client, None)


@contextmanager
def served(app: Any, *, lifespan: str = "on") -> Iterator[str]:
    """The URL of an ASGI application that is served on a free loopback port by a thread, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(app, http=_Protocol, log_level="critical", access_log=False, timeout_graceful_shutdown=2, lifespan=lifespan))
    started = threading.Event()
    startup = server.startup

    async def starting(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = starting
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    if not started.wait(10) or not server.started:
        raise RuntimeError("the test server didn't start")
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Any) -> Any:
    """A `receive` that gives the body once more, then what is really there."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _reply(send: Any, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]})
    await send({"type": "http.response.body", "body": body})


async def _cut(scope: Any, receive: Any) -> None:
    """Ends the connection without another byte."""
    _Protocol.open[tuple(scope["client"])].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _header(scope: Any, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
