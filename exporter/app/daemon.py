"""
The daemon: poll and serve until a signal comes.

Decides the order of start and stop. Sockets and storage come first, so that a port or a path in use is our message and
nothing has begun; at the end polls are cancelled, then the server ends its answers, then the store is closed.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.app.options import Options, WrongFlagError
from exporter.app.reload import Reloader
from exporter.app.sources import build_sources
from exporter.app.storage import keep_tidy, storage
from exporter.clock import SystemClock
from exporter.config.load import load_watched_config
from exporter.config.web import load_web_config
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.loop import Supervised
from exporter.version import VERSION
from exporter.web.basic_auth import BasicAuth
from exporter.web.routes import build_web
from exporter.web.security import Security
from exporter.web.server import Server
from exporter.web.view import WebSources

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def run_daemon(options: Options, log: FilteringBoundLogger) -> None:
    """
    Poll and serve until a signal comes.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ConfigError: The configuration or the web configuration has errors.
        ListenError: An address cannot be had.
        StorageInUseError: Another exporter has the storage path.
        Exception: Whatever else ended the server.

    """
    stop = stop_on_signals()
    config, watch = load_watched_config(options.config_file, environ=os.environ)
    clock = SystemClock()
    self_metrics = SelfMetrics()
    security = None
    if options.web_config_file is not None:
        security = Security(partial(load_web_config, options.web_config_file), log, self_metrics.web_config_loaded)
    with storage(options.storage_path, self_metrics, clock, log) as store:
        exporter = Exporter(store=store, self_metrics=self_metrics, clock=clock, log=log, shard=options.shard)
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
        server = bind_server(sources, options.listen_addresses, options.telemetry_path, log, security)
        chores: dict[str, Callable[[], Awaitable[None]]] = {
            "housekeeping": partial(keep_tidy, store, exporter, clock),
            "reload on SIGHUP": partial(_reload_on_hangup, reloader),
        }
        if security is not None:
            chores["web configuration"] = security.keep_fresh
        if options.auto_reload_seconds:
            chores["auto-reload"] = partial(reloader.watch, options.auto_reload_seconds)
        await exporter.apply(config)
        await serve(exporter, server, log, stop, chores)


def bind_server(
    sources: WebSources,
    addresses: tuple[str, ...],
    telemetry_path: str,
    log: FilteringBoundLogger,
    security: Security | None = None,
) -> Server:
    """
    Return a server that listens already, and answers once it is served.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ListenError: An address cannot be had.

    """
    try:
        pages = build_web(sources, telemetry_path=telemetry_path, log=log)
        server = Server(pages) if security is None else Server(BasicAuth(pages, security.users), tls=security.tls)
        server.bind(addresses)
    except ValueError as error:
        raise WrongFlagError(str(error)) from error
    return server


async def serve(
    exporter: Exporter,
    server: Server,
    log: FilteringBoundLogger,
    stop: asyncio.Event,
    chores: Mapping[str, Callable[[], Awaitable[None]]],
) -> None:
    """
    Serve, and do *chores* beside it, until *stop* is set; then end the polls of an exporter that has started.

    A chore that crashes is logged by its name and begun again.
    """
    for address in server.addresses:
        log.info("listening", address=str(address))
    log.info(
        "started",
        version=VERSION,
        workspaces=len(exporter.pollers),
        integrations=sum(len(poller.views) for poller in exporter.pollers),
    )
    serving = asyncio.create_task(server.serve(stop))
    waiting = asyncio.create_task(stop.wait())
    doing = [asyncio.create_task(Supervised(name, chore, log).run()) for name, chore in chores.items()]
    try:
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, *doing):
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        await exporter.close()
    await serving
    log.info("stopped")


def stop_on_signals() -> asyncio.Event:
    """Return what the first SIGTERM or SIGINT sets; a second one ends the process at once, as it does by itself."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def first() -> None:
        stop.set()
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, first)
    return stop


async def _reload_on_hangup(reloader: Reloader) -> None:
    """Reload at each SIGHUP; those that come during a reload are one more."""
    hung_up = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    while True:
        await hung_up.wait()
        hung_up.clear()
        await reloader.reload()
