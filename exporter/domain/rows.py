"""
How many rows syncs usually bring at a time of the week.

Theory. On logarithms, rows are level + time of the week + noise. Times of the week are hours or weekdays, as syncs are
frequent or rare; what few syncs say about one is drawn towards what the hour and the weekday say alone. The level
follows slow changes day by day; a day that is far off does not move it, but where days have been off to one side for
two weeks, that is the new level. Where no time zone is known the hours beside are as good, for clocks change. Rows
pile up while nothing syncs; what a gap longer than nearly all others adds is taken into account.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import expm1, inf, log, log1p

from exporter.domain.rhythm import DAILY, DAY, HOUR, usual_time_of_day
from exporter.domain.robust import SPREAD, follow, median, medians, upper_median, usual_step

FEWEST = 5
_SUB_DAILY, _SELDOM = 20 * HOUR, 5 * DAY
_NARROWEST = 0.08
_FAR = 1.0
"""Logarithm from which on a day is odd; more where days differ more."""
_MOST_ODD = 0.4
_ODD = 2
"""Times that syncs went without rows which tell nothing about what is usual."""
_TELLING = 20
"""Of this many syncs at least one would have been without rows, if that were usual."""
_HOURS = 168
"""Hours of a week."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is usual. Logarithms are of 1 + rows."""

    syncs: int
    gap_seconds: float
    """The median from start to start,"""
    long_gap_seconds: float
    """and what 98 in a hundred do not exceed."""
    unit: int
    origin: int
    level: float
    cells: tuple[float | None, ...]
    """What a time of the week adds to the level; None where no sync was ever seen."""
    noise: float
    """Spread of a sync about what is usual for its time."""
    drift: float
    """Spread of a day (of a sync, where they are rare) about the level before."""
    zeros: float
    """Share of syncs without rows."""
    zoned: bool
    level_since: int | None = None
    """Since when the level holds, if it changed for good; local seconds."""
    level_before: float | None = None
    patience: tuple[int, ...] = ()
    """For each of `excursions.RULES` how many seconds it takes at least, as such ones came and went before."""
    least: tuple[float, ...] = field(default=(), repr=False)
    """By hour of the day, or once: what the quietest weekday adds."""

    @property
    def kind(self) -> int:
        """0 where syncs follow one another within 5 hours, 1 within 20 hours, 2 within 5 days, else 3."""
        return sum(self.gap_seconds >= bound for bound in (DAILY, _SUB_DAILY, _SELDOM))

    def cell(self, at: int) -> int:
        """Return the time of the week: what is usual is the same wherever this is the same."""
        return (at - self.origin) // self.unit % len(self.cells)

    def around(self, at: int) -> tuple[float, float, float] | None:
        """Return lowest, usual and highest logarithm for a time; None where that time of the week is not known."""
        cells, index = self.cells, self.cell(at)
        middle = cells[index]
        if self.unit != HOUR or self.zoned:
            return None if middle is None else (self.level + middle,) * 3
        beside = [cell for cell in (cells[index - 1], middle, cells[(index + 1) % len(cells)]) if cell is not None]
        if not beside:
            return None
        usual = middle if middle is not None else sum(beside) / len(beside)
        return self.level + min(beside), self.level + usual, self.level + max(beside)

    def band(self, at: int, widen: float = 1.0) -> tuple[float, float, float] | None:
        """Return the fewest, the usual and the most rows for a sync that starts at *at*."""
        around = self.around(at)
        if around is None:
            return None
        low, usual, high = around
        width = max(log(2.0), 3 * self.noise) * widen
        return max(0.0, expm1(low - width)), max(0.0, expm1(usual)), max(0.0, expm1(high + width))

    def bounds(self, at: int, gap: int | None) -> tuple[float, float, float] | None:
        """Return what is at least, as a rule and at most usual, *gap* seconds after the last sync that did not fail."""
        around = self.around(at)
        if around is None:
            return None
        low, usual, high = around
        share = self.uneven(gap)
        return low + min(0.0, share), usual + share, high + max(0.0, share)

    def uneven(self, gap: int | None) -> float:
        """Return what a gap longer than nearly all, or much shorter than usual, adds to the rows of a sync."""
        if gap is None or 0.67 * self.gap_seconds < gap < 1.2 * self.long_gap_seconds:
            return 0.0
        return log(max(gap, 1) / min(max(gap, self.gap_seconds), self.long_gap_seconds))

    @property
    def margin(self) -> float:
        """How far beyond what is usual a sync is clearly off."""
        return max(0.35, 1.2 * self.noise)

    @property
    def calm(self) -> int:
        """How many usual syncs in a row end an excursion."""
        return (3, 2, 1, 1)[self.kind]


def learn_rows(ats: Sequence[int], counts: Sequence[int], *, zoned: bool) -> tuple[Rows, list[float]] | None:
    """
    Return what is usual, and the level at each sync; None while fewer than FEWEST syncs are known.

    Args:
        ats: Starts of past syncs that did not fail, in local seconds, ascending.
        counts: Their rows, synced and failed together.
        zoned: Whether local means a known time zone.

    """
    if len(ats) < FEWEST:
        return None
    gaps = sorted(b - a for a, b in pairwise(ats))
    usual_gap = max(1, upper_median(gaps))
    hourly, seldom = usual_gap < _SUB_DAILY, usual_gap >= _SELDOM
    unit, size = (HOUR, _HOURS) if hourly else (DAY, 1 if seldom else 7)
    origin = 0 if hourly or seldom else usual_time_of_day(ats) - DAY // 2
    values = [log1p(count) for count in counts]
    slots = [(at - origin) // unit for at in ats]
    buckets = [slot // 24 for slot in slots] if hourly else list(range(len(ats)))
    odd = set() if seldom else _odd_days(values, slots, buckets, 24 if hourly else 1)
    normal = [i for i, bucket in enumerate(buckets) if bucket not in odd]
    cells, least = _cells([values[i] for i in normal], [slots[i] for i in normal], [buckets[i] for i in normal], size)
    added = [0.0 if cell is None else cell for cell in cells]
    rest = [values[i] - added[slot % size] for i, slot in enumerate(slots)]
    days = medians(rest, buckets)
    drift = max(_NARROWEST, usual_step([days[key] for key in days if key not in odd])) * (1 + 4 / len(days))
    noise = drift
    if hourly:
        within = SPREAD * median([abs(rest[i] - days[bucket]) for i, bucket in enumerate(buckets)])
        noise = max(_NARROWEST, within) * (1 + 4 / len(ats))
    ends = {bucket: ats[i] for i, bucket in enumerate(buckets)}
    levels, changed = follow(days, ends, max(0.5, 3 * drift), 0.2)
    times = sum(count == 0 for count, _ in groupby(counts))
    zeros = counts.count(0) / len(ats) if times > _ODD else 1 / len(ats) if len(ats) < _TELLING else 0.0
    since, before = changed or (None, None)
    rows = Rows(
        len(ats),
        usual_gap,
        max(usual_gap, gaps[int(0.98 * (len(gaps) - 1))]),
        unit,
        origin,
        levels[max(levels)],
        cells,
        noise,
        drift,
        zeros,
        zoned,
        since,
        before,
        least=least,
    )
    return rows, [levels[bucket] for bucket in buckets]


def _odd_days(values: Sequence[float], slots: Sequence[int], buckets: Sequence[int], hours: int) -> set[int]:
    """
    Return the days that are far from the ones of the same weekday before them.

    Of few weeks an incident may hold most Sundays; only in the order of time can be seen which were normal. Where days
    stay off for good, the level has changed; where most would be odd, nothing is known of what is normal.
    """
    _, daily, weekday_of = _by_hour_and_day(values, slots, buckets, hours)
    accepted: dict[int, list[float]] = {}
    for bucket, value in daily.items():
        accepted.setdefault(weekday_of[bucket], []).append(value)
    steps = [abs(b - a) for each in accepted.values() for a, b in pairwise(each)]
    far = max(_FAR, 3 * SPREAD * median(steps)) if steps else inf
    accepted.clear()
    odd: set[int] = set()
    streak: list[int] = []
    for bucket, value in daily.items():
        same = accepted.setdefault(weekday_of[bucket], [])
        if not same or abs(value - median(same[-3:])) <= far:
            same.append(value)
            streak = []
            continue
        streak.append(bucket)
        odd.add(bucket)
        if len(streak) >= 2 * 7:
            odd.difference_update(streak)
            for each in streak:
                accepted[weekday_of[each]] = [daily[each]]
            streak = []
    return odd if len(odd) <= _MOST_ODD * len(daily) else set()


def _by_hour_and_day(
    values: Sequence[float], slots: Sequence[int], buckets: Sequence[int], hours: int
) -> tuple[dict[int, float], dict[int, float], dict[int, int]]:
    """Return the median of each hour, what is left of each day without that, and the day's weekday."""
    hour_of = medians(values, [slot % hours for slot in slots])
    daily = medians([values[i] - hour_of[slot % hours] for i, slot in enumerate(slots)], buckets)
    return hour_of, daily, {bucket: slots[i] // hours % 7 for i, bucket in enumerate(buckets)}


def _cells(
    values: Sequence[float], slots: Sequence[int], buckets: Sequence[int], count: int
) -> tuple[tuple[float | None, ...], tuple[float, ...]]:
    """Return what each time of the week adds, and the least that any weekday adds, by hour."""
    if count == 1:
        return (0.0,), ()
    hours = 24 if count == _HOURS else 1
    hour_of, daily, weekday_of = _by_hour_and_day(values, slots, buckets, hours)
    trend = _smooth(daily)
    by_weekday: dict[int, list[float]] = {}
    for bucket, value in daily.items():
        by_weekday.setdefault(weekday_of[bucket], []).append(value - trend[bucket])
    weekday = {day: median(each) * len(each) / (len(each) + 0.5) for day, each in by_weekday.items()}
    cells: list[float | None] = [None] * count
    if hours == 1:
        for day, value in weekday.items():
            cells[day] = value
        return tuple(cells), (min(weekday.values()),)
    grouped: dict[int, list[float]] = {}
    for i, slot in enumerate(slots):
        grouped.setdefault(slot % _HOURS, []).append(values[i] - trend[buckets[i]])
    for slot, each in grouped.items():
        target = hour_of[slot % 24] + weekday[slot // 24]
        cells[slot] = (len(each) * median(each) + 2 * target) / (len(each) + 2)
    for slot in range(_HOURS):
        if cells[slot] is None and slot // 24 in weekday and slot % 24 in hour_of:
            cells[slot] = hour_of[slot % 24] + weekday[slot // 24]
    least = []
    for hour in range(24):
        known = [cell for cell in cells[hour::24] if cell is not None]
        least.append(min(known) if known else 0.0)
    return tuple(cells), tuple(least)


def _smooth(daily: dict[int, float]) -> dict[int, float]:
    """Return the median of the 15 days about each: an incident of a week does not move it."""
    keys, values = list(daily), list(daily.values())
    last = len(keys) - 15
    return {key: median(values[max(0, min(i - 7, last)) : max(15, i + 8)]) for i, key in enumerate(keys)}
