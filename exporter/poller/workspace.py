"""
One workspace: watch its integrations by polls and by the list, keep accounts, publish snapshots.

Decides nothing about accounting, due times or what a listing means. Every poll ends in a published snapshot, whatever
happened, and an account is kept before its figures are shown. From keeping to publishing there is no await, so no two
polls mix and no page is torn. An integration that is taken away while a poll is under way stays away.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from exporter.braze.gate import Gate
from exporter.braze.wire import Endpoint
from exporter.clock import Clock
from exporter.domain.discovery import Discovery
from exporter.domain.errors import PollError
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Snapshot
from exporter.domain.poll_queue import PollQueue, interval_in_effect, next_turn, phase
from exporter.domain.settings import WorkspaceSettings
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.attempts import Attempts
from exporter.poller.listing import ListingLoop
from exporter.poller.loop import PollLoop
from exporter.poller.publishing import Publisher
from exporter.poller.reading import Reader, Reading
from exporter.poller.reliance import Reliance
from exporter.poller.report import Reporter
from exporter.poller.supervision import Supervised
from exporter.poller.watched import Verdict, Watched, watch
from exporter.state.store import Store

_LATE = 1.25
"""So many intervals after its last poll an integration shows that the budget does not serve what it should."""


class WorkspacePoller:
    """Polls the integrations of one workspace until it is cancelled."""

    def __init__(
        self,
        *,
        settings: WorkspaceSettings,
        gate: Gate,
        store: Store,
        page: Page,
        self_metrics: SelfMetrics,
        clock: Clock,
        log: FilteringBoundLogger,
        carried: Mapping[str, Snapshot] | None = None,
    ) -> None:
        self.settings = settings
        self.attempts = Attempts()
        self._gate = gate
        self._clock = clock
        self._publisher = Publisher(settings, store, page, clock)
        self._report = Reporter(settings.name, self_metrics, log, needs_list=settings.discovery.enabled)
        self._reader = Reader(gate, clock, settings.poll.max_pages, self._report.anomalies(Endpoint.JOB_SYNC_STATUS))
        self._queue = PollQueue(settings.poll.interval_seconds)
        self._loop = PollLoop(self._queue, gate, self.poll, clock, log.bind(workspace=settings.name))
        self._listing = ListingLoop(
            gate=gate,
            clock=clock,
            watcher=self,
            interval_seconds=settings.poll.interval_seconds,
            offset=phase(settings.name),
            worth_pages=None if settings.discovery.enabled else len(settings.integrations),
            note_anomalies=self._report.anomalies(Endpoint.INTEGRATIONS),
        )
        self._supervised = (
            Supervised("poll", self._loop.run, log.bind(workspace=settings.name)),
            Supervised("listing", self._listing.run, log.bind(workspace=settings.name)),
        )
        self._carried = carried or {}
        self._watched: dict[str, Watched] = {}
        self._discovery = Discovery()
        self._list = Reliance()
        self_metrics.prepare_workspace(settings.name)
        for integration in settings.integrations:
            self._admit(watch(integration, configured=True))
        for found in self._publisher.remembered():
            self._admit_found(found)
        self._plan()

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for supervised in self._supervised:
                tasks.create_task(supervised.run())

    def unhealthy(self) -> tuple[str, ...]:
        """Why the loops are not healthy; nothing when they are."""
        troubles = (*(supervised.unhealthy() for supervised in self._supervised), self._loop.unhealthy())
        return tuple(f"workspace {self.settings.name}: {trouble}" for trouble in troubles if trouble)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest of each integration."""
        return tuple(watched.snapshot for watched in self._watched.values())

    @property
    def interval_seconds(self) -> float:
        """The interval in effect: longer than the configured one when the budget, as it really is, demands it."""
        if self._list.interval is not None:
            # The list tells what has changed; but each must have been asked once.
            return interval_in_effect(
                self._list.interval, len(self.attempts.outstanding), self._gate.allowed(Endpoint.JOB_SYNC_STATUS)
            )
        longest = self._queue.longest_wait(self._clock.monotonic())
        return longest if longest > self._queue.interval * _LATE else self._queue.interval

    def succeeded(self) -> bool:
        """Whether the newest poll of every integration, and of the list where it is needed, was good."""
        return not (self._list.failing and self.settings.discovery.enabled) and all(
            watched.snapshot.up for watched in self._watched.values()
        )

    def notes(self) -> tuple[str, ...]:
        """Remarks on the whole workspace for the status page."""
        return self._report.notes(self.settings.poll.interval_seconds, self.interval_seconds)

    # Polls of an integration's own endpoint

    async def poll(self, integration_id: str) -> None:
        """Poll one integration whose first turn in the budget has been taken, and give it its next turn."""
        watched = self._watched[integration_id]
        asking = watched.listed
        ledger = watched.account.ledger if watched.account else None
        began = self._clock.monotonic()
        try:
            reading = await self._reader.read(integration_id, ledger)
        except Exception as error:  # noqa: BLE001 - a defect must cost this poll and nothing else
            reading = Reading(ledger, error=self._report.defect(integration_id, error))
        if self._watched.get(integration_id) is not watched:
            return
        before = watched.snapshot
        now, monotonic = self._clock.now(), self._clock.monotonic()
        if reading.error is None:
            watched.take_answer(asking, monotonic)
            self._catch_up(monotonic)
        if reading.ledger is not None and reading.pages > 0:
            self._publisher.heard(watched, reading.ledger, now)
        self._publisher.close_poll(watched, reading.error, now)
        stale_after = self.settings.poll.stale_after_seconds
        if watched.listed is not None and self._list.forgets(watched.listed_at, monotonic, stale_after):
            watched.forget_listing(now)
        due = None
        if reading.error is not None and reading.error.held_seconds is not None:
            due = monotonic + reading.error.held_seconds
        elif reading.error is None and watched.told and self._list.covers(watched.listed_at, monotonic):
            due = self._rests_until(watched)
        turn = self._queue.done(integration_id, monotonic, succeeded=reading.error is None, due=due)
        self._publisher.show(watched, turn)
        self.attempts.note(integration_id)
        self._report.poll(before, watched.snapshot, reading, monotonic - began)

    def _catch_up(self, monotonic: float) -> None:
        """Poll what a denial held back, once a good answer has ended it."""
        if not self._gate.denies(Endpoint.JOB_SYNC_STATUS):
            self._queue.release(monotonic)

    # What the list shows

    def listed(self, integrations: tuple[ListedIntegration, ...]) -> None:
        """Take in one page of the list."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for listed in integrations:
            watched = self._watched.get(listed.integration_id)
            if watched is None:
                name = listed.integration_name or listed.integration_id
                watched = self._admit_found(Integration(self.settings.name, listed.integration_id, name))
            elif not watched.configured and not self._discovers(listed.integration_name or watched.integration_name):
                self._withdraw(listed.integration_id)
                watched = None
            if watched is not None:
                self._discovery.observe((listed.integration_id,))
                self._sight(watched, listed, now, monotonic)
        self._catch_up(monotonic)
        self._loop.wake()

    def _sight(self, watched: Watched, listed: ListedIntegration, now: datetime, monotonic: float) -> None:
        """Take what the list shows of an integration for a poll of it, or ask its own endpoint."""
        key = listed.integration_id
        verdict = watched.judge(listed)
        watched.take_listing(listed, now, monotonic)
        if watched.account is None or watched.snapshot.failure is not None:
            self._publisher.show(watched)
        elif verdict is Verdict.OPEN or not (verdict is Verdict.CHANGED or self._list.pays):
            self._publisher.show(watched, self._queue.bring_forward(key, self._regular_turn(key)))
        elif verdict is Verdict.CHANGED:
            self._queue.expedite(key, monotonic)
            self._publisher.show(watched)
        else:
            self._publisher.heard(watched, watched.account.ledger, now)
            self._publisher.close_poll(watched, None, now)
            self._publisher.show(watched, self._queue.reschedule(key, self._rests_until(watched)))
            self.attempts.note(key)
            self._report.sighting()

    def listing_complete(self, integration_ids: frozenset[str], interval: float, *, pays: bool) -> None:
        """Take in that the list was read to its end."""
        now = self._clock.now()
        for key in self._discovery.complete_listing(integration_ids):
            watched = self._watched.get(key)
            if watched is not None and not watched.configured:
                self._withdraw(key)
            elif watched is not None:
                watched.forget_listing(now)
                self._publisher.show(watched, self._queue.reschedule(key, self._regular_turn(key)))
        self._list.complete(interval, pays=pays)
        self._expect_no_list(now)
        self._report.listing_complete(now)
        self._end_listing()

    def listing_failed(self, error: PollError) -> None:
        """Take in that the list could not be read; after some times its own endpoint is asked for each integration."""
        self._report.listing_failed(error)
        if self._list.fail(retryable=error.retryable):
            self._rely_on_polls()
        self._end_listing()

    def listing_too_long(self) -> None:
        """Take in that the list has too many pages for the few integrations that are watched to rely on it."""
        self._list.give_up()
        self._report.listing_too_long()
        self._rely_on_polls()
        self._end_listing()

    def _rely_on_polls(self) -> None:
        """Let no integration rest, not even one that the pages before the failure have shown."""
        self._expect_no_list(self._clock.now())
        for key in self._watched:
            self._queue.bring_forward(key, self._regular_turn(key))
        self._loop.wake()

    def _expect_no_list(self, now: datetime) -> None:
        """Let those that the list does not show rely on `expected_interval`."""
        for watched in self._watched.values():
            if watched.expect_no_list(now):
                self._publisher.show(watched)

    def _end_listing(self) -> None:
        self.attempts.note_list()
        self._plan()

    # Which integrations there are, and when their turns are

    def _admit(self, watched: Watched) -> Watched:
        """Take an integration in: show what is known of it from before, and make it due."""
        key = watched.integration_id
        self._watched[key] = watched
        self.attempts.expect(key)
        self._queue.add(key, self._clock.monotonic())
        self._publisher.open(watched, self._carried.get(key))
        if watched.account is not None:
            # What is known from before a restart is verified in its time; the list shows sooner whether it has changed.
            watched.asked_at = self._clock.monotonic()
        return watched

    def _admit_found(self, integration: Integration) -> Watched | None:
        """Take in what discovery has found, if it is wanted and new."""
        if integration.integration_id in self._watched or not self._discovers(integration.integration_name):
            return None
        self._discovery.observe((integration.integration_id,))
        return self._admit(watch(integration, configured=False))

    def _discovers(self, name: str) -> bool:
        return self.settings.discovery.enabled and self.settings.discovery.names.takes(name)

    def _withdraw(self, key: str) -> None:
        watched = self._watched.pop(key)
        self._queue.remove(key)
        self._discovery.forget(key)
        self._publisher.withdraw(watched)
        self._report.forget(key)
        self.attempts.note(key)

    def _plan(self) -> None:
        """Fit the interval to the number of integrations, and show both."""
        self._queue.interval = interval_in_effect(
            self.settings.poll.interval_seconds, len(self._watched), self._gate.allowed(Endpoint.JOB_SYNC_STATUS)
        )
        configured = sum(watched.configured for watched in self._watched.values())
        self._report.plan(self.interval_seconds, configured, len(self._watched) - configured)

    def _rests_until(self, watched: Watched) -> float:
        poll = self.settings.poll
        return watched.rests_until(poll.interval_seconds, poll.verify_after_seconds)

    def _regular_turn(self, key: str) -> float:
        return next_turn(self._clock.monotonic(), self._queue.interval, phase(key))
