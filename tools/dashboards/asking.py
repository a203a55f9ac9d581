"""The answers behind a panel: its series with the names a legend would have, and the rows of a table."""

import re
from dataclasses import dataclass
from typing import Any

from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import Window, filled

Json = dict[str, Any]

_DAYS = {"d": 86400.0}
_POINTS = 240


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel."""

    ref: str
    name: str
    points: list[tuple[float, float]]

    @property
    def latest(self) -> float:
        return self.points[-1][1]


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
        span = self.span
        if panel.get("timeFrom"):
            span = float(panel["timeFrom"][:-1]) * _DAYS[panel["timeFrom"][-1]]
        least = {"": self.scrape_interval, "1m": 60, "5m": 300, "1d": 86400}[target.get("interval", "")]
        return Window(self.now, span, max(least, span // _POINTS), self.scrape_interval)

    def ask(self, panel: Json, target: Json) -> list[Json]:
        """What Prometheus answers to one query of *panel*."""
        window = self.window(panel, target)
        expr = filled(target["expr"], {**self.chosen, **window.variables()})
        if target["instant"]:
            return self.prometheus.now(expr, self.now)
        return self.prometheus.over_time(expr, window.start, window.end, window.step)


def series_of_panel(reading: Reading, panel: Json) -> list[Series]:
    """Every series of every query, in the order of the answers."""
    found = []
    for target in panel["targets"]:
        for answer in reading.ask(panel, target):
            values = answer.get("values") or [answer["value"]]
            points = [(float(at), float(value)) for at, value in values if value != "NaN"]
            if points:
                found.append(Series(target["refId"], _legend(target["legendFormat"], answer["metric"]), points))
    return found


def rows_of_table(reading: Reading, panel: Json) -> list[dict[str, str | float]]:
    """What Grafana's transformations "merge" and "organize" make of the answers: a row by the columns' names."""
    merged: list[dict[str, str | float]] = []
    for target in panel["targets"]:
        for answer in reading.ask(panel, target):
            labels = {name: value for name, value in answer["metric"].items() if value}
            row = next((row for row in merged if _agree(row, labels)), None)
            if row is None:
                row = {}
                merged.append(row)
            row.update(labels)
            row[f"Value #{target['refId']}"] = float(answer["value"][1])
    options = panel["transformations"][1]["options"]
    hidden, names, order = options["excludeByName"], options["renameByName"], options["indexByName"]
    rows = [
        {
            names.get(key, key): row[key]
            for key in sorted(row, key=lambda key: order.get(key, len(order)))
            if key not in hidden
        }
        for row in merged
    ]
    column, descending = panel["options"]["sortBy"][0]["displayName"], panel["options"]["sortBy"][0]["desc"]
    return sorted(rows, key=lambda row: _sortable(row.get(column, "")), reverse=descending)


def columns_of_table(panel: Json, rows: list[dict[str, str | float]]) -> list[str]:
    """The columns in their order, without those that have no value; those that no column names come last."""
    options = panel["transformations"][1]["options"]
    named = [options["renameByName"][field] for field in sorted(options["indexByName"], key=options["indexByName"].get)]
    found = {name for row in rows for name in row}
    return [name for name in named if name in found] + sorted(found - set(named))


def _agree(row: dict[str, str | float], labels: dict[str, str]) -> bool:
    common = set(row) & set(labels)
    return bool(common) and all(row[name] == labels[name] for name in common)


def _sortable(value: str | float) -> tuple[bool, float, str]:
    return (True, value, "") if isinstance(value, float) else (False, 0, value)


def _legend(template: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda name: labels.get(name[1], ""), template)
