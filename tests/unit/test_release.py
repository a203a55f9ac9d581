"""A tag releases what the files say, or nothing: versions agree, and the changelog has a dated section."""

import datetime as dt
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tools.release import NAMED, date_changelog, disagreements, home, linking_files, naming_files, notes

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
CHANGELOG = "# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0 - 2026-01-02\n\n### Added\n\n- Old.\n"


def test_all_files_name_the_version_of_the_package() -> None:
    assert [each for each in disagreements(VERSION) if "CHANGELOG" not in each] == []


def test_a_version_that_only_the_tag_has_names_each_file() -> None:
    problems = disagreements("99.0.0")
    assert f"pyproject.toml names {VERSION}" in problems
    assert f"Dockerfile names {VERSION}" in problems
    assert any("CHANGELOG.md has no section '## 99.0.0 - YYYY-MM-DD'" in each for each in problems)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ('version = "0.1.0"', "0.1.0"),
        ("ARG VERSION=1.2.3", "1.2.3"),
        ("image: registry.example.com/braze-cdi-exporter:0.1.0", "0.1.0"),
        ("$ gh attestation verify braze_cdi_exporter-0.1.0-py3-none-any.whl", "0.1.0"),
        ('appVersion: "0.1.0"', "0.1.0"),
        ("# apt install ./braze-cdi-exporter_0.1.0_amd64.deb", "0.1.0"),
        ("$ helm install --version 0.1.0", "0.1.0"),
        ("image: prom/prometheus:3.13.1", None),
        ("httpx==0.28.1", None),
        ("apiVersion: v1", None),
    ],
)
def test_only_our_own_version_is_found(line: str, version: str | None) -> None:
    found = NAMED.search(line)
    assert (found and found["version"]) == version


def test_the_notes_are_the_section_of_that_version() -> None:
    assert notes(CHANGELOG, "0.1.0") == "### Added\n\n- Old."


@pytest.mark.parametrize("changelog", [CHANGELOG, "## 0.2.0\n\n- Undated.\n", "## 0.2.0 - 2026-01-02\n\n## 0.1.0\n"])
def test_no_notes_without_a_dated_section_that_says_something(changelog: str) -> None:
    with pytest.raises(ValueError, match=r"no section '## 0\.2\.0"):
        notes(changelog, "0.2.0")


def test_preparing_dates_what_was_unreleased_and_leaves_a_place_for_the_next() -> None:
    dated = date_changelog(CHANGELOG, "0.2.0", dt.date(2026, 3, 4))
    assert notes(dated, "0.2.0") == "- New."
    assert "## Unreleased\n\n## 0.2.0 - 2026-03-04\n" in dated


def test_after_preparing_the_tag_can_be_released(tmp_path: Path) -> None:
    for path in [*naming_files(), ROOT / "CHANGELOG.md", ROOT / "tools" / "release.py"]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    tool = [sys.executable, str(tmp_path / "tools" / "release.py")]
    for call, code in [(["verify", "v0.7.0"], 1), (["prepare", "0.7.0"], 0), (["verify", "v0.7.0"], 0)]:
        run = subprocess.run([*tool, *call], capture_output=True, text=True, check=False)
        assert run.returncode == code, run.stderr
    assert 'version = "0.7.0"' in (tmp_path / "pyproject.toml").read_text()


LINK = re.compile(r"https?://[\w.-]+/[\w./-]*?(?=/(?:blob|tree|raw)/main/)")
"""The home of a project, in a link into its repository."""
FOREIGN = {"https://github.com/prometheus/exporter-toolkit", "https://forge.example.com/a/exporter"}


def test_every_link_into_the_project_begins_with_its_home() -> None:
    homes = {link: path for path in linking_files() for link in LINK.findall(path.read_text())}
    assert set(homes) - FOREIGN == {home()}
    owner = home().removeprefix("https://").rpartition("/")[0]
    named = re.compile(rf"https?://{re.escape(owner)}[\w./-]*")
    for path in linking_files():
        strange = [each for each in named.findall(path.read_text()) if not each.startswith(home())]
        assert strange == [], path


def test_no_other_file_links_there() -> None:
    linking = set(linking_files())
    others = (path for folder in ("tools", "benchmarks", ".github") for path in (ROOT / folder).rglob("*"))
    files = [path for path in others if path.is_file() and path.suffix != ".pyc"]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {"", ".md", ".yaml"}]
    assert [path for path in files if path not in linking and home().encode() in path.read_bytes()] == []


def test_a_project_that_moves_takes_its_links_along(tmp_path: Path) -> None:
    for path in [*linking_files(), ROOT / "tools" / "release.py"]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    new = "https://forge.example.com/new/home"
    subprocess.run([sys.executable, str(tmp_path / "tools" / "release.py"), "home", f"{new}/"], check=True)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and home() in path.read_text()]
    assert left == []
    assert f'home = "{new}"\n' in (tmp_path / "pyproject.toml").read_text()
    rules = (tmp_path / "deploy" / "prometheus" / "rules" / "braze-cdi-exporter.rules.yml").read_text()
    assert f"runbook_url: {new}/blob/main/docs/runbook.md#" in rules


WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
JOBS = WORKFLOW["jobs"]


def needed(job: str) -> set[str]:
    """All jobs that end well before *job* begins."""
    asked_for = JOBS[job].get("needs", [])
    direct = {asked_for} if isinstance(asked_for, str) else set(asked_for)
    return direct.union(*map(needed, direct))


def text_of(job: str) -> str:
    return str(JOBS[job]["steps"])


def test_only_a_version_tag_releases_and_its_check_comes_first() -> None:
    assert WORKFLOW[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    assert "tools/release.py verify" in text_of("verify")
    assert all("verify" in needed(job) for job in JOBS if job != "verify")


def test_both_platforms_are_built_on_one_base_pinned_by_its_digest() -> None:
    assert JOBS["verify"]["outputs"] == {"base": "${{ steps.base.outputs.base }}"}
    assert "tools/pin-base" in text_of("verify")
    (build,) = (each for each in JOBS["image"]["steps"] if "buildx build" in each.get("run", ""))
    assert build["env"]["BASE"] == "${{ needs.verify.outputs.base }}"
    assert '--build-arg BASE="$BASE"' in build["run"]
    assert {each["platform"] for each in JOBS["image"]["strategy"]["matrix"]["include"]} == {"amd64", "arm64"}


def test_nothing_is_published_before_everything_is_built() -> None:
    publishing = {job for job in JOBS if re.search(r"gh-action-pypi-publish|imagetools create|helm push", text_of(job))}
    assert publishing == {"publish-python", "publish-image", "publish-chart"}
    assert all({"build", "image"} <= needed(job) for job in publishing)
    assert publishing <= needed("announce")


def test_a_job_has_no_permission_that_it_does_not_use() -> None:
    uses = {
        "contents: read": r"actions/checkout",
        "contents: write": r"gh release create",
        "packages: write": r"docker login|helm registry login",
        "id-token: write": r"gh-action-pypi-publish|attest-build-provenance",
        "attestations: write": r"attest-build-provenance",
    }
    for name, job in JOBS.items():
        granted = {f"{scope}: {access}" for scope, access in job["permissions"].items()}
        assert granted == {each for each, used in uses.items() if re.search(used, text_of(name))}, name


def test_the_release_holds_the_attestation_and_all_that_it_is_about() -> None:
    (attested,) = (
        each["with"]["subject-path"].split() for each in JOBS["build"]["steps"] if each.get("id") == "attest"
    )
    (kept,) = (each["run"].split()[-1] for each in JOBS["build"]["steps"] if "bundle-path" in str(each.get("env")))
    uploads = next(each["run"] for each in JOBS["announce"]["steps"] if "run" in each).split()
    assert set(attested) <= set(uploads)
    assert any(Path(kept).match(each) for each in uploads)


def test_python_is_published_without_a_password() -> None:
    assert "password" not in text_of("publish-python")
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert JOBS["publish-python"]["environment"] == "pypi"
