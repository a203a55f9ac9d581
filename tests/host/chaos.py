"""
Faults of Braze, host, disk, clock and visitors at once, against the installed command, and in the end the truth.

`python -m tests.host.chaos --seconds 3600 --seed 7` goes on for as long as one likes. What a seed draws is the same
every time, what the machine makes of it is not. A fault that may cost a sync by contract is left out: a process that is
killed while its disk is full, and a page that is hidden for longer than a walk is tried.
"""

import argparse
import contextlib
import os
import re
import resource
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

from tests.e2e.command import STOP_SECONDS, Daemon, wait_for
from tests.e2e.lives import Scraper, build_world, scraping, watched_in
from tests.e2e.scraping import ask, peek
from tests.e2e.verdict import Verdict
from tests.e2e.worlds import HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.simulation.timeline import HARMLESS_FAULTS, HICCUPS, PAGE_FAULTS

INTERVAL = "500ms"
DESCRIPTORS = 96
ABSENCE_SECONDS = 25.0
SLOW = frozenset(
    {"http_401", "http_403", "http_404", "http_429", "html_429", "throttle_far_reset", "throttle_past_reset"}
)
"""After these the next request comes after a minute or more."""
FAULTS = [(name, None) for name in (*sorted({*PAGE_FAULTS} - SLOW), *HARMLESS_FAULTS)] + [*HICCUPS]
LATER_HICCUPS = [(name, page) for name, page in HICCUPS if page]
CLOCK = """
import time, types
from pathlib import Path
import exporter.clock
offset = Path(__file__).with_name("clock-offset")
exporter.clock.time = types.SimpleNamespace(time=lambda: time.time() + float(offset.read_text()))
"""
"""Of the process alone: a test may not step the machine's."""
VISITS = (
    b"",
    b"GET /metrics HT",
    b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
    b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00" + b"\xff" * 300,
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4000,
)
LINE = re.compile(r"ts=\S+ level=(debug|info|warn|error) msg=.*")


@dataclass
class Chaos:
    """One run, in *directory*."""

    directory: Path
    random: Random
    braze: SimulatedBraze
    daemon: Daemon
    scraper: Scraper
    visitors: contextlib.ExitStack
    done: Counter[str] = field(default_factory=Counter)

    def run(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        actions: list[tuple[Callable[[], None], int]] = [
            (self.fault, 12),
            (self.lasting_fault, 3),
            (self.kill, 2),
            (self.long_absence, 1),
            (self.restart, 1),
            (self.freeze, 2),
            (self.full_disk, 1),
            (self.step_clock, 2),
            (self.reload, 2),
            (self.reload_nonsense, 1),
            (self.crowd, 3),
        ]
        acts, weights = zip(*actions, strict=True)
        while monotonic() < deadline:
            act = self.random.choices(acts, weights)[0]
            act()
            self.done[act.__name__] += 1
            sleep(self.random.uniform(0, 0.5))

    def fault(self) -> None:
        """One to three answers go wrong."""
        name, page = self.random.choice(FAULTS)
        target = self.random.choice(list(self.braze.world.integrations))
        hiccup = (name, page) in HICCUPS
        times = 1 if hiccup else self.random.randint(1, 3)
        self.add_fault(name, page, target, times)

    def add_fault(self, name: str, page: int | None, integration_id: str, times: int) -> None:
        self.braze.call(lambda world: world.faults.add(name, integration_id=integration_id, page=page, times=times))

    def lasting_fault(self) -> None:
        """A workspace, its list included, cannot be read for some seconds."""
        name = self.random.choice(["http_500", "html_502", "hang", "reset", "cut_json"])
        workspace = self.random.choice(list(self.braze.world.workspaces))
        fault = self.braze.call(lambda world: world.faults.add(name, workspace=workspace))
        sleep(self.random.uniform(0.5, 3))
        self.braze.call(lambda world: world.faults.remove(fault))

    def kill(self) -> None:
        self._die(self.daemon.kill)

    def long_absence(self) -> None:
        """What has finished meanwhile fills pages, and one of them hides some of it."""

        def leave() -> None:
            self.daemon.kill()
            sleep(ABSENCE_SECONDS)
            for target in list(self.braze.world.integrations):
                self.add_fault(*self.random.choice(LATER_HICCUPS), target, 1)

        self._die(leave)

    def restart(self) -> None:
        """Stop it as a service manager does."""

        def stop() -> None:
            code, seconds = self.daemon.stop()
            assert (code, seconds < STOP_SECONDS) == (0, True), f"{code} after {seconds:.1f} s"

        self._die(stop)

    def freeze(self) -> None:
        """The machine has no time for it."""
        os.kill(self.daemon.pid, signal.SIGSTOP)
        sleep(self.random.uniform(0.1, 1))
        os.kill(self.daemon.pid, signal.SIGCONT)

    def full_disk(self) -> None:
        """No file can grow for a while; then the state is on disk again within ten seconds."""
        _, hard = resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (0, hard))
        sleep(self.random.uniform(0.5, 3))
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))
        port = self.daemon.port
        wait_for("on disk again", lambda: peek(port, "braze_cdi_exporter_state_persistent") == [1], 15)

    def step_clock(self) -> None:
        self._set_clock(self.random.uniform(-2, 2) * 86_400)
        sleep(self.random.uniform(0.2, 2))
        self._set_clock(0)

    def reload(self) -> None:
        self.configure(self.random.choice(["400ms", INTERVAL, "700ms"]))
        os.kill(self.daemon.pid, signal.SIGHUP)

    def reload_nonsense(self) -> None:
        (self.directory / "config.yaml").write_text("workspaces: {")
        os.kill(self.daemon.pid, signal.SIGHUP)
        sleep(self.random.uniform(0, 0.5))
        self.reload()

    def crowd(self) -> None:
        """Visitors who say nothing, half of something, or nonsense, and do not read."""
        self.visitors.close()
        for _ in range(self.random.randint(5, 40)):
            visitor = self.visitors.enter_context(socket.socket())
            visitor.settimeout(1)
            with contextlib.suppress(OSError):
                visitor.connect(("127.0.0.1", self.daemon.port))
                visitor.sendall(self.random.choice(VISITS))

    def configure(self, interval: str) -> None:
        world = self.braze.world
        entries = [workspace_entry(world, name, self.braze.url) for name in world.workspaces]
        write_config(self.directory, entries, interval=interval, timeout="2s")

    def calm(self) -> None:
        """End everything."""
        self.visitors.close()
        self.braze.call(lambda world: world.faults.clear())
        self.reload()

    def _die(self, end: Callable[[], object]) -> None:
        self.scraper.port = None
        self.configure(INTERVAL)  # a start must be able to read it
        end()
        self.daemon.start()
        self.scraper.port = self.daemon.port

    def _set_clock(self, offset: float) -> None:
        path = self.directory / "clock-offset"
        path.with_suffix(".new").write_text(str(offset))
        path.with_suffix(".new").replace(path)


def open_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def run_chaos(directory: Path, seed: int, seconds: float) -> Counter[str]:
    """Let chaos reign, and hold what the exporter has made of it against the truth; return what was done."""
    clock = HeldClock()
    clock.hold()
    world = build_world(seed, clock.now())
    watched = watched_in(world)
    (directory / "sitecustomize.py").write_text(CLOCK)
    (directory / "clock-offset").write_text("0")
    wrapper = ("sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh")
    with SimulatedBraze(world, clock=clock) as braze:
        verdict = Verdict(braze, watched, learns=True)
        daemon = Daemon(directory, env={"PYTHONPATH": str(directory)}, wrapper=wrapper)
        entries = [workspace_entry(world, name, braze.url) for name in world.workspaces]
        write_config(directory, entries, interval=INTERVAL, timeout="2s")
        with daemon:
            wait_for("all are up", lambda: peek(daemon.port, "braze_cdi_up") == [1] * len(watched))
            verdict.note_first_sight()
            verdict.settle(daemon.port)
            clock.release()
            with scraping(daemon) as scraper, contextlib.ExitStack() as visitors:
                scraper.port = daemon.port
                chaos = Chaos(directory, Random(seed), braze, daemon, scraper, visitors)
                chaos.run(seconds)
                chaos.calm()
                clock.hold()
                verdict.settle(daemon.port)
            assert scraper.wrong == []
            assert ask(daemon.port, "/-/healthy").status == 200
            wait_for("descriptors come back", lambda: open_descriptors(daemon.pid) < DESCRIPTORS / 2)
            odd = [line for line in daemon.stderr.splitlines() if not LINE.fullmatch(line)]
            assert odd == []
            assert daemon.stop()[0] == 0
            return chaos.done


def main() -> int:
    """Run as long as one asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.host.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        done = run_chaos(Path(directory), arguments.seed, arguments.seconds)
    print(f"0 differences after {done}")  # noqa: T201 - for the person at the terminal
    return 0


if __name__ == "__main__":
    sys.exit(main())
