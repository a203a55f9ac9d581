"""The limits that are learned for lag, failed rows, delays and the time between successes."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone, tzinfo
from itertools import pairwise

import pytest

from exporter.domain.model import SyncStatus
from exporter.domain.normal import (
    Normal,
    failed_share,
    is_good,
    learn,
)
from exporter.domain.past import Run, to_moment
from exporter.domain.rhythm import Rhythm
from tests.pasts import DAY, FIRST, HOUR, MINUTE, MONDAY, after, every, failure, run


def normal(runs: list[Run]) -> Normal:
    return learn(runs, after(runs))


def test_limits_are_of_medium_sensitivity_unless_somebody_says_otherwise() -> None:
    learned = normal(runs := every(DAY, 30))
    assert learned.start_deadline(runs[-1]) == learned.start_deadline(runs[-1], "medium")
    assert learned.start_delay_seconds() == learned.start_delay_seconds("medium")
    assert learned.duration_limit_seconds(MONDAY) == learned.duration_limit_seconds(MONDAY, None, 0.0, "medium")
    assert learned.lag_limit_seconds(MONDAY) == learned.lag_limit_seconds(MONDAY, "medium")
    assert learned.failed_rows_limit() == learned.failed_rows_limit("medium", 0)
    assert learned.success_age_limit_seconds() == learned.success_age_limit_seconds("medium")


@pytest.mark.parametrize(("late", "delay"), [(0, 600), (200, 600), (300, 750), (1000, 1800), (1e6, 7200)])
def test_an_announced_sync_may_be_late_as_syncs_are(late: float, delay: float) -> None:
    learned = Normal(rhythm=Rhythm("regular", HOUR, 2 * HOUR, late))
    assert learned.start_delay_seconds("low") == pytest.approx(1.5 * delay)
    assert learned.start_delay_seconds("medium") == pytest.approx(delay)
    assert learned.start_delay_seconds("high") == pytest.approx(0.7 * delay)


@pytest.mark.parametrize(
    ("gap", "zone", "more"), [(HOUR, None, 0), (HOUR + 1, None, HOUR), (DAY, None, HOUR), (DAY, UTC, 0)]
)
def test_a_configured_delay_leaves_an_hour_where_clocks_may_change(gap: int, zone: tzinfo | None, more: int) -> None:
    learned = Normal(rhythm=Rhythm("regular", gap, 2 * gap, 10.0), zone=zone)
    last = run(FIRST)._replace(took=None)
    assert learned.start_deadline(last, "medium", 1200.0) == to_moment(FIRST + gap + 1200 + more)


def test_the_limit_of_lag_is_that_of_the_local_weekday_of_the_start() -> None:
    by_weekday = Normal(lag_seconds=(10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0))
    assert [by_weekday.lag_limit_seconds(MONDAY + timedelta(days=day)) for day in range(8)] == [
        *(10 * day for day in range(1, 8)),
        10,
    ]
    east = replace(by_weekday, zone=timezone(timedelta(hours=2)))
    assert east.lag_limit_seconds(MONDAY - timedelta(hours=2)) == 10
    assert east.lag_limit_seconds(MONDAY - timedelta(hours=2, seconds=1)) == 70
    assert by_weekday.lag_limit_seconds(MONDAY, "low") == 15


@pytest.mark.parametrize(
    ("ratio", "sensitivity", "rows", "limit"),
    [
        (0.02, "medium", 1000, 0.02),
        (0.02, "low", 1000, 0.03),
        (0.02, "high", 1000, 0.014),
        (0.001, "medium", 1000, 0.01),
        (0.9, "low", 1000, 1.0),
        (0.02, "medium", 2, 0.5),
        (0.02, "medium", 1, 0.02),
    ],
)
def test_the_limit_of_failed_rows(ratio: float, sensitivity: str, rows: int, limit: float) -> None:
    assert Normal(failed_rows_ratio=ratio).failed_rows_limit(sensitivity, rows) == pytest.approx(limit)


def test_the_limit_of_the_age_of_the_last_success() -> None:
    assert Normal(success_age_seconds=1000.0).success_age_limit_seconds("low") == 1500


def test_lag_is_learned_from_five_syncs_that_tell_it() -> None:
    runs = [run(FIRST + number * HOUR, lag=600) for number in range(4)]
    assert normal([*runs, run(FIRST + 5 * HOUR, lag=None)]).lag_seconds is None
    limit = (1 + 2 / 1) * (1.5 * 600 + 15 * MINUTE)  # of one day
    assert normal([*runs, run(FIRST + 5 * HOUR, lag=-50)]).lag_seconds == pytest.approx((limit,) * 7)


def test_a_share_of_failed_rows_is_learned_from_three_syncs_with_rows() -> None:
    shares = [run(FIRST + number * HOUR, 90, rows_failed=10) for number in range(3)]
    without = [run(FIRST + 3 * HOUR, 0), run(FIRST + 4 * HOUR)._replace(rows_failed=None), failure(FIRST + 5 * HOUR)]
    assert normal([*shares[:2], *without]).failed_rows_ratio is None
    assert normal([*shares, *without]).failed_rows_ratio == pytest.approx(2 * (1 + 2 / 3) * 0.1)


def test_the_time_between_successes_is_learned_from_five_gaps() -> None:
    runs = [run(FIRST + number * HOUR) for number in range(6)]
    assert normal(runs[:5]).success_age_seconds is None
    assert normal(runs).success_age_seconds == pytest.approx(1.5 * HOUR + 600)


def test_a_share_of_failed_rows_that_came_once_is_usual_while_days_are_few() -> None:
    def learned(days: int, once: int) -> float | None:
        runs = [run(FIRST + day * DAY, 980, rows_failed=20) for day in range(days)]
        runs[3] = run(FIRST + 3 * DAY, 1000 - once, rows_failed=once)
        ratio = normal(runs).failed_rows_ratio
        return ratio and ratio / (2 * (1 + 2 / days))

    assert learned(7, 120) == pytest.approx(0.12)
    assert learned(8, 120) == pytest.approx(0.02)
    assert learned(11, 120) == pytest.approx(0.02)
    assert learned(11, 70) == pytest.approx(0.02)
    assert learned(11, 50) == pytest.approx(0.05)
    assert learned(7, 980) == pytest.approx(0.02)


def test_of_syncs_whose_rows_mostly_fail_all_may() -> None:
    assert normal([run(FIRST + day * DAY, 100, rows_failed=900) for day in range(20)]).failed_rows_ratio == 1
    assert failed_share(run(FIRST, 0, rows_failed=1)) == 1


@pytest.mark.parametrize(("once", "counts"), [(1.9, True), (2.2, False), (20, False)])
def test_a_lag_that_came_once_is_usual_up_to_twice_the_others(once: float, counts: bool) -> None:
    runs = [run(FIRST + day * DAY, lag=3000) for day in range(40)]
    runs[20] = run(FIRST + 20 * DAY, lag=round(3600 * once) - 600)
    longest = 3600 * once - 600 if counts else 3000
    assert normal(runs).lag_limit_seconds(MONDAY) == pytest.approx((1 + 2 / 40) * (1.5 * longest + 900))


def test_a_source_that_is_ahead_lags_by_nothing() -> None:
    runs = [run(FIRST + day * DAY, lag=-30) for day in range(40)]
    assert normal(runs).lag_limit_seconds(MONDAY) == pytest.approx((1 + 2 / 40) * 900)


def mondays(weeks: int, hours: float, *, lately: float | None = None, gap: int = DAY) -> float | None:
    """The limit of Mondays, in hours, after weeks in which other days lag 40 hours; *lately* is for the last three."""
    runs = []
    for start in range(FIRST, FIRST + weeks * 7 * DAY, gap):
        is_late = lately is not None and start >= FIRST + (weeks - 3) * 7 * DAY
        lag = (lately if is_late else hours) if to_moment(start).weekday() == 0 else 40.0
        runs.append(run(start, lag=round((lag or 0.0) * HOUR)))
    limit = normal(runs).lag_limit_seconds(MONDAY + timedelta(minutes=5))
    return limit and limit / HOUR


def test_a_weekday_has_a_limit_of_its_own_from_four_on_and_where_it_is_less_than_half() -> None:
    assert mondays(3, 1) == pytest.approx((1 + 2 / 21) * (1.5 * 40 + 0.25))
    assert mondays(4, 1) == pytest.approx((1 + 2 / 4) * (1.5 * 1 + 0.25))
    assert mondays(10, 15) == pytest.approx((1 + 2 / 10) * (1.5 * 15 + 0.25))
    assert mondays(10, 25) == pytest.approx((1 + 2 / 70) * (1.5 * 40 + 0.25))


def test_what_three_mondays_lag_is_usual_on_mondays() -> None:
    assert mondays(10, 1, lately=8) == pytest.approx((1 + 2 / 10) * (1.5 * 8 + 0.25))


def test_only_syncs_five_hours_apart_or_rarer_are_told_apart_by_weekday() -> None:
    assert mondays(4, 1, gap=5 * HOUR) == pytest.approx((1 + 2 / 4) * (1.5 * 1 + 0.25))
    assert mondays(4, 1, gap=4 * HOUR) == pytest.approx((1 + 2 / 28) * (1.5 * 40 + 0.25))


def test_a_gap_between_successes_that_came_once_is_usual_up_to_twice_the_others() -> None:
    for days, counts in ((1.9, True), (2.1, False)):
        starts = [FIRST + round((day if day < 20 else day + days - 1) * DAY) for day in range(40)]
        longest = days if counts else 1
        assert normal([run(start) for start in starts]).success_age_seconds == pytest.approx(1.5 * longest * DAY + 600)


def test_syncs_that_are_always_partial_succeed() -> None:
    runs = [run(FIRST + day * DAY, 950, rows_failed=50, status=SyncStatus.PARTIAL) for day in range(20)]
    assert normal(runs).success_age_seconds == pytest.approx(1.5 * DAY + 600)


def test_lag_may_be_half_as_much_again_as_ever() -> None:
    runs = [each._replace(lag=10 * HOUR if number % 5 == 0 else HOUR) for number, each in enumerate(every(HOUR, 30))]
    assert normal(runs).lag_limit_seconds(MONDAY) == pytest.approx(15 * HOUR, rel=0.1)


def test_lag_is_known_by_weekday_where_it_differs() -> None:
    runs = [
        each._replace(lag=60 * HOUR if to_moment(each.start).weekday() == 0 else 2 * HOUR) for each in every(DAY, 60)
    ]
    learned = normal(runs)
    monday, tuesday = (learned.lag_limit_seconds(MONDAY + timedelta(days=day)) for day in (0, 1))
    assert monday is not None
    assert tuesday is not None
    assert 60 * HOUR < monday < 120 * HOUR
    assert 2 * HOUR < tuesday < 5 * HOUR


@pytest.mark.parametrize("hours", [12, 96])
def test_a_source_that_lagged_once_teaches_nothing(hours: int) -> None:
    calm = every(15 * MINUTE, 24)
    runs = [
        each._replace(lag=each.start - FIRST - 10 * DAY) if 0 < each.start - FIRST - 10 * DAY < hours * HOUR else each
        for each in calm
    ]
    assert normal(runs).lag_seconds == normal(calm).lag_seconds


def test_a_lag_that_lasts_becomes_normal() -> None:
    runs = [each._replace(lag=5 * HOUR if each.start > FIRST + 30 * DAY else 60) for each in every(HOUR, 50)]
    limit = normal(runs).lag_limit_seconds(MONDAY)
    assert limit is not None
    assert limit > 5 * HOUR


@pytest.mark.parametrize(("failed", "least", "most"), [(0, 0.01, 0.01), (20, 0.03, 0.05), (300, 0.4, 0.5)])
def test_failed_rows_may_be_twice_as_many_as_ever_and_one_in_a_hundred(failed: int, least: float, most: float) -> None:
    limit = normal(
        [each._replace(rows_failed=failed, rows_synced=1000) for each in every(HOUR, 20)]
    ).failed_rows_limit()
    assert limit is not None
    assert least <= limit <= most


@pytest.mark.parametrize("gap", [15 * MINUTE, DAY])
def test_a_fault_among_few_syncs_is_no_usual_share_of_failed_rows(gap: int) -> None:
    calm = [each._replace(rows_failed=0, rows_synced=1000) for each in every(gap, 7)][:7]
    for faults in (1, 3):
        runs = [*calm[:-faults], *(each._replace(rows_failed=700) for each in calm[-faults:])]
        assert normal(runs).failed_rows_limit() == pytest.approx(0.01)
    usual = [each._replace(rows_failed=20 + index) for index, each in enumerate(calm)]
    assert normal([*usual[:-1], usual[-1]._replace(rows_failed=700)]).failed_rows_limit() == pytest.approx(
        2 * (1 + 2 / 7) * 25 / 1025
    )


def test_a_partial_sync_within_the_limit_of_failed_rows_is_good() -> None:
    partial = run(FIRST, 98, status=SyncStatus.PARTIAL, rows_failed=2)
    assert is_good(partial, 0.02)
    assert not is_good(partial, None)
    assert not is_good(failure(FIRST), 1.0)
    assert not is_good(partial._replace(rows_failed=None), 1.0)


def test_the_last_success_may_be_half_as_old_again_as_the_longest_gap_between_two() -> None:
    runs = every(DAY, 60)
    longest = max(b.finish - a.finish for a, b in pairwise(runs))
    assert normal(runs).success_age_limit_seconds() == pytest.approx(1.5 * longest + 600)


def test_one_outage_is_no_usual_gap_between_successes_but_weekends_are() -> None:
    runs = [each for each in every(DAY, 60) if to_moment(each.start).weekday() < 5]
    outage = [each for each in runs if not 20 * DAY < each.start - FIRST < 32 * DAY]
    assert normal(runs).success_age_seconds == pytest.approx(1.5 * 3 * DAY, rel=0.01)
    assert normal(outage).success_age_seconds == pytest.approx(1.5 * 3 * DAY, rel=0.01)


def test_one_failed_row_of_a_few_is_within_the_learned_limit() -> None:
    runs = [run(FIRST + i * HOUR, 1000, rows_failed=2) for i in range(48)]
    normal = learn(runs, after(runs))
    assert normal.failed_rows_limit("medium", 7) == 1 / 7
    assert (
        normal.failed_rows_limit("medium", 1) == normal.failed_rows_limit("medium", 1000) == normal.failed_rows_limit()
    )
