"""
The poll loop of one workspace: start what is due as far as the rate limit allows, and live on whatever happens.

Decides nothing about due times or rate limits: `domain/poll_queue.py` and `domain/rate_limit.py` do. What a poll is, it
is given.
A crash of the loop ends its polls; `Supervised` starts it again. `Readiness` knows what has been tried.
"""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from exporter.braze.api import Api
from exporter.braze.endpoints import Endpoint
from exporter.clock import Clock
from exporter.domain.interval import latest_share
from exporter.domain.poll_queue import PollQueue

POLLS_AT_A_TIME = 10
"""Polls under way in one workspace, so that a few hanging requests do not hold up the others."""
PROMPT_SECONDS = 1.0
"""A poll that takes longer makes room for another beside it."""
LONGEST_NAP_SECONDS = 300.0
"""The loop looks up at least this often, so that what has changed elsewhere is noticed."""
RESTART_SECONDS = 10.0
"""Between a crash and the restart."""
HANGS_AFTER_SECONDS = 60.0
"""A loop that is so late to look up hangs."""


class PollLoop:
    """
    Runs *poll* for each integration whenever it is due.

    Args:
        queue: Whose turn it is; `poll` gives each its next turn.
        api: Each start of a poll takes a turn of its budget.
        poll: Polls the integration with this id, its first request's turn being taken. Must not raise.
        clock: For due times.
        log: Bound to the workspace.
        at_once: Polls that are under way while all are prompt.

    """

    def __init__(
        self,
        queue: PollQueue,
        api: Api,
        poll: Callable[[str, bool], Awaitable[None]],
        clock: Clock,
        log: FilteringBoundLogger,
        *,
        at_once: int = POLLS_AT_A_TIME,
    ) -> None:
        self._queue = queue
        self._api = api
        self._poll = poll
        self._clock = clock
        self._log = log
        self._at_once = at_once
        self._under_way: dict[asyncio.Task[None], float] = {}
        """When each began, in this order."""
        self._halted: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._looks_up_at: float | None = None
        self._share, self._throttled, self._since = 0.0, False, clock.monotonic()
        """What `throttled_share` was, and since when polls that are due wait for turns, or do not."""

    @property
    def throttled_share(self) -> float:
        """How much of the latest while polls that were due waited for turns, from 0 to 1."""
        return latest_share(self._share, self._clock.monotonic() - self._since, held=self._throttled)

    def unhealthy(self) -> str | None:
        """Why the loop seems to hang; None when it does not. Braze has no part in it."""
        if self._looks_up_at is None:
            return None
        late = self._clock.monotonic() - self._looks_up_at
        return f"the poll loop should have moved {late:.0f} s ago" if late > HANGS_AFTER_SECONDS else None

    async def run(self) -> None:
        """Poll until cancelled, or until a defect ends it; the polls under way end with it."""
        try:
            await self._loop()
        finally:
            await self._cancel_polls()

    def wake(self) -> None:
        """Look at the queue now: an integration has become due."""
        self._wake.set()

    def halt(self) -> None:
        """Cancel the polls under way: none goes on, not even one whose answer is here."""
        for task in self._under_way.keys() - self._halted:  # a second time would interrupt the closing of connections
            task.cancel()
        self._halted |= self._under_way.keys()

    async def _cancel_polls(self) -> None:
        self.halt()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            nap, throttled = self._start_polls()
            began = self._clock.monotonic()
            self._share, self._throttled, self._since = self.throttled_share, throttled, began
            self._looks_up_at = began + min(nap, LONGEST_NAP_SECONDS)
            try:
                async with asyncio.timeout_at(self._looks_up_at):
                    await self._wake.wait()
            except TimeoutError:
                pass
            if throttled:
                self._api.note_throttled(Endpoint.JOB_SYNC_STATUS, self._clock.monotonic() - began)

    def _start_polls(self) -> tuple[float, bool]:
        """
        Start what is due, as far as the budget allows.

        Returns the seconds until there may be more to do, and whether it is the budget that something due waits for.
        """
        while len(self._under_way) < POLLS_AT_A_TIME:
            due = self._queue.next_due()
            if due is None:
                break
            now = self._clock.monotonic()
            if due > now:
                return due - now, False
            if (wait := self._room_in(now)) > 0:
                return wait, False
            # What is not sent takes no turn from what can be sent later.
            blocked = self._api.is_blocked(Endpoint.JOB_SYNC_STATUS)
            if not blocked and (wait := self._api.try_turn(Endpoint.JOB_SYNC_STATUS)) > 0:
                return wait, True
            self._start(self._queue.take(), turn_taken=not blocked)
        return LONGEST_NAP_SECONDS, False

    def _room_in(self, now: float) -> float:
        """Return the seconds until there may be one more poll beside those under way; an end of one wakes the loop."""
        if len(self._under_way) < self._at_once:
            return 0
        return list(self._under_way.values())[-self._at_once] + PROMPT_SECONDS - now

    def _start(self, key: str, *, turn_taken: bool) -> None:
        task = asyncio.ensure_future(self._poll(key, turn_taken))
        self._under_way[task] = self._clock.monotonic()
        task.add_done_callback(lambda _: self._ended(key, task))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._halted.discard(task)
        self._queue.give_back(key, self._clock.monotonic())
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("poll crashed; this is a defect of the exporter", exc_info=error)


class Supervised:
    """
    Runs *body* until cancelled, and again after a crash.

    Args:
        name: What the loop is called in the log and in `/-/healthy`.
        body: Runs until cancelled.
        log: Bound to the workspace.

    """

    def __init__(self, name: str, body: Callable[[], Awaitable[None]], log: FilteringBoundLogger) -> None:
        self._name = name
        self._body = body
        self._log = log
        self._crash: str | None = None

    def unhealthy(self) -> str | None:
        """Why the loop does not run at this moment; None when it does."""
        if self._crash is None:
            return None
        return f"the {self._name} loop crashed ({self._crash}) and will be restarted; the log has the traceback"

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            self._crash = None
            try:
                await self._body()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop must go on
                self._crash = type(error).__name__
                self._log.error("loop crashed", loop=self._name, exc_info=error, restart_in_seconds=RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)


class Loops:
    """The loops of one workspace: they begin together, after *at_start*, and end together, after *at_halt*."""

    def __init__(self, *loops: Supervised, at_start: Callable[[], None], at_halt: Callable[[], None]) -> None:
        self._loops = loops
        self._at_halt = at_halt
        self._at_start = at_start
        self._tasks: list[asyncio.Task[None]] = []

    def unhealthy(self) -> tuple[str | None, ...]:
        """Why each does not run at this moment; None when it does."""
        ended = "polling has ended" if any(task.done() for task in self._tasks) else None
        return ended, *(loop.unhealthy() for loop in self._loops)

    def start(self) -> None:
        self._at_start()
        self._tasks = [asyncio.create_task(loop.run()) for loop in self._loops]

    def halt(self) -> None:
        """Let nothing that is under way take effect any more, not even a poll whose answer is here."""
        self._at_halt()
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait for the end of all that `halt` has cancelled."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run(self) -> None:
        """Start, and halt when cancelled."""
        self.start()
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.halt()
            await self.ended()


class Readiness:
    """Which integrations, and whether the list, are still to be tried for the first time."""

    def __init__(self) -> None:
        self.any = False
        """Whether anything has been tried."""
        self.all = asyncio.Event()
        """Set once the list was tried and every integration has been polled."""
        self.outstanding: set[str] = set()
        """Integrations that have not been polled yet."""
        self._list_tried = False

    def expect(self, integration_id: str) -> None:
        """Take in an integration that is to be polled."""
        self.outstanding.add(integration_id)

    def note(self, integration_id: str) -> None:
        """Note that an integration was polled, or that it is gone."""
        self.any = True
        self.outstanding.discard(integration_id)
        self._look()

    def note_list(self) -> None:
        """Note that the list was read, or could not be."""
        self.any = self._list_tried = True
        self._look()

    def _look(self) -> None:
        if self._list_tried and not self.outstanding:
            self.all.set()
