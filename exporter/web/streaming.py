"""
A long answer in JSON, made and compressed bit by bit in a thread: never whole in memory, and the event loop goes on.

Answers under way take turns at the thread, bit by bit, and the latest goes first; a client that does not read holds up
no other.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from exporter.web.compress import start_gzip
from exporter.web.negotiate import COMMON_HEADERS, accepts_gzip
from exporter.web.places import Maker

_BIT_CHARACTERS = 64 * 1024
_SHORT_BITS = 4


async def stream_json(request: Request, maker: Maker, pieces: Iterator[str]) -> Response:
    """Answer with *pieces* of a document in ASCII, which *maker* makes while they are sent; a short one at once."""
    headers = {**COMMON_HEADERS, "vary": "Accept-Encoding"}
    bits = _bits(pieces)
    if accepts_gzip(request.headers):
        headers["content-encoding"] = "gzip"
        bits = _compressed(bits)
    async with maker.turn(request) as run:
        begin = await run(lambda: list(islice(bits, _SHORT_BITS)))
    if len(begin) < _SHORT_BITS:
        return Response(b"".join(begin), media_type="application/json", headers=headers)

    async def body() -> AsyncIterator[bytes]:
        bit: bytes | None = b"".join(begin)
        while bit is not None:
            yield bit
            async with maker.turn(request) as run:
                bit = await run(lambda: next(bits, None))

    return StreamingResponse(body(), media_type="application/json", headers=headers)


def _bits(pieces: Iterator[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BIT_CHARACTERS:
            yield "".join(waiting).encode("ascii")
            waiting, size = [], 0
    yield "".join(waiting).encode("ascii")


def _compressed(bits: Iterator[bytes]) -> Iterator[bytes]:
    compressor = start_gzip()
    for bit in bits:
        yield compressor.compress(bit)
    yield compressor.flush()
