"""
The composition root of polling: the senders, APIs and pollers of a configuration, and the page they share.

Decides what is shared (one page, one store, one TLS context) and what each workspace has of its own (everything else),
and what a new configuration changes: a workspace that is the same goes on undisturbed, one that differs is started
anew with what was known, one that is gone leaves the page. None of it gives a workspace more requests than before: its
rate limiters are passed on, even when it is renamed.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from exporter.braze.api import Api
from exporter.braze.client import HttpxSender, build_tls_context
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.clock import Clock
from exporter.config.keys import FixedKey
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import RateLimits
from exporter.domain.shard import Shard
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.learning import WorkThread
from exporter.poller.workspace import WorkspacePoller
from exporter.state.sqlite import open_store
from exporter.state.store import Key, MemoryStore, Storage, Store
from exporter.version import VERSION

USER_AGENT = f"braze-cdi-exporter/{VERSION}"


@dataclass(frozen=True, slots=True)
class Running:
    """A workspace that is being polled."""

    configured: ConfiguredWorkspace
    poller: WorkspacePoller
    sender: HttpxSender
    limiters: dict[Endpoint, RateLimiter]
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """End its polls, in mid-request too."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.sender.aclose()


class Exporter:
    """
    Polls the workspaces of the latest configuration applied.

    Args:
        store: Keeps the ledgers.
        self_metrics: Metrics about the exporter itself.
        clock: For everything that needs the time.
        log: For all parts.
        shard: The workspaces that this instance polls.

    """

    def __init__(
        self,
        *,
        store: Store,
        self_metrics: SelfMetrics,
        clock: Clock,
        log: FilteringBoundLogger,
        shard: Shard | None = None,
    ) -> None:
        self.self_metrics = self_metrics
        self.page = Page(self_metrics)
        self._store = store
        self._clock = clock
        self._log = log
        self._shard = shard or Shard()
        self._tls = build_tls_context()
        self._learning = WorkThread()
        self._running: dict[str, Running] = {}

    @property
    def pollers(self) -> tuple[WorkspacePoller, ...]:
        """One for each workspace, in the order of the configuration."""
        return tuple(running.poller for running in self._running.values())

    def braze_times(self) -> dict[str, datetime]:
        """The time at Braze, by workspace."""
        return {running.poller.settings.name: running.poller.clock.now() for running in self._running.values()}

    @property
    def in_use(self) -> set[Key]:
        """Every integration that is watched."""
        return {
            (running.poller.settings.name, key) for running in self._running.values() for key in running.poller.states
        }

    def unhealthy(self) -> tuple[str, ...]:
        """The reasons why polling is not healthy; empty when it is."""
        dead = (name for name, running in self._running.items() if running.task.done())
        reasons = (reason for poller in self.pollers for reason in poller.unhealthy())
        return (*(f"workspace {name}: polling has ended" for name in dead), *reasons)

    async def apply(self, config: Config) -> None:
        """Poll the workspaces of *config* from now on; unchanged ones go on undisturbed."""
        wanted = {one.settings.name: one for one in config.workspaces if self._shard.takes(one.settings.name)}
        before, self._running = self._running, {}
        changed = [running for name, running in before.items() if not _same(running.configured, wanted.get(name))]
        await asyncio.gather(*(running.stop() for running in changed))
        gone = {name: running for name, running in before.items() if name not in wanted}
        for name, configured in wanted.items():
            known = before.get(name)
            if known is not None and known not in changed:
                self._running[name] = known
            else:
                self._running[name] = self._start(configured, known, known or _under_old_name(configured, gone))
        for running in changed:
            self._withdraw(running)

    async def close(self) -> None:
        """End all polls."""
        await asyncio.gather(*(running.stop() for running in self._running.values()))
        self._learning.close()

    def _start(self, configured: ConfiguredWorkspace, known: Running | None, predecessor: Running | None) -> Running:
        """Poll a workspace; *known* was polled under its name, *predecessor* has used its rate limits until now."""
        settings = configured.settings
        sender = build_sender(configured, self._tls)
        limiters, clock = build_limiters(settings.rate_limit, self._clock), BrazeClock(self._clock)
        if predecessor is not None:
            limiters, clock = predecessor.limiters, predecessor.poller.clock
            for endpoint, limiter in limiters.items():
                limiter.configure(getattr(settings.rate_limit, endpoint), settings.rate_limit.share)
        api = Api(workspace=settings.name, sender=sender, limiters=limiters, clock=clock, observer=self.self_metrics)
        poller = WorkspacePoller(
            settings=settings,
            api=api,
            store=self._store,
            page=self.page,
            self_metrics=self.self_metrics,
            log=self._log,
            carried=known.poller.states if known is not None else None,
            work=self._learning,
        )
        return Running(configured, poller, sender, limiters, asyncio.create_task(poller.run()))

    def _withdraw(self, stopped: Running) -> None:
        """Remove from the page the integrations of a stopped workspace that its successor does not have."""
        name = stopped.configured.settings.name
        successor = self._running.get(name)
        staying = successor.poller.states if successor is not None else {}
        for integration_id in stopped.poller.states.keys() - staying.keys():
            self.page.withdraw(name, integration_id)
        if successor is None:
            self.self_metrics.forget_workspace(name)


def build_sender(configured: ConfiguredWorkspace, system: ssl.SSLContext) -> HttpxSender:
    """Return the sender of one workspace; *system* is the trust of those without authorities of their own."""
    settings, network = configured.settings, configured.network
    return HttpxSender(
        settings.rest_endpoint,
        configured.key,
        settings.poll.timeout_seconds,
        USER_AGENT,
        system if network.ca_file is None else build_tls_context(network.ca_file),
        proxy=network.proxy_for(settings.rest_endpoint),
    )


def build_limiters(limits: RateLimits, clock: Clock) -> dict[Endpoint, RateLimiter]:
    """Return the rate limiters of one workspace, one for each endpoint."""
    now = clock.monotonic()
    return {endpoint: RateLimiter(getattr(limits, endpoint), limits.share, now) for endpoint in Endpoint}


def _same(one: ConfiguredWorkspace, other: ConfiguredWorkspace | None) -> bool:
    """Whether nothing has changed. A key file is compared by name: its content is read again anyway."""
    if other is None or one.settings != other.settings or one.network != other.network:
        return False
    return _same_key(one, other)


def _same_key(one: ConfiguredWorkspace, other: ConfiguredWorkspace) -> bool:
    if one.key.setting != other.key.setting:
        return False
    return not isinstance(one.key, FixedKey) or one.key.read() == other.key.read()


def _under_old_name(configured: ConfiguredWorkspace, gone: dict[str, Running]) -> Running | None:
    """Take from *gone* a workspace with the same endpoint and key: each is renamed to one other at most."""
    for name, running in gone.items():
        old = running.configured
        if old.settings.rest_endpoint == configured.settings.rest_endpoint and _same_key(old, configured):
            return gone.pop(name)
    return None


_DAY_SECONDS = 24 * 3600.0


@contextlib.contextmanager
def storage(path: str, self_metrics: SelfMetrics, clock: Clock, log: FilteringBoundLogger) -> Iterator[Storage]:
    """
    Open the store at *path*, and close it in the end; an empty path means memory.

    Raises:
        StorageInUseError: Another exporter has the path.

    """
    if not path:
        self_metrics.state_persistent(False)
        yield MemoryStore()
        return
    store = open_store(path, now=clock.now, report=self_metrics, log=log)
    try:
        yield store
    finally:
        store.close()


async def keep_tidy(store: Storage, exporter: Exporter, clock: Clock) -> None:
    """At the start and once a day forget what is watched no more and has been silent for long, and free its space."""
    while True:
        store.forget_older(clock.now(), exporter.in_use)
        for _ in store.shrink():
            await asyncio.sleep(0)  # scrapes are answered meanwhile
        await asyncio.sleep(_DAY_SECONDS)
