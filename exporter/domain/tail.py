"""
Syncs that a ledger no longer keeps one by one, folded into what the gauges need of them.

Decides what of an old sync may still matter: whether it lengthens the failing streak, whether it was the last success,
and up to where its data went. Nothing here counts; what is folded has counted or never will.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.domain.model import Sync, SyncStatus


@dataclass(frozen=True, slots=True)
class Tail:
    """All syncs older than the recent ones, folded into what the gauges need of them."""

    floor: datetime | None = None
    """The newest start in here."""
    failed_streak: int = 0
    """How many of the newest finished syncs in here failed in a row."""
    success: Sync | None = None
    last_timestamp_synced: datetime | None = None


def fold(tail: Tail, older: Sequence[Sync]) -> Tail:
    """Return the tail with syncs that leave the ledger, newest first as the ledger has them."""
    for sync in reversed(older):
        streak = tail.failed_streak
        if sync.finished:
            streak = streak + 1 if sync.failed else 0
        tail = Tail(
            sync.sync_start_time,
            streak,
            sync if sync.job_status is SyncStatus.SUCCESS else tail.success,
            sync.last_timestamp_synced or tail.last_timestamp_synced,
        )
    return tail
