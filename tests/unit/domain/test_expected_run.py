"""Which run is expected: the oldest announced one that no sync has met, however Braze's announcement moves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from exporter.domain.expected_run import Announcement, expect


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=UTC)


def announced(run: datetime | None, status: str = "active", interval: timedelta | None = None) -> Announcement:
    return Announcement(run, status, interval)


def silent(interval: timedelta | None = None, *, before: bool = True) -> Announcement:
    """A listing that says nothing of the next run."""
    return Announcement(None, "active", interval, told=False, announced_before=before)


def taken_back(interval: timedelta | None = None) -> Announcement:
    """A listing that says that there is no next run, where there was one."""
    return Announcement(None, "active", interval, announced_before=True)


HOURLY: Sequence[datetime] = (at(9), at(8))
"""The newest two starts of an hourly schedule."""


def test_the_announced_run_is_expected() -> None:
    assert expect(None, announced(at(10)), HOURLY, at(9, 30)) == at(10)


def test_an_unmet_run_stays_put_while_braze_announces_the_next_and_the_next() -> None:
    pending: datetime | None = at(10)
    for hour in (11, 12, 13):
        pending = expect(pending, announced(at(hour)), HOURLY, at(hour - 1, 1))
    assert pending == at(10)


def test_a_sync_meets_all_runs_up_to_its_start() -> None:
    assert expect(at(10), announced(at(13)), (at(12, 5), at(9)), at(12, 6)) == at(13)


def test_a_sync_that_starts_a_little_early_meets_the_run() -> None:
    assert expect(at(10), announced(at(11)), (at(9, 59, 20), *HOURLY), at(10, 1)) == at(11)


def test_a_sync_long_before_its_time_meets_nothing() -> None:
    assert expect(at(10), announced(at(11)), (at(9, 30), at(9)), at(10, 1)) == at(10)


def test_a_met_run_that_is_still_announced_is_expected_no_more() -> None:
    assert expect(at(10), announced(at(10)), (at(10), at(9)), at(10, 1)) is None


def test_a_run_that_is_announced_anew_before_its_time_was_rescheduled() -> None:
    assert expect(at(10), announced(at(14)), HOURLY, at(9, 30)) == at(14)
    assert expect(at(10), announced(at(9, 45)), HOURLY, at(9, 30)) == at(9, 45)


def test_a_clock_that_is_slow_by_half_a_minute_takes_no_missed_run_for_a_rescheduled_one() -> None:
    """By Braze's clock it is 10:00:10, and the run was missed."""
    assert expect(at(10), announced(at(11)), HOURLY, at(9, 59, 40)) == at(10)


def test_a_clock_that_is_fast_expects_the_announced_run_until_a_sync_meets_it() -> None:
    assert expect(at(10), announced(at(10)), HOURLY, at(10, 3)) == at(10)
    assert expect(at(10), announced(at(11)), (at(10), at(9)), at(10, 3)) == at(11)


@pytest.mark.parametrize("status", ["paused", "Paused", " PAUSED ", "inactive", "disabled", "archived", "deleted"])
def test_a_resting_integration_expects_nothing(status: str) -> None:
    assert expect(at(10), announced(at(11), status, timedelta(hours=1)), HOURLY, at(10, 30)) is None


@pytest.mark.parametrize("status", ["active", "", "Actif", "running"])
def test_a_status_that_is_not_known_to_rest_expects_the_announced_run(status: str) -> None:
    assert expect(None, announced(at(10), status), HOURLY, at(9, 30)) == at(10)


def test_what_announces_nothing_expects_nothing() -> None:
    """On demand and event-driven integrations; and one whose schedule was taken away."""
    assert expect(None, announced(None), HOURLY, at(9, 30)) is None
    assert expect(at(10), announced(None), HOURLY, at(10, 30)) is None


@pytest.mark.parametrize("now", [at(9, 30), at(10, 30)], ids=["before it is due", "overdue"])
@pytest.mark.parametrize("interval", [None, timedelta(hours=24)])
def test_a_listing_that_says_nothing_leaves_an_announced_run_as_it_is(
    now: datetime, interval: timedelta | None
) -> None:
    assert expect(at(10), silent(interval), HOURLY, now) == at(10)


def test_a_listing_that_says_nothing_keeps_no_run_that_a_sync_has_met() -> None:
    assert expect(at(10), silent(), (at(10), *HOURLY), at(10, 30)) is None


def test_an_announced_run_that_is_overdue_cannot_be_taken_back() -> None:
    assert expect(at(10), taken_back(), HOURLY, at(10, 30)) == at(10)
    assert expect(at(10), taken_back(timedelta(hours=24)), HOURLY, at(10, 30)) == at(10)
    assert expect(at(10), taken_back(), (at(10), *HOURLY), at(10, 30)) is None


def test_an_announced_run_may_be_taken_back_before_it_is_due() -> None:
    assert expect(at(10), taken_back(), HOURLY, at(9, 30)) is None
    assert expect(at(10), taken_back(timedelta(hours=2)), HOURLY, at(9, 30)) == at(11)


def test_a_run_that_was_only_derived_gives_way_to_another_expected_interval() -> None:
    assert expect(at(10), silent(timedelta(hours=24), before=False), HOURLY, at(10, 30)) == at(9) + timedelta(hours=24)
    assert expect(at(10), silent(before=False), HOURLY, at(10, 30)) is None


def test_a_resting_integration_expects_nothing_even_if_the_listing_says_nothing_of_its_next_run() -> None:
    assert expect(at(10), Announcement(None, "paused", told=False, announced_before=True), HOURLY, at(10, 30)) is None


def test_the_expected_interval_serves_where_braze_announces_nothing() -> None:
    interval = timedelta(hours=2)
    assert expect(None, announced(None, interval=interval), HOURLY, at(9, 30)) == at(11)
    assert expect(at(11), announced(None, interval=interval), HOURLY, at(15)) == at(11)
    assert expect(at(11), announced(None, interval=interval), (at(12), *HOURLY), at(15)) == at(14)


def test_the_announcement_goes_before_the_expected_interval() -> None:
    assert expect(None, announced(at(10), interval=timedelta(minutes=5)), HOURLY, at(9, 30)) == at(10)


def test_nothing_is_derived_where_nothing_has_run_yet() -> None:
    assert expect(None, announced(None, interval=timedelta(hours=1)), (), at(9)) is None


def test_a_first_run_is_expected_before_anything_has_run() -> None:
    assert expect(None, announced(at(10)), (), at(9)) == at(10)
    assert expect(at(10), announced(at(11)), (), at(10, 30)) == at(10)


def test_after_a_restart_an_unmet_run_stays_until_braze_is_heard() -> None:
    assert expect(at(10), None, HOURLY, at(10, 30)) == at(10)
    assert expect(None, None, HOURLY, at(10, 30)) is None


def test_after_a_restart_a_sync_meets_the_run_even_if_the_list_is_silent() -> None:
    assert expect(at(10), None, (at(10), at(9)), at(10, 30)) is None


def test_after_a_restart_the_list_takes_the_unmet_run_over() -> None:
    assert expect(at(10), announced(at(12)), HOURLY, at(11, 30)) == at(10)


def test_a_run_missed_before_the_integration_was_first_seen_is_expected() -> None:
    """Where Braze does not roll its announcement forward."""
    assert expect(None, announced(at(8)), (at(7), at(6)), at(9)) == at(8)


def test_on_a_short_schedule_a_sync_meets_its_own_run_and_not_the_next() -> None:
    starts = (at(10, 1), at(10))
    assert expect(at(10, 1), announced(at(10, 2)), starts, at(10, 1, 10)) == at(10, 2)
    assert expect(at(10, 2), announced(at(10, 3)), starts, at(10, 2, 10)) == at(10, 2)


def test_on_a_short_schedule_a_sync_may_start_a_little_early_too() -> None:
    starts = (at(10, 1, 50), at(10, 1))
    assert expect(at(10, 2), announced(at(10, 3)), starts, at(10, 2, 10)) == at(10, 3)


def test_an_early_sync_meets_the_run_where_it_is_the_only_one_known() -> None:
    assert expect(at(10), announced(at(11)), (at(9, 59, 20),), at(10, 1)) == at(11)
