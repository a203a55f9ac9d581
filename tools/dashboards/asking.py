"""The answers of Prometheus to all that a dashboard's panels ask, as `tools/grafana-drawing/draw.jsx` wants them."""

from dataclasses import dataclass
from typing import Any

from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import Window, filled, options_of, panels, series_of

Json = dict[str, Any]

_SECONDS = {"": 0.0, "1m": 60.0, "5m": 300.0, "1d": 86400.0}
_DAY = 86400.0
_POINTS = 480


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody who reads a dashboard: where, when, and with which variables chosen."""

    prometheus: Prometheus
    now: float
    span: float
    scrape_interval: float
    chosen: dict[str, str]

    def window(self, panel: Json, target: Json) -> Window:
        """The time that a query covers, in steps that the panel has room for."""
        span = float(panel["timeFrom"].rstrip("d")) * _DAY if panel.get("timeFrom") else self.span
        least = max(self.scrape_interval, _SECONDS[target.get("interval", "")])
        return Window(self.now, span, max(least, span // _POINTS), self.scrape_interval)

    def ask(self, panel: Json, target: Json) -> Json:
        """What Prometheus answers to one query of *panel*."""
        window = self.window(panel, target)
        expr = filled(target["expr"], {**self.chosen, **window.variables()})
        if target["instant"]:
            found = self.prometheus.now(expr, self.now)
        else:
            found = self.prometheus.over_time(expr, window.start, window.end, window.step)
        series = [{"metric": each["metric"], "values": each.get("values") or [each["value"]]} for each in found]
        return {"refId": target["refId"], "legend": target["legendFormat"], "step": window.step, "series": series}


def choose(dashboard: Json, prometheus: Prometheus, window: Window, name: str = "", **chosen: str) -> dict[str, str]:
    """
    The values of a dashboard's variables, *chosen* ones as they are.

    Else all workspaces, the integration of that *name*, and all that is offered of what nobody sees.
    """
    chosen = {"workspace": ".+", **chosen}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["name"] not in chosen:
            expr = filled(series_of(variable), {**chosen, **window.variables()})
            offered = options_of(variable, prometheus.now(expr, window.now))
            one = variable["name"] == "integration"
            values = [value for text, value in offered if not one or text.split(" · ")[0] == name]
            chosen[variable["name"]] = values[0] if one else f"({'|'.join(values)})"
    return chosen


def drawn(dashboard: Json, reading: Reading, *, dark: bool, width: int) -> Json:
    """All that the drawing needs."""
    answers, ranges = {}, {}
    for panel in panels(dashboard):
        answers[panel["id"]] = [reading.ask(panel, target) for target in panel["targets"]]
        window = reading.window(panel, panel["targets"][0])
        ranges[panel["id"]] = {"from": 1000 * (window.now - window.span), "to": 1000 * window.now}
    return {"dashboard": dashboard, "answers": answers, "ranges": ranges, "dark": dark, "width": width}
