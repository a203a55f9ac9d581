"""Prometheus 3 for `make test-prometheus3`: the versions that the compose file starts, pinned by their hashes."""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
PINNED = ROOT / "tools" / "prometheus3"
GO_MOD, GO_SUM = (PINNED / "go.mod").read_text(), (PINNED / "go.sum").read_text()
PROJECTS = dict(re.findall(r"^\tgithub\.com/prometheus/(\w+) v(\S+)$", GO_MOD, re.MULTILINE))


def test_what_is_tested_is_what_the_compose_file_starts() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    started = {name: services[name]["image"].removeprefix(f"prom/{name}:v") for name in ("prometheus", "alertmanager")}
    # Prometheus 3.13.1 is v0.313.1 as a Go module.
    major, minor, patch = started["prometheus"].split(".")
    assert {**started, "prometheus": f"0.{int(major) * 100 + int(minor)}.{patch}"} == PROJECTS


def test_the_sources_have_hashes_and_nothing_else_is_pinned() -> None:
    pinned = {
        f"github.com/prometheus/{name} v{version}{what}"
        for name, version in PROJECTS.items()
        for what in ("", "/go.mod")
    }
    assert {line.rpartition(" h1:")[0] for line in GO_SUM.splitlines()} == pinned


def test_without_go_it_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    shutil.copytree(PINNED, tmp_path / "tools" / "prometheus3")
    script = shutil.copy(ROOT / "tools" / "build-prometheus3", tmp_path / "tools")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("awk", "bash", "cat", "dirname", "flock", "mkdir", "sha256sum"):
        (programs / name).symlink_to(shutil.which(name) or name)
    run = subprocess.run(
        [script], env={"PATH": str(programs), "HOME": "/"}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("build-prometheus3: go is not here, so NOTHING WAS BUILT AND NOTHING TESTED")
