"""A small world and ways to ask it, for the simulator's own tests."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.simulator.schedule import ON_DEMAND, Schedule
from exporter.simulator.style import Style
from tests.mutations import Answer
from tests.world import World, handle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "key-of-production"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def small_world(style: Style | None = None) -> World:
    world = World(7, NOON, style=style)
    world.add_workspace("production")
    return world


def world_with(
    behaviour: str = "healthy", schedule: Schedule = ON_DEMAND, *, history: timedelta = timedelta(0)
) -> tuple[World, str]:
    world = small_world()
    return world, world.add_integration("production", "users", behaviour=behaviour, schedule=schedule, history=history)


def ask(world: World, path: str, query: str = "", *, key: str | None = KEY, now: datetime | None = None) -> Answer:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return handle(world, now or world.now, "GET", path, query, headers)


def ask_status(world: World, integration_id: str, query: str = "", **how: Any) -> Answer:
    return ask(world, f"/cdi/integrations/{integration_id}/job_sync_status", query, **how)


def ask_list(world: World, query: str = "", **how: Any) -> Answer:
    return ask(world, "/cdi/integrations", query, **how)


def results(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer
    page = json.loads(answer.body)
    assert page["message"] == "success"
    found: list[Any] = page["results"]
    return found


def finished_syncs(world: World, integration_id: str, count: int) -> None:
    """Let *count* syncs start and finish, a minute apart, beginning with the world's present."""
    for _ in range(count):
        world.start_sync(integration_id, duration=SECOND)
        world.advance(world.now + MINUTE)
