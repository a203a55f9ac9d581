"""
One integration that is being watched: where it is known from, what is known of it, and when it needs a poll.

Decides what a listing means for a single integration, and how long its own endpoint may be left alone. Pure: times come
in as arguments; what follows from a verdict is for `workspace.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from exporter.domain.expected_run import Announcement, expect
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Snapshot, Sync, SyncStatus
from exporter.domain.poll_queue import phase
from exporter.domain.summary import with_ledger, with_listing
from exporter.state.store import BY_ANNOUNCEMENT, Account, Properties

RUNNING_INTERVALS = 10
"""A sync that the list shows running is looked up itself after so many intervals, since another may have finished
before it began; and again each time it has been running for twice as long."""
VERIFY_SPREAD = 0.25
"""Verifications are put off by up to this part of `verify_after`: not all at once, nor just before a regular sync."""


class Verdict(Enum):
    """What a listing says about an integration."""

    SAME = auto()
    """Its newest sync is known."""
    OPEN = auto()
    """What its newest sync is the list does not tell, nor that anything has changed."""
    BEGUN = auto()
    """Its newest sync has begun, and none was running before: its own endpoint would tell no more."""
    CHANGED = auto()
    """Something has finished, or is not understood: ask its own endpoint."""


@dataclass(slots=True)
class Watched:
    """An integration under watch. Times are monotonic seconds unless they are datetimes."""

    snapshot: Snapshot
    configured: bool
    """Whether the configuration names it; else discovery found it."""
    named: bool
    """Whether the configuration gives it a name, which then wins over Braze's."""
    account: Account | None = None
    described: Properties | None = None
    """How the list described it last, before the process began if it has not done so since."""
    listed: ListedIntegration | None = None
    listed_at: float = float("-inf")
    awaits_list: bool = True
    """Whether the list may yet tell what is announced; until then the run that was expected before stays so."""
    asked_at: float = float("-inf")
    """When its own endpoint last answered."""
    asked_newest: tuple[datetime | None, SyncStatus | None] | None = None
    """What the list showed before its own endpoint last answered."""
    asked_newest_at: float = float("-inf")
    """When its own endpoint first answered while the list showed that."""
    begun_at: float = float("-inf")
    """When the list first showed the running sync."""

    @property
    def integration_id(self) -> str:
        return self.snapshot.integration.integration_id

    @property
    def integration_name(self) -> str:
        return self.snapshot.integration.integration_name

    @property
    def told(self) -> bool:
        """Whether the list tells its newest sync, so that its own endpoint may rest."""
        return self.listed is not None and not self.listed.leaves_open(self.known_newest)

    @property
    def known_newest(self) -> Sync | None:
        """The newest sync in the ledger."""
        return self.account.ledger.recent[0] if self.account and self.account.ledger.recent else None

    def judge(self, listed: ListedIntegration) -> Verdict:
        """Say what *listed* means, compared with what its own endpoint told."""
        newest = self.known_newest
        if listed.tells(newest):
            return Verdict.SAME
        if listed.newest == self.asked_newest:
            return Verdict.OPEN if listed.leaves_open(newest) else Verdict.SAME
        shown = self.snapshot.newest
        ended = shown is not None and not shown.finished and shown.sync_start_time != listed.last_job_start_time
        return Verdict.BEGUN if listed.newly_running(newest) and not ended else Verdict.CHANGED

    def take_answer(self, asking: ListedIntegration | None, monotonic: float) -> None:
        """Note that its own endpoint has answered, and what the list had shown when it was asked."""
        newest = asking.newest if asking else None
        if newest != self.asked_newest:
            self.asked_newest, self.asked_newest_at = newest, monotonic
        self.asked_at = monotonic

    def take_listing(self, listed: ListedIntegration, now: datetime, monotonic: float) -> None:
        """Note what the list shows, and show it."""
        if listed.newly_running(self.snapshot.newest):
            self.begun_at = monotonic
        self.listed = listed
        self.listed_at = monotonic
        self.take_properties(_properties(listed))
        snapshot = with_listing(self.snapshot, listed, self.known_newest)
        self.snapshot = replace(snapshot, expected_run_at=self._expected(snapshot.newest, now))

    def take_properties(self, properties: Properties) -> None:
        """Show it as the list describes it; the configuration's name wins, and a name or status that is lost stays."""
        if (before := self.described) is not None:
            properties = properties._replace(
                integration_name=properties.integration_name or before.integration_name,
                integration_status=properties.integration_status or before.integration_status,
                expected_by=properties.expected_by or before.expected_by,
            )
        self.described = properties
        known = self.snapshot.integration
        integration = replace(
            known,
            integration_name=known.integration_name
            if self.named
            else properties.integration_name or known.integration_name,
            integration_type=properties.integration_type,
            warehouse_type=properties.warehouse_type,
            app_group_id=properties.app_group_id,
        )
        if integration != known:
            self.snapshot = replace(self.snapshot, integration=integration)

    def take_account(self, account: Account, now: datetime) -> None:
        """Note what its own endpoint has told, and show it."""
        self.account = account
        snapshot = with_ledger(self.snapshot, account.ledger)
        if self.listed is not None:
            snapshot = with_listing(snapshot, self.listed, self.known_newest)
        self.snapshot = replace(snapshot, expected_run_at=self._expected(snapshot.newest, now))

    def forget_listing(self, now: datetime) -> None:
        """The list has not shown it for so long that what it announced is no longer known."""
        self.listed, self.listed_at = None, float("-inf")
        self.snapshot = replace(
            self.snapshot,
            integration_status=None,
            next_scheduled_run=None,
            expected_run_at=self._expected(self.snapshot.newest, now),
        )

    def expect_no_list(self, now: datetime) -> bool:
        """Note that the list tells nothing of it for the time being; return whether that is news."""
        news = self.awaits_list and self.listed is None
        self.awaits_list = False
        if news:
            self.snapshot = replace(self.snapshot, expected_run_at=self._expected(self.snapshot.newest, now))
        return news

    def _expected(self, newest: Sync | None, now: datetime) -> datetime | None:
        """Return the run that is expected now, and note whether Braze has announced it."""
        interval = self.snapshot.integration.expected_interval_seconds
        pending = self.snapshot.expected_run_at
        announced = self.described is not None and self.described.expected_by == BY_ANNOUNCEMENT
        announcement = None
        if self.listed is not None or not (interval is None or self.awaits_list):
            announcement = Announcement(
                self.listed.next_scheduled_run if self.listed else None,
                self.described.integration_status if self.described else "",
                None if interval is None else timedelta(seconds=interval),
                told=self.listed is not None and self.listed.next_run_told,
                announced_before=announced,
            )
        known = self.account.ledger.recent[:2] if self.account else ()
        starts = sorted({sync.sync_start_time for sync in (*known, newest) if sync is not None}, reverse=True)
        run = expect(pending, announcement, starts[:2], now)
        if self.described is not None:
            announces = self.listed is not None and self.listed.next_scheduled_run is not None
            announced = run is not None and (announces or (announced and run == pending))
            self.described = self.described._replace(expected_by=BY_ANNOUNCEMENT if announced else "")
        return run

    def rests_until(self, interval: float, verify_after: float) -> float:
        """Until when (monotonic seconds) its own endpoint may be left alone while the list shows it."""
        verify_at = self.asked_at + verify_after * (1 + VERIFY_SPREAD * phase(self.integration_id))
        newest = self.snapshot.newest
        if self.listed is not None and self.listed.is_ahead_of(newest):
            # What its own endpoint has not shown yet it may show soon, or never.
            return min(verify_at, self.asked_at + max(interval, self.asked_at - self.asked_newest_at))
        if newest is None or newest.finished:
            return verify_at
        asked_while_running = max(0.0, self.asked_at - self.begun_at)
        return min(
            verify_at, max(self.asked_at, self.begun_at) + max(RUNNING_INTERVALS * interval, asked_while_running)
        )


def _properties(listed: ListedIntegration) -> Properties:
    return Properties(
        listed.integration_name,
        listed.integration_type,
        listed.warehouse_type,
        listed.app_group_id,
        listed.integration_status,
    )


def watch(integration: Integration, *, configured: bool) -> Watched:
    """Return a new one; the loader gives an integration without a name its id for one."""
    named = configured and integration.integration_name != integration.integration_id
    return Watched(Snapshot(integration), configured, named)
