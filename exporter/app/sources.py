"""Where the web pages get their values: from the pollers and the page, each workspace as it is at one moment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.config.endpoint import dashboard_of
from exporter.domain.view import View
from exporter.poller.workspace import WorkspacePoller
from exporter.version import REVISION, VERSION
from exporter.web.view import ExporterStatus, IntegrationStatus, WebSources, WorkspaceStatus

_AT_A_TIME = 1000
"""Yield to the event loop after about this many integrations: 10,000 in one go blocked it for 40 ms."""


def build_sources(
    exporter: Exporter, clock: Clock, config: Callable[[], str], reload: Callable[[], Awaitable[str | None]] | None
) -> WebSources:
    """
    Return where the web pages get their values.

    Args:
        exporter: The source of the pollers and the page.
        clock: For ages and uptime; the uptime begins here.
        config: The running configuration as YAML, secrets hidden.
        reload: Reloads it and returns the error, if any; None where reloading over HTTP is off.

    """
    started_at = clock.now()

    async def status() -> ExporterStatus:
        workspaces: list[WorkspaceStatus] = []
        taken = 0
        for poller in exporter.pollers:
            workspaces.append(_workspace_status(poller, poller.views))
            taken += len(workspaces[-1].views)
            if taken >= _AT_A_TIME:
                await asyncio.sleep(0)
                taken = 0
        return ExporterStatus(clock.now(), VERSION, REVISION, started_at, tuple(workspaces))

    def unready() -> tuple[str, ...]:
        if not exporter.begun.is_set():
            return ("what is known from before is still being read",)
        waiting = (poller.settings.name for poller in exporter.pollers if not poller.readiness.any)
        return tuple(f"workspace {name} has not been tried yet" for name in waiting)

    return WebSources(
        render=lambda *, openmetrics: exporter.page.render(
            clock.now(), exporter.braze_times(), openmetrics=openmetrics
        ),
        status=status,
        unhealthy=exporter.unhealthy,
        unready=unready,
        integration=lambda path: find_integration(exporter.pollers, path),
        config=config,
        begun=exporter.begun.wait,
        reload=reload,
    )


def find_integration(pollers: Iterable[WorkspacePoller], path: str) -> IntegrationStatus | None:
    """Return the integration at *path*, `workspace/id`, in depth; None where none of the pollers watches it."""
    for poller in pollers:
        key = path.removeprefix(f"{poller.settings.name}/")
        if key != path and (detail := poller.detail(key)) is not None:
            status = _workspace_status(poller, (detail.view,))
            return IntegrationStatus(poller.clock.now(), status, detail)
    return None


def _workspace_status(poller: WorkspacePoller, views: tuple[View, ...]) -> WorkspaceStatus:
    return WorkspaceStatus(
        name=poller.settings.name,
        now=poller.clock.now(),
        rest_endpoint=poller.settings.rest_endpoint,
        poll_interval_seconds=poller.interval.seconds,
        views=views,
        next_turn_at=poller.turns(),
        notes=poller.notes(),
        history_seconds=poller.settings.history_seconds,
        history_read_ratio=poller.history.ratio,
        requests=tuple(poller.trail.latest.values()),
        dashboard_url=dashboard_of(poller.settings),
        grafana_url=poller.settings.grafana_url,
    )
