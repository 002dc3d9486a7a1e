"""Web services that stand in for those that only run elsewhere. Each speaks the protocol that its maker documents, over HTTP on this machine, with the faults that it can have."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


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


# Google and Microsoft.


def google_key() -> str:
    """The key of a service account, as the file that Google gives."""
    return json.dumps({"type": "service_account", "client_email": "reader@usage.iam.gserviceaccount.com", "private_key": private_pem()})


@cache
def private_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def claims(token: str) -> dict:
    """What a token says, once its signature was checked."""
    head, said, signature = token.split(".")
    public = serialization.load_pem_private_key(private_pem().encode(), None).public_key()
    public.verify(_bytes64(signature), f"{head}.{said}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(_bytes64(said))


def _bytes64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Spreadsheet:
    """A spreadsheet of Google: sheets with cells as the Sheets API gives them, `drive` being whether Drive may be asked."""

    sheets: dict[str, list[list[dict]]]
    version: int = 7
    drive: bool = True
    expired: int = 0
    workbook: bytes = b""

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            said = claims(asked.form["assertion"])
            return Reply({"access_token": "good", "expires_in": 3599}) if said["iss"].startswith("reader@") and said["exp"] - said["iat"] == 3600 else Reply({"error": "invalid_grant"}, 400)
        if asked.path.startswith("/spreadsheets/d/"):
            return Reply(self.workbook, headers={"content-type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}) if self.workbook else Reply(b"<html>Sign in", headers={"content-type": "text/html"})
        if asked.headers.get("authorization") != "Bearer good" or self.expired:
            self.expired = max(0, self.expired - 1)
            return Reply({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        if asked.path.startswith("/drive/v3/files/"):
            return Reply({"version": str(self.version), "modifiedTime": "2026-10-05T06:00:00.000Z"}) if self.drive else Reply({"error": {"code": 403}}, 403)
        if "ranges" not in asked.query:
            return Reply({"properties": {"title": "Usage"}, "sheets": [{"properties": {"title": name, "sheetType": "GRID", "gridProperties": {"rowCount": 1000}}} for name in self.sheets]})
        name, _, rows = asked.query["ranges"].rpartition("!")
        first, last = map(int, rows.split(":"))
        cells = self.sheets[name.strip("'").replace("''", "'")][first - 1:last]
        return Reply({"sheets": [{"data": [{"rowData": [{"values": row} for row in cells]}]}]})


@dataclass
class Graph:
    """A library of SharePoint: files by path, pages of two."""

    files: dict[str, bytes]
    tag: str = "1"
    url: str = ""

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/oauth2/v2.0/token"):
            return Reply({"access_token": "good", "expires_in": 3599}) if asked.form["client_secret"] == "right" else Reply({"error": "invalid_client", "error_description": f"secret {asked.form['client_secret']}"}, 401)
        if asked.path == "/download":
            return Reply(self.files[asked.query["path"]]) if "authorization" not in asked.headers or asked.headers["host"] in self.url else Reply(status=400)
        if asked.headers.get("authorization") != "Bearer good":
            return Reply({"error": {"code": "InvalidAuthenticationToken"}}, 401)
        if asked.path.startswith("/v1.0/sites/contoso.sharepoint.com:/sites/usage"):
            return Reply({"id": "site,1"})
        if asked.path == "/v1.0/sites/site,1/drive":
            return Reply({"id": "b!1"})
        what = asked.path.removeprefix("/v1.0/drives/b!1/root").strip(":").removeprefix(":/").removeprefix("/")
        if what.endswith("children"):
            return self._children(what.removesuffix("children").rstrip("/").rstrip(":"), int(asked.query.get("skip", "0")), asked.path)
        if what.endswith(":/content"):
            return Reply(status=302, headers={"location": f"{self.url}/download?path={quote(what.removesuffix(':/content'))}"})
        return Reply(self._item(what)) if what in self.files else Reply({"error": {"code": "itemNotFound"}}, 404)

    def _item(self, path: str) -> dict:
        return {"name": path.rpartition("/")[2], "size": len(self.files[path]), "cTag": self.tag, "lastModifiedDateTime": "2026-10-05T06:00:00Z", "file": {}}

    def _children(self, folder: str, skip: int, path: str) -> Reply:
        below = [each for each in self.files if each.startswith(f"{folder}/" if folder else "")]
        names = list(dict.fromkeys(each.removeprefix(f"{folder}/" if folder else "").partition("/")[0] for each in below))
        items = [self._item(full) if (full := f"{folder}/{name}".strip("/")) in self.files else {"name": name, "folder": {}} for name in names]
        more = {"@odata.nextLink": f"{self.url}{quote(path)}?skip={skip + 2}"} if skip + 2 < len(items) else {}
        return Reply({"value": items[skip:skip + 2], **more})
