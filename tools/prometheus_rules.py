"""
Write the Prometheus Operator's objects from the files that Prometheus and Alertmanager read: `make generate`.

Each file in `deploy/prometheus/rules` becomes one PrometheusRule whose spec is the file's text, moved to the right:
comments stay, and a difference shows in a review. `deploy/alertmanager` becomes the AlertmanagerConfig among the
examples. Rules and dashboards together are what the mixin reads. `tests/unit/deploy` fails when one is not current.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules"
COMPONENT = ROOT / "deploy" / "kubernetes" / "components" / "prometheus-operator"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
ALERTMANAGER_CONFIG = ROOT / "deploy" / "kubernetes" / "examples" / "alertmanagerconfig.yaml"

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
MADE = ROOT / "deploy" / "mixin" / "made.json"

ABOVE_ALERTMANAGER_CONFIG = """\
# Made from deploy/alertmanager/alertmanager.yml by `make generate`; it says what each part is for. Copy this, and put
# your receivers in place of the webhooks. It belongs into the exporter's namespace, as the operator adds that to every
# matcher; an alert without a namespace (no exporter was ever scraped) takes the default route of your Alertmanager.
"""

KUSTOMIZATION = """\
# For clusters with the Prometheus Operator. The PrometheusRule objects are made from deploy/prometheus/rules by
# `make generate`. Where your Prometheus selects monitors and rules by a label, add it by `labels:` in your own
# kustomization; the label `release` is a common one.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - servicemonitor.yaml
"""


def main() -> None:
    for old in COMPONENT.glob("prometheusrule-*.yaml"):
        old.unlink()
    kustomization = KUSTOMIZATION
    for source in sorted(RULES.glob("*.rules.yml")):
        name = source.name.removesuffix(".rules.yml")
        target = COMPONENT / f"prometheusrule-{name}.yaml"
        target.write_text(render(name, source))
        kustomization += f"  - {target.name}\n"
    (COMPONENT / "kustomization.yaml").write_text(kustomization)
    ALERTMANAGER_CONFIG.write_text(alertmanager_config(ALERTMANAGER.read_text()))
    MADE.write_text(for_mixin())


def render(name: str, source: Path) -> str:
    lines = [f"  {line}" if line else "" for line in source.read_text().splitlines()]
    return "\n".join(
        [
            f"# Made from deploy/prometheus/rules/{source.name} by `make generate`. Change that one.",
            "apiVersion: monitoring.coreos.com/v1",
            "kind: PrometheusRule",
            "metadata:",
            f"  name: {name}",
            "  labels:",
            "    app.kubernetes.io/name: braze-cdi-exporter",
            "spec:",
            *lines,
            "",
        ]
    )


def for_mixin() -> str:
    """All groups of rules and all dashboards, by the names of their files; a line for each, as a review shows them."""
    groups = [
        group for file in sorted(RULES.glob("*.rules.yml")) for group in yaml.safe_load(file.read_text())["groups"]
    ]
    dashboards = {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}
    lines = ",\n".join(json.dumps(group) for group in groups)
    named = ",\n".join(f"{json.dumps(name)}: {json.dumps(content)}" for name, content in dashboards.items())
    return f'{{"groups": [\n{lines}\n],\n"dashboards": {{\n{named}\n}}}}\n'


def alertmanager_config(text: str) -> str:
    """Routes, inhibitions and receivers of *text*, an Alertmanager's configuration, as the operator's object."""
    content = {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": {"name": "braze-cdi-exporter", "labels": {"app.kubernetes.io/name": "braze-cdi-exporter"}},
        "spec": _in_camel_case(yaml.safe_load(text)),
    }
    return ABOVE_ALERTMANAGER_CONFIG + yaml.dump(
        content, Dumper=_Indenting, sort_keys=False, default_flow_style=None, width=120
    )


class _Indenting(yaml.SafeDumper):
    """Indents lists, as everywhere in this repository."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - as yaml calls it
        super().increase_indent(flow, False)


def _in_camel_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_camel_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, each in value.items():
        if key.endswith("matchers"):
            name = {"matchers": "matchers", "source_matchers": "sourceMatch", "target_matchers": "targetMatch"}[key]
            made[name] = [_matcher(matcher) for matcher in each]
        else:
            made[re.sub(r"_(.)", lambda letter: letter[1].upper(), key)] = _in_camel_case(each)
    return made


def _matcher(text: str) -> dict[str, str]:
    match = re.fullmatch(r"(\w+)(=~|!~|!=|=)\"(.*)\"", text)
    if match is None:
        raise ValueError(f"not a matcher: {text}")
    return {"name": match[1], "matchType": match[2], "value": match[3]}


if __name__ == "__main__":
    main()
