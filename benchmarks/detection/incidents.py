"""Labelled incidents: what goes wrong, for how long, and which problems may report it; and the syncs that follow."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from benchmarks.detection.habits import DAY, HISTORY_DAYS, HOUR, MINUTE, Habit
from exporter.domain.model import SyncStatus
from exporter.domain.past import Run


@dataclass(frozen=True, slots=True)
class Kind:
    problems: frozenset[str]
    severities: tuple[int, ...]
    """Which severities are right: 2 is critical, 1 a warning, 0 only for information."""
    syncs: int
    """It lasts as many syncs, at least,"""
    seconds: int
    """and how long it lasts."""


def _kind(problems: str, syncs: int, seconds: int, *severities: int) -> Kind:
    return Kind(frozenset(problems.split()), severities or (1,), syncs, seconds)


KINDS = {
    "failed": _kind("failed", 1, 0, 0, 1),
    "failing": _kind("failing", 4, 0, 2),
    "config_error": _kind("config_error", 3, 0, 2),
    "hung": _kind("stuck running_long", 1, 8 * HOUR, 2),
    "silent stop": _kind("overdue", 4, 6 * HOUR, 2),
    "paused": _kind("paused", 2, 2 * DAY),
    "gone": _kind("gone", 2, 2 * DAY),
    "unscheduled": _kind("unscheduled", 3, 2 * DAY),
    "durations x3": _kind("slow running_long", 8, 3 * DAY),
    "rows 0": _kind("rows_low", 4, 2 * DAY, 1, 2),
    "rows /10": _kind("rows_low", 4, 3 * DAY),
    "rows /2": _kind("rows_low", 7, 6 * DAY),
    "rows x10": _kind("rows_high", 4, 4 * DAY),
    "source stopped": _kind("behind", 4, 4 * DAY, 1, 2),
    "lagging source": _kind("behind", 4, 4 * DAY, 1, 2),
    "future watermark": _kind("future_watermark", 2, 4 * HOUR, 2),
    "resynced": _kind("resynced", 5, DAY),
    "rows failing": _kind("rows_failed", 3, 12 * HOUR, 1, 2),
    "never synced": _kind("never_synced overdue", 3, 2 * DAY),
}
LISTED = frozenset({"paused", "gone", "unscheduled"})


@dataclass(frozen=True, slots=True)
class Incident:
    kind: str
    begin: int
    end: int
    grace: int
    """Until when problems may still follow from it."""


def plan(habit: Habit, random: Random, wanted: list[str], *, most: int = 5) -> list[Incident]:
    """Return incidents for one integration, one after the other, those first that *wanted* has fewest of so far."""
    incidents: list[Incident] = []
    at = habit.born + HISTORY_DAYS * DAY + random.randrange(DAY, 4 * DAY)
    while wanted and len(incidents) < most:
        possible = [kind for kind in wanted if _possible(habit, kind, at)]
        if not possible:
            break
        kind = possible[0]
        index = bisect_right(habit.slots, at)
        if index >= len(habit.slots):
            break
        begin = habit.slots[index] - 1
        last = index + KINDS[kind].syncs
        if last >= len(habit.slots):
            break
        end = max(habit.slots[last] - 1, begin + KINDS[kind].seconds)
        if kind == "silent stop" and habit.kind in ("on demand", "event-driven"):
            end = max(end, begin + int(2.2 * _longest(habit, begin)))
        after = bisect_right(habit.slots, end)
        grace = max(end, habit.slots[min(after + 2, len(habit.slots) - 1)]) + DAY
        if grace > habit.end - DAY:
            wanted_now = [k for k in possible if KINDS[k].seconds < 3 * DAY]
            if kind in wanted_now or not wanted_now or habit.gap > 5 * DAY:
                break
            wanted.remove(kind)
            wanted.append(kind)
            at += DAY
            continue
        wanted.remove(kind)
        wanted.append(kind)
        incidents.append(Incident(kind, begin, end, grace))
        at = grace + random.randrange(2 * DAY, 6 * DAY)
    return incidents


def _possible(habit: Habit, kind: str, at: int) -> bool:
    if kind == "never synced" or (kind in LISTED and not habit.listed):
        return False
    if kind == "unscheduled" and not habit.announced:
        return False
    if kind in ("source stopped", "lagging source", "future watermark", "resynced") and habit.lag(at) is None:
        return False
    if kind.startswith("rows") and kind != "rows failing" and habit.rows(at, 1.0) < 20:
        return False
    if kind == "silent stop" and habit.kind == "monthly":
        return False
    return not (kind == "hung" and habit.kind == "monthly")


def _longest(habit: Habit, before: int) -> int:
    slots = [slot for slot in habit.slots if before - 90 * DAY < slot < before]
    return max((b - a for a, b in pairwise(slots)), default=DAY)


def syncs(habit: Habit, incidents: list[Incident], random: Random) -> list[Run]:
    """Return all syncs of an integration, incidents included, oldest first."""
    runs: list[Run] = []
    free_at = 0
    good_at: int | None = None
    frozen: int | None = None
    active: Incident | None = None
    for slot in habit.slots:
        incident = next((each for each in incidents if each.begin <= slot < each.end), None)
        if incident is not active:
            active, frozen = incident, None
        kind = incident.kind if incident else ""
        if kind in ("silent stop", "paused", "gone", "unscheduled", "never synced") or slot < free_at:
            continue
        start = slot + random.randrange(5, 40)
        gaps = 1.0 if good_at is None else min(50.0, max(0.01, (start - good_at) / habit.gap))
        if habit.kind in ("on demand", "event-driven", "business days", "hourly office"):
            gaps = max(0.5, min(gaps, 3.0)) if habit.kind not in ("on demand", "event-driven") else 1.0
        run = _sync(habit, kind, start, gaps, random, into=slot - incident.begin if incident else 0, frozen=frozen)
        if kind in ("source stopped", "lagging source", "resynced") and frozen is None and run.lag is not None:
            frozen = run.finish - run.lag
        if kind == "hung" and incident:
            run = run._replace(took=incident.end - start)
        if not run.failed:
            good_at = start
        free_at = run.finish
        runs.append(run)
    return runs


def _sync(habit: Habit, kind: str, start: int, gaps: float, random: Random, *, into: int, frozen: int | None) -> Run:
    rows = habit.rows(start, gaps)
    if kind in ("failed", "failing", "config_error") or (not kind and random.random() < habit.error_share):
        status = SyncStatus.CONFIG_ERROR if kind == "config_error" else SyncStatus.ERROR
        return Run(start, status, random.randrange(5, 60), None, 0, 0)
    factor = {"rows 0": 0.0, "rows /10": 0.1, "rows /2": 0.5, "rows x10": 10.0}.get(kind, 1.0)
    rows = int(rows * factor)
    if kind == "source stopped" and into > MINUTE:
        rows = 0
    if kind == "resynced":
        rows = max(1, rows)
    took = int(habit.took(rows) * (3 if kind == "durations x3" else 1))
    lag = habit.lag(start + took)
    if lag is not None:
        if kind == "lagging source":
            lag = lag + into
        elif kind in ("source stopped", "resynced") and frozen is not None:
            lag = start + took - frozen
        elif kind == "future watermark":
            lag = -random.randrange(2 * HOUR, 3 * DAY)
    share = habit.failed_share()
    if kind == "rows failing":
        share = min(0.9, max(0.2, 20 * habit.failed_share()))
    failed = sum(random.random() < share for _ in range(rows)) if rows < 50 else int(rows * min(1.0, share))
    status = SyncStatus.PARTIAL if failed else SyncStatus.SUCCESS
    return Run(start, status, took, lag, rows - failed, failed)
