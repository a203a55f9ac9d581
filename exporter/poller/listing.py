"""
Reading the list of integrations, over and over: one walk through all its pages every interval.

Decides when the list is read and when a walk is complete. What a page means is for the watcher it is given; each page
is handed over as it comes, so that a change on the first page does not wait for the last.
"""

import asyncio
from collections.abc import Callable, Mapping
from math import ceil
from typing import Protocol

from exporter.braze.gate import Gate
from exporter.braze.link import Cursor
from exporter.braze.wire import Endpoint
from exporter.clock import Clock
from exporter.domain.errors import PayloadError, PollError
from exporter.domain.listing import ListedIntegration
from exporter.domain.poll_queue import interval_in_effect, next_turn, retry_delay
from exporter.poller.list_pages import ENDLESS, MOST_PAGES, read_list_page

LONG_LIST_SECONDS = 1500.0
"""At most so long between two walks through a list that is too long to pay: an alert says after half an hour that the
list was not read."""


class ListWatcher(Protocol):
    """Who hears what the list shows."""

    def listed(self, integrations: tuple[ListedIntegration, ...]) -> None:
        """One page has come."""

    def listing_complete(self, integration_ids: frozenset[str], interval: float, *, pays: bool) -> None:
        """
        The walk has come to the end of the list; the next one begins *interval* seconds after its beginning.

        A list that does not *pay* is too long for the few integrations that are watched.
        """

    def listing_failed(self, error: PollError) -> None:
        """The walk broke off."""

    def listing_too_long(self) -> None:
        """The walk has come so far that asking each integration costs less; it goes on all the same."""


class ListingLoop:
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
        gate: Gate,
        clock: Clock,
        watcher: ListWatcher,
        interval_seconds: float,
        worth_pages: int | None,
        offset: float,
        note_anomalies: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._offset = offset
        self._gate = gate
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
        cursors: set[Cursor | None] = set()
        cursor: Cursor | None = None
        try:
            while cursor not in cursors:
                if len(cursors) == MOST_PAGES:
                    break
                if len(cursors) == self._worth_pages:
                    self._watcher.listing_too_long()
                cursors.add(cursor)
                decoded, cursor = await read_list_page(self._gate, cursor)
                if decoded.anomalies:
                    self._note_anomalies(decoded.anomalies)
                seen.update(one.integration_id for one in decoded.integrations)
                self._watcher.listed(decoded.integrations)
                if cursor is None:
                    self._failures = 0
                    allowed = self._gate.allowed(Endpoint.INTEGRATIONS)
                    interval = interval_in_effect(self._interval_seconds, len(cursors), allowed)
                    pays = self._worth_pages is None or len(cursors) <= self._worth_pages
                    if self._worth_pages is not None and not pays:
                        seldom = self._interval_seconds * ceil(len(cursors) / max(1, self._worth_pages))
                        interval = max(interval, min(seldom, LONG_LIST_SECONDS))
                    interval = max(interval, self._clock.monotonic() - began)
                    self._watcher.listing_complete(frozenset(seen), interval, pays=pays)
                    return self._next_walk(began, interval)
            raise PayloadError(f"{ENDLESS.format(pages=len(cursors))}; it is read again later")
        except PollError as error:
            self._watcher.listing_failed(error)
            self._failures += 1
            return retry_delay(self._failures, self._interval_seconds)

    def _next_walk(self, began: float, interval: float) -> float:
        """Return how long after *began* this workspace has its next turn: one interval, once it keeps its turns."""
        just_after = began + interval / 100  # a timer may fire a little early, which must not be another turn
        wait = next_turn(just_after, interval, self._offset) - began
        return wait if wait >= interval / 2 else wait + interval / 2
