"""
A large world for benchmarks: many workspaces whose integrations run as people's do.

Decides the mixture: from every five minutes to daily, on demand, and files in S3, mostly well, a few of them sick.
"""

from datetime import datetime, timedelta
from random import Random

from exporter.simulator.integration import Profile
from exporter.simulator.plan import Plan, PlanKind, derive_seed, on_arrival, on_request, random_stream
from exporter.simulator.temper import Scale
from exporter.simulator.world import World

_HOUR = timedelta(hours=1)
_SCHEDULES = (timedelta(minutes=5), timedelta(minutes=15), _HOUR, 6 * _HOUR, 24 * _HOUR)
_SCHEDULE_WEIGHTS = (15, 25, 35, 10, 15)
_KINDS = (PlanKind.SCHEDULED, PlanKind.EVENT_DRIVEN, PlanKind.ON_DEMAND)
_KIND_WEIGHTS = (85, 10, 5)
_TEMPERS = ("ordinary", "partly_failing", "failing_twice", "misconfigured", "silent_stop", "running_too_long", "paused")
_TEMPER_WEIGHTS = (85, 4, 3, 2, 2, 1, 3)
_WAREHOUSES = ("snowflake", "redshift", "bigquery", "databricks", "fabric")
_PAST_RUNS = 24
_DELAY = (-2, 20)


def build_fleet(seed: int, now: datetime, *, workspaces: int, integrations_each: int) -> World:
    """Return a world of that size. Workspaces are `workspace-000` on, their keys as `add_workspace` makes them."""
    world = World(seed, now)
    for number in range(workspaces):
        name = f"workspace-{number:03d}"
        world.add_workspace(name)
        random = random_stream(derive_seed(seed, name), 0)
        for index in range(integrations_each):
            _add_integration(world, name, f"integration-{index:04d}", random)
    return world


def _add_integration(world: World, workspace: str, name: str, random: Random) -> None:
    kind = random.choices(_KINDS, _KIND_WEIGHTS)[0]
    plan = _draw_plan(kind, random)
    s3 = kind is PlanKind.EVENT_DRIVEN
    longest = max(30, min(600, int(plan.interval.total_seconds()) // 4))
    world.add_integration(
        workspace,
        name,
        temper="event_driven" if s3 else random.choices(_TEMPERS, _TEMPER_WEIGHTS)[0],
        plan=plan,
        scale=Scale(seconds=(10, longest), rows=(0, 20_000)),
        profile=Profile(warehouse_type="s3" if s3 else random.choice(_WAREHOUSES)),
        history=_PAST_RUNS * plan.interval,
    )


def _draw_plan(kind: PlanKind, random: Random) -> Plan:
    """Schedules begin at any second of their interval: people set them up at any time of day."""
    if kind is PlanKind.EVENT_DRIVEN:
        return on_arrival(timedelta(minutes=random.choice((10, 30, 120))))
    if kind is PlanKind.ON_DEMAND:
        return on_request(timedelta(hours=random.choice((2, 8, 24))))
    interval = random.choices(_SCHEDULES, _SCHEDULE_WEIGHTS)[0]
    return Plan(kind, interval, _DELAY, timedelta(seconds=random.randrange(int(interval.total_seconds()))))
