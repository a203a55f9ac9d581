"""
What a verdict is, and what it is reached from: a problem with its severity, and the case that is judged.

The rules and the closed list are in `health.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from exporter.domain.integration_state import IntegrationState
from exporter.domain.limits import Alerts, Limits
from exporter.domain.model import Sync, SyncStatus


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
    since: datetime | None = None
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged."""

    state: IntegrationState
    limits: Limits
    stale_at: datetime
    """From then on nothing is known any more of how the integration fares."""
    alerts: Alerts = Alerts.ALL
    stale: bool = False
    """Whether no poll has succeeded until *stale_at*."""

    @property
    def at(self) -> datetime:
        """Where ages stand still."""
        return self.state.judged_at or self.state.first_seen_at

    @property
    def finished(self) -> tuple[Sync, ...]:
        """The finished syncs that are kept one by one, latest first."""
        ledger = self.state.ledger
        return tuple(sync for sync in ledger.recent if sync.finished) if ledger is not None else ()

    @property
    def running(self) -> Sync | None:
        """The latest sync, if it runs."""
        latest = self.state.summary.latest
        return latest if latest is not None and latest.job_status is SyncStatus.RUNNING else None

    @property
    def start_deadline(self) -> datetime | None:
        """Until when the expected sync must have started."""
        expected, delay = self.state.expected, self.limits.start_delay.value
        return expected.at + timedelta(seconds=delay) if expected is not None and delay is not None else None

    def since(self, holds: Callable[[Sync], bool]) -> datetime | None:
        """When the first of the latest finished syncs finished for which it *holds* without a break."""
        since = None
        for sync in self.finished:
            if not holds(sync):
                break
            since = sync.finished_at
        return since
