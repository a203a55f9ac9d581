"""The alert rules do what their cases say, each a timeline that Prometheus's own promtool evaluates."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.components import component
from tests.unit.deploy.problem_cases import cases
from tests.unit.deploy.test_rules import ALERTS, RULE_FILES, TEST_FILES


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda path: path.name)
def test_alerts_fire_stay_silent_and_resolve_as_they_should(file: Path) -> None:
    run = subprocess.run([component("promtool"), "test", "rules", file], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()


def test_every_kind_of_problem_fires_stays_silent_and_resolves_as_it_should(tmp_path: Path) -> None:
    file = tmp_path / "problems.test.yml"
    (rules,) = (each for each in RULE_FILES if each.stem.startswith("braze-cdi-integrations"))
    document = {"rule_files": [str(rules)], "evaluation_interval": "1m"}
    file.write_text(yaml.safe_dump({**document, "tests": list(cases(ALERTS))}, width=10_000))
    run = subprocess.run([component("promtool"), "test", "rules", file], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()
