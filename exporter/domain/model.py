"""
The values that everything else passes around: integrations, their syncs, and how polls of them went.

All are frozen: a new state is a new value, and swapping one reference publishes it. Times are aware UTC datetimes; a
Braze field keeps Braze's name. A value that is not known is None, never 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum

from exporter.domain.limits import Alerts, LimitSettings


class SyncStatus(StrEnum):
    """
    Outcome of a sync, as the label `status` words it.

    Source: Braze's page "Get job sync status"; the older page writes the same words capitalised, the dashboard has
    "Partial Success" for `partial`, and "Limit Exceeded": Braze stopped the sync. Anything else is UNKNOWN.
    """

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    ERROR = "error"
    CONFIG_ERROR = "config_error"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNKNOWN = "unknown"


FINISHED_STATUSES = (
    SyncStatus.SUCCESS,
    SyncStatus.PARTIAL,
    SyncStatus.ERROR,
    SyncStatus.CONFIG_ERROR,
    SyncStatus.LIMIT_EXCEEDED,
    SyncStatus.UNKNOWN,
)
"""The statuses a finished sync can have, in the order of the samples on the page."""

FAILED_STATUSES = frozenset({SyncStatus.ERROR, SyncStatus.CONFIG_ERROR, SyncStatus.LIMIT_EXCEEDED})
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
    unknown_word: str = ""
    """Braze's word, cut short, where the status is UNKNOWN: foreign text."""

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

    @property
    def finished_at(self) -> datetime:
        """The finish of a finished sync; its start where Braze gives no finish that can be."""
        return max(self.sync_finish_time or self.sync_start_time, self.sync_start_time)

    @property
    def failed_rows_ratio(self) -> float | None:
        """The share of its rows that failed, 0 to 1; None while that is not known."""
        if self.rows_failed_with_errors is None or self.rows_synced is None:
            return None
        return self.rows_failed_with_errors / max(1, self.rows_synced + self.rows_failed_with_errors)

    @property
    def lag_seconds(self) -> float | None:
        """How far its watermark was behind when it finished; None while that is not known."""
        if self.last_timestamp_synced is None or not self.finished:
            return None
        return (self.finished_at - self.last_timestamp_synced).total_seconds()


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
    limits: LimitSettings = field(default_factory=LimitSettings)
    alerts: Alerts = Alerts.ALL
    timezone: tzinfo | None = None
    """Of its schedule, where the operator knows it."""


def one_record_each(syncs: Iterable[Sync]) -> dict[datetime, Sync]:
    """Of records with the same start on one page, the first finished one; else the first."""
    records: dict[datetime, Sync] = {}
    for sync in syncs:
        known = records.get(sync.sync_start_time)
        if known is None or (sync.finished and not known.finished):
            records[sync.sync_start_time] = sync
    return records


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
class Polls:
    """How asking Braze about one integration went."""

    last_at: datetime | None = None
    """When we last tried; None since the process began."""
    succeeded_at: datetime | None = None
    """When we last succeeded; None since the process began."""
    failure: Failure | None = None
    """Why the latest poll failed; None when it succeeded."""
    failing_since: datetime | None = None
    """When the first of the polls failed that have failed in a row."""

    @property
    def up(self) -> bool | None:
        """Whether the latest poll succeeded; one that was held back has failed; None before the first."""
        if self.failure is not None:
            return False
        return None if self.last_at is None else True
