"""Made-up pasts of one integration, to learn from."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import log1p
from random import Random

from exporter.domain.model import SyncStatus
from exporter.domain.past import Run, to_moment, to_seconds
from exporter.domain.rows import Rows

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = to_seconds(MONDAY)


def run(start: int, rows: int | None = 1000, **fields: int | SyncStatus | None) -> Run:
    """Return a success of two minutes with a watermark a minute behind its end."""
    values = {"status": SyncStatus.SUCCESS, "took": 120, "lag": 60, "rows_synced": rows, "rows_failed": 0}
    return Run(start, **{**values, **fields})  # type: ignore[arg-type]


def failure(start: int) -> Run:
    return Run(start, SyncStatus.ERROR, 30, None, 0, 0)


def every(
    gap: int,
    days: float,
    rows: Callable[[datetime], float] = lambda _at: 1000.0,
    *,
    noise: float = 0.1,
    first: int = FIRST,
) -> list[Run]:
    """Return a sync every *gap* seconds for so many days, with noise on rows and durations, the same each time."""
    random = Random(gap)
    runs = []
    for start in range(first, first + int(days * DAY), gap):
        count = rows(to_moment(start)) * random.lognormvariate(0, noise)
        took = int(120 * random.lognormvariate(0, 0.1))
        runs.append(run(start + random.randrange(20), round(count), took=took, lag=60 + random.randrange(30)))
    return runs


def after(runs: list[Run]) -> datetime:
    """Return a moment at which all of them have finished, and no other is due."""
    return to_moment(runs[-1].finish) + timedelta(seconds=1)


def usually(rows: float, gap: int, *, noise: float = 0.1, drift: float = 0.1, zeros: float = 0.0) -> Rows:
    """Return what is usual where each sync brings as many rows: one is clearly off by 0.35 (its logarithm)."""
    hourly, seldom = gap < 20 * HOUR, gap >= 5 * DAY
    unit, cells, least = (HOUR, 168, 24) if hourly else (DAY, 1 if seldom else 7, 0 if seldom else 1)
    return Rows(
        500, gap, gap, unit, 0, log1p(rows), (0.0,) * cells, noise, drift, zeros, zoned=True, least=(0.0,) * least
    )
