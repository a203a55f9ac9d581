"""What a system lacks for `make` is named in the first line that is said."""

import re

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.checkout import LOGS, add_checkout, start
from tests.deploy.heavy.machine import machine

NEEDS = ("debootstrap", "unshare")
LACKING = [
    ("bookworm", "make", "demo", r"make: python3: No such file or directory"),
    ("bookworm", "python3 make", "demo", r"This Python comes without venv\. .*: apt-get install python3-venv"),
    # As Ubuntu 22.04's 3.10.
    ("bullseye", "python3 python3-venv make", "test", r"This needs Python 3\.11 or later; /usr/bin/python3 is 3\.9\."),
]


@pytest.mark.parametrize(("suite", "packages", "target", "first"), LACKING)
def test_what_is_missing_is_said_first(suite: str, packages: str, target: str, first: str) -> None:
    with machine(base_system(suite, packages)) as own:
        add_checkout(own)
        log = LOGS / "lacking.log"
        with start(own, f"make {target}", log) as made:
            assert made.wait(60) != 0
        said = log.read_text()
        assert re.match(first, said), said
