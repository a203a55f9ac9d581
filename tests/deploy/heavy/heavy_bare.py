"""
The two commands of the README, as they are typed on a bare Debian 12 by an ordinary user.

`make test` is run as a whole, which takes half an hour on two cores: `-k "not bare"` leaves this out.
"""

import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.machine import Machine, machine
from tests.deploy.heavy.programs import ROOT, run, wait_until
from tests.deploy.heavy.registries import tell_apt, variables

NEEDS = ("debootstrap", "unshare")
USER = "somebody"
CHECKOUT = Path("home", USER, "checkout")
LOGS = ROOT / ".tools" / "deploy"
TEST_SECONDS = 5400


@pytest.fixture(scope="module")
def server() -> Iterator[Machine]:
    """A machine with what the README asks for and a checkout that is not root's."""
    with machine(base_system("bookworm", "python3,python3-venv,make,git,ca-certificates", kind="-bare")) as own:
        own.install(f"useradd --create-home --shell /bin/bash {USER}")
        tell_apt(own.root)
        # An installed Debian knows this name; debootstrap leaves it to the installer.
        (own.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        copy_checkout(own.root / CHECKOUT)
        own.install(f"chown --recursive {USER}:{USER} /home/{USER}")
        yield own


def copy_checkout(to: Path) -> None:
    """What a clone would hold, with the changes that are not committed yet."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    to.mkdir()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes((ROOT / name).read_bytes())
            (to / name).chmod((ROOT / name).stat().st_mode & 0o777)


def start(server: Machine, script: str, log: Path, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    # Not politely, as all else here: some of these tests wait for the real clock, and fail where others come first.
    command = server.as_user(USER, f"cd /{CHECKOUT}\n{script}", environ)
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def outside(server: Machine) -> set[str]:
    """Every file that was written since the system was made, other than in the checkout."""
    files = {str(path.relative_to(server.written)) for path in server.written.rglob("*") if not path.is_dir()}
    return {name for name in files if not Path(name).is_relative_to(CHECKOUT)}


def test_make_demo_shows_the_page_and_ends_with_ctrl_c(server: Machine, tell: Callable[[str], None]) -> None:
    before, began, log = outside(server), monotonic(), LOGS / "make-demo.log"
    with start(server, "make demo", log, variables()) as demo:
        try:
            wait_until(lambda: demo.poll() is not None or "msg=listening" in log.read_text(), limit=600, what="it runs")
            assert demo.poll() is None, log.read_text()
            tell(f"make demo listens after {monotonic() - began:.0f} s")
            (page,) = re.findall(r"^  status page +(\S+)$", log.read_text(), re.MULTILINE)
            with urllib.request.urlopen(page, timeout=10) as answer:
                assert b"<title>" in answer.read()
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(10)
        finally:
            demo.kill()
    assert "msg=stopped" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert outside(server) == before


def test_make_test_passes_and_leaves_nothing_out(server: Machine, tell: Callable[[str], None]) -> None:
    before, began, log = outside(server), monotonic(), LOGS / "make-test.log"
    with start(server, "make test", log, variables()) as test:
        try:
            code = test.wait(TEST_SECONDS)
        finally:
            test.kill()
    said = log.read_text(errors="replace")
    assert code == 0, said[-8000:]
    assert "LEFT OUT" not in said
    passed = re.findall(r"^=* ?(\d+ passed.*?) in ", said, re.MULTILINE)
    assert len(passed) == 4, passed  # unit, e2e, host, stack
    assert not [each for each in passed if "skipped" in each]
    assert outside(server) == before
    tell(f"make test on a bare Debian: {'; '.join(passed)}; {monotonic() - began:.0f} s")
