"""
How an integration's syncs turn out: duration, rows, status and watermark.

A behaviour is permanent and one entry in the table. A problem is switched on by name; a behaviour may begin with
problems. What a sync does follows only from the integration's seed, the sync's number, the behaviour and the problems
at its end.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from exporter.domain.model import SyncStatus

INTEGRATION_PROBLEMS = {
    "error": "syncs fail: no rows are synced",
    "config_error": "the integration is misconfigured: syncs fail at once",
    "partial": "some rows of each sync fail",
    "limit_exceeded": "Braze stops each sync, with a status that the API page does not list",
    "silent_stop": "scheduled syncs never start while the announced next run rolls forward",
    "slow": "syncs take ten times as long",
    "never_finishes": "a running sync runs on until the problem is cleared",
    "future_watermark": "a row dated in the future arrives: every row dated before it is skipped from then on",
    "boundary_resync": "the rows of the boundary are synced again and again while the watermark stands still",
    "falling_behind": "the warehouse produces nothing: no rows, and the watermark stands still",
    "few_rows": "each sync brings a tenth of its rows",
    "many_rows": "each sync brings ten times its rows",
    "paused": "the integration is paused: no sync starts and no run is announced",
    "unscheduled": "the schedule was removed: no run is announced, and no sync starts but on demand",
}
"""An integration's possible problems, by name. Source: the list of what goes wrong with CDI itself."""

FORCED_OUTCOMES = {
    "config_error": "config_error",
    "error": "error",
    "limit_exceeded": "Limit Exceeded",
    "partial": "partial",
}
"""Which status a problem forces, worst first."""

STATUSES = {
    "success": SyncStatus.SUCCESS,
    "partial": SyncStatus.PARTIAL,
    "error": SyncStatus.ERROR,
    "config_error": SyncStatus.CONFIG_ERROR,
    "Limit Exceeded": SyncStatus.LIMIT_EXCEEDED,
}
"""What Braze's word for an outcome means; "Limit Exceeded" is the dashboard's, and undocumented for the API."""

_FUTURE = timedelta(days=30)
_SLOWNESS = _FEWER = 10


@dataclass(frozen=True, slots=True)
class Behaviour:
    """
    How the syncs of an integration turn out.

    Args:
        outcomes: Braze's words for how syncs end; drawn at random, or in turn when *in_turn*.
        in_turn: See *outcomes*.
        problems: Its problems, beginning *problem_runs* intervals before the world starts.
        problem_runs: See *problems*.
        watermarked: Whether rows have an `UPDATED_AT`. Files in S3 have none.

    """

    outcomes: tuple[str, ...] = ("success",)
    in_turn: bool = False
    problems: frozenset[str] = frozenset()
    problem_runs: int = 3
    watermarked: bool = True


BEHAVIOURS = {
    "healthy": Behaviour(),
    "ordinary": Behaviour(("success",) * 44 + ("partial",) * 4 + ("error",) * 2),
    "partly_failing": Behaviour(("success", "partial", "partial")),
    "failing_twice": Behaviour(("success", "success", "success", "error", "error"), in_turn=True),
    "misconfigured": Behaviour(problems=frozenset({"config_error"}), problem_runs=6),
    "running_too_long": Behaviour(problems=frozenset({"never_finishes"}), problem_runs=2),
    "paused": Behaviour(problems=frozenset({"paused"}), problem_runs=4),
    "event_driven": Behaviour(("success",) * 9 + ("partial",), watermarked=False),
    "future_watermark": Behaviour(problems=frozenset({"future_watermark"}), problem_runs=5),
    "falling_behind": Behaviour(problems=frozenset({"falling_behind"}), problem_runs=12),
    "boundary_resync": Behaviour(problems=frozenset({"boundary_resync"}), problem_runs=8),
    "silent_stop": Behaviour(problems=frozenset({"silent_stop"}), problem_runs=3),
    "few_rows": Behaviour(problems=frozenset({"few_rows"}), problem_runs=3),
    "many_rows": Behaviour(problems=frozenset({"many_rows"}), problem_runs=5),
    "slow": Behaviour(problems=frozenset({"slow"}), problem_runs=5),
    "undocumented": Behaviour(("success", "success", "Throttled")),
    "limit_exceeded": Behaviour(("success", "success", "success", "Limit Exceeded")),
}
"""By name. An integration that has never run is not one of them: it is created without a history."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of an integration's syncs: seconds and rows, at least and at most."""

    seconds: tuple[int, int] = (20, 120)
    rows: tuple[int, int] = (50, 5000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sync ends. *word* is Braze's status; *watermark* is None where rows have no `UPDATED_AT`."""

    word: str
    rows_synced: int
    rows_failed_with_errors: int
    watermark: datetime | None


def draw_duration(scale: Scale, problems: AbstractSet[str], random: Random, quantum: timedelta) -> timedelta:
    """Return how long a sync takes that starts now, in steps of *quantum*."""
    steps = timedelta(seconds=1) // quantum
    low, high = scale.seconds
    duration = quantum * random.randint(low * steps, high * steps)
    return duration * _SLOWNESS if "slow" in problems else duration


def draw_outcome(
    behaviour: Behaviour,
    scale: Scale,
    problems: AbstractSet[str],
    random: Random,
    *,
    number: int,
    started_at: datetime,
    watermark: datetime | None,
    word: str | None = None,
) -> Outcome:
    """Return how sync *number* ends, given the *watermark* reached before it and, where it is fixed, the *word*."""
    drawn = (
        behaviour.outcomes[number % len(behaviour.outcomes)] if behaviour.in_turn else random.choice(behaviour.outcomes)
    )
    word = word or next((forced for problem, forced in FORCED_OUTCOMES.items() if problem in problems), drawn)
    rows = random.randint(*scale.rows)
    rows = rows // _FEWER if "few_rows" in problems else rows * _FEWER if "many_rows" in problems else rows
    failed = random.randint(1, max(1, rows // 10))
    lag = timedelta(seconds=random.randint(1, 60))
    if word == "error":
        return Outcome(word, 0, rows, watermark)
    if word == "config_error":
        return Outcome(word, 0, 0, watermark)
    new_watermark, seen = _next_watermark(problems, rows, started_at, watermark, lag)
    if word == "success" or not seen:
        return Outcome(
            "success" if word == "partial" else word, seen, 0, new_watermark if behaviour.watermarked else None
        )
    return Outcome(word, seen - failed, failed, new_watermark if behaviour.watermarked else None)


def _next_watermark(
    problems: AbstractSet[str], rows: int, started_at: datetime, watermark: datetime | None, lag: timedelta
) -> tuple[datetime, int]:
    """Return the watermark after a sync, and how many rows the sync came across."""
    ordinary = started_at - lag
    if "falling_behind" in problems:
        return watermark or ordinary, 0
    if "boundary_resync" in problems:
        return watermark or ordinary, rows
    if "future_watermark" in problems:
        if watermark is not None and watermark > started_at:
            return watermark, 0  # Braze skips every row dated before the watermark
        return started_at + _FUTURE, rows
    if watermark is None or watermark > started_at:
        return ordinary, rows  # the watermark has been repaired
    return max(watermark, ordinary), rows
