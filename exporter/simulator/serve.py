"""
The simulated Braze on a real socket, in the caller's event loop.

Decides how uvicorn is set up: no signals (they are the caller's), no access log, every connection known so that it can
be broken. Knows nothing of what is answered.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.clock import Clock
from exporter.simulator.asgi import BrazeApp, Transports
from exporter.simulator.world import World


async def serve_world(
    world: World,
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    stop: asyncio.Event,
    bound: Callable[[int], None],
) -> None:
    """
    Serve *world* until *stop* is set; open connections are then broken, hanging ones included.

    Args:
        world: Whom to serve. Only this event loop may touch it meanwhile.
        clock: Tells the world's time.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        stop: Ends the service.
        bound: Called with the port once connections are accepted.

    Raises:
        OSError: The address cannot be had.

    """
    transports: Transports = {}
    closing = asyncio.Event()
    listener = _listen(host, port)
    config = Config(
        BrazeApp(world, clock, transports),
        http=_known_connections(transports, closing),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # they would put another address in the place of the client's, by which it is known here
        timeout_graceful_shutdown=1,
    )
    server = _QuietServer(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        bound(listener.getsockname()[1])
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        closing.set()
        for transport in list(transports.values()):
            transport.abort()
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket that says it is TCP: without that asyncio leaves Nagle's delay of 40 ms on."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


class _QuietServer(Server):
    """A server that leaves signals to whoever runs the process."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # a narrower promise than uvicorn's own generator suffices
        return contextlib.nullcontext()


def _known_connections(transports: Transports, closing: asyncio.Event) -> type[H11Protocol]:
    """Return uvicorn's protocol, made to enter its connections in *transports*, and to break those that come late."""

    class KnownConnection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            if self.client is not None:
                transports[self.client] = transport
            if closing.is_set():
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                transports.pop(self.client, None)
            super().connection_lost(exc)

    return KnownConnection
