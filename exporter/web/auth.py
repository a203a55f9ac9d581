"""
Basic authentication in front of every path, the probes included, as exporter-toolkit does.

Checking a password by bcrypt takes 50 to 250 ms of one core on purpose. It happens in a worker thread, one at a time,
and only for names that exist; `callers.py` says whose is next. It goes on when its caller has been turned away, and a
good pair is remembered: one who comes again is let in, and a scraper pays once. Only a digest under a key of this
process is kept, never a password. It is bound to the hash it was checked against, so a changed password takes effect
at once. Of wrong ones four bytes of the digest are kept for a while, to tell who comes again.

When a refusal is given depends on who asks by what name and when, never on which names and hashes exist.
"""

import asyncio
import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import bcrypt
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.turns import BusyError, Turns
from exporter.web.callers import Caller, Queue, Record, group
from exporter.web.negotiate import plain
from exporter.worker import Worker

_ASK = {"www-authenticate": 'Basic realm="braze-cdi-exporter", charset="UTF-8"'}


_MOST_REMEMBERED = 100
_MOST_CHECKS = 16
"""Passwords to be checked: one who comes by the address and for the name of a guesser waits for all of them."""
_MOST_REFUSALS = 32
"""Refusals to be given."""
_CROWD = 3
_REFUSE_SECONDS = 0.25
_REFUSE_CHECKS = _CROWD + 1
"""A refusal takes as long as this number of checks and a moment: unless there is a crowd, all are done by then."""
_MOST_REFUSE_SECONDS = 5.0
"""And as much longer as the crowd's checks would take, but no more than this."""
_MOST_BYTES = 72
"""bcrypt ignores the rest of a longer password. The Python library raises instead; Go's and Apache's truncate."""
_TAG_BYTES = 4
"""Of a pair's digest, to tell who comes again: with two, one of ten new guesses would pass for an old one."""
_COST = slice(4, 6)
"""Where a hash such as `$2y$10$...` has its cost, two digits."""


class Hidden(Protocol):
    """A bcrypt hash that does not appear in a log or repr."""

    def get_secret_value(self) -> bytes: ...


class Passwords:
    """Checks passwords against *users*, which is asked at every check: name to hash, not empty."""

    def __init__(
        self,
        users: Callable[[], Mapping[str, Hidden]],
        monotonic: Callable[[], float] = time.monotonic,
        worker: Worker | None = None,
    ) -> None:
        self._users = users
        self._turns = Turns(1, _MOST_CHECKS)
        self._refusals = Turns(0, _MOST_REFUSALS)
        """Nobody's turn comes: each waits until its time is over, or until it must make room."""
        self._refused = 0
        self._record = Record(monotonic)
        self._unchecked, self._asking = Queue(), Queue()
        """The first decides whose check is next, and is left with it; the second whose refusal is, and hides checks."""
        self._worker = worker or Worker("passwords")
        self._digest_key = secrets.token_bytes(32)
        self._good: dict[bytes, None] = {}
        """Digests of good pairs, the least recently used first."""
        self._checks: dict[bytes, asyncio.Task[None]] = {}
        """Those under way, by the digest of the pair."""
        self._measured: dict[bytes, asyncio.Task[float]] = {}
        """How many seconds a check by the costliest hash takes."""

    async def check(self, name: str, password: bytes, *hosts: str) -> bool:
        """
        Whether *name* is a user whose password this is; *hosts* tell who asks, and for whom.

        Raises:
            BusyError: It is not known yet, and too many wait who have failed no more often: come again.

        """
        hashes = {user: hidden.get_secret_value() for user, hidden in self._users().items()}
        hashed = hashes.get(name)
        pair = self._digest(name, password, hashed or b"")
        if self._recall(pair):
            return True
        caller = self._identify(name, hosts)
        refusal = asyncio.create_task(self._wait_for_refusal(pair, caller, _costliest(hashes.values())))
        busy = False
        try:
            if hashed is not None:
                check = self._begin_check(pair, password, hashed, caller)
                await asyncio.wait((check, refusal), return_when=asyncio.FIRST_COMPLETED)
            if pair not in self._good:
                busy = await refusal
        finally:
            refusal.cancel()
        if self._recall(pair):
            self._record.note(caller, good=True)
            return True
        if busy:
            raise BusyError
        return False

    def _identify(self, name: str, hosts: Sequence[str]) -> Caller:
        groups = [group(host) for host in hosts]
        addresses = (self._digest("address", *groups[: count + 1]) for count in range(len(groups)))
        return Caller(tuple(addresses), self._digest("name", name))

    async def _wait_for_refusal(self, pair: bytes, caller: Caller, costliest: bytes) -> bool:
        """Wait as long as a refusal takes. Returns whether that was too short, or the crowd too large, for a check."""
        self._refused += 1
        since = self._asking.join(pair[:_TAG_BYTES])
        try:
            with self._record.waiting(caller):
                one = await self._measure(costliest)
                crowd = min(_MOST_REFUSE_SECONDS, one * self._refused)
                seconds = _REFUSE_SECONDS + _REFUSE_CHECKS * one + crowd
                async with asyncio.timeout(seconds), self._refusals.take(lambda: (*self._record.rank(caller), since)):
                    pass
        except TimeoutError:
            self._record.note(caller, good=False)
            return self._refused > _CROWD
        except BusyError:
            return True
        finally:
            self._refused -= 1
        return True

    async def _measure(self, costliest: bytes) -> float:
        if costliest not in self._measured:
            measuring = self._worker.run(lambda: _time_check(costliest))
            self._measured = {costliest: asyncio.ensure_future(measuring)}
        return await asyncio.shield(self._measured[costliest])

    def _begin_check(self, pair: bytes, password: bytes, hashed: bytes, caller: Caller) -> asyncio.Task[None]:
        """Check a pair, unless that is under way. It ends with the pair remembered if it is good."""
        tag = pair[:_TAG_BYTES]
        since = self._unchecked.join(tag)

        async def check() -> None:
            with contextlib.suppress(BusyError):
                async with self._turns.take(lambda: (*self._record.rank(caller), since)):
                    self._unchecked.leave(tag)
                    if await self._worker.run(lambda: bcrypt.checkpw(password[:_MOST_BYTES], hashed)):
                        self._remember(pair)

        if pair not in self._checks:
            self._checks[pair] = asyncio.create_task(check())
            self._checks[pair].add_done_callback(lambda _: self._checks.pop(pair))
        return self._checks[pair]

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


def _time_check(hashed: bytes) -> float:
    began = time.monotonic()
    bcrypt.checkpw(b"", hashed)
    return time.monotonic() - began


class BasicAuth:
    """*app* for *users*, which maps each name to the bcrypt hash of its password. Without users, for everyone."""

    def __init__(
        self, app: ASGIApp, users: Callable[[], Mapping[str, Hidden]], passwords: Passwords | None = None
    ) -> None:
        self._app = app
        self._users = users
        self._passwords = passwords or Passwords(users)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if self._users():
            headers = Headers(scope=scope)
            given = _read_credentials(headers.get("authorization", ""))
            # A proxy has written the last entry; one who asks without it can but make up names for itself.
            forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            hosts = (scope.get("client") or ("",))[0], forwarded
            try:
                if given is None or not await self._passwords.check(*given, *hosts):
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
