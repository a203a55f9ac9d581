"""
Copies of the shipped rules and routes for a test that has a minute, not an hour: all that differs is how long things
take, and where Alertmanager's receivers are.

A minute of the rules becomes a second and a half, everywhere: what should wait longer than something else still does.
Ranges and thresholds in expressions stay as they are. Alerts that last as long as the range they look at are therefore
there twice: as they are, and under another name with a short range and kept shortly, so that a test sees them end.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from tests.stack.programs import ROOT

SHORTER = 40
"""So many times as fast as in production."""
RULE_FILES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml"))
ROUTES = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
GROUP_WAIT, GROUP_INTERVAL = "2s", "1s"
"""Not shortened as the rules are. The wait must bridge two groups of rules, which have turns of their own; the interval
hides what begins and ends soon, and here everything is to be seen."""
EVALUATION_SECONDS = 1
LASTING = {
    "BrazeCDIHistoryGap": "10m",
    "BrazeCDIPayloadAnomalies": "1h",
    "BrazeCDIRateLimited": "15m",
    "BrazeCDIStateWriteFailing": "15m",
}
"""Alerts that last as long as the range they look at, and that range."""
SHORT_RANGE = "45s"
LONG_KEPT = "6h"
SHORT_KEPT = "5m"


def shorter_rules(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a file of rules in which waiting is short."""
    copy = deepcopy(document)
    for group in copy["groups"]:
        _shorten(group, "interval")
        for rule in group["rules"]:
            _shorten(rule, "for")
            _shorten(rule, "keep_firing_for")
    return copy


def short_sighted(name: str) -> str:
    """Return what the twin of a lasting alert is called; other alerts are their own twins."""
    return f"{name}ShortSighted" if name in LASTING else name


def short_sighted_rules(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a file of rules with the twins of the lasting alerts, which differ in name and range."""
    twins = []
    for document in documents.values():
        for group in document["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") in LASTING:
                    expr = rule["expr"].replace(f"[{LASTING[rule['alert']]}]", f"[{SHORT_RANGE}]")
                    twin = {**rule, "alert": short_sighted(rule["alert"]), "expr": expr}
                    if twin.get("keep_firing_for") == LONG_KEPT:
                        twin["keep_firing_for"] = SHORT_KEPT
                    twins.append(twin)
    return {"groups": [{"name": "short-sighted", "rules": twins}]}


def shipped_rules() -> dict[str, dict[str, Any]]:
    """Return the files of rules by their names."""
    return {file.name: yaml.safe_load(file.read_text()) for file in RULE_FILES}


def write_rules(folder: Path) -> Path:
    """Write shorter copies of the shipped rules, and return the pattern by which Prometheus finds them."""
    folder.mkdir()
    shipped = shipped_rules()
    for name, document in {**shipped, "short-sighted.rules.yml": short_sighted_rules(shipped)}.items():
        (folder / name).write_text(yaml.safe_dump(shorter_rules(document), width=10_000))
    return folder / "*.rules.yml"


def shipped_routes() -> dict[str, Any]:
    routes: dict[str, Any] = yaml.safe_load(ROUTES.read_text())
    return routes


def local_routes(document: dict[str, Any], receiver: str) -> dict[str, Any]:
    """Return a copy of Alertmanager's configuration that waits little, and sends everything to *receiver*."""
    copy = deepcopy(document)
    _hasten(copy["route"])
    for each in copy["receivers"]:
        for webhook in each["webhook_configs"]:
            webhook["url"] = f"{receiver}/{each['name']}"
    return copy


def _shorten(holder: dict[str, Any], name: str) -> None:
    if name in holder:
        holder[name] = f"{promql_parser.parse_duration(holder[name]).total_seconds() * 1000 / SHORTER:.0f}ms"


def _hasten(route: dict[str, Any]) -> None:
    route.update({name: value for name, value in _WAITS.items() if name in route})
    for each in route.get("routes", []):
        _hasten(each)


_WAITS = {"group_wait": GROUP_WAIT, "group_interval": GROUP_INTERVAL}
