"""
Whether the latest syncs of an integration bring far fewer or far more rows than usual.

Theory. An excursion is a number of syncs in a row of which nearly all are clearly below (above) what is usual. It is a
problem by a rule: the deeper, the sooner. One low day is a holiday and one high day a campaign, so only rows near zero
or near a tenth are reported within a day, and on the first day against the quietest weekday. An excursion is over when
a few syncs are usual again. The same scan runs over the past: a rule that held there again and again for an excursion
that healed is natural to this integration, which must outlast it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import expm1, inf, log, log1p, sqrt
from typing import NamedTuple

from exporter.domain.rhythm import DAY, HOUR
from exporter.domain.rows import Rows

_FIRST_DAY = 30 * HOUR
_DAILY_KIND = 2
_CHANCE = 1e-4
"""That syncs without rows are so by chance, at the most."""
_NEARLY_ALL = 0.75
_AGAIN_AND_AGAIN = 40 * DAY
"""In a past of that length three times, in a shorter one twice."""


class Rule(NamedTuple):
    """From when on an excursion is a problem. *syncs* are by class: within 5 h, within 20 h, within 5 days, rarer."""

    low: bool
    ratio: float
    hours: float
    """For the first two classes."""
    syncs: tuple[int, int, int, int]
    rows: int
    """Rows that would have been usual meanwhile, at least."""
    drifts: float = 3.5
    """Spreads of a day about the level before, at least: a level that wanders is no problem."""


NEAR_ZERO = 0.03
RULES = (
    Rule(True, NEAR_ZERO, 36, (6, 6, 3, 2), 30),
    Rule(True, NEAR_ZERO, 0.7, (3, 2, 1, 1), 30),
    Rule(True, 0.17, 6, (6, 3, 2, 1), 20),
    Rule(True, 0.45, 60, (8, 8, 4, 2), 20, 4.5),
    Rule(True, 0.63, 96, (12, 12, 6, 3), 50, 4.5),
    Rule(False, 5.0, 54, (6, 6, 3, 2), 5),
    Rule(False, 2.5, 120, (12, 12, 6, 3), 20, 4.5),
    Rule(True, 0.12, 6, (6, 3, 2, 1), 20),
)
"""The first is critical; the last is deeper than days off are, and waits for none to end."""
_QUIET_DAY = Rule(True, 0.6, 6, (6, 3, 1, 1), 20, 2.5)
"""Is no problem. Where the past has such days, a drop to a tenth may be one of them, or two in a row."""
_TENTH = 2
"""The rule for such a drop."""
_DAYS_OFF = 2
"""Where the past has this many, a drop to a tenth must outlast two in a row:"""
_TWO_DAYS, _TWO_SYNCS = 52 * HOUR, 1.9
"""this many seconds, or gaps where syncs are daily or rarer."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """Syncs in a row with clearly fewer, or more, rows than usual."""

    low: bool
    began_at: int
    """Start of the first such sync, in local seconds."""
    seconds: int
    """To the start of the latest sync."""
    fired: tuple[int | None, ...]
    """For each of RULES, and a quiet day, how long the excursion had lasted when the rule held first."""
    is_problem: bool
    """Whether one of RULES held when the excursion had lasted longer than is natural."""

    @property
    def is_critical(self) -> bool:
        return self.fired[0] is not None


def latest_excursion(
    rows: Rows, latest_first: Iterable[tuple[int, int, int | None]], *, low: bool, widen: float = 1.0
) -> Excursion | None:
    """
    Return the excursion that still goes on.

    Args:
        rows: What is usual.
        latest_first: Start in local seconds, rows, and seconds since the sync before, of syncs that did not fail.
        low: Whether fewer rows than usual are looked for, or more.
        widen: More than 1 asks for deeper and longer excursions.

    """
    calm = 0
    syncs: list[tuple[int, float, float, float]] = []
    for at, count, gap in latest_first:
        bounds = rows.bounds(at, gap)
        if bounds is None:
            continue
        value = log1p(count)
        off = bounds[0] - value if low else value - bounds[2]
        calm = 0 if off > rows.margin else calm + 1
        if calm == rows.calm:
            break
        syncs.append((at, value, bounds[0 if low else 2], bounds[1]))
    open_ = None
    for excursion, is_open in _scan(rows, reversed(syncs), widen, low=low):
        open_ = excursion if is_open else None
    return open_


def _scan(
    rows: Rows, syncs: Iterable[tuple[int, float, float, float]], widen: float = 1.0, *, low: bool
) -> Iterator[tuple[Excursion, bool]]:
    """Yield the excursions of one side, and whether it still goes on; *syncs* are start, logarithm, bound and usual."""
    ends, margin = rows.calm, rows.margin
    sign = 1 if low else -1
    sums: _Sums | None = None
    calm = 0
    for at, value, bound, middle in syncs:
        is_off = sign * (bound - value) > margin
        if sums is None:
            if not is_off:
                continue
            sums = _Sums(rows, widen, low=low)
        calm = 0 if is_off else calm + 1
        if calm >= ends:
            yield sums.excursion, False
            sums, calm = None, 0
            continue
        sums.add(at, value, bound, middle, is_off=is_off)
    if sums is not None:
        yield sums.excursion, True


class _Sums:
    """Running sums over an excursion, so that each rule can look at the latest syncs that it asks for."""

    def __init__(self, rows: Rows, widen: float, *, low: bool) -> None:
        self._rows, self._widen, self._low = rows, widen, low
        self._kind = rows.kind
        self._rules = [(i, rule, 0) for i, rule in enumerate((*RULES, _QUIET_DAY)) if rule.low is low]
        self._at: list[int] = []
        self._sums = [(0, 0.0, 0.0, 0.0)]
        """Syncs that are off, rows, rows that would have been usual, and those of the quietest weekday."""
        self._fired: list[int | None] = [None] * (len(RULES) + 1)
        self._patience = (*(rows.patience or (0,) * len(RULES)), 0)
        self._is_problem = False

    def add(self, at: int, value: float, bound: float, middle: float, *, is_off: bool) -> None:
        off, total, usual, least = self._sums[-1]
        quiet = max(0.0, expm1(min(bound, _least(self._rows, at)))) if self._low else 0.0
        self._at.append(at)
        self._sums.append(
            (off + is_off, total + max(0.0, expm1(value)), usual + max(0.0, expm1(middle)), least + quiet)
        )
        seconds = at - self._at[0]
        for position, (index, rule, first) in enumerate(self._rules):
            held = self._fired[index]
            done = held is not None and (self._is_problem or rule is _QUIET_DAY or seconds < self._patience[index])
            if done or not is_off:
                continue
            start = self._shortest(rule, first)
            if start is not None:
                self._rules[position] = index, rule, start
                if self._holds(rule, start, seconds):
                    self._fired[index] = seconds if held is None else held
                    self._is_problem |= index < len(RULES) and seconds >= self._patience[index]

    def _shortest(self, rule: Rule, first: int) -> int | None:
        """Return where the shortest window begins, from *first* on, that the rule asks for, or None."""
        kind, n = self._kind, len(self._at)
        hours = rule.hours * HOUR * self._widen if kind < _DAILY_KIND else 0
        start = None
        for index in range(first, n - rule.syncs[kind] + 1):
            if self._at[-1] - self._at[index] < hours:
                break
            start = index
        return start

    def _holds(self, rule: Rule, start: int, seconds: int) -> bool:
        rows = self._rows
        off, total, usual, least = (b - a for a, b in zip(self._sums[start], self._sums[-1], strict=True))
        n = len(self._at) - start
        base = least if rule.low and seconds < _FIRST_DAY else usual
        if base < rule.rows or off < _NEARLY_ALL * n:
            return False
        depth = log((base + 1) / (total + 1)) if rule.low else log((total + 1) / (base + 1))
        noise = max(rule.drifts * rows.drift, 3.5 * rows.noise / sqrt(min(n, 9)), 4 / sqrt(base + 1))
        if depth < max(abs(log(rule.ratio)), noise) * self._widen:
            return False
        return rule.ratio > NEAR_ZERO or rows.zeros**n < _CHANCE

    @property
    def excursion(self) -> Excursion:
        return Excursion(self._low, self._at[0], self._at[-1] - self._at[0], tuple(self._fired), self._is_problem)


def _least(rows: Rows, at: int) -> float:
    if not rows.least:
        return inf
    return rows.level + rows.least[(at - rows.origin) // rows.unit % len(rows.least)]


def patience(rows: Rows, ats: Sequence[int], counts: Sequence[int], levels: Sequence[float]) -> tuple[int, ...]:
    """
    Return how long excursions of each rule lasted that came and went again and again.

    Args:
        rows: What is usual.
        ats: Starts of past syncs that did not fail, in local seconds, ascending.
        counts: Their rows.
        levels: The level at each of them.

    """
    around = [rows.around(rows.origin + slot * rows.unit) for slot in range(len(rows.cells))]
    rank = 3 if ats[-1] - ats[0] >= _AGAIN_AND_AGAIN else 2
    lasted: list[list[int]] = [[] for _ in (*RULES, _QUIET_DAY)]
    known = [
        (at, log1p(count) - level + rows.level, rows.uneven(gap), each)
        for at, count, level, gap in zip(ats, counts, levels, [None, *(b - a for a, b in pairwise(ats))], strict=True)
        if (each := around[(at - rows.origin) // rows.unit % len(around)]) is not None
    ]
    for low in (True, False):
        if low:
            syncs = [(at, value, each[0] + min(0.0, share), each[1] + share) for at, value, share, each in known]
        else:
            syncs = [(at, value, each[2] + max(0.0, share), each[1] + share) for at, value, share, each in known]
        for excursion, is_open in _scan(rows, syncs, low=low):
            for times, fired in zip(lasted, excursion.fired, strict=True):
                if fired is not None and not is_open:
                    times.append(excursion.seconds)
    days_off = len(lasted.pop())
    natural = [int(1.3 * sorted(each)[-rank]) if len(each) >= rank else 0 for each in lasted]
    if days_off >= _DAYS_OFF:
        two = int(_TWO_SYNCS * rows.gap_seconds) if rows.kind >= _DAILY_KIND else _TWO_DAYS
        natural[_TENTH] = max(natural[_TENTH], two)
    return tuple(natural)
