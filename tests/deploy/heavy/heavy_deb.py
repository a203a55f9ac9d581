"""The Debian package is built and installed in a bare Debian whose Python it is for, and removed without a trace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.machine import Machine, machine
from tests.deploy.heavy.programs import ROOT, VERSION, run

NEEDS = ("debootstrap", "dpkg-deb")
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""The release of Debian that has each version of Python."""
LEFT_OUT = (".venv", ".tools", ".git", "build", "dist", "*_cache", ".hypothesis", "__pycache__")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, tell: Callable[[str], None]) -> Path:
    """The package of this checkout, built twice to the same bytes."""
    source = tmp_path_factory.mktemp("deb") / "checkout"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    environ = {
        **os.environ,
        "PYTHON": sys.executable,
        "SOURCE_DATE_EPOCH": "1767225600",
        "PROJECT_EMAIL": "a@b.example",
    }
    wheel = [sys.executable, "-m", "hatchling", "build", "--directory", "dist/python"]
    subprocess.run(wheel, cwd=source, env=environ, check=True, timeout=300)
    made = []
    for _ in range(2):
        built = subprocess.run(
            ["tools/build-deb"], cwd=source, env=environ, check=True, timeout=600, capture_output=True, text=True
        )
        file = source / built.stdout.split()[-1]
        made.append(file.read_bytes())
    assert made[0] == made[1]
    tell(f"{file.name}: {len(made[0]) / 1e6:.1f} MB, built twice to the same bytes")
    return file


@pytest.fixture(scope="module")
def debian(package: Path) -> Iterator[Machine]:
    suite = SUITES.get(sys.version_info[:2])
    if suite is None:
        pytest.fail("no release of Debian has this Python: run it with one of SUITES")
    with machine(base_system(suite, "python3")) as own:
        shutil.copy(package, own.root / "root" / "exporter.deb")
        own.install("dpkg --install /root/exporter.deb")
        yield own


def inside(debian: Machine, script: str, code: int = 0) -> str:
    return run("chroot", debian.root, "bash", "-uc", script, code=code).stdout


def test_it_names_what_it_needs_and_who_made_it(package: Path) -> None:
    fields = run("dpkg-deb", "--field", package).stdout
    assert f"\nVersion: {VERSION}\n" in fields
    assert "\nMaintainer: The braze-cdi-exporter authors <a@b.example>\n" in fields
    major, minor = sys.version_info[:2]
    assert f"Depends: python3 (>= {major}.{minor}~), python3 (<< {major}.{minor + 1}~), ca-certificates\n" in fields


def test_the_command_works_and_needs_no_other_package(debian: Machine) -> None:
    assert inside(debian, "braze-cdi-exporter --version") == f"braze-cdi-exporter {VERSION}\n"
    inside(debian, "braze-cdi-exporter check --schema")
    refused = run("chroot", debian.root, "braze-cdi-exporter", "--config.file=/etc/missing.yaml", code=2)
    assert "/etc/missing.yaml: does not exist" in refused.stderr


def test_the_demo_runs_and_writes_nothing_that_dpkg_does_not_know_of(debian: Machine) -> None:
    script = "timeout --preserve-status 15 braze-cdi-exporter demo --web.listen-address 127.0.0.1:0"
    assert "A simulated Braze runs" in inside(debian, script)
    there = inside(debian, "find /usr/lib/braze-cdi-exporter -name '*.pyc'").splitlines()
    known = set(inside(debian, "dpkg --listfiles braze-cdi-exporter").splitlines())
    assert set(there) <= known


def test_nothing_is_compiled_at_each_start(debian: Machine) -> None:
    script = """
import os, sys
sys.path.insert(0, "/usr/lib/braze-cdi-exporter")
import exporter.app.daemon
files = {m.__file__: m.__cached__ for m in sys.modules.values() if getattr(m, "__cached__", None)}
ours = {file: cached for file, cached in files.items() if "/braze-cdi-exporter/" in file}
print(len(ours) > 100, [file for file, cached in ours.items() if not os.path.exists(cached)])
"""
    assert inside(debian, f"python3 -I -c '{script}'") == "True []\n"


def test_units_manual_page_and_completion_are_where_the_system_looks(debian: Machine) -> None:
    listed = inside(debian, "dpkg --listfiles braze-cdi-exporter").split()
    for path in (
        "/usr/lib/systemd/system/braze-cdi-exporter.service",
        "/usr/lib/systemd/system/braze-cdi-exporter.socket",
        "/usr/share/man/man1/braze-cdi-exporter.1.gz",
        "/usr/share/bash-completion/completions/braze-cdi-exporter",
        "/usr/share/doc/braze-cdi-exporter/copyright",
        "/usr/share/doc/braze-cdi-exporter/examples/config.yaml",
    ):
        assert path in listed
    unit = (debian.root / "usr/lib/systemd/system/braze-cdi-exporter.service").read_text()
    assert "ExecStart=/usr/bin/braze-cdi-exporter " in unit
    assert "/opt/" not in unit
    assert ".TH BRAZE" in inside(debian, "zcat /usr/share/man/man1/braze-cdi-exporter.1.gz")
    for completion in ("bash-completion/completions/braze-cdi-exporter", "zsh/vendor-completions/_braze-cdi-exporter"):
        assert "_BRAZE_CDI_EXPORTER_COMPLETE" in (debian.root / "usr/share" / completion).read_text()


def test_once_removed_nothing_is_left(debian: Machine) -> None:
    inside(debian, "dpkg --purge braze-cdi-exporter")
    assert inside(debian, "find / -xdev -name '*braze*' -not -path '/proc/*' -not -path '/var/log/*'") == ""
