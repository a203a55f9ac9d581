"""
How often the integrations of a workspace are polled, and why not as often as configured.

The rate limit is to blame where the plan says it is, or where turns had to be waited for; else answers are slow, or the
process is busy. What an operator does about a low limit is of no use against those.
"""

from dataclasses import dataclass
from math import exp

from exporter.domain.poll_queue import interval_in_effect

_LATE = 1.25
"""An integration that was not polled for this many intervals shows that the interval is not kept."""
_NOTICEABLE = 1.05
"""A shorter stretch is none for people, who would be shown the same time twice."""
_WHILE_SECONDS = 30.0
"""What was before has little weight."""


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
        return self.seconds > self.wanted_seconds * _NOTICEABLE


def interval_by_polls(wanted: float, planned: float, longest_wait: float, *, throttled_share: float) -> Interval:
    """
    Return the interval in effect where each integration is asked for.

    Args:
        wanted: Seconds, as configured.
        planned: Seconds that the rate limit allows.
        longest_wait: Seconds since the last poll of the integration that waits longest for one that is due.
        throttled_share: How much of the latest while polls that were due waited for turns, from 0 to 1.

    """
    if longest_wait <= planned * _LATE:
        return Interval(wanted, planned, is_limited=True)
    return Interval(wanted, longest_wait, is_limited=throttled_share > 1 / 2)


def interval_by_list(wanted: float, of_list: float, outstanding: int, allowed: int, *, is_limited: bool) -> Interval:
    """
    Return the interval in effect where the list tells what has changed; but each must have been asked for once.

    Args:
        wanted: Seconds, as configured.
        of_list: Seconds from one whole list to the next.
        outstanding: How many integrations have not been polled yet.
        allowed: Polls a minute.
        is_limited: Whether it is the rate limit that makes *of_list* longer than the one wanted.

    """
    seconds = interval_in_effect(of_list, outstanding, allowed)
    return Interval(wanted, seconds, is_limited=is_limited or seconds > of_list)


def latest_share(before: float, seconds: float, *, held: bool) -> float:
    """Return how much of the latest while something *held*, which was *before* and has been the same for *seconds*."""
    weight = exp(-seconds / _WHILE_SECONDS)
    return before * weight + (1 - weight) * held
