"""Where a contact that a person set may lead: to public addresses, and to the networks an administrator has named.

A name can be made to point at our own network after it was checked, and a redirect can lead there: so what counts is
the address a connection is made to, looked at when it is made. Python tells its audit hooks of every connection,
whichever library makes it (event socket.connect).
"""

import asyncio
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Lock, Thread
from typing import Any, Final

from alerting.errors import ContactInvalid

Network = IPv4Network | IPv6Network

REFUSAL: Final = "the address leads into a network that is not allowed (notify.webhook_networks_allowed)"
LOOK_UP_S_MAX: Final = 2.0
_EVENTS: Final = frozenset({"socket.connect", "socket.sendto"})
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
# Reached from inside a cloud only, though the address is a public one: Azure's metadata and DNS.
_METADATA: Final = frozenset({IPv4Address("168.63.129.16")})


class Guard:
    """What connections may be made to; `refused` when one was not made."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self.allowed = allowed
        self.refused = False


class AddressRefused(OSError):
    """The connection was not made."""


_GUARD: ContextVar[Guard | None] = ContextVar("alerting.channels.networks", default=None)
_installing = Lock()
_installed = False


def may_reach(address: str, allowed: Sequence[Network]) -> bool:
    """Whether `address`, an IP address as text, is public or within `allowed`; anything else is not.

    >>> may_reach("8.8.8.8", ()), may_reach("10.1.2.3", ()), may_reach("10.1.2.3", [IPv4Network("10.1.0.0/16")])
    (True, False, True)
    >>> may_reach("::ffff:127.0.0.1", ()), may_reach("169.254.169.254", ()), may_reach("localhost", ())
    (False, False, False)
    """
    try:
        found = _embedded(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(found in network for network in allowed if network.version == found.version):
        return True
    return found.is_global and not (found.is_multicast or found.is_reserved or found in _METADATA)


def check(host: str | None, allowed: Sequence[Network]) -> None:
    """Raise ContactInvalid where `host` stands for addresses none of which may be reached; for telling it early. What
    cannot be looked up now is left to the time of sending."""
    addresses = _looked_up(host) if host else ()
    if addresses and not any(may_reach(address, allowed) for address in addresses):
        raise ContactInvalid(REFUSAL)


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """Within this thread or task, no connection is made but where `guard` permits it."""
    _install()
    token = _GUARD.set(guard)
    try:
        yield
    finally:
        _GUARD.reset(token)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _looked_up(host: str) -> Sequence[str]:
    """The addresses of a host; () where they cannot be had within LOOK_UP_S_MAX."""
    found: list[str] = []

    def look_up() -> None:
        try:
            found.extend(str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    looking = Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(LOOK_UP_S_MAX)
    return tuple(found)


def _install() -> None:
    global _installed  # noqa: PLW0603 - a hook is for the whole process, and cannot be taken out again
    with _installing:
        if not _installed:
            sys.addaudithook(_look)
            _installed = True


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    guard = _GUARD.get()
    if guard is None:
        return
    address = arguments[1]
    if not isinstance(address, tuple) or not may_reach(str(address[0]), guard.allowed):
        guard.refused = True
        raise AddressRefused(REFUSAL)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """One whose connections are Python's own, and therefore seen."""
    return asyncio.SelectorEventLoop()
