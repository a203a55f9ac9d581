"""
How an integration's syncs turn out: how long they take, how many rows, which status, what the watermark does.

A temper is an integration's nature and one entry in the table. A trouble is something that goes wrong from a moment on
and is switched by name; a temper may start life with troubles. What a sync does follows from the integration's seed,
the sync's number, the temper and the troubles at its end, and from nothing else.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from exporter.domain.model import SyncStatus

INTEGRATION_TROUBLES = {
    "error": "syncs fail: no rows are synced",
    "config_error": "the integration is misconfigured: syncs fail at once",
    "partial": "some rows of each sync fail",
    "limit_exceeded": "syncs end with a status that the API page does not list",
    "silent_stop": "scheduled syncs never start while the announced next run rolls forward",
    "slow": "syncs take ten times as long",
    "never_finishes": "a running sync runs on until the trouble is cleared",
    "future_watermark": "a row dated in the future arrives: every row dated before it is skipped from then on",
    "boundary_resync": "the rows of the boundary are synced again and again while the watermark stands still",
    "falling_behind": "the warehouse produces nothing: no rows, and the watermark stands still",
    "paused": "somebody paused the integration: nothing starts and no run is announced",
}
"""What can go wrong with an integration, by name. Source: the list of what goes wrong with CDI itself."""

FORCED_OUTCOMES = {
    "config_error": "config_error",
    "error": "error",
    "limit_exceeded": "Limit Exceeded",
    "partial": "partial",
}
"""Which status a trouble forces, worst first."""

STATUSES = {
    "success": SyncStatus.SUCCESS,
    "partial": SyncStatus.PARTIAL,
    "error": SyncStatus.ERROR,
    "config_error": SyncStatus.CONFIG_ERROR,
    "Limit Exceeded": SyncStatus.UNKNOWN,
}
"""What Braze's word for an outcome means; "Limit Exceeded" is the dashboard's, and undocumented for the API."""

_FUTURE = timedelta(days=30)
_SLOWNESS = 10


@dataclass(frozen=True, slots=True)
class Temper:
    """
    The nature of an integration.

    Args:
        outcomes: Braze's words for how syncs end; drawn at random, or taken in turn when *in_turn*.
        in_turn: See there.
        troubles: What goes wrong with it, beginning *troubled_runs* intervals before the world starts.
        troubled_runs: See there.
        watermarked: Whether rows have an `UPDATED_AT`. Files in S3 have none.

    """

    outcomes: tuple[str, ...] = ("success",)
    in_turn: bool = False
    troubles: frozenset[str] = frozenset()
    troubled_runs: int = 3
    watermarked: bool = True


TEMPERS = {
    "healthy": Temper(),
    "ordinary": Temper(("success",) * 44 + ("partial",) * 4 + ("error",) * 2),
    "partly_failing": Temper(("success", "partial", "partial")),
    "failing_twice": Temper(("success", "success", "success", "error", "error"), in_turn=True),
    "misconfigured": Temper(troubles=frozenset({"config_error"}), troubled_runs=6),
    "running_too_long": Temper(troubles=frozenset({"never_finishes"}), troubled_runs=2),
    "paused": Temper(troubles=frozenset({"paused"}), troubled_runs=4),
    "event_driven": Temper(("success",) * 9 + ("partial",), watermarked=False),
    "future_watermark": Temper(troubles=frozenset({"future_watermark"}), troubled_runs=5),
    "falling_behind": Temper(troubles=frozenset({"falling_behind"}), troubled_runs=12),
    "boundary_resync": Temper(troubles=frozenset({"boundary_resync"}), troubled_runs=8),
    "silent_stop": Temper(troubles=frozenset({"silent_stop"}), troubled_runs=3),
    "limit_exceeded": Temper(("success", "success", "success", "Limit Exceeded")),
}
"""The natures an integration can have, by name. Never run is no temper: it is a birth without a past."""


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


def draw_duration(scale: Scale, troubles: AbstractSet[str], random: Random, quantum: timedelta) -> timedelta:
    """Return how long a sync takes that starts now, in steps of *quantum*."""
    steps = timedelta(seconds=1) // quantum
    low, high = scale.seconds
    duration = quantum * random.randint(low * steps, high * steps)
    return duration * _SLOWNESS if "slow" in troubles else duration


def draw_outcome(
    temper: Temper,
    scale: Scale,
    troubles: AbstractSet[str],
    random: Random,
    *,
    number: int,
    started_at: datetime,
    watermark: datetime | None,
    word: str | None = None,
) -> Outcome:
    """Return how sync *number* ends, given the *watermark* reached before it and, where it is fixed, the *word*."""
    drawn = temper.outcomes[number % len(temper.outcomes)] if temper.in_turn else random.choice(temper.outcomes)
    word = word or next((forced for trouble, forced in FORCED_OUTCOMES.items() if trouble in troubles), drawn)
    rows = random.randint(*scale.rows)
    failed = random.randint(1, max(1, rows // 10))
    lag = timedelta(seconds=random.randint(1, 60))
    if word == "error":
        return Outcome(word, 0, rows, watermark)
    if word == "config_error":
        return Outcome(word, 0, 0, watermark)
    new_watermark, seen = _next_watermark(troubles, rows, started_at, watermark, lag)
    if word == "success" or not seen:
        return Outcome("success" if word == "partial" else word, seen, 0, new_watermark if temper.watermarked else None)
    return Outcome(word, seen - failed, failed, new_watermark if temper.watermarked else None)


def _next_watermark(
    troubles: AbstractSet[str], rows: int, started_at: datetime, watermark: datetime | None, lag: timedelta
) -> tuple[datetime, int]:
    """Return the watermark after a sync, and how many rows the sync came across."""
    ordinary = started_at - lag
    if "falling_behind" in troubles:
        return watermark or ordinary, 0
    if "boundary_resync" in troubles:
        return watermark or ordinary, rows
    if "future_watermark" in troubles:
        if watermark is not None and watermark > started_at:
            return watermark, 0  # Braze skips every row dated before the watermark
        return started_at + _FUTURE, rows
    if watermark is None or watermark > started_at:
        return ordinary, rows  # somebody has repaired the watermark
    return max(watermark, ordinary), rows
