"""
The judge of the benchmark: contract 7 behind one function, `judge`.

Stands in for `domain/health.py` where other limits are compared (cold start, ablation, bands), so that they can be
tried by themselves: the same kinds, severities and hiding. What is found by the learned limits is measured with the
exporter's own judge, through `exporter/domain/replay.py`.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from benchmarks.detection.habits import DAY, MINUTE
from exporter.domain.model import SyncStatus
from exporter.domain.normal import failed_share, is_good
from exporter.domain.past import Run
from exporter.domain.trends import Trend

CRITICAL, WARNING, INFO = 2, 1, 0
Problems = dict[str, int]


class Limits(Protocol):
    """What is judged by; None where there is no limit. All in seconds, moments since 1970."""

    def deadline(self, last: Run) -> float | None: ...
    def start_delay(self) -> float: ...
    def duration(self, latest: Run | None, start: int, slow: float | None) -> float: ...
    def lag(self, at: int) -> float | None: ...
    def failed_rows(self) -> float: ...
    def success_age(self) -> float | None: ...
    def healed(self) -> int: ...
    def recent(self, runs: Sequence[Run]) -> Sequence[Trend]: ...


@dataclass(slots=True)
class Facts:
    """All that is known of an integration besides its finished syncs."""

    first_seen: int
    slots: Sequence[int] = ()
    """What Braze announces, if it does."""
    running: Run | None = None
    paused: bool = False
    gone: bool = False
    unscheduled: bool = False
    resumed_at: int = 0
    """When it was paused, unscheduled or gone last; no sync is late before it has had its time since then."""
    verdicts: Sequence[Trend] = ()
    """On the latest finished syncs, by the limits in effect."""


def judge(runs: Sequence[Run], facts: Facts, limits: Limits, now: float) -> tuple[Problems, float | None]:
    """
    Return the problems that hold now, with their severity, and when to look again though nothing happens.

    Args:
        runs: Finished syncs, oldest first.
        facts: What else is known.
        limits: In effect.
        now: Seconds since 1970, on Braze's clock.

    """
    if facts.paused:
        return {"paused": WARNING}, None
    if facts.gone:
        return {"gone": WARNING}, None
    problems: Problems = {}
    looks: list[float] = []

    def past(moment: float) -> bool:
        if moment >= now:
            looks.append(moment + 1)
        return moment < now

    if not runs and facts.running is None:
        first = next(iter(facts.slots[bisect_right(facts.slots, facts.first_seen) :]), None)
        if past(facts.first_seen + DAY) or (first and past(first + limits.start_delay())):
            problems["never_synced"] = WARNING
        return problems, min(looks, default=None)
    _of_latest(problems, runs, facts, limits)
    _of_running(problems, runs, facts, limits, past)
    if facts.unscheduled:
        problems["unscheduled"] = WARNING
    deadline = _deadline(runs, facts, limits)
    if deadline is not None and past(deadline):
        problems["overdue"] = CRITICAL
    age = limits.success_age()
    good = next((run for run in reversed(runs) if is_good(run, limits.failed_rows())), None)
    tried = deadline is None or runs[-1] is not good
    if age is not None and good and tried and facts.running is None and past(max(good.finish, facts.resumed_at) + age):
        problems["success_too_old"] = CRITICAL
    hide(problems)
    return problems, min(looks, default=None)


def _of_latest(problems: Problems, runs: Sequence[Run], facts: Facts, limits: Limits) -> None:
    if not runs:
        return
    latest = runs[-1]
    streak = 0
    while streak < len(runs) and runs[-1 - streak].failed:
        streak += 1
    if latest.status is SyncStatus.CONFIG_ERROR:
        problems["config_error"] = CRITICAL
    if streak > 1:
        problems["failing"] = CRITICAL
    elif streak:
        problems["failed"] = INFO if streak <= limits.healed() else WARNING
    share = failed_share(latest)
    limit = limits.failed_rows()
    if share is not None and share > limit:
        problems["rows_failed"] = CRITICAL if share >= 10 * limit and share >= 0.2 else WARNING
    lag_limit = limits.lag(latest.start)
    if latest.lag is not None and lag_limit is not None and latest.lag > lag_limit:
        problems["behind"] = CRITICAL if latest.lag > 3 * lag_limit else WARNING
    if latest.lag is not None and latest.lag < -5 * MINUTE:
        problems["future_watermark"] = CRITICAL
    for verdict in facts.verdicts:
        problems[verdict.problem] = CRITICAL if verdict.critical else WARNING


def _of_running(
    problems: Problems, runs: Sequence[Run], facts: Facts, limits: Limits, past: Callable[[float], bool]
) -> None:
    if facts.running is None:
        return
    start = facts.running.start
    latest = next((run for run in reversed(runs) if not run.failed), None)
    slow = next((verdict.value for verdict in facts.verdicts if verdict.problem == "slow"), None)
    limit = limits.duration(latest, start, slow)
    if past(start + limit):
        problems["running_long"] = WARNING
    if past(start + 3 * limit):
        problems["stuck"] = CRITICAL
        del problems["running_long"]


def _deadline(runs: Sequence[Run], facts: Facts, limits: Limits) -> float | None:
    if facts.running is not None:
        return None
    last = runs[-1]
    if facts.slots:
        index = bisect_right(facts.slots, max(last.start + MINUTE, last.finish))
        return facts.slots[index] + limits.start_delay() if index < len(facts.slots) else None
    if facts.resumed_at > last.start:
        last = Run(facts.resumed_at, last.status)
    return limits.deadline(last)


def hide(problems: Problems) -> None:
    """Take out what follows from something more telling (contract 7.2)."""
    if "config_error" in problems:
        _drop(problems, "failing", "failed")
    if problems.keys() & {"config_error", "failing", "failed"}:
        _drop(problems, "behind", "success_too_old", "rows_low", "rows_high", "rows_failed")
    if problems.keys() & {"config_error", "failing", "never_synced", "stuck", "running_long", "unscheduled"}:
        _drop(problems, "overdue")
    if "overdue" in problems:
        _drop(problems, "behind", "success_too_old")
    if "future_watermark" in problems:
        _drop(problems, "behind", "resynced", "rows_low")
    if problems.keys() - {"success_too_old"}:
        _drop(problems, "success_too_old")


def _drop(problems: Problems, *kinds: str) -> None:
    for kind in kinds:
        problems.pop(kind, None)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
