"""What the gauges say about an integration's syncs, read off its ledger."""

from dataclasses import dataclass
from datetime import datetime

from exporter.domain.ledger import Ledger
from exporter.domain.model import Sync, SyncStatus


@dataclass(frozen=True, slots=True)
class Summary:
    """The fields of a Snapshot that come from the ledger alone; contract 4 defines each."""

    newest: Sync | None
    newest_finished: Sync | None
    last_success_at: datetime | None
    last_timestamp_synced: datetime | None
    consecutive_failed_syncs: int


def summarise(ledger: Ledger) -> Summary:
    finished = [sync for sync in ledger.recent if sync.finished]
    success = next((sync for sync in finished if sync.job_status is SyncStatus.SUCCESS), ledger.tail.success)
    watermarks = (sync.last_timestamp_synced for sync in ledger.recent)
    return Summary(
        newest=ledger.recent[0] if ledger.recent else None,
        newest_finished=finished[0] if finished else None,
        last_success_at=success.sync_finish_time if success else None,
        last_timestamp_synced=next(filter(None, watermarks), ledger.tail.last_timestamp_synced),
        consecutive_failed_syncs=_streak(finished, ledger),
    )


def _streak(finished: list[Sync], ledger: Ledger) -> int:
    for count, sync in enumerate(finished):
        if not sync.failed:
            return count
    return len(finished) + ledger.tail.failed_streak
