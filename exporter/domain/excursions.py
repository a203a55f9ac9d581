"""
Whether the latest syncs of an integration bring far fewer or far more rows than usual.

Theory. An excursion is a number of syncs in a row of which nearly all are clearly below (above) what is usual. It is a
problem by a rule: the deeper, the sooner. One low day is a holiday and one high day a campaign, so only rows near zero
or near a tenth are reported within a day, and on the first day against the quietest weekday. An excursion is over when
a few syncs are usual again. The same scan runs over the past: a rule that held there again and again for an excursion
that healed is natural to this integration, which must outlast it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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


class _Look(NamedTuple):
    """A sync, looked at from one side. Rows are logarithms."""

    at: int
    rows: float
    least: float
    """What is usual at least,"""
    usual: float
    """and what as a rule."""
    is_off: bool
    """Whether the rows are clearly fewer, or more, than usual."""


class _Totals(NamedTuple):
    """Of the syncs of an excursion so far: how many are off, rows, and rows that would have been usual."""

    off: int = 0
    rows: float = 0.0
    usual: float = 0.0
    quietest: float = 0.0
    """On the quietest weekday."""


def latest_excursion(
    rows: Rows, latest_first: Iterable[tuple[int, int, int | None]], *, low: bool, widen: float
) -> Excursion | None:
    """
    Return the excursion that still goes on.

    Args:
        rows: What is usual.
        latest_first: Start in local seconds, rows, and seconds since the sync before, of syncs that did not fail.
        low: Whether fewer rows than usual are looked for, or more.
        widen: More than 1 asks for deeper and longer excursions.

    """
    looks: list[_Look] = []
    calm = 0
    for look in _looks(rows, ((at, log1p(count), rows.bounds(at, gap)) for at, count, gap in latest_first), low=low):
        looks.append(look)
        calm = 0 if look.is_off else calm + 1
        if calm == rows.calm:
            break
    sums = _Sums(rows, widen, low=low)
    for look in reversed(looks[: len(looks) - calm]):
        sums.add(look)
    return sums.excursion if calm < len(looks) else None


def _looks(
    rows: Rows, syncs: Iterable[tuple[int, float, tuple[float, float, float] | None]], *, low: bool
) -> Iterator[_Look]:
    """Yield how syncs look, given as start, logarithm of the rows and what `Rows.bounds` says."""
    margin = rows.margin
    for at, value, bounds in syncs:
        if bounds is not None:
            least, usual, most = bounds
            off = least - value if low else value - most
            yield _Look(at, value, least, usual, off > margin)


def _healed(rows: Rows, looks: Iterable[_Look], *, low: bool) -> Iterator[Excursion]:
    """Yield the excursions that came and went."""
    sums: _Sums | None = None
    calm = ends = rows.calm
    for look in looks:
        calm = 0 if look.is_off else calm + 1
        if calm == ends:
            if sums is not None:
                yield sums.excursion
            sums = None
        elif sums is not None:
            sums.add(look)
        elif look.is_off:
            sums = _Sums(rows, 1.0, low=low)
            sums.add(look)


class _Sums:
    """Running sums over an excursion, so that each rule can look at the latest syncs that it asks for."""

    def __init__(self, rows: Rows, widen: float, *, low: bool) -> None:
        self._rows, self._widen, self._low = rows, widen, low
        self._kind = rows.kind
        self._rules = [(index, rule) for index, rule in enumerate((*RULES, _QUIET_DAY)) if rule.low is low]
        self._at: list[int] = []
        self._totals = [_Totals()]
        self._fired: list[int | None] = [None] * (len(RULES) + 1)
        self._patience = (*(rows.patience or (0,) * len(RULES)), inf)
        self._is_problem = False

    def add(self, look: _Look) -> None:
        before, quietest = self._totals[-1], min(look.least, _least(self._rows, look.at))
        self._at.append(look.at)
        self._totals.append(
            _Totals(
                before.off + look.is_off,
                before.rows + _count(look.rows),
                before.usual + _count(look.usual),
                before.quietest + _count(quietest),
            )
        )
        if not look.is_off:
            return
        seconds = look.at - self._at[0]
        for index, rule in self._rules:
            held = self._fired[index]
            begin = self._begin(rule)
            if begin >= 0 and self._holds(rule, begin, seconds):
                self._fired[index] = seconds if held is None else held
                self._is_problem |= seconds >= self._patience[index]

    def _begin(self, rule: Rule) -> int:
        """Return where the latest syncs that the rule asks for begin; less than 0 while there are too few."""
        hours = rule.hours * HOUR * self._widen if self._kind < _DAILY_KIND else 0
        return min(len(self._at) - rule.syncs[self._kind], bisect_right(self._at, self._at[-1] - hours) - 1)

    def _holds(self, rule: Rule, begin: int, seconds: int) -> bool:
        rows, before, now = self._rows, self._totals[begin], self._totals[-1]
        n = len(self._at) - begin
        total = now.rows - before.rows
        usual = now.usual - before.usual
        if rule.low and seconds < _FIRST_DAY:
            usual = now.quietest - before.quietest
        if usual < rule.rows or now.off - before.off < _NEARLY_ALL * n:
            return False
        fewer = log((usual + 1) / (total + 1))
        depth = fewer if rule.low else -fewer
        noise = max(rule.drifts * rows.drift, 3.5 * rows.noise / sqrt(min(n, 9)), 4 / sqrt(usual + 1))
        if depth < max(abs(log(rule.ratio)), noise) * self._widen:
            return False
        return rule.ratio > NEAR_ZERO or rows.zeros**n < _CHANCE

    @property
    def excursion(self) -> Excursion:
        return Excursion(self._low, self._at[0], self._at[-1] - self._at[0], tuple(self._fired), self._is_problem)


def _count(value: float) -> float:
    return max(0.0, expm1(value))


def _least(rows: Rows, at: int) -> float:
    if not rows.least:
        return inf
    return rows.level + rows.least[at // rows.unit % len(rows.least)]


def patience(rows: Rows, ats: Sequence[int], counts: Sequence[int], levels: Sequence[float]) -> tuple[int, ...]:
    """
    Return how long excursions of each rule lasted that came and went again and again.

    Args:
        rows: What is usual.
        ats: Starts of past syncs that did not fail, in local seconds, ascending.
        counts: Their rows.
        levels: The level at each of them.

    """
    rank = 3 if ats[-1] - ats[0] >= _AGAIN_AND_AGAIN else 2
    syncs = [
        (at, log1p(counts[i]) - levels[i] + rows.level, rows.bounds(at, at - ats[i - 1] if i else None))
        for i, at in enumerate(ats)
    ]
    healed = [each for low in (True, False) for each in _healed(rows, _looks(rows, syncs, low=low), low=low)]
    lasted = [[each.seconds for each in healed if each.fired[i] is not None] for i in range(len(RULES) + 1)]
    days_off = len(lasted.pop())
    natural = [int(1.3 * sorted(each)[-rank]) if len(each) >= rank else 0 for each in lasted]
    if days_off >= _DAYS_OFF:
        two = int(_TWO_SYNCS * rows.gap_seconds) if rows.kind >= _DAILY_KIND else _TWO_DAYS
        natural[_TENTH] = max(natural[_TENTH], two)
    return tuple(natural)
