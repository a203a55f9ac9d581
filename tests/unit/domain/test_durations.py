"""How long syncs take, on figures that can be followed by hand; `test_trends.py` says what they are for."""

from math import exp, log

import pytest

from exporter.domain.durations import (
    Durations,
    Explained,
    all_rows,
    by_days,
    is_timed,
    largest,
    learn_durations,
)
from exporter.domain.past import Run
from tests.pasts import DAY, FIRST, HOUR, MINUTE, failure, run

NOT_EXPLAINED = Explained(fixed_seconds=100.0, row_seconds=0.0, usual_rows=1000.0, most_rows=1000.0)


def durations(usual: float = 100.0, limit: float = 400.0, bound: float = log(2)) -> Durations:
    return Durations(usual, 0.1, limit, (bound,) * 4, NOT_EXPLAINED)


def taking(*seconds: int | None) -> list[Run]:
    """Hourly syncs."""
    return [run(FIRST + number * HOUR, took=took) for number, took in enumerate(seconds)]


def test_a_duration_is_that_of_a_sync_that_did_not_fail() -> None:
    assert is_timed(run(FIRST, took=0))
    assert not is_timed(run(FIRST, took=-1))
    assert not is_timed(run(FIRST, took=None))
    assert not is_timed(failure(FIRST))


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
    assert durations().slow(taking(*calm, 199, 199), 1.0) is None
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
