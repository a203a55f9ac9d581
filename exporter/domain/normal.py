"""
What is normal for one integration, learned from its own past, and whether its latest syncs still are.

`learn` is a pure function of the past and a moment: equal pasts learn the same. Abnormal syncs are left out by what
the others say, never by configuration; `domain/rhythm.py` and `domain/rows.py` say how for starts and rows. Here are
durations, lag, failed rows, gaps between successes and failing streaks:

- Duration, on logarithms: the limit is the larger of 1.3 times the longest normal one and 4.5 spreads above the
  median; a sync may take three times the median (of a long one half an hour more), for that is told as `slow`.
- Lag at the finish: by weekday, 1.3 times the longest normal one and a margin.
- A value is abnormal if it is far beyond all but a few others: see `_longest`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import exp, expm1, log
from zlib import crc32

from exporter.domain.model import SyncStatus
from exporter.domain.past import HISTORY, MOST, Past, Run
from exporter.domain.rhythm import DAY, HOUR, MINUTE, Rhythm, learn_rhythm, usual_time_of_day
from exporter.domain.rows import Point, Rows, latest_excursion, learn_rows

FEWEST = 5
"""Values from which on a limit is learned."""
FEW = 100
"""While fewer syncs are known, each one is learned from at once."""
REFIT = timedelta(hours=6)
LOOK_BACK = 32 * DAY
"""How far the judgement on the latest syncs looks back, at most."""
WIDEN = {"low": 1.5, "medium": 1.0, "high": 0.7}


@dataclass(frozen=True, slots=True)
class Durations:
    """How long syncs take. Spread is of the logarithm."""

    usual_seconds: float
    spread: float
    limit_seconds: float
    windows: tuple[float, ...]
    """For each of SLOW, the logarithm above the median that the window's median must exceed."""


@dataclass(frozen=True, slots=True)
class Normal:
    """What has been learned. Whatever too little is known of is None."""

    learned_syncs: int = 0
    rhythm: Rhythm = Rhythm()
    durations: Durations | None = None
    rows: Rows | None = None
    failed_rows_ratio: float | None = None
    lag_seconds: tuple[float, ...] | None = None
    """By weekday of the start, Monday first."""
    success_age_seconds: float | None = None
    healed_failures: int = 0
    """The longest streak of failed syncs after which one did not fail."""
    frozen: int | None = None
    """How many syncs in a row brought rows while the watermark stood still; None where it does not usually move."""
    zone: tzinfo | None = None

    def start_deadline(self, last: Run, sensitivity: str = "medium") -> datetime | None:
        """Return until when the sync after *last* must have started, by the learned rhythm."""
        at = self.rhythm.deadline(_local(last.start, self.zone), last.took, WIDEN[sensitivity])
        return None if at is None else _utc(at, self.zone)

    def duration_limit_seconds(self, gap: float | None = None, sensitivity: str = "medium") -> float | None:
        """
        Return how long a sync may run.

        Args:
            gap: Seconds from the start of the last sync that did not fail to this one's; what has piled up takes longer.
            sensitivity: `low`, `medium` or `high`.

        """
        if self.durations is None:
            return None
        usual, limit = self.durations.usual_seconds, self.durations.limit_seconds
        widened = usual * (limit / usual) ** WIDEN[sensitivity] if usual else limit
        if gap and self.rhythm.gap_seconds and self.rhythm.kind != "irregular":
            widened *= min(10.0, max(1.0, gap / (4 * self.rhythm.gap_seconds)))
        return widened

    def lag_limit_seconds(self, at: datetime, sensitivity: str = "medium") -> float | None:
        if self.lag_seconds is None:
            return None
        return self.lag_seconds[_weekday(_local(_seconds(at), self.zone))] * WIDEN[sensitivity]


# --- learning ---------------------------------------------------------------------------------------------------


def learn(past: Past, at: datetime, *, history: timedelta = HISTORY, zone: tzinfo | None = None) -> Normal:
    """
    Return what is normal, from the syncs that had finished by *at*.

    Args:
        past: The finished syncs.
        at: The moment of learning, on Braze's clock.
        history: Syncs that started longer ago are left out.
        zone: Of the schedule, where it is known.

    """
    return learn_from(past.runs, at, history=history, zone=zone)


def learn_from(
    runs: Sequence[Run], at: datetime, *, history: timedelta = HISTORY, zone: tzinfo | None = None
) -> Normal:
    """As `learn`, for syncs oldest first, each start once."""
    now = _seconds(at)
    first = now - int(history.total_seconds())
    runs = [run for run in runs if run.start >= first and run.finish <= now][-MOST:]
    if not runs:
        return Normal(zone=zone)
    starts = [run.start for run in runs] if zone is None else [_local(run.start, zone) for run in runs]
    rhythm = learn_rhythm(sorted(starts), zoned=zone is not None)
    ratio = _failed_rows(runs)
    return Normal(
        len(runs),
        rhythm,
        _durations([run.took for run in runs if run.took is not None and run.took >= 0 and not run.failed]),
        _rows(runs, starts, zoned=zone is not None),
        ratio,
        _lags(runs, starts),
        _success_age(runs, ratio),
        _healed(runs),
        _frozen(runs),
        zone,
    )


def _rows(runs: Sequence[Run], starts: Sequence[int], *, zoned: bool) -> Rows | None:
    points = rows_points(runs, starts)
    if len(points) < FEWEST:
        return None
    gaps = sorted(b - a for a, b in pairwise(starts))
    usual = max(1, gaps[len(gaps) // 2])
    return learn_rows(points, usual, usual_time_of_day(starts) - DAY // 2, zoned=zoned)


def rows_points(runs: Sequence[Run], starts: Sequence[int]) -> list[Point]:
    points = []
    before: int | None = None
    for run, start in zip(runs, starts, strict=True):
        if run.failed or run.rows_synced is None:
            continue
        points.append(Point(start, max(0, run.rows_synced + (run.rows_failed or 0)), start - before if before else None))
        before = start
    return points


SLOW = ((2, log(2.0), 4.0), (4, log(1.7), 2.5), (8, log(1.5), 2.0))
"""Windows of syncs, the least factor over the median that is slow, and spreads."""


def _durations(took: Sequence[int]) -> Durations | None:
    if len(took) < FEWEST:
        return None
    logs = [log(max(1, each)) for each in took]
    ordered = sorted(logs)
    middle = ordered[len(ordered) // 2]
    few = 1 + 3 / len(logs)
    spread = max(0.05, 1.4826 * _middle([abs(each - middle) for each in logs])) * few
    longest = _longest(ordered, 3 * spread)
    usual = exp(middle)
    limit = max(
        1.3 * exp(longest), usual * exp(4.5 * spread), min(3.3 * usual, usual + 30 * MINUTE), usual + 2 * MINUTE
    )
    windows = []
    for size, factor, spreads in SLOW:
        medians = sorted(_lower_middle(logs[i : i + size]) for i in range(0, len(logs) - size + 1, max(1, size // 2)))
        natural = _longest(medians, 3 * spread) - middle if medians else 0.0
        windows.append(max(factor * few, spreads * spread, natural + 0.15))
    return Durations(usual, spread, limit, tuple(windows))


def _lags(runs: Sequence[Run], starts: Sequence[int]) -> tuple[float, ...] | None:
    by_day: list[list[int]] = [[] for _ in range(7)]
    for run, start in zip(runs, starts, strict=True):
        if run.lag is not None and not run.failed:
            by_day[_weekday(start)].append(max(0, run.lag))
    everything = sorted(lag for day in by_day for lag in day)
    if len(everything) < FEWEST:
        return None
    overall = _lag_limit(everything)
    days = [_lag_limit(sorted(day)) if len(day) >= FEWEST else overall for day in by_day]
    return tuple(max(limit, days[i - 1] if len(by_day[i]) < 20 else 0) for i, limit in enumerate(days))


def _lag_limit(ordered: Sequence[int]) -> float:
    longest = _longest(ordered, max(HOUR, 2 * ordered[len(ordered) // 2]))
    few = 1 + 2 / len(ordered)
    return few * max(1.3 * longest, longest + 15 * MINUTE + (HOUR if longest > 5 * HOUR else 0))


def _failed_rows(runs: Sequence[Run]) -> float | None:
    shares = sorted(share for run in runs if (share := failed_share(run)) is not None)
    if len(shares) < 2 * FEWEST:
        return None
    return min(1.0, max(0.01, 1.5 * _longest(shares, max(0.02, 2 * shares[int(0.95 * (len(shares) - 1))]))))


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
    return run.status is SyncStatus.PARTIAL and share is not None and share <= (failed_rows_ratio or 0.01)


def _success_age(runs: Sequence[Run], ratio: float | None) -> float | None:
    finishes = sorted(run.finish for run in runs if is_good(run, ratio))
    gaps = sorted(b - a for a, b in pairwise(finishes))
    if len(gaps) < FEWEST:
        return None
    longest = gaps[-1] if len(gaps) < 2 * FEWEST else min(gaps[-1], 2 * gaps[-2])
    return 1.5 * longest + 10 * MINUTE


def _healed(runs: Sequence[Run]) -> int:
    longest = streak = 0
    for run in runs:
        if run.failed:
            streak += 1
        else:
            longest, streak = max(longest, streak), 0
    return longest


def _frozen(runs: Sequence[Run]) -> int | None:
    moved = stood = longest = streak = 0
    before = None
    for run in runs:
        if run.failed or run.lag is None or not run.rows_synced:
            continue
        watermark = run.finish - run.lag
        if before is not None:
            if watermark == before:
                stood, streak = stood + 1, streak + 1
                longest = max(longest, streak)
            else:
                moved, streak = moved + 1, 0
        before = watermark
    return longest if moved >= FEWEST and moved > 0.95 * (moved + stood) else None


# --- judging the latest syncs -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the latest syncs: *problem* of the closed list."""

    problem: str
    began_at: datetime
    value: float
    limit: float
    usual: float
    critical: bool = False


def judge_recent(runs: Sequence[Run], normal: Normal, sensitivity: str = "medium") -> tuple[Verdict, ...]:
    """Return what is wrong with the latest of *runs* (finished syncs, oldest first; more than LOOK_BACK is not read)."""
    if not runs:
        return ()
    first = runs[-1].start - LOOK_BACK
    index = len(runs)
    while index and runs[index - 1].start >= first:
        index -= 1
    recent = runs[index:]
    verdicts = (
        judge_slow(recent, normal, sensitivity),
        *(judge_rows(recent, normal, low=low) for low in (True, False)),
        judge_resynced(recent, normal),
    )
    return tuple(verdict for verdict in verdicts if verdict)


def judge_slow(runs: Sequence[Run], normal: Normal, sensitivity: str = "medium") -> Verdict | None:
    learned = normal.durations
    if learned is None:
        return None
    usual = log(max(1.0, learned.usual_seconds))
    latest = [(run, log(max(1, run.took)) - usual) for run in runs[-200:] if run.took is not None and not run.failed]
    bounds = [bound * WIDEN[sensitivity] for bound in learned.windows]
    holds: int | None = None
    offs = [off for _, off in latest]
    calm = max(0.3, 0.6 * min(bounds))
    for end in range(1, len(offs) + 1):
        slow = any(
            end >= size and _lower_middle(offs[end - size : end]) > bound
            for (size, _, _), bound in zip(SLOW, bounds, strict=True)
        )
        if slow and holds is None:
            holds = end - 1
            while holds and offs[holds - 1] > calm:
                holds -= 1
        elif holds is not None and max(offs[max(0, end - 2) : end]) < calm:
            holds = None
    if holds is None:
        return None
    window = [run.took or 0 for run, _ in latest[-4:]]
    return Verdict(
        "slow", _at(latest[holds][0].start), float(sorted(window)[len(window) // 2]),
        learned.usual_seconds * exp(min(bounds)), learned.usual_seconds,
    )


def judge_rows(runs: Sequence[Run], normal: Normal, *, low: bool) -> Verdict | None:
    if normal.rows is None:
        return None
    points = rows_points(runs, [_local(run.start, normal.zone) for run in runs])
    excursion = latest_excursion(normal.rows, points, low=low)
    if excursion is None or not excursion.is_problem(normal.rows):
        return None
    band = normal.rows.band(points[-1].at) or (0.0, 0.0, 0.0)
    lasting = excursion.seconds >= 36 * HOUR and excursion.syncs >= 3
    return Verdict(
        "rows_low" if low else "rows_high", _utc(excursion.began_at, normal.zone), float(points[-1].rows),
        band[0 if low else 2], band[1], critical=low and lasting and excursion.ratio < 0.03,
    )


def judge_resynced(runs: Sequence[Run], normal: Normal) -> Verdict | None:
    if normal.frozen is None:
        return None
    streak: list[Run] = []
    before = None
    for run in runs:
        if run.failed or run.lag is None:
            continue
        watermark = run.finish - run.lag
        if not run.rows_synced:
            streak = [] if watermark != before else streak
        elif watermark == before:
            streak.append(run)
        else:
            streak = []
        before = watermark
    limit = max(2, normal.frozen + 1)
    if len(streak) < limit:
        return None
    return Verdict("resynced", _at(streak[0].start), float(len(streak)), float(limit - 1), 0.0)


# --- when to learn again ----------------------------------------------------------------------------------------


def refit_at(integration_id: str, now: datetime) -> datetime:
    """Return the latest moment up to *now* at which limits are due: every six hours, shifted by the id."""
    period = int(REFIT.total_seconds())
    shift = crc32(integration_id.encode()) % period
    return _at((_seconds(now) - shift) // period * period + shift)


def is_refit_due(integration_id: str, learned_at: datetime | None, known_syncs: int, *, new: bool, now: datetime) -> bool:
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


# --- helpers ----------------------------------------------------------------------------------------------------


def _longest(ordered: Sequence[float], far: float) -> float:
    """Return the largest normal value: up to three in a hundred, one at least, are abnormal if the rest is *far* below."""
    n = len(ordered)
    for beyond in range(min(max(1, 3 * n // 100), n - 1), 0, -1):
        if ordered[-beyond] - ordered[-beyond - 1] > far:
            return ordered[-beyond - 1]
    return ordered[-1]


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _lower_middle(values: Sequence[float]) -> float:
    """Return the median, of an even number the lower one: more than half are at least that."""
    return sorted(values)[(len(values) - 1) // 2]


def _weekday(at: int) -> int:
    return (at // DAY + 3) % 7


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _seconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(seconds=1)


def _at(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _local(seconds: int, zone: tzinfo | None) -> int:
    if zone is None:
        return seconds
    offset = _at(seconds).astimezone(zone).utcoffset()
    return seconds + int((offset or timedelta()).total_seconds())


def _utc(local: float, zone: tzinfo | None) -> datetime:
    if zone is None:
        return _at(local)
    return _at(local).replace(tzinfo=zone).astimezone(UTC)


__all__ = ["Normal", "Verdict", "expm1", "judge_recent", "learn", "learn_from"]
