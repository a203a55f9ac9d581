"""
Learns what is normal for the integrations of one workspace, one after another, beside the polls.

After each sync that was added to a past its latest syncs are compared with what is normal; limits are learned again
when contract 7.1 says so, and while the history is being read, whenever twice as much is known and at its end. Where a
past was lost, what was learned stays until the history has been read again. Learning begins once everything has been
polled; the work is done off the event loop, at the pace of who does it. What was learned is kept, so that after a
restart the verdict is there at once. Decides nothing about limits: `domain/learned.py` does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from exporter.clock import Clock
from exporter.domain.integration_state import IntegrationState
from exporter.domain.learned import Learned, compare, learn_past
from exporter.domain.model import Integration
from exporter.domain.normal import is_refit_due, moment_of_learning, refit_at
from exporter.domain.past import to_run
from exporter.domain.settings import WorkspaceSettings
from exporter.poller.shell import Shell, Watched
from exporter.state.learned_codec import decode_learned, encode_learned
from exporter.state.pasts import StoredPast
from exporter.state.store import Store

LOOK_SECONDS = 60.0
"""How often it is looked up whose limits are due."""
T = TypeVar("T")


class Work(Protocol):
    """Where the work is done."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def at_once(work: Callable[[], T], /) -> T:
    """Do the work on the event loop."""
    return work()


class Learner:
    """Keeps what was learned of each integration up to date; `run` does so until it is cancelled."""

    def __init__(
        self,
        settings: WorkspaceSettings,
        shell: Shell,
        store: Store,
        *,
        clock: Clock,
        work: Work,
        polled: asyncio.Event,
    ) -> None:
        self._workspace = settings.name
        self._shell = shell
        self._store = store
        self._clock = clock
        self._work = work
        self._polled = polled
        self._history = timedelta(seconds=settings.history_seconds)
        self._kept = dict(store.load_outlines(settings.name))
        self._waiting: dict[str, None] = {}
        """Whose past has grown, in this order."""
        self._new: set[str] = set()
        """Whose past has grown since limits were learned."""
        self._learned_at: dict[str, datetime] = {}
        self._learned_from: dict[str, int] = {}
        """How many syncs were known when limits were learned."""
        self._woken = asyncio.Event()

    def restore(self, integration: Integration, state: IntegrationState | None) -> Learned:
        """Return what was learned of an integration before this process or configuration began."""
        key, recent = integration.integration_id, () if state is None or state.ledger is None else state.ledger.recent
        stored = self._kept.pop(key, StoredPast())
        learned, basis = Learned(), ""
        if stored.learned:
            try:
                learned, basis = decode_learned(stored.learned, integration.timezone)
            except ValueError:
                basis = ""
        if basis == self._basis(integration) and stored.learned_at is not None:
            self._learned_at[key] = stored.learned_at
            self._new.add(key)
        else:
            self.grew(key)
        good = next((sync for sync in recent if sync.finished and not sync.failed), None)
        return replace(learned, latest_good=None if good is None else to_run(good))

    def grew(self, integration_id: str, *, whole: bool = False) -> None:
        """Take note that syncs were added to a past; where its history is *whole* with them, limits are due."""
        if whole:
            self._learned_at.pop(integration_id, None)
        self._waiting[integration_id] = None
        self._woken.set()

    def forget(self, integration_id: str) -> None:
        """Drop what is known of an integration that is no longer watched, and whose past is deleted."""
        self._kept.pop(integration_id, None)
        self._waiting.pop(integration_id, None)
        self._new.discard(integration_id)
        self._learned_at.pop(integration_id, None)
        self._learned_from.pop(integration_id, None)

    async def run(self) -> None:
        await self._polled.wait()
        while True:
            if (key := next(iter(self._waiting), None)) is not None:
                del self._waiting[key]
                if (one := self._shell.get(key)) is not None:
                    await self._learn(one)
                await asyncio.sleep(0)
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                self._look()

    def _look(self) -> None:
        """Let those wait for their turn whose limits are due."""
        now = self._clock.now()
        for key in self._new:
            at = self._learned_at.get(key)
            if at is None or at < refit_at(key, now):
                self._waiting[key] = None

    async def _learn(self, one: Watched) -> None:
        key, before, basis = one.key, one.watch.learned, self._basis(one.watch.integration)
        zone = one.watch.integration.timezone
        sensitivity, now = one.watch.integration.limits.sensitivity, self._clock.now()
        learned_at, stored = self._learned_at.get(key), self._store.load_past(self._workspace, key)
        if not (runs := stored.past.runs):
            return
        whole = stored.progress.share(now, self._history) == 1
        doubled = len(runs) >= 2 * self._learned_from.setdefault(key, len(runs))

        def work() -> tuple[Learned, datetime | None, bytes]:
            at = None
            if doubled or is_refit_due(key, learned_at, len(runs), new=True, now=now):
                at = moment_of_learning(key, runs, now)
                learned = learn_past(runs, at, sensitivity, history=self._history, zone=zone)
            if at is None or (learned.normal.learned_syncs < before.normal.learned_syncs and not whole):
                learned = compare(runs, before.normal, sensitivity)
            changed = at is not None or learned.trends != before.trends
            return learned, at, encode_learned(learned, basis) if changed else b""

        learned, at, kept = await self._work(work)
        if self._shell.get(key) is not one:
            return  # it was taken away meanwhile
        if at is None:
            self._new.add(key)
        else:
            self._learned_at[key], self._learned_from[key] = at, len(runs)
            self._new.discard(key)
        if kept:
            self._store.keep_learned(self._workspace, key, kept, self._learned_at.get(key, now))
        self._shell.relearn(one, learned)

    def _basis(self, integration: Integration) -> str:
        """What the learned values rest on besides the past: with another one they are learned again."""
        zone = "" if integration.timezone is None else f" {integration.timezone}"
        return f"{integration.limits.sensitivity} {self._history.total_seconds():.0f}{zone}"
