"""Which interval is in effect, by tables, and whether the rate limit makes it longer than configured."""

import pytest

from exporter.domain.interval import Interval, interval_by_list, interval_by_polls, latest_share


@pytest.mark.parametrize(
    ("planned", "longest_wait", "share", "expected"),
    [
        (60, 0, 0.0, Interval(60, 60, is_limited=True)),
        (60, 75, 0.9, Interval(60, 60, is_limited=True)),
        (60, 76, 0.5, Interval(60, 76, is_limited=False)),
        (60, 76, 0.6, Interval(60, 76, is_limited=True)),
        (150, 180, 0.0, Interval(60, 150, is_limited=True)),
        (150, 190, 0.0, Interval(60, 190, is_limited=False)),
    ],
)
def test_polls_that_wait_longer_than_the_plan_says_are_held_up_by_what_they_wait_for(
    planned: float, longest_wait: float, share: float, expected: Interval
) -> None:
    assert interval_by_polls(60, planned, longest_wait, throttled_share=share) == expected


@pytest.mark.parametrize(
    ("of_list", "outstanding", "limited", "expected"),
    [
        (60, 78, False, Interval(60, 60, is_limited=False)),
        (60, 160, False, Interval(60, 122, is_limited=True)),
        (90, 78, False, Interval(60, 90, is_limited=False)),
        (90, 78, True, Interval(60, 90, is_limited=True)),
    ],
)
def test_with_a_list_it_is_the_list_or_the_first_polls_that_take_longer(
    of_list: float, outstanding: int, limited: bool, expected: Interval
) -> None:
    assert interval_by_list(60, of_list, outstanding, 80, is_limited=limited) == expected


def test_a_stretch_that_nobody_would_see_is_none() -> None:
    assert not Interval(60.0, 63.0, is_limited=True).is_longer
    assert Interval(60.0, 63.1, is_limited=True).is_longer


def test_the_latest_share_forgets_within_minutes() -> None:
    assert latest_share(0.0, 20.0, held=True) < 0.5 < latest_share(0.0, 21.0, held=True)
    assert latest_share(1.0, 20.0, held=False) > 0.5 > latest_share(1.0, 21.0, held=False)
    assert latest_share(0.3, 0.0, held=True) == 0.3
    assert latest_share(1.0, 300.0, held=False) < 0.0001
