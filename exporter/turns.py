"""
Turns at something of which there are few places: of those who wait, the one with the lowest rank is next.

Who comes first by rank is the business of those who take turns: passwords are checked by failures of the caller,
requests to Braze are sent by whether it answers.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Rank = tuple[int, ...]
_BEGIN_SECONDS = 0.003
"""333 a second: more than the budgets of a hundred workspaces allow (200), and nearly what one core can handle."""


class BusyError(Exception):
    """Others go first, and too many wait."""


class Pace:
    """
    Spaces out the start of work, one piece at a time.

    What begins in one go goes on in step, so that each round of the event loop takes as long as all of it, and a
    scrape, which takes some rounds, waits for seconds.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(1)

    async def begin(self) -> None:
        """Wait until it is time to."""
        await self._free.acquire()
        asyncio.get_running_loop().call_later(_BEGIN_SECONDS, self._free.release)


class Turns:
    """At most *places* have a turn and at most *most_waiting* wait; then the highest rank gives way."""

    def __init__(self, places: int, most_waiting: int = sys.maxsize) -> None:
        self._places = places
        self._most_waiting = most_waiting
        self._taken = 0
        self._waiting: dict[asyncio.Future[None], Callable[[], Rank]] = {}

    def resize(self, places: int) -> None:
        """Have another number of places; who has a turn keeps it."""
        self._places = places
        for _ in range(min(places - self._taken, len(self._waiting))):
            self._taken += 1
            self._hand_on()

    @asynccontextmanager
    async def take(self, rank: Callable[[], Rank]) -> AsyncIterator[None]:
        """
        Have a turn, once it comes; *rank* is asked for whenever it is compared.

        Raises:
            BusyError: Others go first, and there is no more room.

        """
        if self._taken < self._places:
            self._taken += 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, rank: Callable[[], Rank]) -> None:
        if len(self._waiting) >= self._most_waiting:
            last = max(reversed(self._waiting), key=lambda one: self._waiting[one]())
            if self._waiting[last]() <= rank():
                raise BusyError
            del self._waiting[last]
            if not last.done():
                last.set_exception(BusyError())
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = rank
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.pop(turn, None) is None and not turn.cancelled() and turn.exception() is None:
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        """Give a place that is taken to the next, if it is there still."""
        waiting = [one for one in self._waiting if not one.done()]  # one who has given up may not have left yet
        if not waiting or self._taken > self._places:
            self._taken -= 1
            return
        first = min(waiting, key=lambda one: self._waiting[one]())
        del self._waiting[first]
        first.set_result(None)
