"""A world in which syncs finish every second, and a scraper that notes what no scrape may see while processes die."""

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import Schedule, every, on_arrival
from exporter.simulator.style import Style
from tests.e2e.command import Daemon
from tests.e2e.scraping import ask
from tests.e2e.truth import Watching
from tests.e2e.worlds import AMPLE_LIMITS, STATUS_PERMISSION
from tests.world import World

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


def build_world(seed: int, now: datetime) -> World:
    world = World(seed, now, style=Style(fraction_digits=3))
    world.add_workspace("production", limits=AMPLE_LIMITS)
    world.add_workspace("europe", limits=AMPLE_LIMITS, permissions=[STATUS_PERMISSION])
    for workspace, name, behaviour, schedule in CHARACTERS:
        world.add_integration(workspace, name, behaviour=behaviour, schedule=schedule, scale=SHORT, history=PAST)
    return world


def watched_in(world: World) -> list[Watching]:
    """Return what the exporter watches there: all."""
    return [
        Watching(each.workspace, key, each.name, listed=each.workspace == "production")
        for key, each in world.integrations.items()
    ]
