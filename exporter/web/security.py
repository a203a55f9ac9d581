"""
The server's security: the web configuration as last read successfully.

It is read again regularly, and on a requested reload, so that a renewed certificate or a new password takes effect
without a restart. An unreadable file changes nothing, and a server does not change between TLS and plain while it runs:
a client that relies on one must not be served by the other.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from exporter.config.errors import ConfigError
from exporter.config.web import WebConfig
from exporter.web.auth import Hidden
from exporter.worker import Worker

FRESH_SECONDS = 30.0


class ExtraHeaders:
    """*app* with the configured headers on every answer, in place of those of the same name."""

    def __init__(self, app: ASGIApp, headers: Callable[[], Mapping[str, str]]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extra = [(name.lower().encode(), value.encode()) for name, value in self._headers().items()]
        replaced = {name for name, _ in extra}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.lower() not in replaced]
                message = {**message, "headers": [*kept, *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers if extra else send)


class Security:
    """
    TLS and users, as last read successfully.

    Args:
        load: Reads them; raises ConfigError where they cannot be used.
        log: For changes of that.
        report: Called after every later attempt to read them; whether they are used now.

    Raises:
        ConfigError: They cannot be used.

    """

    def __init__(
        self, load: Callable[[], WebConfig], log: FilteringBoundLogger, report: Callable[[bool], None]
    ) -> None:
        self._load = load
        self._log = log
        self._report = report
        self._config = load()
        self._told: str | None = None
        """The text logged for the latest attempt."""
        self._turn = asyncio.Lock()
        self._worker = Worker("web configuration")

    @property
    def tls(self) -> Callable[[], ssl.SSLContext] | None:
        """Gives the context for a new connection; None when connections are plain."""
        return None if self._config.tls is None else self._context

    def users(self) -> Mapping[str, Hidden]:
        return self._config.users

    def headers(self) -> Mapping[str, str]:
        return self._config.headers

    async def refresh(self, *, asked: bool = False) -> str | None:
        """
        Read the web configuration again; return why it is not used, or None.

        Logged when that changes, and always when it was *asked* for.
        """
        async with self._turn:
            reason, before = await self._read(), self._told
            self._told = reason
            self._report(reason is None)
        if reason is not None:
            if asked or reason != before:
                self._log.error("web configuration not used; the old one stays", reason=reason)
        elif before is not None:
            self._log.info("web configuration can be used again")
        elif asked:
            self._log.info("web configuration reloaded")
        return reason

    async def keep_fresh(self, every_seconds: float = FRESH_SECONDS) -> None:
        """Refresh forever."""
        while True:
            await asyncio.sleep(every_seconds)
            await self.refresh()

    async def _read(self) -> str | None:
        try:
            config = await self._worker.run(self._load)
        except ConfigError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a defect must not end the reload, nor this task
            return f"a defect of the exporter: {type(error).__name__}: {error}"
        if (config.tls is None) != (self._config.tls is None):
            return "the web configuration turns TLS on or off: that needs a restart"
        if self._config.users and not config.users:  # the file may have been truncated
            return "the web configuration turns passwords off: that needs a restart"
        self._config = config
        return None

    def _context(self) -> ssl.SSLContext:
        assert self._config.tls is not None  # noqa: S101 - `refresh` keeps it so; tells mypy
        return self._config.tls
