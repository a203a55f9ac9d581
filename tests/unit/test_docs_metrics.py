"""docs/metrics.md lists the metrics that the code has, with their types and labels, and no others."""

import re
from pathlib import Path

from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.family import INTEGRATION_LABELS
from exporter.metrics.self_metrics import SelfMetrics
from tests.snapshots import read_families, read_series

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "metrics.md"

Metrics = dict[str, tuple[str, tuple[str, ...]]]
"""Name of the samples -> type and labels in their order."""


def documented() -> Metrics:
    found: Metrics = {}
    for line in DOCS.read_text().splitlines():
        if row := re.fullmatch(r"\| `(\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|", line):
            name, kind, labels = row.groups()
            words = [word.strip("` ") for word in labels.split(",") if word.strip()]
            assert name not in found, f"{name} is documented twice"
            found[name] = (
                kind,
                tuple(label for word in words for label in (INTEGRATION_LABELS if word == "I" else [word])),
            )
    return found


def implemented() -> Metrics:
    found: Metrics = {f.name: (str(f.kind), (*INTEGRATION_LABELS, *f.labels)) for f in CATALOGUE}
    self_metrics = SelfMetrics()
    found |= {i.name: (str(i.kind), i.labels) for i in self_metrics._instruments}
    for family in read_families(self_metrics.render(openmetrics=False), openmetrics=False):
        if family.name == "python_info":
            found[family.name] = family.type, tuple(sorted(family.samples[0].labels))
    return found


def test_every_metric_is_documented_with_its_type_and_labels_and_none_besides() -> None:
    assert documented() == implemented(), "docs/metrics.md has a row for each metric: name, type, labels, meaning"


def test_every_row_of_the_tables_was_understood() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(documented())


def test_what_prometheus_client_adds_is_documented() -> None:
    names = {name for name, _ in read_series(SelfMetrics().render(openmetrics=False))}
    undocumented = names - set(documented())
    assert undocumented
    assert all(name.startswith("process_") for name in undocumented)
    assert "`process_*`" in DOCS.read_text()


def test_every_metric_is_used_by_a_rule_or_a_dashboard_or_marked_for_ad_hoc_use() -> None:
    deployed = [*(ROOT / "deploy/prometheus/rules").glob("*.yml"), *(ROOT / "deploy/grafana/dashboards").glob("*.json")]
    used = {name for path in deployed for name in re.findall(r"\bbraze_cdi_\w+", path.read_text())}
    used |= {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    marked = set(re.findall(r"^\| `(\w+)` .*\*Ad-hoc use\*", DOCS.read_text(), re.MULTILINE))
    ours = {name for name in implemented() if name.startswith("braze_cdi_")}
    assert ours - used == marked, "docs/metrics.md marks by *Ad-hoc use* what no rule and no dashboard reads"
