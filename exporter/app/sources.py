"""What the web pages are given: values read off the exporter at the moment of a request."""

from collections.abc import Awaitable, Callable

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.poller.workspace import WorkspacePoller
from exporter.version import REVISION, VERSION
from exporter.web.view import ExporterStatus, WebSources, WorkspaceStatus


def build_sources(
    exporter: Exporter, clock: Clock, config: Callable[[], str], reload: Callable[[], Awaitable[str | None]] | None
) -> WebSources:
    """
    Return where the web pages get their values.

    Args:
        exporter: What is polled.
        clock: For ages and uptime; the uptime begins here.
        config: The running configuration as YAML, secrets hidden.
        reload: Loads it anew and returns why not; None where nobody may ask for it over HTTP.

    """
    started_at = clock.now()

    def status() -> ExporterStatus:
        workspaces = tuple(_workspace(poller) for poller in exporter.pollers)
        return ExporterStatus(clock.now(), VERSION, REVISION, started_at, workspaces)

    def unready() -> tuple[str, ...]:
        waiting = (poller.settings.name for poller in exporter.pollers if not poller.readiness.any)
        return tuple(f"workspace {name} has not been tried yet" for name in waiting)

    return WebSources(
        render=lambda *, openmetrics: exporter.page.render(clock.now(), openmetrics=openmetrics),
        status=status,
        unhealthy=exporter.unhealthy,
        unready=unready,
        config=config,
        reload=reload,
    )


def _workspace(poller: WorkspacePoller) -> WorkspaceStatus:
    return WorkspaceStatus(
        name=poller.settings.name,
        rest_endpoint=poller.settings.rest_endpoint,
        poll_interval_seconds=poller.interval_seconds,
        views=poller.views,
        next_polls_at=poller.next_polls_at(),
        notes=poller.notes(),
    )
