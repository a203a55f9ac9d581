"""Datadog's own OpenMetrics check, configured by the recipe, takes every sample of the demo."""

import json
import subprocess
from pathlib import Path

import httpx

from tests.e2e.command import wait_for
from tests.stack.demo_stack import demo
from tests.stack.programs import ROOT

PYTHON = ROOT / ".tools" / "roads" / "datadog" / "bin" / "python"
CHECK = """
import json, sys, yaml
from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.stubs import aggregator
instance = {**yaml.safe_load(open(sys.argv[1]))["instances"][0], "openmetrics_endpoint": sys.argv[2]}
error = OpenMetricsBaseCheckV2("openmetrics", {}, [instance]).run()
samples = [[each.name, each.tags] for name in aggregator.metric_names for each in aggregator.metrics(name)]
print(json.dumps({"error": error, "samples": samples}))
"""


def test_the_check_takes_every_sample_and_tags_no_metric_with_a_version_of_the_service(tmp_path: Path) -> None:
    with demo(tmp_path) as target:
        before = wait_for("polled integrations", lambda: _samples(target))
        recipe = str(ROOT / "deploy" / "recipes" / "datadog.yaml")
        command = [str(PYTHON), "-c", CHECK, recipe, f"http://{target}/metrics"]
        run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        after = _samples(target)
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["error"] == ""
    names = {name for name, _ in found["samples"]}
    assert {"braze_cdi.up", "braze_cdi.problem", "braze_cdi.syncs.count", "braze_cdi.exporter_build_info"} <= names
    # Learning adds some; histograms are counted in another way.
    assert 0.95 * before < len(found["samples"]) < 1.05 * after
    assert not [tag for _, tags in found["samples"] for tag in tags if tag.startswith("version:")]


def _samples(target: str) -> int:
    """How many the page holds; none before the first poll."""
    text = httpx.get(f"http://{target}/metrics", trust_env=False).text
    return len([line for line in text.splitlines() if not line.startswith("#")]) if "\nbraze_cdi_up{" in text else 0
