"""Each recipe names the job that the alerts look for and the exporter's own port, and the documents list it."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RECIPES = sorted((ROOT / "deploy" / "recipes").glob("[!R]*"))
WITHOUT_JOB = {"datadog.yaml", "telegraf.conf"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_scrapes_what_the_alerts_look_for(path: Path) -> None:
    text = path.read_text()
    if path.suffix in {".yaml", ".yml"}:
        assert yaml.safe_load(text)
    assert "127.0.0.1:10273" in text
    assert ('"braze-cdi-exporter"' in text or "job_name: braze-cdi-exporter" in text) != (path.name in WITHOUT_JOB)


def test_the_document_lists_each() -> None:
    document = (ROOT / "deploy" / "recipes" / "README.md").read_text()
    assert all(f"| `{path.name}` |" in document for path in RECIPES)
