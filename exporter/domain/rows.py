"""
How many rows syncs usually bring at a time of the week, and whether the latest ones bring far fewer or far more.

Theory. On logarithms, rows are level + time of the week + noise. Times of the week are hours or weekdays, as syncs are
frequent or rare; what few syncs say about one is drawn towards what the hour and the weekday say alone. The level
follows slow changes day by day; a day that is far off does not move it, but where days have been off to one side for
LASTING, that is the new level.

A verdict is about an excursion: syncs in a row of which nearly all are clearly below (above) what is usual. It becomes
a problem by a rule: the deeper, the sooner. One low day is a holiday and one high day a campaign, so only rows near
zero or near a tenth are told within a day, and on the first day against the quietest weekday. An excursion is over
when a few syncs are usual again. The same scan runs over the past: what fired there and healed is natural to this
integration, if it did so again and again, and must be outlasted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import expm1, log, log1p, sqrt
from typing import NamedTuple

from exporter.domain.rhythm import DAILY, DAY, HOUR

LASTING = 14 * DAY
"""After so long, and at least LASTING_SYNCS, another level is the normal one."""
LASTING_SYNCS = 4
FEWEST = 5
_FIRST_DAY = 30 * HOUR
_SUB_DAILY, _SELDOM = 20 * HOUR, 5 * DAY
_SPREAD = 1.4826
"""Makes the median of distances a standard deviation, for normal noise."""
_NARROWEST = 0.08


class Point(NamedTuple):
    """One sync that brought rows, or none."""

    at: int
    """Its start, in local seconds."""
    rows: int
    """Synced and failed together."""
    gap: int | None
    """Seconds since the start of the one before that did not fail."""


class Rule(NamedTuple):
    """From when on an excursion is a problem. *syncs* are by class: within 5 h, within 20 h, within 5 days, rarer."""

    low: bool
    ratio: float
    hours: float
    """For the first two classes."""
    syncs: tuple[int, int, int, int]
    rows: int
    """Rows that would have been usual meanwhile, at least."""


NEAR_ZERO = Rule(True, 0.03, 0.7, (3, 2, 1, 1), 30)
RULES = (
    NEAR_ZERO,
    Rule(True, 0.17, 6, (6, 3, 2, 1), 20),
    Rule(True, 0.45, 60, (8, 8, 4, 2), 20),
    Rule(True, 0.63, 96, (12, 12, 6, 3), 50),
    Rule(False, 5.0, 54, (6, 6, 3, 2), 5),
    Rule(False, 2.5, 120, (12, 12, 6, 3), 20),
)


@dataclass(frozen=True, slots=True)
class Excursion:
    """Syncs in a row that brought clearly fewer, or more, rows than usual."""

    low: bool
    began_at: int
    """Start of the first such sync, in local seconds."""
    ratio: float
    """Rows synced, as a share of what is usual."""
    seconds: int
    syncs: int
    usual_rows: float
    """Of all these syncs together."""
    fired: tuple[int | None, ...]
    """For each of RULES how long the excursion had lasted when the rule held first."""

    def is_problem(self, rows: "Rows") -> bool:
        return any(
            fired is not None and self.seconds >= patience
            for fired, patience in zip(self.fired, rows.patience, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """What is usual. Logarithms are of 1 + rows."""

    syncs: int
    gap_seconds: float
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
    patience: tuple[int, ...] = (0,) * len(RULES)
    """For each of RULES the seconds that an excursion must have lasted, beyond what the rule says."""
    level_since: int | None = None
    """Since when the level holds, if it changed for good; local seconds."""
    level_before: float | None = None
    least: tuple[float, ...] = field(default=(), repr=False)
    """By hour of the day, or once: what the quietest weekday adds."""

    @property
    def kind(self) -> int:
        """Which column of a rule's *syncs* counts."""
        return sum(self.gap_seconds >= bound for bound in (DAILY, _SUB_DAILY, _SELDOM))

    def around(self, at: int) -> tuple[float, float, float] | None:
        """Return lowest, usual and highest logarithm for a time; None where that time of the week is not known."""
        cells = self.cells
        index = (at - self.origin) // self.unit % len(cells)
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

    def excursions(self, points: Sequence[Point], levels: Sequence[float] | None = None) -> Iterator[Excursion]:
        """Yield all excursions, those of one side by end; the last of each side may still go on. *levels* by point."""
        for low in (True, False):
            yield from _scan(self, points, levels, low=low)


def latest_excursion(rows: Rows, points: Sequence[Point], *, low: bool) -> Excursion | None:
    """Return the excursion that the latest of *points* belongs to, or has not ended yet."""
    calm, index = 0, len(points)
    ends = _ends_after(rows)
    while index and calm < ends:
        index -= 1
        off = _off(rows, points[index], 0.0, low=low)
        calm = calm if off is None else 0 if off > _margin(rows) else calm + 1
        if calm == ends and index >= len(points) - ends:
            return None
    last = None
    for last in _scan(rows, points[index:], None, low=low, to_end=True):
        pass
    return last


def _ends_after(rows: Rows) -> int:
    return 3 if rows.kind == 0 else 1 + (rows.kind == 1)


def _margin(rows: Rows) -> float:
    return max(0.35, 1.2 * rows.noise)


def _bounds(rows: Rows, point: Point) -> tuple[float, float] | None:
    """Return what is at least and at most usual, after a shorter or longer gap than usual."""
    around = rows.around(point.at)
    if around is None:
        return None
    low, _, high = around
    if point.gap is not None:
        share = log(max(point.gap, 1) / rows.gap_seconds)
        if share > 0.4:
            high += share
        elif share < -0.4:
            low += share
    return low, high


def _off(rows: Rows, point: Point, shift: float, *, low: bool) -> float | None:
    bounds = _bounds(rows, point)
    if bounds is None:
        return None
    y = log1p(point.rows)
    return bounds[0] + shift - y if low else y - bounds[1] - shift


def _scan(
    rows: Rows, points: Sequence[Point], levels: Sequence[float] | None, *, low: bool, to_end: bool = False
) -> Iterator[Excursion]:
    """Yield the excursions of one side; with *to_end* only the one that goes on at the end."""
    ends, margin, kind = _ends_after(rows), _margin(rows), rows.kind
    rules = [(i, rule) for i, rule in enumerate(RULES) if rule.low is low]
    open_, calm = False, 0
    began = n = off_count = 0
    total = usual = least = 0.0
    fired: list[int | None] = []
    seconds, ratio = 0, 1.0
    for index, point in enumerate(points):
        shift = levels[index] - rows.level if levels else 0.0
        bounds = _bounds(rows, point)
        if bounds is None:
            continue
        bound = (bounds[0] if low else bounds[1]) + shift
        y = log1p(point.rows)
        off = bound - y if low else y - bound
        if off > margin:
            calm = 0
            if not open_:
                open_, began, n, off_count, total, usual, least = True, point.at, 0, 0, 0.0, 0.0, 0.0
                fired = [None] * len(RULES)
        elif not open_:
            continue
        else:
            calm += 1
            if calm >= ends:
                open_ = False
                if not to_end:
                    yield Excursion(low, began, ratio, seconds, n, usual, tuple(fired))
                continue
        n += 1
        off_count += off > margin
        total += point.rows
        usual += max(0.0, expm1(bound))
        least += _least(rows, point, bound, shift)
        seconds = point.at - began
        base = least if low and seconds < _FIRST_DAY else usual
        ratio = (total + 1) / (base + 1)
        if off_count < 0.75 * n:
            continue
        for i, rule in rules:
            if fired[i] is None and _holds(rows, rule, kind, n, seconds, base, ratio):
                fired[i] = seconds
    if open_:
        yield Excursion(low, began, ratio, seconds, n, usual, tuple(fired))


def _least(rows: Rows, point: Point, bound: float, shift: float) -> float:
    if not rows.least:
        return max(0.0, expm1(bound))
    hour = (point.at - rows.origin) // rows.unit % len(rows.least)
    return max(0.0, expm1(min(bound, rows.level + shift + rows.least[hour])))


def _holds(rows: Rows, rule: Rule, kind: int, n: int, seconds: int, usual: float, ratio: float) -> bool:
    if n < rule.syncs[kind] or usual < rule.rows or (kind < 2 and seconds < rule.hours * HOUR):
        return False
    if ratio > rule.ratio if rule.low else ratio < rule.ratio:
        return False
    depth = abs(log(ratio))
    if depth < max(3.5 * rows.drift, 3.5 * rows.noise / sqrt(min(n, 9)), 4 / sqrt(usual + 1)):
        return False
    return rule is not NEAR_ZERO or rows.zeros**n < 1e-4


def learn_rows(points: Sequence[Point], usual_gap: float, origin: int, *, zoned: bool) -> Rows | None:
    """
    Return what is usual, None while fewer than FEWEST syncs are known.

    Args:
        points: Past syncs that did not fail, ascending.
        usual_gap: Seconds between starts, the median.
        origin: Half a day before the usual time of day, in local seconds, for syncs a day or more apart.
        zoned: Whether local means a known time zone.

    """
    if len(points) < FEWEST:
        return None
    hourly, seldom = usual_gap < _SUB_DAILY, usual_gap >= _SELDOM
    unit, count, origin = (HOUR, 168, 0) if hourly else (DAY, 1 if seldom else 7, 0 if seldom else origin)
    values = [log1p(point.rows) for point in points]
    slots = [(point.at - origin) // unit for point in points]
    buckets = [slot // 24 for slot in slots] if hourly else list(range(len(points)))
    cells, least = _cells(values, slots, buckets, count)
    rest = [value - (cells[slot % count] or 0.0) for value, slot in zip(values, slots, strict=True)]
    days = _medians(rest, buckets)
    small = 1 + 4 / len(days)
    drift = max(_NARROWEST, _drift(list(days.values()))) * small
    within = _mad([value - days[bucket] for value, bucket in zip(rest, buckets, strict=True)])
    noise = max(_NARROWEST, within) * (1 + 4 / len(points)) if hourly else drift
    ends = dict(zip(buckets, (point.at for point in points), strict=True))
    levels, changed = _follow(days, ends, drift)
    zeros = sum(point.rows == 0 for point in points) / len(points)
    final = levels[buckets[-1] + 1] if buckets[-1] + 1 in levels else levels[buckets[-1]]
    rows = Rows(
        len(points), usual_gap, unit, origin, final, cells, noise, drift, max(zeros, 0.5 / len(points)), zoned,
        least=least, level_since=changed[0] if changed else None, level_before=changed[1] if changed else None,
    )
    return _with_patience(rows, points, [levels[bucket] for bucket in buckets])


def _with_patience(rows: Rows, points: Sequence[Point], levels: Sequence[float]) -> Rows:
    span = points[-1].at - points[0].at
    rank = 3 if span >= 40 * DAY else 2
    lasted: list[list[int]] = [[] for _ in RULES]
    for excursion in rows.excursions(points, levels):
        if excursion.began_at + excursion.seconds >= points[-1].at:
            continue
        for index, fired in enumerate(excursion.fired):
            if fired is not None:
                lasted[index].append(excursion.seconds)
    patience = tuple(int(1.3 * sorted(each)[-rank]) if len(each) >= rank else 0 for each in lasted)
    return replace(rows, patience=patience) if any(patience) else rows


def _cells(
    values: Sequence[float], slots: Sequence[int], buckets: Sequence[int], count: int
) -> tuple[tuple[float | None, ...], tuple[float, ...]]:
    """Return what each time of the week adds, and the least that any weekday adds, by hour."""
    if count == 1:
        return (0.0,), ()
    hours = 24 if count == 168 else 1
    hour_of = _medians(values, [slot % hours for slot in slots])
    rest = [value - hour_of[slot % hours] for value, slot in zip(values, slots, strict=True)]
    daily = _medians(rest, buckets)
    trend = _smooth(daily)
    weekday_of = dict(zip(buckets, (slot // hours % 7 for slot in slots), strict=True))
    by_weekday: dict[int, list[float]] = {}
    for bucket, value in daily.items():
        by_weekday.setdefault(weekday_of[bucket], []).append(value - trend[bucket])
    weekday = {day: _median(each) * len(each) / (len(each) + 0.5) for day, each in by_weekday.items()}
    cells: list[float | None] = [None] * count
    if hours == 1:
        for day, value in weekday.items():
            cells[day] = value
        return tuple(cells), (min(weekday.values()),)
    grouped: dict[int, list[float]] = {}
    for value, slot, bucket in zip(values, slots, buckets, strict=True):
        grouped.setdefault(slot % 168, []).append(value - trend[bucket])
    for slot, each in grouped.items():
        target = hour_of[slot % 24] + weekday[slot // 24 % 7]
        cells[slot] = (len(each) * _median(each) + 2 * target) / (len(each) + 2)
    for slot in range(168):
        if cells[slot] is None and slot // 24 in weekday and slot % 24 in hour_of:
            cells[slot] = hour_of[slot % 24] + weekday[slot // 24]
    least = []
    for hour in range(24):
        known = [cell for cell in cells[hour::24] if cell is not None]
        least.append(min(known) if known else 0.0)
    return tuple(cells), tuple(least)


def _smooth(daily: dict[int, float]) -> dict[int, float]:
    keys, values = list(daily), list(daily.values())
    return {key: _median(values[max(0, min(i - 3, len(keys) - 7)) : max(7, i + 4)]) for i, key in enumerate(keys)}


def _drift(days: Sequence[float]) -> float:
    """Return the usual distance of a day from the median of up to seven before it."""
    off = [value - _median(days[max(0, i - 7) : i]) for i, value in enumerate(days) if i >= min(3, len(days) - 1)]
    return _SPREAD * _median([abs(value) for value in off])


def _follow(
    days: dict[int, float], ends: dict[int, int], drift: float
) -> tuple[dict[int, float], tuple[int, float] | None]:
    """Return the level before each day and after the last, and since when the last lasting one holds, and the one before."""
    keys = list(days)
    level = _median([days[key] for key in keys[:7]])
    far = max(0.5, 3 * drift)
    levels: dict[int, float] = {}
    changed = None
    streak: list[int] = []
    for key in keys:
        levels[key] = level
        off = days[key] - level
        if abs(off) <= far:
            streak = []
            level += 0.2 * off
            continue
        if streak and (days[streak[0]] - level > 0) != (off > 0):
            streak = []
        streak.append(key)
        if len(streak) >= LASTING_SYNCS and ends[key] - ends[streak[0]] >= LASTING:
            changed = ends[streak[0]], level
            level = _median([days[each] for each in streak])
            streak = []
    levels[keys[-1] + 1] = level
    return levels, changed


def _medians(values: Sequence[float], keys: Sequence[int]) -> dict[int, float]:
    groups: dict[int, list[float]] = {}
    for value, key in zip(values, keys, strict=True):
        if key in groups:
            groups[key].append(value)
        else:
            groups[key] = [value]
    return {key: _median(each) for key, each in groups.items()}


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _mad(values: Sequence[float]) -> float:
    middle = _median(values)
    return _SPREAD * _median([abs(value - middle) for value in values])

