"""
What a verdict is, and what it is reached from: problems with their severities, and the case that is judged.

The rules and the closed list are in `health.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import IntEnum
from typing import NamedTuple

from exporter.domain.integration_state import IntegrationState
from exporter.domain.learned import Learned
from exporter.domain.limits import Alerts, Limits, Sensitivity
from exporter.domain.model import Sync, SyncStatus

_HOUR = timedelta(hours=1)


class Severity(IntEnum):
    """How bad a problem is; no shipped alert reads INFO."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """As the label `severity` has it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. *value* and *limit* are seconds, a share from 0 to 1, or a count, as the kind has it."""

    kind: str
    severity: Severity
    text: str
    """One printable line that names value and limit."""
    since: datetime | None = None
    """Since when it has held; but for a failing streak no further back than single syncs are kept. None: not known."""
    value: float | None = None
    limit: float | None = None


class Verdict(NamedTuple):
    """What is wrong, worst first."""

    problems: tuple[Problem, ...]
    """Until the state is stale."""
    stale_problems: tuple[Problem, ...]
    """From then on."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged."""

    state: IntegrationState
    limits: Limits
    stale_at: datetime
    """From then on it is no longer known how the integration fares, unless a poll succeeds before."""
    alerts: Alerts = Alerts.ALL
    learned: Learned = field(default_factory=Learned)
    sensitivity: Sensitivity = Sensitivity.MEDIUM
    expected_interval_seconds: float | None = None
    """As configured: the operator then knows of a schedule, whatever Braze announces."""
    timezone: tzinfo | None = None
    """Of that schedule."""

    @property
    def at(self) -> datetime:
        """Where ages stand still."""
        return self.state.judged_at or self.state.first_seen_at

    @property
    def recent(self) -> tuple[Sync, ...]:
        """The syncs that are kept one by one, latest first."""
        return self.state.ledger.recent if self.state.ledger is not None else ()

    @property
    def running(self) -> Sync | None:
        """The latest sync, if it is running."""
        latest = self.state.summary.latest
        return latest if latest is not None and latest.job_status is SyncStatus.RUNNING else None

    @property
    def start_deadline(self) -> datetime | None:
        """Until when the next sync must have started: as announced, by `expected_interval`, or as is usual."""
        state, delay = self.state, self.limits.start_delay
        if delay.value is None:
            return None
        if state.expected is None:
            latest = state.summary.latest
            if latest is None or not latest.finished:
                return None
            return self.learned.deadline(latest, state.resumed_at, delay, self.sensitivity)
        try:
            return state.expected.at + timedelta(seconds=delay.value) + self._clock_change
        except OverflowError:  # announced for the end of the calendar
            return None

    @property
    def failing_since(self) -> datetime | None:
        """When the first of the latest failed syncs in a row finished; that one may no longer be kept."""
        ledger = self.state.ledger
        if ledger is not None and all(sync.failed for sync in self.recent if sync.finished):
            return ledger.tail.failing_since or self.since(lambda sync: sync.failed)
        return self.since(lambda sync: sync.failed)

    @property
    def _clock_change(self) -> timedelta:
        """By how much a run that is derived may be late because clocks change in a zone that is not known."""
        expected, interval = self.state.expected, self.expected_interval_seconds or 0.0
        derived = expected is not None and not expected.announced
        return _HOUR if derived and self.timezone is None and interval > _HOUR.total_seconds() else timedelta(0)

    def since(self, holds: Callable[[Sync], bool]) -> datetime | None:
        """
        When the first of the latest finished syncs finished for which it *holds* without a break.

        Now, if Braze dates that later.
        """
        since = None
        for sync in self.recent:
            if sync.finished:
                if not holds(sync):
                    break
                since = min(sync.finished_at, self.at)
        return since
