"""
The stage: a simulated Braze, exporters as processes, a real road from them to alerts, Alertmanager, and a receiver.

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
from tests.e2e.command import Daemon
from tests.faults import Fault as Mutation
from tests.simulated import SimulatedBraze
from tests.stack.cast import ELSEWHERE, PLACES, SYNCS, TWIN, WAYS, build_world, configuration, places_of
from tests.stack.copies import EVALUATION_SECONDS, local_routes, shipped_routes, write_rules
from tests.stack.programs import alertmanager, free_port
from tests.stack.receiver import Inbox, receiver
from tests.stack.roads import Opening, Road, by_prometheus
from tests.world import World
from tools.dashboards.prometheus import Prometheus

EXPORTERS = (TWIN, SYNCS, WAYS, ELSEWHERE)
"""In the order in which they start: one of each cluster first, for a cluster without any is an alert."""


class Stage:
    """Made by `stage`; *prometheus* answers queries, *inbox* holds what has arrived."""

    def __init__(self, folder: Path, braze: SimulatedBraze, alertmanager_url: str) -> None:
        self.braze = braze
        self.folder = folder
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in EXPORTERS}
        self.prometheus_config = self._prometheus_config(alertmanager_url)
        self.prometheus = Prometheus("")
        self.road = Road("", lambda _: None)
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
        for name in EXPORTERS:
            if place in {each.name for each in places_of(name)}:
                (self.folder / name / f"{place}.key").write_text(key)

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

    # What goes wrong on the way to Prometheus

    def hide(self, *workspaces: str) -> None:
        """Let the series of these workspaces' integrations be dropped before Prometheus keeps them, and no others."""
        (scrape,) = self.prometheus_config["scrape_configs"]
        scrape["metric_relabel_configs"] = [
            {
                "source_labels": ["__name__", "workspace"],
                "regex": f"(braze_cdi_up|braze_cdi_integration_info);{workspace}",
                "action": "drop",
            }
            for workspace in workspaces
        ]
        self.road.configure(self.prometheus_config)

    def enter(self, name: str, stack: ExitStack) -> None:
        daemon = Daemon(self.folder / name, "--config.auto-reload-interval=0s", address=self.addresses[name])
        self._daemons[name] = stack.enter_context(daemon)

    def _prometheus_config(self, alertmanager_url: str) -> dict[str, Any]:
        interval = f"{EVALUATION_SECONDS}s"
        targets = [
            {
                "targets": [address],
                # Two clusters, and pods of the same name in both.
                "labels": {
                    "cluster": "two" if name == TWIN else "one",
                    "namespace": "braze",
                    "instance": self.addresses[ELSEWHERE if name == TWIN else name],
                },
            }
            for name, address in self.addresses.items()
        ]
        return {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(write_rules(self.folder / "rules"))],
            "scrape_configs": [{"job_name": "braze-cdi-exporter", "static_configs": targets}],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager_url.removeprefix("http://")]}]}]
            },
        }


@contextmanager
def stage(folder: Path, opening: Opening = by_prometheus) -> Iterator[Stage]:
    """Raise the curtain on everything but the exporters; they are entered by `Stage.enter`."""
    with (
        SimulatedBraze(build_world()) as braze,
        receiver() as (receiver_url, inbox),
        alertmanager(folder, local_routes(shipped_routes(), receiver_url)) as alertmanager_url,
    ):
        built = Stage(folder, braze, alertmanager_url)
        with opening(folder, built.prometheus_config) as road:
            built.road, built.prometheus, built.inbox = road, Prometheus(road.url), inbox
            yield built
