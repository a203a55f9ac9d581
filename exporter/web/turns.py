"""
Whose password is checked next: the caller's who has failed least of late, so that guessing delays the guesser.

A caller is known by its address; those that share one, as behind a proxy, by the name they give as well. Whether a name
exists must not show: what counts is that it was given and refused. Knows nothing of passwords.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

T = TypeVar("T")

Rank = tuple[int, int]
"""By failures of the address, then of the name; the lowest goes first, of equal ones the first that came."""

_FORGET_SECONDS = 600.0
_MOST_KEPT = 1000
_MOST_TRUSTED = 100


class BusyError(Exception):
    """Too many wait for a turn who have failed no more often."""


class Record:
    """How often addresses and names have failed of late, and which addresses were good: the latest of each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures: dict[bytes, tuple[int, float]] = {}
        self._trusted: dict[bytes, None] = {}

    def rank(self, address: bytes, name: bytes) -> Rank:
        return self._count(address) or -(address in self._trusted), self._count(name)

    def note(self, address: bytes, name: bytes, *, good: bool) -> None:
        if good:
            _keep(self._trusted, address, None, _MOST_TRUSTED)
            return
        for key in (address, name):
            _keep(self._failures, key, (self._count(key) + 1, self._monotonic()), _MOST_KEPT)

    def _count(self, key: bytes) -> int:
        count, at = self._failures.get(key, (0, 0.0))
        return count if self._monotonic() - at < _FORGET_SECONDS else 0


class Turns:
    """One turn at a time; at most *most_waiting* wait, and the highest rank gives way."""

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._taken = False
        self._waiting: dict[asyncio.Future[None], Callable[[], Rank]] = {}

    @asynccontextmanager
    async def take(self, rank: Callable[[], Rank]) -> AsyncIterator[None]:
        """
        Have a turn, once it comes; *rank* is asked for whenever it is compared.

        Raises:
            BusyError: Others go first, and there is no more room.

        """
        if self._taken:
            await self._wait(rank)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, rank: Callable[[], Rank]) -> None:
        if len(self._waiting) >= self._most_waiting:
            last = max(reversed(self._waiting), key=lambda one: self._waiting[one]())
            if self._waiting[last]() <= rank():
                raise BusyError
            del self._waiting[last]
            last.set_exception(BusyError())
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = rank
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.pop(turn, None) is None and not turn.cancelled() and turn.exception() is None:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        if not self._waiting:
            self._taken = False
            return
        first = min(self._waiting, key=lambda one: self._waiting[one]())
        del self._waiting[first]
        first.set_result(None)


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
