"""HTTP under the guard: what connectors of links and web services ask with. Every request, redirected ones too, goes to an address that was checked; credentials go to their own server alone."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ingest.errors import BadInput, Refused, Unreachable
from ingest.pull.guard import allowed
from ingest.pull.reach import CONNECT_SECONDS, Addresses, tls_context, tls_failure

READ_SECONDS = 60
REDIRECTS = 5
PLAIN_HEADERS = frozenset({"host", "accept", "accept-encoding", "user-agent", "connection", "if-none-match", "if-modified-since", "range"})
"""What a server that a redirect leads to may hear; everything else may be a secret."""
PORTS = {"http": 80, "https": 443}


class GuardedTransport(httpx.BaseTransport):
    """Sends requests to checked addresses. `home` is the server that the credentials are for; `addresses` looks a name up and checks what it finds."""

    def __init__(self, home: str, *, ca_file: Path | None = None, addresses: Addresses = allowed) -> None:
        url = httpx.URL(home)
        self._homes = {_origin(url), *([("https", url.raw_host, 443)] if _origin(url) == ("http", url.raw_host, 80) else [])}
        self._is_plain = url.scheme == "http"
        self._tls, self._addresses = tls_context(ca_file), addresses
        self._by_host: dict[bytes, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first address that is reached."""
        url = request.url
        _check(url, may_be_plain=self._is_plain)
        host = url.raw_host.decode("ascii")
        addresses = self._addresses(host, url.port or PORTS[url.scheme])
        headers = request.headers if _origin(url) in self._homes else _plain(request)
        transport = self._by_host.setdefault(url.raw_host, httpx.HTTPTransport(verify=self._tls, trust_env=False))  # one for each name: a connection must not serve two that share an address
        for last, address in enumerate(addresses, 1 - len(addresses)):
            pinned = httpx.Request(request.method, url.copy_with(host=address), headers=headers, stream=request.stream, extensions={**request.extensions, "sni_hostname": host})
            try:
                return transport.handle_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if last == 0 or _tls_error(error):
                    raise
        raise httpx.ConnectError(f"{host} has no address")

    def close(self) -> None:
        """Hangs up."""
        for each in self._by_host.values():
            each.close()


def client(home: str, *, headers: Mapping[str, str] | None = None, auth: httpx.Auth | tuple[str, str] | None = None, ca_file: Path | None = None, addresses: Addresses = allowed, seconds: float = READ_SECONDS) -> httpx.Client:
    """A client for one server, under the guard."""
    checked_link(home)
    return httpx.Client(
        transport=GuardedTransport(home, ca_file=ca_file, addresses=addresses), headers={"user-agent": "usage-intake", **(headers or {})}, auth=auth,
        timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)), follow_redirects=True, max_redirects=REDIRECTS, trust_env=False)


def checked_link(link: str) -> httpx.URL:
    """A link that somebody wrote. Raises BadInput where it is none, or one of another kind."""
    try:
        url = httpx.URL(link.strip())
    except httpx.InvalidURL:
        raise BadInput("The link can't be read.", "Write it like https://example.com/exports/usage.csv.") from None
    _check(url, may_be_plain=True)
    return url


def shown(link: str | httpx.URL) -> str:
    """A link as it may be told: what stands behind the question mark is often a key."""
    parts = urlsplit(str(link))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def answered(link: str) -> Iterator[None]:
    """Failures of a request as sentences. Raises Unreachable where there was no whole answer, BadInput for a redirect that isn't followed."""
    host = urlsplit(link).hostname or link
    try:
        yield
    except httpx.TooManyRedirects:
        raise BadInput(f"{shown(link)} leads from one address to the next without end.", "Check the link in a browser, and give the one that it ends at.") from None
    except httpx.UnsupportedProtocol:
        raise BadInput(f"{shown(link)} leads to an address that isn't on the web.", "Only https and http are followed.") from None
    except (httpx.ConnectTimeout, httpx.ConnectError) as error:
        if tls := _tls_error(error):
            raise tls_failure(tls, host) from None
        raise Unreachable(f"{host} doesn't answer.", "Check the link, that the server runs, and that a firewall between here and there lets the portal through.", sent=False) from None
    except httpx.TimeoutException:
        raise Unreachable(f"{host} took too long to answer.", "Nothing was taken; the next run tries again.") from None
    except httpx.InvalidURL:
        raise BadInput(f"{shown(link)} leads to a link that can't be read.", "Ask whoever runs the server.") from None
    except httpx.HTTPError:
        raise Unreachable(f"The answer of {host} was cut off.", "Nothing was taken; the next run tries again.") from None


def refusal(response: httpx.Response, link: str) -> Refused:
    """A server's no, in a sentence."""
    status, where = response.status_code, shown(link)
    sentence, todo = {
        401: (f"{where} wants a sign-in that it knows.", "Check the name, password or token."),
        403: (f"{where} may not be read with this sign-in.", "Ask whoever runs the server for the right to read it, or check whether the link has expired."),
        404: (f"There is nothing at {where}.", "Check the link."),
        407: (f"A proxy in front of {where} wants a sign-in.", "Give a link that needs none."),
        410: (f"There is nothing at {where} any more.", "Ask for the new link."),
        429: (f"{where} was asked too often.", "The next run tries again; read it less often."),
    }.get(status, (f"{where} answered with {status} {response.reason_phrase}.", "The next run tries again." if status >= 500 else "Check the link."))
    wait = response.headers.get("retry-after", "")
    return Refused(sentence, todo, status=status, retry_after=float(wait) if wait.isdecimal() else None)


def _check(url: httpx.URL, *, may_be_plain: bool) -> None:
    if url.scheme not in PORTS or not url.host:
        raise BadInput(f"{url.scheme or 'This'} is no kind of link that is followed.", "Only links with https:// (or http://) are.")
    if url.userinfo:
        raise BadInput(f"The link to {url.host} has a name or password in it.", "Leave them out, and put them where the sign-in is asked for.")
    if url.scheme == "http" and not may_be_plain:
        raise BadInput(f"The link leads to {url.host} without encryption.", "Ask whoever runs the server for a link that stays with https.")


def _plain(request: httpx.Request) -> httpx.Headers:
    """The headers that are told to another server. Raises BadInput where something would be sent to it."""
    if request.method not in ("GET", "HEAD"):
        raise BadInput(f"The server leads to {request.url.host} with what was sent to it.", "That isn't followed: give the address that it ends at.")
    return httpx.Headers([(name, value) for name, value in request.headers.multi_items() if name.lower() in PLAIN_HEADERS])


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or PORTS.get(url.scheme)


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, where that is why a connection failed."""
    while error and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
