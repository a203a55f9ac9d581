"""What the gauges say: each value of contract 4 that a ledger decides, with the tail taken into account."""

from dataclasses import replace

from exporter.domain.ledger import RECENT, Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Snapshot, Sync, SyncStatus
from exporter.domain.summary import with_ledger, with_listing
from tests.histories import Account, ended, minute, newest_first, running

EMPTY = Snapshot(Integration("w", "i", "n"))
ERROR, CONFIG_ERROR, PARTIAL = SyncStatus.ERROR, SyncStatus.CONFIG_ERROR, SyncStatus.PARTIAL


def shown(*syncs: Sync, now: float = 1000) -> Snapshot:
    """The snapshot after two polls: first sight of nothing, then of *syncs*."""
    account = Account()
    account.poll([], now=now)
    account.poll(newest_first(*syncs), now=now)
    return with_ledger(EMPTY, account.known)


def test_without_any_sync_the_gauges_are_absent_and_the_counters_are_zero() -> None:
    snapshot = shown()
    assert (snapshot.newest, snapshot.newest_finished, snapshot.last_success_at) == (None, None, None)
    assert snapshot.last_timestamp_synced is None
    assert snapshot.totals is not None
    assert snapshot.totals.syncs == (0, 0, 0, 0, 0)
    assert snapshot.consecutive_failed_syncs == 0


def test_the_newest_sync_may_be_running_and_the_newest_finished_is_the_one_before() -> None:
    snapshot = shown(ended(1), ended(2), running(3))
    assert (snapshot.newest, snapshot.newest_finished) == (running(3), ended(2))


def test_the_last_success_is_the_finish_of_the_newest_one_with_that_status() -> None:
    snapshot = shown(ended(1), ended(2), ended(3, PARTIAL), ended(4, ERROR))
    assert snapshot.last_success_at == minute(2.5)


def test_the_watermark_is_that_of_the_newest_sync_that_has_one() -> None:
    with_one = ended(2)
    snapshot = shown(ended(1), with_one, Sync(minute(3), ERROR, minute(4)), running(5))
    assert snapshot.last_timestamp_synced == with_one.last_timestamp_synced


def test_a_watermark_shown_by_a_running_sync_is_the_newest() -> None:
    snapshot = shown(ended(1), Sync(minute(2), SyncStatus.RUNNING, None, minute(0)))
    assert snapshot.last_timestamp_synced == minute(0)


def test_the_failing_streak_counts_errors_and_configuration_errors_and_skips_the_running_one() -> None:
    assert shown(ended(1), ended(2, ERROR), ended(3, CONFIG_ERROR), running(4)).consecutive_failed_syncs == 2
    assert shown(ended(1, ERROR), ended(2, PARTIAL)).consecutive_failed_syncs == 0
    assert shown(ended(1, ERROR), ended(2, SyncStatus.UNKNOWN), ended(3, ERROR)).consecutive_failed_syncs == 1


def test_streak_success_and_watermark_reach_beyond_the_recent_syncs() -> None:
    failed = [Sync(minute(10 + n), ERROR, minute(10.5 + n)) for n in range(3 * RECENT)]
    snapshot = shown(ended(1), ended(2), *failed)
    assert snapshot.consecutive_failed_syncs == 3 * RECENT
    assert snapshot.last_success_at == minute(2.5)
    assert snapshot.last_timestamp_synced == ended(2).last_timestamp_synced


def test_a_running_sync_folded_away_does_not_end_the_streak() -> None:
    failed = [ended(10 + n, ERROR) for n in range(3 * RECENT)]
    assert shown(ended(1), running(20.2), *failed).consecutive_failed_syncs == 3 * RECENT


def test_gaps_and_history_are_those_of_the_ledger() -> None:
    account = Account(max_pages=1)
    account.poll([ended(1)], now=5)
    account.poll(newest_first(*(ended(10 + n) for n in range(15))), now=50)
    snapshot = with_ledger(EMPTY, account.known)
    assert (snapshot.history_gaps, snapshot.history) == (1, account.known.recent)


def test_a_success_among_the_syncs_folded_away_ends_the_streak() -> None:
    early = [ended(n, ERROR) for n in range(5)]
    late = [ended(10 + n, ERROR) for n in range(2 * RECENT)]
    assert shown(*early, ended(6), *late).consecutive_failed_syncs == 2 * RECENT


def test_status_and_schedule_are_those_of_the_list_and_the_rest_stays() -> None:
    snapshot = with_ledger(EMPTY, Ledger(minute(0), gaps=3))
    listed = ListedIntegration("i", integration_status="active", next_scheduled_run=minute(60))
    seen = with_listing(snapshot, listed, None)
    assert (seen.integration_status, seen.next_scheduled_run) == ("active", minute(60))
    assert (seen.integration, seen.history_gaps, seen.newest) == (EMPTY.integration, 3, None)


def test_a_status_and_a_schedule_that_the_list_no_longer_shows_are_unknown() -> None:
    before = replace(EMPTY, integration_status="active", next_scheduled_run=minute(60), newest=ended(9))
    seen = with_listing(before, ListedIntegration("i"), None)
    assert (seen.integration_status, seen.next_scheduled_run, seen.newest) == (None, None, None)


def test_the_newest_sync_is_the_one_that_the_list_shows_running_or_else_the_known_one() -> None:
    begun = ListedIntegration("i", last_job_start_time=minute(5), last_job_status=SyncStatus.RUNNING)
    assert with_listing(EMPTY, begun, ended(1)).newest == running(5)
    assert with_listing(EMPTY, begun, ended(7)).newest == ended(7)
