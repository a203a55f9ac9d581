"""
How often syncs start, and until when the next one must have started, learned from past starts.

Theory. What counts is the time awake: hours or weekdays in which syncs never start are taken out of every gap, so a
weekend is no gap of a schedule on business days, nor a night one of a schedule on business hours. Where syncs follow
one another within five hours the unit is the hour of the week, else the day of the week, counted from half a day
before the usual time of day. What a past of less than a week does not span is guessed, not taken for asleep. The
deadline is the latest start plus the longest normal gap, both in time awake:

- Regular, when most gaps are alike: the third longest gap (of few: the longest) and a margin. A schedule of two hours
  or less may skip one slot: some do without anything being wrong.
- Irregular: 1.5 times the longest gap, more while few are known.
- A sync that runs longer than a gap passes over slots, and moves the deadline by them.
- A regular rhythm that has changed is the new one from the fourth gap on.

Times are local seconds: UTC where no time zone is known. Braze schedules in the dashboard's, so there an hour more is
granted where a change of clocks would matter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import groupby, pairwise
from math import ceil, exp, log

from exporter.domain.past import to_moment, to_seconds
from exporter.domain.robust import longest_normal, upper_median

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
DAILY = 5 * HOUR
"""Usual gap from which on syncs are told apart by their weekday, below it by their hour of the week."""
FEWEST_REGULAR, FEWEST_IRREGULAR = 4, 6
"""Gaps from which on a deadline is learned."""
_RARE = 8 * DAY
_LEAST_BUSINESS_DAYS = 3
_FEW, _SOME, _OUTLIER = 20, 60, 1.7
_SLOWER, _FASTER = 4, 20
"""Gaps alike that make another rhythm, where they are longer or shorter than usual."""
_ALIKE_SHARE = 0.7
_ROUND_THE_CLOCK = 8 * HOUR
"""Where syncs follow one another within this, they do so at night, too."""
_THURSDAY, _SATURDAY = 3, 5
"""1 January 1970, and the first day of a weekend, where Monday is 0."""
_SELDOM = 0.2
"""Where fewer of the weeks have a start, an hour or weekday is asleep."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When syncs start. Gaps are seconds awake."""

    kind: str = "never"
    """`regular`, `business days`, `irregular`, `never`."""
    gap_seconds: float | None = None
    """The median from start to start."""
    limit_seconds: float | None = None
    """How long, awake, the next start may take; None while too little is known."""
    lateness_seconds: float | None = None
    """How late, against an even rhythm, a sync usually may be; None unless regular."""
    unit: int = HOUR
    origin: int = 0
    """Where a week of units begins, in local seconds."""
    awake: tuple[bool, ...] = (True,)

    def deadline(
        self, start: int, took: int | None = None, widen: float = 1.0, delay_seconds: float | None = None
    ) -> float | None:
        """
        Return the local second until which the sync after the one at *start* must have started.

        Args:
            start: The latest start, in local seconds.
            took: Its duration in seconds, once it has finished.
            widen: More than 1 allows more beyond the usual gap.
            delay_seconds: What is allowed beyond the usual gap of a rhythm that is not irregular, where somebody has
                decided that.

        """
        if self.limit_seconds is None or self.gap_seconds is None:
            return None
        limit = self.gap_seconds + (self.limit_seconds - self.gap_seconds) * widen
        if delay_seconds is not None and self.kind != "irregular":
            limit = self.gap_seconds + delay_seconds
        if took and self.kind != "irregular":
            limit += took // self.gap_seconds * self.gap_seconds
        return max(self._advance(start, limit), start + (took or 0) + 10.0 * MINUTE)

    def awake_seconds(self, begin: int, end: int) -> int:
        """Return the seconds awake between two local ones: in nights and weekends off only the usual piles up."""
        clock = _awake_by(self.unit, self.origin, self.awake)
        return clock.until(end) - clock.until(begin)

    def _advance(self, start: int, seconds: float) -> float:
        clock = _awake_by(self.unit, self.origin, self.awake)
        return clock.at(clock.until(start) + seconds)


class Awake:
    """Turns local seconds into seconds awake and back."""

    def __init__(self, unit: int, origin: int, awake: Sequence[bool]) -> None:
        self._unit, self._origin, self._awake = unit, origin, awake
        self._before = [0]
        for flag in awake:
            self._before.append(self._before[-1] + unit * flag)

    def until(self, at: int) -> int:
        """Return the seconds awake from the origin until *at*."""
        index, within = divmod(at - self._origin, self._unit)
        weeks, slot = divmod(index, len(self._awake))
        return weeks * self._before[-1] + self._before[slot] + (within if self._awake[slot] else 0)

    def at(self, seconds: float) -> float:
        """Return the first moment at which *seconds* awake have passed."""
        weeks, rest = divmod(seconds, self._before[-1])
        slot = next(i for i, flag in enumerate(self._awake) if flag and self._before[i + 1] >= rest)
        return self._origin + (weeks * len(self._awake) + slot) * self._unit + rest - self._before[slot]


_awake_by = lru_cache(maxsize=512)(Awake)
"""A rhythm is asked at each look at its integration, and many have the same hours awake."""


def learn_rhythm(starts: Sequence[int], *, zoned: bool) -> Rhythm:
    """
    Return the rhythm of syncs.

    Args:
        starts: Of past syncs, in local seconds, ascending.
        zoned: Whether local means a known time zone; else an hour's change of clocks is tolerated.

    """
    gaps = [b - a for a, b in pairwise(starts)]
    if not gaps:
        return Rhythm()
    usual = upper_median(gaps)
    changed = _latest_rhythm(gaps, usual)
    if changed:
        return learn_rhythm(starts[changed:], zoned=zoned)
    unit, origin, awake = _awake(starts, usual, zoned=zoned)
    clock = Awake(unit, origin, awake)
    moments = [clock.until(start) for start in starts]
    spans = sorted(b - a for a, b in pairwise(moments))
    gap = upper_median(spans) or usual
    near = [abs(span - gap) for span in spans if abs(span - gap) <= max(0.25 * gap, 10 * MINUTE)]
    if len(near) < _ALIKE_SHARE * len(spans):
        limit = None
        if len(spans) >= FEWEST_IRREGULAR:
            logs = [log(max(MINUTE, b - a)) for a, b in pairwise(moments)]
            limit = 1.5 * exp(longest_normal(logs, starts[1:], log(2))) * (1 + 4 / len(spans)) + 10 * MINUTE
        return Rhythm("irregular", gap, limit, None, unit, origin, awake)
    limit = _regular_limit(spans, gap, usual, zoned=zoned) if len(spans) >= FEWEST_REGULAR else None
    late = sorted(near)[-min(3, 1 + len(near) // 20)]
    business = unit == DAY and _LEAST_BUSINESS_DAYS <= sum(awake) < len(awake)
    return Rhythm("business days" if business else "regular", gap, limit, float(late), unit, origin, awake)


def _regular_limit(spans: Sequence[int], gap: float, usual: int, *, zoned: bool) -> float:
    n = len(spans)
    rank = 1 if n < _FEW else 2 if n < _SOME else max(3, n // 100)
    if rank == 1 and n >= 2 * FEWEST_REGULAR and spans[-1] > _OUTLIER * spans[-2]:
        rank = 2
    longest = max(spans[-rank], 2 * gap if usual <= 2 * HOUR else gap)
    margin = min(max(0.25 * gap, 10 * MINUTE), 30 * MINUTE) + 0.5 * gap / n
    return longest + margin + (0 if zoned or usual <= 2 * HOUR else HOUR)


def _latest_rhythm(gaps: Sequence[int], usual: int) -> int:
    """Return the index of the start from which on another rhythm holds; 0 if it has not changed."""
    for tail in (_SLOWER, _FASTER):
        last = gaps[-tail:]
        changed = min(last) > 1.6 * usual if tail == _SLOWER else max(last) < 0.6 * usual
        if len(gaps) < 3 * tail or max(last) > 1.25 * min(last) or not changed:
            continue
        middle = upper_median(last)
        index = len(gaps)
        while 0.7 * middle <= gaps[index - 1] <= 1.4 * middle:
            index -= 1
        before = gaps[:index]
        alike = sum(abs(gap - usual) <= 0.25 * usual for gap in before)
        if alike >= _ALIKE_SHARE * len(before) or len(gaps) - index >= _FASTER:
            return index
    return 0


def _awake(starts: Sequence[int], usual: int, *, zoned: bool) -> tuple[int, int, tuple[bool, ...]]:
    """Return the unit, the origin of the week, and which units of the week are awake."""
    if usual >= _RARE:
        return DAY, 0, (True,)
    weeks = (starts[-1] - starts[0]) / WEEK
    if usual >= DAILY:
        origin = usual_time_of_day(starts) - DAY // 2
        days = [(start - origin) // DAY for start in starts]
        return DAY, origin, _all_but(_guess(_quiet(days, 7, weeks), days, 1, rests=usual > _ROUND_THE_CLOCK))
    hours, length = [start // HOUR for start in starts], max(3, ceil(2.5 * usual / HOUR))
    quiet = _quiet(hours, 168, weeks)
    if hours[-1] - hours[0] < 167:  # noqa: PLR2004 - a week has 168
        at_all = {hour % 24 for hour in hours}
        rests = any(_long_runs([hour not in at_all for hour in range(24)], length))
        return HOUR, 0, _all_but(_long_runs(_guess(quiet, hours, 24, rests=rests), length))
    asleep = _long_runs(quiet, length)
    if not zoned:
        asleep = [asleep[i - 1] or asleep[i] or asleep[(i + 1) % 168] for i in range(168)]
    return HOUR, 0, _all_but(asleep)


def _all_but(asleep: Sequence[bool]) -> tuple[bool, ...]:
    """Return which units are awake: all, once, where none would be."""
    return (True,) if all(asleep) else tuple(not flag for flag in asleep)


def _quiet(units: Sequence[int], a_week: int, weeks: float) -> list[bool]:
    """Return in which hours or days of the week syncs never start, or hardly ever."""
    counts = Counter(unit % a_week for unit in set(units))
    return [counts[unit] <= _SELDOM * weeks for unit in range(a_week)]


def _guess(quiet: list[bool], units: Sequence[int], a_day: int, *, rests: bool) -> list[bool]:
    """
    Return *quiet* with a guess for what a past of less than a week does not span.

    A business day is taken to be like the others, at the same hour, and so is a day of a weekend. Of weekends none of
    which was seen syncs are expected only where business days have no *rests*.
    """
    a_week, guessed = len(quiet), list(quiet)
    seen: dict[tuple[bool, int], list[bool]] = {}
    for unit in range(units[0], units[-1] + 1):
        seen.setdefault(_alike(unit, a_day), []).append(quiet[unit % a_week])
    for unit in range(units[-1] + 1, units[0] + a_week):
        guessed[unit % a_week] = all(seen.get(_alike(unit, a_day), (rests,)))
    return guessed


def _alike(unit: int, a_day: int) -> tuple[bool, int]:
    """Whether an hour or day since 1970 is of a weekend, and which of its day it is."""
    return (unit / a_day + _THURSDAY) % 7 >= _SATURDAY, unit % a_day


def _long_runs(flags: list[bool], length: int) -> list[bool]:
    """Return the flags, round the week, without those runs that are shorter than *length*."""
    if all(flags):
        return [False] * len(flags)
    first = flags.index(False)
    result: list[bool] = []
    for flag, run in groupby(flags[first:] + flags[:first]):
        count = len(list(run))
        result += [flag and count >= length] * count
    return result[-first:] + result[:-first]


def usual_time_of_day(starts: Sequence[int]) -> int:
    """Return the second of the day around which most starts lie: the middle of the fullest three hours."""
    counts = Counter(start % DAY // HOUR for start in starts)
    best = max(sorted(counts), key=lambda hour: counts[(hour - 1) % 24] + 2 * counts[hour] + counts[(hour + 1) % 24])
    return best * HOUR + HOUR // 2


def to_local(seconds: int, zone: tzinfo | None) -> int:
    """Return what the wall clock of a zone shows, as seconds since 1970; UTC without a zone."""
    if zone is None:
        return seconds
    try:
        return to_seconds(to_moment(seconds).astimezone(zone).replace(tzinfo=UTC))
    except OverflowError:  # at either end of the calendar
        return seconds


def to_utc(local: float, zone: tzinfo | None) -> datetime:
    """Return the moment at which the wall clock of a zone shows that; the calendar's last where it ends before."""
    try:
        return to_moment(local).replace(tzinfo=zone or UTC).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
