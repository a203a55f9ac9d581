"""
The composition root of polling: one configuration's senders, gates, pollers and page.

Decides what is shared (one page, one store, one TLS context) and what each workspace has of its own (everything else),
and that connections are closed when polling ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from structlog.typing import FilteringBoundLogger

from exporter.braze.client import HttpxSender, build_tls_context
from exporter.braze.gate import Gate
from exporter.braze.wire import Endpoint
from exporter.clock import Clock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.budget import Budget
from exporter.metrics.own import OwnMetrics
from exporter.metrics.page import Page
from exporter.poller.workspace import WorkspacePoller
from exporter.state.store import Store
from exporter.version import REVISION, VERSION
from exporter.web.view import ExporterStatus, WebSources, WorkspaceStatus

USER_AGENT = f"braze-cdi-exporter/{VERSION}"


class Exporter:
    """All workspaces of one configuration, and the page made of them. Needs a running event loop."""

    def __init__(self, config: Config, store: Store, clock: Clock, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._started_at = clock.now()
        self._tls = build_tls_context()
        self._senders: list[HttpxSender] = []
        self.own = OwnMetrics()
        self.own.config_loaded(successful=True, at_seconds=self._started_at.timestamp())
        self.own.state_persistent(False)
        self.page = Page(self.own)
        self.pollers = tuple(self._build_poller(workspace, store) for workspace in config.workspaces)

    def _build_poller(self, workspace: ConfiguredWorkspace, store: Store) -> WorkspacePoller:
        settings = workspace.settings
        sender = HttpxSender(
            settings.rest_endpoint, workspace.key, settings.poll.timeout_seconds, USER_AGENT, self._tls
        )
        self._senders.append(sender)
        now = self._clock.monotonic()
        limits = settings.rate_limit
        gate = Gate(
            workspace=settings.name,
            sender=sender,
            budgets={
                Endpoint.JOB_SYNC_STATUS: Budget(limits.job_sync_status, limits.share, now),
                Endpoint.INTEGRATIONS: Budget(limits.integrations, limits.share, now),
            },
            clock=self._clock,
            observer=self.own,
        )
        return WorkspacePoller(
            settings=settings,
            gate=gate,
            store=store,
            page=self.page,
            own=self.own,
            clock=self._clock,
            log=self._log,
        )

    @contextlib.asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll all workspaces while the context lasts."""
        loops = [asyncio.create_task(poller.run()) for poller in self.pollers]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            for sender in self._senders:
                await sender.aclose()

    def sources(self) -> WebSources:
        """Return where the web pages get their values."""
        return WebSources(
            render=lambda *, openmetrics: self.page.render(self._clock.now(), openmetrics=openmetrics),
            status=self._status,
            unhealthy=lambda: tuple(trouble for poller in self.pollers for trouble in poller.unhealthy()),
            unready=lambda: tuple(
                f"workspace {poller.settings.name} has not been tried yet"
                for poller in self.pollers
                if not poller.tried
            ),
        )

    def _status(self) -> ExporterStatus:
        return ExporterStatus(
            now=self._clock.now(),
            version=VERSION,
            revision=REVISION,
            started_at=self._started_at,
            workspaces=tuple(
                WorkspaceStatus(
                    name=poller.settings.name,
                    rest_endpoint=poller.settings.rest_endpoint,
                    poll_interval_seconds=poller.interval_seconds,
                    snapshots=poller.snapshots,
                    notes=poller.notes(),
                )
                for poller in self.pollers
            ),
        )
