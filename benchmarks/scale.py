"""
What do 10,000 integrations in 100 workspaces cost, in real time and over sockets?

The simulated Braze is a process of its own; the exporter is the installed command, discovering everything. After all
integrations have been seen once it polls for some time without a scrape, which shows what a request to Braze costs, and
then for some minutes with a scrape every 15 seconds, as Prometheus asks for it (gzip) and plainly. Everything is on
loopback, and what is started is stopped by its process id. Run `python -m benchmarks.scale`; `--write
benchmarks/README.md` puts the table there.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.report import replace_section
from exporter.clock import SystemClock
from exporter.simulator.serve import BrazeApp, BrazeServer, listen
from tests.fleets import build_fleet

SEED = 4
SCRAPE_EVERY_SECONDS = 15
VISITS = 9
LONGEST_START_SECONDS = 600
TICKS = os.sysconf("SC_CLK_TCK")


def simulate(workspaces: int, integrations_each: int, tell: Connection) -> None:
    """Serve a fleet, and tell port and keys."""
    world = build_fleet(SEED, datetime.now(UTC), workspaces=workspaces, integrations_each=integrations_each)
    keys = {name: next(iter(workspace.keys)) for name, workspace in world.workspaces.items()}
    listener = listen()
    tell.send((listener.getsockname()[1], keys))
    asyncio.run(BrazeServer(BrazeApp(world, SystemClock())).serve(sockets=[listener]))


def configuration(port: int, keys: dict[str, str], history: str) -> str:
    endpoint = f"http://127.0.0.1:{port}"
    workspaces = "".join(
        f"  - {{name: {name}, rest_endpoint: '{endpoint}', api_key: {key}, discovery: {{enabled: true}}}}\n"
        for name, key in keys.items()
    )
    return f"history: {history}\nworkspaces:\n{workspaces}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(port: int, path: str, *, gzip: bool = False) -> tuple[float, bytes]:
    """Return the seconds it took, and the body."""
    headers = {"Accept-Encoding": "gzip"} if gzip else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        body = answer.read()
    return time.perf_counter() - began, body


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int, field: str) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def wait_for_all(port: int, wanted: int) -> float:
    """Wait until every integration has been polled; return the seconds it took."""
    began = time.perf_counter()
    while time.perf_counter() - began < LONGEST_START_SECONDS:
        time.sleep(2)
        try:
            _, page = fetch(port, "/metrics")
        except OSError:
            continue
        if page.count(b"\nbraze_cdi_up{") >= wanted:
            return time.perf_counter() - began
    raise SystemExit(f"not all of {wanted} integrations were polled within {LONGEST_START_SECONDS} s")


@contextlib.contextmanager
def simulated(workspaces: int, integrations_each: int, history: str = "90d") -> Iterator[tuple[Path, int]]:
    """Yield a folder with the configuration of a simulated Braze, which is a process of its own, and a free port."""
    ours, theirs = multiprocessing.Pipe()
    braze = multiprocessing.Process(target=simulate, args=(workspaces, integrations_each, theirs), daemon=True)
    braze.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            braze_port, keys = ours.recv()
            Path(folder, "config.yaml").write_text(configuration(braze_port, keys, history))
            yield Path(folder), free_port()
    finally:
        braze.kill()


def measure(workspaces: int, integrations_each: int, history: str, *, minutes: float, scrape_every: float) -> str:
    with simulated(workspaces, integrations_each, history) as (folder, port):
        program = str(Path(sys.executable).parent / "braze-cdi-exporter")
        command = [program, f"--web.listen-address=127.0.0.1:{port}"]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as exporter:
            try:
                integrations = workspaces * integrations_each
                return observe(exporter.pid, port, integrations, workspaces, minutes=minutes, scrape_every=scrape_every)
            finally:
                exporter.terminate()


def observe(pid: int, port: int, integrations: int, workspaces: int, *, minutes: float, scrape_every: float) -> str:
    start_seconds = wait_for_all(port, integrations)
    start_cpu = cpu_seconds(pid)
    print(f"# all {integrations:,} integrations polled after {start_seconds:.0f} s", flush=True)
    a_request = request_milliseconds(pid, port, minutes * 60 / 4)
    plain: list[float] = []
    zipped: list[float] = []
    began, cpu_before = time.perf_counter(), cpu_seconds(pid)
    requests_before = count_requests(port)
    while time.perf_counter() - began < minutes * 60:
        time.sleep(scrape_every / 2)
        plain.append(fetch(port, "/metrics")[0])
        time.sleep(scrape_every / 2)
        zipped.append(fetch(port, "/metrics", gzip=True)[0])
    elapsed = time.perf_counter() - began
    cpu = (cpu_seconds(pid) - cpu_before) / elapsed
    requests = (count_requests(port) - requests_before) / elapsed
    size = len(fetch(port, "/metrics")[1]) / 1e6
    front, kilobytes = visit(port, "/")
    shown = fetch(port, "/?healthy=shown")[1].decode()
    deep, _ = visit(port, "/integrations/" + shown.partition('href="integrations/')[2].partition('"')[0])
    rows = [
        ("integrations, workspaces", f"{integrations:,} in {workspaces}"),
        ("until all were polled once", f"{start_seconds:.0f} s, {start_cpu:.0f} s of CPU"),
        ("measured for", f"{elapsed:.0f} s"),
        ("requests to Braze", f"{requests:.1f} a second"),
        ("CPU of a request to Braze and its answer", f"{a_request:.1f} ms"),
        ("CPU, scrapes included", f"{cpu:.2f} of a core"),
        ("resident memory, at its highest", f"{megabytes(pid, 'VmRSS'):.0f} MB, {megabytes(pid, 'VmHWM'):.0f} MB"),
        ("page", f"{size:.0f} MB"),
        ("scrape, median and slowest", f"{statistics.median(plain) * 1e3:.0f} ms, {max(plain) * 1e3:.0f} ms"),
        ("gzip scrape, median and slowest", f"{statistics.median(zipped) * 1e3:.0f} ms, {max(zipped) * 1e3:.0f} ms"),
        ("front page, median and slowest", f"{front}, {kilobytes:.0f} kB"),
        ("page of one integration, median and slowest", deep),
        ("Python, cores", f"{platform.python_version()}, {os.cpu_count()}"),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])


def visit(port: int, path: str) -> tuple[str, float]:
    """Return how long a page of the exporter takes, in words, and its kB."""
    answers = [fetch(port, path) for _ in range(VISITS)]
    seconds = [taken for taken, _ in answers]
    return f"{statistics.median(seconds) * 1e3:.0f} ms, {max(seconds) * 1e3:.0f} ms", len(answers[0][1]) / 1e3


def request_milliseconds(pid: int, port: int, seconds: float) -> float:
    """Return the CPU of a poll or a page of the list, with all that follows from it, while nobody scrapes."""
    requests = count_requests(port)
    cpu = cpu_seconds(pid)
    time.sleep(seconds)
    used = cpu_seconds(pid) - cpu
    return used * 1e3 / max(1.0, count_requests(port) - requests)


def count_requests(port: int) -> float:
    _, page = fetch(port, "/metrics")
    lines = (line for line in page.decode().splitlines() if line.startswith("braze_cdi_exporter_api_requests_total"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=int, default=100)
    parser.add_argument("--integrations-each", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--history", default="90d", help="0 reads none: what it costs at rest, without learning")
    parser.add_argument("--scrape-every", type=float, default=SCRAPE_EVERY_SECONDS, metavar="SECONDS")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    text = measure(
        arguments.workspaces,
        arguments.integrations_each,
        arguments.history,
        minutes=arguments.minutes,
        scrape_every=arguments.scrape_every,
    )
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/scale.py", text)


if __name__ == "__main__":
    main()
