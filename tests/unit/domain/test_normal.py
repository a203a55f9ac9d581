"""What is learned from a past, and when it is learned again."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from math import exp

import pytest

from exporter.domain.durations import Durations, Explained
from exporter.domain.normal import FEW, REFIT, Normal, is_refit_due, learn, moment_of_learning, refit_at
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


@pytest.mark.parametrize("every_seconds", [25, 5 * MINUTE, HOUR, DAY])
def test_no_sync_is_unlearned_as_more_are_known(every_seconds: int) -> None:
    runs = [run(FIRST + number * every_seconds)._replace(took=20) for number in range(3 * FEW)]
    learned = [
        learn(
            known, moment_of_learning("a", known, to_moment(known[-1].finish)), history=timedelta(days=400)
        ).learned_syncs
        for known in (runs[:count] for count in range(1, len(runs) + 1))
    ]
    assert learned[: FEW - 1] == list(range(1, FEW))
    assert all(before <= now for before, now in pairwise(learned))


def test_only_what_had_finished_within_the_history_is_learned_from() -> None:
    runs = every(DAY, 100)
    at = to_moment(runs[80].start + 30)
    assert learn(runs, at, history=timedelta(days=50)).learned_syncs == 49
    assert learn(runs, at, history=timedelta()) == Normal()


@pytest.mark.parametrize(("failed", "healed"), [((), 0), ((5,), 1), ((5, 9, 10), 2), ((5, 29), 1), ((28, 29), 0)])
def test_failures_heal_by_themselves_if_another_sync_comes(failed: tuple[int, ...], healed: int) -> None:
    runs = [failure(each.start) if number in failed else each for number, each in enumerate(every(DAY, 30))]
    assert normal(runs).healed_failures == healed


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        ((), 0),
        ((30,), 0),
        ((30, 60, 61), 1),
        ((30, 31, 60, 61, 62), 2),
        ((10, 20, 30, 40, 50, 60, 61), 1),
        ((10, 20, 30, 40, 50, 60, 70, 71), None),
        (tuple(range(10, 90, 4)), None),
    ],
)
def test_a_watermark_that_usually_moves(stands: tuple[int, ...], expected: int | None) -> None:
    runs = every(DAY, 100)
    for number in stands:
        before = runs[number - 1]
        runs[number] = runs[number]._replace(lag=runs[number].finish - (before.finish - (before.lag or 0)))
    assert normal(runs).frozen == expected


@pytest.mark.parametrize(("count", "rows", "expected"), [(19, 9, None), (20, 9, 1), (20, 0, 0)])
def test_a_watermark_stands_still_in_one_of_twenty_syncs_with_rows(count: int, rows: int, expected: int | None) -> None:
    """At most, besides the longest time."""
    runs = every(DAY, count)
    for number in (5, 10):
        lag = runs[number].finish - (runs[number - 1].watermark or 0)
        runs[number] = runs[number]._replace(lag=lag, rows_synced=rows)
    assert normal(runs).frozen == expected


def test_a_sync_may_run_longer_after_many_rows_and_after_hours_in_which_syncs_usually_start() -> None:
    mornings = Rhythm("regular", HOUR, 2.0 * HOUR, 0.0, awake=(*[True] * 12, *[False] * 12) * 7)
    durations = Durations(100.0, 0.1, 400.0, (1.0,) * 4, Explained(100.0, 0.0, 1000.0, 1000.0))
    last, noon = run(FIRST), MONDAY + timedelta(hours=12)
    for zone, limit in ((None, 400 * 3), (timezone(timedelta(hours=12)), 400)):
        learned = Normal(rhythm=mornings, durations=durations, zone=zone)
        assert learned.duration_limit_seconds(noon, last) == pytest.approx(limit)
    many_rows = run(FIRST, 12_009)
    assert Normal(durations=durations).duration_limit_seconds(noon, many_rows) == pytest.approx(4000 * exp(-0.5))


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


def test_syncs_without_rows_bring_none() -> None:
    rows = normal([run(FIRST + day * DAY, 0) for day in range(8)]).rows
    assert rows is not None
    assert rows.band(FIRST) == pytest.approx((0, 0, 1))


def test_a_zone_is_known_before_anything_is_learned() -> None:
    assert learn([], MONDAY, zone=UTC) == Normal(zone=UTC)
