"""When a replay looks, what it then knows, and how it names what it has found. Times are minutes from the beginning."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from exporter.domain.limits import LimitSettings, Setting
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.normal import REFIT, refit_at
from exporter.domain.past import to_moment
from exporter.domain.replay import Replay
from exporter.domain.view import View
from tests.pasts import FIRST

BEGIN = to_moment(FIRST)
SECOND = 1 / 60
HOUR, DAY = 60, 24 * 60
SUCCESS, PARTIAL, ERROR, RUNNING = SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR, SyncStatus.RUNNING
Listings = Sequence[tuple[datetime, ListedIntegration | None]]


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def minutes(moment: datetime) -> float:
    return round((moment - BEGIN).total_seconds() / 60, 3)


def passed(deadline: float) -> float:
    """When it has been looked whether a deadline has passed: a second later."""
    return round(deadline + SECOND, 3)


def sync(
    start: float,
    took: float | None = 2,
    status: SyncStatus = SUCCESS,
    *,
    rows: int = 100,
    failed: int = 0,
    lag: float = 0,
) -> Sync:
    """A sync whose watermark is so many minutes behind its finish; of one that runs Braze tells its start only."""
    if status is RUNNING:
        return Sync(at(start), status)
    finish = start + (took or 0)
    return Sync(at(start), status, None if took is None else at(finish), at(finish - lag), rows, failed)


def replay(
    syncs: Sequence[Sync],
    until: float,
    *,
    history: timedelta = timedelta(0),
    listings: Listings = (),
    interval: float | None = None,
    zone: tzinfo | None = None,
    **limits: Setting,
) -> Replay:
    integration = Integration(
        "w",
        "users",
        "users",
        limits=LimitSettings(limits),
        expected_interval_seconds=interval,
        timezone=zone,
    )
    return Replay(integration, syncs, BEGIN, at(until), history, listings=listings)


def looks(replayed: Replay) -> Iterator[tuple[float, View]]:
    return ((minutes(moment), view) for moment, view in replayed.moments())


def changes(replayed: Replay) -> list[tuple[float, str]]:
    """Return when other problems are shown than before, and which."""
    found: list[tuple[float, str]] = []
    for moment, view in looks(replayed):
        kinds = " ".join(problem.kind for problem in view.problems)
        if not found or found[-1][1] != kinds:
            found.append((moment, kinds))
    return found


def test_what_happens_is_shown_when_it_happens_and_counted_from_the_beginning_on() -> None:
    syncs = [sync(20, status=RUNNING), sync(14, None), sync(10), sync(-5, 5), sync(-60)]
    replayed = replay(syncs, 30)
    shown = [
        (moment, view.latest and view.latest.job_status, view.totals and sum(view.totals.syncs), view.history_gaps)
        for moment, view in looks(replayed)
    ]
    assert shown == [
        (0, SUCCESS, 0, 0),
        (10, RUNNING, 0, 0),
        (12, SUCCESS, 1, 0),
        (14, SUCCESS, 2, 0),
        (20, RUNNING, 2, 0),
        (30, RUNNING, 2, 0),
    ]
    assert replayed.syncs == 2


@pytest.mark.parametrize(
    ("one", "syncs"),
    [
        (sync(-2, 2), 0),
        (sync(-2, 2 + SECOND), 1),
        (sync(58, 2), 1),
        (sync(58, 2 + SECOND), 0),
        (sync(60, None), 1),
        (sync(30, status=RUNNING), 0),
    ],
)
def test_a_sync_counts_that_finishes_after_the_beginning_and_by_the_end(one: Sync, syncs: int) -> None:
    replayed = replay([one], 60)
    *_, (_, last) = looks(replayed)
    assert last.totals is not None
    assert replayed.syncs == sum(last.totals.syncs) == syncs


def test_at_one_moment_a_sync_may_finish_and_the_next_one_start() -> None:
    shown = [
        (moment, [(one.sync_start_time, one.finished) for one in view.history])
        for moment, view in looks(replay([sync(20, 10), sync(10, 10)], 25))
    ]
    both = [(at(20), False), (at(10), True)]
    assert shown == [(0, []), (10, [(at(10), False)]), (20, both), (25, both)]


def test_a_sync_runs_on_while_others_start_and_finish() -> None:
    shown = [
        (moment, [one.finished for one in view.history]) for moment, view in looks(replay([sync(10, 30), sync(20)], 45))
    ]
    assert shown == [
        (0, []),
        (10, [False]),
        (20, [False, False]),
        (22, [True, False]),
        (40, [True, True]),
        (45, [True, True]),
    ]


def test_a_start_that_two_syncs_have_counts_once() -> None:
    *_, (_, last) = looks(replay([sync(10), sync(10, None)], 20, history=timedelta(days=1)))
    assert last.totals is not None
    assert sum(last.totals.syncs) == 1


def test_the_latest_twenty_syncs_are_kept_one_by_one() -> None:
    *_, (_, last) = looks(replay([sync(10 * n, status=ERROR) for n in range(25)], 300))
    assert [one.sync_start_time for one in last.history] == [at(10 * n) for n in range(24, 4, -1)]


@pytest.mark.parametrize(
    ("syncs", "until", "settings", "expected"),
    [
        ([], DAY + 1, {}, [(0, ""), (passed(DAY), "never_synced")]),
        ([], DAY, {}, [(0, "")]),
        (
            [sync(-10, status=RUNNING)],
            4 * HOUR,
            {"sync_duration": 3600.0},
            [(0, ""), (passed(50), "running_long"), (passed(170), "stuck")],
        ),
        ([sync(-12)], 4 * HOUR, {"success_age": 3600.0}, [(0, ""), (passed(50), "success_too_old")]),
        (
            [sync(-10)],
            4 * HOUR,
            {"interval": 3600.0, "start_delay": 600.0},
            [(0, ""), (passed(60), "overdue")],
        ),
        (
            [sync(-10, status=RUNNING), sync(-30)],
            51,
            {"sync_duration": 3600.0, "success_age": 3600.0},
            [(0, ""), (passed(32), "success_too_old"), (passed(50), "running_long")],
        ),
    ],
)
def test_a_look_follows_each_deadline(
    syncs: list[Sync], until: float, settings: dict[str, Any], expected: list[tuple[float, str]]
) -> None:
    assert changes(replay(syncs, until, **settings)) == expected


@pytest.mark.parametrize(
    ("one", "deadlines"), [(sync(-10), []), (sync(-10, status=RUNNING), [passed(8 * HOUR - 10)])], ids=["rest", "runs"]
)
def test_between_deadlines_and_events_there_is_no_look_but_for_limits(one: Sync, deadlines: list[float]) -> None:
    """They are due every six hours."""
    due = minutes(refit_at("users", BEGIN) + REFIT)
    moments = [moment for moment, _ in looks(replay([one], 20 * HOUR, sync_duration=8 * 3600.0))]
    assert moments == sorted([0, *deadlines, *(passed(due + n * 6 * HOUR) for n in range(3)), 20 * HOUR])


def paused(minutes: float) -> tuple[datetime, ListedIntegration]:
    return at(minutes), ListedIntegration("users", "users", integration_status="paused", next_scheduled_run=None)


@pytest.mark.parametrize(
    ("listings", "expected"),
    [
        ([paused(-1)], [(0, "paused")]),
        ([paused(0)], [(0, "paused")]),
        ([paused(30)], [(0, ""), (30, "paused")]),
        ([paused(60)], [(0, ""), (60, "paused")]),
        ([paused(60 + SECOND)], [(0, "")]),
        ([(at(20), None)], [(0, ""), (20, "gone")]),
        ([(at(20), None), paused(30)], [(0, ""), (20, "gone"), (30, "paused")]),
    ],
)
def test_what_the_list_shows_counts_from_then_on(listings: Listings, expected: list[tuple[float, str]]) -> None:
    assert changes(replay([sync(-10)], 60, listings=listings)) == expected


@pytest.mark.parametrize("shown", [-10, 30])
def test_a_record_of_the_list_that_tells_nothing_new_stands_for_a_poll(shown: float) -> None:
    record = ListedIntegration("users", "users", last_job_start_time=at(-20), last_job_status=SUCCESS)
    *_, (_, last) = looks(replay([sync(-20)], 60, listings=[(at(shown), record)]))
    assert last.last_poll_success_at == at(shown)


@pytest.mark.parametrize(("zone", "late"), [(None, 70), (UTC, 10)])
def test_an_hour_is_allowed_for_changing_clocks_where_the_zone_is_not_known(zone: tzinfo | None, late: float) -> None:
    daily = [sync(-day * DAY) for day in range(1, 10)]
    replayed = replay(daily, 3 * HOUR, history=timedelta(days=30), zone=zone, start_delay=600.0)
    assert changes(replayed) == [(0, ""), (passed(late), "overdue")]


def test_while_few_syncs_are_known_each_is_learned_from_and_nothing_is_without_a_new_one() -> None:
    """What is older than the history is not learned from."""
    syncs = [sync(HOUR * hour) for hour in (-30, -3, -2, 1, 2)]
    known = {moment: view.learned_syncs for moment, view in looks(replay(syncs, 2 * DAY, history=timedelta(days=1)))}
    assert [known[moment] for moment in (0, HOUR, HOUR + 2, 2 * HOUR, 2 * HOUR + 2)] == [2, 2, 3, 3, 4]
    assert {syncs for moment, syncs in known.items() if moment > 2 * HOUR + 2} == {4}


def test_the_first_sync_of_all_is_learned_from() -> None:
    looked = looks(replay([sync(10)], 20, history=timedelta(days=1)))
    assert [(moment, view.learned_syncs) for moment, view in looked] == [(0, None), (10, None), (12, 1), (20, 1)]


def named(replayed: Replay) -> list[tuple[str, float, float | None]]:
    """Name, beginning and end of each problem, in the order in which they are told."""
    return [
        (one.problem.kind, minutes(one.began_at), None if one.ended_at is None else minutes(one.ended_at))
        for one in replayed.run().problems
    ]


def test_problems_come_in_the_order_in_which_they_began_and_may_begin_again() -> None:
    def bad(start: float, *, lossy: bool) -> Sync:
        return sync(start, status=PARTIAL, rows=80, failed=20 if lossy else 0, lag=3 * HOUR)

    syncs = [bad(10, lossy=True), sync(30), bad(50, lossy=False), bad(70, lossy=True)]
    assert named(replay(syncs, 80, lag=3600.0, failed_rows=0.1)) == [
        ("behind", 12, 32),
        ("rows_failed", 12, 32),
        ("behind", 52, None),
        ("rows_failed", 72, None),
    ]


def test_a_problem_has_the_values_of_the_moment_at_which_it_became_worst() -> None:
    shares = enumerate([15, 50, 60, 15])
    replayed = replay([sync(10 * n, status=PARTIAL, rows=100 - share, failed=share) for n, share in shares], 60)
    (one,) = replayed.run().problems
    assert (one.problem.severity.word, one.problem.value, one.began_at) == ("critical", 0.5, at(2))


def test_failed_and_failing_are_one_problem_under_the_worse_name() -> None:
    syncs = [*(sync(10 * n, status=ERROR) for n in range(3)), sync(30), sync(40, status=ERROR)]
    assert named(replay(syncs, 60)) == [("failing", 2, 32), ("failed", 42, None)]
    first, second = replay(syncs, 60).run().problems
    assert (first.problem.value, first.problem.limit, second.problem.value) == (2, 1, 1)


def test_running_long_and_stuck_are_one_problem_under_the_worse_name() -> None:
    syncs = [sync(10, status=RUNNING), sync(-30)]
    assert named(replay(syncs, 190, sync_duration=3600.0)) == [("running_long", passed(70), None)]
    assert named(replay(syncs, 200, sync_duration=1800.0)) == [("stuck", passed(40), None)]


def test_the_limits_are_those_at_the_end() -> None:
    assert replay([], 60, lag=60.0).run().limits.lag.value == 60
    assert replay([], 0, lag=60.0).run().limits.lag.value == 60


def test_a_watermark_is_no_longer_in_the_future_once_its_time_comes() -> None:
    assert changes(replay([sync(10, lag=-30)], 2 * HOUR)) == [(0, ""), (12, "future_watermark"), (passed(37), "")]


def test_a_partial_sync_that_is_fine_is_the_last_good_one() -> None:
    syncs = [sync(-20), sync(10, status=PARTIAL, rows=1000, failed=1)]
    assert changes(replay(syncs, 3 * HOUR, success_age=3600.0)) == [
        (0, ""),
        (passed(72), "success_too_old"),
    ]


def test_what_braze_dates_at_the_end_of_the_calendar_is_replayed_too() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    known = [Sync(at(10), SUCCESS, end, end, 1, 0), Sync(at(20), RUNNING)]
    assert replay(known, 60, success_age=3600.0, sync_duration=9e9).run().syncs == 0
