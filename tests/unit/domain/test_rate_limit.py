"""What a rate limiter allows, and what headers and 429 change."""

from itertools import pairwise

import pytest

from exporter.domain.rate_limit import (
    LONGEST_HOLD_SECONDS,
    WINDOW_SECONDS,
    RateLimiter,
    latest_reset,
)


def full_limiter(per_minute: int = 100, share: float = 0.8) -> RateLimiter:
    """A limiter of which nothing is used, at second 1000."""
    limiter = RateLimiter(per_minute, share, 1000 - WINDOW_SECONDS)
    assert limiter.wait_seconds(1000) == 0
    return limiter


def burst(limiter: RateLimiter, now: float) -> int:
    """Spend all that may be spent now."""
    used = 0
    while limiter.wait_seconds(now) == 0:
        limiter.take(now)
        used += 1
    return used


@pytest.mark.parametrize(
    ("per_minute", "share", "allowed"), [(100, 0.8, 80), (50, 0.8, 40), (100, 0.29, 29), (100, 1.0, 100), (1, 0.5, 1)]
)
def test_the_share_of_the_limit_is_allowed(per_minute: int, share: float, allowed: int) -> None:
    limiter = full_limiter(per_minute, share)
    assert limiter.allowed == allowed
    assert burst(limiter, 1000) == allowed
    assert burst(limiter, 1059.9) == 0
    assert burst(limiter, 1000 + WINDOW_SECONDS) == allowed


def test_a_new_budget_may_be_the_restart_of_a_process_that_has_just_spent_it() -> None:
    limiter = RateLimiter(100, 0.8, 1000)
    assert burst(limiter, 1000) == 20
    used = sum(burst(limiter, 1000 + second) for second in range(1, 60))
    assert 50 <= used <= 60


@pytest.mark.parametrize("granted", [1, 5, 10, 20, 99])
def test_a_grant_far_below_the_configured_limit_does_not_silence_a_start(granted: int) -> None:
    limiter = RateLimiter(100, 0.8, 1000)
    limiter.take(1000)
    limiter.adjust(1001, limit=granted, remaining=granted - 1, reset_in=60)
    allowed = max(1, int(granted * 0.8))
    assert limiter.wait_seconds(1001) <= WINDOW_SECONDS / max(1, int(allowed * 0.75))
    used = 1 + sum(burst(limiter, 1001 + second) for second in range(60))
    # Three quarters of what is granted count as used by the process before, as they would have been.
    assert 0.75 * allowed - 1 <= used <= allowed


def test_what_was_really_sent_counts_whatever_is_granted() -> None:
    limiter = RateLimiter(100, 0.8, 1000)
    assert burst(limiter, 1000) == 20
    limiter.adjust(1001, limit=10, remaining=None, reset_in=None)
    assert limiter.wait_seconds(1060) > 0


def test_a_lower_limit_is_believed_and_a_higher_one_is_not() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=10, remaining=9, reset_in=30)
    assert limiter.allowed == 8
    limiter.adjust(1000, limit=1_000_000, remaining=999_999, reset_in=30)
    assert limiter.allowed == 80


def test_what_was_sent_and_said_counts_under_a_new_limit_too() -> None:
    limiter = full_limiter(10, 1.0)
    assert burst(limiter, 1000) == 10
    limiter.configure(20, 0.6)
    assert (limiter.allowed, burst(limiter, 1001)) == (12, 2)
    limiter.adjust(1002, limit=15, remaining=None, reset_in=None)
    limiter.configure(20, 1.0)
    assert (limiter.allowed, burst(limiter, 1002)) == (15, 3)
    limiter.configure(3, 1.0)
    assert (limiter.allowed, burst(limiter, 1001 + WINDOW_SECONDS)) == (3, 0)


@pytest.mark.parametrize("limit", [0, -1, None])
def test_a_limit_that_is_none_is_not_believed(limit: int | None) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=limit, remaining=None, reset_in=None)
    assert limiter.allowed == 80


def test_a_lower_limit_acts_on_what_was_spent_before_it_was_known() -> None:
    limiter = full_limiter()
    assert burst(limiter, 1000) == 80
    limiter.adjust(1001, limit=10, remaining=9, reset_in=30)
    assert limiter.wait_seconds(1060) > 0
    assert burst(limiter, 1061) == 8


def test_the_little_that_others_leave_is_spread_up_to_the_reset() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=2, reset_in=30)
    assert limiter.wait_seconds(1000) == pytest.approx(10)


def test_where_nothing_is_left_the_reset_is_waited_for() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=0, reset_in=30)
    assert limiter.wait_seconds(1000) == pytest.approx(30)
    assert limiter.wait_seconds(1030) == 0


@pytest.mark.parametrize("reset_in", [None, 0, -5, LONGEST_HOLD_SECONDS + 1, 1e12])
def test_a_reset_that_is_nonsense_holds_nothing_back(reset_in: float | None) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=0, reset_in=reset_in)
    assert limiter.wait_seconds(1000) == 0


def test_a_refusal_holds_everything_back_until_the_reset_it_names() -> None:
    limiter = full_limiter()
    assert limiter.back_off(1000, reset_in=42) == 42
    assert limiter.wait_seconds(1000) == pytest.approx(42)
    limiter.adjust(1001, limit=100, remaining=99, reset_in=59)
    assert limiter.wait_seconds(1002) == pytest.approx(40)


@pytest.mark.parametrize("reset_in", [None, 0, -5, LONGEST_HOLD_SECONDS + 1, 1e12])
def test_refusals_that_name_no_sensible_reset_hold_back_longer_each_time_up_to_a_minute(
    reset_in: float | None,
) -> None:
    limiter, now, holds = full_limiter(), 1000.0, []
    for _ in range(8):
        holds.append(limiter.back_off(now, reset_in=reset_in))
        now += holds[-1]
    assert holds == [15, 30, 60, 60, 60, 60, 60, 60]
    limiter.adjust(now, limit=100, remaining=99, reset_in=59)
    assert limiter.back_off(now, reset_in=reset_in) == 15


def test_requests_that_were_under_way_together_are_refused_once() -> None:
    limiter = full_limiter()
    for hundredths in range(10):
        limiter.back_off(1000 + hundredths / 100, reset_in=None)
    assert limiter.wait_seconds(1001) <= 15
    assert limiter.back_off(1016, reset_in=None) == 30


def test_what_remains_is_spread_over_all_requests_up_to_the_reset() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=9, reset_in=50)
    sent = []
    now = 1000.0
    while now < 1050:
        now += 0.5
        if limiter.wait_seconds(now) == 0:
            limiter.take(now)
            sent.append(now)
    assert 8 <= len(sent) <= 10
    assert max(b - a for a, b in pairwise(sent)) <= 7
    assert burst(limiter, 1051) > 10


def test_an_answer_from_before_the_latest_requests_gives_nothing_back() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=25, reset_in=50)
    assert burst(limiter, 1000) == 6
    limiter.adjust(1000.5, limit=100, remaining=24, reset_in=49)
    assert burst(limiter, 1000.5) == 0


def test_after_a_refusal_one_request_goes_ahead_and_a_good_answer_lets_the_others_follow() -> None:
    limiter = full_limiter()
    limiter.back_off(1000, reset_in=30)
    assert burst(limiter, 1030) == 1
    assert burst(limiter, 1030.5) == 0
    limiter.adjust(1031, limit=100, remaining=99, reset_in=59)
    assert burst(limiter, 1031) == 79


def test_a_request_ahead_that_is_lost_is_followed_by_another() -> None:
    limiter = full_limiter()
    limiter.back_off(1000, reset_in=30)
    assert [burst(limiter, 1030 + second) for second in range(11)] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(("reset_in", "wait"), [(29, 9.5), (27, 8.5), (31, 10.5)])
def test_of_answers_about_the_same_reset_the_least_that_remains_is_believed(reset_in: float, wait: float) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=2, reset_in=30)
    limiter.adjust(1001, limit=100, remaining=9, reset_in=reset_in)
    limiter.take(1011)
    assert limiter.wait_seconds(1011) == pytest.approx(wait)


def test_what_remains_is_few_or_not_by_the_limit_that_braze_names_or_else_the_agreed_one() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=50, remaining=15, reset_in=30)
    assert limiter.wait_seconds(1000) == 0
    limiter.adjust(1000, limit=None, remaining=2, reset_in=30)
    assert limiter.wait_seconds(1000) == pytest.approx(10)


def test_a_limit_of_one_request_is_believed() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=1, remaining=None, reset_in=None)
    assert limiter.allowed == 1


@pytest.mark.parametrize("reset_in", [0.5, LONGEST_HOLD_SECONDS])
def test_the_nearest_and_the_furthest_sensible_reset_are_waited_for(reset_in: float) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=0, reset_in=reset_in)
    assert limiter.wait_seconds(1000) == pytest.approx(reset_in)
    assert full_limiter().back_off(1000, reset_in=reset_in) == reset_in


@pytest.mark.parametrize("reset_in", [None, 0, -5, LONGEST_HOLD_SECONDS + 1])
def test_a_reset_that_is_nonsense_leaves_what_is_known_of_another(reset_in: float | None) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=2, reset_in=30)
    limiter.adjust(1001, limit=100, remaining=0, reset_in=reset_in)
    limiter.take(1011)
    assert limiter.wait_seconds(1011) == pytest.approx(9.5)


@pytest.mark.parametrize(
    ("named", "latest"),
    [
        ((), None),
        ((None, None), None),
        ((5.0, None), 5.0),
        ((5.0, 40.0), 40.0),
        ((40.0, 5.0), 40.0),
        ((0.0, 40.0), 40.0),
        ((-1.0,), None),
        ((300.0, 301.0), 300.0),
        ((999999999.0,), None),
    ],
)
def test_the_latest_sensible_reset_counts(named: tuple[float | None, ...], latest: float | None) -> None:
    assert latest_reset(*named) == latest


def test_a_start_counts_as_three_quarters_used_evenly_of_what_is_allowed_by_now() -> None:
    limiter = RateLimiter(100, 0.8, 1000)
    assert burst(limiter, 1000) == 20
    assert limiter.wait_seconds(1000) == pytest.approx(WINDOW_SECONDS / 60)
    limiter = RateLimiter(100, 0.8, 1000)
    limiter.adjust(1001, limit=10, remaining=None, reset_in=None)
    assert burst(limiter, 1001) == 2
    assert limiter.wait_seconds(1001) == pytest.approx(WINDOW_SECONDS / 6 - 1)


def test_what_another_answer_asks_for_is_waited_for() -> None:
    limiter = full_limiter()
    limiter.pause(1000, 20)
    assert limiter.wait_seconds(1005) == 15
    limiter.pause(1005, 5)
    assert limiter.wait_seconds(1005) == 15
    limiter.pause(1005, 30)
    assert limiter.wait_seconds(1005) == 30


@pytest.mark.parametrize(("answered", "follow"), [(1029.9, 1), (1030, 80)])
def test_only_an_answer_to_a_later_request_ends_a_refusal(answered: float, follow: int) -> None:
    limiter = full_limiter()
    limiter.back_off(1000, reset_in=30)
    limiter.adjust(answered, limit=100, remaining=99, reset_in=59)
    assert burst(limiter, 1030) == follow
