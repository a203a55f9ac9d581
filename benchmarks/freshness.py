"""
How fresh is what we show, and what does it cost Braze? This exporter and the plain method, in virtual time.

Both watch the same simulated workspace with realistic schedules (five minutes to daily, on demand, S3) within the same
rate budget. Plain: ask every integration's own endpoint, evenly, at the configured interval or as often as the budget
allows. Freshness is the time from a sync's finish to the first view that has it. Run `python -m
benchmarks.freshness`; `--write benchmarks/README.md` puts the table there.
"""

import argparse
import asyncio
import io
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import replace_section
from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.ledger import Ledger
from exporter.domain.model import Sync
from exporter.domain.rate_limit import WINDOW_SECONDS, RateLimiter
from exporter.domain.settings import DiscoverySettings, WorkspaceSettings
from exporter.domain.view import View
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.walk import Walker
from exporter.poller.workspace import WorkspacePoller
from exporter.state.store import MemoryStore
from tests.fleets import build_fleet
from tests.virtual_braze import VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

SIZES = (20, 100, 500, 2000)
START = datetime(2026, 1, 5, tzinfo=UTC)
WARM_UP = timedelta(minutes=60)
MEASURED = timedelta(hours=4)
INTERVAL_SECONDS = 60.0
SEED = 4
HISTORY = timedelta(days=90)
HISTORY_RUNS = 200
"""About as many syncs of each of 500 integrations as the budget lets be read until the measurement ends."""
READ_BY = 500
"""Integrations with a history, at the most: the simulated past of more takes gigabytes."""
READING = "exporter, reading 90 days"


@dataclass
class Observer:
    """Notes when each finished sync is first shown."""

    clock: VirtualClock
    shown: dict[tuple[str, datetime], datetime] = field(default_factory=dict)

    def publish(self, view: View) -> None:
        self.note(view.integration.integration_id, view.history)

    def withdraw(self, workspace: str, integration_id: str) -> None:
        """Nothing to note."""

    def note(self, integration_id: str, syncs: tuple[Sync, ...]) -> None:
        for sync in syncs:
            if sync.finished:
                self.shown.setdefault((integration_id, sync.sync_start_time), self.clock.now())


@dataclass(frozen=True)
class Result:
    method: str
    integrations: int
    finished: int
    seen: int
    median_seconds: float
    p99_seconds: float
    requests: int

    @property
    def per_sync(self) -> float:
        return self.requests / self.finished


def watch_with_exporter(
    _world: World, api: Api, observer: Observer, _clock: VirtualClock, history: timedelta = timedelta(0)
) -> Any:
    settings = WorkspaceSettings(
        "workspace-000",
        "https://simulated",
        discovery=DiscoverySettings(enabled=True),
        history_seconds=history.total_seconds(),
    )
    page: Any = observer
    return WorkspacePoller(
        settings=settings,
        api=api,
        store=MemoryStore(),
        page=page,
        self_metrics=SelfMetrics(),
        log=build_log("error", "logfmt", io.StringIO()),
    ).loops.run()


async def watch_plainly(world: World, api: Api, observer: Observer, clock: VirtualClock) -> None:
    """Ask one integration after the other, evenly; three at a time at most are slow to answer."""
    ids = sorted(world.integrations)
    walker = Walker(api, clock, 20, lambda _: None)
    ledgers: dict[str, Ledger | None] = dict.fromkeys(ids)
    round_seconds = max(INTERVAL_SECONDS, len(ids) * WINDOW_SECONDS / api.allowed(Endpoint.JOB_SYNC_STATUS))

    async def ask(integration_id: str) -> None:
        result = await walker.poll(integration_id, ledgers[integration_id], turn_taken=True)
        ledgers[integration_id] = result.ledger
        if result.ledger is not None:
            observer.note(integration_id, result.ledger.recent)

    under_way: set[asyncio.Task[None]] = set()
    turn = clock.monotonic()
    while True:
        for integration_id in ids:
            turn += round_seconds / len(ids)
            await asyncio.sleep(turn - clock.monotonic())
            await api.turn(Endpoint.JOB_SYNC_STATUS)
            task = asyncio.create_task(ask(integration_id))
            under_way.add(task)
            task.add_done_callback(under_way.discard)


METHODS: dict[str, Callable[..., Any]] = {
    "exporter": watch_with_exporter,
    READING: partial(watch_with_exporter, history=HISTORY),
    "plain": watch_plainly,
}


def measure(method: str, integrations: int) -> Result:
    async def main(clock: VirtualClock) -> Result:
        past = {"past_runs": HISTORY_RUNS} if method == READING else {}
        world = build_fleet(SEED, clock.now(), workspaces=1, integrations_each=integrations, **past)
        sender = VirtualSender(world, clock, next(iter(world.workspaces["workspace-000"].keys)), random.Random(SEED))
        now = clock.monotonic()
        api = Api(
            workspace="workspace-000",
            sender=sender,
            limiters={
                Endpoint.JOB_SYNC_STATUS: RateLimiter(100, 0.8, now),
                Endpoint.INTEGRATIONS: RateLimiter(50, 0.8, now),
            },
            clock=BrazeClock(clock),
            observer=SelfMetrics(),
        )
        observer = Observer(clock)
        watching = asyncio.ensure_future(METHODS[method](world, api, observer, clock))
        await asyncio.sleep(WARM_UP.total_seconds())
        began, sent_before = clock.now(), sender.sent
        await asyncio.sleep(MEASURED.total_seconds())
        ended, sent = clock.now(), sender.sent - sent_before
        # What finishes at the end of the window has time to be seen too; nothing is left out because it was slow.
        await asyncio.sleep(WARM_UP.total_seconds())
        watching.cancel()
        world.advance(clock.now())
        finished = [
            (key, sync.sync_start_time, sync.sync_finish_time)
            for key in world.integrations
            for sync in world.truth(key)
            if sync.finished and sync.sync_finish_time is not None and began <= sync.sync_finish_time < ended
        ]
        seen = [
            (observer.shown[key, start] - finish).total_seconds()
            for key, start, finish in finished
            if (key, start) in observer.shown
        ]
        cuts = statistics.quantiles(seen, n=100)
        return Result(method, integrations, len(finished), len(seen), statistics.median(seen), cuts[98], sent)

    return run(main, start=START)


def table(results: list[Result]) -> str:
    """Ratios are to the exporter's requests at the same size."""
    exporter = {r.integrations: r.per_sync for r in results if r.method == "exporter"}
    lines = [
        "| integrations | method | syncs | seen | freshness median | 99th percentile | requests a sync | ratio |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {r.integrations:,} | {r.method} | {r.finished:,} | {r.seen:,} | {r.median_seconds:.0f} s "
        f"| {r.p99_seconds:.0f} s | {r.per_sync:.2f} | {r.per_sync / exporter[r.integrations]:.2f} |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    results = []
    for size in arguments.sizes:
        for method in METHODS:
            if method == READING and size > READ_BY:
                continue
            began = time.perf_counter()
            results.append(measure(method, size))
            print(f"# {method}, {size} integrations: {time.perf_counter() - began:.0f} s to simulate", flush=True)
    print(table(results))
    if arguments.write:
        replace_section(arguments.write, "benchmarks/freshness.py", table(results))


if __name__ == "__main__":
    main()
