"""
Ready-made worlds: the one that `braze-cdi-exporter demo` shows, and large fleets for benchmarks.

The demo has one integration of each behaviour, and shows each kind of problem. Syncs come every few seconds to minutes,
with a past of several pages, within the rate limits that Braze documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from exporter.braze.endpoints import Endpoint
from exporter.simulator.behaviour import Scale
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import (
    ON_DEMAND,
    Schedule,
    ScheduleKind,
    derive_seed,
    every,
    on_arrival,
    on_request,
    random_stream,
)
from exporter.simulator.style import Style
from exporter.simulator.world import World

_PAST = timedelta(hours=1)
_DELAY = (0, 2)
_STAGGER = timedelta(seconds=7)
_SCALE = Scale(seconds=(3, 9), rows=(200, 4000))
_STEADY, _LONG_PAST = Scale(seconds=(40, 60), rows=(1800, 2200)), timedelta(days=60)
"""So that a change is seen from the first poll on, by what was learned."""
_USERS = Profile()


@dataclass(frozen=True, slots=True)
class DemoWorkspace:
    """The part of a workspace that a configuration needs. The key has no value outside this process."""

    name: str
    key: str
    integrations: tuple["DemoIntegration", ...]


@dataclass(frozen=True, slots=True)
class DemoIntegration:
    """What an operator would configure for an integration that syncs every few seconds."""

    integration_id: str
    name: str
    limits: Mapping[str, float]
    """By the name of the limit; seconds, shares or counts."""
    expected_interval_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Character:
    workspace: str
    name: str
    behaviour: str
    schedule: Schedule
    scale: Scale = _SCALE
    profile: Profile = _USERS
    past: timedelta = _PAST
    limits: Mapping[str, float] = field(default_factory=dict)
    expected_interval_seconds: float | None = None
    later: str = ""
    """The problem that begins when the demo has run for a while: one of PROBLEMS, a fault, or `removed`."""


_S3 = Profile("s3")
_CHARACTERS = (
    _Character("production", "users_daily_profile", "healthy", every(seconds=45, delay=_DELAY)),
    _Character("production", "purchases", "ordinary", every(seconds=20, delay=_DELAY)),
    _Character("production", "newsletter_consent", "partly_failing", every(seconds=30, delay=_DELAY)),
    _Character("production", "loyalty_points", "failing_twice", every(seconds=25, delay=_DELAY)),
    _Character("production", "churn_scores", "misconfigured", every(seconds=60), profile=Profile("bigquery")),
    _Character(
        "production",
        "product_catalog",
        "running_too_long",
        every(minutes=2),
        limits={"sync_duration": 60},
    ),
    _Character(
        "marketing-eu",
        "lookalike_audience",
        "healthy",
        every(minutes=3),
        limits={"sync_duration": 20},
        later="never_finishes",
    ),
    _Character("production", "winback_audience", "paused", every(seconds=90)),
    _Character("production", "birthday_offers", "healthy", every(seconds=50), later="unscheduled"),
    _Character("marketing-eu", "affinity_scores", "healthy", every(minutes=10), limits={"success_age": 60}),
    _Character("marketing-eu", "gift_cards", "undocumented", every(seconds=40)),
    _Character("production", "old_segments", "healthy", every(seconds=55), later="removed"),
    _Character("marketing-eu", "push_tokens", "healthy", every(seconds=35), later="http_500"),
    _Character(
        "production",
        "trial_signups",
        "healthy",
        ON_DEMAND,
        past=timedelta(0),
        limits={"start_delay": 20},
        expected_interval_seconds=40,
    ),
    _Character("marketing-eu", "app_events_s3", "event_driven", on_arrival(timedelta(seconds=25)), profile=_S3),
    _Character("marketing-eu", "store_visits", "future_watermark", every(seconds=40)),
    _Character(
        "marketing-eu", "subscription_state", "falling_behind", every(seconds=30, delay=_DELAY), limits={"lag": 120}
    ),
    _Character(
        "marketing-eu",
        "consent_backfill",
        "boundary_resync",
        every(seconds=35),
        Scale((3, 9), (40, 60)),
        limits={"rows_synced": 100},
    ),
    _Character("crm", "email_clicks", "few_rows", every(days=1), _STEADY, past=_LONG_PAST),
    _Character("crm", "web_sessions", "many_rows", every(days=1), _STEADY, past=_LONG_PAST),
    _Character("crm", "ltv_scores", "slow", every(days=1), _STEADY, past=_LONG_PAST),
    _Character("marketing-eu", "order_refunds", "silent_stop", every(minutes=1), limits={"start_delay": 30}),
)


def build_demo_world(seed: int, now: datetime, style: Style | None = None) -> World:
    """Return the demo's world, with an hour of past before *now*."""
    world = World(seed, now, style=style)
    for name in dict.fromkeys(character.workspace for character in _CHARACTERS):
        world.add_workspace(name)
    for number, each in enumerate(_CHARACTERS):
        schedule = replace(each.schedule, phase=number * _STAGGER)  # a page that moves, rather than jumps
        world.add_integration(
            each.workspace,
            each.name,
            behaviour=each.behaviour,
            schedule=schedule,
            scale=each.scale,
            profile=each.profile,
            history=each.past,
        )
    return world


def demo_workspaces(world: World) -> tuple[DemoWorkspace, ...]:
    """Return the configuration's view of every workspace of *world*."""
    return tuple(
        DemoWorkspace(
            workspace.name,
            next(iter(workspace.keys)),
            tuple(
                DemoIntegration(key, each.name, each.limits, each.expected_interval_seconds)
                for key, each in zip(workspace.integrations, _of(workspace.name), strict=True)
            ),
        )
        for workspace in world.workspaces.values()
    )


def begin_later_problems(world: World) -> None:
    """Let the problems begin that are not there from the start, so that one can watch them come."""
    for workspace in world.workspaces.values():
        for key, each in zip(tuple(workspace.integrations), _of(workspace.name), strict=True):
            if each.later == "removed":
                world.remove_integration(key)
            elif each.later.startswith("http_"):
                world.faults.add(each.later, endpoint=Endpoint.JOB_SYNC_STATUS, integration_id=key)
            elif each.later:
                world.switch(each.later, key)


def _of(workspace: str) -> list[_Character]:
    return [each for each in _CHARACTERS if each.workspace == workspace]


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
        return on_request(timedelta(hours=random.choice((2, 8, 24))))
    interval = random.choices(_INTERVALS, _INTERVAL_WEIGHTS)[0]
    return Schedule(kind, interval, _FLEET_DELAY, timedelta(seconds=random.randrange(int(interval.total_seconds()))))
