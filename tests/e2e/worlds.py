"""Simulated worlds for processes, and the configuration files with which an operator would watch them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from exporter.braze.endpoints import Endpoint
from exporter.simulator.schedule import ON_DEMAND
from exporter.simulator.style import Style
from tests.world import World

STATUS_PERMISSION = "cdi.integration_job_status"
AMPLE = 6000
"""Requests a minute: no rate limit is felt."""
AMPLE_LIMITS = {Endpoint.JOB_SYNC_STATUS: AMPLE, Endpoint.INTEGRATIONS: AMPLE}


class HeldClock:
    """The clock of a simulated world, which a test stops and lets go on, so that it can compare in peace."""

    def __init__(self) -> None:
        self._behind = timedelta(0)
        self._held_at: datetime | None = None

    def now(self) -> datetime:
        return self._held_at or datetime.now(UTC) - self._behind

    def monotonic(self) -> float:
        return self.now().timestamp()

    def hold(self) -> None:
        """Stop the world's time."""
        self._held_at = self.now()

    def release(self) -> None:
        """Let it go on from where it stopped."""
        assert self._held_at is not None, "it is not held"
        self._behind = datetime.now(UTC) - self._held_at
        self._held_at = None


def quiet_world(*workspaces: str) -> World:
    """Return a world in which each workspace has one integration with one sync in its past and nothing to come."""
    world = World(7, datetime.now(UTC), style=Style(fraction_digits=3))
    for name in workspaces:
        world.add_workspace(name, permissions=[STATUS_PERMISSION], limits=AMPLE_LIMITS)
        key = world.add_integration(name, "users", integration_id=f"id-of-{name}", schedule=ON_DEMAND)
        world.start_sync(key, duration=timedelta(0), word="success", rows_synced=100)
    return world


def finish_sync(world: World, key: str, **outcome: Any) -> None:
    """Let one more sync begin and finish, at least a millisecond after the one before."""
    world.advance(world.now + timedelta(milliseconds=1))
    world.start_sync(key, duration=timedelta(0), **outcome)


def workspace_entry(world: World, name: str, url: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of one workspace with all its integrations; *more* replaces what it says."""
    workspace = world.workspaces[name]
    entry = {
        "name": name,
        "rest_endpoint": url,
        "api_key": next(iter(workspace.keys)),
        "rate_limit": {"job_sync_status": AMPLE, "integrations": AMPLE},
        "integrations": [{"id": key, "name": world.integrations[key].name} for key in workspace.integrations],
    }
    return {**entry, **more}


def write_config(
    directory: Path, workspaces: Sequence[Mapping[str, Any]], *, history: str = "90d", **poll: Any
) -> Path:
    """Write `config.yaml` into *directory*: it polls every second, unless *poll* says otherwise."""
    path = directory / "config.yaml"
    document = {
        "poll": {"interval": "1s", "timeout": "10s", **poll},
        "history": history,
        "workspaces": [dict(each) for each in workspaces],
    }
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return path
