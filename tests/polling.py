"""
Pollers of the exporter before a simulated Braze in virtual time: what is put together as `app` does it, and what is
seen of it from outside: the page, the log, and every request at the moment it is sent.

    @in_virtual_time
    async def test_something(braze: Polling) -> None:
        users = braze.add("users")
        braze.watch(discovery=True)
        await braze.passes(minutes=2)
        assert braze.value("up", users) == 1
"""

import asyncio
import functools
import io
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.braze.api import Api
from exporter.braze.client import Key
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import Request, Response
from exporter.domain.discovery import NameFilter
from exporter.domain.integration_state import IntegrationState
from exporter.domain.model import Integration
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import DiscoverySettings, PollSettings, RateLimits, WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import ON_DEMAND, Schedule
from exporter.simulator.style import Style
from exporter.state.store import MemoryStore, Storage
from tests.snapshots import Series, page_bytes, read_series
from tests.virtual_braze import Latency, VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
WORKSPACE = "production"
LIST, OWN = Endpoint.INTEGRATIONS, Endpoint.JOB_SYNC_STATUS


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, when it was sent. The integration's id is empty for the list."""

    at_seconds: float
    workspace: str
    endpoint: Endpoint
    integration_id: str
    query: str
    """Holds the cursor of a page after the first."""


class FixedKey:
    """A key that stays."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self) -> str:
        return self._key


class Line:
    """The way to Braze: reads the key as the real sender does, and notes what is sent."""

    def __init__(self, inner: VirtualSender, key: Key, note: Callable[[Request], None]) -> None:
        self._inner = inner
        self._key = key
        self._note = note

    async def send(self, request: Request) -> Response:
        self._inner.key = self._key.read()
        self._note(request)
        return await self._inner.send(request)


class Polling:
    """A world, and the pollers that watch it."""

    def __init__(self, clock: VirtualClock, *, seed: int = 1, style: Style | None = None) -> None:
        self.clock = clock
        self.world = World(seed, clock.now(), style=style)
        self.world.add_workspace(WORKSPACE)
        self.store: Storage = MemoryStore()
        self.self_metrics = SelfMetrics()
        self.page = Page(self.self_metrics)
        self.asked: list[Asked] = []
        self.latency = Latency()
        self._seed = seed
        self._log = io.StringIO()
        self.pollers: list[WorkspacePoller] = []

    def add(
        self,
        name: str,
        schedule: Schedule = ON_DEMAND,
        *,
        workspace: str = WORKSPACE,
        history: timedelta = timedelta(0),
        scale: Scale | None = None,
    ) -> str:
        """Add an integration to Braze; by default its syncs start only when a test says so."""
        return self.world.add_integration(workspace, name, schedule=schedule, history=history, scale=scale)

    def watch(
        self,
        workspace: str = WORKSPACE,
        *,
        configured: Iterable[str | Integration] = (),
        discovery: bool = False,
        names: NameFilter | None = None,
        poll: PollSettings | None = None,
        limits: RateLimits | None = None,
        key: Key | None = None,
        carried: dict[str, IntegrationState] | None = None,
        history: timedelta = timedelta(0),
        grafana_url: str = "",
    ) -> WorkspacePoller:
        """Start to poll a workspace; *configured* are ids, or integrations as the configuration's file has them."""
        limits = limits or RateLimits()
        settings = WorkspaceSettings(
            workspace,
            "https://rest.iad-03.braze.com",
            poll or PollSettings(),
            limits,
            tuple(Integration(workspace, one, one) if isinstance(one, str) else one for one in configured),
            DiscoverySettings(discovery, names or NameFilter()),
            history_seconds=history.total_seconds(),
            grafana_url=grafana_url,
        )
        sender = VirtualSender(
            self.world,
            self.clock,
            "",
            random.Random(f"{self._seed} {workspace}"),
            timeout_seconds=settings.poll.timeout_seconds,
            latency=self.latency,
        )
        now = self.clock.monotonic()
        api = Api(
            workspace=workspace,
            sender=Line(sender, key or FixedKey(f"key-of-{workspace}"), functools.partial(self._note, workspace)),
            limiters={
                OWN: RateLimiter(limits.job_sync_status, limits.share, now),
                LIST: RateLimiter(limits.integrations, limits.share, now),
            },
            clock=BrazeClock(self.clock),
            observer=self.self_metrics,
        )
        poller = WorkspacePoller(
            settings=settings,
            api=api,
            store=self.store,
            page=self.page,
            self_metrics=self.self_metrics,
            log=build_log("info", "logfmt", self._log),
            carried=carried,
        )
        poller.loops.start()
        self.pollers.append(poller)
        return poller

    async def stop(self) -> None:
        """End all polling, as a process does that is told to; the accounts stay."""
        for poller in self.pollers:
            poller.loops.halt()
        await asyncio.gather(*(poller.loops.ended() for poller in self.pollers))
        self.pollers.clear()

    async def restart(self) -> None:
        """End all polling and begin with an empty page, as a new process does; the accounts stay."""
        await self.stop()
        self.self_metrics = SelfMetrics()
        self.page = Page(self.self_metrics)

    async def passes(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        await asyncio.sleep(60 * minutes + seconds)
        self.world.advance(self.clock.true_now())

    def sync(self, integration_id: str, *, word: str = "success", rows: int = 10) -> None:
        """Let a sync begin and end at once."""
        self.world.start_sync(integration_id, duration=timedelta(0), word=word, rows_synced=rows)

    def finished(self, integration_id: str) -> int:
        """How many syncs have truly finished."""
        return sum(self.world.totals(integration_id).syncs)

    def counted(self, integration_id: str) -> float:
        """How many finished syncs the page has counted."""
        return sum(self.values("syncs_total", integration_id=integration_id).values())

    def unlist(self, integration_id: str) -> None:
        """Let the list miss an integration that exists all the same."""
        home = self.world.workspaces[self.world.integrations[integration_id].workspace]
        home.integrations.remove(integration_id)
        home.list_version += 1

    def relist(self, integration_id: str, position: int = 0) -> None:
        """Let the list show it again."""
        home = self.world.workspaces[self.world.integrations[integration_id].workspace]
        home.integrations.insert(position, integration_id)
        home.list_version += 1

    def series(self) -> dict[Series, float]:
        """What a scrape shows now; no series may be there twice."""
        times = {poller.settings.name: poller.clock.now() for poller in self.pollers}
        return read_series(page_bytes(self.page, self.clock.now(), times))

    def values(self, name: str, **labels: str) -> dict[Series, float]:
        """The series of `braze_cdi_`*name* with these labels."""
        return {
            series: value
            for series, value in self.series().items()
            if series[0] == f"braze_cdi_{name}" and labels.items() <= dict(series[1]).items()
        }

    def value(self, name: str, integration_id: str = "", **labels: str) -> float | None:
        """The one series of `braze_cdi_`*name* with these labels; None when there is none."""
        if integration_id:
            labels["integration_id"] = integration_id
        found = list(self.values(name, **labels).values())
        assert len(found) <= 1
        return found[0] if found else None

    def problems(self, integration_id: str) -> set[tuple[str, str]]:
        """Kind and severity of each problem on the page."""
        found = [dict(labels) for _, labels in self.values("problem", integration_id=integration_id)]
        return {(labels["problem"], labels["severity"]) for labels in found}

    def shown(self, integration_id: str) -> set[str]:
        """The names of all series of an integration."""
        return {name for name, labels in self.series() if dict(labels).get("integration_id") == integration_id}

    def names(self) -> list[str]:
        """The integrations on the page."""
        return sorted(dict(labels)["integration_name"] for _, labels in self.values("integration_info"))

    def lines(self) -> list[str]:
        """The log so far."""
        return self._log.getvalue().splitlines()

    def requests(self, endpoint: Endpoint, integration_id: str = "", *, within: float = float("inf")) -> int:
        """How many requests were sent in the last *within* seconds, of one integration if it is named."""
        since = self.clock.monotonic() - within
        return sum(
            asked.endpoint is endpoint and asked.at_seconds >= since and integration_id in {"", asked.integration_id}
            for asked in self.asked
        )

    def most_in_a_minute(self) -> Counter[tuple[str, Endpoint]]:
        """For each workspace and endpoint the most requests that were sent within any 60 seconds."""
        times: defaultdict[tuple[str, Endpoint], list[float]] = defaultdict(list)
        for asked in self.asked:
            times[asked.workspace, asked.endpoint].append(asked.at_seconds)
        most: Counter[tuple[str, Endpoint]] = Counter()
        for place, sent in times.items():
            first = 0
            for last, at in enumerate(sent):
                while at - sent[first] >= 60:
                    first += 1
                most[place] = max(most[place], last - first + 1)
        return most

    def _note(self, workspace: str, request: Request) -> None:
        integration_id = request.path.split("/")[3] if request.endpoint is OWN else ""
        self.asked.append(Asked(self.clock.monotonic(), workspace, request.endpoint, integration_id, request.query))


def poll_braze(test: Callable[[Polling], Coroutine[Any, Any, None]], *, style: Style | None = None) -> None:
    """Run *test* in virtual time with pollers of its own, and end them."""

    async def main(clock: VirtualClock) -> None:
        braze = Polling(clock, style=style)
        try:
            await test(braze)
        finally:
            await braze.stop()

    run(main, start=START)


def in_virtual_time(test: Callable[[Polling], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of a coroutine that polls a Braze of its own."""

    def play() -> None:
        poll_braze(test)

    play.__name__, play.__doc__, play.__module__ = test.__name__, test.__doc__, test.__module__
    return play
