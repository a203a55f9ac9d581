"""
What does it cost to learn what is normal for a whole fleet?

Pasts of four habits, a thousand syncs each, are put into a state file; then all are learned from, as the daemon does:
loaded, learned in a thread of its own, kept. Meanwhile a page of the fleet is rendered every tenth of a second, as a
scrape would; the longest is compared with the longest while nothing is learned. Run as `python -m benchmarks.learning`.
"""

import argparse
import asyncio
import io
import os
import platform
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.report import replace_section
from exporter.domain.integration_state import IntegrationState, Watch
from exporter.domain.learned import Learned, learn_past
from exporter.domain.limits import Sensitivity
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.past import Run, to_moment, to_sync
from exporter.domain.settings import PollSettings
from exporter.domain.view import build_view
from exporter.log import build_log
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.learned_codec import encode_learned
from exporter.state.sqlite import FILE_NAME, SqliteStore
from exporter.worker import Worker
from tests.stores import open_store

INTEGRATIONS, SYNCS = 10_000, 1_000
GAPS = {"every 15 minutes": 900, "hourly": 3600, "every six hours": 21_600, "daily": 86_400}
_END = 1_790_000_000
_HISTORY_DAYS = 90
_REST = 3.0
_SCRAPE_EVERY = 0.1


def past(gap: int, number: int) -> list[Sync]:
    """Return the syncs of 90 days, at most SYNCS of them."""
    random, count = Random(f"{gap} {number}"), min(SYNCS, _HISTORY_DAYS * 86_400 // gap)
    runs = []
    for back in range(count, 0, -1):
        start = _END - back * gap + random.randrange(60)
        rows, took = int(1000 * random.lognormvariate(0, 0.3)), int(120 * random.lognormvariate(0, 0.2))
        runs.append(Run(start, SyncStatus.SUCCESS, took, 60, rows, 0))
    return [to_sync(run) for run in runs]


def build(store: SqliteStore, integrations: int) -> int:
    """Put a fleet into the store, and return how many syncs that are."""
    patterns = [past(gap, number) for number in range(5) for gap in GAPS.values()]
    for number in range(integrations):
        store.add_to_past("w", f"integration {number:05}", patterns[number % len(patterns)])
    return sum(len(patterns[number % len(patterns)]) for number in range(integrations))


async def learn_all(store: SqliteStore, integrations: int, page: Page) -> tuple[float, float, float, list[Learned]]:
    """Return seconds of work and of all, the longest scrape in seconds, and what was learned."""
    worker, learned, worked = Worker("learning"), list[Learned](), 0.0
    ended = asyncio.Event()
    scrapes = asyncio.create_task(scrape_until(ended, page))
    began, at = time.monotonic(), to_moment(_END)
    for number in range(integrations):
        key, before = f"integration {number:05}", time.monotonic()
        runs = store.load_past("w", key).past

        def work(runs: Any = runs) -> tuple[Learned, bytes]:
            one = learn_past(runs.runs, at, Sensitivity.MEDIUM)
            return one, encode_learned(one, "")

        one, kept = await worker.run(work)
        store.keep_learned("w", key, kept, at)
        learned.append(one)
        took = time.monotonic() - before
        worked += took
        await asyncio.sleep(min(took * _REST, 0.002))  # the daemon rests longer; this would take hours
    ended.set()
    return worked, time.monotonic() - began, await scrapes, learned


async def scrape_until(ended: asyncio.Event, page: Page) -> float:
    """Render the page again and again; return how long the longest took, waiting for its turn included."""
    longest = 0.0
    while not ended.is_set():
        due = time.monotonic() + _SCRAPE_EVERY
        await asyncio.sleep(_SCRAPE_EVERY)
        render(page)
        longest = max(longest, time.monotonic() - due)
    return longest


def render(page: Page) -> None:
    b"".join(page.render(datetime.now(UTC), {}, openmetrics=False).chunks)


async def idle(page: Page, seconds: float) -> float:
    ended = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, ended.set)
    return await scrape_until(ended, page)


def resident() -> float:
    """Return the memory in use now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(integrations: int) -> str:
    page, now = Page(SelfMetrics()), to_moment(_END)
    for number in range(integrations):
        watch = Watch(Integration("w", f"integration {number:05}", f"integration {number:05}"), PollSettings())
        page.publish(build_view(IntegrationState(now), watch))
    with tempfile.TemporaryDirectory() as folder:
        log = build_log("error", "logfmt", io.StringIO())
        store = open_store(folder, now=lambda: now, report=SelfMetrics(), log=log)
        syncs = build(store, integrations)
        quiet = asyncio.run(idle(page, 3.0))
        before, cpu = resident(), time.process_time()
        worked, _, longest, learned = asyncio.run(learn_all(store, integrations, page))
        cpu, grown = time.process_time() - cpu, resident() - before
        store.close()
        disk = (Path(folder) / FILE_NAME).stat().st_size
    assert all(one.normal.learned_syncs for one in learned)
    rows = [
        ("integrations, syncs", f"{integrations:,}, {syncs:,}"),
        ("CPU for all, scrapes included", f"{cpu:,.0f} s"),
        ("one integration, from disk to disk", f"{1000 * worked / integrations:.1f} ms"),
        ("memory of what was learned", f"{grown:,.0f} MB, {1000 * grown / integrations:.1f} kB an integration"),
        ("state file", f"{disk / 1e6:,.0f} MB, {disk / syncs:.1f} bytes a sync"),
        ("longest scrape while nothing is learned", f"{1000 * quiet:.0f} ms"),
        ("longest scrape while learning without rest", f"{1000 * longest:.0f} ms"),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--integrations", type=int, default=INTEGRATIONS)
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    table = measure(arguments.integrations)
    print(table)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores")
    if arguments.write:
        replace_section(arguments.write, "benchmarks/learning.py", table)


if __name__ == "__main__":
    main()
