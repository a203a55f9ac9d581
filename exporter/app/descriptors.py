"""
Descriptors: how many this process may have, and who gets them.

At the limit a file cannot be opened and nobody can be asked, so everybody has a share: the exporter's own files first,
then a scraper, then Braze, then all other visitors. Each workspace has the same share of the requests under way: one
whose Braze says nothing holds each of them until the timeout.
"""

import resource
import sys
from dataclasses import dataclass

from exporter.poller.loop import POLLS_AT_A_TIME
from exporter.web.protocol import Limits

_OWN = 16
"""State, log, sockets that listen, and room for a file that is read."""
_FEWEST_VISITORS = 4
"""Even where descriptors are too few: a scraper gets in."""
_PER_WORKSPACE = 4
"""Requests of a workspace that visitors leave room for."""
_MOST_KEPT = 4
_MOST_REQUESTS = 16
_PROMPT_POLLS = 64
"""Of all workspaces together: more under way bring nothing sooner, and go on in step."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Descriptors, as they are shared out among *workspaces*."""

    visitors: int
    """Who may be connected."""
    requests: int
    """To Braze, under way at once, of all workspaces together."""
    requests_each: int
    kept_each: int
    """Idle connections that a workspace keeps for its next requests."""
    polls_each: int
    """Polls that a workspace has under way at once, while they are prompt."""


def raise_descriptor_limit() -> int:
    """Allow this process as many descriptors as it may have, and return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # some systems allow less than they say
        return soft
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


def share_out(descriptors: int, workspaces: int) -> Shares:
    """Return who may have how many."""
    workspaces = max(1, workspaces)
    free = descriptors - _OWN
    visitors = max(_FEWEST_VISITORS, min(Limits().connections, free - _PER_WORKSPACE * workspaces))
    kept = max(0, min(_MOST_KEPT, (free - visitors) // (_PER_WORKSPACE * workspaces)))
    requests = max(1, free - visitors - kept * workspaces)
    polls = max(1, min(POLLS_AT_A_TIME, _PROMPT_POLLS // workspaces))
    return Shares(visitors, requests, max(1, min(_MOST_REQUESTS, requests // workspaces)), kept, polls)
