"""
Accepts connections on a listening socket, in the place of asyncio's own server.

asyncio's accepts all that wait at once, before any of them is counted: a crowd takes every descriptor. With TLS it
keeps one context for ever, waits a minute for a silent client and counts nobody before the handshake is done. Here they
are accepted one by one, and each gets the context of the moment, so that a renewed certificate serves the next one; a
handshake has a deadline; and when too many shake hands, the one that has waited longest makes room. Nothing here waits
for a client.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from exporter.web.protocol import Limits

_PAUSE_SECONDS = 0.1
"""How long nobody is accepted when the system has no descriptors left."""


class Listener:
    """Accepts on *listening* from now until `close`. Has what uvicorn needs of a server. Needs a running loop."""

    def __init__(
        self,
        listening: socket.socket,
        context: Callable[[], ssl.SSLContext] | None,
        make_protocol: Callable[[], asyncio.Protocol],
        limits: Limits,
    ) -> None:
        self._listening = listening
        self._context = context
        self._make_protocol = make_protocol
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._greetings: dict[asyncio.Task[None], None] = {}
        """Handshakes under way, the oldest first."""
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nobody any more, and cut those who still shake hands. To be called before the socket is closed."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
        for greeting in self._greetings:
            greeting.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._greetings, return_exceptions=True)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client has gone again
            return
        except OSError:
            self._loop.remove_reader(self._listening)
            self._pause = self._loop.call_later(_PAUSE_SECONDS, self._resume)
            return
        connection.setblocking(False)
        if len(self._greetings) >= self._limits.connections:
            next(iter(self._greetings)).cancel()
        greeting = self._loop.create_task(self._greet(connection))
        self._greetings[greeting] = None
        greeting.add_done_callback(self._greetings.pop)
        # One that is cancelled before its first step has handed the connection to nobody.
        greeting.add_done_callback(lambda done: connection.close() if done.cancelled() else None)

    async def _greet(self, connection: socket.socket) -> None:
        """Shake hands, if at all; then uvicorn's protocol takes over. A client that cannot is left: no news."""
        with contextlib.suppress(OSError):
            if self._context is None:
                await self._loop.connect_accepted_socket(self._make_protocol, connection)
                return
            await self._loop.connect_accepted_socket(
                self._make_protocol,
                connection,
                ssl=self._context(),
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=self._limits.handshake_seconds,
            )
