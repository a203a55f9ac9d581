"""Statistics that a few abnormal values do not move, on values that can be followed by hand."""

import pytest

from exporter.domain.robust import (
    LASTING,
    LASTING_VALUES,
    SPREAD,
    follow,
    longest_normal,
    lower_median,
    median,
    medians,
    upper_median,
    usual_step,
)

DAY = 86400


def ends(count: int, gap: int = DAY) -> list[int]:
    return [number * gap for number in range(count)]


def test_medians() -> None:
    assert median([3.0, 1.0, 2.0]) == 2
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5
    assert median([7.0]) == 7
    assert lower_median([4.0, 1.0, 3.0, 2.0]) == 2
    assert lower_median([3.0, 1.0, 2.0]) == 2
    assert medians([1.0, 5.0, 3.0, 9.0], [8, 2, 8, 8]) == {8: 3, 2: 5}
    assert list(medians([1.0, 5.0, 3.0], [8, 2, 8])) == [8, 2]
    assert pytest.approx(1.4826, abs=1e-4) == SPREAD


def test_the_usual_step_is_to_the_median_of_up_to_eleven_before() -> None:
    assert upper_median([4, 1, 3, 2]) == upper_median([3, 1, 5]) == 3
    assert usual_step([5.0]) == 0
    assert usual_step([1.0, 2.0]) == pytest.approx(SPREAD * 1)
    assert usual_step([1.0, 2.0, 3.0, 8.0]) == pytest.approx(SPREAD * 6)
    assert usual_step([1.0, 1.0, 1.0, 1.0, 4.0]) == pytest.approx(SPREAD * 1.5)
    # Of the steps from the fourth value on the middle one is that from the median of 2 to 12, which is 7.
    assert usual_step([float(value) for value in range(23)]) == pytest.approx(SPREAD * 6)


def test_a_level_follows_what_is_near_by_a_part_of_the_way() -> None:
    days = dict(enumerate([10.0] * 7 + [12.0, 12.0]))
    levels, changed = follow(days, dict(enumerate(ends(9))), far=2.0, rate=0.5)
    assert list(levels.values()) == [10.0] * 8 + [11.0, 11.5]
    assert changed is None


def test_a_level_begins_at_the_median_of_seven_days() -> None:
    days = dict(enumerate([1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 50.0, 50.0]))
    levels, _ = follow(days, dict(enumerate(ends(9))), far=0.5, rate=0.1)
    assert levels[0] == 2


@pytest.mark.parametrize(
    ("away", "gap", "level", "since"),
    [
        ([9.0] * 4, 5 * DAY, 9.0, 7),
        ([9.0, 8.0, 10.0, 9.0], 5 * DAY, 9.0, 7),
        ([9.0] * 3, 7 * DAY, 1.0, None),  # too few
        ([9.0] * 4, 4 * DAY, 1.0, None),  # too soon
        ([9.0] * 4 + [30.0], 5 * DAY, 9.0, 7),
        ([9.0] * 15, DAY, 9.0, 7),
        ([9.0] * 14, DAY, 1.0, None),
        ([9.0, 9.0, 1.0, 9.0, 9.0], 7 * DAY, 1.0, None),  # was usual between
        ([9.0, 9.0, -9.0, 9.0, 9.0], 7 * DAY, 1.0, None),  # on the other side between
        ([-9.0] * 4, 5 * DAY, -9.0, 7),
        ([9.0, -9.0, -9.0, -9.0, -9.0], 5 * DAY, -9.0, 8),
    ],
)
def test_a_level_that_lasts_is_the_new_one(away: list[float], gap: int, level: float, since: int | None) -> None:
    days = dict(enumerate([1.0] * 7 + away))
    times = dict(enumerate(ends(len(days), gap)))
    levels, changed = follow(days, times, far=1.0, rate=0.1)
    assert levels[len(days)] == level
    assert changed == (None if since is None else (times[since], 1.0))


@pytest.mark.parametrize("away", [0.8, -0.8])
def test_a_level_that_lasts_may_be_near(away: float) -> None:
    days = dict(enumerate([1.0] * 7 + [1.0 + away] * 4))
    assert follow(days, dict(enumerate(ends(11, 5 * DAY))), far=0.5, rate=0.1)[0][11] == 1 + away


def test_a_value_as_far_as_is_allowed_is_near() -> None:
    levels, _ = follow(dict(enumerate([1.0] * 7 + [2.0])), dict(enumerate(ends(8))), far=1.0, rate=0.5)
    assert levels[8] == 1.5


@pytest.mark.parametrize(
    ("values", "longest"),
    [
        ([1.0] * 20, 1.0),
        ([1.0] * 19 + [9.0], 1.0),
        ([1.0] * 10 + [9.0] + [1.0] * 10, 1.0),
        ([1.0] * 10 + [9.0, 8.0, 9.0] + [1.0] * 10, 1.0),  # days in a row came once
        ([1.0] * 5 + [9.0] + [1.0] * 5 + [9.0] + [1.0] * 5, 1.0),
        ([1.0] * 5 + [9.0] + [1.0] * 5 + [9.0] + [1.0] * 5 + [9.0] + [1.0] * 5, 9.0),  # three times is usual
        ([1.0] * 5 + [9.0] + [1.0] * 5 + [8.0] + [1.0] * 5 + [7.5] + [1.0] * 5, 9.0),
        ([1.0] * 5 + [9.0] + [1.0] * 5 + [6.0] + [1.0] * 5 + [5.5] + [1.0] * 5, 6.0),
        ([1.0] * 19 + [3.0], 3.0),  # not far
        ([1.0] * 19 + [3.1], 1.0),
        ([1.0] * 6 + [9.0], 9.0),  # of few days all are usual
        ([1.0] * 7 + [9.0], 1.0),
        ([1.0] * 5 + [9.0] * 15 + [1.0] * 15, 9.0),  # lasted
        ([1.0] * 5 + [9.0] * 14 + [1.0] * 15, 1.0),
        ([1.0] * 5 + [8.0] * 13 + [9.0] + [1.0] * 15, 1.0),
        ([1.0] * 5 + [8.0] * 14 + [9.0] + [1.0] * 15, 9.0),
        ([9.0] * 15 + [1.0] * 16, 9.0),
        ([9.0] * 4, 9.0),
    ],
)
def test_the_longest_that_is_normal(values: list[float], longest: float) -> None:
    assert longest_normal(values, ends(len(values)), far=2.0) == longest


def test_rare_values_last_after_four_of_them() -> None:
    rare = ends(12, 6 * DAY)
    assert longest_normal([1.0] * 8 + [9.0] * 4, rare, far=2.0) == 9
    assert longest_normal([1.0] * 9 + [9.0] * 3, rare, far=2.0) == 1
    weekly = ends(12, 7 * DAY)
    assert longest_normal([1.0] * 9 + [9.0] * 3, weekly, far=2.0, lasting=3) == 9
    assert longest_normal([1.0] * 9 + [9.0] * 3, weekly, far=2.0, lasting=LASTING_VALUES) == 1
    assert longest_normal([1.0] * 9 + [9.0] * 3, rare, far=2.0, lasting=3) == 1  # in less than two weeks
    assert LASTING == 14 * DAY


def test_what_was_left_out_leaves_no_trace_in_how_long_the_next_lasted() -> None:
    values = [*[1.0] * 3, 30.0, *[1.0] * 18, *[9.0] * 14]
    assert longest_normal(values, [*ends(35), 36 * DAY], far=2.0) == 9
    assert longest_normal(values, ends(36), far=2.0) == 1


def test_days_in_a_row_are_those_above_half_of_the_way() -> None:
    before = [1.0] * 8
    assert longest_normal([*before, 5.1, 9.0, 5.1, *before], ends(19), far=1.9) == 1
    for half in ([5.0, 9.0], [9.0, 5.0]):
        assert longest_normal([*before, *half, *before, 4.8, *before], ends(27), far=1.9) == 5
    assert longest_normal([*before, 4.9, 9.0, 4.9, *before], ends(19), far=1.9) == 1
    assert longest_normal([*before, 9.0, 4.9, *before], ends(18), far=4.0) == 4.9
    assert longest_normal([*before, 4.9, 9.0, *before, 4.8, *before], ends(27), far=1.9) == 4.9
