"""Statistics that a few abnormal values do not move; for `domain/normal.py` and its neighbours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import copysign
from statistics import NormalDist

DAY = 86400
LASTING = 14 * DAY
"""After this long, and at least LASTING_VALUES days or syncs, another level is the normal one."""
LASTING_VALUES = 4
SPREAD = 1 / NormalDist().inv_cdf(0.75)
"""Makes the median of distances a standard deviation, for normal noise."""


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def lower_median(values: Sequence[float]) -> float:
    """Return the median, of an even number the lower one: more than half are at least that."""
    return sorted(values)[(len(values) - 1) // 2]


def upper_median(values: Sequence[int]) -> int:
    """Return the median, of an even number the upper one."""
    return sorted(values)[len(values) // 2]


def medians(values: Sequence[float], keys: Sequence[int]) -> dict[int, float]:
    """Return the median of the values of each key, in the order in which the keys come first."""
    groups: defaultdict[int, list[float]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(values[i])
    return {key: median(each) for key, each in groups.items()}


def usual_step(days: Sequence[float]) -> float:
    """Return the usual distance of a value from the median of up to eleven before it, as a standard deviation."""
    first = min(3, len(days) - 1)
    return SPREAD * median([abs(days[i] - median(days[max(0, i - 11) : i] or days)) for i in range(first, len(days))])


def follow(
    days: Mapping[int, float], ends: Mapping[int, int], far: float, rate: float
) -> tuple[dict[int, float], tuple[int, float] | None]:
    """
    Follow a slowly moving level; a value that is *far* off does not move it, unless the next ones stay off as well.

    Args:
        days: The value of each day (or sync), ascending.
        ends: When each of them was, in seconds.
        far: From what distance on a value is abnormal.
        rate: By which part of the distance a normal value moves the level.

    Returns:
        The level before each day and, under one more than the last key, after all; and since when the last level holds
        that came to stay, with the level before it; None if none did.

    """
    keys = list(days)
    level = median([days[key] for key in keys[:7]])
    levels: dict[int, float] = {}
    changed = None
    streak: list[int] = []
    for key in keys:
        levels[key] = level
        off = days[key] - level
        if abs(off) <= far:
            streak = []
            level += rate * off
            continue
        if streak and copysign(1, days[streak[0]] - level) != copysign(1, off):
            streak = []
        streak.append(key)
        if len(streak) >= LASTING_VALUES and ends[key] - ends[streak[0]] >= LASTING:
            changed = ends[streak[0]], level
            level = median([days[each] for each in streak])
            streak = []
    levels[keys[-1] + 1] = level
    return levels, changed


def longest_normal(days: Sequence[float], ends: Sequence[int], far: float, lasting: int = LASTING_VALUES) -> float:
    """
    Return the largest value that is normal.

    A value is abnormal if it, or the days in a row that it stands for, came only once or twice and the rest is *far*
    below. What lasted is normal, however far off.

    Args:
        days: The largest value of each day (or each sync), ascending in time.
        ends: When each of them was, in seconds.
        far: The distance.
        lasting: As many days in a row, over LASTING, are no longer abnormal.

    """
    values, moments = list(days), list(ends)
    middle = median(days)
    tops: list[float] = []
    for _ in range(3):
        top = max(values)
        tops.append(top)
        half = (top + middle) / 2
        first = last = values.index(top)
        while first and values[first - 1] > half:
            first -= 1
        while last + 1 < len(values) and values[last + 1] > half:
            last += 1
        if moments[last] - moments[first] >= LASTING and last - first + 1 >= lasting:
            break
        if len(days) < 2 * LASTING_VALUES:
            break
        del values[first : last + 1], moments[first : last + 1]
    for above, below in reversed(list(pairwise(tops))):
        if above - below > far:
            return below
    return tops[0]
