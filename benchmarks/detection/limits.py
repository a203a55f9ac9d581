"""Limits to compare: the learned ones, with each part left out if so wished, fixed defaults, and plain bands."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median, pstdev

from benchmarks.detection.habits import DAY, HOUR, MINUTE
from benchmarks.detection.judge import at
from exporter.domain.normal import Normal, learn
from exporter.domain.past import Run
from exporter.domain.trends import Trend, judge_latest

DEFAULT_DELAY = 15 * MINUTE


class Fixed:
    """Contract 2: what is used while nothing is known."""

    def deadline(self, _last: Run) -> float | None:
        return None

    def start_delay(self) -> float:
        return DEFAULT_DELAY

    def duration(self, _latest: Run | None, _start: int, _slow: float | None) -> float:
        return 6.0 * HOUR

    def lag(self, _at: int) -> float | None:
        return None

    def failed_rows(self) -> float:
        return 0.01

    def success_age(self) -> float | None:
        return None

    def healed(self) -> int:
        return 0

    def recent(self, _runs: Sequence[Run]) -> Sequence[Trend]:
        return ()


@dataclass(slots=True)
class Learned:
    """What `exporter.domain.normal` says."""

    normal: Normal
    sensitivity: str = "medium"

    def deadline(self, last: Run) -> float | None:
        deadline = self.normal.start_deadline(last, self.sensitivity)
        return None if deadline is None else deadline.timestamp()

    def start_delay(self) -> float:
        return self.normal.start_delay_seconds(self.sensitivity) or DEFAULT_DELAY

    def duration(self, latest: Run | None, start: int, slow: float | None) -> float:
        return self.normal.duration_limit_seconds(at(start), latest, slow or 0.0, self.sensitivity) or 6.0 * HOUR

    def lag(self, start: int) -> float | None:
        return self.normal.lag_limit_seconds(at(start), self.sensitivity)

    def failed_rows(self) -> float:
        return self.normal.failed_rows_limit(self.sensitivity) or 0.01

    def success_age(self) -> float | None:
        return self.normal.success_age_limit_seconds(self.sensitivity)

    def healed(self) -> int:
        return self.normal.healed_failures

    def recent(self, runs: Sequence[Run]) -> Sequence[Trend]:
        return judge_latest(runs, self.normal, self.sensitivity)


def learned(runs: Sequence[Run], now: int) -> Learned:
    return Learned(learn(runs, at(now)))


def fixed(_runs: Sequence[Run], _now: int) -> Fixed:
    return Fixed()


class Bands(Fixed):
    """A band about the middle of a window for gaps, durations, rows and lag; a value outside is a problem at once."""

    def __init__(self, runs: Sequence[Run], now: int, days: int, spreads: float, *, robust: bool) -> None:
        starts = [run.start for run in runs]
        runs = runs[bisect_left(starts, now - days * DAY) :]
        self.spreads, self.robust = spreads, robust
        self.gaps = self._band([b.start - a.start for a, b in pairwise(runs)])
        self.durations = self._band([run.took for run in runs if run.took is not None])
        self.rows = self._band([run.rows_synced for run in runs if run.rows_synced is not None and not run.failed])
        self.lags = self._band([run.lag for run in runs if run.lag is not None])

    def _band(self, values: Sequence[int]) -> tuple[float, float] | None:
        if len(values) < 5:
            return None
        middle = median(values) if self.robust else fmean(values)
        spread = 1.4826 * median(abs(value - middle) for value in values) if self.robust else pstdev(values)
        width = max(self.spreads * spread, 0.05 * middle)
        return middle - width, middle + width

    def deadline(self, last: Run) -> float | None:
        return last.start + self.gaps[1] if self.gaps else None

    def duration(self, _latest: Run | None, _start: int, _slow: float | None) -> float:
        return self.durations[1] if self.durations else 6.0 * HOUR

    def lag(self, _at: int) -> float | None:
        return self.lags[1] if self.lags else None

    def recent(self, runs: Sequence[Run]) -> Sequence[Trend]:
        if not runs or runs[-1].failed:
            return ()
        run, found = runs[-1], []
        for value, band, low, high in (
            (run.rows_synced, self.rows, "rows_low", "rows_high"),
            (run.took, self.durations, None, "slow"),
        ):
            if value is None or band is None:
                continue
            problem = low if value < band[0] else high if value > band[1] else None
            if problem:
                found.append(Trend(problem, at(run.start), value, band[1], 0.0))
        return found


def elementary(runs: Sequence[Run], now: int) -> Bands:
    return Bands(runs, now, 14, 3.0, robust=False)


def grafana_robust(runs: Sequence[Run], now: int) -> Bands:
    return Bands(runs, now, 1, 3.0, robust=True)


def week_band(runs: Sequence[Run], now: int) -> Bands:
    return Bands(runs, now, 7, 4.0, robust=True)


def without(part: str) -> Callable[[Sequence[Run], int], Learned]:
    """Return a learner with one part of `Normal` left out."""
    empty = Normal()

    def learner(runs: Sequence[Run], now: int) -> Learned:
        return Learned(replace(learn(runs, at(now)), **{part: getattr(empty, part)}))

    return learner


def without_quiet_days(runs: Sequence[Run], now: int) -> Learned:
    normal = learn(runs, at(now))
    return Learned(replace(normal, rows=normal.rows and replace(normal.rows, least=())))


def without_patience(runs: Sequence[Run], now: int) -> Learned:
    normal = learn(runs, at(now))
    return Learned(replace(normal, rows=normal.rows and replace(normal.rows, patience=())))
