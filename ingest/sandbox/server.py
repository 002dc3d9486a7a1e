"""The sandbox as a server of its own: `build_app` for any ASGI server, `run` for the command line."""

import contextlib
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette

from ingest.errors import BadInput
from ingest.sandbox.app import Clock, make_app
from ingest.sandbox.store import Store
from ingest.sandbox.switches import Switches

Address = dict[str, str]


def utc_now() -> datetime:
    """Now, in UTC, without saying so: as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def build_app(data: Path, *, clock: Clock = utc_now, **switches: object) -> Starlette:
    """The sandbox over a data folder, which nobody else can use until the application is shut down. Switches: see ingest.sandbox.switches."""
    chosen = _switches(switches)
    return make_app(Store(data), chosen, clock)


def run(host: str, port: int, data: Path, ready: Callable[[Address], None] = lambda _address: None, begin: Callable[[Store, datetime], None] | None = None, **switches: object) -> None:
    """Serves until it is told to stop. `ready` gets url, organisation and api_key once it listens; `begin` may fill the store before; port 0 takes a free one."""
    chosen = _switches(switches)
    store = Store(data)
    try:
        listening = _listen(host, port)
        if begin:
            begin(store, utc_now())
    except BaseException:
        store.close()
        raise
    address = {"url": f"http://{_named(host)}:{listening.getsockname()[1]}", "organisation": chosen.organisation, "api_key": chosen.api_key}
    config = uvicorn.Config(make_app(store, chosen, utc_now), log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="on")
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a person ends it
        _Server(config, data / "address.json", address, ready).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says where it is while it listens, and only then. uvicorn ends the process by the signal it got, so tidying up happens in `shutdown`."""

    def __init__(self, config: uvicorn.Config, file: Path, address: Address, ready: Callable[[Address], None]) -> None:
        super().__init__(config)
        self._file = file
        self._address = address
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _write_address(self._file, self._address)
            self._ready(self._address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._file.unlink(missing_ok=True)
        await super().shutdown(sockets)


def _write_address(file: Path, address: Address) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps({**address, "pid": os.getpid()}), encoding="utf-8")
    part.chmod(0o600)
    part.replace(file)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that holds the port. Raises BadInput where it can't be had."""
    try:
        if not 0 <= port <= 65_535:  # the operating system would take the number's last 16 bits
            raise OSError("there is no such port")
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise BadInput(f"The sandbox can't listen on {host} port {port}: {_reason(error)}.", "Choose another port with --port, or stop what is using this one.") from None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if (error.errno or 0) > 0 else str(error.strerror or error)


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1"}.get(host, host)


def _switches(given: dict[str, object]) -> Switches:
    try:
        return Switches(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"The sandbox has no such setting: {'.'.join(map(str, first['loc']))}: {first['msg']}.", f"Settings: {', '.join(Switches.model_fields)}.") from None
