"""
Serves an ASGI application: binds first, runs until stopped, ends answers under way, then cuts the rest.

uvicorn does the HTTP. Its signal handlers, log configuration, access log, lifespan, proxy headers and WebSockets are
off: signals and logs belong to the composition root, and no proxy is trusted to name the client.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from exporter.web.accept import Listener
from exporter.web.listen import ListenAddress, bind_sockets, bound_address, parse_address
from exporter.web.protocol import DeadlineProtocol, Limits

_ABOVE_ALL_LEVELS = logging.CRITICAL + 1
"""uvicorn's own log lines: its errors about our application are logged by `routes.py`, the rest is noise of clients."""


class Server:
    """
    HTTP server for *app*. First `bind` or `adopt`, then `serve` once.

    Args:
        app: Answers the requests.
        limits: Of each client.
        tls: Asked for the TLS context of each new connection; None to serve plain HTTP.

    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._tls = tls
        self._sockets: list[socket.socket] = []

    @property
    def addresses(self) -> tuple[ListenAddress, ...]:
        """Where it listens, once `bind` was called."""
        return tuple(bound_address(listening) for listening in self._sockets)

    def bind(self, addresses: Sequence[str]) -> tuple[ListenAddress, ...]:
        """
        Start to listen on *addresses*; connections wait until `serve`. Gives the addresses that were bound.

        Raises:
            ValueError: an address cannot be understood.
            ListenError: an address cannot be bound; none is then.
        """
        self._sockets = bind_sockets([parse_address(address) for address in addresses])
        return self.addresses

    def adopt(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on *sockets*, which listen already, instead of binding some."""
        self._sockets = list(sockets)

    def close(self) -> None:
        """Let go of the addresses, for when `serve` is never reached."""
        for listening in self._sockets:
            listening.close()

    async def serve(self, stop: asyncio.Event) -> None:
        """
        Answer requests until *stop* is set and the answers under way have ended, or been cut off.

        Raises:
            Exception: the error that ended the server before *stop* was set.
        """
        server = _Uvicorn(self._config(), stop, self._limits, self._tls)
        try:
            await server.serve(sockets=self._sockets)
        finally:
            for accepting in server.servers:
                accepting.close()
            self.close()
            for connection in tuple(server.server_state.connections):
                connection.transport.abort()

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            cast("Any", self._app),  # uvicorn and Starlette spell the same ASGI types differently
            http=cast("Any", partial(DeadlineProtocol, limits=self._limits)),  # called like the class it asks for
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=_ABOVE_ALL_LEVELS,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=self._limits.header_bytes,
            timeout_graceful_shutdown=self._limits.stop_seconds,
        )


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, ended by an event instead of signals."""

    def __init__(
        self, config: uvicorn.Config, stop: asyncio.Event, limits: Limits, tls: Callable[[], ssl.SSLContext] | None
    ) -> None:
        super().__init__(config)
        self._stop = stop
        self._limits = limits
        self._tls = tls
        self.servers = []  # so that there is something to close even when starting fails

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        make_protocol = partial(
            cast("Any", self.config.http_protocol_class),  # called as uvicorn itself calls it
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        listeners = [Listener(one, self._tls, make_protocol, self._limits) for one in sockets or ()]
        self.servers = cast("Any", listeners)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the composition root."""
        yield

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)  # renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stop.wait()
