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

    def __str__(self) -> str:
        planned = f"{self.requests_per_minute:.2f}".rstrip("0").rstrip(".")
        cost = f"{planned} of {self.allowed_per_minute} requests a minute (limit {self.limit_per_minute})"
        wanted = format_duration(self.interval_seconds)
        every = f"every {wanted}"
        if not self.served:
            seconds = math.ceil(self.interval_in_effect_seconds)
            every = f"every {format_duration(seconds)} instead of {wanted} (raise the limit, the share or the interval)"
        return f"{self.workspace}: {self._wording().format(cost=cost, every=every)}"

    def _wording(self) -> str:
        if self.endpoint is Endpoint.INTEGRATIONS:
            return f"{self.endpoint}: at least {{cost}}, one for each {_PER_PAGE} integrations, {{every}}"
        if self.may_list:
            return f"{self.endpoint}: at least {{cost}}, each integration when its latest sync changes, else {{every}}"
        without = f"{self.endpoint} without the permission cdi.integration_list"
        if self.integrations == 0:
            return f"{without}: none, as no integration is in the file"
        return f"{without}: {{cost}}, {_count(self.integrations)}, each {{every}}"


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
    intervals = (one.expected_interval_seconds for one in settings.integrations)
    pages = sum(
        math.ceil(min(deepest, deepest if interval is None else history / interval / _PER_PAGE))
        for interval in intervals
    )
    allowed = RateLimiter(settings.rate_limit.job_sync_status, settings.rate_limit.share, now=0.0).allowed
    days = format_duration(history)
    return (
        f"{settings.name}: history: {days} of {_count(len(settings.integrations))}: at most {pages:,} requests, read in"
        f" {format_duration(math.ceil(pages / (allowed / 2)) * 60)} or more with half of what polls leave free"
    )


def _count(integrations: int) -> str:
    return f"{integrations} integrations" if integrations != 1 else "1 integration"


def _plan(
    settings: WorkspaceSettings, endpoint: Endpoint, requests: int, interval: float, *, may_list: bool
) -> PlannedRequests:
    """Return the plan for *requests* every *interval*."""
    limits = settings.rate_limit
    limit = limits.integrations if endpoint is Endpoint.INTEGRATIONS else limits.job_sync_status
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
