"""
One workspace's integrations: poll each, keep its account, publish its snapshot, say one line.

Decides nothing about accounting. Every poll ends in a published snapshot, whatever happened, and the account is kept
before its figures are shown. From keeping to publishing there is no await, so no two polls mix and no page is torn.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from exporter.braze.gate import Gate
from exporter.braze.wire import Endpoint
from exporter.clock import Clock
from exporter.domain.errors import PayloadError, PollError
from exporter.domain.model import Failure, Integration, Snapshot
from exporter.domain.schedule import Agenda, interval_in_effect
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.summary import with_ledger
from exporter.metrics.own import OwnMetrics
from exporter.metrics.page import Page
from exporter.poller.loop import PollLoop
from exporter.poller.reading import Reader, Reading
from exporter.state.store import Account, Store

_REKEEP_SHARE = 4
"""An account that does not change is kept again after this part of `stale_after`, for the time Braze was heard."""


class WorkspacePoller:
    """Polls the integrations of one workspace until it is cancelled."""

    def __init__(
        self,
        *,
        settings: WorkspaceSettings,
        gate: Gate,
        store: Store,
        page: Page,
        own: OwnMetrics,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self.settings = settings
        self.interval_seconds = interval_in_effect(
            settings.poll.interval_seconds, len(settings.integrations), gate.allowed(Endpoint.JOB_SYNC_STATUS)
        )
        """The interval in effect: longer than the configured one when the budget cannot serve that."""
        self.tried = not settings.integrations
        """Whether the workspace has been tried once."""
        self.all_tried = asyncio.Event()
        """Set once every integration has been polled once."""
        self._store = store
        self._page = page
        self._own = own
        self._clock = clock
        self._log = log.bind(workspace=settings.name)
        self._reader = Reader(gate, clock, settings.poll.max_pages, self._note_anomalies)
        self._agenda = Agenda(self.interval_seconds)
        self._loop = PollLoop(self._agenda, gate, self.poll, clock, self._log)
        self._accounts = dict(store.load(settings.name))
        self._snapshots: dict[str, Snapshot] = {}
        self._untried: set[str] = set()
        own.prepare_workspace(settings.name)
        own.poll_interval(settings.name, self.interval_seconds)
        own.integrations(settings.name, "config", len(settings.integrations))
        for integration in settings.integrations:
            self._admit(integration)
        if not self._untried:
            self.all_tried.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        await self._loop.run()

    def unhealthy(self) -> str | None:
        """Why the poll loop is not healthy; None when it is."""
        trouble = self._loop.unhealthy()
        return trouble and f"the poll loop of workspace {self.settings.name} {trouble}"

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest of each integration."""
        return tuple(self._snapshots.values())

    def notes(self) -> tuple[str, ...]:
        """Remarks on the whole workspace for the status page."""
        wanted = self.settings.poll.interval_seconds
        if self.interval_seconds <= wanted:
            return ()
        served = f"every {self.interval_seconds:.0f} s, not every {wanted:.0f} s as configured"
        return (f"The rate budget serves these integrations {served}.",)

    async def poll(self, integration_id: str) -> None:
        """Poll one integration whose first turn in the budget has been taken, and give it its next turn."""
        account = self._accounts.get(integration_id)
        ledger = account.ledger if account else None
        began = self._clock.monotonic()
        try:
            reading = await self._reader.read(integration_id, ledger)
        except Exception as error:  # noqa: BLE001 - a defect must cost this poll and nothing else
            self._log.error("poll crashed", integration_id=integration_id, exc_info=error)
            defect = f"a defect of the exporter ({type(error).__name__}), shown in its log; please report it"
            reading = Reading(ledger, error=PayloadError(defect))
        if integration_id in self._snapshots:
            self._finish(integration_id, reading, self._clock.monotonic() - began)

    def _admit(self, integration: Integration) -> None:
        """Take an integration in: show what is known of it from before, and make it due."""
        key = integration.integration_id
        snapshot = Snapshot(integration)
        if (account := self._accounts.get(key)) is not None:
            snapshot = with_ledger(replace(snapshot, stale_at=self._stale_at(account.heard_at)), account.ledger)
        self._snapshots[key] = snapshot
        self._page.publish(snapshot)
        self._untried.add(key)
        self._agenda.add(key, self._clock.monotonic())

    def _finish(self, key: str, reading: Reading, seconds: float) -> None:
        now = self._clock.now()
        next_turn = self._agenda.done(key, self._clock.monotonic(), succeeded=reading.error is None)
        before = self._snapshots[key]
        after = replace(
            before,
            last_poll_at=now,
            next_poll_at=now + timedelta(seconds=next_turn - self._clock.monotonic()),
        )
        if reading.error is None:
            after = replace(after, up=True, last_poll_success_at=now, failure=None)
        else:
            after = replace(after, up=False, failure=_failure(reading.error, now))
        if reading.ledger is not None and reading.pages > 0:
            after = self._keep(after, reading, now)
        self._snapshots[key] = after
        self._page.publish(after)
        self._own.poll_finished(self.settings.name, reading.error.reason if reading.error else None)
        self._note_tried(key)
        self._say(before, after, reading, seconds)

    def _keep(self, snapshot: Snapshot, reading: Reading, now: datetime) -> Snapshot:
        """Keep the account, and return the snapshot with what it says."""
        assert reading.ledger is not None  # noqa: S101 - tells mypy what the caller has checked
        key = snapshot.integration.integration_id
        known = self._accounts.get(key)
        rekeep_after = timedelta(seconds=self.settings.poll.stale_after_seconds / _REKEEP_SHARE)
        changed = known is None or known.ledger is not reading.ledger
        if known is None or changed or abs(now - known.heard_at) >= rekeep_after:
            account = Account(reading.ledger, now)
            self._store.commit(self.settings.name, key, account)
            self._accounts[key] = account
        fresh = replace(snapshot, stale_at=self._stale_at(now))
        return with_ledger(fresh, reading.ledger) if changed or snapshot.totals is None else fresh

    def _stale_at(self, heard_at: datetime) -> datetime:
        return heard_at + timedelta(seconds=self.settings.poll.stale_after_seconds)

    def _note_tried(self, key: str) -> None:
        self.tried = True
        self._untried.discard(key)
        if not self._untried:
            self.all_tried.set()

    def _note_anomalies(self, anomalies: Mapping[str, int]) -> None:
        for kind, count in anomalies.items():
            self._own.anomalies(self.settings.name, Endpoint.JOB_SYNC_STATUS, kind, count)
        self._log.debug("odd values in Braze's answer", **anomalies)

    def _say(self, before: Snapshot, after: Snapshot, reading: Reading, seconds: float) -> None:
        """One line a poll: loud when something has changed for the worse or the better, else for debugging."""
        log = self._log.bind(
            integration_id=after.integration.integration_id,
            integration_name=after.integration.integration_name,
            pages=reading.pages,
            counted=len(reading.counted),
            seconds=round(seconds, 3),
        )
        if after.history_gaps > before.history_gaps:
            log.warning("the last known sync was not found; the counters may be short", gaps=after.history_gaps)
        if after.failure is not None:
            known = before.failure is not None and before.failure.reason == after.failure.reason
            say = log.debug if known else log.warning
            say("poll failed", reason=after.failure.reason, error=after.failure.message)
        elif before.up is False:
            log.info("poll succeeded again")
        else:
            log.debug("poll succeeded")


def _failure(error: PollError, now: datetime) -> Failure:
    return Failure(error.reason, str(error), now)
