"""
Answers a scrape: negotiates, then sends the page piece by piece.

A page can be 60 MB. It is never whole in memory a second time: one chunk after the other is joined or compressed
and handed to the connection, whose flow control holds us back; the event loop turns now and then. ISA-L takes one or
two milliseconds to compress a chunk; zlib, used where ISA-L is not installed, takes up to ten. Either is quick enough
to be done where we stand, while a worker thread would wait for the interpreter lock at every chunk. The number of
scrapes under way is bounded (`places.py`), and a client that has gone is noticed at the next turn. Nothing here waits
for Braze.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from exporter.metrics.page import Exposition
from exporter.web.compress import TEXT_BYTES, compress, compress_pieces
from exporter.web.negotiate import accepts_gzip, wants_openmetrics
from exporter.web.view import RenderMetrics

_SMALL_BYTES = 128 * 1024
"""A page up to this size is compressed at once, so that its length is known beforehand."""

_TURN_BYTES = 8 * 1024 * 1024
"""
This much of a page is joined or compressed in one turn of the event loop, in about ten milliseconds, or forty with
zlib. With a turn for each megabyte a scrape took three seconds while a hundred workspaces were being polled for the
first time.
"""


class Scrape:
    """The ASGI endpoint of the telemetry path."""

    def __init__(self, render: RenderMetrics, begun: Callable[[], Awaitable[object]]) -> None:
        self._render = render
        self._begun = begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._begun()  # a page that lacks some integrations would end their alerts
        headers = Headers(scope=scope)
        exposition = self._render(openmetrics=wants_openmetrics(headers))
        await _answer(exposition, scope["method"], accepts_gzip(headers), receive, send)


async def _answer(exposition: Exposition, method: str, gzip: bool, receive: Receive, send: Send) -> None:
    chunks = exposition.chunks
    length: int | None = exposition.length
    if gzip and exposition.length <= _SMALL_BYTES:
        body = compress(b"".join(chunks))
        chunks, length = iter((body,)), len(body)
    elif gzip:
        chunks, length = compress_pieces(exposition.pieces), None

    headers = _headers(exposition.content_type, gzip, length)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if method != "HEAD":
        async with _watching(receive) as gone:
            async for chunk in _paced(chunks, TEXT_BYTES if length is None else 0):
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(content_type: str, gzip: bool, length: int | None) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"vary", b"Accept, Accept-Encoding"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if gzip:
        headers.append((b"content-encoding", b"gzip"))
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    return headers


async def _paced(chunks: Iterator[bytes], at_least: int) -> AsyncIterator[bytes]:
    """
    Let the event loop turn now and then between two chunks: sending alone would not, while the client keeps up.

    A chunk counts for its own size, or for *at_least* bytes of the page.
    """
    since_turn = 0
    for chunk in chunks:
        yield chunk
        since_turn += max(len(chunk), at_least)
        if since_turn >= _TURN_BYTES:
            await asyncio.sleep(0)
            since_turn = 0


@asynccontextmanager
async def _watching(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is done once the client has gone: uvicorn's `send` is silent about that."""
    task = asyncio.create_task(_disconnected(receive))
    try:
        yield task
    finally:
        task.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
