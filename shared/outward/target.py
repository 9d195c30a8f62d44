"""Which addresses we go to that others wrote: the guard against being sent into our own network (SSRF)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from shared.errors import Invalid

#: Looks up a host: its name to its addresses. May raise OSError.
Resolver = Callable[[str], Sequence[str]]

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]{1,2000}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: A last label like this makes browsers and C libraries read the host as an IPv4 number: 127.1, 0x7f000001.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

#: What `private` adds (`LIVING_WEBHOOK_PRIVATE`, `LIVING_TEXT_PRIVATE`): loopback and private networks, not the
#: link-local ones, where clouds keep their credentials.
_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("127.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)

#: Public by the look of it and still not the open internet, beside what `ipaddress` knows.
_SPECIAL_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_SPECIAL_6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))
_GLOBAL_6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """A checked address: where to connect (`addresses`), and who to ask for there (`host`)."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def find_target(url: str, *, private: bool, resolve: Resolver) -> Target:
    """Reads and looks up a URL. Raises Invalid unless every address of its host is on the open internet.

    `private` also permits plain http, loopback and private networks.
    """
    parts = _split(url)
    if parts.scheme not in (("https", "http") if private else ("https",)):
        _refuse("it must begin with https://")
    if "@" in parts.netloc:
        _refuse("it must hold no user name or password")
    if parts.fragment or "#" in url:
        _refuse("it must hold no fragment (#)")
    host, port = _host(parts), _port(parts)
    addresses = tuple(dict.fromkeys(_look_up(host, resolve)))
    for address in addresses:
        if not is_allowed(address, private=private):
            _refuse(f"its host {host!r} is at {address}, which is not an address of the open internet")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, addresses)


def look_up(host: str) -> list[str]:
    """The addresses of a host, as the machine's resolver gives them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def is_allowed(address: str, *, private: bool) -> bool:
    """Whether we may go to this address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or _behind_nat64(found) or found
    if private and any(found.version == network.version and found in network for network in _PRIVATE):
        return True
    return _is_public_4(found) if isinstance(found, IPv4Address) else _is_public_6(found)


def _is_public_4(address: IPv4Address) -> bool:
    special = address.is_multicast or any(address in network for network in _SPECIAL_4)
    return address.is_global and not special


def _is_public_6(address: IPv6Address) -> bool:
    """Global unicast only, and no tunnel that could end at an IPv4 address of ours (6to4, Teredo)."""
    special = address.scope_id is not None or any(address in network for network in _SPECIAL_6)
    return address in _GLOBAL_6 and address.is_global and not special


def _behind_nat64(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translated one stands for (RFC 6052)."""
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _split(url: str) -> SplitResult:
    # Spaces, controls and backslashes are what two URL readers disagree about, so none may be there.
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        _refuse("it must be 1 to 2,000 printable ASCII characters without spaces or backslashes")
    try:
        return urlsplit(url)
    except ValueError:
        _refuse("it cannot be read")


def _host(parts: SplitResult) -> str:
    """The host in lower case: an IPv6 literal, a plain dotted IPv4 address, or a name that is no number."""
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        try:
            return str(IPv6Address(host))
        except ValueError:
            _refuse(f"its host {host!r} is not an IPv6 address")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse(f"its host {host!r} is not a name; write an international name in its xn-- form")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            _refuse(f"its host {host!r} is not an IPv4 address in its plain form, four numbers from 0 to 255")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or parts.netloc.endswith(":"):
        _refuse("its port must be a number from 1 to 65535")
    return port or _PORTS[parts.scheme]


def _look_up(host: str, resolve: Resolver) -> Sequence[str]:
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    try:
        found = resolve(host)
    except OSError as error:
        raise _invalid(f"its host {host!r} cannot be looked up: {error.strerror or error}") from error
    if not found:
        _refuse(f"its host {host!r} has no address")
    return found


def _refuse(why: str) -> NoReturn:
    raise _invalid(why)


def _invalid(why: str) -> Invalid:
    return Invalid.of("url", why, slug="unusable_url")
