"""The server over real sockets on loopback, and what tests say to it. Tests wait for sockets, never for the clock."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from exporter.web.protocol import Limits
from exporter.web.server import Server
from tests.unit.web.applications import Sources

PATIENT = Limits(request_seconds=30, answer_seconds=30, idle_seconds=30, stop_seconds=1)


@dataclass
class Running:
    ports: list[int]
    stop: asyncio.Event
    serving: asyncio.Task[None]
    clients: list[asyncio.StreamWriter]

    async def connect(
        self, port: int | None = None, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port or self.ports[0], ssl=tls, server_hostname="localhost" if tls else None
        )
        self.clients.append(writer)
        return reader, writer


@contextlib.asynccontextmanager
async def running(
    limits: Limits = PATIENT,
    app: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None,
    more: Sequence[str] = (),
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> AsyncIterator[Running]:
    """A server on a free port of loopback, and on *more*; whatever a client does, no error may reach the event loop."""
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    server = Server(app or Sources().build(), limits=limits, tls=tls)
    addresses = server.bind(["127.0.0.1:0", *more])
    stop = asyncio.Event()
    serving = asyncio.create_task(server.serve(stop))
    started = Running([address.port for address in addresses], stop, serving, [])
    try:
        yield started
    finally:
        for client in started.clients:
            client.transport.abort()
        stop.set()
        async with asyncio.timeout(5):
            await serving
    assert errors == []


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server cuts the connection."""
    received = b""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(65536):
                received += part
    return received


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One answer with a Content-Length."""
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        return head + await reader.readexactly(int(length.partition(b":")[2]))


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()
