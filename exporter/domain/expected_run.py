"""
When the next sync of an integration is expected: the oldest announced run that no sync has met yet.

Decides what meets a run, and that an unmet run stays put: when a scheduled sync fails to start, nothing fails, and
Braze may simply announce the next run. Remembering the old one is the only way to see it.

- A sync meets every run up to shortly after its own start: it may start a little early. It also meets every run whose
  time comes while it runs: Braze runs one sync of an integration at a time and passes over the slot.
- A run that was announced again before its time has come was rescheduled; one that was still unmet then was missed.
- A listing that says nothing of the next run, or nothing readable, leaves what was announced as it is. One that says
  that there is none takes an announcement back: at once before its time has come, after `TAKEN_BACK` when it was due.
- Where nothing is announced, a run is expected *interval* after the latest start, or after the integration was first
  seen or resumed, if the operator has configured that. A paused integration expects nothing; on demand and event-driven
  ones announce nothing, and so expect nothing either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from exporter.domain.model import Sync

EARLY = timedelta(seconds=60)
"""A sync may start this long before its announced time and meet it; the shortest schedule is 5 minutes."""
EARLY_SHARE = 4
"""Where syncs follow each other more closely, this part of the time between the latest two is early enough."""
TAKEN_BACK = timedelta(hours=1)
"""A run that was due when the schedule was removed stays expected this long: the listing may be in error."""
_HOUR = timedelta(hours=1)
"""What starts as often does so while clocks change, too."""


@dataclass(frozen=True, slots=True)
class ExpectedRun:
    """A run that no sync has met yet."""

    at: datetime
    announced: bool
    """By Braze; else derived from `expected_interval`, and another interval derives another."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is known now about when syncs run."""

    next_scheduled_run: datetime | None = None
    """As the list announces it."""
    reported: bool = True
    """Whether the list says which run is next or that there is none; an unreadable field says neither."""
    unscheduled_since: datetime | None = None
    """Since when the list says that there is none, after it had announced one."""
    paused: bool = False
    interval: timedelta | None = None
    """`expected_interval` of the configuration."""
    timezone: tzinfo | None = None
    """Of that schedule, where it is known: its runs then come at the same time of day, though clocks change."""
    active_since: datetime | None = None
    """When the integration was first seen without a sync, or was resumed: an interval counts from there."""


def expect(
    pending: ExpectedRun | None, schedule: Schedule | None, syncs: Sequence[Sync], now: datetime
) -> ExpectedRun | None:
    """
    Return the run that is expected now; None when none is.

    Args:
        pending: What this function returned the last time.
        schedule: As Braze and the configuration have it now; None when neither is known, so that what is pending stays
            so until a sync meets it.
        syncs: The latest known, running included, latest first; two or three are enough.
        now: Tells whether the pending run's time has come.

    """
    unmet = None if pending is None or _met(pending.at, syncs, now) else pending
    if schedule is None:
        return unmet
    if schedule.paused:
        return None
    due = unmet is not None and now >= unmet.at - EARLY
    if schedule.next_scheduled_run is not None:
        if unmet is not None and due and unmet.at < schedule.next_scheduled_run:
            return unmet
        met = _met(schedule.next_scheduled_run, syncs, now)
        return None if met else ExpectedRun(schedule.next_scheduled_run, announced=True)
    if unmet is not None and unmet.announced:
        taken_back = schedule.unscheduled_since or now
        if not schedule.reported or (due and now - taken_back < TAKEN_BACK):
            return unmet
    return _derived(schedule, syncs, now)


def _derived(schedule: Schedule, syncs: Sequence[Sync], now: datetime) -> ExpectedRun | None:
    interval, bases = schedule.interval, [sync.sync_start_time for sync in syncs]
    if schedule.active_since is not None:
        bases.append(schedule.active_since)
    if not interval or not bases:
        return None
    run = _later(max(bases), interval, schedule.timezone)
    busy_until = _end(syncs[0], now) if syncs else None
    if busy_until is not None and run <= busy_until:  # slots that came while the sync ran were passed over
        run = _later(run, interval * ((busy_until - run) // interval + 1), schedule.timezone)
    return ExpectedRun(run, announced=False)


def _later(base: datetime, span: timedelta, timezone: tzinfo | None) -> datetime:
    """Return *base* and *span*; of more than an hour by the clocks of the time zone, where it is known."""
    if timezone is None or span <= _HOUR:
        return base + span
    local = base.astimezone(timezone).replace(tzinfo=None) + span
    return local.replace(tzinfo=timezone).astimezone(UTC)


def _met(run: datetime, syncs: Sequence[Sync], now: datetime) -> bool:
    if not syncs:
        return False
    early = EARLY
    if len(syncs) > 1:
        early = min(EARLY, (syncs[0].sync_start_time - syncs[1].sync_start_time) / EARLY_SHARE)
    if syncs[0].sync_start_time >= run - early:
        return True
    return any(run <= _end(sync, now) for sync in syncs)


def _end(sync: Sync, now: datetime) -> datetime:
    """Until when a sync has kept the integration busy; its start where that is not known."""
    if not sync.finished:
        return max(now, sync.sync_start_time)
    return sync.sync_finish_time or sync.sync_start_time
