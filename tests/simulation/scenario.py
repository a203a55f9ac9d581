"""
What a seed stands for: a simulated Braze with its integrations, how the exporter is set up, and all that will happen.

Everything is drawn here, before anything runs. The kind of a seed says what its faults may cost: nothing; values of
single fields; or syncs, which then must show as gaps.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

from exporter.braze.endpoints import Endpoint
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings, RateLimits, WorkspaceSettings
from exporter.simulator.behaviour import BEHAVIOURS, Scale
from exporter.simulator.schedule import ON_DEMAND, Schedule, every, on_arrival
from exporter.simulator.style import Style
from exporter.simulator.workspace import PERMISSIONS
from tests.simulation.timeline import Event, draw_timeline
from tests.world import World

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK_SECONDS = 7 * 86400.0
_HISTORIES_SECONDS = {0: 90 * 86400.0, 3: 86400.0, 7: 86400.0}
"""By the last digit of the seed; the others read none, because a history takes ten times as many requests."""


class Kind(StrEnum):
    EXACT = "exact"
    """Whatever goes wrong costs no sync and no field: counters equal the truth, without a gap."""
    ODD = "odd"
    """Single fields are unreadable: every sync counts once, its rows may be missing."""
    HARSH = "harsh"
    """History is hidden or out of reach: where nothing shows as a gap, counters equal the truth."""


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    kind: Kind
    world: World
    workspaces: tuple[WorkspaceSettings, ...]
    events: tuple[Event, ...]
    duration_seconds: float


def draw_scenario(seed: int, duration_seconds: float = WEEK_SECONDS) -> Scenario:
    """Return everything that follows from *seed*."""
    random = Random(f"scenario {seed}")
    kind = (Kind.HARSH, Kind.ODD, Kind.EXACT, Kind.EXACT, Kind.EXACT)[seed % 5]
    style = _draw_style(random)
    world = World(seed, START, style=style)
    poll = _draw_poll(random, kind)
    names = [f"workspace {i}" for i in range(random.randint(1, 3))]
    history_seconds = _HISTORIES_SECONDS.get(seed % 10, 0.0)
    settings = [replace(_add_workspace(world, name, poll, random), history_seconds=history_seconds) for name in names]
    for number in range(random.randint(20, 24)):
        at = number % len(names)
        added = _add_integration(world, names[at], number, random)
        settings[at] = replace(settings[at], integrations=(*settings[at].integrations, added))
    events = draw_timeline(
        random,
        kind=kind,
        workspaces=tuple(settings),
        duration_seconds=duration_seconds,
        utc_times=style.offset in {"Z", "", "+00:00"},
    )
    return Scenario(seed, kind, world, tuple(settings), events, duration_seconds)


def _draw_style(random: Random) -> Style:
    return Style(
        fraction_digits=random.choice((0, 0, 3, 6)),
        offset=random.choice(("Z", "Z", "", "+00:00", "+05:30", "-08:00")),
        capitalised=random.random() < 0.3,
        unknown=random.choice(("null", "missing")),
        running_tells=random.random() < 0.5,
        failed_tells=random.random() < 0.5,
        link=random.choice(("documented", "documented", "clean", "absolute")),
        unknown_key_status=random.choice((401, 404)),
    )


def _draw_poll(random: Random, kind: Kind) -> PollSettings:
    interval = random.choices((1200.0, 2700.0, 3600.0, 5400.0, 7200.0), (1, 2, 4, 6, 14))[0]
    return PollSettings(
        interval_seconds=interval,
        timeout_seconds=random.choice((5.0, 20.0)),
        stale_after_seconds=interval * random.choice((0.5, 1.5, 4.0)),
        verify_after_seconds=interval * random.choice((1, 4, 24)),
        max_pages=random.randint(1, 5) if kind is Kind.HARSH else 300,
    )


def _add_workspace(world: World, name: str, poll: PollSettings, random: Random) -> WorkspaceSettings:
    """
    Add a workspace, sometimes one whose list its key may not read.

    Sometimes the limit is low, so that walks wait in the middle; or lower than we were told, so that Braze says 429.
    """
    agreed = random.choice((100, 100, 20, 8))
    granted = agreed if random.random() < 0.7 else max(2, agreed // 3)
    permissions = PERMISSIONS.values() if random.random() < 0.6 else (PERMISSIONS[Endpoint.JOB_SYNC_STATUS],)
    world.add_workspace(name, permissions=permissions, limits={Endpoint.JOB_SYNC_STATUS: granted})
    limits = RateLimits(job_sync_status=agreed, share=random.choice((0.5, 0.8, 1.0)))
    return WorkspaceSettings(name, "https://rest.iad-03.braze.com", poll, limits)


def _add_integration(world: World, workspace: str, number: int, random: Random) -> Integration:
    name = f"integration {number}"
    schedule = _draw_schedule(random)
    past = timedelta(hours=random.choice((0, 0, 3, 20, 60))) if schedule is not ON_DEMAND else timedelta(0)
    integration_id = world.add_integration(
        workspace,
        name,
        behaviour=random.choice(sorted(BEHAVIOURS)),
        schedule=schedule,
        scale=random.choice((Scale(), Scale((5, 20), (0, 10)), Scale((300, 1500)))),
        history=past,
    )
    return Integration(workspace, integration_id, name)


def _draw_schedule(random: Random) -> Schedule:
    phase = timedelta(seconds=random.randint(0, 600))
    late = random.choice(((0, 0), (0, 40), (-20, 60)))
    minutes = random.choice((5, 15, 20, 30, 60, 60, 60, 120, 240, 240, 1440))
    return random.choice(
        (
            every(minutes=minutes, delay=late, phase=phase),
            every(minutes=minutes, delay=late, phase=phase),
            every(minutes=minutes, delay=late, phase=phase),
            on_arrival(timedelta(minutes=random.choice((10, 40, 200)))),
            ON_DEMAND,
        )
    )
