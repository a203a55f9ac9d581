"""
A year of schedules in local time: the hours by which clocks change, in spring and autumn and on both sides of the
equator, make no problem, for an expected and for a learned rhythm; a sync that does not come is found all the same.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.expected_run import Schedule, expect
from exporter.domain.integration_state import IntegrationState
from exporter.domain.learned import Learned, learn_past
from exporter.domain.ledger import Ledger
from exporter.domain.limits import LimitSettings, Sensitivity, limits_in_effect
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.past import Past, to_run
from exporter.domain.problem import Case
from exporter.domain.replay import Replay
from exporter.domain.summary import summarize

ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago")]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = limits_in_effect(LimitSettings())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EARLIEST = timedelta(minutes=1)
"""Before it is due no sync is late."""


def local_syncs(zone: ZoneInfo, every: timedelta, *, first: int = 6) -> Iterator[Sync]:
    """Syncs of a year at the same times of day, by the clocks of a zone."""
    local = datetime(2026, 1, 1, first, 10)  # noqa: DTZ001 - what the clock on the wall shows
    while local.year == 2026:
        start = local.replace(tzinfo=zone).astimezone(UTC)
        yield Sync(start, SyncStatus.SUCCESS, start + timedelta(minutes=5), start, 10, 0)
        local += every


def changes(zone: ZoneInfo) -> list[datetime]:
    """When the clocks of a zone change in a year."""
    hours = [LONG_AGO + number * HOUR / 2 for number in range(2 * 24 * 365)]
    return [b for a, b in pairwise(hours) if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset()]


def case(sync: Sync, schedule: Schedule | None, *, zone: ZoneInfo | None, learned: Learned | None = None) -> Case:
    """What is judged after a sync, until the next one comes."""
    ledger = Ledger(LONG_AGO, sync.sync_start_time, (sync,))
    expected = None if schedule is None else expect(None, schedule, (sync,), sync.sync_start_time + EARLIEST)
    state = IntegrationState(LONG_AGO, ledger=ledger, expected=expected, summary=summarize(ledger, None))
    interval = None if schedule is None or schedule.interval is None else schedule.interval.total_seconds()
    return Case(
        state, LIMITS, LONG_AGO, learned=learned or Learned(), expected_interval_seconds=interval, timezone=zone
    )


@pytest.mark.parametrize("zoned", [True, False])
@pytest.mark.parametrize("hours", [2, 6, 12, 24, 24 * 7])
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_an_expected_run_is_not_overdue_because_clocks_change(zone: ZoneInfo, hours: int, zoned: bool) -> None:
    known = zone if zoned else None
    schedule = Schedule(reported=False, interval=timedelta(hours=hours), timezone=known)
    latest = timedelta(0)
    for sync, following in pairwise(local_syncs(zone, timedelta(hours=hours))):
        deadline = case(sync, schedule, zone=known).start_deadline
        assert deadline is not None
        assert deadline >= following.sync_start_time + timedelta(minutes=14)
        latest = max(latest, deadline - following.sync_start_time)
    assert latest <= timedelta(minutes=15) + (HOUR if zoned and hours < 24 else 0 * HOUR if zoned else 2 * HOUR)


@pytest.mark.parametrize("zoned", [True, False])
@pytest.mark.parametrize("hours", [4, 6, 24])
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_learned_rhythm_is_not_late_because_clocks_change(zone: ZoneInfo, hours: int, zoned: bool) -> None:
    """Learned each week from the weeks before; by default, and with a start_delay of one's own."""
    own = limits_in_effect(LimitSettings({"start_delay": 900.0}))
    known = zone if zoned else None
    syncs = list(local_syncs(zone, timedelta(hours=hours)))
    a_week = 7 * 24 // hours
    known_before = max(40, 2 * a_week)
    for end in range(known_before, len(syncs) - a_week, a_week):
        past = Past.of([to_run(sync) for sync in syncs[end - known_before : end]])
        learned = learn_past(past.runs, syncs[end - 1].finished_at, Sensitivity.MEDIUM, zone=known)
        for sync, following in pairwise(syncs[end - 1 : end + a_week]):
            usual = case(sync, None, zone=known, learned=learned)
            for deadline in (usual.start_deadline, replace(usual, limits=own).start_deadline):
                assert deadline is not None
                assert following.sync_start_time < deadline <= following.sync_start_time + 4 * HOUR


@pytest.mark.parametrize("phase", [0, 2, 5, 25])
@pytest.mark.parametrize("minutes", [5, 15, 30, 60, 120])
@pytest.mark.parametrize("zone", [*ZONES, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")], ids=str)
def test_what_syncs_every_few_minutes_does_so_while_clocks_change(zone: ZoneInfo, minutes: int, phase: int) -> None:
    """Learned from the week before each change, whether by `timezone` or not, and by `expected_interval`."""
    every = timedelta(minutes=minutes)
    for change in changes(zone):
        first = change - 8 * DAY + timedelta(minutes=phase)
        starts = [first + number * every for number in range(9 * DAY // every)]
        syncs = [Sync(start, SyncStatus.SUCCESS, start + EARLIEST, start, 10, 0) for start in starts]
        before = [sync for sync in syncs if sync.sync_start_time < change - DAY]
        past = Past.of([to_run(sync) for sync in before])
        for known in (zone, None):
            learned = learn_past(past.runs, before[-1].finished_at, Sensitivity.MEDIUM, zone=known)
            schedule = Schedule(reported=False, interval=every, timezone=known)
            for sync, following in pairwise(syncs[len(before) :]):
                by_rhythm = case(sync, None, zone=known, learned=learned).start_deadline
                expected = case(sync, schedule, zone=known).start_deadline
                for deadline in (by_rhythm, expected):
                    assert deadline is not None
                    assert following.sync_start_time < deadline <= following.sync_start_time + 2 * every + HOUR
                assert expected is not None
                assert minutes > 60 or expected <= following.sync_start_time + every + EARLIEST * 15


def test_the_hour_is_granted_to_what_is_derived_and_not_to_what_braze_announces() -> None:
    sync = next(local_syncs(ZONES[0], DAY))
    announced = Schedule(next_scheduled_run=sync.sync_start_time + DAY)
    assert case(sync, announced, zone=None).start_deadline == sync.sync_start_time + DAY + timedelta(minutes=15)
    hourly = Schedule(reported=False, interval=HOUR)
    assert case(sync, hourly, zone=None).start_deadline == sync.sync_start_time + HOUR + timedelta(minutes=15)


@pytest.mark.parametrize("told", [False, True], ids=["learned", "expected"])
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_year_of_daily_syncs_by_local_clocks_is_a_year_without_problems(zone: ZoneInfo, told: bool) -> None:
    """The judge of the daemon from January to December; in November one sync is left out and must be missed."""
    syncs = list(local_syncs(zone, DAY))
    (missed,) = [sync for sync in syncs if (sync.sync_start_time.month, sync.sync_start_time.day) == (11, 20)]
    integration = Integration(
        "production",
        "users",
        "users",
        expected_interval_seconds=DAY.total_seconds() if told else None,
        timezone=zone if told else None,
    )
    kept = [sync for sync in syncs if sync is not missed]
    until = kept[-1].finished_at
    # What is known by the end of January is enough to learn the rhythm from.
    since = datetime(2026, 2, 1, tzinfo=UTC)
    (found,) = Replay(integration, kept, since, until, 31 * DAY).run().problems
    assert found.problem.kind == "overdue"
    assert missed.sync_start_time < found.began_at <= missed.sync_start_time + 5 * HOUR
    assert found.ended_at == missed.sync_start_time + DAY
