"""
The simulated Braze on a real socket, in the caller's event loop.

Carries responses; `api.py` decides them. uvicorn is set up without signal handlers (they are the caller's) and access
log.
"""

import contextlib
import socket
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server

from exporter.clock import Clock
from exporter.simulator.api import handle
from exporter.simulator.responses import Answer
from exporter.simulator.world import World


class BrazeApp:
    """Serves *world* at the time of *clock*. Only the event loop that serves it may touch the world meanwhile."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        await self.deliver(self.answer(scope["method"], path, query, headers), receive, send)

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        """Return what Braze says now."""
        return handle(self._world, self._clock.now(), method, path, query, headers)

    async def deliver(self, answer: Answer, _receive: Receive, send: Send) -> None:
        """Send an answer."""
        await begin(send, answer)
        await send({"type": "http.response.body", "body": answer.body})


async def begin(send: Send, answer: Answer) -> None:
    """Send all of an answer but its body."""
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})


class BrazeServer(Server):
    """Serves *app* until `should_exit` is set, and leaves signals to the process."""

    def __init__(self, app: BrazeApp) -> None:
        super().__init__(
            Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # an answer has the one of the world's clock
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # a narrower promise than uvicorn's own generator suffices
        return contextlib.nullcontext()


def listen() -> socket.socket:
    """Return a listening socket that says it is TCP: without that asyncio leaves Nagle's delay of 40 ms on."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener
