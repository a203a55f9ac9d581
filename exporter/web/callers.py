"""
Whose password is checked next: the caller's who has failed least of late, so that guessing delays the guesser.

A caller is known by its address; those that share one, as behind a proxy, by the address that the proxy forwards, and
by the name they give. Where all that is the same, who asked first is next: one who comes again goes before new guesses.
Whether a name exists must not show: what counts is that it was given and refused. Knows nothing of passwords.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import count
from typing import TypeVar

from exporter.turns import Rank

T = TypeVar("T")

_FORGET_SECONDS = 600.0
_MOST_KEPT = 1000
_MOST_TRUSTED = 100
_MOST_AWAITED = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in digests."""

    addresses: tuple[bytes, ...]
    """Of the connection first, which is sure."""
    name: bytes


class Record:
    """How often addresses and names have failed of late, and which addresses were good: the latest of each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures: dict[bytes, tuple[int, float]] = {}
        self._trusted: dict[bytes, None] = {}
        self._waiting = Counter[bytes]()

    @contextmanager
    def waiting(self, caller: Caller) -> Iterator[None]:
        """Let one who waits count as a failure for the others of its address or name: a crowd comes after one alone."""
        keys = (*caller.addresses, caller.name)
        self._waiting.update(keys)
        try:
            yield
        finally:
            self._waiting -= Counter(keys)

    def rank(self, caller: Caller) -> Rank:
        """Return whose password is checked next: by failures of the addresses, then of the name."""
        addresses = (self._crowd(address) or -(address in self._trusted) for address in caller.addresses)
        return *addresses, self._crowd(caller.name)

    def note(self, caller: Caller, *, good: bool) -> None:
        for address in caller.addresses if good else ():
            self._failures.pop(address, None)  # some of them may have been good, but not checked in time
            _keep(self._trusted, address, None, _MOST_TRUSTED)
        for key in () if good else (*caller.addresses, caller.name):
            _keep(self._failures, key, (self._count(key) + 1, self._monotonic()), _MOST_KEPT)

    def _crowd(self, key: bytes) -> int:
        return self._count(key) + max(0, self._waiting[key] - 1)

    def _count(self, key: bytes) -> int:
        count, at = self._failures.get(key, (0, 0.0))
        return count if self._monotonic() - at < _FORGET_SECONDS else 0


class Queue:
    """Since when each has been asking, of those that asked latest."""

    def __init__(self) -> None:
        self._since: dict[bytes, int] = {}
        self._numbers = count()

    def join(self, key: bytes) -> int:
        """Return a number that is lower for those who have been asking for longer."""
        number = self._since[key] if key in self._since else next(self._numbers)
        _keep(self._since, key, number, _MOST_AWAITED)
        return number

    def leave(self, key: bytes) -> None:
        """Who asks again after this is new."""
        self._since.pop(key, None)


def group(host: str) -> str:
    """Return the address that stands for a caller's: of IPv6 the network, of which a caller may have every address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
    return host


def _keep(kept: dict[bytes, T], key: bytes, value: T, most: int) -> None:
    """Keep the latest."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
