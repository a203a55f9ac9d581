"""
What do a start, a restart and the whole status as JSON cost, and how long does nobody get an answer meanwhile?

A small exporter first, beside prometheus-client's own server with no metrics, and with `--peers` beside exporters in
Go and Rust that show one integration: from the process's begin to the first scrape. Then 10,000 integrations in 100
workspaces: started with nothing, and again on the state that is left. A probe asks `/-/healthy` every 50 ms, and a
scrape is made every five seconds, but not while the JSON is being made. Everything is on loopback, and what is started
is stopped by its process id. Run `python -m benchmarks.start`; `--write benchmarks/README.md` puts the table there.
"""

import argparse
import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.page_servers import CatalogueCollector, views
from benchmarks.peer_build import LIBRARIES, build
from benchmarks.report import replace_section
from benchmarks.scale import LONGEST_START_SECONDS, cpu_seconds, fetch, free_port, megabytes, simulated

PROBE_EVERY_SECONDS = 0.05
SCRAPE_EVERY_SECONDS = 5.0
SCRAPED = "/metrics"
GZIP = 31
"""zlib's `wbits` for it."""
EXPORTER = str(Path(sys.executable).parent / "braze-cdi-exporter")
AS_INSTALLED = "import sys; sys.modules['rich'] = None; from exporter.__main__ import main; main()"
"""Without what only developers have: structlog imports rich where it finds it, for a seventh of the start."""
CLIENT = "import sys, time, prometheus_client as p; p.start_http_server(int(sys.argv[1]), '127.0.0.1'); time.sleep(999)"
SMALL = """
workspaces:
  - name: production
    rest_endpoint: http://127.0.0.1:9
    api_key: not-a-real-key
    integrations: [{id: 00000000-0000-0000-0000-000000000000}]
"""


@dataclass
class Probes:
    """Asks `/-/healthy` as often as it may, and scrapes now and then, in threads of their own."""

    port: int
    began: float = field(default_factory=time.perf_counter)
    first: dict[str, float] = field(default_factory=dict)
    """Seconds from the begin to the first answer, by path."""
    slowest: dict[str, float] = field(default_factory=dict)
    """Of those after the first."""
    page: bytes = b""
    """The latest scrape, still compressed."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, path: str, every: float) -> None:
        while not self._stop.is_set():
            asked = time.perf_counter()
            with contextlib.suppress(OSError):
                seconds, body = fetch(self.port, path, gzip=True)
                if path in self.first:
                    self.slowest[path] = max(seconds, self.slowest.get(path, 0.0))
                self.first.setdefault(path, time.perf_counter() - self.began)
                if path == SCRAPED:
                    self.page = body
            pause = every if path in self.first else PROBE_EVERY_SECONDS
            self._stop.wait(max(0.0, asked + pause - time.perf_counter()))

    @contextlib.contextmanager
    def running(self, *, scrapes: bool = True) -> Iterator["Probes"]:
        paths = {"/-/healthy": PROBE_EVERY_SECONDS, **({SCRAPED: SCRAPE_EVERY_SECONDS} if scrapes else {})}
        threads = [threading.Thread(target=self.ask, args=one) for one in paths.items()]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def wait_for_all(self, wanted: int) -> None:
        """Wait for a scrape that shows every integration as polled; one more would be measured too."""
        seen = b""
        until = time.perf_counter() + LONGEST_START_SECONDS
        while time.perf_counter() < until:
            if self.page is not seen:
                seen = self.page
                page = zlib.decompress(seen, wbits=GZIP)
                begin = page.find(b"# TYPE braze_cdi_up ")  # to count in all of it would hold up the probes
                if page.count(b"\nbraze_cdi_up{", begin, page.find(b"# HELP", begin)) >= wanted:
                    return
            time.sleep(PROBE_EVERY_SECONDS)
        raise SystemExit(f"not all of {wanted} integrations were polled within {LONGEST_START_SECONDS} s")


@contextlib.contextmanager
def started(command: list[str], folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[int]:
    nowhere = subprocess.DEVNULL
    pipe = subprocess.PIPE  # never written to; some end with it
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=pipe, stdout=nowhere, stderr=nowhere) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def first_scrape(command: list[str], port: int, folder: Path) -> tuple[float, float, float]:
    """Seconds, CPU and memory from a process's begin to its first answer; with bytecode, as packages are installed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    began = time.perf_counter()
    with started(command, folder, environ) as pid:
        while True:
            with contextlib.suppress(OSError):
                fetch(port, "/metrics")
                return time.perf_counter() - began, cpu_seconds(pid), megabytes(pid, "VmHWM")
            time.sleep(0.005)


def small(rounds: int, *, with_peers: bool) -> Iterator[str]:
    """The start of a small exporter beside its peers, in turns."""
    built = {name: build(language) for name, language in LIBRARIES.items() if with_peers}
    registry = CollectorRegistry()
    registry.register(CatalogueCollector(views(1)))
    measured: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.yaml").write_text(SMALL)
        Path(folder, "page").write_bytes(generate_latest(registry))
        for number in range(rounds + 1):
            port = free_port()
            commands = {
                "exporter": [
                    sys.executable,
                    "-c",
                    AS_INSTALLED,
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--storage.path=",
                ],
                "prometheus-client": [sys.executable, "-c", CLIENT, str(port)],
                **{name: [str(program), "page", str(port)] for name, program in built.items() if program},
            }
            for name, command in commands.items():
                first = first_scrape(command, port, Path(folder))
                if number:  # the one before them makes the bytecode
                    measured.setdefault(name, []).append(first)
    for name, runs in measured.items():
        seconds, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        yield row(f"{name}: first scrape after", f"{seconds * 1e3:.0f} ms, {cpu:.2f} s of CPU, {memory:.0f} MB")


def large(workspaces: int, integrations_each: int) -> Iterator[str]:
    with simulated(workspaces, integrations_each) as (folder, port):
        command = [EXPORTER, f"--web.listen-address=127.0.0.1:{port}"]
        for what in ("cold start", "restart"):
            probes = Probes(port)
            with started(command, folder) as pid:
                with probes.running():
                    probes.wait_for_all(workspaces * integrations_each)
                    cpu = cpu_seconds(pid)
                yield from told(what, probes, cpu)
                if what == "restart":
                    yield from status_json(port, pid)


def told(what: str, probes: Probes, cpu: float) -> Iterator[str]:
    healthy, page = probes.first["/-/healthy"], probes.first[SCRAPED]
    yield row(f"{what}: first answer of `/-/healthy`, of `/metrics`", f"{healthy:.2f} s, {page:.2f} s")
    slowest = (f"{probes.slowest.get(path, 0.0) * 1e3:.0f} ms" for path in ("/-/healthy", SCRAPED))
    yield row(f"{what}: slowest of `/-/healthy`, of gzip scrapes, after that", ", ".join(slowest))
    yield row(f"{what}: CPU until all were polled", f"{cpu:.1f} s")


def status_json(port: int, pid: int) -> Iterator[str]:
    before, cpu = megabytes(pid, "VmRSS"), cpu_seconds(pid)
    probes = Probes(port)
    with probes.running(scrapes=False):
        seconds, body = fetch(port, "/api/v1/status", gzip=True)
    took, more = cpu_seconds(pid) - cpu, megabytes(pid, "VmRSS") - before
    yield row("whole status as JSON, gzip", f"{seconds:.1f} s, {took:.1f} s of CPU, {len(body) / 1e6:.1f} MB")
    yield row("memory that stays after it", f"{more:.0f} MB")
    yield row("slowest `/-/healthy` meanwhile", f"{probes.slowest.get('/-/healthy', 0.0) * 1e3:.0f} ms")


def row(what: str, value: str) -> str:
    return f"| {what} | {value} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=int, default=100)
    parser.add_argument("--integrations-each", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9, help="starts of each small server")
    parser.add_argument("--peers", action="store_true", help="build and start exporters in Go and Rust too")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    fleet = f"{arguments.workspaces * arguments.integrations_each:,} in {arguments.workspaces}"
    lines = ["| what | measured |", "|---|---|", row("integrations, workspaces", fleet)]
    lines += small(arguments.rounds, with_peers=arguments.peers)
    lines += large(arguments.workspaces, arguments.integrations_each)
    load = os.getloadavg()[0]
    lines.append(row("Python, cores, load at the end", f"{platform.python_version()}, {os.cpu_count()}, {load:.1f}"))
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/start.py", text)


if __name__ == "__main__":
    main()
