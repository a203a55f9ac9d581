"""What the gauges say: each value of contract 4 that a ledger decides, with the tail taken into account."""

from exporter.domain.ledger import RECENT
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus
from exporter.domain.summary import Summary, summarize
from tests.histories import Account, ended, latest_first, minute, running

ERROR, CONFIG_ERROR, PARTIAL = SyncStatus.ERROR, SyncStatus.CONFIG_ERROR, SyncStatus.PARTIAL


def after(*syncs: Sync, now: float = 1000) -> Account:
    """An account after two polls: first sight of nothing, then of *syncs*."""
    account = Account()
    account.poll([], now=now)
    account.poll(latest_first(*syncs), now=now)
    return account


def shown(*syncs: Sync) -> Summary:
    """The summary after those polls, without a list."""
    return summarize(after(*syncs).known, None)


def success_at(summary: Summary) -> object:
    return summary.last_success and summary.last_success.sync_finish_time


def test_without_any_sync_the_gauges_are_absent_and_the_counters_are_zero() -> None:
    assert shown() == Summary(consecutive_failed_syncs=0)
    assert after().known.totals.syncs == (0,) * len(FINISHED_STATUSES)


def test_the_latest_sync_may_be_running_and_the_latest_finished_is_the_one_before() -> None:
    summary = shown(ended(1), ended(2), running(3))
    assert (summary.latest, summary.latest_finished) == (running(3), ended(2))


def test_the_last_success_is_the_finish_of_the_latest_one_with_that_status() -> None:
    summary = shown(ended(1), ended(2), ended(3, PARTIAL), ended(4, ERROR))
    assert success_at(summary) == minute(2.5)


def test_the_watermark_is_that_of_the_latest_sync_that_has_one() -> None:
    with_one = ended(2)
    summary = shown(ended(1), with_one, Sync(minute(3), ERROR, minute(4)), running(5))
    assert summary.last_timestamp_synced == with_one.last_timestamp_synced


def test_a_watermark_shown_by_a_running_sync_is_the_latest() -> None:
    summary = shown(ended(1), Sync(minute(2), SyncStatus.RUNNING, None, minute(0)))
    assert summary.last_timestamp_synced == minute(0)


def test_the_failing_streak_counts_errors_and_configuration_errors_and_skips_the_running_one() -> None:
    assert shown(ended(1), ended(2, ERROR), ended(3, CONFIG_ERROR), running(4)).consecutive_failed_syncs == 2
    assert shown(ended(1, ERROR), ended(2, PARTIAL)).consecutive_failed_syncs == 0
    assert shown(ended(1, ERROR), ended(2, SyncStatus.UNKNOWN), ended(3, ERROR)).consecutive_failed_syncs == 1


def test_streak_success_and_watermark_reach_beyond_the_recent_syncs() -> None:
    failed = [Sync(minute(10 + n), ERROR, minute(10.5 + n)) for n in range(3 * RECENT)]
    summary = shown(ended(1), ended(2), *failed)
    assert summary.consecutive_failed_syncs == 3 * RECENT
    assert success_at(summary) == minute(2.5)
    assert summary.last_timestamp_synced == ended(2).last_timestamp_synced


def test_a_running_sync_folded_away_does_not_end_the_streak() -> None:
    failed = [ended(10 + n, ERROR) for n in range(3 * RECENT)]
    assert shown(ended(1), running(20.2), *failed).consecutive_failed_syncs == 3 * RECENT


def test_a_success_among_the_syncs_folded_away_ends_the_streak() -> None:
    early = [ended(n, ERROR) for n in range(5)]
    late = [ended(10 + n, ERROR) for n in range(2 * RECENT)]
    assert shown(*early, ended(6), *late).consecutive_failed_syncs == 2 * RECENT


def listed(start: float | None = None, status: SyncStatus | None = None) -> ListedIntegration:
    """What the list shows of the latest sync, and no more."""
    at = None if start is None else minute(start)
    return ListedIntegration("i", last_job_start_time=at, last_job_status=status)


def test_the_latest_sync_is_the_one_that_the_list_shows_running_or_else_the_known_one() -> None:
    begun = listed(5, SyncStatus.RUNNING)
    assert summarize(after(ended(1)).known, begun).latest == running(5)
    assert summarize(after(ended(1)).known, begun).latest_finished == ended(1)
    assert summarize(after(ended(7)).known, begun).latest == ended(7)
    assert summarize(after().known, begun).latest == running(5)


def test_a_sync_that_the_list_shows_finished_waits_for_its_own_endpoint() -> None:
    """The list gives neither finish nor rows."""
    summary = summarize(after(ended(1)).known, listed(5, SyncStatus.ERROR))
    assert (summary.latest, summary.consecutive_failed_syncs) == (ended(1), 0)


def test_before_its_own_endpoint_has_answered_the_list_shows_the_latest_sync_and_the_watermark() -> None:
    record = ListedIntegration(
        "i", "n", last_updated_at=minute(3), last_job_start_time=minute(5), last_job_status=ERROR
    )
    assert summarize(None, record) == Summary(Sync(minute(5), ERROR), last_timestamp_synced=minute(3))


def test_a_start_without_a_status_or_a_status_without_a_start_is_no_sync() -> None:
    assert summarize(None, listed(5)) == summarize(None, listed(status=ERROR)) == Summary()


def test_nothing_is_known_before_anything_has_answered() -> None:
    assert summarize(None, None) == Summary()
