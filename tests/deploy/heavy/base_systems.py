"""
Base systems by debootstrap: what stands in for a base image that cannot be pulled, and what systemd is booted in.

Decides what is in them, and that they are fetched once, from where debootstrap fetches by itself, and kept in
`.tools/deploy`, read-only by agreement.
"""

import shutil
from pathlib import Path

from tests.deploy.heavy.programs import CACHE, run

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def base_system(suite: str, packages: str, kind: str = "") -> Path:
    """The folder of a minimal Debian *suite* with *packages* (separated by commas), kept apart from other *kinds*."""
    system = CACHE / f"{suite}{kind}"
    complete = CACHE / f"{suite}{kind}.packages"
    if not (complete.exists() and complete.read_text() == packages):
        complete.unlink(missing_ok=True)
        shutil.rmtree(system, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={packages}", suite, system, limit=900)
        complete.write_text(packages)
    # Where this machine trusts an authority of its own, such as a proxy's, so must what is installed inside.
    shutil.copy(BUNDLE, system / BUNDLE.relative_to("/"))
    return system
