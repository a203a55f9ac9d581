"""
Who plays: the simulated workspaces with their integrations, as Braze has them and as the exporters' configurations do.

Everything is small and quick: an integration syncs every five seconds, so that what would take an hour takes a minute.
Most integrations are there for one fault; in each workspace one has none, and must never raise an alert.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.braze.endpoints import Endpoint
from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import ON_DEMAND, every
from exporter.simulator.style import Style
from exporter.simulator.workspace import PERMISSIONS
from tests.e2e.worlds import AMPLE, AMPLE_LIMITS, STATUS_PERMISSION
from tests.world import World

SYNCS, WAYS, ELSEWHERE, TWIN = "syncs", "ways", "elsewhere", "twin"
"""
The exporters: of the workspace whose syncs go wrong; of those to which the way goes wrong; a third one; and the twin of
that one in another cluster.
"""
_PAST = timedelta(minutes=5)


@dataclass(frozen=True)
class Actor:
    """
    An integration.

    Args:
        name: Of the integration.
        settings: Of its configuration.
        behaviour: Of the simulator.
        seconds: Between two syncs; 0 is on demand.
        rows: Whether its syncs bring rows. The simulated watermark lies up to a minute back, so it may stand still for
            some quick syncs: with rows that would be rows synced again.
        trouble: Of the simulator, from birth; it has no past then.
        configured: Whether the exporter's configuration names it.

    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    behaviour: str = "healthy"
    seconds: int = 5
    rows: bool = False
    trouble: str = ""
    configured: bool = True


@dataclass(frozen=True)
class Place:
    """A workspace. *settings* are those of its configuration, *limits* those of Braze and of the configuration."""

    name: str
    exporter: str
    actors: tuple[Actor, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[Endpoint, int] = field(default_factory=lambda: AMPLE_LIMITS)
    permissions: tuple[str, ...] = tuple(PERMISSIONS.values())


def limited(**limits: str | int) -> dict[str, Any]:
    return {"limits": limits}


CRM = {"labels": {"team": "crm"}}


ONE, TWO = Actor("one"), Actor("two")
PLACES = (
    Place(
        "syncs",
        SYNCS,
        (
            Actor("fine"),
            Actor("failed", limited(failed_syncs="off")),
            Actor("failing", CRM),
            Actor("misconfigured", {"alerts": "no-page"}),
            Actor("partial", {**CRM, **limited(failed_rows="1%")}, seconds=20, rows=True),
            Actor("limited"),
            Actor("novel", seconds=0),
            Actor("silent", limited(start_delay="5s")),
            Actor("unborn", limited(start_delay="5s"), trouble="silent_stop"),
            Actor("slow", limited(sync_duration="5s")),
            Actor("stuck", limited(sync_duration="5s")),
            Actor("empty", limited(rows_synced=10), rows=True),
            Actor("future", rows=True),
            Actor("behind", limited(lag="30s")),
            Actor("unsuccessful", limited(success_age="15s", start_delay="off")),
            Actor("paused"),
            Actor("muted", {"alerts": "off"}),
        ),
        # What only its own endpoint shows ends without a further sync.
        {"poll": {"verify_after": "10s"}},
    ),
    Place("rotated", WAYS, (ONE, TWO)),
    Place("denied", WAYS, (ONE, TWO)),
    Place(
        "unlisted",
        WAYS,
        (ONE, Actor("silent", {"expected_interval": "5s", **limited(start_delay="5s")})),
        # Three refusals, and then a minute's rest: Prometheus must see more than the last of them.
        {"poll": {"interval": "2s"}},
    ),
    Place("eaten", WAYS, (ONE, TWO), limits=dict.fromkeys(Endpoint, 600)),
    Place("throttled", WAYS, (ONE, TWO)),
    # Without the list: one request tells that there will be no other for the rest of the minute.
    Place("exhausted", WAYS, (ONE,), permissions=(STATUS_PERMISSION,)),
    Place("hanging", WAYS, (ONE, TWO), {"poll": {"timeout": "25s"}}),
    Place("broken", WAYS, (ONE, TWO)),
    # Seldom enough for the retries of one to be a good part of all polls, however long the stage takes to be set.
    Place("shaky", WAYS, (ONE, TWO), {"poll": {"interval": "10s", "stale_after": "45s"}}),
    Place("undiscovered", WAYS, (ONE,), {"integrations": [], "discovery": {"enabled": True}}),
    Place(
        "stretched",
        WAYS,
        tuple(Actor(name, seconds=20) for name in ("one", "two", "three", "four", "five")),
        limits={Endpoint.JOB_SYNC_STATUS: 60, Endpoint.INTEGRATIONS: AMPLE},
    ),
    Place("odd", WAYS, (ONE, TWO, Actor("deleted"), Actor("stranger", configured=False))),
    Place("short", WAYS, (Actor("burst", seconds=0), TWO), {"poll": {"max_pages": 1}}),
    Place("unseen", WAYS, (ONE, TWO)),
    Place("elsewhere", ELSEWHERE, (ONE,)),
)


def id_of(place: str, actor: str) -> str:
    return f"{actor}-of-{place}"


def build_world() -> World:
    """Return the world, with a past and without any fault but those of behaviours."""
    world = World(3, datetime.now(UTC), style=Style(fraction_digits=3))
    for place in PLACES:
        world.add_workspace(place.name, limits=place.limits, permissions=place.permissions)
        for number, actor in enumerate(place.actors):
            key = world.add_integration(
                place.name,
                actor.name,
                integration_id=id_of(place.name, actor.name),
                behaviour=actor.behaviour,
                schedule=every(seconds=actor.seconds, phase=timedelta(seconds=number % 5))
                if actor.seconds
                else ON_DEMAND,
                scale=Scale(seconds=(1, 1), rows=(50, 500) if actor.rows else (0, 0)),
                history=timedelta(0) if actor.trouble else _PAST,
            )
            if actor.trouble:
                world.switch(actor.trouble, key)
            if not actor.seconds:
                world.start_sync(key, duration=timedelta(0), word="success")
    return world


def places_of(exporter: str) -> list[Place]:
    return [place for place in PLACES if place.exporter == (ELSEWHERE if exporter == TWIN else exporter)]


def configuration(exporter: str, url: str) -> dict[str, Any]:
    """Return the configuration of one exporter, by which it polls every second; keys are read from files."""
    workspaces = [
        {
            "name": place.name,
            "rest_endpoint": url,
            "api_key_file": f"{place.name}.key",
            "rate_limit": {endpoint.value: limit for endpoint, limit in place.limits.items()},
            "integrations": [
                {"id": id_of(place.name, actor.name), "name": actor.name, **actor.settings}
                for actor in place.actors
                if actor.configured
            ],
            **place.settings,
        }
        for place in places_of(exporter)
    ]
    # Values vanish as much sooner as alerts come; see copies.py.
    return {
        "poll": {"interval": "1s", "timeout": "5s", "stale_after": "15s"},
        # What is learned of syncs every few seconds would be learned from the faults too.
        "history": "0",
        "workspaces": workspaces,
    }
