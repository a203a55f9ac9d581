"""
Sending to Braze over HTTP: the only place that knows httpx.

Decides the deadline of a whole request, the size of an answer, and that redirects are not followed, so that the key
goes to the configured origin only. Every failure becomes one of `domain/errors.py` here, once, and its text never
holds what httpx would say of headers, because one of them is the key.
"""

import asyncio
import errno
import json
import os
import ssl
from typing import Protocol
from urllib.parse import quote, quote_plus

import httpx

from exporter.braze.wire import Request, Response
from exporter.domain.errors import AuthError, NetworkError, PayloadError, PollError, TimedOutError

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A page of ten syncs has about 3 kB."""
HIDDEN = "hidden-key"
"""Stands where an answer repeats the key."""
_MOST_CONNECTIONS = 16
_UNAUTHORIZED = 401


class Key(Protocol):
    """Where a workspace's REST API key comes from."""

    def read(self) -> str:
        """
        Return the key as it is now.

        Raises:
            AuthError: It cannot be read; the text says which file or variable, and never the key.

        """

    def reject(self) -> None:
        """Note that Braze did not accept the key, so that it is read afresh the next time."""


def build_tls_context() -> ssl.SSLContext:
    """Return the system's trust, to be shared by all clients: loading it takes tens of milliseconds."""
    return ssl.create_default_context()


class HttpxSender:
    """
    Sends to one workspace's REST endpoint.

    Args:
        origin: Scheme, host and port; nothing is sent anywhere else.
        key: Read for every request, so that a rotated key is used at once.
        timeout_seconds: For one whole request, from connecting to the last byte.
        user_agent: Names us to Braze's operators.
        tls: From `build_tls_context`.

    """

    def __init__(self, origin: str, key: Key, timeout_seconds: float, user_agent: str, tls: ssl.SSLContext) -> None:
        self._origin = origin
        self._key = key
        self._timeout_seconds = timeout_seconds
        # A proxy from the environment serves https, where it sees no header. Plain http is only allowed to loopback,
        # and a proxy in between would be given the key.
        self._client = httpx.AsyncClient(
            base_url=origin,
            verify=tls,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - a deadline for the whole request stands in `send`
            trust_env=origin.startswith("https:"),
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=4),
            # No compression: a response is small, and without decompression it cannot be a bomb.
            headers={"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def send(self, request: Request) -> Response:
        """
        Send, and wait for the complete answer.

        Raises:
            PollError: AuthError, TimedOutError, NetworkError or PayloadError.

        """
        url = f"{request.path}?{request.query}" if request.query else request.path
        key = self._read_key()
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.stream("GET", url, headers=headers) as answer,
            ):
                body = await self._read(answer)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TimedOutError(
                f"{self._origin} gave no complete answer within {self._timeout_seconds:g} s; "
                "it is asked again; if it stays so, look at the network in between or raise poll.timeout"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise NetworkError(
                f"no answer from {self._origin}: {_describe(error)}; check the endpoint, DNS, proxy and firewall"
            ) from error
        if answer.status_code == _UNAUTHORIZED:
            self._key.reject()
        headers = {name.lower(): _without(key, value) for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, _without_in_body(key, body))

    def _read_key(self) -> str:
        """The key, unless it would make httpx fail with an error that quotes it."""
        key = self._key.read()
        if not (key.isascii() and key.isprintable()):
            raise AuthError("the key holds characters that no header can hold; look at where it comes from")
        return key

    async def _read(self, answer: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large(self._origin)
        return bytes(body)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _spellings(key: str) -> set[str]:
    """The key as it may come back: as it is, in an address, in JSON."""
    return {key, quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/")}


def _without(key: str, text: str) -> str:
    """Remove the key from the response: its text ends up in logs, labels and pages."""
    for spelling in _spellings(key):
        text = text.replace(spelling, HIDDEN)
    return text


def _without_in_body(key: str, body: bytes) -> bytes:
    for spelling in _spellings(key):
        body = body.replace(spelling.encode("ascii"), HIDDEN.encode("ascii"))
    return body


def _too_large(origin: str) -> PollError:
    return PayloadError(
        f"{origin} sent more than {MAX_BODY_BYTES // 1024 // 1024} MiB where ten records were expected; "
        "a proxy in between is the usual cause"
    )


def _describe(error: BaseException) -> str:
    """Name the system's or TLS's own reason, or else the kind of error; never what httpx quotes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no reason given'})"
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
            return os.strerror(cause.errno)  # asyncio's own text has the address instead of the reason
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return {
        "RemoteProtocolError": "the connection ended in mid-answer, or it was not HTTP",
        "ReadError": "the connection was lost",
        "ConnectError": "no connection",
    }.get(type(error).__name__, type(error).__name__)
