"""What counts, and what does not: each sentence of the ledger's theory on identity, counting and first sight."""

import pytest

from exporter.domain.ledger import EMPTY_PAST, RECENT
from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus, Totals
from tests.histories import Account, ended, latest_first, minute, running

PAST = latest_first(*(ended(n) for n in range(5)))


def seen(*, max_pages: int = 20) -> Account:
    """An account that has seen PAST."""
    account = Account(max_pages=max_pages)
    account.poll(PAST, now=10)
    return account


def test_what_is_finished_at_first_sight_fills_the_gauges_and_counts_nothing() -> None:
    account = seen()
    assert account.known.recent == PAST
    assert account.known.totals == Totals()
    assert account.known.gaps == 0


@pytest.mark.parametrize("status", FINISHED_STATUSES)
def test_a_sync_is_counted_under_its_status_with_its_rows_and_its_duration(status: SyncStatus) -> None:
    account = seen()
    account.poll([ended(20, status, rows=7, failed=3), *PAST], now=21)
    expected = tuple(int(each is status) for each in FINISHED_STATUSES)
    assert account.known.totals == Totals(expected, 7, 3, 30.0)


def test_a_sync_without_rows_and_without_an_end_counts_with_nothing_of_them() -> None:
    account = seen()
    account.poll([Sync(minute(20), SyncStatus.ERROR), *PAST], now=21)
    assert account.known.totals == Totals((0, 0, 1, 0, 0, 0))


def test_a_sync_counts_once_however_often_it_is_seen() -> None:
    account = seen()
    for now in (21, 22, 23):
        account.poll([ended(20), *PAST], now=now)
    assert account.starts == [minute(20)]


def test_a_running_sync_counts_when_it_has_finished_and_not_before() -> None:
    account = seen()
    account.poll([running(20), *PAST], now=21)
    assert account.counted == []
    account.poll([ended(20), *PAST], now=22)
    assert account.starts == [minute(20)]


def test_an_unknown_status_counts_once_it_has_a_finish() -> None:
    account = seen()
    account.poll([Sync(minute(20), SyncStatus.UNKNOWN), *PAST], now=21)
    assert account.counted == []
    account.poll([ended(20, SyncStatus.UNKNOWN), *PAST], now=22)
    assert account.known.totals.syncs == (0, 0, 0, 0, 0, 1)


def test_many_syncs_that_finish_between_two_polls_all_count() -> None:
    account = seen()
    history = latest_first(*PAST, *(ended(20 + n) for n in range(37)))
    account.poll(history, now=60)
    assert sorted(account.starts) == [minute(20 + n) for n in range(37)]
    assert account.known.gaps == 0


def test_two_records_with_one_start_on_a_page_are_one_sync_and_the_first_finished_one_tells() -> None:
    account = seen()
    account.poll([running(20), ended(20, rows=5), ended(20, rows=9), *PAST], now=21)
    assert account.starts == [minute(20)]
    assert account.known.totals.rows_synced == 5


def test_two_records_with_one_start_on_two_pages_are_one_sync() -> None:
    account = seen()
    later = latest_first(*(ended(20 + n) for n in range(10)))
    account.poll([*later, ended(20, rows=99), *PAST], now=60)
    assert len(account.starts) == 10


def test_a_record_that_changes_after_it_was_counted_moves_the_gauges_and_no_counter() -> None:
    account = seen()
    account.poll([ended(20, rows=5), *PAST], now=21)
    totals = account.known.totals
    for changed in (ended(20, SyncStatus.ERROR, rows=8), running(20), ended(20, SyncStatus.PARTIAL, failed=4)):
        account.poll([changed, *PAST], now=22)
        assert account.known.recent[0] == changed
        assert account.known.totals == totals


def test_a_record_of_the_past_that_changes_after_first_sight_counts_nothing() -> None:
    account = seen()
    account.poll([*PAST[:2], ended(2, SyncStatus.ERROR, rows=77), *PAST[3:]], now=11)
    assert account.known.recent[2].rows_synced == 77
    assert account.known.totals == Totals()


def test_a_sync_running_at_first_sight_counts_when_it_finishes() -> None:
    account = Account()
    account.poll([running(9), *PAST], now=10)
    account.poll([ended(12), ended(9), *PAST], now=13)
    assert sorted(account.starts) == [minute(9), minute(12)]


def test_a_sync_running_at_first_sight_on_a_later_page_counts_when_it_finishes() -> None:
    failures = [ended(100 + n, SyncStatus.ERROR) for n in range(12)]
    account = Account()
    account.poll(latest_first(*failures, running(50), *PAST), now=120)
    account.poll(latest_first(*failures, ended(50), *PAST), now=300)
    account.poll(latest_first(*failures, ended(50), *PAST), now=900)
    assert account.starts == [minute(50)]


def test_what_finished_among_the_past_of_a_running_sync_at_first_sight_does_not_count() -> None:
    account = Account()
    account.poll([ended(9), running(7), *PAST], now=10)
    account.poll([ended(9), ended(7), *PAST], now=11)
    assert account.starts == [minute(7)]


def test_older_pages_read_later_count_nothing_of_the_past() -> None:
    past = latest_first(*(ended(n) for n in range(60)))
    account = Account()
    account.poll(past, now=70)
    assert account.pages == 1
    history = latest_first(*past, *(ended(100 + n) for n in range(9)), running(109))
    account.poll(history, now=110)
    account.poll(latest_first(ended(120), *history[1:]), now=121)
    assert len(account.starts) == 10


def test_the_past_stays_uncounted_after_it_has_left_the_recent_ones() -> None:
    account = seen()
    newer = [ended(20 + n) for n in range(RECENT + 5)]
    account.poll(latest_first(*PAST, *newer), now=60)
    counted = len(account.counted)
    account.poll(latest_first(*PAST, *newer[-2:]), now=201)
    assert len(account.counted) == counted


def test_a_counted_sync_that_left_the_recent_ones_does_not_count_again() -> None:
    account = seen()
    newer = [ended(20 + n) for n in range(RECENT + 5)]
    account.poll(latest_first(*PAST, *newer), now=60)
    account.poll(latest_first(ended(20, rows=99), *PAST), now=61)
    assert len(account.counted) == len(newer)


def test_where_nothing_is_listed_at_first_sight_what_starts_from_then_on_counts() -> None:
    account = Account()
    account.poll([], now=10)
    account.poll([ended(11)], now=12)
    assert account.starts == [minute(11)]
    assert account.known.gaps == 0


def test_an_answer_empty_in_error_at_first_sight_does_not_make_the_whole_past_count() -> None:
    days = EMPTY_PAST.total_seconds() / 60
    past = latest_first(*(ended(n * days / 4) for n in range(40)))
    account = Account()
    account.poll([], now=10 * days)
    account.poll(past, now=10 * days + 1)
    assert len(account.counted) == 3
    assert account.known.gaps == 0


def test_a_record_unreadable_at_first_counts_once_it_is_readable() -> None:
    account = seen()
    history = latest_first(ended(20), ended(21), *PAST)
    account.poll([history[0], *history[2:]], now=22)
    account.poll(history, now=23)
    account.poll(history, now=24)
    assert sorted(account.starts) == [minute(20), minute(21)]


def test_a_sync_that_starts_before_the_oldest_recent_one_but_was_never_seen_does_not_count() -> None:
    account = seen()
    newer = [ended(20 + n) for n in range(RECENT + 5)]
    account.poll(latest_first(*PAST, *newer), now=60)
    before = list(account.counted)
    account.poll(latest_first(ended(20.5), *newer[-3:]), now=61)
    assert account.counted == before


def test_seeing_the_same_page_again_leaves_the_very_same_ledger() -> None:
    account = seen()
    account.poll([ended(20), *PAST], now=21)
    ledger = account.ledger
    account.poll([ended(20), *PAST], now=22)
    assert account.ledger is ledger


def test_a_start_in_the_future_in_error_does_not_hide_what_comes_before_it() -> None:
    account = seen()
    odd = ended(600)
    account.poll([odd, *PAST], now=20)
    history = latest_first(*PAST, *(ended(30 + n) for n in range(25)))
    account.poll([odd, *history], now=60)
    assert len(account.counted) == 26


def test_a_start_in_the_future_at_first_sight_does_not_make_the_time_until_then_past() -> None:
    account = Account()
    odd = ended(600)
    account.poll([odd, *PAST], now=10)
    account.poll([odd, ended(20), *PAST], now=21)
    assert account.starts == [minute(20)]


def test_rows_and_durations_of_all_syncs_on_a_page_add_up() -> None:
    account = seen()
    account.poll([ended(21, rows=4, failed=1), ended(20, rows=3, failed=2), *PAST], now=22)
    totals = account.known.totals
    assert (totals.rows_synced, totals.rows_failed_with_errors, totals.duration_seconds) == (7, 3, 60.0)


def test_none_of_those_that_left_the_recent_ones_counts_again() -> None:
    account = seen()
    newer = [ended(20 + n) for n in range(RECENT + 5)]
    account.poll(latest_first(*PAST, *newer), now=60)
    for again in newer[:5]:
        account.poll([again], now=61)
    assert len(account.counted) == len(newer)


def test_a_sync_running_at_first_sight_that_cannot_be_read_for_a_while_counts_when_it_is_back() -> None:
    account = Account()
    account.poll([running(9), *PAST], now=10)
    account.poll(PAST, now=11)
    account.poll([ended(9), *PAST], now=12)
    assert account.starts == [minute(9)]


def test_what_ran_before_first_sight_without_being_seen_then_is_past() -> None:
    account = seen()
    old = [*PAST[:2], running(2.5), *PAST[2:]]
    account.poll(old, now=11)
    account.poll([*PAST[:2], ended(2.5), *PAST[2:]], now=12)
    assert account.counted == []


def test_a_sync_that_starts_as_it_is_seen_first_has_begun_so_what_is_older_is_past() -> None:
    account = Account()
    account.poll(latest_first(ended(5), ended(10)), now=10)
    account.poll(latest_first(ended(5), ended(7), ended(10)), now=11)
    assert account.counted == []


def test_where_every_sync_is_in_the_future_at_first_sight_what_is_before_the_latest_is_past() -> None:
    account = Account()
    account.poll(latest_first(ended(20), ended(21)), now=10)
    account.poll(latest_first(ended(15), ended(20), ended(21)), now=11)
    assert account.counted == []


def test_a_failing_streak_keeps_its_beginning_when_its_syncs_are_folded() -> None:
    error, running_now = SyncStatus.ERROR, [running(200)]
    account = seen()
    failed = latest_first(*(ended(20 + n, error) for n in range(RECENT + 5)))
    account.poll([*running_now, *failed, *PAST], now=201)
    tail = account.known.tail
    assert (tail.failed_streak, tail.failing_since) == (6, minute(20.5))
    account.poll([*latest_first(*(ended(300 + n, error) for n in range(9))), *failed, *PAST], now=310)
    assert account.known.tail.failing_since == minute(20.5)
    again = latest_first(ended(400), *(ended(410 + n, error) for n in range(RECENT + 2)))
    account.poll([*again, *account.known.recent], now=500)
    tail = account.known.tail
    assert (tail.failed_streak, tail.failing_since) == (2, minute(410.5))
    account.poll([*latest_first(*(ended(600 + n) for n in range(RECENT + 2))), *again], now=700)
    recovered = account.known.tail
    assert (recovered.failed_streak, recovered.failing_since) == (0, None)
