"""
The stage: a simulated Braze, three exporters as processes, the real Prometheus and Alertmanager, and a receiver.

It can do what goes wrong for real: switch the simulator's problems, kill a process, break a file. It does not know why.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from os import kill as send_signal
from pathlib import Path
from signal import SIGHUP
from typing import Any

import yaml

from exporter.braze.endpoints import Endpoint
from exporter.simulator.faults import Fault as Mutation
from exporter.simulator.world import World
from tests.e2e.command import Daemon
from tests.simulated import SimulatedBraze
from tests.stack.cast import ELSEWHERE, PLACES, SYNCS, WAYS, build_world, configuration
from tests.stack.copies import EVALUATION_SECONDS, local_routes, shipped_routes, write_rules
from tests.stack.programs import alertmanager, free_port, prometheus
from tests.stack.receiver import Inbox, receiver
from tools.dashboards.prometheus import Prometheus

EXPORTERS = (SYNCS, WAYS, ELSEWHERE)


class Stage:
    """Made by `stage`; *prometheus* answers queries, *inbox* holds what has arrived."""

    def __init__(self, folder: Path, braze: SimulatedBraze) -> None:
        self.braze = braze
        self.folder = folder
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in EXPORTERS}
        self.prometheus = Prometheus("")
        self.inbox = Inbox()
        self._configurations = {name: configuration(name, braze.url) for name in EXPORTERS}
        self._daemons: dict[str, Daemon] = {}
        self._mutations: dict[str, Mutation] = {}
        for name in EXPORTERS:
            (folder / name).mkdir()
            self._write_configuration(name)
        for place in PLACES:
            self.write_key(place.name, f"key-of-{place.name}")

    @property
    def world(self) -> World:
        return self.braze.world

    # What goes wrong with Braze

    def switch(self, problem: str, target: str) -> None:
        self.braze.call(lambda world: world.switch(problem, target))

    def clear(self, problem: str, target: str) -> None:
        self.braze.call(lambda world: world.clear(problem, target))

    def remove(self, integration_id: str) -> None:
        self.braze.call(lambda world: world.remove_integration(integration_id))

    def mutate(
        self, where: str, fault: str, *, workspace: str, endpoint: Endpoint | None, integration_id: str | None
    ) -> None:
        """Let answers be distorted until `set_right` is called with the same *where*."""
        self._mutations[where] = self.braze.call(
            lambda world: world.faults.add(fault, workspace=workspace, endpoint=endpoint, integration_id=integration_id)
        )

    def set_right(self, where: str) -> None:
        mutation = self._mutations.pop(where)
        self.braze.call(lambda world: world.faults.remove(mutation))

    # What goes wrong with exporters

    def start(self, *names: str) -> None:
        for name in names:
            self._daemons[name].start()

    def kill(self, *names: str) -> None:
        """Give the processes no time to tidy up."""
        for name in names:
            self._daemons[name].kill()

    def lose_state(self, name: str) -> None:
        """Put something in the place of a running exporter's state folder that no folder can be made from."""
        shutil.rmtree(self.folder / name / "data")
        (self.folder / name / "data").write_text("")

    def give_state_back(self, name: str) -> None:
        """Let the exporter make a folder anew, which it does within seconds."""
        (self.folder / name / "data").unlink()

    def write_key(self, place: str, key: str) -> None:
        (exporter,) = {each.exporter for each in PLACES if each.name == place}
        (self.folder / exporter / f"{place}.key").write_text(key)

    def configure(self, name: str, text: str | None = None) -> None:
        """Write a running exporter's configuration, *text* or the right one, and have it read."""
        self._write_configuration(name, text)
        send_signal(self._daemons[name].pid, SIGHUP)

    def take_out(self, name: str, actor: str) -> None:
        """Take an integration out of a running exporter's configuration."""
        for workspace in self._configurations[name]["workspaces"]:
            workspace["integrations"] = [each for each in workspace["integrations"] if each["name"] != actor]
        self.configure(name)

    def _write_configuration(self, name: str, text: str | None = None) -> None:
        right = yaml.safe_dump(deepcopy(self._configurations[name]))  # a copy: YAML would name what is shared
        (self.folder / name / "config.yaml").write_text(right if text is None else text)

    def enter(self, name: str, stack: ExitStack) -> None:
        daemon = Daemon(self.folder / name, "--config.auto-reload-interval=0s", address=self.addresses[name])
        self._daemons[name] = stack.enter_context(daemon)

    def prometheus_config(self, alertmanager_url: str) -> dict[str, Any]:
        interval = f"{EVALUATION_SECONDS}s"
        return {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(write_rules(self.folder / "rules"))],
            "scrape_configs": [
                {
                    "job_name": "braze-cdi-exporter",
                    "static_configs": [{"targets": list(self.addresses.values())}],
                }
            ],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager_url.removeprefix("http://")]}]}]
            },
        }


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Raise the curtain on everything but the exporters; they are entered by `Stage.enter`."""
    with (
        SimulatedBraze(build_world()) as braze,
        receiver() as (receiver_url, inbox),
        alertmanager(folder, local_routes(shipped_routes(), receiver_url)) as alertmanager_url,
    ):
        built = Stage(folder, braze)
        with prometheus(folder, built.prometheus_config(alertmanager_url)) as url:
            built.prometheus, built.inbox = Prometheus(url), inbox
            yield built
