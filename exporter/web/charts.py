"""
The past of one integration as pictures: where the lines and marks of each are, in SVG's path data.

A picture is WIDE by TALL units, which the browser stretches over whatever room there is, so that labels are HTML beside
it and never shrink. Time runs from left to right in at most BINS steps; where several syncs fall into one, their median
is drawn, and a stroke from the least to the most. What lies far beyond everything else is drawn at the upper edge, or
nothing else could be told apart. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple, TypeVar

from exporter.domain.detail import Band, PastRun
from exporter.domain.limits import Limit, Source, Unit
from exporter.domain.model import SyncStatus
from exporter.domain.normal import failed_share
from exporter.domain.past import Run, to_moment, to_seconds
from exporter.domain.wording import word_count
from exporter.web.words import word_value

WIDE, TALL, BINS = 900, 100, 180
_EDGE = 4.0
"""Units that stay free above and below."""
_FAR = 3.0
"""A value this many times beyond what nearly all others reach is not drawn to scale."""
_NEARLY_ALL = 0.98
_DAY = 86_400
_FEW_DAYS = 15 * _DAY
_NICE_COUNTS = tuple(digit * 10.0**power for power in range(13) for digit in (2, 3, 4, 6, 8, 10))
_NICE_SHARES = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
_NICE_SECONDS = tuple(
    float(count * unit)
    for unit, counts in (
        (1, (10, 20, 30, 40)),
        (60, (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40)),
        (3600, (1, 2, 3, 4, 6, 8, 12, 16)),
    )
    for count in counts
) + tuple(_DAY * count for count in (1.0, 2.0, 4.0, 10.0, 20.0, 50.0, 100.0, 400.0, 1000.0, 4000.0))
_NICE: Mapping[Unit, Sequence[float]] = {
    Unit.COUNT: _NICE_COUNTS,
    Unit.SHARE: _NICE_SHARES,
    Unit.SECONDS: _NICE_SECONDS,
}
_WORST_FIRST = (
    SyncStatus.CONFIG_ERROR,
    SyncStatus.LIMIT_EXCEEDED,
    SyncStatus.ERROR,
    SyncStatus.UNKNOWN,
    SyncStatus.PARTIAL,
    SyncStatus.SUCCESS,
)


T = TypeVar("T")


class Axis(NamedTuple):
    """The time that the pictures show, in seconds since 1970."""

    first: int
    last: int
    steps: int = BINS

    def x(self, step: int) -> float:
        """The middle of a step."""
        return (step + 0.5) * WIDE / self.steps

    def grid(self) -> str:
        """Lines at midnight, UTC: one for each day, or each Monday where that would be too many."""
        every = _DAY if self.last - self.first <= _FEW_DAYS else 7 * _DAY
        origin = 4 * _DAY  # the first Monday
        start = -(-(self.first - origin) // every) * every + origin
        span = max(1, self.last - self.first)
        return "".join(f"M{(at - self.first) * WIDE / span:.0f} 0V{TALL}" for at in range(start, self.last, every))

    @property
    def labels(self) -> list[str]:
        """Of its beginning, middle and end; with the time of day where days alone tell too little."""
        form = "%b %d, %H:%M" if self.last - self.first <= _FEW_DAYS else "%b %d"
        return [f"{to_moment(at):{form}}" for at in (self.first, (self.first + self.last) // 2, self.last)]


class Mark(NamedTuple):
    """One step of the time line: its worst status, and what it stands for."""

    x: float
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure over time. All but the texts are path data; what is empty is not drawn."""

    name: str
    summary: str
    top: str
    """The value at the upper edge, in words,"""
    half: str
    """and half way up."""
    value: str = ""
    """Medians."""
    range: str = ""
    """From least to most."""
    beyond: str = ""
    """Values at the upper edge that are not drawn to scale."""
    band: str = ""
    usual: str = ""
    limit: str = ""
    limit_note: str = ""


def axis_of(runs: Sequence[PastRun], now: datetime, days: int | None) -> Axis:
    """Return the time from the first of the syncs, or *days* ago, until now."""
    last = to_seconds(now)
    first = runs[0].run.start if runs else last - _DAY
    if days is not None:
        first = last - days * _DAY
    return Axis(min(first, last - 60), last, BINS if len(runs) > BINS else WIDE)


def time_line(runs: Iterable[PastRun], axis: Axis) -> list[Mark]:
    """Return one mark for each step in which syncs started, with the worst of their statuses."""
    marks = []
    for place, members in _binned(((one.run.start, one.run) for one in runs), axis):
        statuses = [run.status for run in members]
        worst = min(statuses, key=_WORST_FIRST.index)
        counts = ", ".join(f"{statuses.count(s)} {s.replace('_', ' ')}" for s in _WORST_FIRST[::-1] if s in statuses)
        marks.append(Mark(axis.x(place), worst.value, f"{to_moment(members[0].start):%Y-%m-%d %H:%M} UTC: {counts}"))
    return marks


def pictures(runs: Sequence[PastRun], limits: Mapping[str, Limit], axis: Axis) -> list[Picture]:
    """Return the pictures for which something is known: duration, rows, failed rows, lag."""
    good = [one for one in runs if not one.run.failed]
    drawn = [
        _draw("Duration", Unit.SECONDS, good, lambda run: run.took, limits["sync_duration"], axis),
        _draw("Rows synced", Unit.COUNT, good, lambda run: run.rows_synced, limits["rows_synced"], axis, bands=True),
        _draw("Failed rows", Unit.SHARE, good, failed_share, limits["failed_rows"], axis),
        _draw("Lag when finished", Unit.SECONDS, runs, lambda run: run.lag, limits["lag"], axis),
    ]
    return [picture for picture in drawn if picture is not None]


def _draw(  # noqa: PLR0917 - one picture
    name: str,
    unit: Unit,
    runs: Sequence[PastRun],
    value_of: Callable[[Run], float | None],
    limit: Limit,
    axis: Axis,
    *,
    bands: bool = False,
) -> Picture | None:
    known = [(one.run.start, float(max(0, value))) for one in runs if (value := value_of(one.run)) is not None]
    if not known:
        return None
    steps = [(place, sorted(values)) for place, values in _binned(known, axis)]
    usual = [(one.run.start, one.band) for one in runs if one.band is not None] if bands else []
    areas = [(place, _joined(members)) for place, members in _binned(usual, axis)]
    ordered = sorted(value for _, value in known)
    nearly_all = ordered[int(_NEARLY_ALL * (len(ordered) - 1))]
    wanted = max(nearly_all, min(_FAR * nearly_all, max((area.most for _, area in areas), default=0.0)))
    top = max(wanted, ordered[-1] if ordered[-1] <= _FAR * wanted else 1.2 * wanted)
    bound = None if limit.source is Source.LEARNED and bands else limit.value
    top = _nice(top, unit)
    fits = bound is not None and bound <= _FAR * top
    top = max(top, _nice(bound or 0.0, unit)) if fits else top
    scale = _Scale(axis, top)
    words = f"median {word_value(median(ordered), unit)}, highest {word_value(ordered[-1], unit)}"
    return Picture(
        name,
        f"{word_count(len(known), 'sync')}: {words}",
        word_value(top, unit),
        word_value(top / 2, unit),
        value="".join(scale.dot(place, median(values)) for place, values in steps if values[0] <= top),
        range="".join(scale.stroke(place, values) for place, values in steps if values[-1] > values[0]),
        beyond="".join(scale.dot(place, top) for place, values in steps if values[-1] > top),
        band=scale.area(areas),
        usual=scale.line([(place, area.usual) for place, area in areas]),
        limit=f"M0 {scale.y(bound):.1f}H{WIDE}" if fits and bound is not None else "",
        limit_note="" if bound is None else f"limit {word_value(bound, unit)}{'' if fits else ', off the chart'}",
    )


def _nice(value: float, unit: Unit) -> float:
    return next((nice for nice in _NICE[unit] if nice >= value), value)


def _joined(bands: Sequence[Band]) -> Band:
    """Return what is usual for several syncs of one step."""
    fewest, usual, most = zip(*bands, strict=True)
    return Band(min(fewest), median(usual), max(most))


class _Scale:
    """Where values are, from 0 at the lower edge to *top*."""

    def __init__(self, axis: Axis, top: float) -> None:
        self._x = axis.x
        self._top = top or 1.0

    def y(self, value: float) -> float:
        return TALL - _EDGE - min(value, self._top) / self._top * (TALL - 2 * _EDGE)

    def dot(self, place: int, value: float) -> str:
        return f"M{self._x(place):.1f} {self.y(value):.1f}h0"

    def stroke(self, place: int, values: Sequence[float]) -> str:
        return f"M{self._x(place):.1f} {self.y(values[0]):.1f}V{self.y(values[-1]):.1f}"

    def line(self, points: Sequence[tuple[int, float]]) -> str:
        return "".join(
            f"{'L' if number else 'M'}{self._x(place):.1f} {self.y(value):.1f}"
            for number, (place, value) in enumerate(points)
        )

    def area(self, areas: Sequence[tuple[int, Band]]) -> str:
        if len(areas) < 2:  # noqa: PLR2004 - nothing between them
            return ""
        upper = self.line([(place, area.most) for place, area in areas])
        lower = self.line([(place, area.fewest) for place, area in reversed(areas)])
        return f"{upper}L{lower[1:]}Z"


def _binned(timed: Iterable[tuple[int, T]], axis: Axis) -> Iterator[tuple[int, list[T]]]:
    """Yield the steps that hold something, in order of time, as *timed* must be."""
    first, steps, span = axis.first, axis.steps, max(1, axis.last - axis.first)
    found: dict[int, list[T]] = {}
    for at, value in timed:
        place = (at - first) * steps // span
        found.setdefault(0 if place < 0 else place if place < steps else steps - 1, []).append(value)
    yield from found.items()


def days_ago(now: datetime, days: int | None) -> int:
    """Return the second from which on syncs are shown; all where *days* is None."""
    return -(1 << 62) if days is None else to_seconds(now - timedelta(days=days))
