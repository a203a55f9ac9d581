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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import expm1, log, log1p, sqrt
from typing import NamedTuple

from exporter.domain.robust import follow, median, medians, usual_step
from exporter.domain.rhythm import DAILY, DAY, HOUR

FEWEST = 5
_FIRST_DAY = 30 * HOUR
_SUB_DAILY, _SELDOM = 20 * HOUR, 5 * DAY
_SPREAD = 1.4826
"""Makes the median of distances a standard deviation, for normal noise."""
_NARROWEST = 0.08
_UNEVEN = 0.4
"""Logarithm of a gap over the usual one from which on rows that piled up, or had no time to, count."""


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

    def bounds(self, at: int, gap: int | None) -> tuple[float, float] | None:
        """Return what is at least and at most usual for a sync at *at*, so long after the last one that did not fail."""
        around = self.around(at)
        if around is None:
            return None
        low, _, high = around
        share = log(max(gap, 1) / self.gap_seconds) if gap is not None else 0.0
        return (low + share if share < -_UNEVEN else low), (high + share if share > _UNEVEN else high)

    @property
    def margin(self) -> float:
        """How far beyond what is usual a sync is clearly off."""
        return max(0.35, 1.2 * self.noise)

    @property
    def calm(self) -> int:
        """How many usual syncs in a row end an excursion."""
        return (3, 2, 1, 1)[self.kind]


def latest_excursion(rows: Rows, latest_first: Iterable[tuple[int, int, int | None]], *, low: bool) -> Excursion | None:
    """
    Return the excursion that still goes on.

    Args:
        rows: What is usual.
        latest_first: Start in local seconds, rows, and seconds since the sync before, of syncs that did not fail.
        low: Whether fewer rows than usual are looked for, or more.

    """
    calm = 0
    syncs: list[tuple[int, float, float]] = []
    for at, count, gap in latest_first:
        bounds = rows.bounds(at, gap)
        if bounds is None:
            continue
        value = log1p(count)
        off = bounds[0] - value if low else value - bounds[1]
        calm = 0 if off > rows.margin else calm + 1
        if calm == rows.calm:
            break
        syncs.append((at, value, bounds[0] if low else bounds[1]))
    open_ = None
    for excursion, is_open in _scan(rows, reversed(syncs), low=low):
        open_ = excursion if is_open else None
    return open_


def _scan(
    rows: Rows, syncs: Iterable[tuple[int, float, float]], *, low: bool
) -> Iterator[tuple[Excursion, bool]]:
    """Yield the excursions of one side, and whether it still goes on; *syncs* are start, logarithm and bound."""
    ends, margin, kind = rows.calm, rows.margin, rows.kind
    rules = [(i, rule) for i, rule in enumerate(RULES) if rule.low is low]
    sign = 1 if low else -1
    open_ = False
    calm = began = n = off_count = seconds = 0
    total = usual = least = 0.0
    fired: list[int | None] = []
    ratio = 1.0
    for at, value, bound in syncs:
        if sign * (bound - value) > margin:
            calm = 0
            if not open_:
                open_, began, n, off_count, total, usual, least = True, at, 0, 0, 0.0, 0.0, 0.0
                fired = [None] * len(RULES)
            off_count += 1
        elif not open_:
            continue
        else:
            calm += 1
            if calm >= ends:
                open_ = False
                yield Excursion(low, began, ratio, seconds, n, usual, tuple(fired)), False
                continue
        n += 1
        total += expm1(value)
        usual += max(0.0, expm1(bound))
        least += max(0.0, expm1(min(bound, _least(rows, at)))) if low else 0.0
        seconds = at - began
        base = least if low and seconds < _FIRST_DAY else usual
        ratio = (total + 1) / (base + 1)
        if off_count >= 0.75 * n:
            for i, rule in rules:
                if fired[i] is None and _holds(rows, rule, kind, n, seconds, base, ratio):
                    fired[i] = seconds
    if open_:
        yield Excursion(low, began, ratio, seconds, n, usual, tuple(fired)), True


def _least(rows: Rows, at: int) -> float:
    if not rows.least:
        return float("inf")
    return rows.level + rows.least[(at - rows.origin) // rows.unit % len(rows.least)]


def _holds(rows: Rows, rule: Rule, kind: int, n: int, seconds: int, usual: float, ratio: float) -> bool:
    if n < rule.syncs[kind] or usual < rule.rows or (kind < 2 and seconds < rule.hours * HOUR):
        return False
    if ratio > rule.ratio if rule.low else ratio < rule.ratio:
        return False
    depth = abs(log(ratio))
    if depth < max(3.5 * rows.drift, 3.5 * rows.noise / sqrt(min(n, 9)), 4 / sqrt(usual + 1)):
        return False
    return rule is not NEAR_ZERO or rows.zeros**n < 1e-4


def learn_rows(
    ats: Sequence[int], counts: Sequence[int], usual_gap: float, origin: int, *, zoned: bool
) -> Rows | None:
    """
    Return what is usual, None while fewer than FEWEST syncs are known.

    Args:
        ats: Starts of past syncs that did not fail, in local seconds, ascending.
        counts: Their rows, synced and failed together.
        usual_gap: Seconds between starts, the median.
        origin: Half a day before the usual time of day, in local seconds, for syncs a day or more apart.
        zoned: Whether local means a known time zone.

    """
    if len(ats) < FEWEST:
        return None
    hourly, seldom = usual_gap < _SUB_DAILY, usual_gap >= _SELDOM
    unit, size, origin = (HOUR, 168, 0) if hourly else (DAY, 1 if seldom else 7, 0 if seldom else origin)
    values = [log1p(count) for count in counts]
    slots = [(at - origin) // unit for at in ats]
    buckets = [slot // 24 for slot in slots] if hourly else list(range(len(ats)))
    cells, least = _cells(values, slots, buckets, size)
    added = [0.0 if cell is None else cell for cell in cells]
    rest = [value - added[slot % size] for value, slot in zip(values, slots, strict=True)]
    days = medians(rest, buckets)
    drift = max(_NARROWEST, usual_step(list(days.values()))) * (1 + 4 / len(days))
    noise = drift
    if hourly:
        within = _SPREAD * median([abs(value - days[bucket]) for value, bucket in zip(rest, buckets, strict=True)])
        noise = max(_NARROWEST, within) * (1 + 4 / len(ats))
    levels, changed = follow(days, dict(zip(buckets, ats, strict=True)), max(0.5, 3 * drift), 0.2)
    zeros = max(0.5, counts.count(0)) / len(ats)
    final = levels[max(levels)]
    since, before = changed or (None, None)
    rows = Rows(
        len(ats), usual_gap, unit, origin, final, cells, noise, drift, zeros, zoned, (0,) * len(RULES), since, before, least
    )  # fmt: skip
    return replace(rows, patience=_patience(rows, ats, values, slots, [levels[bucket] - final for bucket in buckets]))


def _patience(
    rows: Rows, ats: Sequence[int], values: Sequence[float], slots: Sequence[int], shifts: Sequence[float]
) -> tuple[int, ...]:
    """Return how long excursions of each rule lasted that came and went again and again."""
    around = [rows.around(rows.origin + slot * rows.unit) for slot in range(len(rows.cells))]
    rank = 3 if ats[-1] - ats[0] >= 40 * DAY else 2
    lasted: list[list[int]] = [[] for _ in RULES]
    for low in (True, False):
        table = [None if each is None else each[0 if low else 2] for each in around]
        syncs = []
        before = None
        for at, value, slot, shift in zip(ats, values, slots, shifts, strict=True):
            bound = table[slot % len(table)]
            if bound is not None:
                gap = rows.gap_seconds if before is None else at - before
                share = log(max(gap, 1) / rows.gap_seconds) if not 0.67 < gap / rows.gap_seconds < 1.5 else 0.0
                syncs.append((at, value, bound + shift + (min(share, 0.0) if low else max(share, 0.0))))
            before = at
        for excursion, is_open in _scan(rows, syncs, low=low):
            for each, fired in zip(lasted, excursion.fired, strict=True):
                if fired is not None and not is_open:
                    each.append(excursion.seconds)
    return tuple(int(1.3 * sorted(each)[-rank]) if len(each) >= rank else 0 for each in lasted)


def _cells(
    values: Sequence[float], slots: Sequence[int], buckets: Sequence[int], count: int
) -> tuple[tuple[float | None, ...], tuple[float, ...]]:
    """Return what each time of the week adds, and the least that any weekday adds, by hour."""
    if count == 1:
        return (0.0,), ()
    hours = 24 if count == 168 else 1
    hour_of = medians(values, [slot % hours for slot in slots])
    rest = [value - hour_of[slot % hours] for value, slot in zip(values, slots, strict=True)]
    daily = medians(rest, buckets)
    trend = _smooth(daily)
    weekday_of = dict(zip(buckets, (slot // hours % 7 for slot in slots), strict=True))
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
    for value, slot, bucket in zip(values, slots, buckets, strict=True):
        grouped.setdefault(slot % 168, []).append(value - trend[bucket])
    for slot, each in grouped.items():
        target = hour_of[slot % 24] + weekday[slot // 24 % 7]
        cells[slot] = (len(each) * median(each) + 2 * target) / (len(each) + 2)
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
    return {key: median(values[max(0, min(i - 3, len(keys) - 7)) : max(7, i + 4)]) for i, key in enumerate(keys)}
