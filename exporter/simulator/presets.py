"""
The world that `braze-cdi-exporter demo` shows.

It has one integration of each behaviour, and shows each kind of problem. Syncs come every few seconds to minutes,
with a past of several pages, within the rate limits that Braze documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration
from exporter.simulator.behaviour import Scale
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import ON_DEMAND, Schedule, every, on_arrival
from exporter.simulator.workspace import SimulatedWorkspace
from exporter.simulator.world import World

_PAST = timedelta(hours=1)
_DELAY = (0, 2)
_STAGGER = timedelta(seconds=7)
_SCALE = Scale(seconds=(3, 9), rows=(200, 4000))
_STEADY, _LONG_PAST = Scale(seconds=(40, 60), rows=(1800, 2200)), timedelta(days=60)
"""So that a change is seen from the first poll on, by what was learned."""
_USERS = Profile()


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
    """The problem that begins when the demo has run for a while: one of INTEGRATION_PROBLEMS, `broken` or `removed`."""


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
    _Character("marketing-eu", "push_tokens", "healthy", every(seconds=35), later="broken"),
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


def populate(world: World) -> None:
    """Add the demo's integrations to *world*, with an hour of past before its present."""
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


def watched(workspace: SimulatedWorkspace) -> tuple[Integration, ...]:
    """Return what an operator would configure for the integrations of one of the demo's workspaces."""
    return tuple(
        Integration(
            workspace.name,
            key,
            each.name,
            expected_interval_seconds=each.expected_interval_seconds,
            limits=LimitSettings(each.limits),
        )
        for key, each in zip(workspace.integrations, _of(workspace.name), strict=True)
    )


def begin_later_problems(world: World) -> None:
    """Let the problems begin that are not there from the start, so that one can watch them come."""
    for workspace in world.workspaces.values():
        for key, each in zip(tuple(workspace.integrations), _of(workspace.name), strict=True):
            if each.later == "removed":
                world.remove_integration(key)
            elif each.later == "broken":
                world.broken.add(key)
            elif each.later:
                world.switch(each.later, key)


def _of(workspace: str) -> list[_Character]:
    return [each for each in _CHARACTERS if each.workspace == workspace]
