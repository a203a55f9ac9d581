"""
Whether the latest syncs of an integration still are as usual: slow, too few rows, too many, or the same again.

Each trend is a pure function of the latest syncs and what is normal, and lasts from the sync that gave rise to it
until a few syncs are usual again; it changes only with a new sync or a new `Normal`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from operator import attrgetter

from exporter.domain.durations import all_rows
from exporter.domain.excursions import latest_excursion
from exporter.domain.normal import WIDEN, Normal
from exporter.domain.past import Run, to_moment
from exporter.domain.rhythm import DAY, to_local, to_utc

LOOK_BACK = 32 * DAY
"""How far the judgement on the latest syncs looks back, at most."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What is wrong with the latest syncs."""

    problem: str
    """`slow`, `rows_low`, `rows_high` or `resynced`."""
    began_at: datetime
    """Start of the first sync that was not as usual."""
    value: float
    """Seconds, rows, or syncs in a row with the same watermark."""
    limit: float
    usual: float
    critical: bool = False


def judge_latest(runs: Sequence[Run], normal: Normal, sensitivity: str = "medium") -> tuple[Trend, ...]:
    """Return what is wrong with the latest of *runs*: finished syncs, oldest first."""
    if not runs:
        return ()
    recent = runs[bisect_left(runs, runs[-1].start - LOOK_BACK, key=attrgetter("start")) :]
    trends = (
        _judge_slow(recent, normal, sensitivity),
        _judge_rows(recent, normal, sensitivity, low=True),
        _judge_rows(recent, normal, sensitivity, low=False),
        _judge_resynced(recent, normal),
    )
    return tuple(trend for trend in trends if trend)


def _judge_slow(runs: Sequence[Run], normal: Normal, sensitivity: str) -> Trend | None:
    if normal.durations is None:
        return None
    slow = normal.durations.slow(runs, WIDEN[sensitivity])
    if slow is None:
        return None
    since, value, limit = slow
    return Trend("slow", to_moment(since), value, limit, normal.durations.usual_seconds)


def _judge_rows(runs: Sequence[Run], normal: Normal, sensitivity: str, *, low: bool) -> Trend | None:
    if normal.rows is None:
        return None
    widen = WIDEN[sensitivity]
    excursion = latest_excursion(normal.rows, _latest_first(runs, normal.zone), low=low, widen=widen)
    if excursion is None or not excursion.is_problem:
        return None
    # A sync at a time of the week at which none ever came is not judged.
    value, band = next(
        (value, band)
        for at, value, _ in _latest_first(runs, normal.zone)
        if (band := normal.rows.band(at, widen)) is not None
    )
    return Trend(
        "rows_low" if low else "rows_high",
        to_utc(excursion.began_at, normal.zone),
        float(value),
        band[0 if low else 2],
        band[1],
        critical=excursion.is_critical,
    )


def _latest_first(runs: Sequence[Run], zone: tzinfo | None) -> Iterator[tuple[int, int, int | None]]:
    """Yield start in local seconds, rows and the seconds since the one before, of syncs that did not fail."""
    later: tuple[int, int] | None = None
    for run in reversed(runs):
        if run.failed or run.rows_synced is None:
            continue
        start = to_local(run.start, zone)
        if later is not None:
            yield *later, later[0] - start
        later = start, all_rows(run)
    if later is not None:
        yield *later, None


def _judge_resynced(runs: Sequence[Run], normal: Normal) -> Trend | None:
    if normal.frozen is None:
        return None
    known = (run for run in reversed(runs) if not run.failed and run.lag is not None)
    _, same = next(groupby(known, attrgetter("watermark")), (None, ()))
    starts = [run.start for run in same if run.rows_synced]
    again, limit = len(starts) - 1, max(1, normal.frozen)
    return Trend("resynced", to_moment(starts[-1]), float(again), float(limit), 0.0) if again > limit else None
