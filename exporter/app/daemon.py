"""
The daemon: poll and serve until a signal comes.

Decides the order of start and stop. Sockets and storage come first, so that a port or a path in use is reported before
anything has begun; at the end polls are cancelled, then the server ends its answers, then the store is closed.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from structlog.typing import FilteringBoundLogger

from exporter.app.descriptors import raise_descriptor_limit, share_out
from exporter.app.exporter import Exporter
from exporter.app.notify import ServiceManager
from exporter.app.reload import Reloader
from exporter.app.sources import build_sources
from exporter.app.storage import keep_tidy, look_after, storage
from exporter.clock import SystemClock
from exporter.config.files import is_pipe
from exporter.config.load import load_watched_config
from exporter.config.web import load_web_config
from exporter.domain.shard import Shard
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.loop import Supervised
from exporter.version import REVISION, VERSION
from exporter.web.auth import BasicAuth
from exporter.web.listen import sockets_handed_over
from exporter.web.protocol import Limits
from exporter.web.routes import build_web
from exporter.web.security import ExtraHeaders, Security
from exporter.web.server import Server
from exporter.web.view import WebSources
from exporter.worker import Worker

IN_MEMORY = "memory"
"""In the log, in place of a storage path."""
_COLLECT_AFTER = (700, 10, 1000)
"""
New objects, collections of these, and of the younger ones. A full one takes a quarter of a second with 10,000
integrations, finds next to nothing, and came every few seconds while they were polled for the first time.
"""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Options:
    """The daemon's flags, apart from those about the log. Durations are seconds; 0 turns auto-reload off."""

    config_file: str
    listen_addresses: tuple[str, ...]
    telemetry_path: str
    web_config_file: str | None
    enable_lifecycle: bool
    storage_path: str
    auto_reload_seconds: float
    shard: Shard
    systemd_socket: bool = False
    """Serve on the sockets that systemd has passed, whatever addresses are given."""


class WrongFlagError(Exception):
    """A flag's value cannot be used; the text names the flag and the reason."""


async def run_daemon(options: Options, log: FilteringBoundLogger, log_lines_dropped: Callable[[], int]) -> None:
    """
    Poll and serve until a signal comes.

    Args:
        options: The flags.
        log: For all parts.
        log_lines_dropped: Gives the number of lines that *log* has lost so far.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ConfigError: The configuration or the web configuration has errors.
        ListenError: An address is not available.
        StorageInUseError: Another exporter has the storage path.
        Exception: Any other error that ended the server.

    """
    gc.freeze()  # what was imported stays
    gc.set_threshold(*_COLLECT_AFTER)
    hung_up = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    config, watch = load_watched_config(options.config_file, environ=os.environ)
    clock = SystemClock()
    self_metrics = SelfMetrics(log_lines_dropped=log_lines_dropped)
    security = None
    if options.web_config_file is not None:
        security = Security(partial(load_web_config, options.web_config_file), log, self_metrics.web_config_loaded)
    with storage(options.storage_path, self_metrics, clock, log) as store:
        descriptors = raise_descriptor_limit()
        exporter = Exporter(
            store=store, self_metrics=self_metrics, clock=clock, log=log, shard=options.shard, descriptors=descriptors
        )
        reloader = Reloader(
            path=options.config_file,
            config=config,
            watch=watch,
            exporter=exporter,
            clock=clock,
            log=log,
            security=security,
        )
        sources = build_sources(exporter, clock, reloader.render, reloader.reload if options.enable_lifecycle else None)
        limits = Limits(connections=share_out(descriptors, len(config.workspaces)).visitors)
        addresses = None if options.systemd_socket else options.listen_addresses
        server = bind_server(sources, addresses, options.telemetry_path, log, security=security, limits=limits)
        manager = ServiceManager(os.environ, exporter.unhealthy, clock)
        tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "housekeeping": partial(keep_tidy, store, exporter, clock),
            "state on disk": partial(look_after, store),
            "reload on SIGHUP": partial(_reload_on_hangup, reloader, hung_up, manager),
            "service manager": manager.keep_informed,
        }
        if security is not None:
            tasks["web configuration"] = security.keep_fresh
        if options.auto_reload_seconds and is_pipe(options.config_file):
            log.info("the configuration is not watched for changes: it came from a pipe")
        elif options.auto_reload_seconds:
            tasks["auto-reload"] = partial(reloader.watch, options.auto_reload_seconds)
        stop = stop_on_signals()  # until here, where a file may make us wait, a signal ends the process

        async def begin() -> None:
            await Worker("state").run(store.start)
            await reloader.begin()

        about = {"config": options.config_file, "storage": options.storage_path or IN_MEMORY}
        await serve(exporter, server, log, stop, begin=begin, tasks=tasks, about=about)


def bind_server(
    sources: WebSources,
    addresses: tuple[str, ...] | None,
    telemetry_path: str,
    log: FilteringBoundLogger,
    *,
    security: Security | None = None,
    limits: Limits | None = None,
) -> Server:
    """
    Return a server that listens already, and answers once it is served.

    Without *addresses* it does so on what systemd has passed.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ListenError: An address is not available.

    """
    try:
        pages = build_web(sources, telemetry_path=telemetry_path, log=log)
        if security is None:
            server = Server(pages, limits=limits)
        else:
            secured = ExtraHeaders(BasicAuth(pages, security.users), security.headers)
            server = Server(secured, limits=limits, tls=security.tls)
        if addresses is None:
            server.adopt(sockets_handed_over(os.environ))
        else:
            server.bind(addresses)
    except ValueError as error:
        raise WrongFlagError(str(error)) from error
    return server


async def serve(
    exporter: Exporter,
    server: Server,
    log: FilteringBoundLogger,
    stop: asyncio.Event,
    *,
    begin: Callable[[], Awaitable[None]],
    tasks: Mapping[str, Callable[[], Awaitable[None]]],
    about: Mapping[str, str],
) -> None:
    """
    Serve, *begin*, and then do *tasks* until *stop* is set; then end the polls of an exporter that has started.

    Probes are answered from the first moment, while what is known from before is being read. A task that crashes is
    logged by name and restarted. The line of the start has what *about* says of the flags.
    """
    addresses = server.addresses  # while it has them: a signal may close it in the middle of the beginning

    async def start() -> None:
        await begin()
        for address in addresses:
            log.info("listening", address=str(address))
        log.info(
            "started",
            version=VERSION,
            revision=REVISION,
            **about,
            shard=str(exporter.shard),
            workspaces=len(exporter.pollers),
            integrations=sum(len(poller.views) for poller in exporter.pollers),
        )

    serving = asyncio.create_task(server.serve(stop))
    waiting = asyncio.create_task(stop.wait())
    beginning = asyncio.create_task(start())
    doing = [beginning]
    try:
        await asyncio.wait((serving, waiting, beginning), return_when=asyncio.FIRST_COMPLETED)
        if beginning.done():
            await beginning
            doing += [asyncio.create_task(Supervised(name, task, log).run()) for name, task in tasks.items()]
            await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        await exporter.close()
        await serving
    log.info("stopped")


def stop_on_signals() -> asyncio.Event:
    """Return the event that the first SIGTERM or SIGINT sets; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def first() -> None:
        stop.set()
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, first)
    return stop


async def _reload_on_hangup(reloader: Reloader, hung_up: asyncio.Event, manager: ServiceManager) -> None:
    """Reload at each SIGHUP; any during a reload cause one more."""
    while True:
        await hung_up.wait()
        hung_up.clear()
        async with manager.reloading():
            await reloader.reload()
