"""
What was asked about an integration and why, for people who want to know what the exporter did.

`why_asked` words the decisions of `transitions.py`; it takes none. Pure.
"""

from datetime import datetime
from typing import NamedTuple

from exporter.domain.integration_state import IntegrationState
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync, SyncStatus

HISTORY = "its history is being read, to learn limits from"
LISTING = "the list is read every interval"


class Asked(NamedTuple):
    """One request to Braze, and what came of it."""

    at: datetime
    """When it ended, on Braze's clock."""
    endpoint: str
    page: int
    """From 1, within one walk."""
    outcome: str
    """The HTTP status, or the reason why there was no answer."""
    seconds: float
    remaining: int | None
    """What Braze's headers say is left of the rate limit,"""
    limit: int | None
    """and what that limit is."""
    why: str


def why_asked(state: IntegrationState) -> str:
    """Return why an integration's own endpoint is asked when its turn comes in this state."""
    failure = state.polls.failure
    if state.gone is not None:
        return "it is gone, which is checked again every hour"
    if failure is not None:
        return f"the previous poll failed ({failure.reason})"
    if state.ledger is None:
        return "it has not been polled before"
    if state.listed is None or not state.is_listed:
        return "the list does not show it, so it is asked every interval"
    return _compared(state.listed, state.latest_counted)


def _compared(listed: ListedIntegration, latest: Sync | None) -> str:
    """Return what of the record in the list makes us ask."""
    if listed.leaves_open(latest):
        return "the list does not show its latest sync, so it is asked every interval"
    if listed.tells(latest):
        running = latest is not None and not latest.finished
        return "its latest sync was running" if running else "nothing new in the list; checked anyway (verify_after)"
    start = listed.last_job_start_time
    if latest is not None and (start is None or start <= latest.sync_start_time):
        return "the list shows another status of its latest sync"
    running = listed.last_job_status is SyncStatus.RUNNING
    return "the list shows a running sync" if running else "the list shows a newer start"
