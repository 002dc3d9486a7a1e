"""What sources may reach: no spelling of a private address, no redirect and no name that changes gets past; credentials stay with their server."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest

from ingest.errors import BadInput, Unreachable
from ingest.pull.guard import allowed, server_allowed
from ingest.pull.https import Link, LinkConnection
from ingest.pull.web import client
from ingest.settings import settings
from schemas.source import Files, ListedFile
from tests.file_servers import USAGE, WebServer, body, redirect

PUBLIC = "93.184.215.14"
LOOPBACK = "127.0.0.0/8"


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer({"/usage.csv": body(), "/secret": body(b"keys")})
    yield server
    server.close()


@pytest.fixture
def allow(home: Path, monkeypatch: pytest.MonkeyPatch):
    def set_to(networks: str, **more: str) -> None:
        for name, value in {"pull_allow": networks, **more}.items():
            monkeypatch.setenv(f"INTAKE_{name.upper()}", value)
        settings.cache_clear()

    return set_to


@pytest.mark.parametrize("host", [
    "127.0.0.1", "127.1", "127.0.0.2", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "localhost", "localhost.", "LOCALHOST",
    "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "0:0:0:0:0:0:0:1", "64:ff9b::7f00:1", "2002:7f00:1::", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "::ffff:169.254.169.254", "2852039166", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fe80::1", "fc00::1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
])
def test_no_spelling_of_a_private_address_is_reached(home: Path, host: str):
    with pytest.raises((BadInput, Unreachable), match="must not be reached|isn't known"):
        allowed(host, 443)


@pytest.mark.parametrize(("host", "fine"), [
    (PUBLIC, True), ("2606:4700::1", True), ("10.0.0.1", True), ("127.0.0.1", True), ("::1", True), ("fd12::1", True),
    ("169.254.169.254", False), ("::ffff:169.254.169.254", False), ("fe80::1", False), ("0.0.0.0", False), ("168.63.129.16", False), ("fd00:ec2::254", False),
])
def test_servers_may_be_private_but_not_where_clouds_keep_keys(home: Path, host: str, fine: bool):
    if fine:
        assert server_allowed(host, 5432) == (host,)
    else:
        with pytest.raises(BadInput):
            server_allowed(host, 5432)


def test_an_administrator_opens_networks_and_closes_servers(allow):
    allow("10.0.0.0/8, ::1/128")
    assert allowed("10.1.2.3", 443) == ("10.1.2.3",)
    with pytest.raises(BadInput):
        allowed("192.168.0.1", 443)
    allow("10.0.0.0/8", pull_guard_databases="true")
    with pytest.raises(BadInput):
        server_allowed("192.168.0.1", 5432)
    allow("ten")
    with pytest.raises(BadInput, match="pull_allow"):
        allowed("10.1.2.3", 443)


def test_of_a_name_only_the_addresses_that_are_fine_are_used(home: Path):
    assert allowed("mixed.example", 443, lambda host, port: (PUBLIC, "10.0.0.1")) == (PUBLIC,)
    with pytest.raises(BadInput, match=r"inside.example \(10.0.0.1\)"):
        allowed("inside.example", 443, lambda host, port: ("10.0.0.1",))
    with pytest.raises(Unreachable, match="isn't known"):
        allowed("no-such-name.invalid", 443)


class Rebinding:
    """A name that is public when it is looked up first, and private from then on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return ("127.0.0.2",) if self.asked == 1 else ("127.0.0.1",)


def test_a_name_is_looked_up_once_and_its_address_pinned(allow, web: WebServer):
    """127.0.0.2 is the allowed address here; 127.0.0.1, where the server listens, is what the name turns into."""
    allow("127.0.0.2/32")
    name = Rebinding()
    with client(f"http://rebinding.example:{web.port}/", addresses=partial(allowed, resolve=name), seconds=0.5) as http, pytest.raises(httpx.ConnectError):
        http.get(f"http://rebinding.example:{web.port}/secret")
    assert (name.asked, web.asked) == (1, [])


@pytest.mark.parametrize("target", [
    "http://127.0.0.2:{port}/secret", "http://169.254.169.254/latest/meta-data/", "http://2130706434:{port}/secret", "http://[::1]:{port}/secret", "http://[::ffff:127.0.0.2]:{port}/secret", "http://inside.example:{port}/secret",
    "file:///etc/passwd", "ftp://example.com/usage.csv", "gopher://127.0.0.1/", "http://user:word@127.0.0.1:{port}/secret", "//127.0.0.2:{port}/secret", "http://[nonsense/", "/loop",
])
def test_a_redirect_leads_nowhere_else(allow, web: WebServer, target: str):
    allow("127.0.0.1/32")
    web.routes.update({"/moved": redirect(target.format(port=web.port)), "/loop": redirect("/loop")})
    link = Link(resolve=lambda host, port: ("10.0.0.1",) if host == "inside.example" else (host if "." in host or ":" in host else "127.0.0.2",))
    with pytest.raises(BadInput):
        link.list(LinkConnection(url=f"{web.url}/moved"), Files(path=""))
    assert "/secret" not in {path for path, _ in web.asked}


@pytest.mark.parametrize("sign_in", [{"user": "me", "password": "s3cret"}, {"token": "s3cret"}, {"headers": {"X-Api-Key": "s3cret"}}])
def test_credentials_stay_with_their_server(allow, web: WebServer, sign_in: dict[str, object], tmp_path: Path):
    """The second server is another port: another origin, though the machine is the same."""
    allow(LOOPBACK)
    other = WebServer({"/usage.csv": body()})
    try:
        web.routes.update({"/moved": redirect(f"{other.url}/usage.csv"), "/near": redirect("/usage.csv")})
        link = Link()
        for path in ("/moved", "/near"):
            link.fetch(LinkConnection(url=f"{web.url}{path}", **sign_in), ListedFile(path="usage.csv"), tmp_path / "f")
            assert (tmp_path / "f").read_bytes() == USAGE
        told = [any("s3cret" in value or value.startswith("Basic") for value in headers.values()) for _, headers in [*web.asked, *other.asked]]
        assert told == [True, True, True, False]
    finally:
        other.close()


def test_what_is_sent_to_a_server_is_not_sent_on(allow, web: WebServer):
    allow(LOOPBACK)
    with client("http://127.0.0.1:1/") as http, pytest.raises(BadInput, match="with what was sent"):
        http.post(f"{web.url}/usage.csv", content=b"secret")
    with client("https://127.0.0.1:1/") as http, pytest.raises(BadInput, match="without encryption"):
        http.get(f"{web.url}/usage.csv")
    assert web.asked == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/a.csv", "https://user:word@example.com/a.csv", "https:///a.csv", "example.com/a.csv", ""])
def test_a_link_is_one_of_the_web_without_a_password_in_it(url: str):
    with pytest.raises(ValueError, match="link") as failure:
        LinkConnection(url=url)
    assert "word" not in str(failure.value.errors()[0]["msg"]).replace("password", "")
