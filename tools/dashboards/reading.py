"""
What a dashboard asks Prometheus, with its variables replaced as Grafana would.

It reads the generated JSON, not the source: what Grafana gets is what counts. It knows how Grafana spells things and
nothing about what is asked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "grafana" / "dashboards"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a panel, variable or annotation."""

    place: str
    """Which dashboard, what in it, and which query of it."""
    expr: str
    """As in the JSON, with variables."""
    now: bool
    """Asks for the latest value only; else for values over time."""
    step_seconds: float
    """The least time between two values; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Window:
    """The *span* of time up to *now*, in seconds, cut into steps as Grafana cuts it: at multiples of the step."""

    now: float
    span: float
    step: float
    scrape_interval: float

    @property
    def start(self) -> float:
        return (self.now - self.span) // self.step * self.step

    @property
    def end(self) -> float:
        return self.now // self.step * self.step

    def variables(self) -> dict[str, str]:
        """Grafana's own variables, by its documentation of the Prometheus data source."""
        rate = max(self.step + self.scrape_interval, 4 * self.scrape_interval)
        return {
            "__range": f"{self.span:.0f}s",
            "__interval": f"{self.step:.0f}s",
            "__rate_interval": f"{rate:.0f}s",
        }


def dashboards() -> dict[str, Json]:
    """Every generated dashboard by its uid."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard: Json) -> list[Json]:
    """Its panels in their order; headings are none."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def questions(dashboard: Json) -> Iterator[Question]:
    """All that it asks Prometheus."""
    uid = dashboard["uid"]
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Question(
                f"{uid}: {panel['title']}: {target['refId']}",
                target["expr"],
                target["instant"],
                _seconds(target.get("interval", "")),
            )
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Question(f"{uid}: ${variable['name']}", series_of(variable), now=True, step_seconds=0)
    for annotation in dashboard["annotations"]["list"]:
        target = annotation["target"]
        place = f"{uid}: annotation {annotation['name']}"
        yield Question(place, target["expr"], now=False, step_seconds=_seconds(target["interval"]))


def series_of(variable: Json) -> str:
    """The PromQL behind a variable's query."""
    query: str = variable["query"]["query"]
    inner = re.fullmatch(r"query_result\((.*)\)", query)
    if inner:
        return inner[1]
    labels = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
    if labels:
        return f"group by ({labels[2]}) ({labels[1]})"
    raise ValueError(f"unknown kind of variable query: {query}")


def options_of(variable: Json, answer: list[Json]) -> list[tuple[str, str]]:
    """What Grafana offers for *answer*: text and value of each option."""
    if not variable.get("regex"):
        label = variable["query"]["query"].rsplit(", ", 1)[1].rstrip(")")
        return sorted((each["metric"][label], each["metric"][label]) for each in answer)
    # JavaScript's named groups are spelt without the P.
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    written = ("{" + ",".join(f'{name}="{value}"' for name, value in each["metric"].items()) + "}" for each in answer)
    found = (match.groupdict() for match in map(pattern.search, written) if match)
    return sorted((each["text"], each.get("value", each["text"])) for each in found)


def filled(expr: str, values: Mapping[str, str]) -> str:
    """
    *expr* with every variable replaced.

    Raises:
        KeyError: It names a variable that has no value.

    """
    return re.sub(r"\$(\w+)", lambda name: values[name[1]], expr)


def _seconds(interval: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return float(interval[:-1]) * units[interval[-1]] if interval else 0
