"""
The demo and a real Prometheus with the shipped rules, on free loopback ports, ended by their process ids.

Prometheus scrapes the one exporter under two names, as if two exporters watched the same Braze: whatever is shown must
not care. The demo configures no labels, so Prometheus adds some, as an operator's configuration would.
"""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import yaml

from tests.components import component

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules"
START_SECONDS = 30.0


@contextlib.contextmanager
def demo_stack(folder: Path) -> Iterator[str]:
    """Run both until the block ends; gives the address of Prometheus."""
    program = component("prometheus")
    with _running(folder / "exporter.log", _demo_command()) as exporter:
        target = f"127.0.0.1:{_port_in(folder / 'exporter.log', exporter)}"
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(target)))
        address = f"127.0.0.1:{_free_port()}"
        command = [
            str(program),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]
        with _running(folder / "prometheus.log", command) as prometheus:
            _wait_until_ready(f"http://{address}/-/ready", folder / "prometheus.log", prometheus)
            yield f"http://{address}"


def _demo_command() -> list[str]:
    return [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"]


def _config(target: str) -> dict[str, object]:
    of_info = {"source_labels": ["__name__"], "regex": "braze_cdi_integration_info"}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{RULES}/*.rules.yml"],
        "scrape_configs": [
            {
                "job_name": "braze-cdi-exporter",
                "static_configs": [{"targets": [target], "labels": {"instance": name}} for name in ("one", "two")],
                "metric_relabel_configs": [
                    {**of_info, "target_label": "max_lag", "replacement": "1h"},
                    {**of_info, "target_label": "team", "replacement": "crm"},
                ],
            }
        ],
    }


@contextlib.contextmanager
def _running(log: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = monotonic() + START_SECONDS
    while not (listening := re.search(r"listening address=127\.0\.0\.1:(\d+)", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert monotonic() < deadline, log.read_text()
        sleep(0.05)
    return int(listening[1])


def _wait_until_ready(url: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).status_code == httpx.codes.OK:
                return
        assert monotonic() < deadline, log.read_text()
        sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
