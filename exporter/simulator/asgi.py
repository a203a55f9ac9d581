"""
The simulated Braze as an ASGI application: carries answers, and acts out the faults of the socket.

ASGI has no word for breaking a connection, so the application is given the transports of its clients by their
addresses; `serve.py` fills them in. What is answered is decided in `api.py` alone.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping

from starlette.types import Receive, Scope, Send

from exporter.clock import Clock
from exporter.simulator.answer import Answer
from exporter.simulator.api import handle
from exporter.simulator.world import World

Transports = MutableMapping[tuple[str, int], asyncio.Transport]
"""Open connections, by the client's address."""

DRIP_SECONDS = 0.25
"""Between two bytes of a dripping answer: slow enough to outlast any deadline, quick enough to look alive."""

_LINGER_NO_SECONDS = struct.pack("ii", 1, 0)


class BrazeApp:
    """Serves *world* at the time that *clock* tells. Only breaking connections needs the *transports*."""

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
