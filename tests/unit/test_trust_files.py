"""The files that a security review and a contributor look for: valid by their schemas, pinned, without placeholders."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
SCHEMAS = [
    *(("github-workflows", path) for path in WORKFLOWS),
    *(("github-issue-forms", path) for path in FORMS),
    ("github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml"),
    ("dependabot", GITHUB / "dependabot.yml"),
]
TEXTS = [ROOT / "SECURITY.md", ROOT / "CODE_OF_CONDUCT.md", ROOT / "CONTRIBUTING.md", *GITHUB.rglob("*.*ml")]


@pytest.mark.parametrize(("schema", "path"), SCHEMAS, ids=lambda value: getattr(value, "name", value))
def test_the_forge_takes_the_file(schema: str, path: Path) -> None:
    checker = str(Path(sys.executable).parent / "check-jsonschema")
    command = [checker, "--builtin-schema", f"vendor.{schema}", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_every_job_to_its_permissions(path: Path) -> None:
    actions = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert actions
    for action, comment in actions:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), action
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name


def test_one_action_has_one_commit_in_all_workflows() -> None:
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+)@(\S+)", path.read_text())}
    assert len({action for action, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_placeholder_and_no_address_of_nobody_is_left(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"[\w.+-]+@[\w-]+\.(?:com|org|net|io)\b", text)
    assert not re.search(r"\b(?:TODO|FIXME|XXX|CHANGEME)\b|INSERT|your-org|example\.(?:com|org)", text)


def test_a_vulnerability_is_reported_in_private_and_never_by_an_issue() -> None:
    policy = (ROOT / "SECURITY.md").read_text()
    assert "Report a vulnerability" in policy
    assert "Do not open an issue" in policy
    assert "SECURITY.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_no_secrets_and_for_the_version(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert "No real API keys" in form["body"][0]["attributes"]["value"]
    assert "version" in {field.get("id") for field in form["body"]}


def test_dependabot_watches_every_kind_of_pin() -> None:
    watched = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    folders = {folder for each in watched for folder in each.get("directories", [each.get("directory")])}
    assert {"github-actions", "pip", "docker", "gomod", "cargo", "npm"} == {
        each["package-ecosystem"] for each in watched
    }
    assert folders == {"/", "/requirements", "/tools/grafana-drawing", "/tools/grafana-schema"} | {
        f"/{path.parent.relative_to(ROOT)}"
        for place in ("benchmarks", "tools")
        for name in ("go.mod", "Cargo.toml")
        for path in (ROOT / place).rglob(name)
    }
    for folder in folders:
        assert (ROOT / folder.lstrip("/")).is_dir()
