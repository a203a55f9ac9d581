"""
Histories of syncs for tests of the ledger: short to write down, and walked as Braze would page them.

Times are minutes after a fixed morning; `minute(5)` is 00:05. `walk` does what the poller does, without its I/O.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from exporter.domain.ledger import Ledger, Page, Walk, absorb, break_off
from exporter.domain.model import Sync, SyncStatus

MORNING = datetime(2026, 3, 1, tzinfo=UTC)
PAGE_SIZE = 10


def minute(number: float) -> datetime:
    return MORNING + timedelta(minutes=number)


def ended(start: float, status: SyncStatus = SyncStatus.SUCCESS, *, rows: int = 1, failed: int = 0) -> Sync:
    """A sync that took thirty seconds."""
    finish = minute(start + 0.5)
    return Sync(minute(start), status, finish, finish - timedelta(hours=1), rows, failed)


def running(start: float) -> Sync:
    return Sync(minute(start), SyncStatus.RUNNING)


def latest_first(*syncs: Sync) -> tuple[Sync, ...]:
    return tuple(sorted(syncs, key=lambda sync: sync.sync_start_time, reverse=True))


def page_of(history: Sequence[Sync], number: int) -> Page:
    """One page of ten; *history* has the latest first."""
    start = number * PAGE_SIZE
    return Page(tuple(history[start : start + PAGE_SIZE]), last=start + PAGE_SIZE >= len(history))


class Account:
    """A ledger, and what has come of it."""

    def __init__(self, *, max_pages: int = 20) -> None:
        self.ledger: Ledger | None = None
        self.counted: list[Sync] = []
        self.pages = 0
        """Read by the latest poll."""
        self._max_pages = max_pages

    @property
    def known(self) -> Ledger:
        assert self.ledger is not None
        return self.ledger

    @property
    def starts(self) -> list[datetime]:
        """The starts of what was counted, in order of counting."""
        return [sync.sync_start_time for sync in self.counted]

    def poll(
        self,
        history: Iterable[Sync],
        now: float,
        *,
        fails_at: int | None = None,
        blame_page: bool = True,
        between: Callable[[int], Iterable[Sync]] | None = None,
    ) -> None:
        """
        Walk a history as the poller would.

        Args:
            history: What Braze has, the latest first.
            now: Minutes.
            fails_at: The page (from 0) that does not come.
            blame_page: Whether that is the page's fault.
            between: What Braze has by the time page n is asked for, instead.

        """
        walk: Walk | None = Walk()
        self.pages = 0
        while walk is not None:
            if self.pages == fails_at:
                if self.ledger is not None and self.pages:
                    self.ledger = break_off(self.ledger, walk, now=minute(now), blame_page=blame_page)
                return
            present = tuple(between(self.pages) if between else history)
            page = page_of(present, self.pages)
            step = absorb(self.ledger, walk, page, now=minute(now), max_pages=self._max_pages)
            self.ledger, walk = step.ledger, step.walk
            self.counted += step.counted
            self.pages += 1
