"""How far a poll walks back, and what a walk that ends too early costs: the ledger's theory on walking and bounds."""

import pytest

from exporter.domain.ledger import ATTEMPTS, LONGEST, RECENT, Ledger, Page, Walk, absorb, break_off
from exporter.domain.model import Sync, SyncStatus
from tests.histories import Account, ended, latest_first, minute, page_of, running

PAST = latest_first(*(ended(n) for n in range(15)))


def seen(*, max_pages: int = 20) -> Account:
    """An account that has seen PAST, which fills two pages."""
    account = Account(max_pages=max_pages)
    account.poll(PAST, now=18)
    return account


def after(count: int) -> tuple[Sync, ...]:
    """PAST and *count* syncs since."""
    return latest_first(*PAST, *(ended(20 + n) for n in range(count)))


def test_a_quiet_integration_costs_one_page() -> None:
    account = seen()
    account.poll(PAST, now=60)
    assert account.pages == 1


@pytest.mark.parametrize(("syncs", "pages"), [(1, 1), (9, 1), (10, 2), (19, 2), (20, 3), (95, 10)])
def test_a_walk_ends_with_the_page_that_has_the_last_sync_it_knows(syncs: int, pages: int) -> None:
    account = seen()
    account.poll(after(syncs), now=200)
    assert (account.pages, len(account.counted), account.known.gaps) == (pages, syncs, 0)


def test_the_next_walk_ends_where_the_one_before_began() -> None:
    account = seen()
    account.poll(after(30), now=60)
    account.poll(after(35), now=70)
    assert account.pages == 1


def test_drift_between_any_two_pages_loses_and_repeats_nothing() -> None:
    account = seen()
    account.poll((), now=60, between=lambda page: after(33 + 3 * page))
    account.poll(after(60), now=90)
    assert sorted(account.starts) == [minute(20 + n) for n in range(60)]
    assert account.known.gaps == 0


def test_drift_by_more_than_a_page_loses_and_repeats_nothing() -> None:
    account = seen()
    account.poll((), now=60, between=lambda page: after(25 + 12 * min(page, 3)))
    account.poll(after(70), now=90)
    assert sorted(account.starts) == [minute(20 + n) for n in range(70)]


def test_first_sight_walks_until_a_success_ends_the_failing_streak() -> None:
    failures = [ended(100 + n, SyncStatus.ERROR) for n in range(23)]
    account = Account()
    account.poll(latest_first(*PAST, *failures), now=130)
    assert account.pages == 3
    assert account.known.history_known


def test_first_sight_without_any_success_walks_to_the_end_of_the_history() -> None:
    account = Account()
    account.poll(latest_first(*(ended(n, SyncStatus.ERROR) for n in range(35))), now=60)
    assert account.pages == 4
    assert account.known.gaps == 0


def test_first_sight_walks_at_most_max_pages_and_that_is_no_gap() -> None:
    account = Account(max_pages=3)
    account.poll(latest_first(*(ended(n, SyncStatus.ERROR) for n in range(95))), now=100)
    assert (account.pages, account.known.gaps) == (3, 0)


def test_a_first_sight_that_breaks_off_is_taken_up_by_the_next_poll_and_counts_nothing_of_the_past() -> None:
    history = latest_first(*(ended(n, SyncStatus.ERROR) for n in range(35)))
    account = Account()
    account.poll(history, now=60, fails_at=2)
    account.poll(history, now=61)
    assert account.pages == 4
    account.poll(history, now=62)
    assert account.pages == 1
    assert account.counted == []


def test_what_starts_while_first_sight_is_taken_up_again_counts() -> None:
    history = latest_first(*(ended(n, SyncStatus.ERROR) for n in range(35)))
    account = Account()
    account.poll(history, now=60, fails_at=1)
    account.poll(latest_first(ended(61, SyncStatus.ERROR), *history), now=62)
    assert account.starts == [minute(61)]


@pytest.mark.parametrize("max_pages", [1, 2, 3])
def test_a_walk_that_ends_at_max_pages_is_one_gap_and_counts_what_it_read(max_pages: int) -> None:
    account = seen(max_pages=max_pages)
    account.poll(after(50), now=80)
    assert (account.pages, len(account.counted), account.known.gaps) == (max_pages, 10 * max_pages, 1)
    account.poll(after(50), now=81)
    assert (account.pages, account.known.gaps) == (1, 1)


def test_a_history_that_no_longer_reaches_back_is_one_gap() -> None:
    account = seen()
    for attempt in range(ATTEMPTS):
        assert account.known.gaps == 0
        account.poll(after(12)[:12], now=80 + attempt)
    assert (len(account.counted), account.known.gaps) == (12, 1)


def test_a_history_that_came_short_once_loses_nothing_once_it_is_listed_again() -> None:
    account = seen()
    account.poll(after(35)[:3], now=60)
    assert (len(account.counted), account.known.gaps) == (3, 0)
    account.poll(after(36), now=61)
    assert sorted(account.starts) == [minute(20 + n) for n in range(36)]
    assert (account.known.gaps, account.known.attempts) == (0, 0)


def test_a_later_page_that_came_empty_once_loses_nothing() -> None:
    account = seen()
    account.poll(after(35)[:10], now=60)
    account.poll(after(35), now=61)
    assert (len(account.counted), account.known.gaps) == (35, 0)


def test_a_page_in_the_middle_that_came_empty_once_loses_nothing() -> None:
    ledger, walk = seen().known, Walk()
    for page in (page_of(after(35), 0), Page((), last=False), page_of(after(35), 2), page_of(after(35), 3)):
        step = absorb(ledger, walk, page, now=minute(60), max_pages=20)
        ledger, walk = step.ledger, step.walk or walk
    assert (step.walk, ledger.anchor, ledger.attempts, ledger.gaps) == (None, minute(14), 1, 0)


def poll_with_a_short_page(account: Account, history: tuple[Sync, ...], short: int, now: float) -> None:
    """Walk as far as the ledger wants; page *short* holds the first three of its ten syncs."""
    ledger: Ledger | None = account.ledger
    walk: Walk | None = Walk()
    number = 0
    while walk is not None:
        page = page_of(history, number)
        if number == short:
            page = Page(page.syncs[:3], last=page.last, full=False)
        step = absorb(ledger, walk, page, now=minute(now), max_pages=20)
        ledger, walk, number = step.ledger, step.walk, number + 1
        account.counted += step.counted
    account.ledger = ledger


@pytest.mark.parametrize("short", [0, 1, 2, 3])
def test_a_page_that_came_short_once_loses_nothing(short: int) -> None:
    account = seen()
    poll_with_a_short_page(account, after(35), short, now=60)
    assert (len(account.counted), account.known.gaps) == (35 - (7 if short < 3 else 2), 0)
    account.poll(after(70), now=100)
    assert (len(account.counted), account.known.gaps, account.known.attempts) == (70, 0, 0)


def test_pages_that_stay_short_are_one_gap_and_take_no_further_attempts() -> None:
    account = seen()
    for now in range(60, 60 + ATTEMPTS):
        assert account.known.gaps == 0
        poll_with_a_short_page(account, after(35), 1, now=now)
    assert (len(account.counted), account.known.gaps) == (28, 1)
    for now in range(70, 70 + 3 * ATTEMPTS):
        poll_with_a_short_page(account, after(35), 0, now=now)
    settled = account.known
    assert (settled.gaps, settled.attempts) == (1, 0)
    poll_with_a_short_page(account, after(35), 0, now=90)
    assert account.known is settled
    account.poll(after(36), now=91)
    assert (account.known.vanished, len(account.counted)) == (False, 29)


def test_a_first_sight_whose_pages_stay_short_is_no_gap() -> None:
    account = Account()
    for now in range(60, 60 + ATTEMPTS):
        poll_with_a_short_page(account, after(35), 0, now=now)
    assert (account.known.history_known, account.known.gaps) == (True, 0)


def test_an_answer_empty_once_is_no_gap() -> None:
    account = seen()
    account.poll([], now=20)
    account.poll(after(35), now=60)
    assert (len(account.counted), account.known.gaps) == (35, 0)


def test_an_answer_empty_in_error_is_one_gap_however_long_it_lasts_and_loses_nothing() -> None:
    account = seen()
    for now in range(20, 20 + 3 * ATTEMPTS):
        account.poll([], now=now)
    account.poll(after(3), now=50)
    assert (len(account.counted), account.known.gaps) == (3, 1)
    for now in range(51, 51 + ATTEMPTS):
        account.poll([], now=now)
    assert account.known.gaps == 2


def test_an_empty_page_with_a_further_one_is_walked_past() -> None:
    account = seen()
    account.poll((), now=60, between=lambda page: after(15) if page else ())
    assert account.known.gaps == 0
    account.poll(after(15), now=61)
    assert len(account.counted) == 15


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_later_page_that_fails_once_loses_nothing(page: int) -> None:
    account = seen()
    account.poll(after(35), now=60, fails_at=page)
    assert len(account.counted) == 10 * page
    account.poll(after(36), now=61)
    assert sorted(account.starts) == [minute(20 + n) for n in range(36)]
    assert account.known.gaps == 0


def test_a_first_page_that_fails_changes_nothing() -> None:
    account = seen()
    ledger = account.ledger
    account.poll(after(5), now=60, fails_at=0)
    assert account.ledger is ledger


def test_a_walk_is_given_up_after_its_attempts_and_that_is_one_gap() -> None:
    account = seen()
    for attempt in range(ATTEMPTS):
        assert account.known.gaps == 0
        account.poll(after(35), now=60 + attempt, fails_at=1)
    assert (len(account.counted), account.known.gaps) == (10, 1)
    account.poll(after(35), now=70)
    assert (account.pages, account.known.gaps) == (1, 1)


def test_attempts_of_a_walk_that_came_through_are_forgotten() -> None:
    account = seen()
    for done in (35, 70, 105):
        for _ in range(ATTEMPTS - 1):
            account.poll(after(done), now=200, fails_at=1)
        account.poll(after(done), now=200)
    assert (len(account.counted), account.known.gaps) == (105, 0)


def test_patience_with_a_page_that_is_not_to_blame_has_no_end() -> None:
    account = seen()
    for attempt in range(5 * ATTEMPTS):
        account.poll(after(35), now=60 + attempt, fails_at=1, blame_page=False)
    account.poll(after(35), now=200)
    assert (len(account.counted), account.known.gaps) == (35, 0)


def test_a_walk_that_grows_without_end_is_given_up() -> None:
    account = seen()
    for rounds in range(LONGEST // 10 + 2):
        account.poll(after(10 * rounds + 15), now=20_000, fails_at=1, blame_page=False)
    assert account.known.gaps == 1
    assert len(account.known.recent) <= LONGEST + 10


@pytest.mark.parametrize(("syncs", "attempts"), [(LONGEST, 1), (LONGEST + 1, 0)])
def test_a_walk_that_breaks_off_is_tried_again_while_it_has_not_become_too_long(syncs: int, attempts: int) -> None:
    ledger = Ledger(minute(0), minute(0), latest_first(*(ended(number) for number in range(1, syncs + 1))))
    assert break_off(ledger, Walk(1), now=minute(syncs + 2), blame_page=True).attempts == attempts


def test_at_rest_the_ledger_keeps_the_latest_syncs_and_no_more() -> None:
    account = seen()
    account.poll(after(200), now=300)
    assert account.known.recent == after(200)[:RECENT]


def test_a_walk_that_broke_off_keeps_what_it_has_read_until_it_is_done() -> None:
    account = seen()
    account.poll(after(60), now=100, fails_at=5)
    assert len(account.known.recent) > 50
    account.poll(after(60), now=101)
    assert len(account.known.recent) == RECENT


def test_a_history_that_vanished_ends_the_walk_and_its_attempts() -> None:
    account = seen()
    for _ in range(2):
        for _ in range(ATTEMPTS - 1):
            account.poll(after(35), now=60, fails_at=1)
        account.poll([], now=61)
    account.poll(after(35), now=62)
    assert (len(account.counted), account.known.gaps) == (35, 1)


def test_a_first_sight_that_is_given_up_is_no_gap_because_what_follows_is_read_from_its_latest_sync_on() -> None:
    history = latest_first(*(ended(n, SyncStatus.ERROR) for n in range(35)))
    account = Account()
    for attempt in range(ATTEMPTS):
        account.poll(history, now=60 + attempt, fails_at=1)
    assert (account.known.history_known, account.known.gaps) == (True, 0)


def test_a_first_sight_of_one_sync_that_is_given_up_is_no_gap() -> None:
    step = absorb(None, Walk(), Page((ended(1, SyncStatus.ERROR),), last=False), now=minute(2), max_pages=20)
    ledger, walk = step.ledger, step.walk
    assert walk is not None
    for _ in range(ATTEMPTS):
        ledger = break_off(ledger, walk, now=minute(3), blame_page=True)
    assert (ledger.history_known, ledger.gaps) == (True, 0)


def test_a_walk_that_is_given_up_after_an_empty_page_is_one_gap() -> None:
    account = seen()
    for attempt in range(ATTEMPTS):
        account.poll((), now=60 + attempt, fails_at=1, between=lambda page: after(15) if page else ())
    ledger = account.known
    for _ in range(ATTEMPTS):
        ledger = break_off(ledger, Walk(pages=1), now=minute(70), blame_page=True)
    assert ledger.gaps == 1


def test_a_page_that_says_nothing_new_leaves_the_very_same_ledger_though_the_walk_goes_on() -> None:
    account = seen()
    account.poll(after(35), now=60, fails_at=1)
    step = absorb(account.known, Walk(), page_of(after(35), 0), now=minute(61), max_pages=20)
    assert step.walk is not None
    assert step.ledger is account.known


def test_after_an_empty_first_sight_a_walk_ends_with_the_page_that_reaches_the_past() -> None:
    account = Account()
    account.poll([], now=0)
    account.poll([ended(-160 * n) for n in range(25)], now=1)  # the tenth started a day before first sight
    assert (account.pages, len(account.counted), account.known.gaps) == (1, 9, 0)


def test_a_walk_may_be_given_up_after_an_empty_page_while_all_that_is_known_lies_in_the_future() -> None:
    account = Account()
    account.poll([running(20)], now=10)
    ledger = account.known
    for _ in range(ATTEMPTS):
        ledger = break_off(ledger, Walk(pages=1), now=minute(11), blame_page=True)
    assert (ledger.attempts, ledger.gaps, ledger.anchor) == (0, 0, minute(20))
