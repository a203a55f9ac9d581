"""What is learned from a past: lag, failed rows, gaps between successes, streaks; and when it is learned again."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from exporter.domain.model import SyncStatus
from exporter.domain.normal import FEW, REFIT, Normal, is_good, is_refit_due, learn, refit_at
from exporter.domain.past import Run, to_moment
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
