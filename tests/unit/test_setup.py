"""What `make` says where it cannot work, in its first line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ON_MUSL = """
import platform, runpy, sys
platform.libc_ver = lambda: ("musl", "1.2")
sys.argv = ["setup.py", sys.argv[1]]
runpy.run_path("tools/setup.py", run_name="__main__")
"""
WITHOUT_VENV = """
import runpy, sys
sys.modules["ensurepip"] = None
sys.argv = ["setup.py", "run"]
runpy.run_path("tools/setup.py", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="musl is a library of Linux")
def test_checks_are_refused_on_alpine_before_anything_is_installed() -> None:
    command = [sys.executable, "-c", ON_MUSL, "dev"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("The checks need glibc")


def test_a_python_without_venv_is_refused_in_the_first_line(tmp_path: Path) -> None:
    for name in ("tools/setup.py", "pyproject.toml", "requirements"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_VENV], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == "This Python comes without venv. On Debian and Ubuntu: apt-get install python3-venv\n"
