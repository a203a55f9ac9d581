"""
The composition root of polling: the senders, APIs and pollers of a configuration, and the page they share.

Decides what is shared (one page, one store, one TLS context) and what each workspace has of its own (everything else),
and what a new configuration changes: a workspace that is the same goes on undisturbed, one that differs is
restarted with what was known, one that is gone leaves the page. None of it gives a workspace more requests than before:
its rate limiters are passed on, even when it is renamed.
"""

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from structlog.typing import FilteringBoundLogger

from exporter.app.descriptors import share_out
from exporter.app.senders import Trust, build_limiters, build_sender
from exporter.braze.api import Api
from exporter.braze.client import HttpSender, Room
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.clock import Clock
from exporter.config.endpoint import dashboard_of
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.shard import Shard
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.state.store import Key, Store
from exporter.trust import build_client_context
from exporter.turns import Pace, Turns
from exporter.worker import Worker

_ROUNDS_TO_ANSWER = 4
"""Of the event loop, from a visitor's connection to the answer: else each would take as long as a workspace does."""
_REST = 3.0
"""Learning takes a quarter of a core, however many workspaces there are: polls and scrapes have the rest."""


class ExporterClosedError(Exception):
    """A configuration came after the end."""


@dataclass(frozen=True, slots=True)
class Running:
    """A workspace that is being polled."""

    configured: ConfiguredWorkspace
    poller: WorkspacePoller
    sender: HttpSender
    limiters: dict[Endpoint, RateLimiter]

    def begin(self) -> None:
        """Poll, within the limits as they are configured."""
        limits = self.configured.settings.rate_limit
        for endpoint, limiter in self.limiters.items():
            limiter.configure(getattr(limits, endpoint), limits.share)
        self.poller.loops.start()

    async def end(self) -> None:
        """Wait until its polls, halted in mid-request too, have let go of their connections."""
        await self.poller.loops.ended()
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
        descriptors: How many the process may have; connections are shared out among the workspaces accordingly.

    """

    def __init__(
        self,
        *,
        store: Store,
        self_metrics: SelfMetrics,
        clock: Clock,
        log: FilteringBoundLogger,
        shard: Shard | None = None,
        descriptors: int = sys.maxsize,
    ) -> None:
        self.self_metrics = self_metrics
        self.page = Page(self_metrics)
        self._store = store
        self._clock = clock
        self._log = log
        self.shard = shard or Shard()
        self._descriptors = descriptors
        self._turns, self._pace = Turns(sys.maxsize), Pace()
        """Of the requests of all workspaces together."""
        self._tls = build_client_context()
        self._learning = Worker("learning", rest=_REST).run
        self._running: dict[str, Running] = {}
        self._ending: set[asyncio.Task[None]] = set()
        """Closes the connections of workspaces that are polled no more."""
        self._closed = False
        self.begun = asyncio.Event()
        """Set once a configuration has been applied, and all that was known is shown."""

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
        return tuple(reason for poller in self.pollers for reason in poller.unhealthy())

    async def begin(self, config: Config) -> None:
        """
        Apply the first configuration one workspace after the other, so that requests are answered meanwhile.

        Polls begin when all that was known is shown: they would hold that up.
        """
        trust, new = Trust(self._tls), list[Running]()
        for number in range(len(config.workspaces) + 1):
            new += self._apply(config, trust, number)
            for _ in range(_ROUNDS_TO_ANSWER):
                await asyncio.sleep(0)
        self.begun.set()
        for running in new:
            await asyncio.sleep(0)  # before each, so that what follows here comes before the last one's polls
            running.begin()

    def apply(self, config: Config) -> None:
        """
        Poll the workspaces of *config* from now on; unchanged ones go on undisturbed.

        A transaction: all that is new is built first and shows nothing, then it takes the place of the old in one go.
        An error, of any kind, leaves everything as it was.

        Raises:
            ExporterClosedError: `close` came first.
            Exception: Something new could not be built.

        """
        new = self._apply(config, Trust(self._tls))
        self.begun.set()
        for running in new:
            running.begin()

    def _apply(self, config: Config, trust: Trust, first: int | None = None) -> list[Running]:
        """Apply *config*, or the *first* workspaces of it, and return those that are to begin."""
        if self._closed:
            raise ExporterClosedError("the exporter is stopping")
        wanted = {one.settings.name: one for one in config.workspaces if self.shard.takes(one.settings.name)}
        before = self._running
        gone = {name: running for name, running in before.items() if name not in wanted}
        shares = share_out(self._descriptors, len(wanted))
        wanted = dict(islice(wanted.items(), first))
        room = Room(self._turns, self._pace, shares.requests_each, shares.kept_each, shares.polls_each)
        after: dict[str, Running] = {}
        for name, configured in wanted.items():
            known = before.get(name)
            if known is not None and _same(known.configured, configured):
                after[name] = known
            else:
                after[name] = self._build(configured, trust, room, known, known or _under_old_name(configured, gone))
        old = [running for name, running in before.items() if after.get(name) is not running]
        new = [running for name, running in after.items() if before.get(name) is not running]
        self.page.exchange(
            (view for running in new for view in running.poller.views),
            (
                (name, key)
                for name in (one.configured.settings.name for one in old)
                for key in _left(name, before, after)
            ),
        )
        self._running = after
        self._turns.resize(shares.requests)
        for running in old:
            self._halt(running)
        for running in new:
            settings = running.configured.settings
            self.self_metrics.workspace_info(settings.name, dashboard_of(settings))
        for name in before.keys() - after.keys():
            self.self_metrics.forget_workspace(name)
        return new

    def prepare(self, config: Config) -> tuple[WorkspacePoller, ...]:
        """Return pollers of *config* that know what the store has, for somebody to look at; they never poll."""
        trust = Trust(self._tls)
        room = Room(self._turns, self._pace, 0, 0)
        return tuple(self._build(configured, trust, room, None, None).poller for configured in config.workspaces)

    async def close(self) -> None:
        """End all polls, for good."""
        self._closed = True
        for running in self._running.values():
            self._halt(running)
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _halt(self, running: Running) -> None:
        running.poller.loops.halt()
        ending = asyncio.create_task(running.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ended)

    def _ended(self, ending: asyncio.Task[None]) -> None:
        self._ending.discard(ending)
        if not ending.cancelled() and (error := ending.exception()) is not None:
            self._log.warning("connections to Braze could not be closed", exc_info=error)

    def _build(
        self,
        configured: ConfiguredWorkspace,
        trust: Trust,
        room: Room,
        known: Running | None,
        predecessor: Running | None,
    ) -> Running:
        """Make a workspace ready; *known* is polled under its name, *predecessor* uses its rate limits until now."""
        settings = configured.settings
        sender = build_sender(configured, trust, room)
        limiters, clock = build_limiters(settings.rate_limit, self._clock), BrazeClock(self._clock)
        if predecessor is not None:
            limiters, clock = predecessor.limiters, predecessor.poller.clock
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
            polls_at_once=room.polls_at_once,
        )
        if known is not None and known.poller.readiness.any:
            poller.readiness.any = True  # the workspace has been tried, whatever has changed of it
        return Running(configured, poller, sender, limiters)


def _left(name: str, before: dict[str, Running], after: dict[str, Running]) -> set[str]:
    """Return the integrations of a workspace that its successor does not have."""
    staying = after[name].poller.states.keys() if name in after else set()
    return before[name].poller.states.keys() - staying


def _same(one: ConfiguredWorkspace, other: ConfiguredWorkspace | None) -> bool:
    """Whether nothing has changed. A key file is compared by name: its content is read again anyway."""
    return other is not None and (one.settings, one.network, one.key) == (other.settings, other.network, other.key)


def _under_old_name(configured: ConfiguredWorkspace, gone: dict[str, Running]) -> Running | None:
    """Take from *gone* a workspace with the same endpoint and key: each is renamed to one other at most."""
    for name, running in gone.items():
        old = running.configured
        if old.settings.rest_endpoint == configured.settings.rest_endpoint and old.key == configured.key:
            return gone.pop(name)
    return None
