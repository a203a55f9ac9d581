"""
The demo and a real Prometheus with the shipped rules, on free loopback ports, ended by their process ids.

Prometheus scrapes the one exporter under two names, as if two exporters watched the same Braze: whatever is shown must
not care. The demo configures no labels, so Prometheus adds some, as an operator's configuration would.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from tests.stack.programs import ROOT, START_SECONDS, prometheus, running

RULES = ROOT / "deploy" / "prometheus" / "rules"


@contextlib.contextmanager
def demo_stack(folder: Path) -> Iterator[str]:
    """Run both until the block ends; gives the address of Prometheus."""
    with demo(folder) as target, prometheus(folder, _config(target)) as url:
        yield url


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Run the demo until the block ends; gives host and port."""
    with running(folder / "exporter.log", _demo_command()) as exporter:
        yield f"127.0.0.1:{_port_in(folder / 'exporter.log', exporter)}"


def _demo_command() -> list[str]:
    return [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"]


def _config(target: str) -> dict[str, object]:
    of_info = {"source_labels": ["__name__"], "regex": "braze_cdi_integration_info"}
    of_workspace = {"source_labels": ["__name__"], "regex": "braze_cdi_exporter_workspace_info"}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{RULES}/*.rules.yml"],
        "scrape_configs": [
            {
                "job_name": "braze-cdi-exporter",
                "static_configs": [{"targets": [target], "labels": {"instance": name}} for name in ("one", "two")],
                "metric_relabel_configs": [
                    {**of_info, "target_label": "team", "replacement": "crm"},
                    {**of_workspace, "target_label": "dashboard_url", "replacement": "https://dashboard-03.braze.com"},
                ],
            }
        ],
    }


def _port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = monotonic() + START_SECONDS
    while not (listening := re.search(r"listening address=127\.0\.0\.1:(\d+)", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert monotonic() < deadline, log.read_text()
        sleep(0.05)
    return int(listening[1])
