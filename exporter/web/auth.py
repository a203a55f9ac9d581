"""
Basic authentication in front of every path, the probes included, as exporter-toolkit does.

Checking a password by bcrypt takes 50 to 250 ms of one core on purpose. It happens in a worker thread, one at a time;
`callers.py` says whose is next, so that one who guesses waits for everybody else. A valid pair is remembered, so that a
scraper pays once; only a digest under a key of this process is kept, never a password. It is bound to the hash it was
checked against, so a changed password takes effect at once.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import bcrypt
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.turns import BusyError, Turns
from exporter.web.callers import Record, group
from exporter.web.negotiate import plain
from exporter.worker import Worker

_ASK = {"www-authenticate": 'Basic realm="braze-cdi-exporter", charset="UTF-8"'}


_MOST_REMEMBERED = 100
_MOST_WAITING = 32
_MOST_BYTES = 72
"""bcrypt ignores the rest of a longer password. The Python library raises instead; Go's and Apache's truncate."""
_COST = slice(4, 6)
"""Where a hash such as `$2y$10$...` has its cost, two digits."""


class Hidden(Protocol):
    """A bcrypt hash that does not appear in a log or repr."""

    def get_secret_value(self) -> bytes: ...


class Passwords:
    """Checks passwords against *users*, which is asked at every check: name to hash, not empty."""

    def __init__(
        self, users: Callable[[], Mapping[str, Hidden]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._users = users
        self._turns = Turns(1, _MOST_WAITING)
        self._record = Record(monotonic)
        self._worker = Worker("passwords")
        self._digest_key = secrets.token_bytes(32)
        self._good: dict[bytes, None] = {}
        """Digests of good pairs, the least recently used first."""

    async def check(self, name: str, password: bytes, host: str = "") -> bool:
        """
        Whether *name* is a user whose password this is, as one at *host* says.

        Raises:
            BusyError: The pair is not remembered, and too many wait who have failed no more often.

        """
        hashes = {user: hidden.get_secret_value() for user, hidden in self._users().items()}
        # For an unknown name a password is checked as well: the time must not reveal which names exist.
        costliest = _costliest(hashes.values())
        hashed = hashes.get(name, costliest)
        pair = self._digest(name, password, hashed)
        caller = self._digest("address", group(host)), self._digest("name", name)
        if self._recall(pair):
            return True
        async with self._turns.take(lambda: self._record.rank(*caller)):
            if self._recall(pair):
                return True
            matches = await self._worker.run(lambda: _matches(password, hashed, costliest))
            good = matches and name in hashes
            self._record.note(*caller, good=good)
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


def _matches(password: bytes, hashed: bytes, costliest: bytes) -> bool:
    """Whether this is the password; a refusal takes as long as one by the costliest hash, as 2^a + 2^a + ... = 2^b."""
    password = password[:_MOST_BYTES]
    if bcrypt.checkpw(password, hashed):
        return True
    for cost in range(int(hashed[_COST]), int(costliest[_COST])):
        bcrypt.checkpw(password, b"%b%02d%b" % (hashed[: _COST.start], cost, hashed[_COST.stop :]))
    return False


class BasicAuth:
    """*app* for *users*, which maps each name to the bcrypt hash of its password. Without users, for everyone."""

    def __init__(self, app: ASGIApp, users: Callable[[], Mapping[str, Hidden]]) -> None:
        self._app = app
        self._users = users
        self._passwords = Passwords(users)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if self._users():
            given = _read_credentials(Headers(scope=scope).get("authorization", ""))
            host = (scope.get("client") or ("",))[0]
            try:
                if given is None or not await self._passwords.check(*given, host):
                    answer = plain("This exporter asks for a name and a password.\n", 401, _ASK)
            except BusyError:
                answer = plain("Too many passwords are being checked: try again.\n", 503, {"retry-after": "1"})
        await answer(scope, receive, send)


def _read_credentials(header: str) -> tuple[str, bytes] | None:
    """Name and password as `Authorization` has them; None when it has none that can be read."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return None
    name, colon, password = decoded.partition(b":")
    return (name.decode("utf-8", "surrogateescape"), password) if colon else None
