from datetime import timedelta
from itertools import pairwise

import pytest

from exporter.simulator.schedule import ON_DEMAND, Schedule, ScheduleKind, Slot, every, on_arrival
from tests.unit.simulator.asking import MINUTE, NOON, SECOND


def slots(schedule: Schedule, count: int, *, seed: int = 1, quantum: timedelta = SECOND) -> list[Slot]:
    slot = schedule.first_slot(NOON, seed, quantum)
    assert slot is not None
    found = [slot]
    while len(found) < count:
        found.append(schedule.slot_after(found[-1], seed, quantum))
    return found


def test_a_schedule_announces_runs_at_equal_distances_from_its_phase() -> None:
    announced = [slot.announced_at for slot in slots(every(minutes=15, phase=timedelta(minutes=5)), 3)]
    assert announced == [NOON + timedelta(minutes=minutes) for minutes in (5, 20, 35)]


def test_runs_start_within_their_delay_early_and_late() -> None:
    delays = {(slot.start_at - slot.announced_at) // SECOND for slot in slots(every(minutes=1, delay=(-2, 3)), 200)}
    assert delays == {-2, -1, 0, 1, 2, 3}


def test_delays_keep_to_the_precision_of_the_texts() -> None:
    delays = [
        slot.start_at - slot.announced_at for slot in slots(every(minutes=1, delay=(0, 3)), 50, quantum=SECOND / 1000)
    ]
    assert all(delay.microseconds % 1000 == 0 for delay in delays)
    assert any(delay.microseconds for delay in delays)


@pytest.mark.parametrize("schedule", [on_arrival(10 * MINUTE), Schedule(ScheduleKind.ON_DEMAND, 10 * MINUTE)])
def test_arrivals_are_random_and_have_the_mean_they_were_given(schedule: Schedule) -> None:
    gaps = [(later.start_at - sooner.start_at) / SECOND for sooner, later in pairwise(slots(schedule, 2000))]
    assert min(gaps) >= 1
    assert len(set(gaps)) > 100
    assert 540 < sum(gaps) / len(gaps) < 660


def test_another_seed_gives_other_arrivals() -> None:
    schedule = on_arrival(timedelta(minutes=10))
    assert slots(schedule, 5, seed=1) == slots(schedule, 5, seed=1)
    assert slots(schedule, 5, seed=1) != slots(schedule, 5, seed=2)


def test_on_demand_has_no_slots() -> None:
    assert ON_DEMAND.first_slot(NOON, 1, SECOND) is None


@pytest.mark.parametrize(
    ("interval", "delay", "says"),
    [
        (timedelta(0), (0, 0), "at least a second"),
        (timedelta(seconds=1.5), (0, 0), "whole seconds"),
        (timedelta(seconds=5), (0, 5), "out of order"),
        (timedelta(seconds=5), (3, 2), "out of order"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(interval: timedelta, delay: tuple[int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Schedule(ScheduleKind.SCHEDULED, interval, delay)
