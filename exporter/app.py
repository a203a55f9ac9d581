"""
The composition root: the only place that constructs pollers, senders, stores, pages and servers.

Decides the order of start and stop: sockets are bound before anything else, so that a port in use is our message; at
the end the loops are cancelled, then the server ends its answers, then connections and the store are closed.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from exporter.braze.client import HttpxSender, build_tls_context
from exporter.braze.gate import Gate
from exporter.braze.wire import Endpoint
from exporter.clock import Clock, SystemClock
from exporter.config.keys import FixedKey
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.budget import Budget
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings, WorkspaceSettings
from exporter.metrics.own import OwnMetrics
from exporter.metrics.page import Page
from exporter.poller.workspace import WorkspacePoller
from exporter.simulator.demo import build_demo_world, demo_workspaces
from exporter.simulator.serve import serve_world
from exporter.simulator.world import World
from exporter.state.memory import MemoryStore
from exporter.state.store import Store
from exporter.version import REVISION, VERSION
from exporter.web.listen import ListenAddress
from exporter.web.routes import build_web
from exporter.web.server import Server
from exporter.web.view import ExporterStatus, WebSources, WorkspaceStatus

USER_AGENT = f"braze-cdi-exporter/{VERSION}"
DEMO_SEED = 1
DEMO_INTERVAL_SECONDS = 10.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where and how to serve, as the command line says."""

    listen_addresses: tuple[str, ...]
    telemetry_path: str


class WrongFlagError(Exception):
    """A flag's value cannot be used; the text says which and why."""


class Exporter:
    """All workspaces of one configuration, and the page made of them. Needs a running event loop."""

    def __init__(self, config: Config, store: Store, clock: Clock, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._started_at = clock.now()
        self._tls = build_tls_context()
        self._senders: list[HttpxSender] = []
        self.own = OwnMetrics()
        self.own.config_loaded(successful=True, at_seconds=self._started_at.timestamp())
        self.own.state_persistent(False)
        self.page = Page(self.own)
        self.pollers = tuple(self._build_poller(workspace, store) for workspace in config.workspaces)

    def _build_poller(self, workspace: ConfiguredWorkspace, store: Store) -> WorkspacePoller:
        settings = workspace.settings
        sender = HttpxSender(
            settings.rest_endpoint, workspace.key, settings.poll.timeout_seconds, USER_AGENT, self._tls
        )
        self._senders.append(sender)
        now = self._clock.monotonic()
        limits = settings.rate_limit
        gate = Gate(
            workspace=settings.name,
            sender=sender,
            budgets={Endpoint.JOB_SYNC_STATUS: Budget(limits.job_sync_status, limits.share, now)},
            clock=self._clock,
            observer=self.own,
        )
        return WorkspacePoller(
            settings=settings,
            gate=gate,
            store=store,
            page=self.page,
            own=self.own,
            clock=self._clock,
            log=self._log,
        )

    @contextlib.asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll all workspaces while the context lasts."""
        loops = [asyncio.create_task(poller.run()) for poller in self.pollers]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            for sender in self._senders:
                await sender.aclose()

    def sources(self) -> WebSources:
        """Return where the web pages get their values."""
        return WebSources(
            render=lambda *, openmetrics: self.page.render(self._clock.now(), openmetrics=openmetrics),
            status=self._status,
            unhealthy=lambda: tuple(filter(None, (poller.unhealthy() for poller in self.pollers))),
            unready=lambda: tuple(
                f"workspace {poller.settings.name} has not been tried yet"
                for poller in self.pollers
                if not poller.tried
            ),
        )

    def _status(self) -> ExporterStatus:
        return ExporterStatus(
            now=self._clock.now(),
            version=VERSION,
            revision=REVISION,
            started_at=self._started_at,
            workspaces=tuple(
                WorkspaceStatus(
                    name=poller.settings.name,
                    rest_endpoint=poller.settings.rest_endpoint,
                    poll_interval_seconds=poller.interval_seconds,
                    snapshots=poller.snapshots,
                    notes=poller.notes(),
                )
                for poller in self.pollers
            ),
        )


async def run_daemon(config: Config, options: ServeOptions, log: FilteringBoundLogger) -> None:
    """
    Poll and serve until a signal comes.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ListenError: An address cannot be had.
        Exception: Whatever else ended the server.

    """
    stop = asyncio.Event()
    _stop_on_signals(stop)
    exporter = Exporter(config, MemoryStore(), SystemClock(), log)
    server, _ = _bind(exporter, options, log)
    await _serve(exporter, server, log, stop)


async def run_demo(options: ServeOptions, log: FilteringBoundLogger, say: Callable[[str], None]) -> None:
    """
    Serve a simulated Braze on loopback, and run the daemon against it, until a signal comes.

    Raises as `run_daemon` does.
    """
    clock = SystemClock()
    world = build_demo_world(DEMO_SEED, clock.now())
    stop, braze_stop = asyncio.Event(), asyncio.Event()
    _stop_on_signals(stop)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    braze = asyncio.create_task(serve_world(world, clock, stop=braze_stop, bound=port.set_result))
    try:
        exporter = Exporter(_demo_config(world, await port), MemoryStore(), clock, log)
        server, addresses = _bind(exporter, options, log)
        say(_demo_greeting(addresses, options, await port))
        await _serve(exporter, server, log, stop)
    finally:
        braze_stop.set()
        await braze


async def poll_once(config: Config, log: FilteringBoundLogger) -> tuple[bool, bytes]:
    """Poll every integration once; return whether all polls succeeded, and the metrics page as text."""
    clock = SystemClock()
    exporter = Exporter(config, MemoryStore(), clock, log)
    async with exporter.polling():
        await asyncio.gather(*(poller.all_tried.wait() for poller in exporter.pollers))
    succeeded = all(snapshot.up for poller in exporter.pollers for snapshot in poller.snapshots)
    return succeeded, b"".join(exporter.page.render(clock.now(), openmetrics=False).chunks)


def _bind(
    exporter: Exporter, options: ServeOptions, log: FilteringBoundLogger
) -> tuple[Server, tuple[ListenAddress, ...]]:
    """Return a server that listens already, and answers once it is served; and where it does."""
    try:
        server = Server(build_web(exporter.sources(), telemetry_path=options.telemetry_path, log=log))
        addresses = server.bind(options.listen_addresses)
    except ValueError as error:
        raise WrongFlagError(str(error)) from error
    for address in addresses:
        log.info("listening", address=str(address))
    return server, addresses


async def _serve(exporter: Exporter, server: Server, log: FilteringBoundLogger, stop: asyncio.Event) -> None:
    log.info(
        "started",
        version=VERSION,
        workspaces=len(exporter.pollers),
        integrations=sum(len(poller.snapshots) for poller in exporter.pollers),
    )
    serving = asyncio.create_task(server.serve(stop))
    stopping = asyncio.create_task(stop.wait())
    async with exporter.polling():
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await serving
    log.info("stopped")


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Set *stop* at the first SIGTERM or SIGINT; a second one ends the process at once, as it does by itself."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, first)


def _demo_config(world: World, port: int) -> Config:
    """Return what an operator would configure to watch the demo's world."""
    return Config(
        tuple(
            ConfiguredWorkspace(
                WorkspaceSettings(
                    name=workspace.name,
                    rest_endpoint=f"http://127.0.0.1:{port}",
                    poll=PollSettings(interval_seconds=DEMO_INTERVAL_SECONDS, timeout_seconds=5.0),
                    integrations=tuple(Integration(workspace.name, key, name) for key, name in workspace.integrations),
                ),
                FixedKey(workspace.key),
            )
            for workspace in demo_workspaces(world)
        )
    )


def _demo_greeting(addresses: tuple[ListenAddress, ...], options: ServeOptions, port: int) -> str:
    here = f"http://{addresses[0]}" if addresses[0].host else f"http://127.0.0.1:{addresses[0].port}"
    return f"""
A simulated Braze runs on loopback port {port}, and the exporter polls it every {DEMO_INTERVAL_SECONDS:g} seconds.

  status page   {here}/
  metrics       {here}{options.telemetry_path}
  as JSON       {here}/api/v1/status

Watch some integrations fail, hang and fall behind. Stop with Ctrl-C.
"""
