"""
A stage for what is learned: one workspace whose integrations have 60 days of past, an exporter that reads and learns
it, and the shipped rules and routes. Problems began in the simulated past, some hours or days before now.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import every
from exporter.simulator.style import Style
from tests.e2e.command import Daemon
from tests.e2e.worlds import AMPLE_LIMITS, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.stack.copies import local_routes, shipped_routes, write_rules
from tests.stack.programs import alertmanager, prometheus
from tests.stack.receiver import Alert, Inbox, receiver
from tests.world import World

WORKSPACE = "learned"
_PAST = timedelta(days=60)
_HOUR = timedelta(hours=1)
_SCALE = Scale(seconds=(40, 60), rows=(1800, 2200))


@dataclass(frozen=True)
class Role:
    """
    An integration that syncs every hour.

    Args:
        name: Of the integration.
        problem: Of the simulator; none for the one that must never raise an alert.
        since: How long ago it began; zero is after everything was learned.
        alert: Must arrive.
        settings: Of its configuration.

    """

    name: str
    problem: str = ""
    since: timedelta = timedelta(0)
    alert: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


ROLES = (
    Role("fine"),
    Role("few", "few_rows", 8 * _HOUR, "BrazeCDIRowsLow"),
    Role("many", "many_rows", 60 * _HOUR, "BrazeCDIRowsHigh"),
    Role("slow", "slow", 8 * _HOUR, "BrazeCDISyncsSlow"),
    # The data gets old too, which is critical and would hold this alert back.
    Role("again", "boundary_resync", 4 * _HOUR, "BrazeCDIRowsSyncedAgain", {"limits": {"lag": "off"}}),
    Role("unscheduled", "unscheduled", timedelta(0), "BrazeCDIUnscheduled"),
)
LEARNED_ALERTS = {role.alert for role in ROLES if role.problem}


@dataclass(frozen=True)
class LearnedStage:
    braze: SimulatedBraze
    daemon: Daemon
    prometheus_url: str
    inbox: Inbox

    def switch(self, role: Role) -> None:
        """Let the problem begin now."""
        self.braze.call(lambda world: world.switch(role.problem, id_of(role)))

    def arrived(self, role: Role) -> bool:
        return Alert(role.alert, WORKSPACE, role.name) in self.inbox.arrived()


def id_of(role: Role) -> str:
    return f"{role.name}-of-{WORKSPACE}"


@contextmanager
def learned_stage(folder: Path) -> Iterator[LearnedStage]:
    """Run everything until the block ends."""
    world = _build_world()
    (folder / "exporter").mkdir()
    with (
        SimulatedBraze(world) as braze,
        receiver() as (receiver_url, inbox),
        alertmanager(folder, local_routes(shipped_routes(), receiver_url)) as alertmanager_url,
    ):
        settings = {id_of(role): role.settings for role in ROLES}
        entry = workspace_entry(world, WORKSPACE, braze.url)
        entry["integrations"] = [{**each, **settings[each["id"]]} for each in entry["integrations"]]
        write_config(folder / "exporter", [entry])
        with Daemon(folder / "exporter", "--config.auto-reload-interval=0s") as daemon:
            config = _prometheus_config(folder, daemon.port, alertmanager_url)
            with prometheus(folder, config) as url:
                yield LearnedStage(braze, daemon, url, inbox)


def _build_world() -> World:
    now = datetime.now(UTC)
    world = World(3, now - _PAST, style=Style(fraction_digits=3))
    world.add_workspace(WORKSPACE, limits=AMPLE_LIMITS)
    for role in ROLES:
        world.add_integration(
            WORKSPACE,
            role.name,
            integration_id=id_of(role),
            # The latest sync is half an hour old, and none starts while the test looks.
            schedule=every(hours=1, phase=_HOUR / 2),
            scale=_SCALE,
        )
    for role in sorted(ROLES, key=lambda role: -role.since):
        if role.since:
            world.advance(now - role.since)
            world.switch(role.problem, id_of(role))
    world.advance(now)
    return world


def _prometheus_config(folder: Path, port: int, alertmanager_url: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(write_rules(folder / "rules"))],
        "scrape_configs": [{"job_name": "braze-cdi-exporter", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager_url.removeprefix("http://")]}]}]},
    }
