"""Values over time: lines, stacked bars, coloured spans."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any

from tools.dashboards.asking import Series
from tools.dashboards.reading import Window
from tools.dashboards.svg import GRID, QUIET, Drawing, width_of
from tools.dashboards.wording import coloured, effective, series_colour, worded

Json = dict[str, Any]

_AXIS = 74
_FOOT = 18
_LEGEND_ROW = 15
_DAY = 86400
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle to draw in."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """From times and values to places."""

    area: Area
    start: float
    end: float
    least: float
    most: float
    log: bool

    def x(self, at: float) -> float:
        return self.area.x + self.area.width * (at - self.start) / (self.end - self.start)

    def y(self, value: float) -> float:
        return self.area.y + self.area.height * (1 - self._part(value))

    def at(self, part: float) -> float:
        """The value at a *part* of the height, from below."""
        if self.log:
            return float(self.least * (self.most / self.least) ** part)
        return self.least + part * (self.most - self.least)

    def _part(self, value: float) -> float:
        if self.log:
            return math.log(max(value, self.least) / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)


def draw_lines(drawing: Drawing, area: Area, panel: Json, found: Sequence[Series], window: Window) -> None:
    """Steps, open where values are missing, over areas beyond the limits."""
    values = [value for series in found for _, value in series.points]
    scale = _scale(drawing, area, panel, window, found=found, values=values)
    if panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] == "area":
        _draw_limits(drawing, scale, panel)
    for number, series in enumerate(found):
        config = effective(panel, series.name, series.ref)
        for part in _without_gaps(series.points, window.step):
            steps = []
            for (at, value), (following, _) in zip(part, [*part[1:], (part[-1][0] + window.step, 0)], strict=True):
                steps += [
                    (scale.x(at), scale.y(value)),
                    (scale.x(min(following, scale.end)), scale.y(value)),
                ]
            dashed = "custom.lineStyle" in config
            drawing.line(steps, series_colour(config, number), width=1.2 if dashed else 2, dashed=dashed)


def draw_bars(drawing: Drawing, area: Area, panel: Json, found: Sequence[Series], window: Window) -> None:
    """One stack for each moment."""
    stacks: dict[float, float] = {}
    for series in found:
        for at, value in series.points:
            stacks[at] = stacks.get(at, 0) + value
    after = "barAlignment" in panel["fieldConfig"]["defaults"]["custom"]
    # The first bar ends, or the last one begins, at the edge of the window.
    wide = (
        replace(window, now=window.end + window.step, span=window.span)
        if after
        else replace(window, span=window.span + window.step)
    )
    scale = _scale(drawing, area, panel, wide, found=found, values=list(stacks.values()))
    reached = dict.fromkeys(stacks, 0.0)
    width = 0.8 * scale.area.width * window.step / (scale.end - scale.start)
    for number, series in enumerate(found):
        colour = series_colour(effective(panel, series.name, series.ref), number)
        for at, value in series.points:
            top = scale.y(reached[at] + value)
            left = scale.x(at) - (0 if after else width)
            drawing.rect(max(left, scale.area.x), top, width, scale.y(reached[at]) - top, colour)
            reached[at] += value


def draw_spans(drawing: Drawing, area: Area, series: Series, window: Window, config: Json) -> None:
    """A row of spans; nothing where no value is known."""
    width = area.width * window.step / (window.end - window.start + window.step)
    for part in _without_gaps(series.points, window.step):
        for value, points in groupby(part, key=lambda point: point[1]):
            times = [at for at, _ in points]
            x = area.x + width * (times[0] - window.start) / window.step
            drawing.rect(x, area.y, width * len(times), area.height, coloured(value, config))


def _scale(
    drawing: Drawing, area: Area, panel: Json, window: Window, *, found: Sequence[Series], values: Sequence[float]
) -> _Scale:
    """Axes and legend; the rest of the area is for the values."""
    defaults = panel["fieldConfig"]["defaults"]
    least, most = min([*values, defaults.get("min", min(values))]), max([*values, defaults.get("max", max(values))])
    if most == least:
        least, most = (least - 1, most + 1) if least < 0 else (0, max(most * 1.5, 1))
    legend = _draw_legend(drawing, area, panel, found)
    inner = Area(area.x + _AXIS, area.y + 4, area.width - _AXIS - 6, area.height - _FOOT - legend - 4)
    log = defaults["custom"].get("scaleDistribution", {}).get("type") == "log"
    scale = _Scale(
        inner, window.start, max(window.end, window.start + window.step), max(least, 1) if log else least, most, log
    )
    written = ""
    for part in _TICKS:
        value = scale.at(part)
        y = scale.y(value)
        drawing.line([(inner.x, y), (inner.x + inner.width, y)], GRID, width=0.7)
        words = worded(value, defaults, window.now)
        if words != written:
            drawing.text(inner.x - 6, y + 4, words, size=10, colour=QUIET, anchor="end")
        written = words
    for part in _TICKS:
        at = scale.start + part * (scale.end - scale.start)
        form = "%d %b" if window.step == _DAY else "%H:%M"
        words = datetime.fromtimestamp(at, UTC).strftime(form)
        anchor = {0.0: "start", 1.0: "end"}.get(part, "middle")
        drawing.text(scale.x(at), inner.y + inner.height + 14, words, size=10, colour=QUIET, anchor=anchor)
    return scale


def _draw_legend(drawing: Drawing, area: Area, panel: Json, found: Sequence[Series]) -> float:
    """Colours and names in as many rows as they need, from the bottom; returns their height."""
    places, x, row = [], area.x, 0
    for number, series in enumerate(found):
        need = width_of(series.name, 10) + 30
        if x + need > area.x + area.width and x > area.x:
            x, row = area.x, row + 1
        places.append((x, row, series, series_colour(effective(panel, series.name, series.ref), number)))
        x += need
    height = (row + 1) * _LEGEND_ROW
    top = area.y + area.height - height
    for x, at, series, colour in places:
        y = top + at * _LEGEND_ROW
        drawing.rect(x, y + 6, 12, 3, colour)
        drawing.text(x + 16, y + 11, series.name, size=10, colour=QUIET)
    return height


def _draw_limits(drawing: Drawing, scale: _Scale, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    steps = defaults["thresholds"]["steps"]
    bounds = [scale.least, *(step["value"] for step in steps[1:]), scale.most]
    for below, above in pairwise(bounds):
        low, high = max(below, scale.least), min(above, scale.most)
        colour = coloured((low + high) / 2, defaults)
        if high > low and colour:
            height = scale.y(low) - scale.y(high)
            drawing.rect(scale.area.x, scale.y(high), scale.area.width, height, colour, opacity=0.15)


def _without_gaps(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    parts: list[list[tuple[float, float]]] = []
    for point in points:
        if parts and point[0] - parts[-1][-1][0] <= 1.5 * step:
            parts[-1].append(point)
        else:
            parts.append([point])
    return parts
