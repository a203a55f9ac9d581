"""
The daemon: poll and serve until a signal comes.

Decides the order of start and stop. Sockets are bound before anything else, so that a port in use is our message; at
the end the poll loops are cancelled first, then the server ends its answers.
"""

import asyncio
import signal
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import SystemClock
from exporter.config.load import Config
from exporter.state.memory import MemoryStore
from exporter.version import VERSION
from exporter.web.listen import ListenAddress
from exporter.web.routes import build_web
from exporter.web.server import Server

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where and how to serve, as the command line says."""

    listen_addresses: tuple[str, ...]
    telemetry_path: str


class WrongFlagError(Exception):
    """A flag's value cannot be used; the text says which and why."""


async def run_daemon(config: Config, options: ServeOptions, log: FilteringBoundLogger) -> None:
    """
    Poll and serve until a signal comes.

    Raises:
        WrongFlagError: An address or the telemetry path is not understood.
        ListenError: An address cannot be had.
        Exception: Whatever else ended the server.

    """
    stop = asyncio.Event()
    stop_on_signals(stop)
    exporter = Exporter(config, MemoryStore(), SystemClock(), log)
    server, _ = bind_server(exporter, options, log)
    await serve(exporter, server, log, stop)


def bind_server(
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


async def serve(exporter: Exporter, server: Server, log: FilteringBoundLogger, stop: asyncio.Event) -> None:
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


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set *stop* at the first SIGTERM or SIGINT; a second one ends the process at once, as it does by itself."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, first)
