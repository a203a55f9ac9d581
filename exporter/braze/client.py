"""
Sending to Braze over HTTP: the only place that knows httpcore.

Decides the deadline of a whole request, the size of an answer and the age of connections. httpcore is what httpx sends
with: it follows no redirect, so that the key goes to the configured origin only, reads no variable and keeps no cookie;
httpx would need all of that switched off, and takes as long again. Every failure becomes one of `domain/errors.py`
here, once, and its text never holds what httpcore would say of headers, because one of them is the key.
"""

import asyncio
import ssl
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

import httpcore

from exporter.braze.hiding import Hiding
from exporter.braze.no_answer import describe
from exporter.braze.wire import Request, Response
from exporter.domain.errors import AuthError, NetworkError, PayloadError, PollError, TimedOutError
from exporter.turns import Pace, Rank, Turns

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A page of ten syncs has about 3 kB."""
CONNECTION_SECONDS = 300.0
"""The greatest age of a connection that takes a new request."""
_IDLE_SECONDS = 5.0
"""A connection that is kept longer than this without a request is closed; proxies drop theirs without a word."""
_CONNECTED = "connection.connect_tcp.complete"
_ANSWERED = "http11.receive_response_headers.complete"
"""Events of httpcore: a connection was made, an answer has begun."""


class Key(Protocol):
    """Where a workspace's REST API key comes from."""

    def read(self) -> str:
        """
        Return the key as it is now.

        Raises:
            AuthError: It cannot be read; the text says which file or variable, and never the key.

        """


@dataclass(frozen=True, slots=True)
class Room:
    """What a workspace may have under way: its share, and *turns* and *pace* of all workspaces together."""

    turns: Turns
    pace: Pace
    at_once: int = 16
    kept: int = 4
    """Idle ones, for its next requests."""
    polls_at_once: int = 1
    """While they are prompt."""


@dataclass(slots=True)
class _Pool:
    """Connections that are closed together: when none of *users* is left, once a younger pool has taken over."""

    connections: httpcore.AsyncConnectionPool
    renew_at: float
    users: int = 0


_Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""


class HttpSender:
    """
    Sends to one workspace's REST endpoint.

    Args:
        origin: Scheme, host and port; nothing is sent anywhere else.
        key: Read for every request, so that a rotated key is used at once.
        timeout_seconds: For one whole request, from connecting to the last byte.
        user_agent: Names us to Braze's operators.
        tls: From `build_client_context`; a proxy that speaks TLS is judged by it, too.
        proxy: The URL of an HTTP proxy, with its password if it has one; None for a direct connection.
        room: For connections; without it, its own and ample.
        monotonic: Seconds of a steady clock, for the age of connections.

    """

    def __init__(
        self,
        origin: str,
        key: Key,
        timeout_seconds: float,
        user_agent: str,
        tls: ssl.SSLContext,
        *,
        proxy: str | None = None,
        room: Room | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = origin
        self._url = httpcore.URL(origin)
        self._key = key
        self._timeout_seconds = timeout_seconds
        self._headers = [
            (b"Host", urlsplit(origin).netloc.encode()),
            (b"User-Agent", user_agent.encode()),
            (b"Accept", b"application/json"),
            # No compression: a response is small, and without decompression it cannot be a bomb.
            (b"Accept-Encoding", b"identity"),
        ]
        self._tls = tls
        self._proxy = None if proxy is None else _build_proxy(proxy, tls)
        self._way = "" if proxy is None else f" through the proxy {urlsplit(proxy).netloc.rpartition('@')[2]}"
        self._monotonic = monotonic
        self._room = room or Room(Turns(sys.maxsize), Pace())
        self._at_once = asyncio.Semaphore(self._room.at_once)
        self._under_way = 0
        self._silent = False
        """Whether the latest request that ended has had no answer."""
        self._pool = self._open_pool()

    def _open_pool(self) -> _Pool:
        connections = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            proxy=self._proxy,
            max_connections=None,
            max_keepalive_connections=self._room.kept,
            keepalive_expiry=_IDLE_SECONDS,
        )
        return _Pool(connections, self._monotonic() + CONNECTION_SECONDS)

    async def send(self, request: Request) -> Response:
        """
        Send, and wait for the complete answer.

        Raises:
            PollError: AuthError, TimedOutError, NetworkError or PayloadError.

        """
        target = f"{request.path}?{request.query}" if request.query else request.path
        key = self._read_key()
        try:
            async with self._turn(), asyncio.timeout(self._timeout_seconds):
                status, raw, body = await self._ask(target.encode("ascii"), key)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise TimedOutError(
                f"{self._origin} gave no complete answer within {self._timeout_seconds:g} s; "
                "the exporter tries again; if it keeps failing, check the network in between or raise poll.timeout"
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError) as error:
            raise NetworkError(f"no answer from {self._origin}{self._way}: {describe(error)}") from error
        hiding = Hiding(key)
        headers: dict[str, str] = {}
        for name, value in raw:
            text, before = hiding.in_text(value.decode("latin-1")), headers.get(known := name.decode("latin-1").lower())
            headers[known] = text if before is None else f"{before}, {text}"
        return Response(status, headers, hiding.in_body(body))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait, at nobody's expense, until a request may be under way."""
        async with self._at_once, self._room.turns.take(self._rank):
            self._under_way += 1
            try:
                await self._room.pace.begin()
                yield
                self._silent = False
            except Exception:
                self._silent = True
                raise
            finally:
                self._under_way -= 1

    def _rank(self) -> Rank:
        return self._silent, self._under_way

    async def _ask(self, target: bytes, key: str) -> _Answer:
        """Ask, and once more on a fresh connection where a kept one turns out to have died meanwhile."""
        seen: set[str] = set()

        async def trace(event: str, _info: Mapping[str, Any]) -> None:
            seen.add(event)

        url = httpcore.URL(scheme=self._url.scheme, host=self._url.host, port=self._url.port, target=target)
        headers = [*self._headers, (b"Authorization", b"Bearer " + key.encode("ascii"))]
        request = httpcore.Request("GET", url, headers=headers, extensions={"trace": trace})
        try:
            async with self._connections() as connections:
                return await self._get(connections, request)
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            if _CONNECTED in seen or _ANSWERED in seen:
                raise
        async with self._open_pool().connections as fresh:
            return await self._get(fresh, request)

    async def _get(self, connections: httpcore.AsyncConnectionPool, request: httpcore.Request) -> _Answer:
        answer = await connections.handle_async_request(request)
        try:
            return answer.status, answer.headers, await self._read(cast("AsyncIterable[bytes]", answer.stream))
        finally:
            await answer.aclose()

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[httpcore.AsyncConnectionPool]:
        """Yield the connections of the moment. An old one gives way, so that a change in DNS is followed in time."""
        if self._monotonic() >= self._pool.renew_at:
            old, self._pool = self._pool, self._open_pool()
            if not old.users:
                await old.connections.aclose()
        pool = self._pool
        pool.users += 1
        try:
            yield pool.connections
        finally:
            pool.users -= 1
            if pool is not self._pool and not pool.users:
                await pool.connections.aclose()

    def _read_key(self) -> str:
        """The key, unless it would make httpcore fail with an error that quotes it."""
        key = self._key.read()
        if not (key.isascii() and key.isprintable()):
            raise AuthError("the key holds characters that a header cannot hold; check where it comes from")
        return key

    async def _read(self, stream: AsyncIterable[bytes]) -> bytes:
        body = bytearray()
        async for chunk in stream:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large(self._origin)
        return bytes(body)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.connections.aclose()


def _build_proxy(address: str, tls: ssl.SSLContext) -> httpcore.Proxy:
    parts = urlsplit(address)
    host = (parts.hostname or "").encode("idna")
    auth = [unquote(text or "").encode() for text in (parts.username, parts.password)]
    return httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme, host=host, port=parts.port, target="/"),
        auth=(auth[0], auth[1]) if any(auth) else None,
        ssl_context=tls if parts.scheme == "https" else None,  # httpcore trusts others else
    )


def _too_large(origin: str) -> PollError:
    return PayloadError(
        f"{origin} sent more than {MAX_BODY_BYTES // 1024 // 1024} MiB where ten records were expected; "
        "a proxy in between is the usual cause"
    )
