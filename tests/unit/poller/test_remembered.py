"""After a restart, what discovery had found is shown at once, under the same labels and with the same counters."""

import asyncio
import io
import random
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import DiscoverySettings, WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.simulator.schedule import every
from tests.stores import open_store
from tests.virtual_braze import VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

START = datetime(2026, 1, 1, tzinfo=UTC)


class Life:
    """One run of the exporter against *world*, with its accounts at *path*."""

    def __init__(self, world: World, clock: VirtualClock, path: Path) -> None:
        self_metrics = SelfMetrics()
        log = build_log("error", "logfmt", io.StringIO())
        self.clock = clock
        self.store = open_store(str(path), now=clock.now, report=self_metrics, log=log)
        self.page = Page(self_metrics)
        now = clock.monotonic()
        api = Api(
            workspace="w",
            sender=VirtualSender(world, clock, "key-of-w", random.Random(1)),
            limiters={
                Endpoint.JOB_SYNC_STATUS: RateLimiter(100, 0.8, now),
                Endpoint.INTEGRATIONS: RateLimiter(50, 0.8, now),
            },
            clock=BrazeClock(clock),
            observer=self_metrics,
        )
        self.poller = WorkspacePoller(
            settings=WorkspaceSettings("w", "https://simulated", discovery=DiscoverySettings(enabled=True)),
            api=api,
            store=self.store,
            page=self.page,
            self_metrics=self_metrics,
            log=log,
        )

    def lines(self) -> list[str]:
        """What a scrape shows of counters and properties."""
        page = b"".join(self.page.render(self.clock.now(), openmetrics=False).chunks).decode()
        shown = (
            "braze_cdi_syncs_total{",
            "braze_cdi_rows_synced_total{",
            "braze_cdi_integration_info{",
            "braze_cdi_problem{",
        )
        return sorted(line for line in page.splitlines() if line.startswith(shown))

    def begun(self) -> "Life":
        self.poller.loops.start()
        return self

    async def live(self, seconds: float) -> None:
        self.begun()
        await asyncio.sleep(seconds)
        self.poller.loops.halt()
        await self.poller.loops.ended()
        self.store.close()


def build_world(start: datetime) -> World:
    world = World(1, start)
    world.add_workspace("w")
    for name in ("users", "orders"):
        world.add_integration("w", name, schedule=every(minutes=5), history=timedelta(hours=1))
    return world


def test_a_restart_shows_what_discovery_had_found_before_braze_is_asked(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> tuple[list[str], list[str]]:
        world = build_world(clock.now())
        first = Life(world, clock, tmp_path)
        await first.live(1200)
        return first.lines(), Life(world, clock, tmp_path).begun().lines()

    before, after = run(main, start=START)
    assert any(line.startswith("braze_cdi_syncs_total") and not line.endswith(" 0") for line in before)
    assert after == before


def test_what_was_gone_before_the_restart_stays_gone(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> list[str]:
        world = build_world(clock.now())
        first = Life(world, clock, tmp_path)

        async def remove() -> None:
            await asyncio.sleep(600)
            world.remove_integration(next(iter(world.integrations)))

        both: tuple[Coroutine[Any, Any, None], ...] = (first.live(1200), remove())
        await asyncio.gather(*both)
        return Life(world, clock, tmp_path).begun().lines()

    lines = [line for line in run(main, start=START) if 'integration_name="users"' in line]
    assert [line.partition("{")[0] for line in lines] == ["braze_cdi_integration_info", "braze_cdi_problem"]
    assert 'problem="gone"' in lines[1]
