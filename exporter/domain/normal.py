"""
What is normal for one integration, learned from its own past.

`learn` is a pure function of the past and a moment: equal pasts learn the same. Abnormal syncs are left out by what
the others say, never by configuration. `domain/rhythm.py`, `domain/durations.py` and `domain/rows.py` say how for
starts, durations and rows; `domain/trends.py` judges the latest syncs by it. Here are

- lag at the finish: 1.5 times the longest normal one and a margin, by weekday where that is much less and syncs are
  daily or rarer;
- the share of rows that fail: twice the largest normal one;
- the time from one success to the next: 1.5 times the longest normal one;
- failed syncs in a row that healed by themselves, and syncs in a row at whose end the watermark had not moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from math import exp, log
from zlib import crc32

from exporter.domain.durations import Durations, all_rows, by_days, largest, learn_durations
from exporter.domain.excursions import patience
from exporter.domain.model import SyncStatus
from exporter.domain.past import HISTORY, MOST, Run, to_moment, to_seconds
from exporter.domain.rhythm import DAY, HOUR, MINUTE, Rhythm, learn_rhythm, to_local, to_utc
from exporter.domain.robust import LASTING_VALUES, longest_normal, median
from exporter.domain.rows import Rows, learn_rows

FEWEST = 5
"""Values from which on a limit is learned,"""
FEWEST_SHARES = 3
"""and shares of failed rows, for which the default is too strict for many."""
FEW = 100
"""While fewer syncs are known, each one is learned from at once."""
REFIT = timedelta(hours=6)
WIDEN = {"low": 1.5, "medium": 1.0, "high": 0.7}
"""By `sensitivity`, how much more a limit allows beyond the usual."""
LEAST_FAILED_ROWS = 0.01
_FEW_FAR = log(10)
"""Of few days, so far above the median a share of failed rows is abnormal."""
_LASTING_WEEKS = 3


@dataclass(frozen=True, slots=True)
class Normal:
    """What has been learned. Whatever too little is known of is None."""

    learned_syncs: int = 0
    rhythm: Rhythm = field(default_factory=Rhythm)
    durations: Durations | None = None
    rows: Rows | None = None
    failed_rows_ratio: float | None = None
    lag_seconds: tuple[float, ...] | None = None
    """By weekday of the start, Monday first."""
    success_age_seconds: float | None = None
    healed_failures: int = 0
    """The longest streak of failed syncs after which one did not fail."""
    frozen: int | None = None
    """How many syncs in a row had rows while the watermark stood still; None where it does not usually move."""
    zone: tzinfo | None = None

    def start_deadline(
        self, last: Run, sensitivity: str = "medium", delay_seconds: float | None = None
    ) -> datetime | None:
        """Return until when the sync after *last* must have started, by the learned rhythm; see `Rhythm.deadline`."""
        gap = self.rhythm.gap_seconds
        if delay_seconds is not None and self.zone is None and gap is not None and gap > HOUR:
            delay_seconds += HOUR  # clocks may change
        start = to_local(last.start, self.zone)
        at = self.rhythm.deadline(start, last.took, WIDEN[sensitivity], delay_seconds)
        if at is None:
            return None
        by_clock, passed = to_utc(at, self.zone), to_utc(last.start + at - start, None)
        if self.rhythm.unit != HOUR:
            return by_clock
        # What is frequent goes on while clocks change, whatever they show; of a few hours one cannot tell.
        steady = gap is not None and gap <= HOUR and all(self.rhythm.awake)
        return passed if steady else max(by_clock, passed)

    def start_delay_seconds(self, sensitivity: str = "medium") -> float | None:
        """Return how late a sync may start that Braze has announced."""
        late = self.rhythm.lateness_seconds
        if late is None:
            return None
        return min(max(10.0 * MINUTE, 1.5 * late + 5 * MINUTE), 120.0 * MINUTE) * WIDEN[sensitivity]

    def duration_limit_seconds(
        self, start: datetime, latest: Run | None = None, slow_seconds: float = 0.0, sensitivity: str = "medium"
    ) -> float | None:
        """
        Return how long a sync may run.

        Args:
            start: Of the sync.
            latest: The latest finished sync that did not fail.
            slow_seconds: The value of `slow`, while that is a problem.
            sensitivity: `low`, `medium` or `high`.

        """
        if self.durations is None:
            return None
        piled_up = 1.0
        if latest is not None and self.rhythm.gap_seconds and self.rhythm.kind != "irregular":
            awake = self.rhythm.awake_seconds(*(to_local(at, self.zone) for at in (latest.start, to_seconds(start))))
            piled_up = max(1.0, awake / (4 * self.rhythm.gap_seconds))
        return self.durations.limit(latest, piled_up, slow_seconds, WIDEN[sensitivity])

    def lag_limit_seconds(self, start: datetime, sensitivity: str = "medium") -> float | None:
        """Return how far behind the watermark may be when a sync that started then finishes."""
        if self.lag_seconds is None:
            return None
        return self.lag_seconds[_weekday(to_local(to_seconds(start), self.zone))] * WIDEN[sensitivity]

    def failed_rows_limit(self, sensitivity: str = "medium", rows: int = 0) -> float | None:
        """Return which share of a sync's *rows* may fail: one row of several, however few they are."""
        if self.failed_rows_ratio is None:
            return None
        one = 1 / rows if rows > 1 else 0.0
        return min(1.0, max(LEAST_FAILED_ROWS, self.failed_rows_ratio * WIDEN[sensitivity], one))

    def success_age_limit_seconds(self, sensitivity: str = "medium") -> float | None:
        """Return how old the last success may be."""
        return None if self.success_age_seconds is None else self.success_age_seconds * WIDEN[sensitivity]


def learn(runs: Sequence[Run], at: datetime, *, history: timedelta = HISTORY, zone: tzinfo | None = None) -> Normal:
    """
    Return what is normal, from the syncs that had finished by *at*.

    Args:
        runs: The finished syncs, oldest first, each start once.
        at: The moment of learning, on Braze's clock.
        history: Syncs that started longer ago are left out.
        zone: Of the schedule, where it is known.

    """
    now = to_seconds(at)
    first = now - int(history.total_seconds())
    runs = [run for run in runs[-MOST:] if run.start >= first and run.start + (run.took or 0) <= now]
    if not runs:
        return Normal(zone=zone)
    good = [run for run in runs if not run.failed]
    rhythm = learn_rhythm([to_local(run.start, zone) for run in runs], zoned=zone is not None)
    starts = [to_local(run.start, zone) for run in good]
    ratio = _failed_rows(good)
    return Normal(
        len(runs),
        rhythm,
        learn_durations(good),
        _rows(good, starts, zoned=zone is not None),
        ratio,
        _lags(good, starts, by_weekday=rhythm.kind != "irregular" and rhythm.unit == DAY),
        _success_age(good, ratio),
        _healed(runs),
        _frozen(good),
        zone,
    )


def _rows(runs: Sequence[Run], starts: Sequence[int], *, zoned: bool) -> Rows | None:
    known = [(starts[i], all_rows(run)) for i, run in enumerate(runs) if run.rows_synced is not None]
    ats, counts = [at for at, _ in known], [count for _, count in known]
    learned = learn_rows(ats, counts, zoned=zoned)
    if learned is None:
        return None
    rows, levels = learned
    return replace(rows, patience=patience(rows, ats, counts, levels))


def _lags(good: Sequence[Run], starts: Sequence[int], *, by_weekday: bool) -> tuple[float, ...] | None:
    known = [(run.start, starts[i], run.lag) for i, run in enumerate(good) if run.lag is not None]
    if len(known) < FEWEST:
        return None
    logs = [log(max(0, lag) + 10 * MINUTE) for _, _, lag in known]
    weekdays = [_weekday(local) for _, local, _ in known]
    keys, ends = by_days([start for start, _, _ in known])
    overall = _lag_limit(*largest(logs, keys, ends), lasting=LASTING_VALUES)
    limits = []
    for weekday in range(7):
        chosen = [i for i, day in enumerate(weekdays) if day == weekday]
        own = [keys[i] for i in chosen]
        if not by_weekday or len(set(own)) < LASTING_VALUES:
            limits.append(overall)
            continue
        limit = _lag_limit(*largest([logs[i] for i in chosen], own, ends), lasting=_LASTING_WEEKS)
        limits.append(limit if limit < overall / 2 else overall)
    return tuple(limits)


def _lag_limit(days: Sequence[float], ends: Sequence[int], *, lasting: int) -> float:
    longest = exp(longest_normal(days, ends, log(2.0), lasting)) - 10 * MINUTE
    few = 1 + 2 / len(days)
    return few * (1.5 * longest + 15 * MINUTE)


def _failed_rows(good: Sequence[Run]) -> float | None:
    known = [(run, share) for run in good if (share := failed_share(run)) is not None]
    if len(known) < FEWEST_SHARES:
        return None
    logs = [log(share + 0.005) for _, share in known]
    keys, ends = by_days([run.start for run, _ in known])
    if len(ends) < 2 * LASTING_VALUES:
        # Too little is known to tell a fault from what lasts, and it is learned from at once.
        middle = median(logs)
        longest = exp(max(each for each in logs if each - middle <= _FEW_FAR)) - 0.005
    else:
        longest = exp(longest_normal(*largest(logs, keys, ends), log(2.5))) - 0.005
    return min(1.0, max(LEAST_FAILED_ROWS, 2 * (1 + 2 / len(known)) * longest))


def failed_share(run: Run) -> float | None:
    """Return which share of the rows failed; None where no rows were counted."""
    if run.failed or run.rows_synced is None or run.rows_failed is None:
        return None
    total = run.rows_synced + run.rows_failed
    return run.rows_failed / total if total > 0 else None


def is_good(run: Run, failed_rows_ratio: float | None) -> bool:
    """Whether a sync counts as a success: also a partial one, within the limit of failed rows."""
    if run.status is SyncStatus.SUCCESS:
        return True
    share = failed_share(run)
    return run.status is SyncStatus.PARTIAL and share is not None and share <= (failed_rows_ratio or LEAST_FAILED_ROWS)


def _success_age(good: Sequence[Run], ratio: float | None) -> float | None:
    finishes = sorted(run.finish for run in good if is_good(run, ratio))
    gaps = [b - a for a, b in pairwise(finishes)]
    if len(gaps) < FEWEST:
        return None
    return 1.5 * exp(longest_normal([log(max(MINUTE, gap)) for gap in gaps], finishes[1:], log(2.0))) + 10 * MINUTE


def _healed(runs: Sequence[Run]) -> int:
    longest = streak = 0
    for run in runs:
        if run.failed:
            streak += 1
        elif streak:
            longest, streak = max(longest, streak), 0
    return longest


def _frozen(good: Sequence[Run]) -> int | None:
    marks = [run.watermark for run in good if run.lag is not None and run.rows_synced]
    streaks, streak = [0, 0], 0
    for before, mark in pairwise(marks):
        if mark == before:
            streak += 1
        else:
            streaks.append(streak)
            streak = 0
    *_, second, longest = sorted(streaks)
    if len(marks) < FEWEST or sum(streaks) - longest > 0.05 * len(marks):
        return None
    return second


def refit_at(integration_id: str, now: datetime) -> datetime:
    """Return the latest moment up to *now* at which limits are due: every six hours, shifted by the id."""
    period = int(REFIT.total_seconds())
    shift = crc32(integration_id.encode()) % period
    return to_moment((to_seconds(now) - shift) // period * period + shift)


def moment_of_learning(integration_id: str, runs: Sequence[Run], now: datetime) -> datetime:
    """
    Return the moment by which limits are learned at *now*: the same for all who have the same past.

    It is not before the last sync that was learned from at once: what is frequent would unlearn most of them.
    """
    due, at_once = refit_at(integration_id, now), runs[: FEW - 1]
    return max(to_moment(at_once[-1].finish), due) if at_once else due


def is_refit_due(
    integration_id: str, learned_at: datetime | None, known_syncs: int, *, new: bool, now: datetime
) -> bool:
    """
    Return whether limits are to be learned again.

    Args:
        integration_id: Decides about the moment.
        learned_at: When that was done last.
        known_syncs: Finished syncs in the past.
        new: Whether a sync has been added since.
        now: On Braze's clock.

    """
    return learned_at is None or (new and known_syncs < FEW) or learned_at < refit_at(integration_id, now)


def _weekday(at: int) -> int:
    """Return the day of the week, Monday 0, of a local second."""
    return (at // DAY + 3) % 7
