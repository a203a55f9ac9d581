"""
The stack of deploy/compose.yaml is started by its one command, and an alert of the demo arrives at the receiver.

Prometheus and Alertmanager are Debian's, under the names that the file pulls, with the shipped files mounted as they
are. Grafana's image cannot be had without a registry: it alone is not started here.
"""

import json
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.heavy.engine import Engine
from tests.deploy.heavy.programs import ROOT, run, wait_until

NEEDS = ("debootstrap", "dockerd", "docker-compose")

FILE = ROOT / "deploy" / "compose.yaml"
PACKAGES = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
STAND_IN = """
ARG BASE
FROM ${BASE}
ARG PACKAGE
ARG PROGRAM
RUN apt-get update -qq && apt-get install -qq --yes --no-install-recommends "${PACKAGE}"
RUN ln -s "/usr/bin/${PACKAGE}" /bin/program && install -d -o 65534 -g 65534 "/${PROGRAM}"
USER 65534:65534
ENTRYPOINT ["/bin/program"]
"""
LONGEST_WAY_OF_AN_ALERT = 240  # seconds: a scrape, an evaluation, the group's wait, and patience


class Stack:
    def __init__(self, docker: Engine, ports: dict[str, int]) -> None:
        self._docker = docker
        self.ports = ports

    def compose(self, *arguments: str, limit: float = 300) -> str:
        environ = {**self._docker.environ, **{f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}}
        command = ["docker-compose", "--no-ansi", "--project-name", "cdi-stack", "--file", str(FILE), *arguments]
        return run(*command, limit=limit, environ=environ).stdout

    def get(self, service: str, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def answers(self, service: str, path: str) -> bool:
        try:
            return bool(self.get(service, path))
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        found = json.loads(self.get("prometheus", "/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        return list(found["data"]["result"])


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: each.getsockname()[1] for name, each in sockets.items()}
    for each in sockets.values():
        each.close()
    return ports


@pytest.fixture(scope="module")
def stack(docker: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    services = yaml.safe_load(FILE.read_text())["services"]
    folder = tmp_path_factory.mktemp("stand-in")
    (folder / "Dockerfile").write_text(STAND_IN)
    for program, package in PACKAGES.items():
        arguments = {"BASE": base, "PROGRAM": program, "PACKAGE": package}
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        docker.docker("build", "--network=host", *given, "--tag", services[program]["image"], folder, limit=600)
    stack = Stack(docker, free_ports(("exporter", "prometheus", "alertmanager", "grafana")))
    try:
        stack.compose("up", "--detach", "--no-build", *(name for name in services if name != "grafana"))
        yield stack
    finally:
        stack.compose("down", "--volumes")


def test_everything_of_it_is_up_and_finds_each_other(stack: Stack) -> None:
    wait_until(lambda: stack.answers("exporter", "/-/ready"), limit=60, what="the exporter is ready")
    wait_until(lambda: stack.answers("prometheus", "/-/ready"), limit=60, what="Prometheus is ready")
    wait_until(lambda: stack.answers("alertmanager", "/-/ready"), limit=60, what="Alertmanager is ready")
    wait_until(lambda: stack.query('up{job="braze-cdi-exporter"} == 1'), limit=90, what="the exporter is scraped")
    groups = json.loads(stack.get("prometheus", "/api/v1/rules"))["data"]["groups"]
    shipped = [
        group["name"]
        for rules in (ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml")
        for group in yaml.safe_load(rules.read_text())["groups"]
    ]
    assert sorted(group["name"] for group in groups) == sorted(shipped)


def test_an_alert_of_the_demo_arrives_at_the_receiver(stack: Stack, tell: Callable[[str], None]) -> None:
    def arrived() -> list[str]:
        log = stack.compose("logs", "--no-color", "receiver")
        return re.findall(r"\| ([\w-]+: firing: BrazeCDI\w+): ", log)

    seconds = wait_until(arrived, limit=LONGEST_WAY_OF_AN_ALERT, what="a firing alert arrives")
    version = json.loads(stack.get("prometheus", "/api/v1/status/buildinfo"))["data"]["version"]
    tell(
        f"compose with Prometheus {version}: {', '.join(sorted(set(arrived())))} at the receiver after {seconds:.0f} s"
    )


def test_every_container_still_runs_and_is_confined(stack: Stack, docker: Engine) -> None:
    containers = [docker.inspect(each) for each in stack.compose("ps", "--quiet").split()]
    assert len(containers) == 4
    for container in containers:
        assert container["State"]["Running"], container["Name"]
        assert container["RestartCount"] == 0
        assert container["HostConfig"]["ReadonlyRootfs"]
        assert container["HostConfig"]["CapDrop"] == ["ALL"]
