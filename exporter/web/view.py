"""
What the web layer is given: the values a page shows, and the callables that yield them.

The composition root fills these in. Nothing here knows about HTTP, pollers or Braze; a page never sees more than
these values, so a key cannot reach one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from exporter.domain.asked import Asked
from exporter.domain.detail import Detail
from exporter.domain.view import View
from exporter.metrics.page import Exposition

_MOST_BROKEN = 5


async def _at_once() -> None:
    pass


class RenderMetrics(Protocol):
    def __call__(self, *, openmetrics: bool) -> Exposition: ...


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """One workspace as the status page shows it."""

    name: str
    rest_endpoint: str
    poll_interval_seconds: float
    """The interval in effect, which may be longer than the configured one."""
    views: tuple[View, ...]
    next_turn_at: Callable[[str], datetime | None] = lambda _: None
    """When an integration's own endpoint is asked next, by id; None where it has no turn."""
    notes: tuple[str, ...] = ()
    """Remarks about the whole workspace, one sentence each."""
    now: datetime | None = None
    """Braze's time, for everything about integrations; None where it is the exporter's."""
    history_seconds: float = 0.0
    """How far back syncs are read to learn what is normal."""
    history_read_ratio: float | None = None
    """How much of that has been read, 0 to 1; None where nothing is to be read."""
    requests: tuple[Asked, ...] = ()
    """The latest to each endpoint."""
    dashboard_url: str = ""
    """Braze's dashboard, for links; empty where it is not known."""
    grafana_url: str = ""
    """The same of Grafana."""


def next_poll_at(workspace: WorkspaceStatus, view: View) -> datetime | None:
    """
    When Braze is asked about an integration again, by its own endpoint or by the list of all.

    Its own endpoint's turn may be an hour away where the list tells enough. What was polled successfully is polled
    again within the poll interval, one way or the other.
    """
    own = workspace.next_turn_at(view.integration.integration_id)
    if not view.up or own is None or view.last_poll_at is None:
        return own
    return min(own, view.last_poll_at + timedelta(seconds=workspace.poll_interval_seconds))


def without_broken(workspace: WorkspaceStatus, works: Callable[[View], bool]) -> WorkspaceStatus:
    """Return *workspace* without the views that cannot be shown, which a note counts: each costs its row only."""
    judged = [(view, works(view)) for view in workspace.views]
    broken = [view.integration.integration_id for view, shown in judged if not shown]
    if not broken:
        return workspace
    note = f"{len(broken)} could not be shown because of a defect of the exporter; please report it: "
    return replace(
        workspace,
        views=tuple(view for view, shown in judged if shown),
        notes=(*workspace.notes, note + ", ".join(broken[:_MOST_BROKEN])),
    )


@dataclass(frozen=True, slots=True)
class ExporterStatus:
    """Everything the status page and `/api/v1/status` show."""

    now: datetime
    version: str
    revision: str
    started_at: datetime
    workspaces: tuple[WorkspaceStatus, ...]


@dataclass(frozen=True, slots=True)
class IntegrationStatus:
    """One integration in depth, as its page and its JSON show it."""

    now: datetime
    """At Braze."""
    workspace: WorkspaceStatus
    """With this one view."""
    detail: Detail


@dataclass(frozen=True, slots=True)
class WebSources:
    """Where the routes get their values. Every callable is quick, runs on the event loop and never waits for Braze."""

    render: RenderMetrics
    status: Callable[[], Awaitable[ExporterStatus]]
    """Each workspace is a consistent snapshot; two of them may be milliseconds apart."""
    unhealthy: Callable[[], tuple[str, ...]]
    """Why the exporter is not healthy, one reason each; empty when it is."""
    unready: Callable[[], tuple[str, ...]]
    """The workspaces that have not been tried yet; empty when all have."""
    integration: Callable[[str], IntegrationStatus | None]
    """Of `workspace/id`; None where no such integration is watched. Either name may hold slashes."""
    config: Callable[[], str]
    """The running configuration as YAML, secrets hidden. The one that may take a second: it is called in a thread."""
    begun: Callable[[], Awaitable[object]] = _at_once
    """Waits until all that was known before the start is shown."""
    reload: Callable[[], Awaitable[str | None]] | None = None
    """Loads everything again and returns what was refused and why, for people; None where nobody may ask over HTTP."""
