"""What would have been reported: at the right moment, under the right name, by what was known by then."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from exporter.domain.limits import LimitSettings, Setting, Source
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, SyncStatus
from exporter.domain.normal import REFIT, refit_at
from exporter.domain.past import Run, to_moment, to_sync
from exporter.domain.replay import PastProblem, Replay, Replayed
from tests.pasts import DAY, FIRST, HOUR, MINUTE, every, run

HISTORY = timedelta(days=60)
SINCE = FIRST + 16 * DAY
UNTIL = FIRST + 20 * DAY


def replay(
    runs: list[Run],
    change: Callable[[Run], Run | None] = lambda one: one,
    *,
    history: timedelta = HISTORY,
    interval: float | None = None,
    **limits: Setting,
) -> Replayed:
    """Replay the last four of 20 days, with the syncs of the second of these changed, or left out where None."""
    begin, end = SINCE + DAY, SINCE + 2 * DAY
    changed = [change(one) if begin <= one.start < end else one for one in runs]
    known = [one for one in changed if one is not None]
    integration = Integration("w", "i", "i", limits=LimitSettings(limits), expected_interval_seconds=interval)
    return Replay(integration, [to_sync(one) for one in known], to_moment(SINCE), to_moment(UNTIL), history).run()


HOURLY = every(HOUR, 20)


def told(replayed: Replayed) -> list[tuple[str, str]]:
    return [(one.problem.kind, one.problem.severity.word) for one in replayed.problems]


def minutes(at: datetime | None) -> float:
    """Since the change began."""
    assert at is not None
    return (at - to_moment(SINCE + DAY)).total_seconds() / MINUTE


def only(replayed: Replayed) -> PastProblem:
    (one,) = replayed.problems
    return one


def test_a_past_as_usual_reports_nothing() -> None:
    replayed = replay(HOURLY)
    assert replayed.problems == ()
    assert 94 <= replayed.syncs <= 97
    assert replayed.limits.sync_duration.source is Source.LEARNED


def test_nothing_is_learned_without_history() -> None:
    replayed = replay(HOURLY, lambda one: one._replace(rows_synced=0), history=timedelta(0))
    assert replayed.problems == ()
    assert {limit.source for _, limit in replayed.limits} == {Source.DEFAULT}


def test_rows_that_drop_are_reported_until_they_are_as_usual() -> None:
    one = only(replay(HOURLY, lambda one: one._replace(rows_synced=(one.rows_synced or 0) // 10)))
    assert one.problem.kind == "rows_low"
    assert 4 * 60 < minutes(one.began_at) < 9 * 60
    assert 24 * 60 < minutes(one.ended_at) < 28 * 60
    assert one.problem.value == pytest.approx(100, rel=0.4)


def test_a_sync_that_does_not_start_is_overdue_from_its_deadline_until_one_starts() -> None:
    one = only(replay(HOURLY, lambda _: None))
    assert told(replay(HOURLY, lambda _: None)) == [("overdue", "critical")]
    assert 10 < minutes(one.began_at) < 90
    assert minutes(one.ended_at) == pytest.approx(24 * 60, abs=1)


def test_an_expected_interval_comes_before_the_learned_rhythm() -> None:
    one = only(replay(HOURLY, lambda _: None, interval=3600.0, start_delay=600.0))
    assert minutes(one.began_at) == pytest.approx(10, abs=1)


def test_failed_becomes_failing_under_one_name_from_the_first_moment_on() -> None:
    one = only(replay(HOURLY, lambda one: one._replace(status=SyncStatus.ERROR, rows_synced=0)))
    assert (one.problem.kind, one.problem.severity.word) == ("failing", "critical")
    assert minutes(one.began_at) == pytest.approx(2, abs=2)


def test_a_run_that_hangs_is_stuck_from_its_limit_on() -> None:
    first = SINCE + DAY

    def hang(one: Run) -> Run | None:
        if one.start < first + HOUR:
            return one._replace(took=20 * HOUR)
        return one if one.start >= first + 20 * HOUR else None

    one = only(replay(HOURLY, hang, sync_duration=3600.0))
    assert (one.problem.kind, one.problem.severity.word) == ("stuck", "critical")
    assert minutes(one.began_at) == pytest.approx(60, abs=1)
    assert minutes(one.ended_at) == pytest.approx(20 * 60, abs=1)
    assert one.problem.limit == 3600


def test_a_configured_limit_decides_what_is_reported() -> None:
    def lose(one: Run) -> Run:
        return one._replace(rows_failed=60)

    assert told(replay(HOURLY, lose, failed_rows=0.2)) == []
    one = only(replay(HOURLY, lose, failed_rows=0.03))
    assert (one.problem.kind, one.problem.limit) == ("rows_failed", 0.03)


def test_what_never_synced_is_reported_at_once() -> None:
    one = only(replay([]))
    assert (one.problem.kind, one.ended_at) == ("never_synced", None)


def test_nobody_knows_whether_one_was_there_before_its_first_sync() -> None:
    late = [one for one in HOURLY if one.start >= SINCE + 2 * DAY]
    assert told(replay(late, interval=3600.0)) == []


def test_limits_are_learned_at_their_moment_though_no_sync_comes() -> None:
    last = SINCE + 3 * DAY
    cut = [to_sync(one) for one in HOURLY if one.start < last]
    moments = Replay(Integration("w", "i", "i"), cut, to_moment(SINCE), to_moment(UNTIL), HISTORY).moments()
    learned = [(at, view.learned_syncs) for at, view in moments]
    due = refit_at("i", to_moment(last)) + REFIT
    (before,) = {syncs for at, syncs in learned if to_moment(last) + REFIT / 36 < at < due}
    (after,) = {syncs for at, syncs in learned if at > due}
    assert (before or 0) < (after or 0) == len(cut)
    assert min(at for at, _ in learned if at > due) - due <= timedelta(seconds=1)


def test_two_events_at_one_moment_both_count() -> None:
    back_to_back = [run(start, took=HOUR) for start in range(FIRST, FIRST + 20 * DAY, HOUR)]
    assert told(replay(back_to_back)) == []


def test_what_happens_later_changes_nothing_before() -> None:
    whole = replay(HOURLY, lambda one: one._replace(rows_synced=0))
    cut = [one for one in HOURLY if one.start < SINCE + 2 * DAY]
    earlier = replay(cut, lambda one: one._replace(rows_synced=0))
    assert [one.began_at for one in earlier.problems][:1] == [one.began_at for one in whole.problems][:1]


def listed(hours: float, status: str = "Active", run_in: float | None = None) -> tuple[datetime, ListedIntegration]:
    """Return what the list shows from so many hours after the change on, with the next run in so many minutes."""
    at = to_moment(SINCE + DAY + hours * HOUR)
    next_run = None if run_in is None else at + timedelta(minutes=run_in)
    return at, ListedIntegration("i", "i", integration_status=status, next_scheduled_run=next_run)


BEFORE = listed(-30, run_in=60)


@pytest.mark.parametrize(
    ("listings", "kind", "severity", "begins", "ends"),
    [
        ([BEFORE, listed(0, "Paused"), listed(24, run_in=30)], "paused", "warning", 0, 24 * 60),
        ([BEFORE, listed(0), listed(24, run_in=30)], "unscheduled", "warning", 0, 24 * 60),
        (
            [BEFORE, listed(-0.25, run_in=25), (to_moment(SINCE + DAY), None), listed(23, run_in=90)],
            "gone",
            "warning",
            0,
            23 * 60,
        ),
        ([BEFORE, listed(0, run_in=120), listed(3, run_in=60)], "overdue", "critical", 150, 24 * 60),
    ],
)
def test_what_the_list_showed_counts_where_it_is_known(
    listings: list[tuple[datetime, ListedIntegration | None]], kind: str, severity: str, begins: float, ends: float
) -> None:
    known = [to_sync(one) for one in HOURLY if not SINCE + DAY <= one.start < SINCE + 2 * DAY]
    integration = Integration("w", "i", "i")
    until = to_moment(SINCE + 2 * DAY + HOUR / 3)
    one = only(Replay(integration, known, to_moment(SINCE), until, HISTORY, listings=listings).run())
    assert (one.problem.kind, one.problem.severity.word) == (kind, severity)
    assert minutes(one.began_at) == pytest.approx(begins, abs=31)
    assert minutes(one.ended_at) == pytest.approx(ends, abs=1)


def test_a_sync_that_runs_at_the_end_has_started() -> None:
    latest = HOURLY[-1]
    for finish in (latest._replace(took=3 * HOUR), latest._replace(took=None, status=SyncStatus.RUNNING)):
        runs = [*(one._replace(took=HOUR) for one in HOURLY[2:-1:3]), finish]
        until = to_moment(latest.start + 50 * MINUTE)
        replayed = Replay(Integration("w", "i", "i"), [to_sync(one) for one in runs], to_moment(SINCE), until, HISTORY)
        found = replayed.run()
        assert found.problems == ()
        assert found.syncs == sum(one.finish > SINCE for one in runs[:-1])
