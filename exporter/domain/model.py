"""
The values that everything else passes around: integrations, their syncs, and the snapshot a scrape reads.

All are frozen: a new state is a new value, and swapping one reference publishes it. Times are aware UTC datetimes; a
Braze field keeps Braze's name. A value that is not known is None, never 0.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SyncStatus(StrEnum):
    """
    Outcome of a sync, as the label `status` words it.

    Source: Braze's page "Get job sync status"; the older page writes the same words capitalised. Anything else,
    such as the dashboard's "Limit Exceeded", is UNKNOWN.
    """

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    ERROR = "error"
    CONFIG_ERROR = "config_error"
    UNKNOWN = "unknown"


FINISHED_STATUSES = (
    SyncStatus.SUCCESS,
    SyncStatus.PARTIAL,
    SyncStatus.ERROR,
    SyncStatus.CONFIG_ERROR,
    SyncStatus.UNKNOWN,
)
"""The statuses a finished sync can have, in the order of the samples on the page."""

FAILED_STATUSES = frozenset({SyncStatus.ERROR, SyncStatus.CONFIG_ERROR})
"""No rows were synced: these make up the failing streak."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One run of an integration. Its identity is the integration and *sync_start_time*: Braze gives no run id."""

    sync_start_time: datetime
    job_status: SyncStatus
    sync_finish_time: datetime | None = None
    last_timestamp_synced: datetime | None = None
    rows_synced: int | None = None
    rows_failed_with_errors: int | None = None

    @property
    def finished(self) -> bool:
        """Any status but running; a status we do not know counts as finished once it has a finish time."""
        if self.job_status is SyncStatus.UNKNOWN:
            return self.sync_finish_time is not None
        return self.job_status is not SyncStatus.RUNNING

    @property
    def failed(self) -> bool:
        return self.job_status in FAILED_STATUSES

    @property
    def duration_seconds(self) -> float | None:
        """From start to finish; None while the end is unknown, or before the start, which tells nothing."""
        if self.sync_finish_time is None or self.sync_finish_time < self.sync_start_time:
            return None
        return (self.sync_finish_time - self.sync_start_time).total_seconds()


@dataclass(frozen=True, slots=True)
class Integration:
    """One configured CDI pipeline, with the properties that seldom change. An unknown property is an empty string."""

    workspace: str
    integration_id: str
    integration_name: str
    labels: tuple[tuple[str, str], ...] = ()
    integration_type: str = ""
    warehouse_type: str = ""
    app_group_id: str = ""
    expected_interval_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What has been counted for one integration since it was first seen. Only ever grows."""

    syncs: tuple[int, ...] = (0,) * len(FINISHED_STATUSES)
    """Finished syncs by status, in the order of FINISHED_STATUSES."""
    rows_synced: int = 0
    rows_failed_with_errors: int = 0
    duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a poll failed, in words for people; *reason* is of the closed set in `domain/errors.py`."""

    reason: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a scrape or the status page may show about one integration. Replaced whole by each poll."""

    integration: Integration
    up: bool | None = None
    """Whether the newest poll succeeded; None before the first."""
    last_poll_at: datetime | None = None
    last_poll_success_at: datetime | None = None
    next_poll_at: datetime | None = None
    stale_at: datetime | None = None
    """From then on the gauges about syncs disappear, unless a poll succeeds before. None: nothing to go stale yet."""
    failure: Failure | None = None
    """Why the newest poll failed; None when it succeeded."""
    newest: Sync | None = None
    """The newest sync, running included."""
    newest_finished: Sync | None = None
    last_success_at: datetime | None = None
    last_timestamp_synced: datetime | None = None
    consecutive_failed_syncs: int | None = None
    integration_status: str | None = None
    next_scheduled_run: datetime | None = None
    expected_run_at: datetime | None = None
    totals: Totals | None = None
    """None until the integration was first seen."""
    history_gaps: int = 0
    history: tuple[Sync, ...] = field(default=(), repr=False)
    """The newest syncs known, newest first, bounded."""
