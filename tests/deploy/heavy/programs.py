"""
What the heavy tests need of the machine, run and waited for with a limit on everything.

Decides that nothing is left out here: who asks for `make test-deploy` and lacks something is told what to install.
"""

import os
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".tools" / "deploy"
"""Base systems that took a minute to fetch. Everything else is made in a temporary folder and removed."""

PACKAGES = {
    "debootstrap": "debootstrap",
    "dpkg-deb": "dpkg",
    "dockerd": "docker.io",
    "docker-compose": "docker-compose",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "qemu-aarch64-static": "qemu-user-static",
}
"""Debian's package of each program that a module can name in its NEEDS."""
DOCKER = "/usr/bin/docker"
"""As Debian installs it; another one on PATH may lack what builds an image."""

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMAGE = f"braze-cdi-exporter:{VERSION}"
REVISION = "0123456789abcdef0123456789abcdef01234567"

Argument = str | Path


def require_machine(programs: Iterable[str]) -> None:
    if os.geteuid() != 0:
        pytest.exit("make test-deploy needs root: it makes base systems, runs dockerd and boots systemd", returncode=1)
    missing = sorted({PACKAGES[program] for program in programs if shutil.which(program) is None})
    if missing:
        pytest.exit(f"apt-get install --no-install-recommends {' '.join(missing)}", returncode=1)


def run(
    *command: Argument, limit: float = 60, environ: Mapping[str, str] | None = None, code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run *command* politely, for at most *limit* seconds, and expect exit code *code* (None: any)."""
    done = subprocess.run(
        ["nice", "-n", "10", *command],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    assert code is None or done.returncode == code, said
    return done


def wait_until(happened: Callable[[], object], *, limit: float, what: str) -> float:
    """Ask twice a second until *happened* gives something; return the seconds it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < limit, f"not within {limit:.0f} s: {what}"
        time.sleep(0.5)
    return time.monotonic() - began
