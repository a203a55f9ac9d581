"""
Base systems by debootstrap: what stands in for a base image that cannot be pulled, and what systemd is booted in.

Decides what is in them, and that they are fetched once, from where debootstrap fetches by itself, and kept in
`.tools/deploy`, read-only by agreement. A suite is unpacked once for all tests; what a test needs besides is put into a
copy. Packages once fetched are kept even when a run ends half-way, so that the next one goes on from there.
"""

import shutil
from pathlib import Path

from tests.deploy.heavy.programs import CACHE, run

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
LIMIT = 1800
"""Half a minute on an idle machine; but whoever shares it with us may write to the same disk."""
UNSAFE = {"DPKG_FORCE": "unsafe-io", "DEBIAN_FRONTEND": "noninteractive"}
"""No wait for the disk at each file: a system that is cut off half-way is made anew."""


def base_system(suite: str, packages: str = "", platform: str = "") -> Path:
    """The folder of a minimal Debian *suite* with *packages* (separated by spaces), for this machine or *platform*."""
    system = CACHE / "-".join([suite, *platform.split(), *packages.split()])
    if not complete(system).exists():
        shutil.rmtree(system, ignore_errors=True)
        _install(system, suite, packages, platform) if packages else _unpack(system, suite, platform)
        complete(system).touch()
    # Where this machine trusts an authority of its own, such as a proxy's, so must what is installed inside.
    shutil.copy(BUNDLE, system / BUNDLE.relative_to("/"))
    return system


def complete(system: Path) -> Path:
    """The file that says that *system* was made to its end."""
    return system.with_name(f"{system.name}.complete")


def _unpack(system: Path, suite: str, platform: str) -> None:
    archive = CACHE / "packages"
    archive.mkdir(parents=True, exist_ok=True)
    options = ("--variant=minbase", f"--cache-dir={archive}", "--include=ca-certificates")
    foreign = (f"--arch={platform}",) if platform else ()
    run("debootstrap", *options, *foreign, suite, system, limit=LIMIT, environ=UNSAFE)


def _install(system: Path, suite: str, packages: str, platform: str) -> None:
    run("cp", "--archive", base_system(suite, platform=platform), system, limit=LIMIT)
    tell_apt(system)
    script = f"apt-get update -qq; apt-get install -qq --yes --no-install-recommends {packages}; apt-get clean"
    run("chroot", system, "sh", "-euc", script, limit=LIMIT, environ=UNSAFE)


def tell_apt(root: Path) -> None:
    """Let apt inside *root* fetch as apt does here; where from, debootstrap has told it already."""
    (root / "etc/apt/apt.conf.d/99outside").write_text(run("apt-config", "dump", "Acquire").stdout)
