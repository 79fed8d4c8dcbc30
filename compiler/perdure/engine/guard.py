"""Decides which addresses the worker's HTTP requests may reach.

A workflow's URL is data, and data comes from outside: a request to
`http://169.254.169.254/` or to `localhost` would lend the worker's place in the
network to whoever wrote it. So every address is judged after the name was resolved,
and the connection goes to the address that was judged: resolving a second time for
the connection would let a name answer twice, differently. Operators open holes by
name (`http.allow`), never by address range, so that what is allowed
reads like what is requested.

The rejected way was `ipaddress.IPv4Address.is_global`: its tables differ between
patch releases of Python, and it lets NAT64 and public metadata addresses pass.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

DEFAULT_PORTS = {"http": 80, "https": 443}

Address = IPv4Address | IPv6Address

# The first match names the reason, so narrow networks stand before wide ones.
_IPV4: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "a cloud metadata address"),
    ("100.100.100.200/32", "a cloud metadata address"),
    ("168.63.129.16/32", "a cloud metadata address"),
    ("192.0.0.192/32", "a cloud metadata address"),
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved for benchmarks"),
    ("198.51.100.0/24", "reserved for documentation"),
    ("203.0.113.0/24", "reserved for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
_IPV6: tuple[tuple[str, str], ...] = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fd00:ec2::254/128", "a cloud metadata address"),
    ("fd20:ce::254/128", "a cloud metadata address"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("64:ff9b:1::/48", "local-use NAT64"),
    ("2001:db8::/32", "reserved for documentation"),
    ("3fff::/20", "reserved for documentation"),
    ("2001::/32", "a Teredo tunnel"),
    ("2001::/23", "reserved"),
    ("2002::/16", "a 6to4 tunnel"),
)


def _networks(
    rows: Iterable[tuple[str, str]],
) -> tuple[tuple[IPv4Network | IPv6Network, str], ...]:
    return tuple((ip_network(text), reason) for text, reason in rows)


_REASONS = {4: _networks(_IPV4), 6: _networks(_IPV6)}
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_HOLDS_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


class Refused(Exception):
    """A request was refused before a connection was made; the message says why."""


def why_refused(address: Address) -> str | None:
    """Return what kind of address this is when it must not be reached, else None.

    IPv4 addresses inside IPv6 ones (mapped, NAT64) are judged by what they hold:
    behind DNS64 every public IPv4 site has such an address.
    """
    if any(address in network for network in _HOLDS_IPV4):
        return why_refused(IPv4Address(int(address) & 0xFFFFFFFF))
    for network, reason in _REASONS[address.version]:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
        return "not globally routed"
    return None


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the allow-list; `port` None stands for every port."""

    host: str
    port: int | None = None

    def matches(self, host: str, port: int) -> bool:
        """Tell whether a request to this host and port is meant by the entry."""
        if self.port not in (None, port):
            return False
        if self.host.startswith("*."):
            return host.endswith(self.host[1:]) and len(host) >= len(self.host)
        return host == self.host


def parse_allowed(entry: str) -> Allowed:
    """Read `host`, `host:port`, `*.domain`, `*.domain:port` or `[ipv6]:port`.

    Raises ValueError with a message for users.
    """
    host, port = _split_port(entry.strip())
    name = normal_host(host)
    if not name or name == "*" or "*" in name.removeprefix("*."):
        raise ValueError(f'"{entry}" is not a host, host:port or *.domain')
    return Allowed(name, port)


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    host, bracket, rest = entry.rpartition("]")
    name, colon, port = (rest if bracket else entry).partition(":")
    if bracket:
        name = host.removeprefix("[") + name
    if not colon:
        return name, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f'"{entry}" has no valid port after the colon')
    return name, int(port)


def normal_host(host: str) -> str:
    """Return a host as it is compared: lower case, no final dot, addresses short."""
    name = host.strip().lower().removesuffix(".").strip("[]")
    try:
        return str(ip_address(name))
    except ValueError:
        return name


@dataclass(frozen=True, slots=True)
class Guard:
    """The allow-list, and the judgement of addresses that are not on it."""

    allowed: tuple[Allowed, ...] = ()

    def allows(self, host: str, port: int) -> bool:
        """Tell whether an operator opened this host by name."""
        name = normal_host(host)
        return any(entry.matches(name, port) for entry in self.allowed)

    def refuses(self, host: str, port: int) -> bool:
        """Tell whether a host is refused that need not be resolved to be judged."""
        name = normal_host(host)
        if self.allows(host, port):
            return False
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return why_refused(ip_address(name)) is not None
        except ValueError:
            return False

    def check(self, host: str, port: int, addresses: Iterable[str]) -> tuple[str, ...]:
        """Return those of a host's addresses that may be connected to.

        Raises Refused when there is none.
        """
        found = tuple(dict.fromkeys(addresses))
        if self.allows(host, port):
            return found
        judged = {text: why_refused(ip_address(text)) for text in found}
        good = tuple(text for text, reason in judged.items() if reason is None)
        if not good:
            raise Refused(_message(host, port, judged))
        return good


def guard(allow: Iterable[str]) -> Guard:
    """Return the guard for the entries of the configuration; may raise ValueError."""
    return Guard(tuple(parse_allowed(entry) for entry in allow))


def refusals(allow: Iterable[str]) -> Callable[[str, int], bool]:
    """Return `Guard.refuses` for the entries of a configuration that can be read.

    The others are the worker's to report, which does not begin with them.
    """
    readable = []
    for entry in allow:
        with suppress(ValueError):
            readable.append(parse_allowed(entry))
    return Guard(tuple(readable)).refuses


def resolve_addresses(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host in the system's order; blocks; may raise OSError.

    The system's resolver also reads the forms that browsers read as addresses
    (`0x7f.1`, `2130706433`), so they are judged as what they mean.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, OverflowError) as error:
        raise OSError(f"{host} is not a host name: {error}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _message(host: str, port: int, judged: dict[str, str | None]) -> str:
    what = "; ".join(f"{text} is {reason}" for text, reason in judged.items())
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return (
        f"refused to connect to {place} ({what or 'no address'});"
        f' "{place}" can be allowed by name in the configuration (http.allow)'
    )
