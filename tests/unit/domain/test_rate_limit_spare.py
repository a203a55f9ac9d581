"""What a rate limiter leaves for requests that nobody waits for."""

from itertools import pairwise

import pytest

from exporter.domain.rate_limit import LOOK_AGAIN_SECONDS, WINDOW_SECONDS, RateLimiter


def full_limiter(per_minute: int = 100, share: float = 0.8) -> RateLimiter:
    """A limiter of which nothing is used, at second 1000."""
    limiter = RateLimiter(per_minute, share, 1000 - WINDOW_SECONDS)
    assert limiter.wait_seconds(1000) == 0
    return limiter


def spare(limiter: RateLimiter, since: float, until: float) -> list[float]:
    """Spend all spare requests as soon as they may be sent; return when."""
    at, sent = since, []
    while at < until:
        if (wait := limiter.spare_wait_seconds(at)) == 0:
            limiter.take(at, spare=True)
            sent.append(at)
        at += max(wait, 1e-6)
    return sent


@pytest.mark.parametrize(("used", "half"), [(0, 40), (20, 30), (70, 5), (79, 0.5), (80, 0)])
def test_spare_requests_take_half_of_what_is_left_free_evenly(used: int, half: float) -> None:
    limiter = full_limiter()
    for second in range(1000, 1300, int(WINDOW_SECONDS)):
        for _ in range(used):
            assert limiter.wait_seconds(second) == 0
            limiter.take(second)
        sent = spare(limiter, second, second + WINDOW_SECONDS)
        assert len(sent) <= max(half, 1) + 1
        assert len(sent) >= int(half)
        assert all(b - a >= WINDOW_SECONDS / half - 1e-3 for a, b in pairwise(sent))


def test_spare_requests_leave_what_other_programs_need_and_never_probe() -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=39, reset_in=30)
    assert spare(limiter, 1000, 1029) == []
    assert spare(limiter, 1031, 1040)
    limiter.back_off(1040, reset_in=10)
    assert spare(limiter, 1041, 1090) == []
    limiter.take(1090)
    limiter.adjust(1090, limit=100, remaining=90, reset_in=30)
    assert spare(limiter, 1091, 1100)


@pytest.mark.parametrize(
    ("allowed", "spares", "others", "now", "wait"),
    [
        (80, (), 0, 1000, 0),
        (80, (1000,), 0, 1000, 61 / 40),
        (80, (), 79, 1002, 0),
        (4, (1000,), 0, 1000, 30.5),
        (4, (1000, 1030.5), 0, 1031, 30),
        (4, (1000, 1050), 0, 1061, 19.5),
        (80, (1000, 1001.525), 76, 1003, 58),
        (80, (1000, 1001.525), 77, 1003, 58),
        (80, (1000, 1001.525), 74, 1003, 1001.525 + 61 / 3 - 1003),
    ],
)
def test_spare_requests_are_apart_and_at_most_half_of_what_others_leave(
    allowed: int, spares: tuple[float, ...], others: int, now: float, wait: float
) -> None:
    """The others are sent at 1002: all three quarters of a minute that are not spare."""
    limiter = full_limiter(allowed, 1.0)
    for at in spares:
        assert limiter.spare_wait_seconds(at) == 0
        limiter.take(at, spare=True)
    for _ in range(others):
        limiter.take(1002)
    assert limiter.spare_wait_seconds(now) == pytest.approx(wait)


def test_where_nothing_is_left_free_spare_requests_look_again() -> None:
    limiter = full_limiter()
    for number in range(80):
        limiter.take(1000, spare=number < 40)
    limiter.configure(50, 0.8)
    assert limiter.spare_wait_seconds(1000) == WINDOW_SECONDS
    assert limiter.spare_wait_seconds(1000 + WINDOW_SECONDS) == 0


@pytest.mark.parametrize(
    ("remaining", "now", "wait"),
    [(40, 1000, 0), (39, 1000, LOOK_AGAIN_SECONDS), (39, 1029.9, LOOK_AGAIN_SECONDS), (39, 1030, 0)],
)
def test_until_the_reset_spare_requests_leave_two_fifths_of_the_limit_to_others(
    remaining: int, now: float, wait: float
) -> None:
    limiter = full_limiter()
    limiter.adjust(1000, limit=100, remaining=remaining, reset_in=30)
    assert limiter.spare_wait_seconds(now) == wait
