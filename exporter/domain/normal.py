"""
What is normal for one integration, learned from its own past, and whether its latest syncs still are.

`learn` is a pure function of the past and a moment: equal pasts learn the same. Abnormal syncs are left out by what
the others say, never by configuration; `domain/rhythm.py` and `domain/rows.py` say how for starts and rows. Here are
durations, lag, failed rows, gaps between successes and failing streaks:

- Duration, on logarithms: the limit is the larger of 1.3 times the longest normal one and 4.5 spreads above the
  median; a sync may take three times the median (of a long one half an hour more), for that is told as `slow`.
- Lag at the finish: by weekday, 1.5 times the longest normal one and a margin.
- A value is abnormal if it is far beyond all but a few others: `longest_normal` says which.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import exp, inf, log, log1p
from zlib import crc32

from exporter.domain.model import SyncStatus
from exporter.domain.past import HISTORY, MOST, Past, Run
from exporter.domain.rhythm import DAY, HOUR, MINUTE, Rhythm, learn_rhythm, usual_time_of_day
from exporter.domain.robust import (
    LASTING_VALUES, SPREAD, follow, longest_normal, lower_median, median, medians, usual_step,
)
from exporter.domain.rows import Rows, latest_excursion, learn_rows

FEWEST = 5
"""Values from which on a limit is learned."""
FEWEST_SHARES = 3
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
    """For each of SLOW, the logarithm above the median, for its rows, that the window's median must exceed."""
    slope: float = 0.0
    """By how much the logarithm of a duration grows with that of the rows."""
    usual_rows: float = 0.0
    """The logarithm of 1 + rows that the usual duration belongs to."""
    changed_at: int | None = None
    """Since when the usual duration is another one than before; local seconds."""


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

    def duration_limit_seconds(
        self, latest: Run | None = None, start: int | None = None, slow_seconds: float | None = None,
        sensitivity: str = "medium",
    ) -> float | None:
        """
        Return how long a sync may run. After many rows, a gap, or while syncs are slow, which is a problem told already, more.

        Args:
            latest: The latest finished sync that did not fail.
            start: Of the sync in question, in seconds since 1970.
            slow_seconds: How long syncs take while they are slow: the value of that verdict.
            sensitivity: `low`, `medium` or `high`.

        """
        if self.durations is None:
            return None
        usual, limit = self.durations.usual_seconds, self.durations.limit_seconds
        widened = usual * (limit / usual) ** WIDEN[sensitivity]
        if latest is not None:
            more = self.durations.slope * (_log_rows(latest) - self.durations.usual_rows)
            widened *= exp(max(0.0, min(2.5, more - 0.5)))
            if start is not None and self.rhythm.gap_seconds and self.rhythm.kind != "irregular":
                widened *= min(10.0, max(1.0, (start - latest.start) / (4 * self.rhythm.gap_seconds)))
        return max(widened, 1.5 * (slow_seconds or 0.0))

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
    runs = [run for run in runs[-MOST:] if run.start >= first and run.start + (run.took or 0) <= now]
    if not runs:
        return Normal(zone=zone)
    good = [run for run in runs if not run.failed]
    rhythm = learn_rhythm([_local(run.start, zone) for run in runs], zoned=zone is not None)
    starts = [_local(run.start, zone) for run in good]
    ratio = _failed_rows(good)
    return Normal(
        len(runs),
        rhythm,
        _durations(good),
        _rows(good, starts, zoned=zone is not None),
        ratio,
        _lags(good, starts),
        _success_age(good, ratio),
        _healed(runs),
        _frozen(good),
        zone,
    )


def _rows(runs: Sequence[Run], starts: Sequence[int], *, zoned: bool) -> Rows | None:
    known = [(at, max(0, run.rows_synced + (run.rows_failed or 0)))
             for run, at in zip(runs, starts, strict=True) if run.rows_synced is not None]
    if len(known) < FEWEST:
        return None
    gaps = sorted(b - a for a, b in pairwise(starts))
    ats, counts = [at for at, _ in known], [count for _, count in known]
    usual = max(1, gaps[len(gaps) // 2])
    return learn_rows(ats, counts, usual, usual_time_of_day(starts) - DAY // 2, zoned=zoned)


SLOW = ((2, log(2.0), 4.0), (4, log(1.7), 2.5), (8, log(1.5), 1.7), (16, log(1.5), 1.3))
"""Windows of syncs, the least factor over the median that is slow, and spreads."""


def _durations(good: Sequence[Run]) -> Durations | None:
    known = [run for run in good if run.took is not None and run.took >= 0]
    if len(known) < FEWEST:
        return None
    logs = [log(max(1, run.took or 0)) for run in known]
    rows = [_log_rows(run) for run in known]
    slope, usual_rows = _slope(logs, rows)
    rest = [each - slope * (row - usual_rows) for each, row in zip(logs, rows, strict=True)] if slope else logs
    days, ends = _days(known)
    by_day = medians(rest, days)
    few = 1 + 3 / len(logs)
    step = max(0.05, usual_step(list(by_day.values())))
    levels, changed = follow(by_day, ends, max(log(1.6), 3 * step * few), 0.05)
    middle = levels[max(levels)]
    off = [each - levels[day] for each, day in zip(rest, days, strict=True)]
    spread = max(0.05, SPREAD * median([abs(each) for each in off])) * few
    whole = max(0.05, SPREAD * median([abs(each - median(logs)) for each in logs])) * few if slope else spread
    longest = longest_normal(*_largest([each - levels[day] for each, day in zip(logs, days, strict=True)], days, ends),
                             max(log(2), 3 * whole))
    usual = exp(middle)
    limit = max(
        1.3 * usual * exp(longest), usual * exp(4.5 * whole), min(3.3 * usual, usual + 30 * MINUTE), usual + 2 * MINUTE
    )
    windows = []
    for size, factor, spreads in SLOW:
        ordered = [lower_median(off[max(0, i + 1 - size) : i + 1]) for i in range(len(off))]
        natural = longest_normal(*_largest(ordered, days, ends), max(log(1.5), 2 * spread))
        windows.append(max(factor * few, spreads * spread, natural + 0.15))
    return Durations(usual, spread, limit, tuple(windows), slope, usual_rows, changed[0] if changed else None)


def _log_rows(run: Run) -> float:
    return log1p(max(0, (run.rows_synced or 0) + (run.rows_failed or 0)))


def _slope(logs: Sequence[float], rows: Sequence[float]) -> tuple[float, float]:
    """Return by how much the logarithm of a duration grows with that of the rows (0 to 1), and the usual rows."""
    usual = median(rows)
    middle = median(logs)
    off = [min(2.0, max(-2.0, row - usual)) for row in rows]
    spread = sum(each * each for each in off)
    if spread < 0.02 * len(off):
        return 0.0, usual
    slope = sum(each * min(1.5, max(-1.5, value - middle)) for each, value in zip(off, logs, strict=True)) / spread
    return (min(1.0, slope) if slope > 0.1 else 0.0), usual


def _days(runs: Sequence[Run]) -> tuple[list[int], dict[int, int]]:
    """Return a key for each sync, its day or, where they are rare, itself; and when each key's last sync started."""
    starts = [run.start for run in runs]
    rare = len(starts) < 2 * (1 + (starts[-1] - starts[0]) // DAY)
    keys = list(range(len(starts))) if rare else [start // DAY for start in starts]
    return keys, dict(zip(keys, starts, strict=True))


def _largest(values: Sequence[float], keys: Sequence[int], ends: dict[int, int]) -> tuple[list[float], list[int]]:
    largest = dict.fromkeys(keys, -inf)
    for value, key in zip(values, keys, strict=True):
        if value > largest[key]:
            largest[key] = value
    return list(largest.values()), [ends[key] for key in largest]


def _lags(good: Sequence[Run], starts: Sequence[int]) -> tuple[float, ...] | None:
    known = [(run, start) for run, start in zip(good, starts, strict=True) if run.lag is not None]
    if len(known) < FEWEST:
        return None
    runs = [run for run, _ in known]
    logs = [log(max(0, run.lag or 0) + 10 * MINUTE) for run in runs]
    weekdays = [_weekday(start) for _, start in known]
    keys, ends = _days(runs)
    overall = _lag_limit(*_largest(logs, keys, ends))
    limits = []
    for weekday in range(7):
        chosen = [i for i, day in enumerate(weekdays) if day == weekday]
        own = [keys[i] for i in chosen]
        if len(set(own)) < LASTING_VALUES:
            limits.append(overall)
            continue
        limit = _lag_limit(*_largest([logs[i] for i in chosen], own, ends))
        limits.append(limit if limit < overall / 2 else overall)
    return tuple(limits)


def _lag_limit(days: Sequence[float], ends: Sequence[int]) -> float:
    longest = exp(longest_normal(days, ends, log(2.0))) - 10 * MINUTE
    few = 1 + 2 / len(days)
    return few * (1.5 * longest + 15 * MINUTE)


def _failed_rows(good: Sequence[Run]) -> float | None:
    known = [(run, share) for run in good if (share := failed_share(run)) is not None]
    if len(known) < FEWEST_SHARES:
        return None
    keys, ends = _days([run for run, _ in known])
    longest = exp(longest_normal(*_largest([log(share + 0.005) for _, share in known], keys, ends), log(2.5))) - 0.005
    return min(1.0, max(0.01, 2 * (1 + 2 / len(known)) * longest))


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


def _success_age(good: Sequence[Run], ratio: float | None) -> float | None:
    finishes = sorted(run.finish for run in good if is_good(run, ratio))
    gaps = [b - a for a, b in pairwise(finishes)]
    if len(gaps) < FEWEST:
        return None
    return 1.5 * exp(longest_normal([log(max(1, gap)) for gap in gaps], finishes[1:], log(2.0))) + 10 * MINUTE


def _healed(runs: Sequence[Run]) -> int:
    longest = streak = 0
    for run in runs:
        if run.failed:
            streak += 1
        elif streak:
            longest, streak = max(longest, streak), 0
    return longest


def _frozen(good: Sequence[Run]) -> int | None:
    marks = [run.finish - run.lag for run in good if run.lag is not None and run.rows_synced]
    streaks, streak = [0], 0
    for before, mark in pairwise(marks):
        if mark == before:
            streak += 1
        elif streak:
            streaks.append(streak)
            streak = 0
    stood, most = sum(streaks), len(marks)
    once = max(streaks) if len(streaks) > 1 else 0
    stood -= once
    if most < FEWEST or stood > 0.05 * most:
        return None
    return sorted(streaks)[-2] if len(streaks) > 1 else 0


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
    bounds = [bound * WIDEN[sensitivity] for bound in learned.windows]
    calm = max(0.3, 0.6 * min(bounds))
    known = [run for run in runs[-300:] if run.took is not None and run.took >= 0 and not run.failed]
    took = [(run.start, run.took or 0) for run in known]
    offs = [
        log(max(1, run.took or 0)) - usual - learned.slope * (_log_rows(run) - learned.usual_rows) for run in known
    ]
    if not offs or max(offs[-2:]) < calm:
        return None
    since: int | None = None
    for end in range(1, len(offs) + 1):
        if max(offs[max(0, end - 2) : end]) < calm:
            since = None
        elif since is None and any(
            end >= size and lower_median(offs[end - size : end]) > bound
            for (size, _, _), bound in zip(SLOW, bounds, strict=True)
        ):
            since = end - 1
            while since and offs[since - 1] > calm:
                since -= 1
    if since is None:
        return None
    value = median([each for _, each in took[-4:]])
    limit = learned.usual_seconds * exp(min(bounds))
    return Verdict("slow", _at(took[since][0]), value, limit, learned.usual_seconds)


def judge_rows(runs: Sequence[Run], normal: Normal, *, low: bool) -> Verdict | None:
    if normal.rows is None:
        return None
    excursion = latest_excursion(normal.rows, _latest_first(runs, normal.zone), low=low)
    if excursion is None or not excursion.is_problem(normal.rows):
        return None
    at, value, _ = next(_latest_first(runs, normal.zone))
    band = normal.rows.band(at) or (0.0, 0.0, 0.0)
    lasting = excursion.seconds >= 36 * HOUR and excursion.syncs >= 3
    began_at = _utc(excursion.began_at, normal.zone)
    critical = low and lasting and excursion.ratio < 0.03
    return Verdict("rows_low" if low else "rows_high", began_at, float(value), band[0 if low else 2], band[1], critical)


def _latest_first(runs: Sequence[Run], zone: tzinfo | None) -> Iterator[tuple[int, int, int | None]]:
    """Yield start in local seconds, rows and the seconds since the one before, of syncs that did not fail."""
    later: tuple[int, int] | None = None
    for run in reversed(runs):
        if run.failed or run.rows_synced is None:
            continue
        start = _local(run.start, zone)
        if later:
            yield *later, later[0] - start
        later = start, max(0, run.rows_synced + (run.rows_failed or 0))
    if later:
        yield *later, None


def judge_resynced(runs: Sequence[Run], normal: Normal) -> Verdict | None:
    if normal.frozen is None:
        return None
    mark, streak, since = None, -1, 0
    for run in reversed(runs):
        if run.failed or run.lag is None:
            continue
        if mark is None:
            mark = run.finish - run.lag
        if run.finish - run.lag != mark:
            break
        if run.rows_synced:
            streak, since = streak + 1, run.start
    limit = max(2, normal.frozen + 1)
    return Verdict("resynced", _at(since), float(streak), float(limit - 1), 0.0) if streak >= limit else None


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

