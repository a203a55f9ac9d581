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
        ledger: What its own endpoint has told; None before it has answered.
        listed: What the list shows at present; None where it shows nothing.

    """
    if ledger is None:
        return Summary() if listed is None else _from_list(listed)
    finished = [sync for sync in ledger.recent if sync.finished]
    watermarks = (sync.last_timestamp_synced for sync in ledger.recent)
    latest = ledger.recent[0] if ledger.recent else None
    return Summary(
        latest=(listed.newly_running(latest) if listed is not None else None) or latest,
        latest_finished=finished[0] if finished else None,
        last_success=next((s for s in finished if s.job_status is SyncStatus.SUCCESS), ledger.tail.success),
        last_timestamp_synced=next(filter(None, watermarks), ledger.tail.last_timestamp_synced),
        consecutive_failed_syncs=_streak(finished, ledger),
    )


def _from_list(listed: ListedIntegration) -> Summary:
    """The list gives start and status of the latest sync, and the watermark; nothing of what came before."""
    start, status = listed.latest
    latest = Sync(start, status) if start is not None and status is not None else None
    return Summary(latest, last_timestamp_synced=listed.last_updated_at)


def _streak(finished: list[Sync], ledger: Ledger) -> int:
    for count, sync in enumerate(finished):
        if not sync.failed:
            return count
    return len(finished) + ledger.tail.failed_streak
