"""The first steps of a test, for any server: is its name known, does the port answer, is its certificate good."""

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import certifi

from ingest.errors import BadInput, IngestError, Unreachable
from schemas.source import Step

Addresses = Callable[[str, int], Sequence[str]]
CONNECT_SECONDS = 10
EXPIRED, NOT_YET, SELF_SIGNED, OTHER_NAME = 10, 9, (18, 19), (62, 64)
"""What OpenSSL calls what is wrong with a certificate."""


def steps_to(host: str, port: int, addresses: Addresses, tls: ssl.SSLContext | None = None) -> tuple[Step, ...]:
    """What was tried on the way to a server, up to the first step that fails. `addresses` looks the name up and checks what it finds."""
    try:
        found = addresses(host, port)
    except IngestError as error:
        return (failed("name", error),)
    name = Step(name="name", ok=True, text=f"{host} is {', '.join(found)}." if found != (host,) else f"The address is {host}.")
    try:
        with closing(connected(host, port, found)) as connection:
            port_step = Step(name="port", ok=True, text=f"Port {port} answers.")
            return (name, port_step, _greeted(connection, host, tls)) if tls else (name, port_step)
    except Unreachable as error:
        return (name, failed("port", error))


def connected(host: str, port: int, addresses: Sequence[str]) -> socket.socket:
    """A connection to the first of these addresses that answers. Raises Unreachable where none does."""
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or "no answer").lower()
    raise Unreachable(f"{host} doesn't answer on port {port}: {why}.", "Check the port, that the server runs, and that a firewall between here and there lets the portal through.", sent=False)


@lru_cache(maxsize=20)
def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Trust in the public authorities, those of this machine, and one of a file. Raises BadInput where that can't be read."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise BadInput(f"The file of certificates {ca_file} can't be read.", "Give a file in the PEM form on the machine of the portal.") from None
    return context


def tls_failure(error: ssl.SSLError, host: str) -> Unreachable:
    """What is wrong with a server's certificate or its TLS, in a sentence."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(f"{host} doesn't speak TLS as it should ({(error.reason or 'no reason given').replace('_', ' ').lower()}).", "Check the port: TLS mostly has one of its own. Where the server is old, it needs TLS 1.2.", sent=False)
    if error.verify_code == EXPIRED:
        return Unreachable(f"The certificate of {host} has expired.", "Ask whoever runs the server for a new one.", sent=False)
    if error.verify_code == NOT_YET:
        return Unreachable(f"The certificate of {host} isn't valid yet.", "Check the clock of the portal's machine, then the certificate.", sent=False)
    if error.verify_code in OTHER_NAME:
        return Unreachable(f"The certificate is not for {host}.", "Use the name that it was made for, and check that this is the server that you mean.", sent=False)
    own = "it signed itself" if error.verify_code in SELF_SIGNED else "nobody knows who signed it"
    return Unreachable(f"The certificate of {host} can't be trusted: {own}.", "Give the certificate of the authority that signed it as a file, where the server is your company's own.", sent=False)


def _greeted(connection: socket.socket, host: str, tls: ssl.SSLContext) -> Step:
    try:
        with tls.wrap_socket(connection, server_hostname=host) as greeted:
            return Step(name="tls", ok=True, text=f"{greeted.version()}; the certificate is for {host} and can be trusted.")
    except ssl.SSLError as error:
        return failed("tls", tls_failure(error, host))
    except OSError:
        return failed("tls", Unreachable(f"{host} hung up while TLS began.", "Check the port, and that the server speaks TLS there."))


def failed(name: str, error: IngestError) -> Step:
    """A step that didn't work."""
    return Step(name=name, ok=False, text=error.sentence, todo=error.todo)
