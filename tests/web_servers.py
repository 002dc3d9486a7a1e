"""Web services that stand in for those that only run elsewhere. Each speaks the protocol that its maker documents, over HTTP on this machine, with the faults that it can have."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Reply:
    """An answer; a body of another type than bytes goes as JSON. `cut` bytes are missing at its end."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


Service = Callable[[Asked], Reply]


class Served:
    """A service that runs; `asked` has all requests, `url` its address."""

    def __init__(self, service: Service) -> None:
        self.service, self.asked = service, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(self.command, unquote(parts.path), query, {name.lower(): value for name, value in self.headers.items()}, body)
                outer.asked.append(asked)
                self._reply(outer.service(asked))

            do_POST = do_GET

            def _reply(self, reply: Reply) -> None:
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", "content-length": str(len(content)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content[:len(content) - reply.cut])
                self.close_connection = bool(reply.cut)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def served(service: Service) -> Iterator[Served]:
    running = Served(service)
    try:
        yield running
    finally:
        running.close()


def first_then(*replies: Reply) -> Callable[[Service], Service]:
    """A service that gives these answers before it gives its own."""
    waiting = list(replies)
    return lambda service: lambda asked: waiting.pop(0) if waiting else service(asked)
