"""
What CPU does a request to Braze cost, with all that follows from its answer, when there is nothing new?

One workspace of 500 integrations is polled over a socket as fast as it goes: the list page by page, and each
integration's own endpoint. The simulated Braze is a process of its own. In turns with that the same requests are sent
by an `httpx.AsyncClient`, which does nothing but read the JSON. Run `python -m benchmarks.poll`; `--write
benchmarks/README.md` puts the table there.
"""

import argparse
import asyncio
import gc
import io
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from benchmarks.report import replace_section
from exporter.app.senders import USER_AGENT, build_limiters
from exporter.braze.api import Api
from exporter.braze.client import HttpSender
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import build_request
from exporter.clock import SystemClock
from exporter.config.keys import FixedKey
from exporter.domain.settings import DiscoverySettings, RateLimits, WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.simulator.schedule import every
from exporter.simulator.serve import BrazeApp, BrazeServer, listen
from exporter.trust import build_client_context
from tests.stores import open_store
from tests.world import World

NAME = "production"
GRANTED, TAKEN = 10_000_000, 3_000
"""Requests a minute: more than are sent, and more than pages of the list are read; polls take no turn here."""
Work = Callable[[], Awaitable[int]]
"""Returns how many requests it has sent."""


def simulate(integrations: int, tell: Connection) -> None:
    """Serve a workspace whose syncs are rare, and tell its port and key."""
    now = datetime.now(UTC)
    world = World(1, now)
    workspace = world.add_workspace(NAME, limits=dict.fromkeys(Endpoint, GRANTED))
    for number in range(integrations):
        world.add_integration(
            NAME, f"integration_{number}", schedule=every(hours=12), history=timedelta(days=10, hours=6)
        )
    key = next(iter(workspace.keys))
    listener = listen()
    tell.send((listener.getsockname()[1], key))
    asyncio.run(BrazeServer(BrazeApp(world, SystemClock())).serve(sockets=[listener]))


class Subjects:
    """The exporter's parts as `app` puts them together, and the peer."""

    def __init__(self, origin: str, key: str, folder: Path) -> None:
        clock, log, metrics = SystemClock(), build_log("info", "logfmt", io.StringIO()), SelfMetrics()
        limits = RateLimits(TAKEN, TAKEN)
        settings = WorkspaceSettings(NAME, origin, rate_limit=limits, discovery=DiscoverySettings(enabled=True))
        self.sender = HttpSender(origin, FixedKey(key), 20.0, USER_AGENT, build_client_context())
        self.api = Api(
            workspace=NAME,
            sender=self.sender,
            limiters=build_limiters(limits, clock),
            clock=BrazeClock(clock),
            observer=metrics,
        )
        store = open_store(str(folder), now=clock.now, report=metrics, log=log)
        self.poller = WorkspacePoller(
            settings=settings, api=self.api, store=store, page=Page(metrics), self_metrics=metrics, log=log
        )
        self.client = httpx.AsyncClient(base_url=origin, headers={"Authorization": f"Bearer {key}"}, trust_env=False)

    async def list_pages(self) -> int:
        """Read the list once, and take it in."""
        pages, read = self.api.integrations(), 0
        while True:
            page = await pages.read()
            read += 1
            self.poller.listed(page.decoded.integrations)
            if page.last:
                return read

    async def polls(self) -> int:
        """Poll each integration."""
        for key in self.poller.states:
            await self.poller.poll(key, turn_taken=True)
        return len(self.poller.states)

    async def sendings(self) -> int:
        """Send what `polls` sends, and do nothing with the answers."""
        for key in self.poller.states:
            await self.sender.send(build_request(Endpoint.JOB_SYNC_STATUS, key))
        return len(self.poller.states)

    async def peer(self) -> int:
        for key in self.poller.states:
            answer = await self.client.get(f"/cdi/integrations/{key}/job_sync_status")
            json.loads(answer.content)
        return len(self.poller.states)

    async def aclose(self) -> None:
        await self.sender.aclose()
        await self.client.aclose()


async def measure(origin: str, key: str, folder: Path, rounds: int) -> str:
    subjects = Subjects(origin, key, folder)
    works: dict[str, Work] = {
        "httpx.AsyncClient: a GET, and its JSON read": subjects.peer,
        "exporter: a GET alone": subjects.sendings,
        "exporter: a poll": subjects.polls,
        "exporter: a page of ten integrations": subjects.list_pages,
    }
    await subjects.list_pages()
    await subjects.polls()
    gc.collect()
    gc.freeze()
    taken: dict[str, list[float]] = {what: [] for what in works}
    for _ in range(rounds):
        for what, work in works.items():
            began = time.process_time()
            requests = await work()
            taken[what].append((time.process_time() - began) / requests)
    await subjects.aclose()
    medians = {what: statistics.median(seconds) for what, seconds in taken.items()}
    peer = next(iter(medians.values()))
    rows = [f"| {what} | {seconds * 1e3:.2f} | {seconds / peer:.2f} |" for what, seconds in medians.items()]
    about = f"CPython {platform.python_version()}, {os.cpu_count()} CPUs; medians of {rounds} turns."
    return "\n".join([about, "", "| a request | CPU, ms | ratio |", "|---|--:|--:|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--integrations", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    braze = multiprocessing.Process(target=simulate, args=(arguments.integrations, theirs), daemon=True)
    braze.start()
    try:
        port, key = ours.recv()
        with tempfile.TemporaryDirectory() as folder:
            text = asyncio.run(measure(f"http://127.0.0.1:{port}", key, Path(folder), arguments.rounds))
    finally:
        braze.kill()
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/poll.py", text)


if __name__ == "__main__":
    main()
