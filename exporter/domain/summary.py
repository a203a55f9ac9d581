"""What ledger and list say together about the syncs of an integration, as gauges and judge need it."""

from dataclasses import dataclass
from datetime import datetime

from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync, SyncStatus


@dataclass(frozen=True, slots=True)
class Summary:
    """The latest of everything; contract 4 defines each value. What is not known is None."""

    latest: Sync | None = None
    """The latest sync, running included; until its own endpoint has answered, as the list reports it."""
    latest_finished: Sync | None = None
    last_success: Sync | None = None
    last_timestamp_synced: datetime | None = None
    consecutive_failed_syncs: int | None = None


def summarize(ledger: Ledger | None, listed: ListedIntegration | None) -> Summary:
    """
    Return the summary.

    Args:
        ledger: What its own endpoint has shown; None before it has answered.
        listed: What the list shows at present; None where it shows nothing.

    """
    if ledger is None:
        return Summary() if listed is None else _from_list(listed)
    recent, tail = ledger.recent, ledger.tail
    latest = recent[0] if recent else None
    watermarks = (sync.last_timestamp_synced for sync in recent)
    return Summary(
        latest=(listed.newly_running(latest) if listed is not None else None) or latest,
        latest_finished=next((sync for sync in recent if sync.finished), None),
        last_success=next((sync for sync in recent if sync.job_status is SyncStatus.SUCCESS), tail.success),
        last_timestamp_synced=next(filter(None, watermarks), tail.last_timestamp_synced),
        consecutive_failed_syncs=_streak(ledger),
    )


def _from_list(listed: ListedIntegration) -> Summary:
    """The list gives start and status of the latest sync, and the watermark; nothing of what came before."""
    start, status = listed.latest
    latest = Sync(start, status) if start is not None and status is not None else None
    return Summary(latest, last_timestamp_synced=listed.last_updated_at)


def _streak(ledger: Ledger) -> int:
    count = 0
    for sync in ledger.recent:
        if sync.failed:
            count += 1
        elif sync.finished:
            return count
    return count + ledger.tail.failed_streak
