"""The mixin, evaluated as jsonnet, is the shipped rules and dashboards, and `_config` changes what it should."""

import json
import re
from pathlib import Path
from typing import Any

import _gojsonnet  # type: ignore[import-not-found] # the wheel has no types
import yaml

from tools.prometheus_rules import MADE, for_mixin

ROOT = Path(__file__).resolve().parents[3]
MIXIN = ROOT / "deploy" / "mixin" / "mixin.libsonnet"
GROUPS = [
    group
    for file in sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
]


def rendered(config: str = "{}") -> dict[str, Any]:
    mixin = f"((import {json.dumps(str(MIXIN))}) + {{ _config+:: {config} }})"
    fields = ("prometheusAlerts", "prometheusRules", "grafanaDashboards")
    snippet = f"local mixin = {mixin}; {{ {', '.join(f'{field}: mixin.{field}' for field in fields)} }}"
    found: dict[str, Any] = json.loads(_gojsonnet.evaluate_snippet("mixin", snippet))
    return found


def test_what_it_reads_is_current() -> None:
    assert MADE.read_text() == for_mixin(), "make generate makes it current"


def test_it_holds_all_rules_and_dashboards_as_they_are_shipped() -> None:
    found = rendered()
    groups = [*found["prometheusAlerts"]["groups"], *found["prometheusRules"]["groups"]]
    assert sorted(groups, key=lambda group: str(group["name"])) == sorted(GROUPS, key=lambda group: str(group["name"]))
    assert found["grafanaDashboards"] == {
        path.name: json.loads(path.read_text()) for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")
    }


def test_a_group_of_recording_rules_alone_is_no_group_of_alerts() -> None:
    found = rendered()
    assert all(any("alert" in rule for rule in group["rules"]) for group in found["prometheusAlerts"]["groups"])
    assert not any("alert" in rule for group in found["prometheusRules"]["groups"] for rule in group["rules"])


def test_config_changes_job_labels_and_links_everywhere() -> None:
    text = json.dumps(
        rendered(
            "{ job: 'cdi', installationLabels: ['region', 'cluster'], statusUrl: 'https://page.example.com',"
            " runbookUrl: 'https://wiki.example.com/runbook' }"
        )
    )
    assert 'job=\\"cdi\\"' in text
    assert 'job=\\"braze-cdi-exporter\\"' not in text
    assert "(region, cluster, workspace)" in text
    assert "{region=%q, cluster=%q, workspace=%q" in text
    assert "$labels.region $labels.cluster $labels.workspace" in text
    assert not re.search(r"\bnamespace\b", text)
    assert "https://page.example.com/integrations/" in text
    assert "localhost:10273" not in text
    assert "https://wiki.example.com/runbook#failing" in text
    assert "docs/runbook.md" not in text


def test_it_is_added_to_other_mixins() -> None:
    other = "{ prometheusAlerts+:: { groups+: [{ name: 'other', rules: [] }] } }"
    both = f"({other} + import {json.dumps(str(MIXIN))}).prometheusAlerts"
    names = [group["name"] for group in json.loads(_gojsonnet.evaluate_snippet("both", both))["groups"]]
    assert names[0] == "other"
    assert len(names) > 1
