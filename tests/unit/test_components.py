import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import find_component

ROOT = Path(__file__).resolve().parents[2]

ONE_TEST = """
from tests.components import component

def test_needs_something():
    component("no-such-program")
"""


def program(place: Path, name: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_on_path_is_found_before_an_unpacked_one(tmp_path: Path) -> None:
    unpacked = program(tmp_path / "unpacked", "some-tool")
    on_path = program(tmp_path / "path", "some-tool")
    assert find_component("some-tool", {"PATH": str(on_path.parent)}, unpacked.parent) == on_path
    assert find_component("some-tool", {"PATH": ""}, unpacked.parent) == unpacked


def test_the_unpacked_program_can_be_asked_for(tmp_path: Path) -> None:
    unpacked = program(tmp_path / "unpacked", "some-tool")
    on_path = program(tmp_path / "path", "some-tool")
    environ = {"PATH": str(on_path.parent), "COMPONENTS_FROM": "checkout"}
    assert find_component("some-tool", environ, unpacked.parent) == unpacked
    assert find_component("other-tool", environ, unpacked.parent) is None


def test_alertmanager_is_found_under_debians_name(tmp_path: Path) -> None:
    debians = program(tmp_path, "prometheus-alertmanager")
    assert find_component("alertmanager", {"PATH": str(tmp_path)}, tmp_path / "none") == debians


@pytest.mark.parametrize(("ci", "code"), [("false", 0), ("true", 1)])
def test_a_missing_component_leaves_a_test_out_loudly_and_fails_it_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(ONE_TEST)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout
    said = "not everything was tested here" in run.stdout and "LEFT OUT: no-such-program is missing" in run.stdout
    assert said is (ci == "false")
