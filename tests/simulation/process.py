"""
The exporter's own parts, put together as `app` does it, with a sender in virtual time and a page to look at.

One `Process` is one life of the exporter. It knows nothing of what will happen to it.
"""

import asyncio
from random import Random
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import Request
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.view import View
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.state.store import Store
from tests.mutations import Answer
from tests.simulation.disk import Kept, KilledError, Life
from tests.snapshots import shown_views
from tests.virtual_braze import VirtualSender
from tests.virtual_time import VirtualClock
from tests.world import World

_ERROR = 40


def build_log(complaints: list[str], life: Life) -> FilteringBoundLogger:
    """Return a log that keeps errors: a simulated run has none, whatever Braze does."""

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        error = event.get("exc_info")
        if not (life.ended.is_set() or isinstance(error, KilledError)):
            complaints.append(f"{event}")
        raise structlog.DropEvent

    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(_ERROR), processors=[keep]
    )
    return log


class Process:
    """Polls all workspaces until it is told to end."""

    def __init__(
        self,
        *,
        world: World,
        workspaces: tuple[WorkspaceSettings, ...],
        store: Store,
        clock: VirtualClock,
        life: Life,
        kept: Kept,
        random: Random,
        complaints: list[str],
    ) -> None:
        self.life = life
        self_metrics = SelfMetrics()
        self.page = Page(self_metrics)
        self._clock = clock
        self._kept = kept
        self._world = world
        self.requests = 0
        log = build_log(complaints, life)
        self.pollers = []
        for settings in workspaces:
            limits = settings.rate_limit
            sender = VirtualSender(
                world,
                clock,
                key=f"key-of-{settings.name}",
                random=random,
                timeout_seconds=settings.poll.timeout_seconds,
                heard=self._hear,
            )
            api = Api(
                workspace=settings.name,
                sender=sender,
                limiters={
                    Endpoint.JOB_SYNC_STATUS: RateLimiter(limits.job_sync_status, limits.share, clock.monotonic()),
                    Endpoint.INTEGRATIONS: RateLimiter(limits.integrations, limits.share, clock.monotonic()),
                },
                clock=BrazeClock(clock),
                observer=self_metrics,
            )
            self.pollers.append(
                WorkspacePoller(
                    settings=settings,
                    api=api,
                    store=store,
                    page=self.page,
                    self_metrics=self_metrics,
                    log=log,
                )
            )

    async def run(self) -> None:
        """Poll until the life ends or the task is cancelled."""
        loops = [asyncio.create_task(poller.loops.run()) for poller in self.pollers]
        try:
            await self.life.ended.wait()
        finally:
            self.life.kill()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    @property
    def views(self) -> dict[str, View]:
        """What the status page would show, by integration id."""
        return {each.integration.integration_id: each for each in shown_views(self.page)}

    def unhealthy(self) -> tuple[str, ...]:
        return tuple(problem for poller in self.pollers for problem in poller.unhealthy())

    def _hear(self, request: Request, _answer: Answer) -> None:
        self.life.note_request()
        self.requests += 1
        if request.endpoint is Endpoint.JOB_SYNC_STATUS and not request.query:
            integration_id = request.path.split("/")[3]
            self._kept.told[integration_id] = self._world.totals(integration_id)
