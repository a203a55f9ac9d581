"""The documents say what the code does: examples load, names exist, links lead somewhere."""

import re
import subprocess
from pathlib import Path

import promql_parser
import pytest

from exporter.config.load import load_config
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.self_metrics import SelfMetrics
from tests.components import component

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def metric_names() -> set[str]:
    self_metrics = SelfMetrics()
    self_metrics.prepare_workspace("any")
    return {family.name for family in CATALOGUE} | set(
        re.findall(r"^\w+", self_metrics.render(openmetrics=False).decode(), re.MULTILINE)
    )


def headings(document: Path) -> set[str]:
    """The anchors that the usual forges make of headings."""
    found = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_configuration_in_the_readme_loads(tmp_path: Path) -> None:
    (key,) = re.findall(r"api_key_file: (\S+)", README)
    (tmp_path / "key").write_text("not-a-real-key\n")
    (example,) = (each for each in examples("yaml") if "workspaces:" in each)
    (tmp_path / "config.yaml").write_text(example.replace(key, str(tmp_path / "key")))
    config = load_config(str(tmp_path / "config.yaml"), environ={})
    assert [each.settings.name for each in config.workspaces] == ["production"]
    assert [each.integration_name for each in config.workspaces[0].settings.integrations] == ["users", "purchases"]


def test_prometheus_takes_the_scrape_configuration_in_the_readme(tmp_path: Path) -> None:
    promtool = component("promtool")
    (example,) = (each for each in examples("yaml") if "scrape_configs:" in each)
    (tmp_path / "prometheus.yml").write_text(example)
    run = subprocess.run([promtool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


def test_every_metric_in_the_readme_exists() -> None:
    named = set(re.findall(r"\bbraze_cdi_\w+", README))
    assert named
    assert named <= metric_names()


def test_the_queries_in_the_readme_are_promql() -> None:
    (queries,) = examples("promql")
    for query in queries.splitlines():
        promql_parser.parse(query)


def test_every_make_target_in_a_document_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:`|\$ )make (?:[A-Z_]+=\S+ )?([a-z0-9-]+)", document.read_text())
    }
    assert {"demo", "test"} <= named <= targets


def test_the_readme_shows_the_two_commands() -> None:
    assert {"make demo", "make test"} <= {
        line.removeprefix("$ ") for each in examples("console") for line in each.splitlines()
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_heading_that_exist(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link
