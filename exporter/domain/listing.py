"""
The list of integrations: JSON value -> listed integrations, and what a listing says about change.

One list request tells the latest sync of ten integrations, which makes it the change detector. `contact_emails` are
personal data and are never read. What is odd becomes an anomaly, as in `domain/decode.py`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from exporter.domain.decode import MAX_RECORDS, decode_results, decode_status, decode_time, is_path_segment
from exporter.domain.model import Sync, SyncStatus

MAX_TEXT = 200
"""Names and types are cut to this many characters."""
_PAUSED = ("paused", "inactive", "disabled", "stopped", "archived")
_ROUNDING = timedelta(seconds=1)
"""Two pages may give the same time with more or fewer digits."""


def is_paused_status(status: str) -> bool:
    """Whether Braze's word for a status means that nothing will run; it documents no set of values."""
    word = status.lower()
    return any(paused in word for paused in _PAUSED)


@dataclass(frozen=True, slots=True)
class ListedIntegration:
    """One record of `GET /cdi/integrations`. An unknown text is empty, an unknown time None."""

    integration_id: str
    integration_name: str = ""
    integration_type: str = ""
    integration_status: str = ""
    warehouse_type: str = ""
    app_group_id: str = ""
    last_updated_at: datetime | None = None
    """The watermark of the latest sync, whatever its name says."""
    last_job_start_time: datetime | None = None
    last_job_status: SyncStatus | None = None
    next_scheduled_run: datetime | None = None
    next_run_told: bool = True
    """Whether Braze says which run is next or, by null, that there is none; a missing or odd field says neither."""

    @property
    def latest(self) -> tuple[datetime | None, SyncStatus | None]:
        """What changes when the latest sync does."""
        return self.last_job_start_time, self.last_job_status

    @property
    def is_draft(self) -> bool:
        """Whether Braze calls it a draft, which never syncs."""
        return "draft" in self.integration_status.lower()

    def tells(self, latest: Sync | None) -> bool:
        """Whether the list shows the very sync that is known as the latest."""
        if latest is None:
            return self.last_job_start_time is None and self.last_job_status is None
        return self.latest == (latest.sync_start_time, latest.job_status)

    def leaves_open(self, latest: Sync | None) -> bool:
        """
        Whether the list does not tell the latest sync, although there is one.

        Its start is absent or unreadable, or before that of the latest known: a sync may come and go, and the list
        would look the same. Nothing at all is what the list says of an integration that has never synced.
        """
        start = self.last_job_start_time
        if start is None:
            return latest is not None or self.last_job_status is not None
        return latest is not None and latest.sync_start_time - start >= _ROUNDING

    def is_ahead_of(self, latest: Sync | None) -> bool:
        """Whether the list knows more: a newer sync, by more than times may be rounded, or that the latest ended."""
        start = self.last_job_start_time
        if start is None:
            return False
        if latest is None or start - latest.sync_start_time >= _ROUNDING:
            return True
        same = latest.sync_start_time - start < _ROUNDING
        return same and not latest.finished and self.last_job_status is not SyncStatus.RUNNING

    def contradictions(self, latest: Sync | None, watermark: datetime | None) -> dict[str, int]:
        """
        Return the anomalies there are between the list and what its own endpoint showed later, each once.

        Args:
            latest: The latest sync that its own endpoint has shown.
            watermark: The latest there.

        """
        if self.is_ahead_of(latest):
            return {"older_than_list": 1}
        same = latest is not None and latest.finished and self.tells(latest)
        if not same or watermark is None or self.last_updated_at is None:
            return {}
        return {"watermark_differs_from_list": 1} if abs(self.last_updated_at - watermark) >= _ROUNDING else {}

    def newly_running(self, latest: Sync | None) -> Sync | None:
        """Return the running sync that the list shows, if it is newer than the latest known."""
        start = self.last_job_start_time
        if start is None or self.last_job_status is not SyncStatus.RUNNING:
            return None
        if latest is not None and latest.sync_start_time >= start:
            return None
        return Sync(start, SyncStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class DecodedListing:
    """One page of the list, and what was odd about it."""

    integrations: tuple[ListedIntegration, ...] = ()
    anomalies: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None
    """Why the page as a whole is of no use; None when it is."""


def decode_integrations(body: Any) -> DecodedListing:
    """Decode one page of `GET /cdi/integrations`, any JSON value."""
    records, problem = decode_results(body)
    if problem is not None:
        return DecodedListing(problem=problem)
    anomalies: Counter[str] = Counter()
    if len(records) > MAX_RECORDS:
        anomalies["too_many_records"] = 1
        records = records[:MAX_RECORDS]
    listed = tuple(one for record in records if (one := _decode_integration(record, anomalies)) is not None)
    problem = f"none of the {len(records)} records in the answer can be read" if records and not listed else None
    return DecodedListing(listed, anomalies, problem)


def _decode_integration(record: Any, anomalies: Counter[str]) -> ListedIntegration | None:
    if not isinstance(record, dict):
        anomalies["record_not_an_object"] += 1
        return None
    integration_id = record.get("integration_id")
    if not isinstance(integration_id, str) or not is_path_segment(integration_id):
        anomalies["integration_id_invalid"] += 1
        return None
    next_scheduled_run = decode_time(record, "next_scheduled_run", anomalies)
    has_status = record.get("last_job_status") not in (None, "")
    return ListedIntegration(
        integration_id,
        integration_name=_text(record, "integration_name", anomalies),
        integration_type=_text(record, "integration_type", anomalies),
        integration_status=_text(record, "integration_status", anomalies),
        warehouse_type=_text(record, "warehouse_type", anomalies),
        app_group_id=_text(record, "app_group_id", anomalies),
        last_updated_at=decode_time(record, "last_updated_at", anomalies),
        last_job_start_time=decode_time(record, "last_job_start_time", anomalies),
        last_job_status=decode_status(record["last_job_status"], "last_job_status", anomalies) if has_status else None,
        next_scheduled_run=next_scheduled_run,
        next_run_told=next_scheduled_run is not None
        or ("next_scheduled_run" in record and record["next_scheduled_run"] is None),
    )


def _text(record: Mapping[str, Any], name: str, anomalies: Counter[str]) -> str:
    value = record.get(name)
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is not None:
        anomalies[f"{name}_invalid"] += 1
    return ""
