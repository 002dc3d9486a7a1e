"""Places that files are fetched from: a web server with faults, and real servers out of packages. Each is started when a test asks for it, and ends with the tests, also when those are killed."""

import ctypes
import gzip
import ipaddress
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[BaseHTTPRequestHandler], None]
ETAG, MODIFIED = '"v1"', "Tue, 13 Oct 2026 06:00:00 GMT"
USAGE = b"customer,at,hours\nacme,2026-10-01,1.5\n"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class WebServer:
    """A server of threads on this machine; `routes` answer by path, everything asked is in `asked`."""

    def __init__(self, routes: dict[str, Answer], tls: ssl.SSLContext | None = None) -> None:
        self.routes, self.asked = routes, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers.items())))
                outer.routes.get(self.path.partition("?")[0], status(404))(self)

            do_HEAD = do_GET

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


# Answers.


def body(content: bytes = USAGE, code: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content-Length": str(len(content)), **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def status(code: int) -> Answer:
    return body(b"no", code)


def redirect(to: str, code: int = 302) -> Answer:
    return body(b"", code, Location=to)


def packed(content: bytes = USAGE) -> Answer:
    return body(gzip.compress(content), Content_Encoding="gzip", ETag=ETAG)


def only_with(header: str, value: str) -> Answer:
    return lambda request: (body() if request.headers.get(header) == value else status(401))(request)


def kept_file(request: BaseHTTPRequestHandler) -> None:
    """Answers 304 to who has it."""
    known = request.headers.get("If-None-Match") == ETAG
    (body(b"", 304, ETag=ETAG) if known else body(ETag=ETAG, Last_Modified=MODIFIED))(request)


def cut_off(request: BaseHTTPRequestHandler) -> None:
    """Says that more comes than does, then hangs up."""
    body(USAGE, Content_Length=str(len(USAGE) * 10))(request)
    request.close_connection = True


def cut_off_in_pieces(request: BaseHTTPRequestHandler) -> None:
    """Sends pieces without the last one."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"5\r\nhello\r\n")
    request.close_connection = True


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    while True:
        request.wfile.write(USAGE * 1000)


def silent(request: BaseHTTPRequestHandler) -> None:
    """Takes the question and never answers."""
    request.rfile.read(1)


def changing() -> Answer:
    """Another file at each question."""
    count = iter(range(1000))
    return lambda request: body(ETag=f'"v{next(count)}"')(request)


# TLS.


def certificate(folder: Path, name: str, *, days: int = 365) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and a name that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1")) if name == "127.0.0.1" else x509.DNSName(name)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO).not_valid_after(datetime.now(UTC) + timedelta(days=days)).add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256()))
    files = folder / f"{name}-{days}.pem", folder / f"{name}-{days}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


def serving(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


# Programs.


@contextmanager
def running(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A server as a program, from when its port answers. It dies with the tests."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment}, preexec_fn=_die_with_parent, start_new_session=True)  # noqa: PLW1509
    try:
        _wait_for(port, process, folder / "log")
        yield process
    finally:
        process.kill()
        process.wait()


def program(name: str) -> str:
    """Where a program of a package is."""
    return str(Path(sys.executable).with_name(name))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    pause = threading.Event()
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
        with closing(socket.socket()) as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)
    raise TimeoutError(f"nothing listens on {port}")
