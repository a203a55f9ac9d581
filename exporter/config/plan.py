"""
The cost of a configuration: planned requests a minute, against the rate limit.

Predicts polling for `check` by the pollers' own rules. Pure, so it knows only the integrations in the file: with those
that only Braze knows, the list costs more. Counts the cost of quiet integrations; syncs that start and finish, and
walks through more pages, come on top.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.braze.endpoints import Endpoint
from exporter.config.durations import format_duration
from exporter.config.render import format_limit
from exporter.domain.limits import LIMITS, Alerts, Keyword, LimitKey, LimitSettings, Sensitivity, Setting
from exporter.domain.past import MOST
from exporter.domain.poll_queue import interval_in_effect
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.wording import word_count

_PER_PAGE = 10


@dataclass(frozen=True, slots=True)
class PlannedRequests:
    """The plan for one workspace and endpoint, in one of the two cases: the key may list integrations, or not."""

    workspace: str
    endpoint: Endpoint
    may_list: bool
    integrations: int
    """In the file."""
    requests_per_minute: float
    """Needed for the interval; with `may_list` at least."""
    limit_per_minute: int
    """Granted by Braze, according to the configuration."""
    allowed_per_minute: int
    """Our share of it."""
    interval_seconds: float
    interval_in_effect_seconds: float
    """Longer than wanted when the share does not serve it."""

    @property
    def served(self) -> bool:
        """Whether the wanted interval can be kept."""
        return self.interval_in_effect_seconds <= self.interval_seconds

    def as_row(self) -> tuple[str, ...]:
        """Return the cells below `HEADINGS`."""
        planned = f"{self.requests_per_minute:.2f}".rstrip("0").rstrip(".")
        wanted = format_duration(self.interval_seconds)
        longer = f"{format_duration(math.ceil(self.interval_in_effect_seconds))} instead of {wanted}"
        return (
            self.workspace,
            str(self.endpoint),
            "yes" if self.may_list else "no",
            f"at least {planned}" if self.may_list else planned,
            str(self.allowed_per_minute),
            str(self.limit_per_minute),
            wanted if self.served else longer,
        )

    @property
    def warning(self) -> str:
        """For one that is not served."""
        wanted = format_duration(self.interval_seconds)
        return f"{self.endpoint} cannot be asked every {wanted}: raise the limit, the share or the interval"


HEADINGS = ("WORKSPACE", "ENDPOINT", "KEY MAY LIST", "REQUESTS A MINUTE", "ALLOWED", "LIMIT", "EVERY")
"""Of the plan as a table."""


def describe_limits(settings: WorkspaceSettings) -> Iterator[str]:
    """Yield the limits in effect, one line for the workspace and one for each integration that has others."""
    yield f"{settings.name}: limits: {_limits(settings.limits)}"
    for one in settings.integrations:
        if one.limits != settings.limits or one.alerts is not Alerts.ALL:
            yield f"{settings.name}: {one.integration_name}: limits: {_limits(one.limits)}, alerts {one.alerts}"


def _limits(limits: LimitSettings) -> str:
    each = ", ".join(f"{key.name} {_limit(key, limits.setting(key))}" for key in LIMITS)
    return each if limits.sensitivity is Sensitivity.MEDIUM else f"{each}, sensitivity {limits.sensitivity}"


def _limit(key: LimitKey, setting: Setting) -> str:
    default = "off" if key.default is None else format_limit(key, key.default)
    return f"auto (default {default})" if setting is Keyword.AUTO else str(format_limit(key, setting))


def plan_requests(settings: WorkspaceSettings) -> tuple[PlannedRequests, ...]:
    """
    Return the plan of every endpoint that the workspace's pollers will ask.

    First the cost with a key that may list integrations, then the worst case, with a key that may not. The list is
    read without discovery too, as long as it takes no more requests than there are integrations.
    """
    integrations = len(settings.integrations)
    pages = max(1, math.ceil(integrations / _PER_PAGE))
    poll = settings.poll
    return (
        _plan(settings, Endpoint.INTEGRATIONS, pages, poll.interval_seconds, may_list=True),
        _plan(settings, Endpoint.JOB_SYNC_STATUS, integrations, poll.verify_after_seconds, may_list=True),
        _plan(settings, Endpoint.JOB_SYNC_STATUS, integrations, poll.interval_seconds, may_list=False),
    )


def describe_history(settings: WorkspaceSettings) -> str:
    """Return what reading the history of the integrations in the file costs at most, and how long it takes then."""
    history, deepest = settings.history_seconds, MOST / _PER_PAGE
    if not history:
        return f"{settings.name}: history: none is read, so no limit is learned"
    if not settings.integrations:
        return f"{settings.name}: history: {format_duration(history)} of each integration that discovery finds"
    intervals = (one.expected_interval_seconds for one in settings.integrations)
    pages = sum(
        math.ceil(min(deepest, deepest if interval is None else history / interval / _PER_PAGE))
        for interval in intervals
    )
    allowed = RateLimiter(settings.rate_limit.job_sync_status, settings.rate_limit.share, now=0.0).allowed
    days, count = format_duration(history), word_count(len(settings.integrations), "integration")
    return (
        f"{settings.name}: history: {days} of {count}: at most {word_count(pages, 'request')}, read in"
        f" {format_duration(math.ceil(pages / (allowed / 2)) * 60)} or more with half of what polls leave free"
    )


def _plan(
    settings: WorkspaceSettings, endpoint: Endpoint, requests: int, interval: float, *, may_list: bool
) -> PlannedRequests:
    """Return the plan for *requests* every *interval*."""
    limits = settings.rate_limit
    limit: int = getattr(limits, endpoint)
    allowed = RateLimiter(limit, limits.share, now=0.0).allowed
    return PlannedRequests(
        workspace=settings.name,
        endpoint=endpoint,
        may_list=may_list,
        integrations=len(settings.integrations),
        requests_per_minute=requests * 60 / interval,
        limit_per_minute=limit,
        allowed_per_minute=allowed,
        interval_seconds=interval,
        interval_in_effect_seconds=interval_in_effect(interval, requests, allowed),
    )
