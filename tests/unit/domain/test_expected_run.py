"""Which run is expected: the oldest announced one that no sync has met, however Braze's announcement moves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from exporter.domain.expected_run import TAKEN_BACK, ExpectedRun, Schedule, expect
from exporter.domain.model import Sync, SyncStatus


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=UTC)


def due(hour: int, minute: int = 0) -> ExpectedRun:
    """A run that Braze has announced."""
    return ExpectedRun(at(hour, minute), announced=True)


def derived(run: datetime) -> ExpectedRun:
    """A run that follows from `expected_interval`."""
    return ExpectedRun(run, announced=False)


def announced(run: datetime | None, interval: timedelta | None = None) -> Schedule:
    return Schedule(run, interval=interval)


def silent(interval: timedelta | None = None) -> Schedule:
    """A listing that says nothing of the next run."""
    return Schedule(reported=False, interval=interval)


def taken_back(since: datetime | None, interval: timedelta | None = None) -> Schedule:
    """A listing that says that there is no next run, where there was one until *since*."""
    return Schedule(unscheduled_since=since, interval=interval)


def ran(*starts: datetime, minutes: float = 0.25) -> tuple[Sync, ...]:
    """Syncs that each took *minutes*, latest first."""
    return tuple(Sync(start, SyncStatus.SUCCESS, start + timedelta(minutes=minutes)) for start in starts)


def runs(start: datetime) -> Sync:
    return Sync(start, SyncStatus.RUNNING)


HOURLY: Sequence[Sync] = ran(at(9), at(8))
"""The latest two syncs of an hourly schedule."""
HOUR = timedelta(hours=1)


def test_the_announced_run_is_expected() -> None:
    assert expect(None, announced(at(10)), HOURLY, at(9, 30)) == due(10)


def test_an_unmet_run_stays_put_while_braze_announces_the_next_and_the_next() -> None:
    pending: ExpectedRun | None = due(10)
    for hour in (11, 12, 13):
        pending = expect(pending, announced(at(hour)), HOURLY, at(hour - 1, 1))
    assert pending == due(10)


def test_a_sync_meets_all_runs_up_to_its_start() -> None:
    assert expect(due(10), announced(at(13)), ran(at(12, 5), at(9)), at(12, 6)) == due(13)


def test_a_sync_that_starts_a_little_early_meets_the_run() -> None:
    assert expect(due(10), announced(at(11)), (*ran(at(9, 59, 20)), *HOURLY), at(10, 1)) == due(11)


def test_a_sync_long_before_its_time_meets_nothing() -> None:
    assert expect(due(10), announced(at(11)), ran(at(9, 30), at(9)), at(10, 1)) == due(10)


def test_a_met_run_that_is_still_announced_is_expected_no_more() -> None:
    assert expect(due(10), announced(at(10)), ran(at(10), at(9)), at(10, 1)) is None


def test_a_run_whose_time_comes_while_a_sync_runs_is_met() -> None:
    """Braze runs one sync of an integration at a time and passes over the slot."""
    assert expect(due(10), announced(at(11)), (runs(at(9)), *ran(at(8))), at(10, 30)) == due(11)
    assert expect(due(10), announced(at(11)), ran(at(9), at(8), minutes=90), at(10, 31)) == due(11)


def test_a_run_whose_time_comes_while_a_sync_runs_stays_met_after_the_next_sync() -> None:
    """The next sync is too short before its own time to say anything about the run that was passed over."""
    long_then_short = (*ran(at(10, 40)), *ran(at(9), minutes=90))
    assert expect(due(10), announced(at(11)), long_then_short, at(10, 45)) == due(11)


def test_a_sync_that_ended_before_the_time_of_the_run_does_not_meet_it() -> None:
    assert expect(due(10), announced(at(11)), ran(at(9), at(8), minutes=59), at(10, 1)) == due(10)


def test_a_sync_of_which_the_finish_is_unknown_meets_what_came_before_its_start_only() -> None:
    failed = Sync(at(9), SyncStatus.ERROR)
    assert expect(due(9), announced(at(10)), (failed,), at(9, 30)) == due(10)
    assert expect(due(10), announced(at(11)), (failed,), at(10, 30)) == due(10)


def test_an_announced_run_is_met_before_it_is_pending() -> None:
    """Braze goes on announcing the slot that it passes over."""
    assert expect(None, announced(at(10)), (runs(at(9)),), at(10, 30)) is None


def test_a_run_that_is_announced_anew_before_its_time_was_rescheduled() -> None:
    assert expect(due(10), announced(at(14)), HOURLY, at(9, 30)) == due(14)
    assert expect(due(10), announced(at(9, 45)), HOURLY, at(9, 30)) == due(9, 45)


def test_an_overdue_run_gives_way_to_an_announcement_of_an_earlier_one() -> None:
    assert expect(due(10), announced(at(9, 45)), HOURLY, at(10, 30)) == due(9, 45)


def test_a_clock_that_is_slow_by_half_a_minute_takes_no_missed_run_for_a_rescheduled_one() -> None:
    """By Braze's clock it is 10:00:10, and the run was missed."""
    assert expect(due(10), announced(at(11)), HOURLY, at(9, 59, 40)) == due(10)


def test_a_clock_that_is_fast_expects_the_announced_run_until_a_sync_meets_it() -> None:
    assert expect(due(10), announced(at(10)), HOURLY, at(10, 3)) == due(10)
    assert expect(due(10), announced(at(11)), ran(at(10), at(9)), at(10, 3)) == due(11)


def test_a_paused_integration_expects_nothing() -> None:
    paused = Schedule(at(11), paused=True, interval=HOUR)
    assert expect(due(10), paused, HOURLY, at(10, 30)) is None
    assert expect(None, paused, HOURLY, at(10, 30)) is None


def test_a_paused_integration_expects_nothing_even_if_the_listing_says_nothing_of_its_next_run() -> None:
    assert expect(due(10), Schedule(reported=False, paused=True), HOURLY, at(10, 30)) is None


def test_what_announces_nothing_expects_nothing() -> None:
    """On demand and event-driven integrations."""
    assert expect(None, announced(None), HOURLY, at(9, 30)) is None


@pytest.mark.parametrize("now", [at(9, 30), at(10, 30)], ids=["before it is due", "overdue"])
@pytest.mark.parametrize("interval", [None, timedelta(hours=24)])
def test_a_listing_that_says_nothing_leaves_an_announced_run_as_it_is(
    now: datetime, interval: timedelta | None
) -> None:
    assert expect(due(10), silent(interval), HOURLY, now) == due(10)


def test_a_listing_that_says_nothing_keeps_no_run_that_a_sync_has_met() -> None:
    assert expect(due(10), silent(), (*ran(at(10)), *HOURLY), at(10, 30)) is None


@pytest.mark.parametrize("interval", [None, timedelta(hours=24)])
def test_an_overdue_run_is_taken_back_after_an_hour_of_no_schedule(interval: timedelta | None) -> None:
    """Not at once: when a run is missed the listing may be in error for a while."""
    schedule = taken_back(at(10, 30), interval)
    last = at(10, 30) + TAKEN_BACK - timedelta(seconds=1)
    assert expect(due(10), schedule, HOURLY, at(10, 30)) == due(10)
    assert expect(due(10), schedule, HOURLY, last) == due(10)
    rest = None if interval is None else derived(at(9) + interval)
    assert expect(due(10), schedule, HOURLY, at(10, 30) + TAKEN_BACK) == rest


def test_the_hour_counts_from_the_removal_of_the_schedule_even_if_the_run_was_not_due_then() -> None:
    """A run that was pending all the same: the listing in which it disappeared came while a sync ran."""
    assert TAKEN_BACK == HOUR
    assert expect(due(10), taken_back(at(9, 30)), HOURLY, at(10, 29)) == due(10)
    assert expect(due(10), taken_back(at(9, 30)), HOURLY, at(10, 30)) is None


def test_an_overdue_run_stays_while_nobody_knows_since_when_there_is_no_schedule() -> None:
    assert expect(due(10), taken_back(None), HOURLY, at(23)) == due(10)


def test_an_overdue_run_that_a_sync_has_met_is_not_expected_however_the_schedule_was_removed() -> None:
    assert expect(due(10), taken_back(at(10, 20)), (*ran(at(10)), *HOURLY), at(10, 30)) is None


def test_an_announced_run_is_taken_back_at_once_before_it_is_due() -> None:
    assert expect(due(10), taken_back(at(9, 30)), HOURLY, at(9, 30)) is None
    assert expect(due(10), taken_back(at(9, 30), timedelta(hours=2)), HOURLY, at(9, 30)) == derived(at(11))


def test_a_run_that_was_only_derived_gives_way_to_another_expected_interval() -> None:
    one_day = timedelta(hours=24)
    assert expect(derived(at(10)), silent(one_day), HOURLY, at(10, 30)) == derived(at(9) + one_day)
    assert expect(derived(at(10)), silent(), HOURLY, at(10, 30)) is None


def test_the_expected_interval_serves_where_braze_announces_nothing() -> None:
    schedule = announced(None, timedelta(hours=2))
    assert expect(None, schedule, HOURLY, at(9, 30)) == derived(at(11))
    assert expect(derived(at(11)), schedule, HOURLY, at(15)) == derived(at(11))
    assert expect(derived(at(11)), schedule, (*ran(at(12)), *HOURLY), at(15)) == derived(at(14))


def test_an_interval_passes_over_the_slots_that_come_while_a_sync_runs() -> None:
    schedule = announced(None, HOUR)
    assert expect(None, schedule, (runs(at(9)),), at(9, 59)) == derived(at(10))
    assert expect(derived(at(10)), schedule, (runs(at(9)),), at(11, 30)) == derived(at(12))
    assert expect(derived(at(12)), schedule, ran(at(9), minutes=150), at(11, 45)) == derived(at(12))
    assert expect(derived(at(12)), schedule, ran(at(9), minutes=150), at(13)) == derived(at(12))


def test_an_interval_counts_from_when_the_integration_was_first_seen() -> None:
    schedule = Schedule(interval=HOUR, active_since=at(9))
    assert expect(None, schedule, (), at(9)) == derived(at(10))
    assert expect(derived(at(10)), schedule, (), at(14)) == derived(at(10))


def test_an_interval_counts_from_when_the_integration_was_resumed() -> None:
    """Until then it expected nothing, and the latest sync may be weeks old."""
    schedule = Schedule(interval=HOUR, active_since=at(12))
    assert expect(None, schedule, HOURLY, at(12)) == derived(at(13))
    assert expect(derived(at(13)), schedule, (*ran(at(12, 30)), *HOURLY), at(12, 31)) == derived(at(13, 30))


def test_the_announcement_goes_before_the_expected_interval() -> None:
    assert expect(None, announced(at(10), timedelta(minutes=5)), HOURLY, at(9, 30)) == due(10)


def test_nothing_is_derived_where_nobody_knows_from_when() -> None:
    assert expect(None, announced(None, HOUR), (), at(9)) is None


def test_a_first_run_is_expected_before_anything_has_run() -> None:
    assert expect(None, announced(at(10)), (), at(9)) == due(10)
    assert expect(due(10), announced(at(11)), (), at(10, 30)) == due(10)


def test_after_a_restart_an_unmet_run_stays_until_braze_reports() -> None:
    assert expect(due(10), None, HOURLY, at(10, 30)) == due(10)
    assert expect(None, None, HOURLY, at(10, 30)) is None


def test_after_a_restart_a_sync_meets_the_run_even_if_the_list_is_silent() -> None:
    assert expect(due(10), None, ran(at(10), at(9)), at(10, 30)) is None
    assert expect(due(10), None, (runs(at(9)),), at(10, 30)) is None


def test_after_a_restart_the_list_takes_the_unmet_run_over() -> None:
    assert expect(due(10), announced(at(12)), HOURLY, at(11, 30)) == due(10)


def test_a_run_missed_before_the_integration_was_first_seen_is_expected() -> None:
    """Where Braze does not roll its announcement forward."""
    assert expect(None, announced(at(8)), ran(at(7), at(6)), at(9)) == due(8)


def test_on_a_short_schedule_a_sync_meets_its_own_run_and_not_the_next() -> None:
    syncs = ran(at(10, 1), at(10))
    assert expect(due(10, 1), announced(at(10, 2)), syncs, at(10, 1, 10)) == due(10, 2)
    assert expect(due(10, 2), announced(at(10, 3)), syncs, at(10, 2, 10)) == due(10, 2)


def test_on_a_short_schedule_a_sync_may_start_a_little_early_too() -> None:
    syncs = ran(at(10, 1, 50), at(10, 1))
    assert expect(due(10, 2), announced(at(10, 3)), syncs, at(10, 2, 10)) == due(10, 3)


def test_a_sync_may_be_early_by_a_minute() -> None:
    assert expect(due(10), announced(at(11)), ran(at(9, 59)), at(10, 1)) == due(11)
    assert expect(due(10), announced(at(11)), ran(at(9, 58, 59)), at(10, 1)) == due(10)


def test_a_run_that_comes_in_the_last_moment_of_a_sync_is_passed_over() -> None:
    assert expect(due(10), announced(at(11)), ran(at(9), minutes=60), at(10, 1)) == due(11)
    assert expect(due(10), announced(at(11)), ran(at(9), minutes=59), at(10, 1)) == due(10)
    interval = Schedule(interval=HOUR)
    assert expect(None, interval, ran(at(9), minutes=60), at(10, 1)) == derived(at(11))
    assert expect(None, interval, ran(at(9), minutes=59), at(10, 1)) == derived(at(10))


@pytest.mark.parametrize(("now", "expected"), [(at(9, 58, 59), 11), (at(9, 59), 10)])
def test_a_minute_before_its_time_a_run_is_no_longer_rescheduled(now: datetime, expected: int) -> None:
    assert expect(due(10), announced(at(11)), HOURLY, now) == due(expected)


@pytest.mark.parametrize("now", [at(9, 30), at(10, 1)])
def test_a_run_that_was_derived_and_is_announced_is_an_announced_one(now: datetime) -> None:
    assert expect(derived(at(10)), announced(at(10), HOUR), HOURLY, now) == due(10)


def test_an_early_sync_meets_the_run_where_it_is_the_only_one_known() -> None:
    assert expect(due(10), announced(at(11)), ran(at(9, 59, 20)), at(10, 1)) == due(11)
