"""
Whose password is checked next: the caller's who has failed least of late, so that guessing delays the guesser.

A caller is known by its address; those that share one, as behind a proxy, by the name they give as well. Whether a name
exists must not show: what counts is that it was given and refused. Knows nothing of passwords.
"""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from exporter.turns import Rank

T = TypeVar("T")

_FORGET_SECONDS = 600.0
_MOST_KEPT = 1000
_MOST_TRUSTED = 100


class Record:
    """How often addresses and names have failed of late, and which addresses were good: the latest of each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures: dict[bytes, tuple[int, float]] = {}
        self._trusted: dict[bytes, None] = {}

    def rank(self, address: bytes, name: bytes) -> Rank:
        """Return whose password is checked next: by failures of the address, then of the name."""
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
