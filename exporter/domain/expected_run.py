"""
When the next sync of an integration is expected: the oldest announced run that no sync has met yet.

Decides what meets a run, and that an unmet run stays put: when a scheduled sync fails to start, nothing fails, and
Braze may simply announce the next run. Remembering the old one is the only way to see it.

- A sync meets every run up to shortly after its own start: it may start a little early.
- A run that was announced anew before its time has come was rescheduled; one that was still unmet then was missed.
- A listing without a readable next run leaves the announcement as it is. One that says that there is none withdraws an
  announcement only before its time has come.
- Where nothing is announced, a run is expected *interval* after the latest start, if one is configured. A paused
  integration expects nothing; on demand and event-driven ones announce nothing, and so expect nothing either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

EARLY = timedelta(seconds=60)
"""How early a sync may start and still meet an announced run; the shortest schedule is 5 minutes."""
EARLY_SHARE = 4
"""Where syncs follow each other more closely, this fraction of the time between the latest two is the limit."""

_RESTING = frozenset({"paused", "inactive", "disabled", "archived", "deleted"})


@dataclass(frozen=True, slots=True)
class Announcement:
    """An integration's schedule as known now."""

    next_scheduled_run: datetime | None = None
    integration_status: str = ""
    interval: timedelta | None = None
    """`expected_interval` of the configuration."""
    told: bool = True
    """Whether Braze says which run is next or that there is none; an unreadable field says neither."""
    announced_before: bool = False
    """Whether the pending run was announced; one that was derived from another interval does not bind."""

    @property
    def resting(self) -> bool:
        """Whether the status means that nothing will run; Braze documents no values, so only known words count."""
        return self.integration_status.strip().lower() in _RESTING


def expect(
    pending: datetime | None, announcement: Announcement | None, starts: Sequence[datetime], now: datetime
) -> datetime | None:
    """
    Return the run that is expected now; None when none is.

    Args:
        pending: The previous result of this function.
        announcement: As Braze and the configuration have it now; None when neither is known, so that a pending run
            stays pending until a sync meets it.
        starts: Of the latest two syncs known, running included, latest first.
        now: Decides whether the pending run's time has come.

    """
    unmet = None if pending is None or _met(pending, starts) else pending
    if announcement is None:
        return unmet
    if announcement.resting:
        return None
    due = unmet is not None and now >= unmet - EARLY
    if announcement.next_scheduled_run is None:
        if unmet is not None and announcement.announced_before and (due or not announcement.told):
            return unmet
        return starts[0] + announcement.interval if announcement.interval and starts else None
    if unmet is not None and due:
        return min(unmet, announcement.next_scheduled_run)
    return None if _met(announcement.next_scheduled_run, starts) else announcement.next_scheduled_run


def _met(run: datetime, starts: Sequence[datetime]) -> bool:
    if not starts:
        return False
    early = EARLY if len(starts) == 1 else min(EARLY, (starts[0] - starts[1]) / EARLY_SHARE)
    return starts[0] >= run - early
