"""
Finds the real programs that some tests talk to: promtool, Prometheus, Alertmanager, amtool, nginx, chromium, kubectl,
systemd-analyze, mandoc, node.

It looks on PATH, then where tools/fetch-components unpacks them; COMPONENTS_FROM=checkout leaves PATH out. A test whose
component is missing is left out with a reason that the end of the run repeats; with CI=true it fails instead, so that
nothing is ever left out there.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

LEFT_OUT = "LEFT OUT:"
"""The first words of a reason, by which the end of the run finds it again."""

UNPACKED = Path(__file__).resolve().parent.parent / ".tools" / "components" / "bin"
OTHER_NAMES = {
    "alertmanager": "prometheus-alertmanager",  # as Debian calls it
    "chromium": "google-chrome",  # as its maker calls his own build
}


def find_component(name: str, environ: Mapping[str, str], unpacked: Path = UNPACKED) -> Path | None:
    """The program called *name* by its upstream project, or None where this machine has none."""
    if environ.get("COMPONENTS_FROM") == "checkout":
        places = str(unpacked)
    else:
        # Debian keeps servers in sbin, which an ordinary user's PATH leaves out.
        places = os.pathsep.join([environ.get("PATH", ""), "/usr/sbin", str(unpacked)])
    found = shutil.which(name, path=places) or shutil.which(OTHER_NAMES.get(name, name), path=places)
    return Path(found) if found else None


def component(name: str) -> Path:
    """
    The program *name*, for a test that cannot do without it.

    Without it the test ends here: left out at home, failed with CI=true.
    """
    found = find_component(name, os.environ)
    if found is None:
        leave_out(f"{name} is missing; tools/fetch-components fetches it")
    return found


def leave_out(reason: str) -> NoReturn:
    """End a test that this machine cannot run: left out at home, failed with CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; with CI=true nothing is left out")
    pytest.skip(f"{LEFT_OUT} {reason}")
