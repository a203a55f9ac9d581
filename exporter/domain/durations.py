"""
How long syncs take, learned from past ones, and whether the latest take clearly longer.

Theory. On logarithms, a duration is a level that follows slow changes, a part that the rows explain, and noise. How
long a sync may run follows from the longest normal one, whatever its rows, and is never less than three times the
usual duration (of a long sync half an hour more): what takes longer lastingly is `slow`, by medians over the latest
few syncs, each against its rows. Rows beyond all experience may take longer by as much as there are more of
them. An hour with more rows, a campaign or what piled up during an outage is therefore not slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, inf, log, log1p
from operator import sub

from exporter.domain.past import Run
from exporter.domain.rhythm import DAY, MINUTE
from exporter.domain.robust import SPREAD, follow, longest_normal, lower_median, median, medians

FEWEST = 5
SLOW = ((2, log(2.0), 4.0), (4, log(1.7), 2.5), (8, log(1.7), 1.7), (16, log(1.7), 1.3))
"""Windows of syncs, the least factor over the median that is slow, and spreads."""
LOOK_BACK = 300
"""Syncs that are looked at to find since when they have been slow."""
_PARTS = 8
_CLEARLY = log(1.3)
"""Whatever the rows explain, syncs that take less than this many times the usual are not slow."""
_NARROWEST = 0.05
_FAR = 5.0
"""Times the longest normal: where few rows make many syncs short, spreads alone would allow days."""
_MOST_SECONDS = 30.0 * DAY
"""No limit is longer; far beyond it, calendars end."""


@dataclass(frozen=True, slots=True)
class Explained:
    """How much longer, as a logarithm, a sync takes because of its rows: a fixed part and so much for each row."""

    fixed_seconds: float
    row_seconds: float
    usual_rows: float
    """What the usual duration belongs to."""
    most_rows: float
    """Beyond these nothing is known."""

    def by(self, rows: int) -> float:
        more = log(max(1.0, (rows + 1) / (1.2 * self.most_rows + 1)))
        if not self.row_seconds:
            return more
        usual = self.fixed_seconds + self.row_seconds * self.usual_rows
        return log((self.fixed_seconds + self.row_seconds * rows) / usual) + more


@dataclass(frozen=True, slots=True)
class Durations:
    """How long syncs take."""

    usual_seconds: float
    spread: float
    """Of the logarithm."""
    limit_seconds: float
    windows: tuple[float, ...]
    """For each of SLOW, the logarithm above the median, for its rows, that the window's median must exceed."""
    explained: Explained
    changed_at: int | None = None
    """Since when, in seconds since 1970, the usual duration is another one than before."""

    def limit(self, latest: Run | None, piled_up: float, slow_seconds: float, widen: float) -> float:
        """
        Return how many seconds a sync may run.

        Args:
            latest: The latest finished sync that did not fail: after many rows, many more are no wonder.
            piled_up: How many times longer than usual data had time to pile up, at least 1.
            slow_seconds: How long syncs take while they are slow, which is reported already; else 0.
            widen: More than 1 allows more.

        """
        limit: float = self.usual_seconds * (self.limit_seconds / self.usual_seconds) ** widen
        if latest is not None:
            limit *= exp(max(0.0, min(2.5, self.explained.by(all_rows(latest)) - 0.5)))
        return min(_MOST_SECONDS, limit * min(10.0, piled_up) * max(1.0, slow_seconds / self.usual_seconds))

    def slow(self, runs: Sequence[Run], widen: float) -> tuple[int, float, float] | None:
        """Return since when the latest syncs are slow, in seconds since 1970, their median duration and its limit."""
        bounds = [bound * widen for bound in self.windows]
        calm = max(0.3, 0.6 * min(bounds))
        known = timed(runs[-LOOK_BACK:])
        ends = (end for end in range(len(known), 1, -1) if max(map(self._off, known[end - 2 : end])) < calm)
        for latest in range(next(ends, 1), len(known)):
            if any(self._lasts(known[: latest + 1], size, bounds[i]) for i, (size, _, _) in enumerate(SLOW)):
                since = latest
                while since and self._off(known[since - 1]) > calm:
                    since -= 1
                value = median([took for _, took in known[-4:]])
                return known[since][0].start, value, self.usual_seconds * exp(min(bounds))
        return None

    def _lasts(self, known: Sequence[tuple[Run, int]], size: int, bound: float) -> bool:
        """Return whether most of the latest syncs take longer than the bound for their rows, and clearly in all."""
        latest = known[-size:]
        return (
            len(latest) == size
            and lower_median([*map(self._off, latest)]) > bound
            and lower_median([*map(self._over, latest)]) > _CLEARLY
        )

    def _over(self, sync: tuple[Run, int]) -> float:
        """Return the logarithm of how many times the usual it took."""
        return log(sync[1] / self.usual_seconds)

    def _off(self, sync: tuple[Run, int]) -> float:
        """Return the same, less what its rows explain."""
        return self._over(sync) - self.explained.by(all_rows(sync[0]))


def timed(runs: Iterable[Run]) -> list[tuple[Run, int]]:
    """Return the syncs that did not fail with the seconds that they took, at least one, where these are known."""
    return [(run, max(1, run.took)) for run in runs if run.took is not None and run.took >= 0 and not run.failed]


def all_rows(run: Run) -> int:
    """Return the rows of a sync, synced and failed together."""
    return max(0, (run.rows_synced or 0) + (run.rows_failed or 0))


def learn_durations(runs: Sequence[Run]) -> Durations | None:
    """Return how long syncs take; None while fewer than FEWEST are known. *runs* are oldest first."""
    known = timed(runs)
    if len(known) < FEWEST:
        return None
    logs = [log(took) for _, took in known]
    days, ends = by_days([run.start for run, _ in known])
    rows = [all_rows(run) for run, _ in known]
    most_rows = longest_normal(*largest([*map(log1p, rows)], days, ends), log(2))
    explained = _explained(sorted((all_rows(run), took) for run, took in known), exp(most_rows))
    rest = [*map(sub, logs, map(explained.by, rows))]
    daily = medians(rest, days)
    few = 1 + 3 / len(logs)
    levels, changed = follow(daily, ends, max(log(1.6), 3 * _spread_below(list(daily.values())) * few), 0.05)
    middle = levels[max(levels)]
    base = [levels[day] for day in days]
    off, whole = [*map(sub, rest, base)], [*map(sub, logs, base)]
    narrow = _spread_below(off)
    spread, wide = narrow * few, max(narrow, _spread_below(whole)) * few
    longest, longest_ever = (
        exp(longest_normal(*largest(values, days, ends), max(log(2), 3 * wide))) for values in (whole, logs)
    )
    usual = exp(middle)
    limit = max(
        min(max(1.5 * usual * longest, usual * exp(4.5 * wide)), _FAR * longest_ever),
        min(3.3 * usual, usual + 30 * MINUTE),
        usual + 2 * MINUTE,
    )
    windows = []
    for size, factor, spreads in SLOW:
        # Windows that overlap by half are enough to know the longest, and half the work.
        width = min(size, len(off))
        last = range(width - 1, len(off), size // 2)
        window = [lower_median(off[i + 1 - width : i + 1]) for i in last]
        natural = longest_normal(*largest(window, [days[i] for i in last], ends), max(log(1.5), 2 * spread))
        windows.append(max(factor * few, spreads * spread, natural + 0.15))
    return Durations(usual, spread, limit, tuple(windows), explained, changed[0] if changed else None)


def _spread_below(values: Sequence[float]) -> float:
    """Return the standard deviation as the shorter half has it: slow syncs do not widen it."""
    middle = median(values)
    return max(_NARROWEST, SPREAD * median([middle - value for value in values if value <= middle]))


def _explained(ordered: Sequence[tuple[int, int]], most_rows: float) -> Explained:
    """Fit a line through rows and seconds: the median slope between the medians of parts with alike rows."""
    part = len(ordered) // _PARTS
    slope = 0.0
    if part:
        cuts = [ordered[i * part : (i + 1) * part] for i in range(_PARTS)]
        middles = [(median([row for row, _ in cut]), median([took for _, took in cut])) for cut in cuts]
        slopes = sorted((d - b) / (c - a) for (a, b), (c, d) in combinations(middles, 2) if c > a)
        if slopes and slopes[len(slopes) // 5] > 0:  # four in five agree: no chance
            slope = median(slopes)
    fixed = max(1.0, median([took - slope * row for row, took in ordered]))
    return Explained(fixed, slope, median([row for row, _ in ordered]), most_rows)


def by_days(starts: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """Return a key for each sync, its day or, where they are rare, itself; and when each key's last one started."""
    rare = len(starts) < 2 * (1 + (starts[-1] - starts[0]) // DAY)
    keys = list(range(len(starts))) if rare else [start // DAY for start in starts]
    return keys, {key: starts[i] for i, key in enumerate(keys)}


def largest(values: Sequence[float], keys: Sequence[int], ends: dict[int, int]) -> tuple[list[float], list[int]]:
    """Return the largest value of each key, and when the key ended."""
    found = dict.fromkeys(keys, -inf)
    for i, key in enumerate(keys):
        if values[i] > found[key]:  # noqa: PLR1730 - max() takes three times as long
            found[key] = values[i]
    return list(found.values()), [ends[key] for key in found]
