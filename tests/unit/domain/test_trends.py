"""Whether the latest syncs are as usual: incidents that must be seen, and days that must not make a ticket."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from exporter.domain.normal import learn
from exporter.domain.past import Run, to_moment, to_seconds
from exporter.domain.trends import Trend, judge_latest
from tests.pasts import DAY, FIRST, HOUR, MINUTE, MONDAY, after, every, failure, run

Change = Callable[[Run], Run]
QUARTER, DAILY = 15 * MINUTE, DAY


def flat(_at: datetime) -> float:
    return 1000


def office(at: datetime) -> float:
    return (1000 if 8 <= at.hour < 18 else 200) * (0.2 if at.weekday() > 4 else 1)


def rows_times(factor: float) -> Change:
    return lambda run: run._replace(rows_synced=int((run.rows_synced or 0) * factor))


def took_times(factor: float) -> Change:
    return lambda run: run._replace(took=int((run.took or 0) * factor))


def verdicts(
    gap: int,
    change: Change,
    lasts: float,
    *,
    calm: float = 35,
    rows: Callable[[datetime], float] = flat,
    then: float = 0.0,
    noise: float = 0.1,
    sensitivity: str = "medium",
) -> dict[str, Trend]:
    """
    Return the verdicts by problem, where syncs are as usual for *calm* days, changed for *lasts*, and as usual *then*.

    Limits are those of the moment when the change began, or what six hours later would have been learned: both agree.
    """
    runs = every(gap, calm + lasts + then, rows, noise=noise)
    begin, end = FIRST + calm * DAY, FIRST + (calm + lasts) * DAY
    runs = [change(run) if begin <= run.start < end else run for run in runs]
    before = learn([run for run in runs if run.start < begin], to_moment(begin))
    lately = learn(runs, after(runs))
    found = {verdict.problem: verdict for verdict in judge_latest(runs, before, sensitivity)}
    assert set(found) == {verdict.problem for verdict in judge_latest(runs, lately, sensitivity)}
    return found


def hours(number: float) -> float:
    return number / 24


@pytest.mark.parametrize(
    ("gap", "factor", "lasts", "problem"),
    [
        (QUARTER, 0.0, hours(2), "rows_low"),
        (HOUR, 0.0, hours(4), "rows_low"),
        (6 * HOUR, 0.0, hours(13), "rows_low"),
        (DAILY, 0.0, 1, "rows_low"),
        (7 * DAY, 0.0, 7, "rows_low"),
        (QUARTER, 0.1, hours(8), "rows_low"),
        (HOUR, 0.1, hours(8), "rows_low"),
        (6 * HOUR, 0.1, 1, "rows_low"),
        (DAILY, 0.1, 2, "rows_low"),
        (7 * DAY, 0.1, 7, "rows_low"),
        (HOUR, 0.5, 5, "rows_low"),
        (DAILY, 0.5, 7, "rows_low"),
        (HOUR, 10, 3, "rows_high"),
        (DAILY, 10, 3, "rows_high"),
        (HOUR, 3, 6, "rows_high"),
    ],
)
def test_rows_that_change_and_stay_so_are_found(gap: int, factor: float, lasts: float, problem: str) -> None:
    found = verdicts(gap, rows_times(factor), lasts, calm=84 if gap > DAY else 35)
    assert list(found) == [problem]
    verdict = found[problem]
    assert abs(verdict.began_at - (MONDAY + timedelta(days=84 if gap > DAY else 35))) < timedelta(minutes=1)
    assert verdict.usual == pytest.approx(1000, rel=0.15)
    assert verdict.value == pytest.approx(1000 * factor, rel=0.4)
    assert (verdict.value < verdict.limit) == (problem == "rows_low")


@pytest.mark.parametrize("rows", [flat, office])
@pytest.mark.parametrize("gap", [QUARTER, HOUR, 6 * HOUR, DAILY])
@pytest.mark.parametrize("factor", [0.25, 0.5, 2, 5, 12])
def test_one_holiday_or_campaign_day_is_no_problem(gap: int, factor: float, rows: Callable[[datetime], float]) -> None:
    assert verdicts(gap, rows_times(factor), 1, calm=36, rows=rows) == {}


@pytest.mark.parametrize("gap", [HOUR, 6 * HOUR, DAILY])
def test_a_holiday_that_looks_like_a_sunday_is_no_problem(gap: int) -> None:
    assert verdicts(gap, rows_times(0.2), 1, calm=37, rows=office) == {}


@pytest.mark.parametrize("gap", [HOUR, DAILY])
def test_weekends_are_no_problem(gap: int) -> None:
    assert verdicts(gap, lambda run: run, 14, calm=35, rows=office) == {}


def test_the_problem_ends_when_rows_are_usual_again() -> None:
    assert "rows_low" in verdicts(HOUR, rows_times(0.1), 1)
    assert "rows_low" in verdicts(HOUR, rows_times(0.1), 1, then=hours(1))
    assert verdicts(HOUR, rows_times(0.1), 1, then=hours(4)) == {}


def test_no_rows_for_long_are_critical_few_are_not() -> None:
    assert not verdicts(HOUR, rows_times(0), 1)["rows_low"].critical
    assert verdicts(HOUR, rows_times(0), 2)["rows_low"].critical
    assert not verdicts(HOUR, rows_times(0.1), 3)["rows_low"].critical


def test_few_rows_say_nothing_one_by_one_but_together() -> None:
    few = {"rows": lambda _at: 3, "noise": 0.3}
    assert verdicts(HOUR, rows_times(0), hours(6), **few) == {}  # type: ignore[arg-type]
    assert "rows_low" in verdicts(HOUR, rows_times(0), 2, **few)  # type: ignore[arg-type]


def test_a_slow_drift_is_followed() -> None:
    start = to_seconds(MONDAY)
    assert (
        verdicts(HOUR, lambda run: run, 1, calm=60, rows=lambda at: 1000 * 1.02 ** ((to_seconds(at) - start) / DAY))
        == {}
    )


def test_a_level_that_lasts_becomes_normal_and_since_when_is_known() -> None:
    runs = [rows_times(0.5)(run) if run.start >= FIRST + 30 * DAY else run for run in every(HOUR, 50)]
    learned = learn(runs, after(runs))
    assert judge_latest(runs, learned) == ()
    assert learned.rows is not None
    assert learned.rows.level_since is not None
    assert abs(learned.rows.level_since - FIRST - 30 * DAY) < 2 * DAY
    assert learned.rows.level_before is not None
    assert learned.rows.level_before > learned.rows.level


def test_dips_that_come_and_go_are_natural() -> None:
    def dips(run: Run) -> Run:
        day = (run.start - FIRST) // DAY
        return rows_times(0.05)(run) if day in {8, 19, 27, 40, 55} else run

    runs = [dips(run) for run in every(HOUR, 60)]
    last = [run for run in runs if run.start < FIRST + 56 * DAY]
    assert judge_latest(last, learn(last, after(last))) == ()


def test_rows_that_piled_up_during_an_outage_are_no_problem() -> None:
    def outage(run: Run) -> Run:
        return failure(run.start)

    found = verdicts(HOUR, outage, 3, then=hours(1))
    assert found == {}


@pytest.mark.parametrize(
    ("gap", "lasts"), [(QUARTER, hours(2)), (HOUR, hours(5)), (6 * HOUR, 1), (DAILY, 3), (7 * DAY, 21)]
)
def test_syncs_that_take_three_times_as_long_are_slow(gap: int, lasts: float) -> None:
    found = verdicts(gap, took_times(3), lasts, calm=84 if gap > DAY else 35)
    assert list(found) == ["slow"]
    assert found["slow"].value == pytest.approx(360, rel=0.3)
    assert found["slow"].usual == pytest.approx(120, rel=0.15)
    assert found["slow"].usual < found["slow"].limit < found["slow"].value


def test_a_single_long_sync_is_not_slow_nor_are_long_ones_with_many_rows() -> None:
    assert verdicts(HOUR, took_times(4), hours(1)) == {}
    assert verdicts(HOUR, lambda run: rows_times(8)(took_times(6)(run)), 1) == {}


def test_slow_ends_after_two_usual_syncs() -> None:
    assert "slow" in verdicts(HOUR, took_times(3), 1, then=hours(1))
    assert verdicts(HOUR, took_times(3), 1, then=hours(2)) == {}


def test_while_syncs_are_slow_they_may_run_longer() -> None:
    learned = learn(runs := every(HOUR, 30), after(runs))
    limit, slow = learned.duration_limit_seconds(MONDAY), learned.duration_limit_seconds(MONDAY, None, 360.0)
    assert limit is not None
    assert slow == pytest.approx(3 * limit, rel=0.1)


def test_rows_again_and_again_from_the_same_watermark_are_resynced() -> None:
    mark = FIRST + 35 * DAY - HOUR
    found = verdicts(HOUR, lambda run: run._replace(lag=run.finish - mark), hours(3))
    assert list(found) == ["resynced"]
    assert found["resynced"].value == 2
    no_rows = verdicts(HOUR, lambda run: run._replace(lag=run.finish - mark, rows_synced=0), hours(2.5))
    assert "resynced" not in no_rows


def test_sensitivity_moves_all_limits() -> None:
    assert "rows_low" in verdicts(HOUR, rows_times(0.27), hours(8), sensitivity="high")
    assert verdicts(HOUR, rows_times(0.27), hours(8)) == {}
    assert verdicts(HOUR, rows_times(0.1), hours(8), sensitivity="low") == {}
    learned = learn(runs := every(HOUR, 30), after(runs))
    for limit in (learned.lag_limit_seconds, learned.duration_limit_seconds):
        values = [limit(MONDAY, sensitivity=each) for each in ("high", "medium", "low")]
        assert values == sorted(values, key=lambda value: value or 0)
        assert len(set(values)) == 3


def test_a_problem_with_rows_begins_with_a_sync_that_is_off() -> None:
    quiet = lambda at: 160 if at.day == 6 and at.month == 4 else 1000  # noqa: E731 - a day off, 35 days after the first
    runs = every(HOUR, 36.5, quiet)
    for count in range(35 * 24, len(runs)):
        known = runs[:count]
        if (known[-1].rows_synced or 0) > 500:
            normal = learn(runs[: 35 * 24], to_moment(FIRST + 35 * DAY))
            before = {trend.problem for trend in judge_latest(known[:-1], normal)}
            assert {trend.problem for trend in judge_latest(known, normal)} <= before


def off(depth: float) -> Callable[[datetime], float]:
    """Return rows of a past with four days off."""
    return lambda at: 1000 * depth if (at - MONDAY).days in {15, 27, 38, 52} else 1000


@pytest.mark.parametrize("gap", [HOUR, 6 * HOUR])
def test_where_days_off_are_usual_a_moderate_drop_must_outlast_them(gap: int) -> None:
    never, sometimes = (verdicts(gap, rows_times(0.15), 1, calm=60, rows=each) for each in (flat, off(0.3)))
    assert (list(never), list(sometimes)) == (["rows_low"], [])
    assert "rows_low" in verdicts(gap, rows_times(0.15), 3, calm=60, rows=off(0.3))


@pytest.mark.parametrize(("gap", "lasts"), [(HOUR, 1), (6 * HOUR, 1), (DAILY, 2)])
def test_a_drop_deeper_than_any_day_off_does_not_wait_for_one_to_end(gap: int, lasts: float) -> None:
    assert "rows_low" in verdicts(gap, rows_times(0.08), lasts, calm=60, rows=off(0.3))
    assert verdicts(gap, rows_times(0.08), 1, calm=60, rows=off(0.08)) == {}


def test_syncs_with_few_rows_that_take_as_long_as_others_are_not_slow() -> None:
    def change(run: Run) -> Run:
        return run._replace(took=30 + (run.rows_synced or 0) // 5, rows_synced=run.rows_synced)

    runs = [change(run) for run in every(HOUR, 35, office, noise=0.3)]
    normal = learn(runs, after(runs))
    usual = int(normal.durations.usual_seconds) if normal.durations else 0
    last = [run._replace(start=run.start + 35 * DAY, took=usual, rows_synced=1) for run in runs[:48]]
    assert [trend for trend in judge_latest(runs + last, normal) if trend.problem == "slow"] == []


@pytest.mark.parametrize("count", [5, 40])
def test_a_limit_of_durations_that_jump_is_no_more_than_five_times_the_longest(count: int) -> None:
    runs = [run(FIRST + number * DAY, took=(5, 20_000)[number % 2]) for number in range(count)]
    limit = learn(runs, after(runs)).duration_limit_seconds(after(runs), runs[-1])
    assert limit is not None
    assert 20_000 < limit <= 5 * 20_000


def test_no_limit_of_a_duration_leaves_the_calendar() -> None:
    runs = [run(FIRST + number * DAY, took=25 * DAY) for number in range(40)]
    assert learn(runs, after(runs)).duration_limit_seconds(after(runs), runs[-1]) == 30 * DAY
