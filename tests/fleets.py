"""Large simulated fleets, as benchmarks watch them."""

from datetime import datetime, timedelta
from random import Random

from exporter.simulator.behaviour import Scale
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import Schedule, ScheduleKind, derive_seed, on_arrival, random_stream
from tests.world import World

_HOUR = timedelta(hours=1)
_INTERVALS = (timedelta(minutes=5), timedelta(minutes=15), _HOUR, 6 * _HOUR, 24 * _HOUR)
_INTERVAL_WEIGHTS = (15, 25, 35, 10, 15)
_KINDS = (ScheduleKind.SCHEDULED, ScheduleKind.EVENT_DRIVEN, ScheduleKind.ON_DEMAND)
_KIND_WEIGHTS = (85, 10, 5)
_BEHAVIOURS = (
    "ordinary",
    "partly_failing",
    "failing_twice",
    "misconfigured",
    "silent_stop",
    "running_too_long",
    "paused",
)
_BEHAVIOUR_WEIGHTS = (85, 4, 3, 2, 2, 1, 3)
_WAREHOUSES = ("snowflake", "redshift", "bigquery", "databricks", "fabric")
_FLEET_PAST_RUNS = 24
_FLEET_DELAY = (-2, 20)


def build_fleet(
    seed: int, now: datetime, *, workspaces: int, integrations_each: int, past_runs: int = _FLEET_PAST_RUNS
) -> World:
    """
    Return a world of that size, each integration with a past of *past_runs* intervals.

    Workspaces are `workspace-000` on, their keys as `add_workspace` makes them.
    """
    world = World(seed, now)
    for number in range(workspaces):
        name = f"workspace-{number:03d}"
        world.add_workspace(name)
        random = random_stream(derive_seed(seed, name), 0)
        for index in range(integrations_each):
            _add_integration(world, name, f"integration-{index:04d}", random, past_runs)
    return world


def _add_integration(world: World, workspace: str, name: str, random: Random, past_runs: int) -> None:
    kind = random.choices(_KINDS, _KIND_WEIGHTS)[0]
    schedule = _draw_schedule(kind, random)
    s3 = kind is ScheduleKind.EVENT_DRIVEN
    longest = max(30, min(600, int(schedule.interval.total_seconds()) // 4))
    world.add_integration(
        workspace,
        name,
        behaviour="event_driven" if s3 else random.choices(_BEHAVIOURS, _BEHAVIOUR_WEIGHTS)[0],
        schedule=schedule,
        scale=Scale(seconds=(10, longest), rows=(0, 20_000)),
        profile=Profile(warehouse_type="s3" if s3 else random.choice(_WAREHOUSES)),
        history=past_runs * schedule.interval,
    )


def _draw_schedule(kind: ScheduleKind, random: Random) -> Schedule:
    """Schedules begin at any second of their interval: people set them up at any time of day."""
    if kind is ScheduleKind.EVENT_DRIVEN:
        return on_arrival(timedelta(minutes=random.choice((10, 30, 120))))
    if kind is ScheduleKind.ON_DEMAND:
        return Schedule(kind, timedelta(hours=random.choice((2, 8, 24))))
    interval = random.choices(_INTERVALS, _INTERVAL_WEIGHTS)[0]
    return Schedule(kind, interval, _FLEET_DELAY, timedelta(seconds=random.randrange(int(interval.total_seconds()))))
