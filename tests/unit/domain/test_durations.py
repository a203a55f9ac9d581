"""How long syncs take, on figures that can be followed by hand; `test_trends.py` says what they are for."""

from collections.abc import Sequence
from math import exp, log

import pytest

from exporter.domain.durations import (
    Durations,
    Explained,
    all_rows,
    by_days,
    largest,
    learn_durations,
    timed,
)
from exporter.domain.past import Run
from exporter.domain.robust import SPREAD
from tests.pasts import DAY, FIRST, HOUR, MINUTE, failure, run

NOT_EXPLAINED = Explained(fixed_seconds=100.0, row_seconds=0.0, usual_rows=1000.0, most_rows=1000.0)


def durations(usual: float = 100.0, limit: float = 400.0, bound: float = log(2)) -> Durations:
    return Durations(usual, 0.1, limit, (bound,) * 4, NOT_EXPLAINED)


def taking(*seconds: int | None) -> list[Run]:
    """Hourly syncs."""
    return [run(FIRST + number * HOUR, took=took) for number, took in enumerate(seconds)]


def test_a_duration_is_that_of_a_sync_that_did_not_fail_and_a_second_at_least() -> None:
    known = [run(FIRST, took=0), run(FIRST, took=1), run(FIRST, took=2)]
    assert timed([*known, run(FIRST, took=-1), run(FIRST, took=None), failure(FIRST)]) == [
        (known[0], 1),
        (known[1], 1),
        (known[2], 2),
    ]


def test_all_rows_are_those_synced_and_failed() -> None:
    assert all_rows(run(FIRST, 7, rows_failed=4)) == 11
    assert all_rows(run(FIRST, None, rows_failed=4)) == 4
    assert all_rows(run(FIRST, 7, rows_failed=None)) == 7
    assert all_rows(run(FIRST, None, rows_failed=None)) == 0
    assert all_rows(run(FIRST, -7)) == 0


def test_days_are_told_apart_from_two_syncs_a_day_on() -> None:
    twice = [0, 9 * HOUR, DAY, DAY + 9 * HOUR]
    assert by_days(twice) == ([0, 0, 1, 1], {0: 9 * HOUR, 1: DAY + 9 * HOUR})
    rarer = [0, DAY, DAY + 9 * HOUR]
    assert by_days(rarer) == ([0, 1, 2], dict(enumerate(rarer)))
    assert by_days([5]) == ([0], {0: 5})
    nearly = [HOUR, 10 * HOUR, 2 * DAY - 1, 2 * DAY]
    assert by_days(nearly)[0] == [0, 0, 1, 2]
    later = [HOUR, 10 * HOUR, 2 * DAY, 2 * DAY + HOUR]
    assert by_days(later)[0] == [0, 1, 2, 3]


def test_the_largest_of_each_day() -> None:
    assert largest([1.0, 3.0, 2.0, 5.0], [4, 4, 4, 6], {4: 40, 6: 60}) == ([3.0, 5.0], [40, 60])
    assert largest([-2.0, -3.0], [4, 4], {4: 40}) == ([-2.0], [40])


@pytest.mark.parametrize(
    ("rows", "factor"), [(0, 0.5), (1000, 1.0), (3000, 2.0), (1_199, (100 + 119.9) / 200), (2400, 1.7 * 2401 / 1201)]
)
def test_rows_take_time_and_beyond_all_experience_more(rows: int, factor: float) -> None:
    explained = Explained(
        fixed_seconds=100.0, row_seconds=0.1, usual_rows=1000.0, most_rows=1000.0 + 4000 * (rows == 3000)
    )
    assert explained.by(rows) == pytest.approx(log(factor))


def test_where_rows_take_no_time_only_more_than_ever_may_take_longer() -> None:
    assert NOT_EXPLAINED.by(0) == 0
    assert NOT_EXPLAINED.by(1200) == 0
    assert NOT_EXPLAINED.by(3602) == pytest.approx(log(3))


def test_a_limit_is_wider_by_sensitivity_by_what_piled_up_and_while_syncs_are_slow() -> None:
    known = durations()
    assert known.limit(None, 1.0, 0.0, 1.0) == pytest.approx(400)
    assert known.limit(None, 1.0, 0.0, 1.5) == pytest.approx(800)
    assert known.limit(None, 1.0, 0.0, 0.5) == pytest.approx(200)
    assert known.limit(None, 3.0, 0.0, 1.0) == pytest.approx(1200)
    assert known.limit(None, 50.0, 0.0, 1.0) == pytest.approx(4000)
    assert known.limit(None, 1.0, 250.0, 1.0) == pytest.approx(1000)
    assert known.limit(None, 1.0, 50.0, 1.0) == pytest.approx(400)
    assert durations(limit=20.0 * DAY).limit(None, 2.0, 0.0, 1.0) == 30 * DAY


def test_after_many_rows_the_next_sync_may_take_longer() -> None:
    known = durations()
    assert known.limit(run(FIRST, 1000), 1.0, 0.0, 1.0) == pytest.approx(400)
    assert known.limit(run(FIRST, 12_010), 1.0, 0.0, 1.0) == pytest.approx(400 * 10 * exp(-0.5), rel=0.001)
    assert known.limit(run(FIRST, 10**9), 1.0, 0.0, 1.0) == pytest.approx(400 * exp(2.5))


def test_two_syncs_in_a_row_that_take_long_are_slow_from_the_first_on() -> None:
    calm = [100] * 20
    runs = taking(*calm, 300, 300)
    assert durations().slow(runs, 1.0) == pytest.approx((runs[20].start, 200.0, 200.0))
    assert durations().slow(taking(*calm, 300), 1.0) is None
    assert durations().slow(taking(*calm, 200, 200), 1.0) is None
    assert durations().slow(taking(300, 300), 1.0) is not None
    assert durations().slow(taking(300), 1.0) is None
    assert durations().slow(taking(*calm, 201, 201), 1.0) is not None
    assert durations().slow(taking(*calm, 201, 201), 1.5) is None
    assert durations().slow([], 1.0) is None


def test_syncs_that_are_slower_than_calm_before_belong_to_what_is_slow() -> None:
    calm = [100] * 20
    runs = taking(*calm, 160, 170, 300, 300)
    assert durations().slow(runs, 1.0) == pytest.approx((runs[20].start, 235.0, 200.0))
    runs = taking(*calm, 100, 140, 300, 300)  # within 0.6 of the way to the limit
    assert durations().slow(runs, 1.0) == pytest.approx((runs[22].start, 220.0, 200.0))


def test_two_calm_syncs_end_what_was_slow() -> None:
    calm = [100] * 20
    assert durations().slow(taking(*calm, 300, 300, 100), 1.0) is not None
    assert durations().slow(taking(*calm, 300, 300, 100, 100), 1.0) is None
    assert durations().slow(taking(*calm, 300, 300, 100, 100, 300), 1.0) is None
    runs = taking(*calm, 300, 300, 100, 300)
    assert (durations().slow(runs, 1.0) or (0,))[0] == runs[20].start
    runs = taking(*calm, 300, 300, 100, 100, 300, 300)
    assert (durations().slow(runs, 1.0) or (0,))[0] == runs[24].start


def test_failed_syncs_and_ones_without_a_duration_are_not_looked_at() -> None:
    calm = taking(*[100] * 20)
    end = calm[-1].start
    slow = [run(end + HOUR, took=300), failure(end + 2 * HOUR), run(end + 3 * HOUR, took=None)]
    assert durations().slow([*calm, *slow], 1.0) is None
    assert durations().slow([*calm, *slow, run(end + 4 * HOUR, took=300)], 1.0) is not None
    assert durations().slow(taking(0, 0, 0), 1.0) is None


def test_what_rows_explain_is_slow_only_where_it_also_takes_clearly_longer() -> None:
    explained = Explained(fixed_seconds=10.0, row_seconds=0.09, usual_rows=1000.0, most_rows=2000.0)
    known = Durations(100.0, 0.1, 400.0, (log(2),) * 4, explained)
    few = [run(FIRST + number * HOUR, 100, took=100) for number in range(9)]
    assert explained.by(100) < -log(2)
    assert known.slow(few, 1.0) is None
    assert known.slow([each._replace(took=130) for each in few], 1.0) is None
    assert known.slow([each._replace(took=131) for each in few], 1.0) is not None
    many = [run(FIRST + number * HOUR, 2000, took=190) for number in range(9)]
    assert known.slow(many, 1.0) is None


def test_longer_windows_notice_less() -> None:
    windows = (9.0, 9.0, 9.0, log(1.5))
    known = Durations(100.0, 0.1, 400.0, windows, NOT_EXPLAINED)
    calm = [100] * 20
    assert known.slow(taking(*calm, *[160] * 15), 1.0) is not None
    assert known.slow(taking(*[100] * 3, *[160] * 15), 1.0) is not None
    assert known.slow(taking(*calm, *[160] * 8), 1.0) is None
    assert known.slow(taking(*[160] * 15), 1.0) is None  # less than a window
    assert known.slow(taking(*calm, *[160] * 15, 100), 1.0) is not None
    assert known.slow(taking(*calm, *[160] * 15, 100, 100), 1.0) is None


def test_nothing_is_learned_of_fewer_than_five_durations() -> None:
    assert learn_durations(taking(60, 60, 60, 60)) is None
    assert learn_durations(taking(60, 60, 60, 60, None)) is None
    assert learn_durations([*taking(60, 60, 60, 60), failure(FIRST + 9 * HOUR)]) is None
    assert learn_durations(taking(60, 60, 60, 60, 60)) is not None


@pytest.mark.parametrize(
    ("took", "limit"), [(0, 121.0), (10, 130.0), (60, 198.0), (600, 1980.0), (1800, 3600.0), (7200, 10_800.0)]
)
def test_what_always_takes_the_same_may_take_three_times_as_long_or_half_an_hour_more(took: int, limit: float) -> None:
    learned = learn_durations(taking(*[took] * 200))
    assert learned is not None
    assert learned.usual_seconds == pytest.approx(max(1, took))
    assert learned.limit_seconds == pytest.approx(limit, rel=0.001)


def test_the_level_that_durations_have_since_they_changed_is_the_usual_one() -> None:
    runs = [run(FIRST + number * HOUR, took=60 if number < 20 * 24 else 300) for number in range(45 * 24)]
    learned = learn_durations(runs)
    assert learned is not None
    assert learned.usual_seconds == pytest.approx(300, rel=0.01)
    assert learned.changed_at == FIRST + 20 * DAY + 23 * HOUR


def test_the_seconds_of_a_row_are_learned_where_four_in_five_agree() -> None:
    runs = [run(FIRST + number * HOUR, rows, took=30 + rows // 10) for number, rows in enumerate(range(100, 4100, 50))]
    learned = learn_durations(runs)
    assert learned is not None
    assert learned.explained.row_seconds == pytest.approx(0.1, rel=0.02)
    assert learned.explained.fixed_seconds == pytest.approx(30, abs=1)
    assert learned.explained.usual_rows == 2075
    at_random = [each._replace(took=30 + (number * 7919) % 400) for number, each in enumerate(runs)]
    unexplained = learn_durations(at_random)
    assert unexplained is not None
    assert unexplained.explained.row_seconds == 0
    seven = learn_durations(runs[:7])
    assert seven is not None
    assert seven.explained.row_seconds == 0
    eight = learn_durations(runs[:8])
    assert eight is not None
    assert eight.explained.row_seconds == pytest.approx(0.1)
    assert MINUTE < eight.limit_seconds < 10 * MINUTE


def seconds_of_a_row(*seconds: int) -> float:
    """Return what is learned of syncs with 100 rows, 200 and so on, that take so long."""
    learned = learn_durations(
        [run(FIRST + number * HOUR, 100 * (number + 1), took=took) for number, took in enumerate(seconds)]
    )
    assert learned is not None
    return learned.explained.row_seconds


def test_of_the_slopes_between_parts_with_alike_rows_the_middle_one_counts() -> None:
    squares = [10 * number * number for number in range(1, 9)]
    assert seconds_of_a_row(*squares) == pytest.approx(0.9)  # the slopes are a tenth of the sums of two of 1 to 8
    learned = learn_durations([run(FIRST + n * HOUR, 100 * (n + 1), took=took) for n, took in enumerate(squares)])
    assert learned is not None
    assert learned.explained.fixed_seconds == 1  # not less, though the line would be below zero
    assert seconds_of_a_row(60, 10, 20, 30, 40, 50, 70, 80) > 0  # 5 of 28 slopes go down
    assert seconds_of_a_row(60, 10, 20, 30, 40, 50, 70, 70) == 0  # and one is flat
    assert seconds_of_a_row(70, 10, 20, 30, 40, 50, 60, 80) == 0


SPREADING = (*[819] * 9, *[1000] * 4, *[1200] * 11)
"""Of a day. The middle one takes 1000 seconds, and the middle one of those that take no more 819."""


def test_a_limit_is_four_and_a_half_spreads_above_the_usual() -> None:
    learned = learn_durations(taking(*SPREADING * 20))
    assert learned is not None
    few = 1 + 3 / 480
    spread = SPREAD * log(1000 / 819) * few
    assert (learned.usual_seconds, learned.spread) == pytest.approx((1000, spread))
    assert learned.limit_seconds == pytest.approx(1000 * exp(4.5 * spread))
    assert learned.windows == pytest.approx((4 * spread, 2.5 * spread, log(1.7) * few, log(1.7) * few))
    once = learn_durations(taking(*SPREADING * 19, *SPREADING[:8], *[2500] * 16))  # more than two spreads beyond all
    assert once is not None
    assert once.windows[3] == pytest.approx(learned.windows[3])


@pytest.mark.parametrize(
    ("usual", "once", "limit"),
    [
        ([1000] * 24, 1950, 1.5 * 1950),
        ([1000] * 24, 2050, 1000 + 30 * MINUTE),  # more than twice the others, and so left out
        (SPREADING, 2900, 1.5 * 2900),
        (SPREADING, 3000, 1000 * exp(4.5 * SPREAD * log(1000 / 819) * (1 + 3 / 480))),  # three spreads
        (SPREADING, 2900 + 9000, 1000 * exp(4.5 * SPREAD * log(1000 / 819) * (1 + 3 / 480))),
    ],
)
def test_a_limit_is_half_as_long_again_as_the_longest_normal_sync(
    usual: Sequence[int], once: int, limit: float
) -> None:
    learned = learn_durations(taking(*[*usual] * 19, *usual[:-1], once))
    assert learned is not None
    assert learned.limit_seconds == pytest.approx(limit)


def test_windows_that_took_long_again_and_again_are_not_slow() -> None:
    few = 1 + 3 / 40

    def least(*numbers: int) -> float:
        """What two syncs in a row must exceed where some of forty took twice as long."""
        runs = [run(FIRST + n * DAY, took=200 if n in numbers else 100) for n in range(40)]
        learned = learn_durations(runs)
        assert learned is not None
        return learned.windows[0]

    assert least() == least(20) == least(20, 21) == pytest.approx(log(2) * few)
    assert least(8, 9, 20, 21, 30, 31) == pytest.approx(log(2) + 0.15)
    assert least(8, 20, 30) == pytest.approx(log(2) * few)


@pytest.mark.parametrize(("once", "most"), [(1900, 1901), (2100, 1001)])
def test_rows_that_came_once_are_experience_up_to_twice_the_others(once: int, most: int) -> None:
    learned = learn_durations([run(FIRST + day * DAY, once if day == 7 else 1000) for day in range(20)])
    assert learned is not None
    assert learned.explained.most_rows == pytest.approx(most)
