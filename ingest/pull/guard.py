"""Which addresses may be reached. A name is resolved once, and only those of its addresses that are fine are connected to: a name that changes between the check and the connection changes nothing.

Links (HTTPS, web services) reach public addresses only, and the networks of the setting `pull_allow`. Servers that somebody registers (databases, buckets, SFTP) may have private
addresses, unless `pull_guard_databases` is set; the addresses where clouds hand out keys are closed to both.
"""

import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ingest.errors import BadInput, Unreachable
from ingest.settings import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

KEYS_OF_CLOUDS = tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")))
"""Link-local addresses, and what AWS, Alibaba, Azure and Oracle use beside them."""
IPV4_IN_IPV6 = tuple(map(ip_network, ("::/96", "64:ff9b::/96")))
"""Networks whose last 32 bits are an IPv4 address, beside those that `ipaddress` knows."""


def resolved(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host. Raises Unreachable where there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"The name {host!r} isn't known.", "Check how it is written, and that the machine of the portal can look it up.", sent=False) from None
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def allowed(host: str, port: int, resolve: Resolve = resolved) -> tuple[str, ...]:
    """The addresses of a host that a link may reach, to be connected to as they are. Raises BadInput where none of them may, Unreachable where there are none."""
    return _checked(host, resolve(host, port), _is_public, "Links may only lead to public addresses. Ask an administrator to add its network to the setting pull_allow, where it is meant to be read.")


def server_allowed(host: str, port: int, resolve: Resolve = resolved) -> tuple[str, ...]:
    """The same for a server that was registered by its name: private addresses are fine, unless the settings say otherwise."""
    if settings().pull_guard_databases:
        return allowed(host, port, resolve)
    return _checked(host, resolve(host, port), _is_server, "Give the address of the server itself, or ask an administrator to add its network to the setting pull_allow.")


def named(host: str, port: int, resolve: Resolve = resolved) -> tuple[str, ...]:
    """The addresses of a host whose network an administrator has named."""
    return _checked(host, resolve(host, port), lambda address: False, "Ask an administrator to add its network to the setting pull_allow, where it is meant to be read.")


def _checked(host: str, addresses: Sequence[str], is_fine: Callable[[Address], bool], todo: str) -> tuple[str, ...]:
    """The addresses that are fine. Raises BadInput where none is."""
    real = {each: _real(ip_address(each)) for each in addresses}
    fine = tuple(each for each, address in real.items() if is_fine(address) or any(address in network for network in _networks(settings().pull_allow)))
    if not fine:
        shown = ", ".join(sorted({str(address) for address in real.values()}))
        raise BadInput(f"{host if host == shown else f'{host} ({shown})'} is an address that must not be reached from here.", todo)
    return fine


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved and not _has_keys(address)


def _is_server(address: Address) -> bool:
    return not (_has_keys(address) or address.is_unspecified or address.is_multicast or address == IPv4Address("255.255.255.255"))


def _has_keys(address: Address) -> bool:
    return any(address in network for network in KEYS_OF_CLOUDS)


def _real(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address) or address == IPv6Address("::1") or address == IPv6Address("::"):
        return address
    if any(address in network for network in IPV4_IN_IPV6):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


@lru_cache(maxsize=10)
def _networks(text: str) -> tuple[Network, ...]:
    """The networks of a setting. Raises BadInput for one that can't be read."""
    try:
        return tuple(ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise BadInput(f"The setting pull_allow can't be used: {error}.", "Write networks as 10.0.0.0/8, with commas between them.") from None
