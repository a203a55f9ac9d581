"""
Draws a dashboard's data: every panel at its place, with the answers of Prometheus in it.

It is a help to the reader of the documents and no picture of Grafana: kinds of panels are drawn plainly, and only what
our dashboards use is known.
"""

from collections.abc import Callable
from typing import Any

from tools.dashboards.asking import Reading, columns_of_table, rows_of_table, series_of_panel
from tools.dashboards.charts import Area, draw_bars, draw_lines, draw_spans
from tools.dashboards.svg import BACKGROUND, CARD, GRID, LINK, QUIET, TEXT, Drawing, fitting, width_of
from tools.dashboards.wording import coloured, effective, replaced, worded

Json = dict[str, Any]

CELL = (60, 32)
GAP = 6
HEAD = 46
_ROW = 24
_FOREIGN_COLUMN = 110


def draw_dashboard(dashboard: Json, reading: Reading, subtitle: str) -> str:
    """The whole dashboard as SVG."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) * CELL[1]
    drawing = Drawing(24 * CELL[0] + GAP, HEAD + height + GAP)
    drawing.text(12, 20, dashboard["title"], size=16, bold=True)
    drawing.text(12, 37, subtitle, size=11, colour=QUIET)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        x, y = place["x"] * CELL[0] + GAP, HEAD + place["y"] * CELL[1] + GAP
        width, height = place["w"] * CELL[0] - GAP, place["h"] * CELL[1] - GAP
        if panel["type"] == "row":
            drawing.text(x + 2, y + 18, panel["title"], size=14, bold=True)
            continue
        drawing.rect(x, y, width, height, CARD)
        drawing.text(x + 10, y + 17, panel["title"], size=12, bold=True, room=width - 20)
        _KINDS[panel["type"]](drawing, Area(x + 10, y + 26, width - 20, height - 34), panel, reading)
    return drawing.render()


def _nothing(drawing: Drawing, area: Area, panel: Json) -> None:
    words = panel["fieldConfig"]["defaults"]["noValue"]
    drawing.text(area.x + area.width / 2, area.y + area.height / 2 + 4, words, size=13, colour=QUIET, anchor="middle")


def _stat(drawing: Drawing, area: Area, panel: Json, reading: Reading) -> None:
    found = series_of_panel(reading, panel)
    if not found:
        return _nothing(drawing, area, panel)
    room = area.width / len(found)
    for number, series in enumerate(found):
        config = effective(panel, series.name, series.ref)
        x, y = area.x + (number + 0.5) * room, area.y + area.height / 2
        words = worded(series.latest, config, reading.now)
        size = 26 if len(found) == 1 else 16
        drawing.text(x, y + 10, words, size=size, colour=coloured(series.latest, config), anchor="middle", room=room)
        if len(found) > 1:
            drawing.text(x, y + 30, series.name, colour=QUIET, anchor="middle", room=room)
    return None


def _ranking(drawing: Drawing, area: Area, panel: Json, reading: Reading) -> None:
    found = series_of_panel(reading, panel)
    if not found:
        return _nothing(drawing, area, panel)
    most = max(series.latest for series in found)
    names = area.width * 0.45
    for number, series in enumerate(found[: int(area.height // _ROW)]):
        config = effective(panel, series.name)
        y, colour = area.y + number * _ROW, coloured(series.latest, config)
        drawing.text(area.x, y + 16, config.get("displayName", series.name), room=names)
        length = (area.width - names - 40) * series.latest / most
        drawing.rect(area.x + names, y + 4, length, _ROW - 8, colour)
        words = worded(series.latest, config, reading.now)
        drawing.text(area.x + names + length + 6, y + 16, words, colour=colour)
    return None


def _table(drawing: Drawing, area: Area, panel: Json, reading: Reading) -> None:
    rows = rows_of_table(reading, panel)
    if not rows:
        return _nothing(drawing, area, panel)
    columns = columns_of_table(panel, rows)
    widths = {name: float(effective(panel, name).get("custom.width", 0)) for name in columns}
    free = [name for name in columns if not widths[name]]
    share = (area.width - sum(widths.values())) / max(len(free), 1)
    widths |= {name: max(share, _FOREIGN_COLUMN) for name in free}
    x = area.x
    for name in columns:
        drawing.text(x + 4, area.y + 14, name, colour=QUIET, bold=True, room=widths[name] - 6)
        for number, row in enumerate(rows[: int(area.height // _ROW) - 1]):
            y = area.y + (number + 1) * _ROW
            if name == columns[0]:
                drawing.line([(area.x, y - 2), (area.x + area.width, y - 2)], GRID, width=0.7)
            if name in row:
                _cell(drawing, Area(x, y, widths[name], _ROW - 4), row[name], effective(panel, name), reading.now)
        x += widths[name]
    return None


def _cell(drawing: Drawing, area: Area, value: str | float, config: Json, now: float) -> None:
    if isinstance(value, str):
        colour = LINK if "links" in config else TEXT
        drawing.text(area.x + 4, area.y + 14, replaced(value, config), colour=colour, room=area.width - 6)
        return
    cell = config.get("custom.cellOptions", {}).get("type", "auto")
    colour = coloured(value, config) if cell != "auto" else TEXT
    if cell == "color-background":
        drawing.rect(area.x + 2, area.y, area.width - 6, area.height, colour)
        colour = BACKGROUND
    drawing.text(area.x + 6, area.y + 14, worded(value, config, now), colour=colour, room=area.width - 8)


def _timeline(drawing: Drawing, area: Area, panel: Json, reading: Reading) -> None:
    found = series_of_panel(reading, panel)
    if not found:
        return _nothing(drawing, area, panel)
    configs = [effective(panel, series.name, series.ref) for series in found]
    names = [config.get("displayName", series.name) for series, config in zip(found, configs, strict=True)]
    margin = min(max(width_of(name, 11) for name in names) + 12, area.width / 3)
    rows = list(zip(found, configs, names, strict=True))[: int((area.height - 34) // 14)]
    tall = min((area.height - 34) / len(rows), 34)
    window = reading.window(panel, panel["targets"][0])
    for number, (series, config, name) in enumerate(rows):
        y = area.y + number * tall
        drawing.text(area.x, y + tall / 2 + 4, fitting(name, 11, margin - 8))
        row = Area(area.x + margin, y + 2, area.width - margin, tall - 4)
        draw_spans(drawing, row, series, window, config)
    legend = Area(area.x + margin, area.y + area.height - 30, area.width - margin, 30)
    times = [(window.start, "start"), (window.end, "end")]
    for at, anchor in times:
        words = "now" if anchor == "end" else worded(1000 * at, {"unit": "dateTimeFromNow"}, reading.now)
        place = legend.x if anchor == "start" else legend.x + legend.width
        drawing.text(place, legend.y + 10, words, size=10, colour=QUIET, anchor=anchor)
    x = area.x
    for code, result in panel["fieldConfig"]["defaults"]["mappings"][0]["options"].items():
        if any(value == float(code) for series in found for _, value in series.points):
            drawing.rect(x, legend.y + 17, 10, 10, result["color"])
            drawing.text(x + 15, legend.y + 26, result["text"], size=10, colour=QUIET)
            x += width_of(result["text"], 10) + 32
    return None


def _over_time(drawing: Drawing, area: Area, panel: Json, reading: Reading) -> None:
    found = series_of_panel(reading, panel)
    if not found:
        return _nothing(drawing, area, panel)
    window = reading.window(panel, panel["targets"][0])
    is_bars = panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
    (draw_bars if is_bars else draw_lines)(drawing, area, panel, found, window)
    return None


_KINDS: dict[str, Callable[[Drawing, Area, Json, Reading], None]] = {
    "stat": _stat,
    "bargauge": _ranking,
    "table": _table,
    "state-timeline": _timeline,
    "timeseries": _over_time,
}
