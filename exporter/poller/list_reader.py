"""
Reading the list of integrations, over and over: one walk through all its pages every interval.

Decides when the list is read and when a walk is complete. What a page means is for the watcher it is given; each page
is handed over as it comes, so that a change on the first page does not wait for the last.
"""

import asyncio
from math import ceil
from typing import Protocol

from exporter.braze.api import Api
from exporter.braze.endpoints import Endpoint
from exporter.braze.observer import NoteAnomalies
from exporter.clock import Clock
from exporter.domain.errors import PollError
from exporter.domain.listing import ListedIntegration
from exporter.domain.poll_queue import interval_in_effect, next_turn, retry_delay

LONG_LIST_SECONDS = 1500.0
"""The longest time between two walks through a list that is too long to pay: an alert says after half an hour that the
list was not read."""


PATIENCE = 3
"""An integration that the list has not shown for this many intervals is polled by its own endpoint."""
FAILURES = 2
"""After this many listings that failed in a row the list is given up, and after as many polls the endpoint is in doubt:
else the integrations that rest would look healthy until something changes. A denial is enough."""


class ListWatcher(Protocol):
    """Who hears what the list shows."""

    def listed(self, integrations: tuple[ListedIntegration, ...]) -> None:
        """One page has come."""

    def listing_complete(self, integration_ids: frozenset[str], interval: float, *, pays: bool, limited: bool) -> None:
        """
        The walk has come to the end of the list; the next one begins *interval* seconds after its beginning.

        A list that does not *pay* is too long for the few integrations that are watched. *limited* when it is the
        rate limit that makes the interval longer than the configured one.
        """

    def listing_failed(self, error: PollError) -> None:
        """The walk broke off."""

    def listing_too_long(self) -> None:
        """The walk has come so far that asking each integration costs less; it goes on all the same."""


class ListReader:
    """
    Reads the list of one workspace.

    Args:
        gate: Each request takes a turn of its budget.
        clock: For the interval.
        watcher: Hears what is found.
        interval_seconds: From the start of one walk to the start of the next, as long as the budget serves it.
        offset: Where in the interval this workspace has its turn, from 0 to below 1. All workspaces are tried at the
            start, but a hundred lists read at one moment would hold up everything else for seconds each minute.
        worth_pages: With how many pages the list pays; None when it is needed whatever it costs. A longer one is read
            the more seldom the longer it is, for names and schedules.
        note_anomalies: Hears what was odd.

    """

    def __init__(
        self,
        *,
        api: Api,
        clock: Clock,
        watcher: ListWatcher,
        interval_seconds: float,
        worth_pages: int | None,
        offset: float,
        note_anomalies: NoteAnomalies,
    ) -> None:
        self._offset = offset
        self._api = api
        self._clock = clock
        self._watcher = watcher
        self._interval_seconds = interval_seconds
        self._worth_pages = worth_pages
        self._note_anomalies = note_anomalies
        self._failures = 0
        """How many walks in a row have broken off."""

    async def run(self) -> None:
        """Read the list until cancelled."""
        while True:
            began = self._clock.monotonic()
            wait = await self._walk()
            await asyncio.sleep(max(0.0, began + wait - self._clock.monotonic()))

    async def _walk(self) -> float:
        """Read the list once, and return how long after this walk's start the next one begins."""
        began = self._clock.monotonic()
        seen: set[str] = set()
        pages, read = self._api.integrations(note_anomalies=self._note_anomalies), 0
        try:
            while True:
                if read == self._worth_pages:
                    self._watcher.listing_too_long()
                page = await pages.read()
                read += 1
                seen.update(one.integration_id for one in page.decoded.integrations)
                self._watcher.listed(page.decoded.integrations)
                if page.last:
                    return self._complete(began, frozenset(seen), read, pages.waited_seconds)
        except PollError as error:
            self._watcher.listing_failed(error)
            self._failures += 1
            return retry_delay(self._failures, self._interval_seconds)

    def _complete(self, began: float, seen: frozenset[str], pages: int, waited: float) -> float:
        """
        Report a walk that came to the end of the list; return how long after *began* the next one begins.

        It *waited* for that many seconds for turns.
        """
        self._failures, took = 0, self._clock.monotonic() - began
        interval = interval_in_effect(self._interval_seconds, pages, self._api.allowed(Endpoint.INTEGRATIONS))
        pays = self._worth_pages is None or pages <= self._worth_pages
        if self._worth_pages is not None and not pays:
            seldom = self._interval_seconds * ceil(pages / max(1, self._worth_pages))
            interval = max(interval, min(seldom, LONG_LIST_SECONDS))
        limited = took <= interval or waited > took / 2
        interval = max(interval, took)
        self._watcher.listing_complete(seen, interval, pays=pays, limited=limited)
        return self._next_walk(began, interval)

    def _next_walk(self, began: float, interval: float) -> float:
        """Return how long after *began* this workspace has its next turn: one interval, once it keeps its turns."""
        just_after = began + interval / 100  # a timer may fire a little early, which must not be another turn
        wait = next_turn(just_after, interval, self._offset) - began
        return wait if wait >= interval / 2 else wait + interval / 2


class EndpointHealth:
    """Whether the endpoint of single integrations answers; while that is in doubt, the list stands for no poll."""

    def __init__(self) -> None:
        self.in_doubt = False
        self._failures = 0

    def succeed(self) -> None:
        """Note a good poll."""
        self._failures, self.in_doubt = 0, False

    def fail(self, *, retryable: bool) -> bool:
        """Note a failed poll; return whether the endpoint is now in doubt and was not before."""
        self._failures += 1
        before, self.in_doubt = self.in_doubt, self.in_doubt or not retryable or self._failures >= FAILURES
        return self.in_doubt and not before


class ListHealth:
    """Whether the list can be relied on to show each integration's latest sync. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.interval: float | None = None
        """From one whole listing to the next; None while the list cannot be relied on."""
        self.is_limited = False
        """Whether it is the rate limit that makes it longer than the configured one."""
        self.failing = False
        """Whether the latest listing failed."""
        self.pays = True
        """Whether the list is short enough to be read every interval."""
        self._failures = 0
        self._period = 0.0

    def complete(self, interval: float, *, pays: bool, limited: bool) -> None:
        """Note that the list was read to its end, and how long it takes until it is again."""
        self.interval = interval if pays else None
        self.is_limited = limited
        self.pays = pays
        self._period = interval
        self._failures = 0
        self.failing = False

    def fail(self, *, retryable: bool) -> bool:
        """Note that the list could not be read; return whether it is given up."""
        self.failing = True
        self._failures += 1
        if self._failures >= FAILURES or not retryable:
            self.interval = None
        return self.interval is None

    def give_up(self) -> None:
        """Note that the list costs more than it is worth."""
        self.interval = None
        self.pays = False

    def forgets(self, listed_at: float, now: float, stale_after: float) -> bool:
        """Whether what the list said of an integration is too old to be known, even for a list that is read seldom."""
        return listed_at < now - max(stale_after, PATIENCE * self._period)

    def covers(self, listed_at: float, now: float) -> bool:
        """Whether the list shows an integration often enough to leave its own endpoint alone."""
        return self.interval is not None and listed_at >= now - PATIENCE * self.interval
