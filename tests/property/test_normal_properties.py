"""Whatever the past was: learning it never fails, says the same each time, and no limit lies below what was normal."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.model import FINISHED_STATUSES, SyncStatus
from exporter.domain.normal import learn
from exporter.domain.past import Past, Run, to_moment, to_seconds
from exporter.domain.trends import judge_latest
from tests.pasts import DAY, FIRST, HOUR, after, every

GAPS = (15 * 60, HOUR, 6 * HOUR, DAY, 7 * DAY)
SENSITIVITIES = ("high", "medium", "low")

counts = st.none() | st.integers(-5, 20) | st.integers(0, 10**12)
seconds = st.none() | st.integers(-(10**6), 10**6)
odd_syncs = st.builds(
    Run, st.integers(FIRST, FIRST + 80 * DAY), st.sampled_from(FINISHED_STATUSES), seconds, seconds, counts, counts
)
zones = st.none() | st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours)))


@given(st.lists(odd_syncs, max_size=60), zones, st.sampled_from(SENSITIVITIES))
@settings(deadline=None)
def test_any_past_teaches_something_or_nothing(drawn: list[Run], zone: timezone | None, sensitivity: str) -> None:
    past = Past.of({run.start: run for run in drawn}.values())
    at = datetime(2026, 6, 1, tzinfo=UTC)
    learned = learn(past.runs, at, zone=zone)
    assert learned == learn(past.runs, at, zone=zone)
    runs = past.runs
    for verdict in judge_latest(runs, learned, sensitivity):
        assert verdict.began_at <= to_moment(runs[-1].start)
    for run in runs[-3:]:
        deadline = learned.start_deadline(run, sensitivity)
        assert deadline is None or deadline > to_moment(run.start)
        limit = learned.duration_limit_seconds(to_moment(run.start), run, sensitivity=sensitivity)
        assert limit is None or limit > 0


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)), zones)  # noqa: DTZ001
def test_no_moment_of_the_calendar_is_too_far(start: datetime, zone: timezone | None) -> None:
    runs = every(DAY, 20)
    learned = learn(runs, after(runs), zone=zone)
    odd = Run(to_seconds(start), SyncStatus.SUCCESS, 10**6, 5, 0, 0)
    assert (learned.start_deadline(odd) or start) >= start.replace(microsecond=0)
    judge_latest([*runs, odd], learned)
    assert learned.lag_limit_seconds(start)


@given(st.sampled_from(GAPS), st.integers(30, 120), st.floats(0.01, 0.5))
@settings(deadline=None, max_examples=15)
def test_no_limit_lies_below_what_was_normal(gap: int, number: int, noise: float) -> None:
    runs = every(gap, number * gap / DAY, noise=noise)
    learned = learn(runs, after(runs), history=timedelta(days=2000))
    for sensitivity in ("medium", "low"):
        assert judge_latest(runs, learned, sensitivity) == ()
        for run, following in pairwise(runs):
            start = to_moment(run.start)
            assert (run.took or 0) <= (learned.duration_limit_seconds(start, sensitivity=sensitivity) or 0)
            assert (run.lag or 0) <= (learned.lag_limit_seconds(start, sensitivity) or 0)
            deadline = learned.start_deadline(run, sensitivity)
            assert deadline is not None
            assert to_moment(following.start) <= deadline


@given(st.sampled_from(GAPS), st.integers(30, 150))
@settings(deadline=None, max_examples=20)
def test_limits_widen_as_sensitivity_is_lowered(gap: int, number: int) -> None:
    runs = every(gap, number * gap / DAY)
    learned = learn(runs, after(runs), history=timedelta(days=2000))
    start = to_moment(runs[-1].start)
    deadlines = [learned.start_deadline(runs[-1], each) for each in SENSITIVITIES]
    durations = [learned.duration_limit_seconds(start, sensitivity=each) for each in SENSITIVITIES]
    lags = [learned.lag_limit_seconds(start, each) for each in SENSITIVITIES]
    shares = [learned.failed_rows_limit(each) for each in SENSITIVITIES]
    for limits in (deadlines, durations, lags, shares):
        known = [limit for limit in limits if limit is not None]
        assert known == sorted(known)
        assert len(known) == len(SENSITIVITIES)


@given(
    st.sampled_from(GAPS),
    st.integers(30, 120),
    st.sampled_from((0.0, 0.1, 1.0, 10.0)),
    st.integers(1, 30),
    st.integers(2, 50),
)
@settings(deadline=None, max_examples=25)
def test_the_unit_of_rows_does_not_matter(gap: int, number: int, factor: float, lately: int, unit: int) -> None:
    runs = every(gap, number * gap / DAY, lambda _at: 10_000)
    runs = [
        run._replace(rows_synced=int((run.rows_synced or 0) * factor)) if run in runs[-lately:] else run for run in runs
    ]
    scaled = [run._replace(rows_synced=(run.rows_synced or 0) * unit) for run in runs]
    problems = [
        [verdict.problem for verdict in judge_latest(each, learn(each, after(each), history=timedelta(days=2000)))]
        for each in (runs, scaled)
    ]
    assert problems[0] == problems[1]


@given(st.sampled_from(GAPS), st.integers(1, 120), st.integers(1, 10))
@settings(deadline=None, max_examples=20)
def test_what_comes_later_than_the_moment_does_not_matter(gap: int, number: int, more: int) -> None:
    runs = every(gap, (number + more) * gap / DAY)
    at = to_moment(runs[number - 1].finish + 1)
    assert learn(runs, at) == learn(runs[:number], at)
