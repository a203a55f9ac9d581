"""
The commands of README and docs/installation.md, as an ordinary user types them on a bare system.

That is Debian 12, and a newer one with a Python of Ubuntu's. `make test` is run as a whole on the first, which takes
half an hour on two cores: `-k "not bare"` leaves this file out.
"""

import os
import re
import signal
import urllib.request
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.checkout import CHECKOUT, LOGS, add_checkout, start
from tests.deploy.heavy.machine import Machine, machine
from tests.deploy.heavy.programs import ROOT, wait_until

NEEDS = ("debootstrap", "unshare")
TEST_SECONDS = 5400
FREE_PORT = "export BRAZE_CDI_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:0\n"
"""The network is this machine's, where somebody may have a demo of his own."""
CONFIG = """
workspaces:
  - name: production
    rest_endpoint: http://127.0.0.1:9
    api_key: not-a-real-key
    discovery: {enabled: true}
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def server(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with what the README asks for and a checkout that is not root's."""
    with machine(base_system(request.param, "python3 python3-venv make git")) as own:
        add_checkout(own)
        yield own


def typed_under(page: str, heading: str) -> list[str]:
    """The commands of the first block of a terminal below *heading*."""
    block = (ROOT / page).read_text().partition(heading)[2].partition("```console\n")[2].partition("```")[0]
    return re.findall(r"^\$ (.+)$", block, re.MULTILINE)


def outside(server: Machine) -> set[str]:
    """Every file that was written since the system was made, other than in the checkout."""
    files = {str(path.relative_to(server.written)) for path in server.written.rglob("*") if not path.is_dir()}
    return {name for name in files if not name.startswith(f"{CHECKOUT}/")}


def test_make_demo_shows_the_page_and_ends_with_ctrl_c(server: Machine, tell: Callable[[str], None]) -> None:
    before, began, log = outside(server), monotonic(), LOGS / "make-demo.log"
    with start(server, f"{FREE_PORT}make demo", log) as demo:
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


@pytest.mark.parametrize("server", ["trixie"], indirect=True)
def test_the_quick_checks_pass_with_a_newer_python(server: Machine) -> None:
    log = LOGS / "make-lint-types.log"
    with start(server, "make lint types", log) as quick:
        code = quick.wait(1800)
    assert code == 0, log.read_text(errors="replace")[-8000:]


@pytest.mark.parametrize("server", ["bookworm"], indirect=True)
def test_make_test_passes_and_leaves_nothing_out(server: Machine, tell: Callable[[str], None]) -> None:
    before, began, log = outside(server), monotonic(), LOGS / "make-test.log"
    with start(server, "make test", log) as test:
        try:
            code = test.wait(TEST_SECONDS)
        finally:
            test.kill()
    said = log.read_text(errors="replace")
    assert code == 0, said[-8000:]
    assert "LEFT OUT" not in said
    passed = re.findall(r"^=* ?(\d+ passed.*?) in ", said, re.MULTILINE)
    assert len(passed) == 2, passed  # unit, live
    assert not [each for each in passed if "skipped" in each]
    assert outside(server) == before
    tell(f"make test on a bare Debian: {'; '.join(passed)}; {monotonic() - began:.0f} s")


@pytest.mark.parametrize(
    ("page", "heading"), [("README.md", "3. Install, check, run."), ("docs/installation.md", "## pip")]
)
def test_the_lines_of_an_installation_work_as_they_are_typed(server: Machine, page: str, heading: str) -> None:
    """But for the question to Braze, which is not here."""
    *install, check, daemon = (line.replace("--online ", "") for line in typed_under(page, heading))
    assert install[0].startswith("python3 -m venv venv")
    assert " check " in check
    (server.root / CHECKOUT / "config.yaml").write_text(CONFIG)
    log = LOGS / "installation.log"
    script = FREE_PORT + "\n".join(["rm -rf venv data", *install, check, f"exec timeout --signal=INT 20 {daemon}"])
    with start(server, script, log) as running:
        running.wait(900)
    said = log.read_text()
    assert "msg=listening" in said, said
    assert "msg=stopped" in said, said
