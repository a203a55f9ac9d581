"""The exporter's application over made-up sources, and a client that calls it without sockets."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from starlette.applications import Starlette
from structlog.testing import CapturingLogger

from exporter.metrics.page import OPENMETRICS_CONTENT_TYPE, TEXT_CONTENT_TYPE, Exposition
from exporter.metrics.pieces import Piece
from exporter.web.routes import build_web
from exporter.web.view import ExporterStatus, IntegrationStatus, WebSources
from tests.unit.web.integration_samples import deep
from tests.unit.web.samples import realistic_status

DEEP = deep()


@dataclass
class Sources:
    """What the pages show; a test changes it at will."""

    chunks: Sequence[bytes] = (b"first 1\n", b"second 2\n")
    status: Callable[[], ExporterStatus] = realistic_status
    unhealthy: tuple[str, ...] = ()
    unready: tuple[str, ...] = ()
    integrations: Mapping[str, IntegrationStatus] = field(default_factory=lambda: {"production/abc": DEEP})
    config: Callable[[], str] = lambda: "workspaces: []\n"
    reload: Callable[[], Awaitable[str | None]] | None = None
    chunks_made: int = 0
    log: CapturingLogger = field(default_factory=CapturingLogger)

    def render(self, *, openmetrics: bool) -> Exposition:
        content_type = OPENMETRICS_CONTENT_TYPE if openmetrics else TEXT_CONTENT_TYPE
        chunks = [*self.chunks, b"# EOF\n"] if openmetrics else list(self.chunks)
        return Exposition(content_type, sum(map(len, chunks)), self._count(chunks))

    def _count(self, chunks: list[bytes]) -> Iterator[Piece]:
        for chunk in chunks:
            self.chunks_made += 1
            yield Piece(chunk)

    async def _status(self) -> ExporterStatus:
        return self.status()

    def build(self, telemetry_path: str = "/metrics") -> Starlette:
        web = WebSources(
            render=self.render,
            status=self._status,
            unhealthy=lambda: self.unhealthy,
            unready=lambda: self.unready,
            integration=self.integrations.get,
            config=self.config,
            reload=self.reload,
        )
        return build_web(web, telemetry_path=telemetry_path, log=self.bound_log())

    def bound_log(self) -> Any:
        """A logger whose lines are in *log*."""
        return structlog.wrap_logger(self.log, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[])

    def client(self, telemetry_path: str = "/metrics") -> httpx.AsyncClient:
        # Without an Accept-Encoding of the client's own: a test says what it accepts.
        transport = httpx.ASGITransport(self.build(telemetry_path), raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://exporter")
        client.headers.pop("accept-encoding")
        return client


def call(sources: Sources, method: str, path: str, telemetry_path: str = "/metrics", **headers: str) -> httpx.Response:
    """One request, with *headers* written with underscores."""

    async def ask() -> httpx.Response:
        async with sources.client(telemetry_path) as client:
            return await client.request(
                method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )

    return asyncio.run(ask())
