"""
The objects for the operators of Prometheus and VictoriaMetrics are ones that they take, and say what the others say.

tests/data/crds has the schemas of prometheus-operator 0.85.0 (Apache-2.0) without their descriptions, and of an
AlertmanagerConfig's receivers the webhook alone. Fields that a schema does not name are errors, as with
`kubectl apply --validate=strict`.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tools.prometheus_rules import ALERTMANAGER, ALERTMANAGER_CONFIG, COMPONENT, alertmanager_config

ROOT = Path(__file__).resolve().parents[3]
CRDS = ROOT / "tests" / "data" / "crds"
EXAMPLES = ROOT / "deploy" / "kubernetes" / "examples"
MONITOR = COMPONENT / "servicemonitor.yaml"
OBJECTS = [MONITOR, *sorted(COMPONENT.glob("prometheusrule-*.yaml")), EXAMPLES / "podmonitor.yaml", ALERTMANAGER_CONFIG]

Object = dict[str, Any]


def read(path: Path) -> Object:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def closed(schema: Any) -> Any:
    """*schema* with every object that has named fields allowing no others."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(each) for key, each in schema.items()}
    return {"additionalProperties": False, **made} if isinstance(made.get("properties"), dict) else made


def errors(content: Object) -> list[str]:
    schema = closed(json.loads((CRDS / f"{content['kind']}.json").read_text()))
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.name)
def test_the_operator_takes_the_object(path: Path) -> None:
    assert errors(read(path)) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("podmonitor.yaml", {"podMetricEndpoints": []}, "podMetricEndpoints"),
        ("podmonitor.yaml", {"podMetricsEndpoints": [{"port": "metrics", "interval": "30"}]}, "does not match"),
        ("alertmanagerconfig.yaml", {"route": {"receiver": "a", "group_by": []}}, "group_by"),
        ("alertmanagerconfig.yaml", {"inhibitRules": [{"sourceMatch": [{"value": "a"}]}]}, "'name' is a required"),
    ],
)
def test_the_schemas_are_strict(name: str, change: Object, words: str) -> None:
    content = read(EXAMPLES / name)
    assert words in "".join(errors({**content, "spec": {**content["spec"], **change}}))


def test_routes_within_routes_are_valid_too() -> None:
    """The schema leaves them open, as it could not refer to itself."""
    content = read(ALERTMANAGER_CONFIG)
    routes = list(content["spec"]["route"]["routes"])
    for route in routes:
        assert errors({**content, "spec": {**content["spec"], "route": route}}) == []
        routes += route.get("routes", [])
    assert len(routes) > 3


def test_the_routes_are_those_of_the_example_for_alertmanager_itself() -> None:
    assert ALERTMANAGER_CONFIG.read_text() == alertmanager_config(ALERTMANAGER.read_text()), (
        "make generate makes it current"
    )
    spec, settings = read(ALERTMANAGER_CONFIG)["spec"], yaml.safe_load(ALERTMANAGER.read_text())
    assert len(spec["inhibitRules"]) == len(settings["inhibit_rules"])
    assert spec["inhibitRules"][0]["sourceMatch"] == [
        {"name": "alertname", "matchType": "=", "value": "BrazeCDIExporterDown"}
    ]
    assert spec["route"]["groupBy"] == settings["route"]["group_by"]


def test_the_pod_monitor_finds_the_same_target_by_the_same_names() -> None:
    monitor, pods = read(MONITOR)["spec"], read(EXAMPLES / "podmonitor.yaml")["spec"]
    assert pods["selector"] == monitor["selector"]
    assert pods["podMetricsEndpoints"] == monitor["endpoints"]


def test_the_scrape_of_victoria_metrics_finds_the_same_target_by_the_same_names() -> None:
    """Its operator's API: VMServiceScrape has endpoints as a ServiceMonitor has, but `relabelConfigs`."""
    monitor, scrape = read(MONITOR), read(EXAMPLES / "vmservicescrape.yaml")
    (endpoint,) = scrape["spec"].pop("endpoints")
    endpoint["relabelings"] = endpoint.pop("relabelConfigs")
    (wanted,) = monitor["spec"].pop("endpoints")
    assert endpoint == wanted
    assert scrape == {**monitor, "apiVersion": "operator.victoriametrics.com/v1beta1", "kind": "VMServiceScrape"}
