"""
Nothing is lost and nothing is counted twice, and no scrape ever sees a counter go back, however often the process dies.

The process is killed at random moments of its life, its start included, while syncs finish every second and a scraper
watches. In the end, and only then, the world stands still, and every sample must be what really happened.
"""

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import sleep

from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import Schedule, every, on_arrival
from exporter.simulator.style import Style
from exporter.simulator.world import World
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.truth import Watching
from tests.e2e.verdict import Verdict
from tests.e2e.worlds import AMPLE_LIMITS, STATUS_PERMISSION, HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze

SEED = 20260101
KILLS = 50
EARLY_SHARE = 5
"""One kill in so many comes before the process listens."""
LATEST_SECONDS = 0.6
"""After it listens."""
STARTING_SECONDS = 0.8
"""So long, at most, does the life of one last that is killed early."""
SHORT = Scale(seconds=(0, 1), rows=(50, 5000))
PAST = timedelta(minutes=1)
CHARACTERS: tuple[tuple[str, str, str, Schedule], ...] = (
    ("production", "users", "healthy", every(seconds=2)),
    ("production", "loyalty", "failing_twice", every(seconds=2)),
    ("production", "limits", "limit_exceeded", every(seconds=3)),
    ("production", "refunds", "silent_stop", every(seconds=4)),
    ("production", "catalog", "running_too_long", every(seconds=5)),
    ("europe", "events_s3", "event_driven", on_arrival(timedelta(seconds=1))),
    ("europe", "newsletter", "partly_failing", every(seconds=2)),
    ("europe", "visits", "future_watermark", every(seconds=3)),
)
_COUNTER = re.compile(r"^(braze_cdi_\w+_total\{[^}]*integration_id=[^}]*\}) (\S+)$", re.MULTILINE)


@dataclass
class Scraper:
    """Scrapes without pause, whoever serves, and notes what no scrape may see."""

    daemon: Daemon
    seen: dict[str, float]
    """The highest value of each counter, from the first scrape on."""
    scrapes: int = 0
    port: int | None = None
    wrong: list[str] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    """The processes that have counted something."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._stop.wait(0.01):
            port = self.port
            if port is None:
                continue
            try:
                page = ask(port, "/metrics").text
            except (OSError, http.client.HTTPException):
                continue  # it has been killed, perhaps in mid-answer
            self._compare(counters(page))

    def _compare(self, page: Mapping[str, float]) -> None:
        self.scrapes += 1
        for key, before in self.seen.items():
            now = page.get(key)
            if now is None or now < before:
                self.wrong.append(f"{key} was {before}, then {now}")
            elif now > before:
                self.seen[key] = now
                self.moved.add(self.daemon.pid)

    def stop(self) -> None:
        self._stop.set()


def counters(page: str) -> dict[str, float]:
    return {key: float(value) for key, value in _COUNTER.findall(page)}


@contextmanager
def scraping(daemon: Daemon) -> Iterator[Scraper]:
    scraper = Scraper(daemon, counters(ask(daemon.port, "/metrics").text))
    thread = threading.Thread(target=scraper.run)
    thread.start()
    try:
        yield scraper
    finally:
        scraper.stop()
        thread.join()


def build_world(now: datetime) -> World:
    world = World(SEED, now, style=Style(fraction_digits=3))
    world.add_workspace("production", limits=AMPLE_LIMITS)
    world.add_workspace("europe", limits=AMPLE_LIMITS, permissions=[STATUS_PERMISSION])
    for workspace, name, behaviour, schedule in CHARACTERS:
        world.add_integration(workspace, name, behaviour=behaviour, schedule=schedule, scale=SHORT, history=PAST)
    return world


def unexpected(log: str) -> list[str]:
    """Return what the processes complain about, but for failing syncs and the permission that one key has not."""
    of_syncs = ('msg="problem began"', 'msg="problem changed"')
    complaints = [line for line in log.splitlines() if not any(each in line for each in ("level=info", *of_syncs))]
    return [line for line in complaints if "the key lacks the permission cdi.integration_list" not in line]


def live_and_die(daemon: Daemon, scraper: Scraper, random: Random) -> None:
    """Start the process, let it live for a while, and kill it."""
    daemon.start()
    if random.randrange(EARLY_SHARE) == 0:
        sleep(random.uniform(0, STARTING_SECONDS))
    else:
        scraper.port = daemon.port
        sleep(random.uniform(0, LATEST_SECONDS))
    daemon.kill()
    scraper.port = None


def test_counters_survive_any_kill(tmp_path: Path) -> None:
    clock = HeldClock()
    clock.hold()
    world = build_world(clock.now())
    watched = [
        Watching(each.workspace, key, each.name, listed=each.workspace == "production")
        for key, each in world.integrations.items()
    ]
    random = Random(SEED)
    with SimulatedBraze(world, clock=clock) as braze:
        entries = [workspace_entry(world, name, braze.url) for name in world.workspaces]
        write_config(tmp_path, entries, interval="500ms")
        verdict = Verdict(braze, watched, learns=True)
        with Daemon(tmp_path) as daemon:
            wait_for("all are up", lambda: peek(daemon.port, "braze_cdi_up") == [1] * len(watched))
            verdict.note_first_sight()
            verdict.settle(daemon.port)
            clock.release()
            with scraping(daemon) as scraper:
                daemon.kill()
                for _ in range(KILLS):
                    live_and_die(daemon, scraper, random)
                clock.hold()
                daemon.start()
                scraper.port = daemon.port
                verdict.settle(daemon.port)
            assert scraper.wrong == []
            assert scraper.scrapes > KILLS
            assert len(scraper.moved) > KILLS / 5, "too few of the lives have brought anything new"
            assert peek(daemon.port, "braze_cdi_exporter_state_persistent") == [1]
            assert unexpected(daemon.stderr) == []
