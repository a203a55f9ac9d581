"""
How often the integrations of a workspace are polled, and why not as often as configured.

The rate limit is to blame where the plan says it is, or where turns had to be waited for; else answers are slow, or the
process is busy. What an operator does about a low limit is of no use against those.
"""

from dataclasses import dataclass

from exporter.braze.api import Api
from exporter.braze.endpoints import Endpoint
from exporter.domain.poll_queue import PollQueue, interval_in_effect

_LATE = 1.25
"""This many intervals after its last poll an integration shows that the interval cannot be kept."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval of a workspace."""

    wanted_seconds: float
    seconds: float
    """In effect: longer than the one wanted when not all can be served in that."""
    is_limited: bool
    """Whether it is the rate limit that makes it longer."""

    @property
    def is_longer(self) -> bool:
        return self.seconds > self.wanted_seconds


def measure_interval(wanted: float, of_list: float | None, queue: PollQueue, outstanding: int, api: Api) -> Interval:
    """
    Return the interval in effect.

    Args:
        wanted: Seconds, as configured.
        of_list: Seconds from one whole list to the next; None while the list cannot be relied on.
        queue: Of the integrations, with the interval that is planned for their own endpoint.
        outstanding: How many integrations have not been polled yet.
        api: Of the workspace.

    """
    now = api.clock.monotonic()
    if of_list is not None:
        # The list tells what has changed; but each must have been asked once.
        seconds = interval_in_effect(of_list, outstanding, api.allowed(Endpoint.JOB_SYNC_STATUS))
    else:
        longest = queue.longest_wait(now)
        seconds = longest if longest > queue.interval * _LATE else queue.interval
    planned = of_list is None and queue.interval > wanted
    return Interval(wanted, seconds, planned or now - api.throttled_at <= seconds)
