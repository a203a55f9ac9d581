"""
uvicorn's HTTP/1.1 protocol with a deadline for every connection at every moment.

uvicorn cuts idle keep-alives only: a silent connection, a request sent drop by drop and a client that does not read
its answer live forever there. Here a connection is always in one of three phases, each with its deadline, and is cut
without ceremony when it passes. When too many connections are open the one that has waited longest makes room, so a
scraper always gets in. Request bodies are never read: their connection ends with the answer.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.config.tls import ServerContext


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one client. Times in seconds."""

    handshake_seconds: float = 5.0
    """For TLS's handshake, and for its farewell."""
    request_seconds: float = 10.0
    """From the connection, or a request's first byte, to the end of its headers."""
    answer_seconds: float = 60.0
    """From there until the whole answer is in the system's hands."""
    idle_seconds: float = 120.0
    """Between an answer and the next request: longer than usual scrape intervals, so that scrapers may reuse it."""
    header_bytes: int = 16 * 1024
    connections: int = 256
    stop_seconds: int = 3
    """How long answers under way may take once the server stops."""


class _Phase(Enum):
    REQUEST = auto()
    ANSWER = auto()
    IDLE = auto()


def _announces_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """
    Whether a request has a body, however little of it: where that ends, someone in between may see otherwise.

    Source: RFC 9112, section 6, which asks for the end of the connection where both headers stand.
    """
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


class DeadlineProtocol(H11Protocol):
    """One connection. uvicorn makes one per client, with arguments of its own; *limits* is bound by `server.py`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._phase = _Phase.REQUEST
        self._phase_began_seconds = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        context = transport.get_extra_info("sslcontext")
        if isinstance(context, ServerContext) and not context.serves(transport.get_extra_info("peercert")):
            transport.abort()  # nothing that it has sent is read any more
        self._enter(_Phase.REQUEST)
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.IDLE:
            self._enter(_Phase.REQUEST)
        super().data_received(data)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._enter(_Phase.ANSWER)
            if self.conn.their_state is h11.SEND_BODY or _announces_body(self.headers):
                self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        if not self.transport.is_closing():  # otherwise bytes may be left to send: the answer's deadline stays
            self._enter(_Phase.IDLE)
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing: our own deadline of the idle phase decides."""

    def send_400_response(self, msg: str) -> None:
        if self._answering:  # h11 would refuse a second answer, with a traceback
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """Called when the server stops: answers in flight end, other connections are cut."""
        if self._answering:
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    @property
    def _answering(self) -> bool:
        # Before the first request there is no cycle, despite uvicorn's annotation.
        return bool(self.cycle) and not self.cycle.response_complete

    def _enter(self, phase: _Phase) -> None:
        seconds = {
            _Phase.REQUEST: self._limits.request_seconds,
            _Phase.ANSWER: self._limits.answer_seconds,
            _Phase.IDLE: self._limits.idle_seconds,
        }[phase]
        if self._deadline is not None:
            self._deadline.cancel()
        self._phase = phase
        self._phase_began_seconds = self.loop.time()
        # abort, not close: close waits for a client that does not read.
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        waiting = [
            connection
            for connection in self.connections
            if isinstance(connection, DeadlineProtocol) and connection is not self and not connection._answering  # noqa: SLF001 - another of the same class
        ]
        oldest = min(waiting, key=lambda connection: connection._phase_began_seconds, default=self)  # noqa: SLF001 - as above
        oldest.transport.abort()
