"""
What a configuration will cost: planned requests a minute, against what the rate limit allows.

Decides nothing about polling; it foretells it, for `check`, by the pollers' own rules. Pure. Counts one request for
each integration and interval, which is what a quiet integration costs; walks through more pages come on top.
"""

import math
from dataclasses import dataclass

from exporter.braze.wire import Endpoint
from exporter.config.durations import format_duration
from exporter.domain.budget import Budget
from exporter.domain.schedule import interval_in_effect
from exporter.domain.settings import WorkspaceSettings


@dataclass(frozen=True, slots=True)
class PlannedRequests:
    """The plan for one workspace and endpoint."""

    workspace: str
    endpoint: Endpoint
    integrations: int
    requests_per_minute: float
    """What the configured interval asks for."""
    limit_per_minute: int
    """What Braze grants, by the configuration."""
    allowed_per_minute: int
    """Our share of it."""
    interval_seconds: float
    interval_in_effect_seconds: float
    """Longer than configured when the share does not serve it."""

    @property
    def served(self) -> bool:
        """Whether the configured interval can be kept."""
        return self.interval_in_effect_seconds <= self.interval_seconds

    def __str__(self) -> str:
        planned = f"{self.requests_per_minute:.2f}".rstrip("0").rstrip(".")
        cost = f"{planned} of {self.allowed_per_minute} requests a minute"
        these = f"{self.integrations} integrations" if self.integrations != 1 else "1 integration"
        line = f"{self.workspace}: {self.endpoint}: {cost} (limit {self.limit_per_minute}), {these}"
        if self.served:
            return f"{line}, each every {format_duration(self.interval_seconds)}"
        seconds = math.ceil(self.interval_in_effect_seconds)
        return (
            f"{line}, each every {format_duration(seconds)} instead of {format_duration(self.interval_seconds)}"
            " (raise the limit, the share or the interval)"
        )


def plan_requests(settings: WorkspaceSettings) -> tuple[PlannedRequests, ...]:
    """Return the plan of every endpoint that the workspace's pollers will ask."""
    integrations = len(settings.integrations)
    interval = settings.poll.interval_seconds
    limit = settings.rate_limit.job_sync_status
    allowed = Budget(limit, settings.rate_limit.share, now=0.0).allowed
    return (
        PlannedRequests(
            workspace=settings.name,
            endpoint=Endpoint.JOB_SYNC_STATUS,
            integrations=integrations,
            requests_per_minute=integrations * 60 / interval,
            limit_per_minute=limit,
            allowed_per_minute=allowed,
            interval_seconds=interval,
            interval_in_effect_seconds=interval_in_effect(interval, integrations, allowed),
        ),
    )
