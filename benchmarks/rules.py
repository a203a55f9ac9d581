"""
What do the shipped rules cost a Prometheus? One evaluation of all of them, with a page of synthetic series on loopback.

The page has every family of the catalogue for every integration, unchanging; some integrations have a problem, and in
one more run all have, because the figures in the texts of alerts are looked up for each alert that is active. What
Prometheus itself reports as the time of a group is read, and the least of several evaluations counts: whatever else the
machine does only adds to it. Groups with an interval of their own are evaluated as often as the others, and counted as
seldom as they are in production.

Run `python -m benchmarks.rules`; `--against FOLDER` measures other rules too, such as those of an older version.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import promql_parser
import yaml

from benchmarks.report import replace_section
from exporter.metrics.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "deploy" / "prometheus" / "rules"
PLACES = (os.environ.get("PATH", ""), str(ROOT / ".tools" / "components" / "bin"))
PER_WORKSPACE = 100
EVERY_SECONDS = 30
"""Between two evaluations in production, where a group does not say otherwise."""
PROBLEMS = ("failing", "overdue", "stuck", "running_long", "rows_failed", "behind", "success_too_old", "slow")
STATUSES = ("success", "running", "partial", "error", "config_error", "limit_exceeded", "unknown")
THRESHOLDS = 'max_lag="2h",max_run="45m"'
"""Labels of the configuration, which older rules read limits from."""


def page(integrations: int, with_problem: int) -> bytes:
    """Text of every family for *integrations*, the first *with_problem* of which have a problem."""
    now = time.time()
    lines = [f'braze_cdi_exporter_polls_total{{workspace="w{n}"}} 1' for n in range(integrations // PER_WORKSPACE)]
    for number in range(integrations):
        workspace = number // PER_WORKSPACE
        own = f'workspace="w{workspace}",integration_id="id-{number:012d}",integration_name="users {number}"'
        for family in CATALOGUE:
            value = now - number % 60 if "timestamp" in family.name else int("failed" not in family.name)
            if family.name == "braze_cdi_problem":
                continue
            if "status" in family.labels:
                lines += [f'{family.name}{{{own},status="{status}"}} {int(status == "success")}' for status in STATUSES]
            elif family.name == "braze_cdi_integration_info":
                lines.append(f'{family.name}{{{own},integration_type="USER",team="crm",{THRESHOLDS}}} 1')
            else:
                more = "".join(f',{label}="active"' for label in family.labels)
                lines.append(f"{family.name}{{{own}{more}}} {value}")
        if number < with_problem:
            kind = PROBLEMS[number % len(PROBLEMS)]
            lines.append(f'braze_cdi_problem{{{own},problem="{kind}",severity="warning"}} 1')
    return "\n".join([*lines, ""]).encode()


@contextlib.contextmanager
def served(body: bytes) -> Iterator[str]:
    """Serve *body* on a free port of loopback; gives host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def prometheus(folder: Path, rules: Path, target: str, pause: int, scrape: int = 0) -> Iterator[str]:
    """Run Prometheus with *rules*, each group every *pause* seconds, scraping every *scrape*; gives its address."""
    for file in rules.glob("*.rules.yml"):
        document = yaml.safe_load(file.read_text())
        for group in document["groups"]:
            group.pop("interval", None)
        (folder / file.name).write_text(yaml.safe_dump(document, width=10_000))
    config = {
        "global": {"scrape_interval": f"{scrape or 6 * pause}s", "evaluation_interval": f"{pause}s"},
        "rule_files": [str(folder / "*.rules.yml")],
        "scrape_configs": [{"job_name": "braze-cdi-exporter", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    program = shutil.which("prometheus", path=os.pathsep.join(PLACES))
    if program is None:
        raise SystemExit("prometheus is missing: make components fetches it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as process:
        try:
            yield f"http://{address}"
        finally:
            process.terminate()


def asked(url: str, path: str) -> Any:
    with urlopen(f"{url}/api/v1/{path}", timeout=30) as answer:
        return json.load(answer)["data"]


def wait_for_series(url: str, integrations: int) -> None:
    """Wait until one scrape is in."""
    query = quote('count(braze_cdi_up{job="braze-cdi-exporter"})')
    for _ in range(120):
        with contextlib.suppress(OSError):
            result = asked(url, f"query?query={query}")["result"]
            if result and int(result[0]["value"][1]) == integrations:
                return
        time.sleep(1)
    raise TimeoutError("Prometheus has not scraped the page")


def measure(
    rules: Path, integrations: int, with_problem: int, rounds: int, pause: int
) -> tuple[float, dict[str, float], int]:
    """Return the seconds every thirty that all rules take, those of each group, and how many alerts were active."""
    intervals = {
        group["name"]: promql_parser.parse_duration(group.get("interval", f"{EVERY_SECONDS}s")).total_seconds()
        for file in rules.glob("*.rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
    }
    times: dict[str, list[float]] = {name: [] for name in intervals}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(page(integrations, with_problem)) as target,
        prometheus(Path(folder), rules, target, pause) as url,
    ):
        wait_for_series(url, integrations)
        time.sleep(4 * pause)  # alerts have become active, and recorded series are there
        for _ in range(rounds):
            time.sleep(pause)
            groups = asked(url, "rules")["groups"]
            for group in groups:
                times[group["name"]].append(group["evaluationTime"])
        active = sum(len(rule.get("alerts", ())) for group in groups for rule in group["rules"])
    costs = {name: min(times[name]) * EVERY_SECONDS / intervals[name] for name in intervals}
    return sum(costs.values()), costs, active


def table(integrations: int, against: Path | None, rounds: int, pause: int) -> str:
    few = integrations // 50
    runs = [("shipped", SHIPPED, few), ("shipped, everything wrong", SHIPPED, integrations)]
    if against:
        runs.append((str(against.name), against, few))
    lines = [
        f"{integrations:,} integrations, every {EVERY_SECONDS} s; {os.cpu_count()} CPUs; the least of {rounds}.",
        "",
        "| rules | with a problem | active alerts | seconds an evaluation | of which the costliest group |",
        "|---|--:|--:|--:|---|",
    ]
    totals = []
    for name, rules, with_problem in runs:
        total, costs, active = measure(rules, integrations, with_problem, rounds, pause)
        totals.append(total)
        worst = max(costs, key=lambda group: costs[group])
        lines.append(f"| {name} | {with_problem:,} | {active:,} | {total:.2f} | {worst}: {costs[worst]:.2f} |")
    if against:
        lines += ["", f"The shipped rules take {totals[0] / totals[-1]:.2f} of the time of those in {against.name}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--integrations", type=int, default=5_000)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="rules to compare with")
    parser.add_argument("--rounds", type=int, default=7, help="evaluations that are looked at")
    parser.add_argument("--pause", type=int, default=5, metavar="SECONDS", help="between two evaluations")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    text = table(arguments.integrations, arguments.against, arguments.rounds, arguments.pause)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/rules.py", text)


if __name__ == "__main__":
    main()
