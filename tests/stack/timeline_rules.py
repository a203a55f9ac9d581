"""
The shipped rules over a timeline of pages, by a real Prometheus and by promtool.

Prometheus evaluates rules only at the present moment, so here each expression is asked of it over a range: the pages
lie in its storage as blocks with times of their own, the recorded series are asked for first and stored in the same
way, after those that they read. What time does to an alert (`for`, `keep_firing_for`) is for promtool, which runs the
rule manager of Prometheus on a clock of its own.

A block holds no staleness markers, by which a scrape ends a series at once: `LOOKBACK` below the distance of two pages
stands for them.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml

from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from tests.components import component
from tests.snapshots import page_bytes
from tests.stack.copies import shipped_rules
from tests.stack.programs import prometheus
from tests.timelines import BEGIN, MINUTES, Timeline, at, view_at
from tools.dashboards.prometheus import Prometheus

LOOKBACK = "--query.lookback-delta=59s"
TARGET = 'job="braze-cdi-exporter",instance="a:10273"'
PROBLEM = "integration:braze_cdi_problem:last"
WORKSPACE_ALERT = "BrazeCDIWorkspacePollsFailing"

Samples = Mapping[str, Mapping[int, float]]
"""By series, as it is written on a page: values by minute."""
Rule = dict[str, Any]


class Reported(NamedTuple):
    """One problem as an alert about it names it."""

    integration: str
    kind: str
    severity: str
    team: str


def rules_of(documents: Iterable[Mapping[str, Any]]) -> Iterator[Rule]:
    return (rule for document in documents for group in document["groups"] for rule in group["rules"])


RULES = tuple(rules_of(shipped_rules().values()))
ALERTS: Mapping[str, Rule] = {rule["alert"]: rule for rule in RULES if PROBLEM in rule["expr"] and "alert" in rule}
"""The alerts about integrations."""
KIND_OF = {name: re.findall(rf'{PROBLEM}{{problem="(\w+)"}}', rule["expr"])[0] for name, rule in ALERTS.items()}


def named_in(expr: str) -> set[str]:
    """The metrics that *expr* reads."""
    names = set()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name is not None:
            names.add(node.name)

    promql_parser.walk(promql_parser.parse(expr), note)
    return names


def _recorded() -> Iterator[tuple[Rule, ...]]:
    """The recorded series that alerts about integrations read, in steps: each reads only itself and earlier ones."""
    records = {rule["record"]: named_in(rule["expr"]) for rule in RULES if "record" in rule}
    wanted = {name for rule in ALERTS.values() for name in named_in(rule["expr"])} & records.keys()
    while more := {name for each in wanted for name in records[each]} & records.keys() - wanted:
        wanted |= more
    while wanted:
        ready = {name for name in wanted if not records[name] & wanted - {name}}
        yield tuple(rule for rule in RULES if rule.get("record") in ready)
        wanted -= ready


RECORDED = tuple(_recorded())
READ = {name for rule in (*ALERTS.values(), *chain(*RECORDED)) for name in named_in(rule["expr"])}


def scraped(timelines: Iterable[Timeline]) -> Samples:
    """What a scrape a minute brings, as far as these rules read it: what the page shows, and that the target is up."""
    samples: dict[str, dict[int, float]] = {f"up{{{TARGET}}}": dict.fromkeys(range(MINUTES), 1.0)}
    page = Page(SelfMetrics())
    for minute in range(MINUTES):
        for timeline in timelines:
            page.publish(view_at(timeline, minute))
        for line in page_bytes(page, at(minute), openmetrics=True).decode().splitlines():
            name, brace, rest = line.partition("{")
            if brace and name in READ:
                series, _, value = rest.rpartition(" ")
                samples.setdefault(f"{name}{{{TARGET},{series}", {})[minute] = float(value)
    return samples


def second(minute: int) -> int:
    """The time of a page, in seconds since 1970."""
    return int(BEGIN.timestamp()) + 60 * minute


# By Prometheus


@contextmanager
def evaluated(folder: Path, samples: Samples) -> Iterator[Prometheus]:
    """Run a Prometheus that holds *samples* and all that its rules record of them."""
    _store(folder, samples)
    for rules in RECORDED:
        with prometheus(folder, {}, LOOKBACK) as url:
            recorded = {
                f"{rule['record']}{{{_labels(series['metric'])}}}": _by_minute(series)
                for rule in rules
                for series in _over_time(Prometheus(url), rule["expr"])
            }
        _store(folder, recorded)
    with prometheus(folder, {}, LOOKBACK) as url:
        yield Prometheus(url)


def holds(server: Prometheus, expr: str) -> dict[Reported, set[int]]:
    """In which minutes *expr* holds, of an alert about integrations."""
    return {reported(series["metric"]): set(_by_minute(series)) for series in _over_time(server, expr)}


def reported(labels: Mapping[str, str]) -> Reported:
    return Reported(labels["integration_id"], labels["problem"], labels["severity"], labels.get("team", ""))


def _over_time(server: Prometheus, expr: str) -> list[dict[str, Any]]:
    return server.over_time(expr, second(0), second(MINUTES - 1), 60)


def _by_minute(series: dict[str, Any]) -> dict[int, float]:
    return {(int(time) - second(0)) // 60: float(value) for time, value in series["values"]}


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")


def _store(folder: Path, samples: Samples) -> None:
    file = folder / "samples.txt"
    lines = [f"{series} {value} {second(n)}" for series, values in samples.items() for n, value in values.items()]
    file.write_text("\n".join([*lines, "# EOF", ""]))
    _run("tsdb", "create-blocks-from", "openmetrics", file, folder / "prometheus")


# By promtool


def fires(folder: Path, samples: Samples, expected: Mapping[int, Iterable[tuple[str, Reported]]], rules: Path) -> str:
    """
    Have promtool evaluate the rule files of a folder, and return what it finds other than *expected*.

    Args:
        folder: Where its input is written.
        samples: What is scraped.
        expected: By minute, each alert that fires.
        rules: The folder.

    """
    files = sorted(rules.glob("*.rules.yml"))
    groups = [group["name"] for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": _values(values)} for series, values in samples.items()],
        "promql_expr_test": [
            {
                "eval_time": f"{minute}m",
                "expr": 'ALERTS{problem!="", alertstate="firing"}',
                "exp_samples": [{"labels": _as_alert(name, each), "value": 1} for name, each in firing],
            }
            for minute, firing in expected.items()
        ],
    }
    document = {
        "rule_files": [str(file) for file in files],
        "evaluation_interval": "1m",
        # What is known of a workspace comes first: it holds back alerts about integrations.
        "group_eval_order": sorted(groups, key=lambda name: name != "braze-cdi-workspaces"),
        "tests": [test],
    }
    file = folder / "timeline.test.json"
    file.write_text(json.dumps(document))  # which is YAML too, and quickly written
    run = subprocess.run([component("promtool"), "test", "rules", file], capture_output=True, check=False, text=True)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def _values(values: Mapping[int, float]) -> str:
    """As promtool writes them; where a scrape brings none any more, the series is stale."""
    gap = ["stale" if minute - 1 in values else "_" for minute in range(MINUTES)]
    return " ".join(f"{values[minute]:g}" if minute in values else gap[minute] for minute in range(MINUTES))


def _as_alert(name: str, one: Reported) -> str:
    labels = {
        "alertname": name,
        "alertstate": "firing",
        "workspace": one.integration.partition("-")[0],
        "integration_id": one.integration,
        "integration_name": f"name of {one.integration}",
        "problem": one.kind,
        "severity": one.severity,
        **({"team": one.team} if one.team else {}),
    }
    return f"ALERTS{{{_labels(labels)}}}"


def _run(*arguments: str | Path) -> str:
    run = subprocess.run([component("promtool"), *arguments], capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
