from collections import Counter
from datetime import datetime, timedelta

import pytest

from exporter.domain.model import Sync, SyncStatus
from exporter.simulator.behaviour import BEHAVIOURS, INTEGRATION_PROBLEMS
from exporter.simulator.integration import SimulatedIntegration
from exporter.simulator.schedule import ON_DEMAND, every
from exporter.simulator.style import Style
from tests.unit.simulator.asking import HOUR, MINUTE, NOON, ask_list, ask_status, results, small_world, world_with
from tests.world import World

EVERY_TEN_MINUTES = every(minutes=10)


def watched(behaviour: str = "healthy") -> tuple[World, str]:
    """A world whose one integration has run every ten minutes since noon, and now it is six."""
    world, users = world_with(behaviour, EVERY_TEN_MINUTES)
    world.advance(NOON + 6 * HOUR - MINUTE)
    return world, users


def an_hour_later(world: World, users: str) -> tuple[Sync, ...]:
    """The syncs that started within the hour that follows."""
    since = world.now
    world.advance(since + HOUR)
    return tuple(sync for sync in world.truth(users) if sync.sync_start_time >= since)


def statuses(syncs: tuple[Sync, ...]) -> Counter[SyncStatus]:
    return Counter(sync.job_status for sync in syncs)


def state_of(world: World, users: str) -> SimulatedIntegration:
    world.truth(users)
    return world.integrations[users]


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        ("error", SyncStatus.ERROR),
        ("config_error", SyncStatus.CONFIG_ERROR),
        ("partial", SyncStatus.PARTIAL),
        ("limit_exceeded", SyncStatus.LIMIT_EXCEEDED),
    ],
)
def test_an_outcome_can_be_forced_from_a_moment_on_and_given_up_again(problem: str, status: SyncStatus) -> None:
    world, users = watched()
    world.switch(problem, users)
    assert statuses(an_hour_later(world, users)) == {status: 6}
    world.clear(problem, users)
    assert statuses(an_hour_later(world, users)) == {SyncStatus.SUCCESS: 6}


def test_failed_syncs_bring_no_rows_and_leave_the_watermark() -> None:
    world, users = watched()
    before = world.truth(users)[-1].last_timestamp_synced
    world.switch("error", users)
    failed = an_hour_later(world, users)
    assert {sync.rows_synced for sync in failed} == {0}
    assert {sync.last_timestamp_synced for sync in failed} == {before}


def test_partial_syncs_have_rows_of_both_kinds() -> None:
    world, users = watched()
    world.switch("partial", users)
    for sync in an_hour_later(world, users):
        assert sync.rows_synced
        assert sync.rows_failed_with_errors


@pytest.mark.parametrize("rolls", [True, False])
def test_a_silent_stop_starts_nothing_while_the_announcement_rolls_or_stands(rolls: bool) -> None:
    world = small_world(Style(announcement_rolls=rolls))
    users = world.add_integration("production", "users", schedule=EVERY_TEN_MINUTES)
    world.advance(NOON + HOUR - MINUTE)
    world.switch("silent_stop", users)
    assert an_hour_later(world, users) == ()
    assert state_of(world, users).status == "active"
    assert state_of(world, users).next_scheduled_run == NOON + (2 * HOUR if rolls else HOUR)
    world.clear("silent_stop", users)
    assert len(an_hour_later(world, users)) == 6


def test_slow_syncs_take_ten_times_as_long() -> None:
    ordinary, users = watched()
    slow, _ = watched()
    slow.switch("slow", users)
    usual, long = (an_hour_later(world, users)[0].duration_seconds for world in (ordinary, slow))
    assert usual is not None
    assert long == 10 * usual


def test_a_sync_that_never_finishes_runs_until_the_trouble_is_cleared() -> None:
    world, users = watched()
    world.switch("never_finishes", users)
    stuck = an_hour_later(world, users)
    assert statuses(stuck) == {SyncStatus.RUNNING: 1}
    world.clear("never_finishes", users)
    assert world.truth(users)[-1].sync_finish_time == world.now
    assert statuses(an_hour_later(world, users)) == {SyncStatus.SUCCESS: 6}


def test_a_future_watermark_makes_braze_skip_rows_silently_until_it_is_repaired() -> None:
    world, users = watched()
    world.switch("future_watermark", users)
    first, *rest = an_hour_later(world, users)
    assert first.last_timestamp_synced is not None
    assert first.last_timestamp_synced > world.now
    assert first.rows_synced
    assert {(sync.rows_synced, sync.last_timestamp_synced) for sync in rest} == {(0, first.last_timestamp_synced)}
    assert statuses((first, *rest)) == {SyncStatus.SUCCESS: 6}
    world.clear("future_watermark", users)
    repaired = an_hour_later(world, users)[-1]
    assert repaired.rows_synced
    assert follows_its_sync(repaired)


def test_a_boundary_resync_brings_rows_while_the_watermark_stands_still() -> None:
    world, users = watched()
    before = world.truth(users)[-1].last_timestamp_synced
    world.switch("boundary_resync", users)
    again = an_hour_later(world, users)
    assert {sync.last_timestamp_synced for sync in again} == {before}
    assert all(sync.rows_synced for sync in again)


def test_falling_behind_is_success_without_rows_and_with_a_watermark_that_stands_still() -> None:
    world, users = watched()
    before = world.truth(users)[-1].last_timestamp_synced
    world.switch("falling_behind", users)
    behind = an_hour_later(world, users)
    assert {(sync.job_status, sync.rows_synced, sync.last_timestamp_synced) for sync in behind} == {
        (SyncStatus.SUCCESS, 0, before)
    }


def test_a_paused_integration_starts_nothing_and_announces_nothing() -> None:
    world, users = watched()
    world.switch("paused", users)
    assert an_hour_later(world, users) == ()
    record = results(ask_list(world))[0]
    assert (record["integration_status"], record["next_scheduled_run"]) == ("paused", None)
    world.clear("paused", users)
    assert len(an_hour_later(world, users)) == 6
    assert results(ask_list(world))[0]["integration_status"] == "active"


def test_every_trouble_of_an_integration_changes_what_braze_tells() -> None:
    for problem in INTEGRATION_PROBLEMS:
        world, users = watched()
        quiet, _ = watched()
        world.switch(problem, users)
        told = [(ask_status(each, users, now=each.now + HOUR).body, ask_list(each).body) for each in (world, quiet)]
        assert told[0] != told[1], problem


def follows_its_sync(sync: Sync) -> bool:
    """Whether the watermark lies within the minute before the sync."""
    assert sync.last_timestamp_synced is not None
    return timedelta(0) < sync.sync_start_time - sync.last_timestamp_synced <= MINUTE


def latest_of(behaviour: str, *, past: timedelta = 6 * HOUR) -> tuple[tuple[Sync, ...], datetime]:
    world, users = world_with(behaviour, EVERY_TEN_MINUTES, history=past)
    world.advance(NOON + 5 * MINUTE)
    return world.truth(users), world.now


def test_a_healthy_integration_only_succeeds_and_its_watermark_follows() -> None:
    syncs, _ = latest_of("healthy")
    assert statuses(syncs) == {SyncStatus.SUCCESS: len(syncs)}
    assert all(map(follows_its_sync, syncs))


def test_an_ordinary_integration_fails_now_and_then() -> None:
    counted = statuses(latest_of("ordinary", past=100 * HOUR)[0])
    assert counted[SyncStatus.SUCCESS] > counted[SyncStatus.PARTIAL] > 0
    assert counted[SyncStatus.ERROR] > 0


def test_failing_twice_is_three_successes_and_two_errors_in_turn() -> None:
    words = [str(sync.job_status) for sync in latest_of("failing_twice")[0]]
    assert words[:10] == ["success", "success", "success", "error", "error"] * 2


def test_the_other_tempers_show_their_trouble_from_the_start() -> None:
    latest = {behaviour: latest_of(behaviour) for behaviour in BEHAVIOURS}
    last = {behaviour: syncs[-1] for behaviour, (syncs, _) in latest.items()}
    assert last["misconfigured"].job_status is SyncStatus.CONFIG_ERROR
    assert last["running_too_long"].job_status is SyncStatus.RUNNING
    assert NOON - last["running_too_long"].sync_start_time >= 10 * MINUTE
    assert NOON - last["paused"].sync_start_time >= 30 * MINUTE
    assert NOON - last["silent_stop"].sync_start_time >= 20 * MINUTE
    assert last["event_driven"].last_timestamp_synced is None
    for behaviour, behind in (("falling_behind", 100 * MINUTE), ("boundary_resync", 60 * MINUTE)):
        watermark = last[behaviour].last_timestamp_synced
        assert watermark is not None
        assert NOON - watermark >= behind
    assert statuses(latest["partly_failing"][0])[SyncStatus.PARTIAL] > 5
    assert statuses(latest["limit_exceeded"][0])[SyncStatus.LIMIT_EXCEEDED] > 2
    future = last["future_watermark"].last_timestamp_synced
    assert future is not None
    assert future > NOON + HOUR


def test_an_integration_without_a_past_has_never_run() -> None:
    world, users = world_with(schedule=ON_DEMAND)
    assert results(ask_status(world, users)) == []
    record = results(ask_list(world))[0]
    assert (record["last_job_status"], record["last_job_start_time"], record["last_updated_at"]) == (None, None, None)
