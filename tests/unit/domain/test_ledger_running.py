"""A sync that runs for long, while newer ones push it off the pages that are read."""

import pytest

from exporter.domain.ledger import ATTEMPTS, MOST_RUNNING, RECENT, SEARCH_SHARE
from exporter.domain.model import Sync, SyncStatus
from tests.histories import Account, ended, latest_first, minute, running

PAST = latest_first(*(ended(n) for n in range(15)))
LONG = 20
"""The start of the sync that runs and runs."""


def after(count: int, long: Sync) -> tuple[Sync, ...]:
    """PAST, a long sync, and *count* newer ones."""
    return latest_first(*PAST, long, *(ended(30 + n) for n in range(count)))


def seen_running() -> Account:
    account = Account()
    account.poll(PAST, now=18)
    account.poll(after(0, running(LONG)), now=21)
    return account


def test_a_sync_that_finishes_after_newer_ones_counts_once() -> None:
    account = seen_running()
    account.poll(after(5, running(LONG)), now=36)
    account.poll(after(5, ended(LONG)), now=37)
    account.poll(after(6, ended(LONG)), now=38)
    assert account.starts.count(minute(LONG)) == 1
    assert len(account.counted) == 7


def test_a_sync_that_finishes_off_the_first_page_is_found_and_counts() -> None:
    account = seen_running()
    account.poll(after(14, running(LONG)), now=50)
    account.poll(after(15, ended(LONG)), now=100)
    assert account.starts.count(minute(LONG)) == 1


def test_a_sync_that_finishes_after_it_has_left_the_recent_ones_counts_once() -> None:
    account = seen_running()
    for polls in range(1, 6):
        account.poll(after(10 * polls, running(LONG)), now=30 + 10 * polls)
    assert minute(LONG) not in {sync.sync_start_time for sync in account.known.recent}
    for now in (100, 200, 400):
        account.poll(after(50, ended(LONG)), now=now)
    assert account.starts.count(minute(LONG)) == 1
    assert account.known.gaps == 0


def test_a_success_that_is_found_late_is_the_last_success_if_none_is_newer() -> None:
    failed = [ended(30 + n, SyncStatus.ERROR) for n in range(RECENT + 5)]
    account = seen_running()
    account.poll(latest_first(*PAST, running(LONG), *failed), now=60)
    account.poll(latest_first(*PAST, ended(LONG), *failed), now=200)
    success = account.known.tail.success
    assert success is not None
    assert success.sync_start_time == minute(LONG)


def test_the_search_for_a_running_sync_grows_rarer_the_longer_it_runs() -> None:
    account = seen_running()
    searches = []
    for now in range(100, 1100):
        account.poll(after(30, running(LONG)), now=now)
        if account.pages > 1:
            searches.append(now)
    assert len(searches) < 40
    assert searches[-1] - searches[-2] >= (searches[-2] - LONG) / SEARCH_SHARE


def test_a_search_is_due_after_an_eighth_of_the_time_that_the_sync_has_been_running() -> None:
    account = seen_running()
    pages = []
    for now in (62, 67.9, 68):
        account.poll(after(14, running(LONG)), now=now)
        pages.append(account.pages)
    assert pages == [2, 1, 2]


def test_a_quiet_integration_costs_one_page_although_a_sync_runs_off_that_page() -> None:
    account = seen_running()
    account.poll(after(14, running(LONG)), now=50)
    account.poll(after(14, running(LONG)), now=51)
    account.poll(after(14, running(LONG)), now=52)
    assert account.pages == 1


def test_a_search_that_breaks_off_waits_for_its_next_time() -> None:
    account = seen_running()
    account.poll(after(14, running(LONG)), now=50)
    account.poll(after(14, running(LONG)), now=90, fails_at=1)
    account.poll(after(14, running(LONG)), now=91)
    assert account.pages == 1
    assert account.known.gaps == 0


def test_a_running_sync_that_disappears_is_forgotten_without_a_gap() -> None:
    account = seen_running()
    account.poll(latest_first(*PAST, ended(40)), now=41)
    assert account.known.running == frozenset()
    assert minute(LONG) not in {sync.sync_start_time for sync in account.known.recent}
    assert account.known.gaps == 0


def test_a_running_sync_that_disappears_and_returns_finished_counts_once() -> None:
    account = seen_running()
    account.poll(latest_first(*PAST, ended(40)), now=41)
    account.poll(latest_first(*PAST, ended(LONG), ended(40)), now=42)
    account.poll(latest_first(*PAST, ended(LONG), ended(40)), now=43)
    assert account.starts.count(minute(LONG)) == 1


@pytest.mark.parametrize("newer", [RECENT, RECENT + 5])
def test_a_running_sync_that_disappears_where_it_could_never_count_again_is_a_gap(newer: int) -> None:
    account = seen_running()
    account.poll(after(newer, running(LONG)), now=60)
    gone = latest_first(*PAST, *(ended(30 + n) for n in range(newer)))
    account.poll(gone, now=200)
    assert account.known.running == frozenset()
    assert account.known.gaps == 1


def test_a_counted_sync_that_disappears_and_returns_does_not_count_again() -> None:
    account = seen_running()
    history = after(3, ended(LONG))
    account.poll(history, now=40)
    account.poll([history[0], *history[2:]], now=41)
    account.poll(history, now=42)
    assert len(account.starts) == len(set(account.starts)) == 4


def test_more_unfinished_syncs_than_are_remembered_are_gaps() -> None:
    account = seen_running()
    stuck = latest_first(*PAST, *(running(30 + n) for n in range(MOST_RUNNING + 3)))
    account.poll(stuck, now=60)
    assert len(account.known.running) == MOST_RUNNING
    assert max(account.known.running) == minute(30 + MOST_RUNNING + 2)
    assert account.known.gaps == 3


def test_a_running_sync_beyond_the_end_of_a_history_that_shrank_is_forgotten() -> None:
    account = seen_running()
    newer = latest_first(*(ended(30 + n) for n in range(3)))
    account.poll([*newer, running(LONG), *PAST], now=40)
    account.poll(newer, now=50)
    assert account.known.running == frozenset()
    assert account.known.gaps == 0


def test_a_running_sync_that_is_the_last_one_of_a_page_needs_no_search() -> None:
    account = seen_running()
    account.poll(after(9, running(LONG)), now=50)
    account.poll(after(9, running(LONG)), now=90)
    assert account.pages == 1


def test_a_walk_that_is_given_up_forgets_no_running_sync_on_the_pages_it_did_not_read() -> None:
    account = seen_running()
    for attempt in range(ATTEMPTS):
        account.poll(after(14, running(LONG)), now=50 + attempt, fails_at=1)
    assert account.known.gaps == 1
    assert account.known.running == {minute(LONG)}


def test_a_running_sync_as_old_as_the_past_is_past_when_it_finishes() -> None:
    account = Account()
    account.poll([], now=0)
    account.poll([running(-24 * 60)], now=1)
    account.poll([ended(-24 * 60)], now=2)
    assert account.counted == []
