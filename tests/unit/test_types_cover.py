"""mypy is told about every folder with Python files: what it does not read can be broken without anyone noticing."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = {"build", "mutants"}
"""Copies that `make wheel-test` and `make mutants` leave behind."""


def test_mypy_reads_every_folder_with_python_files() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    folders = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")} - MADE
    # The wheel is tested in a copy without the package's source.
    assert folders | {"exporter"} == set(settings["packages"])
    assert settings["strict"] is True
