"""
How well does the daemon stand silent peers, visitors who do not read, guessers, a full disk and an early signal?

The installed command is put into each of these places in turn, on loopback, and asked for its pages meanwhile as
Prometheus and people do. `tests/host` holds the bounds; here is what they come to. What is started is stopped by its
process id. Run `python -m benchmarks.host`; `--write benchmarks/README.md` puts the table there.
"""

import argparse
import contextlib
import io
import os
import platform
import resource
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import bcrypt

from benchmarks.report import replace_section
from benchmarks.scale import megabytes
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import peek, sample, scrape
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.host.test_guessing import COST, ask, guessing
from tests.host.test_silent_braze import silent_workspace
from tests.simulated import SimulatedBraze

START_SECONDS = (0.1, 0.2, 0.3, 0.5, 1.0)
ROOM_IN_A_SOCKET = 4096


def silent_peers(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    with socket.socket() as listening, SimulatedBraze(quiet_world("production")) as braze:
        listening.bind(("127.0.0.1", 0))
        listening.listen(4096)  # the system takes connections, and nobody else does
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        silent = [silent_workspace(number, url) for number in range(count)]
        write_config(folder, [*silent, workspace_entry(braze.world, "production", braze.url)], timeout="20s")
        with Daemon(folder) as daemon:
            port, began = daemon.port, time.monotonic()
            labels = {"workspace": "production", "integration_id": "id-of-production", "integration_name": "users"}
            wanted, scrapes = sample("braze_cdi_rows_synced_total", **labels), list[float]()

            def polled() -> bool:
                asked = time.monotonic()
                found = scrape(port).get(wanted)
                scrapes.append(time.monotonic() - asked)
                return found is not None

            wait_for("the healthy one is polled", polled)
            yield f"{count} workspaces with a silent Braze: the healthy one polled after", _s(time.monotonic() - began)
            yield "slowest scrape meanwhile", _ms(max(scrapes))


def deaf_visitors(folder: Path, count: int, integrations: int) -> Iterator[tuple[str, str]]:
    with SimulatedBraze(quiet_world("production")) as braze:
        listed = [{"id": "id-of-production", "name": "users"}]
        listed += [
            {"id": f"{number:04d}-{'i' * 90}", "name": f"integration {number}"} for number in range(integrations)
        ]
        entry = workspace_entry(braze.world, "production", braze.url, integrations=listed)
        write_config(folder, [entry], history="0", interval="1m")
        with Daemon(folder) as daemon:
            port = daemon.port
            for path in ("/metrics", "/api/v1/status", "/?healthy=shown"):
                size = len(_read(port, path))
                before, most = megabytes(daemon.pid, "VmRSS"), 0.0
                with contextlib.ExitStack() as clients:
                    for _ in range(count):
                        client = clients.enter_context(socket.socket())
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_IN_A_SOCKET)
                        client.connect(("127.0.0.1", port))
                        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                        most = max(most, megabytes(daemon.pid, "VmRSS"))
                    began = time.monotonic()
                    _read(port, path)
                    took = time.monotonic() - began
                    most = max(most, megabytes(daemon.pid, "VmRSS"))
                what = f"{count} visitors who never read {path} ({size / 1e6:.1f} MB)"
                yield f"{what}: one who reads has it after", f"{_s(took)}, {most - before:.0f} MB more"


def guessers(folder: Path) -> Iterator[tuple[str, str]]:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(COST)).decode()
    (folder / "web.yaml").write_text(f"basic_auth_users:\n  ann: {hashed}\n")
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(folder, [workspace_entry(braze.world, "production", braze.url)])
        with Daemon(folder, "--web.config.file", "web.yaml") as daemon:
            port = daemon.port
            with guessing(port, "127.0.0.66", "ann") as answers:
                began, before = time.monotonic(), len(answers)
                status = ask(port, "127.0.0.8", "ann", "secret", "/metrics")
                took = time.monotonic() - began
                time.sleep(1)
                rate = (len(answers) - before) / (time.monotonic() - began)
    yield f"{rate:.0f} guesses a second for a user: the user's scrape", f"{status} after {_ms(took)}"


def full_disk(folder: Path) -> Iterator[tuple[str, str]]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(folder, [workspace_entry(braze.world, "production", braze.url)])
        with Daemon(folder) as daemon:
            port = daemon.port
            wait_for("on disk", lambda: peek(port, "braze_cdi_exporter_state_persistent") == [1])
            _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (0, hard))
            braze.call(lambda world: finish_sync(world, "id-of-production", word="success", rows_synced=1))
            wait_for("the disk is full", lambda: peek(port, "braze_cdi_exporter_state_persistent") == [0])
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))
            began = time.monotonic()
            wait_for("on disk again", lambda: peek(port, "braze_cdi_exporter_state_persistent") == [1])
            yield "a full disk has room again: the state is on it after", _s(time.monotonic() - began)


def early_signals(folder: Path) -> Iterator[tuple[str, str]]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(folder, [workspace_entry(braze.world, "production", braze.url)])
        ends = []
        for pause in START_SECONDS:
            with Daemon(folder) as daemon:
                time.sleep(pause)
                ends.append(daemon.stop())
    seconds = [took for _, took in ends]
    codes = ", ".join(sorted({str(code) for code, _ in ends}))
    yield "SIGTERM 0.1 to 1 s after the start: ended after", f"{_ms(median(seconds))}, exit code {codes}"


def _read(port: int, path: str) -> bytes:
    """Return a page, asked for again while all places are taken."""
    found: list[bytes] = []

    def read() -> bool:
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
            if answer.startswith(b"HTTP/1.1 200"):
                found.append(answer)
        return bool(found)

    wait_for(f"{path} answers", read)
    return found[0]


def _s(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silent", type=int, default=110, help="workspaces whose Braze says nothing")
    parser.add_argument("--visitors", type=int, default=200, help="who never read")
    parser.add_argument("--integrations", type=int, default=3000, help="on the page that nobody reads")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    parts: list[Callable[[Path], Iterator[tuple[str, str]]]] = [
        lambda folder: silent_peers(folder, arguments.silent),
        lambda folder: deaf_visitors(folder, arguments.visitors, arguments.integrations),
        guessers,
        full_disk,
        early_signals,
    ]
    lines = ["| what | measured |", "|---|---|"]
    for part in parts:
        # What the daemon logs is shown at its end, for a test that fails.
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            lines += [f"| {what} | {value} |" for what, value in part(Path(folder))]
    load = os.getloadavg()[0]
    lines.append(f"| Python, cores, load at the end | {platform.python_version()}, {os.cpu_count()}, {load:.1f} |")
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/host.py", text)


if __name__ == "__main__":
    main()
