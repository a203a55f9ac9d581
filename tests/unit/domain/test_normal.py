"""What is learned from a past: lag, failed rows, gaps between successes, streaks; and when it is learned again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise

import pytest

from exporter.domain.model import SyncStatus
from exporter.domain.normal import FEW, REFIT, Normal, is_good, is_refit_due, learn, moment_of_learning, refit_at
from exporter.domain.past import MOST, Run, to_moment
from exporter.domain.rhythm import Rhythm
from tests.pasts import DAY, FIRST, HOUR, MINUTE, MONDAY, after, every, failure, run


def normal(runs: list[Run]) -> Normal:
    return learn(runs, after(runs))


def test_nothing_known_gives_no_limit() -> None:
    nothing = normal([run(FIRST)])
    assert nothing.learned_syncs == 1
    assert nothing.duration_limit_seconds(MONDAY) is None
    assert nothing.lag_limit_seconds(MONDAY) is None
    assert nothing.failed_rows_limit() is None
    assert nothing.success_age_limit_seconds() is None
    assert nothing.start_delay_seconds() is None
    assert nothing.rows is None


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


def test_the_history_holds_what_started_when_it_began_and_finished_when_it_ends() -> None:
    runs = [run(FIRST + number * DAY)._replace(took=60) for number in range(10)]
    at = to_moment(runs[-1].start + 60)
    assert learn(runs, at, history=at - to_moment(runs[2].start)).learned_syncs == 8
    assert learn(runs, at, history=at - to_moment(runs[2].start) - timedelta(seconds=1)).learned_syncs == 7
    assert learn(runs, at - timedelta(seconds=1), history=timedelta(days=90)).learned_syncs == 9
    assert learn([*runs[:-1], runs[-1]._replace(took=None)], at - timedelta(seconds=60)).learned_syncs == 10


def test_of_a_long_past_only_the_latest_syncs_are_looked_at() -> None:
    runs = [run(FIRST + number * MINUTE) for number in range(MOST + 5)]
    assert normal(runs).learned_syncs == MOST


def test_rows_are_learned_from_five_syncs_that_count_them_and_failed_ones_are_rows() -> None:
    none = run(0)._replace(rows_synced=None, rows_failed=None)
    four = [none._replace(start=FIRST), *(run(FIRST + number * HOUR, 70) for number in range(1, 5))]
    assert normal(four).rows is None
    five = [*four, run(FIRST + 5 * HOUR, 40, rows_failed=30)]
    assert (rows := normal(five).rows) is not None
    assert rows.syncs == 5
    assert (band := rows.band(FIRST + 5 * HOUR)) is not None
    assert band[1] == pytest.approx(70)
    assert normal([*four, run(FIRST + 5 * HOUR, 70, rows_failed=None)]).rows == rows


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


def test_the_moment_of_learning() -> None:
    due = refit_at("a", MONDAY)
    early, late = run(FIRST - 7 * DAY), run(FIRST)
    few, many = [early] * (FEW - 1), [early] * FEW
    now = to_moment(late.finish) + timedelta(seconds=9)
    assert moment_of_learning("a", [], MONDAY) == due
    assert moment_of_learning("a", [early], MONDAY) == due
    assert moment_of_learning("a", [late], now) == to_moment(late.finish)
    assert moment_of_learning("a", [*few[1:], late], now) == to_moment(late.finish)
    assert moment_of_learning("a", [*many[1:], late], now) == refit_at("a", now)


def test_only_what_had_finished_within_the_history_is_learned_from() -> None:
    runs = every(DAY, 100)
    at = to_moment(runs[80].start + 30)
    assert learn(runs, at, history=timedelta(days=50)).learned_syncs == 49
    assert learn(runs, at, history=timedelta()) == Normal()


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


@pytest.mark.parametrize(("failed", "healed"), [((), 0), ((5,), 1), ((5, 9, 10), 2), ((5, 29), 1), ((28, 29), 0)])
def test_failures_heal_by_themselves_if_another_sync_comes(failed: tuple[int, ...], healed: int) -> None:
    runs = [failure(each.start) if number in failed else each for number, each in enumerate(every(DAY, 30))]
    assert normal(runs).healed_failures == healed


@pytest.mark.parametrize(
    ("stands", "expected"), [((), 0), ((30,), 0), ((30, 60, 61), 1), (tuple(range(10, 90, 4)), None)]
)
def test_a_watermark_that_usually_moves(stands: tuple[int, ...], expected: int | None) -> None:
    runs = every(DAY, 100)
    for number in stands:
        before = runs[number - 1]
        runs[number] = runs[number]._replace(lag=runs[number].finish - (before.finish - (before.lag or 0)))
    assert normal(runs).frozen == expected


def test_limits_are_learned_every_six_hours_at_a_moment_of_its_own() -> None:
    moments = {refit_at(f"integration {number}", MONDAY) for number in range(50)}
    assert len(moments) > 40
    assert all(MONDAY - REFIT < moment <= MONDAY for moment in moments)
    assert refit_at("a", MONDAY + REFIT) == refit_at("a", MONDAY) + REFIT


def test_when_limits_are_learned_again() -> None:
    due = refit_at("a", MONDAY)
    assert is_refit_due("a", None, 0, new=False, now=MONDAY)
    assert not is_refit_due("a", due, FEW, new=True, now=due + REFIT - timedelta(seconds=1))
    assert is_refit_due("a", due, FEW, new=False, now=due + REFIT)
    assert is_refit_due("a", due, FEW - 1, new=True, now=due + timedelta(seconds=1))
    assert not is_refit_due("a", due, FEW - 1, new=False, now=due + timedelta(seconds=1))


def test_one_failed_row_of_a_few_is_within_the_learned_limit() -> None:
    runs = [run(FIRST + i * HOUR, 1000, rows_failed=2) for i in range(48)]
    normal = learn(runs, after(runs))
    assert normal.failed_rows_limit("medium", 7) == 1 / 7
    assert (
        normal.failed_rows_limit("medium", 1) == normal.failed_rows_limit("medium", 1000) == normal.failed_rows_limit()
    )


def test_a_sync_after_a_weekend_off_may_take_no_longer_than_others_and_one_after_an_outage_may() -> None:
    def works(at: datetime) -> bool:
        return at.weekday() < 5 and 8 <= at.hour < 18

    runs = [each for each in every(HOUR, 60) if works(to_moment(each.start))]
    learned = normal(runs)
    monday, before = next((b, a) for a, b in pairwise(runs[:-100]) if b.start - a.start > 2 * DAY)
    usual = learned.duration_limit_seconds(to_moment(monday.start + HOUR), monday)
    assert usual is not None
    assert learned.duration_limit_seconds(to_moment(monday.start), before) == pytest.approx(usual)
    late = learned.duration_limit_seconds(to_moment(monday.start + 7 * DAY), before)
    assert late is not None
    assert late > 9 * usual
