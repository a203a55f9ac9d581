"""
Answers a scrape: negotiates, then sends the page piece by piece.

A page can be 40 MB. It is never whole in memory: one piece at a time, as `metrics/page.py` joins them, is compressed
and handed to the connection, whose flow control holds us back; the event loop turns now and then. ISA-L takes half
a millisecond to compress a piece; zlib, used where ISA-L is not installed, takes two. Either is quick enough
to be done where we stand, while a worker thread would wait for the interpreter lock at every piece. The number of
scrapes under way is bounded (`places.py`), and a client that has gone is noticed at the next turn. Nothing here waits
for Braze.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from exporter.metrics.page import Exposition
from exporter.web.negotiate import accepts_gzip, wants_openmetrics
from exporter.web.view import RenderMetrics

try:
    from isal import isal_zlib as zlib
except ImportError:  # installed without the extra "isal"
    import zlib  # type: ignore[no-redef]

_SMALL_BYTES = 128 * 1024
"""A page up to this size is compressed at once, so that its length is known beforehand."""

_GZIP_WINDOW = 31
"""zlib's spelling of "gzip header, largest window"."""

_LEVEL = 1
"""Of ISA-L's 0 to 3: level 0 costs as much and is a third larger, those above save nothing on these pages."""


_TURN_BYTES = 8 * 1024 * 1024
"""
This much of a page is joined and compressed in one turn of the event loop, in about ten milliseconds, or forty with
zlib. With a turn for each piece a scrape took three seconds while a hundred workspaces were being polled for the first
time.
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
    pieces = exposition.chunks
    length: int | None = exposition.length
    if gzip and exposition.length <= _SMALL_BYTES:
        body = zlib.compress(b"".join(pieces), _LEVEL, _GZIP_WINDOW)
        pieces, length = iter((body,)), len(body)
    elif gzip:
        length = None

    headers = _headers(exposition.content_type, gzip, length)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if method != "HEAD":
        async with _watching(receive) as gone:
            async for piece in _paced(pieces) if length is not None else _compressed(pieces):
                if gone.done():
                    return
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
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


async def _paced(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Let the event loop turn now and then between two pieces: sending alone would not, while the client keeps up."""
    since_turn = 0
    for piece in pieces:
        yield piece
        since_turn += len(piece)
        if since_turn >= _TURN_BYTES:
            await asyncio.sleep(0)
            since_turn = 0


async def _compressed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Something for each piece, if only nothing: the compressor keeps what it has not finished with."""
    compressor = start_gzip()
    async for piece in _paced(pieces):
        yield compressor.compress(piece)
    yield compressor.flush()


def start_gzip() -> Any:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)


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
