"""The compose file is valid, pinned, on loopback, and fits the shipped files it mounts. `make test-deploy` runs it."""

import io
import json
import re
import runpy
import subprocess
import sys
import threading
import urllib.request
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN_PORTS = {"demo": 10273, "prometheus": 9090, "alertmanager": 9093, "receiver": 9095, "grafana": 3000}
"""Where each service listens by itself or by its arguments."""


def test_it_is_valid_compose() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    schema = ("--builtin-schema", "vendor.compose-spec")
    run = subprocess.run([checker, *schema, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_an_old_docker_compose_takes_it_too() -> None:
    assert "name" not in COMPOSE


def test_every_image_is_of_a_whole_version() -> None:
    assert set(SERVICES) == set(OWN_PORTS)
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name


def test_all_ports_are_bound_to_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    published = [re.findall(r"^127\.0\.0\.1:\$\{\w+:-(\d+)\}:(\d+)$", port) for port in ports]
    wanted = [port for name, port in OWN_PORTS.items() if name != "receiver"]
    assert sorted(published) == sorted([(str(port), str(port))] for port in wanted)


def test_every_service_is_without_privileges() -> None:
    for service in SERVICES.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_shipped_files_find_each_other_on_the_shared_network() -> None:
    shared = {name for name, service in SERVICES.items() if service.get("network_mode") == "service:demo"}
    assert shared == set(SERVICES) - {"demo"}
    files = ["prometheus/prometheus.yml", "alertmanager/alertmanager.yml"]
    files += [str(path) for path in (DEPLOY / "grafana" / "provisioning").rglob("*.yaml")]
    found = {
        (address, int(port))
        for file in files
        for address, port in re.findall(r"^[^#\n]*?\b([\w.]+):(\d+)\b(?!:)", (DEPLOY / file).read_text(), re.MULTILINE)
    }
    assert found == {("127.0.0.1", port) for name, port in OWN_PORTS.items() if name != "grafana"}


def mounts(service: str) -> dict[str, Path]:
    """Where in the container which file or folder of ours is."""
    pairs = (mount.split(":") for mount in SERVICES[service]["volumes"])
    return {pair[1]: DEPLOY / pair[0] for pair in pairs if pair[0].startswith("./")}


def test_every_mount_exists_and_can_only_be_read() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source, *_, mode = mount.split(":")
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), (name, mount)
                assert mode == "ro", (name, mount)
            else:
                assert source in COMPOSE["volumes"], (name, mount)


def test_configuration_and_dashboards_are_where_the_programs_look() -> None:
    for service, option in {"prometheus": "--config.file=", "alertmanager": "--config.file="}.items():
        (folder,) = mounts(service)
        (config,) = (each.removeprefix(option) for each in SERVICES[service]["command"] if each.startswith(option))
        assert (mounts(service)[folder] / Path(config).relative_to(folder)).is_file()
    (provider,) = (DEPLOY / "grafana" / "provisioning" / "dashboards").glob("*.yaml")
    path = yaml.safe_load(provider.read_text())["providers"][0]["options"]["path"]
    dashboards = mounts("grafana")[path]
    assert list(dashboards.glob("*.json"))
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (dashboards / home.relative_to(path)).is_file()


def test_the_receiver_prints_one_line_for_each_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = runpy.run_path(str(DEPLOY / "compose" / "receiver.py"))["Receiver"]
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    alerts = [
        {"status": "firing", "labels": {"alertname": "One"}, "annotations": {"summary": "a name\nwith \x1b[31m in it"}},
        {"status": "resolved", "labels": {"alertname": "Two"}, "annotations": {}},
    ]
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/crm-page"
        with urllib.request.urlopen(url, json.dumps({"alerts": alerts}).encode(), timeout=5) as answer:
            assert answer.status == 200
        thread.join()
    assert printed.getvalue() == "crm-page: firing: One: a name with  [31m in it\ncrm-page: resolved: Two: \n"
