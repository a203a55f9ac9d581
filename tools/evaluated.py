"""
A Prometheus that holds samples of the past and all that the shipped rules make of them, as if it had been there.

Prometheus evaluates rules at the present only. Here their expressions are asked over the past, in an order in which
each finds what it reads, and the answers are stored beside the samples.
"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml

from tests.components import component
from tests.stack.programs import prometheus
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules"
_FLAGS = ("--storage.tsdb.retention.time=10y", "--log.level=error")
_FEW_BLOCKS = "--max-block-duration=1000h"
"""Else the samples are read once for every two hours."""


class Stretch(NamedTuple):
    """A time with a sample at each multiple of *step*, in seconds since 1970."""

    start: float
    end: float
    step: float


@contextmanager
def evaluated(folder: Path, samples: Iterable[Path], stretches: Sequence[Stretch]) -> Iterator[Prometheus]:
    """Run it until the block ends; alerts are those at the end of the last of *stretches*. Its data are in *folder*."""
    for file in samples:
        with file.open("a") as stream:
            stream.write("# EOF\n")
        _store(folder, file)
    groups = [group for file in RULES.glob("*.yml") for group in yaml.safe_load(file.read_text())["groups"]]
    rules = [rule for group in groups for rule in group["rules"]]
    for number, ready in enumerate([*_in_order(rules), [rule for rule in rules if "alert" in rule]]):
        file = folder / f"evaluated-{number}.txt"
        with prometheus(folder, {}, *_FLAGS) as url, file.open("w") as stream:
            for rule in ready:
                evaluate = _alert if "alert" in rule else _record
                stream.writelines(evaluate(rule, Prometheus(url), stretches))
            stream.write("# EOF\n")
        _store(folder, file)
    with prometheus(folder, {}, *_FLAGS) as url:
        yield Prometheus(url)


def _in_order(rules: Iterable[Any]) -> Iterator[list[Any]]:
    """The recorded series in steps: each reads only itself and those of earlier steps."""
    recorded = defaultdict[str, list[Any]](list)
    for rule in rules:
        if "record" in rule:
            recorded[rule["record"]].append(rule)
    reads = {name: set().union(*(_named_in(rule["expr"]) for rule in each)) for name, each in recorded.items()}
    sorter = TopologicalSorter({name: reads[name] & recorded.keys() - {name} for name in recorded})
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield [rule for name in ready for rule in recorded[name]]
        sorter.done(*ready)


def _named_in(expr: str) -> set[str]:
    names = set[str]()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name is not None:
            names.add(node.name)

    promql_parser.walk(promql_parser.parse(expr), note)
    return names


def _record(rule: Any, server: Prometheus, stretches: Sequence[Stretch]) -> Iterator[str]:
    for stretch in stretches:
        first = stretch.start // stretch.step * stretch.step
        for series in server.over_time(rule["expr"], first, stretch.end, stretch.step):
            name = _series(rule["record"], {**series["metric"], **rule.get("labels", {})})
            yield from (f"{name} {value} {at}\n" for at, value in series["values"])


def _alert(rule: Any, server: Prometheus, stretches: Sequence[Stretch]) -> Iterator[str]:
    """An alert has been active since the last moment at which its condition did not hold."""
    last = stretches[-1]
    waits = promql_parser.parse_duration(rule["for"]).total_seconds() if "for" in rule else 0.0
    for series in server.over_time(rule["expr"], *last):
        moments = {at for at, _ in series["values"]}
        if last.end not in moments:
            continue
        since = last.end
        while since - last.step in moments:
            since -= last.step
        labels = {**series["metric"], **rule.get("labels", {}), "alertname": rule["alert"]}
        state = "firing" if last.end - since >= waits else "pending"
        yield f"{_series('ALERTS_FOR_STATE', labels)} {since} {last.end}\n"
        yield f"{_series('ALERTS', {**labels, 'alertstate': state})} 1 {last.end}\n"


def _series(name: str, labels: Mapping[str, str]) -> str:
    written = ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items() if label != "__name__")
    return f"{name}{{{written}}}"


def _store(folder: Path, file: Path) -> None:
    command = [str(component("promtool")), "tsdb", "create-blocks-from", _FEW_BLOCKS, "openmetrics"]
    subprocess.run([*command, str(file), str(folder / "prometheus")], check=True, stdout=subprocess.DEVNULL)
