"""
A simulated Braze on a loopback port, in a thread with an event loop of its own, for tests over real sockets.

The world belongs to that loop: a test looks into it and switches faults through `call`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from starlette.types import Receive, Send

from exporter.clock import Clock, SystemClock
from exporter.simulator import responses
from exporter.simulator.serve import BrazeApp, BrazeServer, begin, listen
from tests.mutations import Answer
from tests.world import World, handle

T = TypeVar("T")
_PATIENCE_SECONDS = 20

DRIP_SECONDS = 0.25
"""Between two bytes of a dripping answer: slow enough to outlast any deadline, quick enough to look alive."""

_LINGER_NO_SECONDS = struct.pack("ii", 1, 0)


class FaultyBraze(BrazeApp):
    """Acts out faults of the socket. ASGI cannot break a connection, so uvicorn's own is taken from behind it."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(world, clock)
        self._faulty = world
        self._acts: dict[str, Callable[[Answer, Receive, Send], Awaitable[None]]] = {
            "hang": self._hang,
            "drip": self._drip,
            "reset": self._reset,
            "cut": self._cut,
        }
        self._kept = set[asyncio.Transport]()
        """Connections of clients who wait for what never comes."""

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        return handle(self._faulty, self._clock.now(), method, path, query, headers)

    async def deliver(self, answer: responses.Answer, receive: Receive, send: Send) -> None:
        assert isinstance(answer, Answer)
        if answer.fault is None:
            await super().deliver(answer, receive, send)
            return
        transport = _transport(receive)
        self._kept.add(transport)
        await self._acts[answer.fault](answer, receive, send)
        self._kept.discard(transport)

    def give_up(self) -> None:
        """Break the connections of those who wait."""
        for transport in self._kept:
            transport.abort()

    async def _hang(self, _answer: Answer, receive: Receive, _send: Send) -> None:
        await _gone(receive)

    async def _drip(self, answer: Answer, receive: Receive, send: Send) -> None:
        await begin(send, answer)
        gone = asyncio.ensure_future(_gone(receive))
        for byte in answer.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            done, _ = await asyncio.wait({gone}, timeout=DRIP_SECONDS)
            if done:
                return
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _reset(self, _answer: Answer, receive: Receive, _send: Send) -> None:
        transport = _transport(receive)
        # Without lingering the kernel sends RST in place of FIN, so the client sees a reset and not an end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_SECONDS)
        transport.abort()
        await _gone(receive)

    async def _cut(self, answer: Answer, receive: Receive, send: Send) -> None:
        await begin(send, answer)
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(receive).close()
        await _gone(receive)


def _transport(receive: Receive) -> asyncio.Transport:
    """Return the connection of the request that uvicorn's *receive* belongs to."""
    transport: asyncio.Transport = cast("Any", receive).__self__.transport
    return transport


async def _gone(receive: Receive) -> None:
    """Return when the client has gone, or the connection was broken."""
    while (await receive())["type"] != "http.disconnect":
        pass


class SimulatedBraze:
    def __init__(self, world: World, *, clock: Clock | None = None) -> None:
        self.world = world
        self.url = ""
        self._clock = clock or SystemClock()
        self._loop = asyncio.new_event_loop()
        self._app = FaultyBraze(world, self._clock)
        self._server = BrazeServer(self._app)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        listener = listen()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, args=(listener,), name="simulated-braze", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(_PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the simulated Braze did not stop"
        self._loop.close()
        if self._failure is not None:
            raise RuntimeError("the simulated Braze failed") from self._failure

    def call(self, function: Callable[[World], T]) -> T:
        """Run *function* with the world, brought up to the present, on the thread that serves it."""

        async def run() -> T:
            self.world.advance(self._clock.now())
            return function(self.world)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_SECONDS)

    def _stop(self) -> None:
        self._server.should_exit = True
        self._app.give_up()

    def _run(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._server.serve(sockets=[listener]))
        except BaseException as failure:  # noqa: BLE001 - told to the test, which runs in another thread
            self._failure = failure
