"""
The world that `braze-cdi-exporter demo` shows: one integration of each temper, moving while one watches.

Decides names, tempers and speeds, and nothing else. Syncs come every few seconds to minutes, with a past of several
pages, within the rate limits that Braze documents.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.simulator.integration import Profile
from exporter.simulator.plan import ON_DEMAND, Plan, every, on_arrival
from exporter.simulator.temper import Scale
from exporter.simulator.world import World

_PAST = timedelta(hours=1)
_DELAY = (0, 2)
_STAGGER = timedelta(seconds=7)
_SCALE = Scale(seconds=(3, 9), rows=(200, 4000))
_USERS = Profile("users")


@dataclass(frozen=True, slots=True)
class DemoWorkspace:
    """What a configuration needs to know of a workspace. The key is worth nothing outside of this process."""

    name: str
    key: str
    integrations: tuple[tuple[str, str], ...]
    """Each integration's id and name."""


@dataclass(frozen=True, slots=True)
class _Character:
    workspace: str
    name: str
    temper: str
    plan: Plan
    scale: Scale = _SCALE
    profile: Profile = _USERS
    past: timedelta = _PAST


_S3 = Profile("events", "s3")
_CHARACTERS = (
    _Character("production", "users_daily_profile", "healthy", every(seconds=45, delay=_DELAY)),
    _Character("production", "purchases", "ordinary", every(seconds=20, delay=_DELAY), profile=Profile("purchases")),
    _Character("production", "newsletter_consent", "partly_failing", every(seconds=30, delay=_DELAY)),
    _Character("production", "loyalty_points", "failing_twice", every(seconds=25, delay=_DELAY)),
    _Character("production", "churn_scores", "misconfigured", every(seconds=60), profile=Profile("users", "bigquery")),
    _Character("production", "product_catalog", "running_too_long", every(minutes=2), profile=Profile("catalogs")),
    _Character("production", "winback_audience", "paused", every(seconds=90)),
    _Character("production", "trial_signups", "healthy", ON_DEMAND, past=timedelta(0)),
    _Character("marketing-eu", "app_events_s3", "event_driven", on_arrival(timedelta(seconds=25)), profile=_S3),
    _Character("marketing-eu", "store_visits", "future_watermark", every(seconds=40), profile=Profile("events")),
    _Character("marketing-eu", "subscription_state", "falling_behind", every(seconds=30, delay=_DELAY)),
    _Character("marketing-eu", "consent_backfill", "boundary_resync", every(seconds=35), Scale((3, 9), (40, 60))),
    _Character("marketing-eu", "order_refunds", "silent_stop", every(minutes=1)),
)


def build_demo_world(seed: int, now: datetime) -> World:
    """Return the demo's world, with an hour of past before *now*."""
    world = World(seed, now)
    for name in dict.fromkeys(character.workspace for character in _CHARACTERS):
        world.add_workspace(name)
    for number, each in enumerate(_CHARACTERS):
        plan = replace(each.plan, phase=number * _STAGGER)  # a page that moves, rather than jumps
        world.add_integration(
            each.workspace,
            each.name,
            temper=each.temper,
            plan=plan,
            scale=each.scale,
            profile=each.profile,
            history=each.past,
        )
    return world


def demo_workspaces(world: World) -> tuple[DemoWorkspace, ...]:
    """Return what the configuration needs to poll every integration of *world*."""
    return tuple(
        DemoWorkspace(
            workspace.name,
            next(iter(workspace.keys)),
            tuple((each, world.integrations[each].name) for each in workspace.integrations),
        )
        for workspace in world.workspaces.values()
    )
