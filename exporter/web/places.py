"""
Places for answers that are large: a few at a time, so that memory is bounded whatever clients do.

A client that does not read would keep its place until its connection's deadline. So when all places are taken, the one
whose client has taken nothing for the longest time makes room, if that is more than a moment; one that reads stays.
Of those that wait the latest is next, and of those under way its answer is made first: behind a crowd that does not
read, nobody would have a turn in time. Knows nothing of what is sent.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.turns import Turns
from exporter.web.negotiate import plain
from exporter.worker import Worker

STALLED_SECONDS = 0.5
"""After this long a client that has not taken the latest slice makes room for one that waits."""
_PATIENCE_SECONDS = 5.0
"""How long one waits for a place."""
_LOOK_SECONDS = 0.05
_SLICE_BYTES = 256 * 1024
"""An answer is handed to the connection in slices of this size: as much of it waits for a client, not all."""
_ASKED = "exporter.asked"
"""The key of a scope that has the number of the request; a later one has a greater one."""
_numbers = count()


@dataclass(slots=True, eq=False)
class _Place:
    task: "asyncio.Task[object] | None"
    waits_since: float | None = None
    """For its client to take a slice; None while the answer is being made."""


class Places:
    """*app*, with at most *limit* answers under way; the next one waits a little, and is then asked to come again."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._taken: set[_Place] = set()
        self._waiting: list[object] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_ASKED] = next(_numbers)
        async with self._place() as place:
            if place is None:
                text = f"{self._limit} such answers are under way already: try again in a moment.\n"
                await plain(text, 503, {"retry-after": "1"})(scope, receive, send)
                return

            async def send_in_slices(message: Message) -> None:
                body, more = message.get("body", b""), message.get("more_body", False)
                for start in range(0, len(body), _SLICE_BYTES):
                    part = body[start : start + _SLICE_BYTES]
                    place.waits_since = asyncio.get_running_loop().time()
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                place.waits_since = None if more else asyncio.get_running_loop().time()
                if not body or not more:
                    # Waits until the connection has little left to send, so that the place is kept as long as memory.
                    await send({**message, "body": b""} if body else message)

            await self._app(scope, receive, send_in_slices)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[_Place | None]:
        place = _Place(asyncio.current_task()) if await self._wait_for_room() else None
        if place is not None:
            self._taken.add(place)
        try:
            yield place
        finally:
            self._taken.discard(place)

    async def _wait_for_room(self) -> bool:
        loop, own = asyncio.get_running_loop(), object()
        until = loop.time() + _PATIENCE_SECONDS
        self._waiting.append(own)
        try:
            while not self._has_room(later=len(self._waiting) - 1 - self._waiting.index(own), now=loop.time()):
                if loop.time() >= until:
                    return False
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._waiting.remove(own)
        return True

    def _has_room(self, *, later: int, now: float) -> bool:
        """Whether there is a place for one who waits when *later* ones, who go first, have theirs."""
        return len(self._taken) + later < self._limit or (not later and self._make_room(now))

    def _make_room(self, now: float) -> bool:
        waiting = [(place.waits_since, place) for place in self._taken if place.waits_since is not None]
        if not waiting:
            return False  # a client whose answer is still being made is not silent
        since, slowest = min(waiting, key=lambda pair: pair[0])
        if now - since < STALLED_SECONDS or slowest.task is None:
            return False
        slowest.task.cancel()  # uvicorn then closes the connection
        self._taken.discard(slowest)
        return True


class Maker:
    """A thread that makes answers, or parts of them, one at a time; *party* names it."""

    def __init__(self, party: str) -> None:
        self._worker = Worker(party)
        self._turns = Turns(1)

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[Callable[[Callable[[], Any]], Awaitable[Any]]]:
        """Wait until no later request than this one waits, and yield what does a job in the thread."""
        async with self._turns.take(lambda: (-request.scope[_ASKED],)):
            yield self._worker.run
