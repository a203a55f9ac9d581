import random
from datetime import timedelta
from itertools import pairwise

import pytest

from exporter.domain.model import Sync, SyncStatus, Totals
from exporter.simulator.behaviour import BEHAVIOURS
from exporter.simulator.schedule import ON_DEMAND, every, on_arrival
from exporter.simulator.style import Style
from tests.unit.simulator.asking import (
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    ask_list,
    finished_syncs,
    results,
    small_world,
    world_with,
)
from tests.world import World

SCHEDULE = every(minutes=5, delay=(-2, 20))


def motley_world(seed: int) -> World:
    world = World(seed, NOON, style=Style(fraction_digits=3))
    world.add_workspace("production")
    for behaviour in BEHAVIOURS:
        schedule = on_arrival(5 * MINUTE) if behaviour == "event_driven" else SCHEDULE
        world.add_integration("production", behaviour, behaviour=behaviour, schedule=schedule, history=HOUR)
    return world


def lived_through(world: World, moments: list[float]) -> dict[str, tuple[Sync, ...]]:
    """A day with a problem switched on and off at fixed times, looked at in between at *moments*."""
    acts = {6 * 3600.0: world.switch, 9 * 3600.0: world.clear}
    victim = next(iter(world.integrations))
    for seconds in sorted({*moments, *acts, 24 * 3600.0}):
        world.advance(NOON + timedelta(seconds=seconds))
        if act := acts.get(seconds):
            act("never_finishes", victim)
        else:
            world.truth(random.Random(seconds).choice(list(world.integrations)))
    return {world.integrations[each].name: world.truth(each) for each in world.integrations}


def test_the_same_seed_gives_the_same_truth_however_often_the_world_is_advanced() -> None:
    steps = random.Random(3)
    often = lived_through(motley_world(1), [steps.uniform(0, 24 * 3600) for _ in range(2000)])
    assert lived_through(motley_world(1), []) == often
    assert sum(map(len, often.values())) > 2000


def test_another_seed_gives_another_truth_and_other_ids() -> None:
    one, other = motley_world(1), motley_world(2)
    assert not set(one.integrations) & set(other.integrations)
    assert lived_through(one, []) != lived_through(other, [])


def test_syncs_of_an_integration_never_overlap_and_no_start_comes_twice() -> None:
    for syncs in lived_through(motley_world(4), []).values():
        for sooner, later in pairwise(syncs):
            assert sooner.sync_finish_time is not None
            assert sooner.sync_start_time < later.sync_start_time
            assert sooner.sync_finish_time <= later.sync_start_time


def test_a_slot_that_comes_while_a_sync_runs_is_passed_over() -> None:
    world, users = world_with(schedule=every(minutes=10))
    world.advance(NOON + 5 * MINUTE)
    world.start_sync(users, duration=30 * MINUTE)
    world.advance(NOON + HOUR)
    starts = [(sync.sync_start_time - NOON) // MINUTE for sync in world.truth(users)]
    assert starts == [0, 5, 40, 50, 60]


def test_totals_add_up_the_finished_syncs_and_leave_out_the_running_one() -> None:
    world, users = world_with()
    world.start_sync(users, duration=MINUTE, word="partial", rows_synced=90, rows_failed_with_errors=10)
    world.advance(NOON + MINUTE)
    world.start_sync(users, duration=2 * MINUTE, word="Limit Exceeded", rows_synced=5, rows_failed_with_errors=1)
    world.advance(NOON + HOUR)
    world.start_sync(users, duration=MINUTE)
    assert world.totals(users) == Totals((0, 1, 0, 0, 1, 0), 95, 11, 180.0)
    assert [sync.job_status for sync in world.truth(users)] == [
        SyncStatus.PARTIAL,
        SyncStatus.LIMIT_EXCEEDED,
        SyncStatus.RUNNING,
    ]


def test_a_sync_is_finished_from_its_finish_time_on_and_not_before() -> None:
    world, users = world_with()
    world.start_sync(users, duration=MINUTE)
    world.advance(NOON + MINUTE - timedelta(microseconds=1))
    assert not world.truth(users)[0].finished
    world.advance(NOON + MINUTE)
    assert world.truth(users)[0].finished


def test_only_one_sync_runs_at_a_time() -> None:
    world, users = world_with()
    world.start_sync(users, duration=MINUTE)
    with pytest.raises(ValueError, match="one at a time"):
        world.start_sync(users)


def test_a_running_sync_can_be_ended_by_hand() -> None:
    world, users = world_with()
    with pytest.raises(ValueError, match="not running"):
        world.finish_sync(users)
    world.start_sync(users, duration=HOUR)
    world.advance(NOON + MINUTE)
    ended = world.finish_sync(users, word="error", rows_failed_with_errors=3)
    assert ended == Sync(NOON, SyncStatus.ERROR, NOON + MINUTE, None, 0, 3)


def test_no_two_syncs_of_an_integration_start_at_the_same_moment() -> None:
    world = small_world(Style(fraction_digits=0))
    users = world.add_integration("production", "users", schedule=ON_DEMAND)
    world.start_sync(users, duration=timedelta(0))
    world.advance(NOON + SECOND / 2)
    with pytest.raises(ValueError, match="finer style"):
        world.start_sync(users)
    world.advance(NOON + SECOND)
    world.start_sync(users, duration=timedelta(0))
    assert [sync.sync_start_time - NOON for sync in world.truth(users)] == [0 * SECOND, SECOND]
    assert all(sync.finished for sync in world.truth(users))


def test_time_never_goes_back() -> None:
    world = small_world()
    world.advance(NOON - HOUR)
    assert world.now == NOON


def test_a_revised_record_changes_what_is_told_and_not_the_truth() -> None:
    world, users = world_with()
    finished_syncs(world, users, 2)
    before = world.truth(users), world.totals(users)
    revised = world.revise_sync(users, -1, rows_synced=123456, job_status=SyncStatus.ERROR)
    assert (revised.rows_synced, revised.job_status) == (123456, SyncStatus.ERROR)
    assert (world.truth(users), world.totals(users)) == before


def test_integrations_can_be_renamed_and_removed() -> None:
    world, users = world_with()
    world.add_integration("production", "purchases")
    world.rename_integration(users, "people")
    assert [each["integration_name"] for each in results(ask_list(world))] == ["people", "purchases"]
    world.remove_integration(users)
    assert [each["integration_name"] for each in results(ask_list(world))] == ["purchases"]


def test_names_that_are_taken_or_unknown_are_refused() -> None:
    world, users = world_with()
    with pytest.raises(ValueError, match="exists already"):
        world.add_workspace("production")
    with pytest.raises(ValueError, match="exists already"):
        world.add_workspace("staging", key="key-of-production")
    with pytest.raises(ValueError, match="exists already"):
        world.add_integration("production", "again", integration_id=users)
    with pytest.raises(ValueError, match="no permission"):
        world.add_workspace("staging", permissions=["cdi.everything"])
    with pytest.raises(KeyError, match="no problem"):
        world.switch("gremlins", users)
