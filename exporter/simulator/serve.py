"""
The simulated Braze on a real socket, in the caller's event loop.

Carries responses and acts out socket faults; `api.py` decides the responses. ASGI cannot break a connection, so the
application is given the transports of its clients by their addresses. uvicorn is set up without signal handlers (they
are the caller's) and access log.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping

from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.clock import Clock
from exporter.simulator.api import handle
from exporter.simulator.responses import Answer
from exporter.simulator.world import World

Transports = MutableMapping[tuple[str, int], asyncio.Transport]
"""Open connections, by the client's address."""

DRIP_SECONDS = 0.25
"""Between two bytes of a dripping answer: slow enough to outlast any deadline, quick enough to look alive."""

_LINGER_NO_SECONDS = struct.pack("ii", 1, 0)


class BrazeApp:
    """Serves *world* at the time of *clock*. Only breaking connections needs the *transports*."""

    def __init__(self, world: World, clock: Clock, transports: Transports) -> None:
        self._world = world
        self._clock = clock
        self._transports = transports
        self._acts: dict[str | None, Callable[[Scope, Receive, Send, Answer], Awaitable[None]]] = {
            None: self._deliver,
            "hang": self._hang,
            "drip": self._drip,
            "reset": self._reset,
            "cut": self._cut,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        answer = handle(self._world, self._clock.now(), scope["method"], path, query, headers)
        await self._acts[answer.fault](scope, receive, send, answer)

    async def _deliver(self, _scope: Scope, _receive: Receive, send: Send, answer: Answer) -> None:
        await _begin(send, answer)
        await send({"type": "http.response.body", "body": answer.body})

    async def _hang(self, _scope: Scope, receive: Receive, _send: Send, _answer: Answer) -> None:
        await _gone(receive)

    async def _drip(self, _scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
        await _begin(send, answer)
        gone = asyncio.ensure_future(_gone(receive))
        for byte in answer.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            done, _ = await asyncio.wait({gone}, timeout=DRIP_SECONDS)
            if done:
                return
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _reset(self, scope: Scope, receive: Receive, _send: Send, _answer: Answer) -> None:
        transport = self._transports[tuple(scope["client"])]
        # Without lingering the kernel sends RST in place of FIN, so the client sees a reset and not an end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_SECONDS)
        transport.abort()
        await _gone(receive)

    async def _cut(self, scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
        await _begin(send, answer)
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._transports[tuple(scope["client"])].close()
        await _gone(receive)


async def _begin(send: Send, answer: Answer) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone, or the connection was broken."""
    while (await receive())["type"] != "http.disconnect":
        pass


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
        world: Only this event loop may touch it meanwhile.
        clock: The world's time.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        stop: Ends the service.
        bound: Called with the port once connections are accepted.

    Raises:
        OSError: The address is not available.

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
        date_header=False,  # an answer has the one of the world's clock
        proxy_headers=False,  # they would replace the client's address, by which its transport is found
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
    """A server that leaves signals to the process."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # a narrower promise than uvicorn's own generator suffices
        return contextlib.nullcontext()


def _known_connections(transports: Transports, closing: asyncio.Event) -> type[H11Protocol]:
    """Return uvicorn's protocol, registering connections in *transports* and breaking those made after closing."""

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
