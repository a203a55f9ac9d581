"""
Whether a name and a password belong together, by bcrypt.

A check takes 50 to 250 ms of one core on purpose. So it happens in a worker thread, one at a time, with few allowed to
wait: whoever tries passwords occupies one thread and nothing else. A pair that was good is remembered, so that a
scraper pays once; what is remembered is a digest under a key of this process, never a password. It holds only for the
hash it was checked against: a password that is changed counts at once.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import bcrypt

_MOST_REMEMBERED = 100
_MOST_WAITING = 32
_MOST_BYTES = 72
"""Of a longer password bcrypt takes so many bytes; the Python library wants to be told, Go's and Apache's do not."""
_COST = slice(4, 6)
"""Where a hash such as `$2y$10$...` has its cost, two digits."""


class Hidden(Protocol):
    """A bcrypt hash that shows itself to no log and no repr."""

    def get_secret_value(self) -> bytes: ...


class BusyError(Exception):
    """Too many passwords wait to be checked."""


class Passwords:
    """Checks passwords against *users*, which is asked at every check: name to hash, not empty."""

    def __init__(self, users: Callable[[], Mapping[str, Hidden]]) -> None:
        self._users = users
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._digest_key = secrets.token_bytes(32)
        self._good: dict[bytes, None] = {}
        """Digests of good pairs, the least recently used first."""

    async def check(self, name: str, password: bytes) -> bool:
        """
        Whether *name* is a user whose password this is.

        Raises:
            BusyError: It is not known at once, and too many wait already.

        """
        hashes = {user: hidden.get_secret_value() for user, hidden in self._users().items()}
        # For an unknown name a password is checked as well: the time must not tell which names there are.
        hashed = hashes.get(name) or _costliest(hashes.values())
        pair = self._digest(name, password, hashed)
        if self._recall(pair):
            return True
        if self._waiting >= _MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                if self._recall(pair):
                    return True
                matches = await asyncio.to_thread(_matches, password, hashed)
        finally:
            self._waiting -= 1
        good = matches and name in hashes
        if good:
            self._remember(pair)
        return good

    def _digest(self, *parts: str | bytes) -> bytes:
        encoded = [part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in parts]
        digest = hashlib.blake2b(key=self._digest_key)
        for part in encoded:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    def _recall(self, pair: bytes) -> bool:
        if pair not in self._good:
            return False
        self._good[pair] = self._good.pop(pair)
        return True

    def _remember(self, pair: bytes) -> None:
        self._good[pair] = None
        if len(self._good) > _MOST_REMEMBERED:
            del self._good[next(iter(self._good))]


def _costliest(hashes: Iterable[bytes]) -> bytes:
    return max(hashes, key=lambda one: one[_COST])


def _matches(password: bytes, hashed: bytes) -> bool:
    return bcrypt.checkpw(password[:_MOST_BYTES], hashed)
