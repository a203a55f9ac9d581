"""What the gauges say about an integration, read off its ledger and off Braze's list."""

from dataclasses import replace

from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Snapshot, Sync, SyncStatus


def with_ledger(snapshot: Snapshot, ledger: Ledger) -> Snapshot:
    """Return the snapshot with everything that the ledger knows; contract 4 defines each value."""
    finished = [sync for sync in ledger.recent if sync.finished]
    success = next((sync for sync in finished if sync.job_status is SyncStatus.SUCCESS), ledger.tail.success)
    watermarks = (sync.last_timestamp_synced for sync in ledger.recent)
    return replace(
        snapshot,
        newest=ledger.recent[0] if ledger.recent else None,
        newest_finished=finished[0] if finished else None,
        last_success_at=success.sync_finish_time if success else None,
        last_timestamp_synced=next(filter(None, watermarks), ledger.tail.last_timestamp_synced),
        consecutive_failed_syncs=_streak(finished, ledger),
        totals=ledger.totals,
        history_gaps=ledger.gaps,
        history=ledger.recent,
    )


def with_listing(snapshot: Snapshot, listed: ListedIntegration, newest: Sync | None) -> Snapshot:
    """
    Return the snapshot with what the list says of schedule, status, and a sync that has just begun.

    Args:
        snapshot: What is shown so far.
        listed: What the list shows.
        newest: The newest sync in the ledger.

    """
    return replace(
        snapshot,
        integration_status=listed.integration_status or None,
        next_scheduled_run=listed.next_scheduled_run,
        newest=listed.newly_running(newest) or newest,
    )


def _streak(finished: list[Sync], ledger: Ledger) -> int:
    for count, sync in enumerate(finished):
        if not sync.failed:
            return count
    return len(finished) + ledger.tail.failed_streak
