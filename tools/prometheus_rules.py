"""
Write the Kubernetes component's PrometheusRule objects from `deploy/prometheus/rules`: `make rules`.

Each rule file becomes one object whose spec is the file's text, moved to the right: comments stay, and a difference
shows in a review. `tests/unit/deploy` fails when an object is not current.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules"
COMPONENT = ROOT / "deploy" / "kubernetes" / "components" / "prometheus-operator"

KUSTOMIZATION = """\
# For clusters with the Prometheus Operator. The PrometheusRule objects are made from deploy/prometheus/rules by
# `make rules`. Where your Prometheus selects monitors and rules by a label, add it by `labels:` in your own
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


def render(name: str, source: Path) -> str:
    lines = [f"  {line}" if line else "" for line in source.read_text().splitlines()]
    return "\n".join(
        [
            f"# Made from deploy/prometheus/rules/{source.name} by `make rules`. Change that one.",
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


if __name__ == "__main__":
    main()
