"""
Listen addresses as operators write them, and the sockets bound to them; or the sockets that systemd hands over.

Sockets are bound before anything else is started, so that a port in use is one line of ours and not a traceback of
the server's.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BACKLOG = 256
_HIGHEST_PORT = 65535
_MOST_DIGITS = 9
"""Python reads no numbers of thousands."""
_FIRST_HANDED_OVER = 3
"""The descriptor at which systemd begins; see sd_listen_fds(3)."""

_FAMILY_IS_OFF = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""The system's errors for IPv6 where the kernel lacks it, and where it is switched off."""


class ListenError(Exception):
    """An address cannot be bound. The text is one line that names the address, the cause and the next step."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen. An empty *host* means all interfaces, IPv6 and IPv4; port 0 means any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> ListenAddress:
    """
    Read `:10273`, `127.0.0.1:9000`, `[::1]:9000` or `localhost:9000`.

    Raises:
        ValueError: with a sentence that names the error and the accepted forms.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (":" in host and not bracketed) or any(character.isspace() for character in text):
        raise ValueError(f"listen address {text!r} is not one of the forms :10273, 127.0.0.1:10273, [::1]:10273")
    if not (_is_number(port) and int(port) <= _HIGHEST_PORT):
        raise ValueError(f"listen address {text!r} has no port from 0 to {_HIGHEST_PORT} after the last colon")
    try:
        host.encode("idna")  # what looks it up does the same
    except UnicodeError as error:
        raise ValueError(f"listen address {text!r} has no name of a host before the last colon") from error
    return ListenAddress(host.strip("[]"), int(port))


def bind_sockets(addresses: Sequence[ListenAddress]) -> list[socket.socket]:
    """
    Bind and listen on all *addresses*, or on none.

    Raises:
        ListenError: when one of them cannot be bound; the others are let go again.
    """
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            bound.append(_bind(address))
    except OSError as error:
        for listening in bound:
            listening.close()
        cause = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ListenError(
            f"cannot listen on {address}: {cause}; free it or choose another with --web.listen-address"
        ) from error
    return bound


def sockets_handed_over(environ: Mapping[str, str]) -> list[socket.socket]:
    """
    Return the sockets that a socket unit of systemd has passed to this process.

    Raises:
        ListenError: there is none, or one of them does not listen for TCP.
    """
    for_us, count = environ.get("LISTEN_PID") == str(os.getpid()), environ.get("LISTEN_FDS", "")
    if not for_us or not _is_number(count) or int(count) == 0:
        raise ListenError("systemd has passed no socket; enable the .socket unit or leave out --web.systemd-socket")
    descriptors = range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + int(count))
    return [_take_over(descriptor) for descriptor in descriptors]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _take_over(descriptor: int) -> socket.socket:
    with contextlib.suppress(OSError):  # a pipe, say
        listening = socket.socket(fileno=descriptor)
        tcp = listening.family in {socket.AF_INET, socket.AF_INET6} and listening.type is socket.SOCK_STREAM
        if tcp and listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listening.set_inheritable(False)
            return listening
        listening.close()
    raise ListenError(
        f"descriptor {descriptor} from systemd does not listen for TCP; give ListenStream= a port or an address"
    )


def bound_address(listening: socket.socket) -> ListenAddress:
    """The address a socket really has, with the port the system chose where 0 was asked for."""
    host, port = listening.getsockname()[:2]
    return ListenAddress("" if host in {"::", "0.0.0.0"} else host, port)


def _bind(address: ListenAddress) -> socket.socket:
    if not address.host:
        return _listen_at_first([(socket.AF_INET6, ("::", address.port)), (socket.AF_INET, ("0.0.0.0", address.port))])
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # One socket for one flag; of a name with both families the IPv4 one, as Go's exporters do it.
    family, _, _, _, place = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return _listen_at_first([(family, place)])


def _listen_at_first(places: Sequence[tuple[int, tuple[Any, ...]]]) -> socket.socket:
    """Listen at the first place whose family this machine has. That IPv6 is off shows only when one tries to bind."""
    *others, last = places
    for family, place in others:
        try:
            return _listen(family, place)
        except OSError as error:
            if error.errno not in _FAMILY_IS_OFF:
                raise
    return _listen(*last)


def _listen(family: int, place: tuple[Any, ...]) -> socket.socket:
    # The protocol is said, though there is one only: asyncio leaves Nagle's algorithm on where it is not, and then each
    # answer over a kept connection waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # All interfaces means IPv4 as well; one IPv6 address means itself.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, place[0] != "::")
        listening.bind(place)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
